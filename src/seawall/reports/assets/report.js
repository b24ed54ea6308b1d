"use strict";
// Everything here comes from files that may be hostile: nodes are built with text only, never with markup.
(() => {
  const LEVELS = ["critical", "high", "medium", "low", "info"];
  const GROUPS = 200; // groups drawn at once
  const ROWS = 100; // findings drawn at once in a group
  const EXPAND = 2000; // findings that "Expand all" and printing may draw
  const SELECTS = ["namespace", "kind", "ruleScope", "status"];

  const by = (id) => document.getElementById(id);
  const el = (tag, cls, ...children) => {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const button = (cls, text, act) => {
    const node = el("button", cls, text);
    node.type = "button";
    node.addEventListener("click", act);
    return node;
  };
  const list = (value) => (Array.isArray(value) ? value : []);
  const num = (n) => Number(n || 0).toLocaleString("en");
  const count = (n, one, many) => `${num(n)} ${n === 1 ? one : many || `${one}s`}`;

  const doc = JSON.parse(by("data").textContent);
  const summary = doc.summary || {};
  const tool = doc.tool || {};
  const rules = doc.rules || {};
  const complete = summary.complete === true;

  const nameOf = (r) => `${r.kind || "Object"} ${r.namespace ? `${r.namespace}/` : ""}${r.name || ""}`;
  const placeOf = (l) => [l.file, l.line, l.line && l.column].filter(Boolean).join(":");
  const all = list(doc.findings).map((f) => {
    const rule = Object.hasOwn(rules, f.rule) ? rules[f.rule] : {};
    const r = f.resource || {};
    const places = list(f.locations);
    const place = places[0] || {};
    const level = LEVELS.includes(f.severity) ? LEVELS.indexOf(f.severity) : LEVELS.length - 1;
    const object = nameOf(r);
    const words = [f.message, f.rule, rule.title, object, r.cluster, f.fingerprint, ...list(rule.aliases)];
    for (const l of places) words.push(placeOf(l), l.path);
    return {
      f, rule, r, place, places, level, object,
      namespace: r.namespace || "", kind: r.kind || "", ruleScope: rule.scope || "", status: f.status || "open",
      text: words.filter(Boolean).join("\n").toLowerCase(),
    };
  });
  // Worst first, within every group.
  const risk = (x) => x.f.risk || 0;
  all.sort((a, b) => risk(b) - risk(a) || a.level - b.level);

  const KEYS = {
    object: (x) => [x.r.cluster, x.r.apiVersion, x.object].filter(Boolean).join(" "),
    rule: (x) => x.f.rule,
    namespace: (x) => x.namespace,
    file: (x) => x.place.file || "",
  };
  const TITLES = {
    object: (x) => [el("small", "", x.r.kind || "Object"), el("span", "text", x.object.slice(x.object.indexOf(" ") + 1))],
    rule: (x) => [el("span", "text", x.rule.title || x.f.rule), el("code", "", x.f.rule)],
    namespace: (x) => [el("span", "text", x.namespace || "No namespace")],
    file: (x) => [el("span", "text", x.place.file || "No file")],
  };

  const levels = new Set(); // empty: all are shown
  const toggled = new Map(); // groups that the reader opened or closed
  let grouping = "object";
  let limit = GROUPS;

  function theme() {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const root = document.documentElement;
    const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
    const label = () => by("theme").setAttribute("aria-label", `Switch to the ${dark() ? "light" : "dark"} theme`);
    by("theme").addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
    system.addEventListener("change", label);
    label();
  }

  function head() {
    const paths = list(doc.inputs).map((i) => (i.path === "-" ? "standard input" : i.path));
    const open = all.filter((x) => x.status === "open").length;
    by("headline").textContent = open ? `${count(open, "open finding")}, riskiest first` : "No open findings";
    document.title = `Seawall: ${count(open, "open finding")}${paths.length ? ` in ${paths[0]}` : ""}`;
    const fact = (name, value) => by("facts").append(el("div", "", el("dt", "", name), el("dd", "", value)));
    const few = paths.slice(0, 4).join(", ");
    if (paths.length) fact("Scanned", paths.length > 4 ? `${few} and ${num(paths.length - 4)} more` : few);
    if (summary.resources !== undefined) fact("Objects", num(summary.resources));
    if (summary.files !== undefined) fact("Files", num(summary.files));
    if (summary.kubernetesVersion) fact("Judged at Kubernetes", summary.kubernetesVersion);
    // The document holds no time, so that equal scans give equal reports; a file on disk has one.
    if (location.protocol === "file:") {
      const when = new Date(document.lastModified);
      fact("Report written", when.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }));
    }
    by("foot").textContent = [tool.name || "seawall", tool.version, "·", doc.schema].filter(Boolean).join(" ");
  }

  function banner() {
    if (complete) return;
    const reasons = list(doc.errors).map((e) => `${[e.source, e.where].filter(Boolean).join(":")}: ${e.message}`);
    for (const u of list(summary.unrendered)) reasons.push(`${u.path}: not judged, needs rendering (${u.what})`);
    for (const s of list(doc.statuses)) {
      if (s.state === "error" || s.state === "not-judged") reasons.push(`rule ${s.rule}: ${s.state}${s.reason ? `: ${s.reason}` : ""}`);
    }
    const why = reasons.length ? `${count(reasons.length, "thing")} could not be judged` : "not everything could be judged";
    const items = el("ul", "", ...reasons.slice(0, 50).map((reason) => el("li", "text", reason)));
    if (reasons.length > 50) items.append(el("li", "", `and ${num(reasons.length - 50)} more`));
    by("incomplete").append(el("h2", "", `This run is incomplete: ${why}`), items);
    by("incomplete").hidden = false;
  }

  function tiles() {
    for (const [index, level] of LEVELS.entries()) {
      const tile = button(`tile ${level}`, "", () => {
        if (!levels.delete(index)) levels.add(index);
        refresh();
      });
      tile.dataset.level = level;
      tile.append(el("b"), el("span", "", level));
      by("tiles").append(tile);
      by("bar").append(el("i", level));
    }
  }

  function paintTiles(counts) {
    const total = counts.reduce((a, b) => a + b, 0);
    for (const [index, tile] of [...by("tiles").children].entries()) {
      tile.setAttribute("aria-pressed", String(levels.has(index)));
      tile.classList.toggle("none", !counts[index]);
      tile.firstChild.textContent = num(counts[index]);
      const part = by("bar").children[index];
      part.hidden = !counts[index];
      part.style.flexGrow = String(counts[index]);
      part.title = `${num(counts[index])} ${LEVELS[index]}`;
    }
    by("bar").setAttribute("aria-label", total ? LEVELS.map((l, i) => `${num(counts[i])} ${l}`).join(", ") : "No findings");
  }

  function options(id, none) {
    const counts = new Map();
    for (const x of all) counts.set(x[id], (counts.get(x[id]) || 0) + 1);
    const select = by(id);
    select.append(new Option("All", ""));
    // "=" sets a value apart from "all", also where the value is empty.
    for (const value of [...counts.keys()].sort()) select.append(new Option(`${value || none} (${num(counts.get(value))})`, `=${value}`));
    select.addEventListener("change", refresh);
  }

  function defaults() {
    for (const id of SELECTS) by(id).value = "";
    // Only open findings count, so they are what is shown at first.
    if (all.some((x) => x.status === "open")) by("status").value = "=open";
    by("search").value = "";
    levels.clear();
  }

  function matching() {
    const words = by("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = SELECTS.map((id) => [id, by(id).value]).filter(([, value]) => value);
    return all.filter((x) => wanted.every(([id, value]) => `=${x[id]}` === value) && words.every((w) => x.text.includes(w)));
  }

  function controls(rule) {
    // Editions of a framework that name the same controls share their chips.
    const merged = new Map();
    for (const [name, ids] of Object.entries(rule.controls || {})) {
      const [, base, edition] = /^(.*?)-(\d[\d.]*)$/.exec(name) || [null, name, ""];
      const key = JSON.stringify([base, ids]);
      if (!merged.has(key)) merged.set(key, { base, editions: [], ids: list(ids) });
      if (edition) merged.get(key).editions.push(edition);
    }
    const name = (m) => [m.base, m.editions.join(", ")].filter(Boolean).join(" ");
    return [...merged.values()].flatMap((m) => m.ids.map((id) => el("span", "chip", el("small", "", name(m)), id)));
  }

  function body(x) {
    const box = el("div", "body");
    const part = (title, cls, ...content) => box.append(el("section", cls, el("h3", "", title), ...content));
    const code = (value) => el("code", "", typeof value === "string" ? value : JSON.stringify(value));
    if (x.rule.why) part("Why it matters", "", el("p", "", x.rule.why));
    if (x.rule.remediation) part("How to mend it", "do", el("p", "", x.rule.remediation));
    const fix = x.f.fix;
    const changes = fix ? list(fix.changes) : [];
    const step = (c) => el("p", "", { set: "Set ", add: "Add to ", remove: "Remove " }[c.op] || "", code(c.path), c.op === "remove" ? "" : ": ", c.op === "remove" ? "" : code(c.value));
    if (changes.length) part("Fix", "wide do", ...changes.map(step), ...(fix.caution ? [el("p", "", "Take care: ", fix.caution)] : []));
    const w = x.f.waiver;
    if (w) {
      const facts = [w.owner && `owner ${w.owner}`, w.expires && `until ${w.expires}`, w.source && `from ${w.source}`];
      part("Waiver", "wide", el("p", "text", [w.reason, ...facts].filter(Boolean).join(" · ")));
    }
    const fields = list(x.f.evidence).filter((e) => e.type === "field").map((e) => el("div", "field", ...field(e.path, e.value)));
    // A single field stands in the summary already.
    if (fields.length > 1) part("Evidence", "wide", ...fields);
    const made = list(x.f.evidence).find((e) => e.type === "rendered");
    if (made) {
      const facts = [made.tool, made.unit, made.hook && `hook ${made.hook}`, made.likely && "the first place is a good guess"];
      const keys = list(made.values).flatMap((key) => [" ", code(key)]);
      part("Rendered", "wide", el("p", "text", facts.filter(Boolean).join(" · ")), ...(keys.length ? [el("p", "", "Set by the values", ...keys)] : []));
    }
    const related = list(x.f.evidence).filter((e) => e.type === "resource");
    if (related.length) part("Related objects", "wide", el("ul", "", ...related.map((e) => el("li", "text", `${nameOf(e.resource || {})}${e.note ? `: ${e.note}` : ""}`))));
    for (const e of list(x.f.evidence).filter((e) => e.type === "permission-path")) {
      const steps = list(e.steps).map((step) => el("li", "", el("p", "text", `${step.subject || ""} ${step.how || ""}: ${step.target || ""}`),
        ...list(step.grants).map((g) => el("p", "text soft", `by ${nameOf(g.binding || {})}, ${nameOf(g.role || {})}${g.rule ? `: ${g.rule}` : ""}`))));
      part("Way, step by step", "wide", el("ol", "steps", ...steps));
    }
    if (x.places.length > 1) part("Places", "wide", el("ul", "", ...x.places.map((l) => el("li", "", code(placeOf(l)), " ", l.path ? code(l.path) : ""))));
    const chips = controls(x.rule);
    if (chips.length) part("Controls", "", el("div", "chips", ...chips));
    const aliases = list(x.rule.aliases);
    if (aliases.length) part("Also known as", "", el("div", "chips", ...aliases.map((a) => el("span", "chip", a))));
    const references = list(x.rule.references);
    if (references.length) part("References", "wide", el("ul", "", ...references.map((url) => el("li", "", reference(url)))));
    part("Object", "", el("p", "text", [x.object, x.r.apiVersion, x.r.cluster && `cluster ${x.r.cluster}`].filter(Boolean).join(" · ")));
    part("Risk and confidence", "", el("p", "", `${x.f.risk ?? "?"} of 100, ${x.f.confidence || "unknown"} confidence`), ...list(x.f.riskTerms).map((t) => el("p", "", `${t.name}: ${t.reason}`)));
    if (x.f.fingerprint) {
      const link = el("a", "", "Link to this finding");
      link.href = `#${x.f.fingerprint}`;
      part("Fingerprint", "wide", code(x.f.fingerprint), " ", link);
    }
    return box;
  }

  function reference(url) {
    // Anything else, such as javascript:, stays text.
    if (!/^https?:\/\//i.test(url)) return el("span", "text", url);
    const link = el("a", "", url);
    link.href = url;
    link.rel = "noopener noreferrer";
    link.target = "_blank";
    return link;
  }

  function field(path, value) {
    const known = value !== null && value !== undefined;
    return [path ? el("code", "", path) : "", path && known ? el("span", "eq", "=") : "", known ? el("code", "", JSON.stringify(value)) : ""];
  }

  function row(x) {
    const box = el("details", `finding ${LEVELS[x.level]}`);
    if (x.status !== "open") box.classList.add(x.status === "waived" ? "waived" : "fixed");
    const what = el("div", "what", el("span", "text", x.f.message || x.rule.title || x.f.rule), grouping === "rule" ? "" : el("span", "rule", x.f.rule));
    if (x.status !== "open") what.append(el("span", "state", x.status));
    const where = el("div", "where", grouping === "object" ? "" : el("span", "text", x.object), el("span", "place text", placeOf(x.place)));
    const shown = list(x.f.evidence).find((e) => e.type === "field");
    const parts = shown ? field(shown.path || x.place.path, shown.value) : field(x.place.path);
    const main = el("div", "main", what, where, el("div", "field", ...parts));
    box.append(el("summary", "", el("span", "pill", LEVELS[x.level]), main));
    box.addEventListener("toggle", () => { if (box.open && box.children.length === 1) box.append(body(x)); });
    return box;
  }

  function fill(box, items, from) {
    box.append(...items.slice(from, from + ROWS).map(row));
    const left = items.length - from - ROWS;
    if (left > 0) {
      const more = button("more", `Show ${num(Math.min(ROWS, left))} more of ${num(left)}`, () => { more.remove(); fill(box, items, from + ROWS); });
      box.append(more);
    }
  }

  function group(g, open) {
    const dots = el("span", "dots");
    for (const [index, n] of g.counts.entries()) {
      if (!n) continue;
      const dot = el("span", LEVELS[index], el("i"), num(n), el("span", "sr", ` ${LEVELS[index]}`));
      dot.title = `${num(n)} ${LEVELS[index]}`;
      dots.append(dot);
    }
    const badge = el("span", "badge", num(g.items.length), el("span", "sr", g.items.length === 1 ? " finding" : " findings"));
    const head = el("summary", "", el("span", "name", ...TITLES[grouping](g.items[0])), dots, badge);
    const box = el("details", "group", head);
    const need = () => { if (box.children.length === 1) fill(box, g.items, 0); };
    head.addEventListener("click", () => toggled.set(g.key, !box.open));
    box.addEventListener("toggle", () => { if (box.open) need(); });
    // Filled at once and not on the toggle event, which comes too late for printing.
    box.reveal = () => { need(); box.open = true; return Math.min(g.items.length, ROWS); };
    if (open) box.reveal();
    return box;
  }

  function empty(hidden) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 64 40");
    svg.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M4 14c9 0 9 8 18.5 8s9.5-8 19-8 9.5 8 18.5 8M4 27c9 0 9 8 18.5 8s9.5-8 19-8 9.5 8 18.5 8");
    svg.append(path);
    const [title, hint] = hidden ? ["Nothing matches", "No finding fits this search and these filters."]
      : complete ? ["Calm seas", "Nothing was found in what was scanned."]
      : ["No findings so far", "Nothing was found in what could be judged, but this run is incomplete."];
    return el("div", "card empty", svg, el("strong", "", title), el("p", "", hint));
  }

  function refresh() { limit = GROUPS; draw(); }

  function draw() {
    const found = matching();
    const counts = LEVELS.map(() => 0);
    for (const x of found) counts[x.level] += 1;
    const key = KEYS[grouping];
    const groups = new Map();
    let total = 0;
    for (const x of found) {
      if (levels.size && !levels.has(x.level)) continue;
      const k = key(x);
      let g = groups.get(k);
      if (!g) groups.set(k, (g = { key: k, items: [], counts: LEVELS.map(() => 0) }));
      g.items.push(x);
      g.counts[x.level] += 1;
      total += 1;
    }
    const worse = (a, b) => LEVELS.reduce((order, _, i) => order || b.counts[i] - a.counts[i], 0);
    // The items of a group come in the order of all: its first is its riskiest.
    const riskier = (a, b) => risk(b.items[0]) - risk(a.items[0]);
    const sorted = [...groups.values()].sort((a, b) => riskier(a, b) || worse(a, b) || (a.key < b.key ? -1 : 1));
    paintTiles(counts);
    const byDefault = total <= 25 ? sorted.length : 1;
    const nodes = sorted.slice(0, limit).map((g, i) => group(g, toggled.get(g.key) ?? i < byDefault));
    by("groups").replaceChildren(...(nodes.length ? nodes : [empty(all.length > 0)]));
    by("more").hidden = sorted.length <= limit;
    by("more").textContent = `Show ${num(Math.min(GROUPS, sorted.length - limit))} more of ${count(sorted.length - limit, "group")}`;
    by("count").textContent = `${num(total)} of ${count(all.length, "finding")} in ${count(sorted.length, "group")}`;
    for (const id of SELECTS) by(id).classList.toggle("on", by(id).value !== "" && !(id === "status" && by(id).value === "=open"));
    by("clear").hidden = !(by("search").value || levels.size || document.querySelector("select.on"));
    by("expand").hidden = by("collapse").hidden = !nodes.length;
  }

  function reveal() {
    let rows = 0;
    for (const box of by("groups").children) if (rows < EXPAND && box.reveal) rows += box.reveal();
  }

  function coverage() {
    const items = [];
    const statuses = list(doc.statuses);
    const ran = statuses.filter((s) => s.state === "ok").length;
    if (statuses.length) items.push(el("li", "", `${count(ran, "rule")} of ${num(statuses.length)} ran`));
    const reasons = new Map();
    for (const s of statuses) {
      if (s.state === "ok") continue;
      const why = `${s.state}${s.reason ? `: ${s.reason}` : ""}`;
      reasons.set(why, [...(reasons.get(why) || []), s.rule]);
    }
    for (const [why, names] of reasons) {
      const chips = el("div", "chips", ...names.map((name) => el("span", "chip", name)));
      items.push(el("li", "", el("details", "", el("summary", "", `${count(names.length, "rule")} ${why}`), chips)));
    }
    if (summary.waived) items.push(el("li", "", `${count(summary.waived, "finding")} waived`));
    for (const [why, n] of Object.entries(summary.skipped || {})) items.push(el("li", "text", `${count(n, "file")} skipped: ${why}`));
    if (complete) for (const e of list(doc.errors).slice(0, 50)) items.push(el("li", "text", `${[e.source, e.where].filter(Boolean).join(":")}: ${e.message}`));
    by("coverage").hidden = !items.length;
    by("coverage").append(el("h2", "", "What was judged"), el("ul", "", ...items));
  }

  function follow() {
    // A link to one finding by its fingerprint.
    const wanted = location.hash.slice(1);
    if (!wanted || !all.some((x) => x.f.fingerprint === wanted)) return;
    defaults();
    by("status").value = "";
    by("search").value = wanted;
    refresh();
    const only = document.querySelector(".finding");
    if (only) only.open = true;
  }

  theme();
  head();
  banner();
  tiles();
  options("namespace", "no namespace");
  options("kind", "no kind");
  options("ruleScope", "no scope");
  options("status", "open");
  defaults();
  coverage();
  for (const choice of document.querySelectorAll("[data-group]")) {
    choice.addEventListener("click", () => {
      grouping = choice.dataset.group;
      for (const other of document.querySelectorAll("[data-group]")) other.setAttribute("aria-pressed", String(other === choice));
      toggled.clear();
      refresh();
    });
  }
  let timer = 0;
  by("search").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(refresh, 120); });
  by("clear").addEventListener("click", () => { defaults(); refresh(); by("search").focus(); });
  by("more").addEventListener("click", () => { limit += GROUPS; draw(); });
  by("expand").addEventListener("click", reveal);
  by("collapse").addEventListener("click", () => { for (const box of by("groups").children) box.open = false; });
  addEventListener("beforeprint", reveal);
  addEventListener("hashchange", follow);
  addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      by("search").focus();
      by("search").select();
    } else if (event.key === "Escape" && event.target === by("search") && by("search").value) {
      by("search").value = "";
      refresh();
    }
  });
  draw();
  follow();
})();
