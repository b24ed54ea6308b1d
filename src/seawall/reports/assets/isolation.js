"use strict";
// Names come from files that may be hostile: nodes are built with text only, never with markup.
(() => {
  const ROWS = 120; // pictures drawn at once
  const ITEMS = 60; // things listed of one kind
  const by = (id) => document.getElementById(id);
  const el = (tag, cls, ...children) => {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const svg = (tag, attributes, ...children) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const list = (value) => (Array.isArray(value) ? value : []);
  const num = (n) => Number(n || 0).toLocaleString("en");
  const doc = JSON.parse(by("data").textContent);
  const total = doc.total || {};
  const rows = list(doc.rows).map((row) => ({
    ...row,
    text: [row.name, row.pool, ...list(row.workloads), ...list(row.tenants), ...list(row.secrets).map((s) => s.name), ...list(row.tokens).map((t) => t.account)].join("\n").toLowerCase(),
  }));
  let limit = ROWS;

  // An arc from the top, clockwise, of a share of a circle.
  function arc(radius, share) {
    const part = Math.min(share, 0.9999), angle = part * 2 * Math.PI - Math.PI / 2;
    return `M60 ${60 - radius}A${radius} ${radius} 0 ${part > 0.5 ? 1 : 0} 1 ${(60 + radius * Math.cos(angle)).toFixed(2)} ${(60 + radius * Math.sin(angle)).toFixed(2)}`;
  }

  function picture(row, size) {
    const shares = [
      ["secrets", list(row.secrets).length + Number(row.readable || 0), total.secrets],
      ["tokens", list(row.tokens).length, total.tokens],
      ["tenants", list(row.tenants).length, total.tenants],
      ["volumes", list(row.volumes).length, total.volumes],
    ];
    const node = svg("svg", { viewBox: "0 0 120 120", width: size, height: size, class: "picture", role: "img" });
    const told = shares.map(([name, part, whole]) => `${num(part)} of ${num(whole)} ${name}`).join(", ");
    node.append(svg("title", {}, `radius ${row.radius}: ${told}`));
    shares.forEach(([name, part, whole], n) => {
      const radius = 51 - n * 9;
      node.append(svg("circle", { cx: 60, cy: 60, r: radius, class: "track" }));
      if (part && whole) node.append(svg("path", { d: arc(radius, part / whole), class: `share ${name}` }));
    });
    if (list(row.cluster).length) node.append(svg("circle", { cx: 60, cy: 60, r: 58, class: "ring" }));
    node.append(svg("text", { x: 60, y: 60 }, String(row.radius)));
    return node;
  }

  function section(title, items, draw) {
    if (!items.length) return null;
    const shown = items.slice(0, ITEMS).map((item) => el("li", "", ...draw(item)));
    if (items.length > ITEMS) shown.push(el("li", "", `and ${num(items.length - ITEMS)} more`));
    return el("div", "", el("h3", "", `${title} (${num(items.length)})`), el("ul", "", ...shown));
  }

  function detail(row) {
    const named = (each) => [each.name, el("span", "", ` ${each.how}`)];
    const plain = (each) => [each];
    by("detail-title").replaceChildren(`What falls with ${row.name}`);
    by("detail-body").replaceChildren(...[
      picture(row, 150),
      section("The whole cluster", list(row.cluster), plain),
      section("Tokens", list(row.tokens), (t) => [t.account, el("span", "", ` ${[t.requested ? "the kubelet may ask for it" : "", t.admin, ...list(t.strong)].filter(Boolean).join("; ")}`)]),
      section("Secrets", list(row.secrets), named),
      row.readable ? el("p", "", `${num(row.readable)} more Secrets are read by these tokens${list(row.places).length ? `: all of ${list(row.places).join(", ").replace("*", "every namespace")}` : ""}.`) : null,
      section("Sensitive workloads", list(row.sensitive), named),
      section("Untrusted workloads", list(row.untrusted), named),
      section("Pods that take the node by their settings", list(row.escapes), named),
      section("Tenants", list(row.tenants), plain),
      section("Volumes", list(row.volumes), named),
      section("Roles of the cloud", list(row.roles), plain),
      section("Workloads", list(row.workloads), plain),
      section("Taints", list(row.taints), plain),
      row.kubelet ? el("p", "", el("b", "", "Kubelet: "), row.kubelet) : null,
    ].filter(Boolean));
    by("detail").showModal();
    by("detail").scrollTop = 0;
  }

  const SHOW = {
    mixed: ["sensitive beside untrusted", (row) => row.mixed],
    cluster: ["the cluster falls", (row) => list(row.cluster).length],
    untrusted: ["untrusted workloads", (row) => list(row.untrusted).length],
    sensitive: ["sensitive workloads", (row) => list(row.sensitive).length],
    escapes: ["pods that take the node", (row) => list(row.escapes).length],
  };

  function draw() {
    const words = by("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const pool = by("pool").value, what = by("what").value;
    const found = rows.filter((row) => (!pool || row.pool === pool) && (!what || SHOW[what][1](row)) && words.every((word) => row.text.includes(word)));
    by("rows").replaceChildren(...found.slice(0, limit).map((row) => {
      const tag = (cls, text) => el("i", cls, text);
      const tags = el("span", "tags", list(row.cluster).length ? tag("critical", "cluster") : null, row.mixed ? tag("high", "mixed") : null, list(row.sensitive).length ? tag("medium", "sensitive") : null, list(row.untrusted).length ? tag("low", "untrusted") : null);
      const button = el("button", list(row.cluster).length ? "falls" : "", picture(row, 120), el("b", "", row.name), el("small", "", `${num(row.pods)} pods, ${num(list(row.tenants).length)} tenants`), tags);
      button.type = "button";
      button.addEventListener("click", () => detail(row));
      return button;
    }));
    by("count").textContent = `${num(found.length)} of ${num(rows.length)} ${doc.by}s`;
    by("more").hidden = found.length <= limit;
    by("more").textContent = `Show ${num(Math.min(ROWS, found.length - limit))} more of ${num(found.length - limit)}`;
  }

  function fill(id, pairs) {
    for (const [value, text] of [["", "any"], ...pairs]) {
      const option = el("option", "", text);
      option.value = value;
      by(id).append(option);
    }
    by(id).addEventListener("change", () => { limit = ROWS; draw(); });
  }

  const system = matchMedia("(prefers-color-scheme: dark)"), root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const label = () => by("theme").setAttribute("aria-label", `Switch to the ${dark() ? "light" : "dark"} theme`);
  by("theme").addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
  label();

  by("headline").textContent = `What falls with each ${doc.by}`;
  const figure = (value, text, bad) => el("div", bad && value ? "bad" : "", el("b", "", num(value)), el("span", "", text));
  by("figures").append(
    figure(total.nodes, "nodes"), figure(total.clusterNodes, "with which the cluster falls", true),
    figure(total.mixed, "with sensitive beside untrusted", true), figure(total.worst, "worst radius"), figure(total.mean, "mean radius"),
    figure(total.exposedSecrets, "Secrets beside untrusted workloads", true), figure(total.exposedTokens, "tokens beside them"),
  );
  by("notes").append(...list(doc.notes).map((note) => el("li", "text", note)));
  fill("pool", [...new Set(rows.map((row) => row.pool).filter(Boolean))].sort().map((pool) => [pool, pool]));
  fill("what", Object.entries(SHOW).map(([value, [text]]) => [value, text]));
  if (doc.complete !== true) {
    by("incomplete").hidden = false;
    by("incomplete").replaceChildren(el("h2", "", "This page is incomplete"), el("ul", "", ...list(doc.problems).slice(0, 20).map((p) => el("li", "text", p))));
  }
  const tool = doc.tool || {};
  by("foot").textContent = `Made by ${tool.name || "seawall"} ${tool.version || ""}. A radius is the weighted share of Secrets (4), tokens (3), tenants (2) and volumes (1) of the estate, and 100 where the whole cluster falls.`;
  let waiting = 0;
  by("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { limit = ROWS; draw(); }, 120); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !["INPUT", "SELECT"].includes(document.activeElement.tagName)) { event.preventDefault(); by("search").focus(); }
  });
  by("more").addEventListener("click", () => { limit += ROWS; draw(); });
  draw();
})();
