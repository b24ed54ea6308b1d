"use strict";
(() => {
  const LEVELS = ["critical", "high", "medium", "low", "info"];
  const PAGE = 100;
  const doc = JSON.parse(document.getElementById("data").textContent);
  const rules = doc.rules || {};
  const by = (id) => document.getElementById(id);
  const make = (tag, cls, text) => {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const objectOf = (f) => `${f.resource.kind} ${f.resource.namespace ? f.resource.namespace + "/" : ""}${f.resource.name}`;
  const placeOf = (l) => (l ? `${l.file}:${l.line}:${l.column}` : "");
  const all = (doc.findings || []).map((f) => {
    const rule = rules[f.rule] || {};
    const place = f.locations[0];
    const words = [f.rule, rule.title, f.message, objectOf(f), f.resource.namespace, place && place.file, place && place.path];
    return { f, rule, place, text: words.concat(rule.aliases || []).filter(Boolean).join(" ").toLowerCase() };
  });
  const shown = new Set(LEVELS);
  let limit = PAGE;

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const setDark = (on) => document.documentElement.classList.toggle("dark", on);
  setDark(dark.matches);
  dark.addEventListener("change", (event) => setDark(event.matches));
  by("theme").addEventListener("click", () => setDark(!document.documentElement.classList.contains("dark")));

  const summary = doc.summary || {};
  by("scope").textContent = `${(doc.inputs || []).map((i) => i.path).join(", ")} · ${summary.resources} objects in ${summary.files} files · judged at Kubernetes ${summary.kubernetesVersion}`;
  const skipped = Object.entries(summary.skipped || {}).map(([why, n]) => `${n} ${why}`).join(", ");
  by("foot").textContent = `${doc.tool.name} ${doc.tool.version}${skipped ? ` · skipped files: ${skipped}` : ""}`;

  function banner() {
    if (summary.complete) return;
    const reasons = (doc.errors || []).map((e) => `${e.source}${e.where ? ":" + e.where : ""}: ${e.message}`);
    for (const u of summary.unrendered || []) reasons.push(`${u.path}: not judged: needs rendering (${u.what})`);
    for (const s of doc.statuses || []) {
      if (s.state === "error" || s.state === "not-judged") reasons.push(`rule ${s.rule}: ${s.state}: ${s.reason}`);
    }
    const box = by("incomplete");
    box.hidden = false;
    box.append(make("h2", "", "This run is incomplete: what is missing here was not judged"));
    const list = make("ul");
    for (const reason of reasons.slice(0, 50)) list.append(make("li", "", reason));
    if (reasons.length > 50) list.append(make("li", "", `${reasons.length - 50} more`));
    box.append(list);
  }

  function tiles() {
    for (const level of LEVELS) {
      const count = all.filter((x) => x.f.severity === level).length;
      const tile = make("button", `tile ${level}`);
      tile.type = "button";
      tile.dataset.level = level;
      tile.setAttribute("aria-pressed", "true");
      tile.append(make("b", "", String(count)), make("span", "", level));
      tile.addEventListener("click", () => {
        if (shown.has(level)) shown.delete(level); else shown.add(level);
        tile.setAttribute("aria-pressed", String(shown.has(level)));
        refresh();
      });
      by("tiles").append(tile);
      const part = make("i", level);
      part.style.flexGrow = String(count);
      by("bar").append(part);
    }
  }

  function options(id, values) {
    const select = by(id);
    select.append(new Option("all", ""));
    for (const value of [...new Set(values)].filter(Boolean).sort()) select.append(new Option(value, value));
    select.addEventListener("change", refresh);
  }

  function matching() {
    const words = by("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [ns, kind, scope, status] = ["namespace", "kind", "ruleScope", "status"].map((id) => by(id).value);
    return all.filter((x) => shown.has(x.f.severity) && (!ns || x.f.resource.namespace === ns) && (!kind || x.f.resource.kind === kind) &&
      (!scope || x.rule.scope === scope) && (!status || x.f.status === status) && words.every((w) => x.text.includes(w)));
  }

  const titles = {
    object: (x) => objectOf(x.f),
    rule: (x) => `${x.f.rule}: ${x.rule.title || ""}`,
    namespace: (x) => x.f.resource.namespace || "no namespace",
    file: (x) => (x.place ? x.place.file : "no file"),
  };

  function chips(values) {
    const box = make("span");
    for (const value of values) box.append(make("span", "chip", value));
    return box;
  }

  function body(x) {
    const list = make("dl");
    const row = (name, content) => {
      const value = make("dd");
      value.append(content);
      list.append(make("dt", "", name), value);
    };
    if (x.rule.why) row("Why", x.rule.why);
    if (x.rule.remediation) row("How to mend", x.rule.remediation);
    if (x.f.waiver) row("Waived", `${x.f.waiver.reason} (${x.f.waiver.source})`);
    for (const e of x.f.evidence || []) {
      if (e.type === "field" && e.value !== null && e.value !== undefined) row("Value", make("code", "", JSON.stringify(e.value)));
    }
    const controls = Object.entries(x.rule.controls || {}).flatMap(([name, ids]) => ids.map((id) => `${name} ${id}`));
    if (controls.length) row("Controls", chips(controls));
    if ((x.rule.aliases || []).length) row("Elsewhere", chips(x.rule.aliases));
    for (const url of x.rule.references || []) {
      const link = make("a", "", url);
      if (/^https:\/\//.test(url)) link.href = url;
      link.rel = "noreferrer";
      row("Reference", link);
    }
    row("Risk", `${x.f.risk} of 100, confidence ${x.f.confidence}`);
    row("Fingerprint", make("code", "", x.f.fingerprint));
    return list;
  }

  function finding(x) {
    const box = make("details", `finding ${x.f.severity} ${x.f.status}`);
    const head = make("summary");
    const what = make("span", "what", x.f.message);
    what.append(" ", make("code", "", x.f.rule));
    head.append(make("span", "pill", x.f.severity), what, make("span", "place", by("group").value === "object" ? placeOf(x.place) : `${objectOf(x.f)} · ${placeOf(x.place)}`));
    if (x.place && x.place.path) head.append(make("code", "", x.place.path));
    box.append(head);
    box.addEventListener("toggle", () => { if (box.open && box.children.length === 1) box.append(body(x)); });
    return box;
  }

  function group(title, items, open) {
    const box = make("details", "group");
    const head = make("summary");
    const dots = make("span", "dots");
    for (const level of LEVELS) {
      const count = items.filter((x) => x.f.severity === level).length;
      if (count) dots.append(make("span", `pill ${level}`, `${count} ${level}`));
    }
    head.append(make("span", "", title), make("small", "", `${items.length}`), dots);
    box.append(head);
    const fill = (from) => {
      for (const x of items.slice(from, from + PAGE)) box.append(finding(x));
      if (items.length > from + PAGE) {
        const more = make("button", "", `Show ${Math.min(PAGE, items.length - from - PAGE)} more`);
        more.type = "button";
        more.addEventListener("click", () => { more.remove(); fill(from + PAGE); });
        box.append(more);
      }
    };
    box.addEventListener("toggle", () => { if (box.open && box.children.length === 1) fill(0); });
    box.open = open;
    return box;
  }

  function refresh() { limit = PAGE; draw(); }

  function draw() {
    const found = matching();
    const title = titles[by("group").value];
    const groups = new Map();
    for (const x of found) {
      const key = title(x);
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(x);
    }
    by("count").textContent = `${found.length} of ${all.length} findings in ${groups.size} groups`;
    const nodes = [...groups].slice(0, limit).map(([key, items], index) => group(key, items, index < 3));
    if (!nodes.length) nodes.push(make("p", "empty", all.length ? "Nothing matches: loosen the filters." : summary.complete ? "Nothing was found. Well done." : "Nothing was found in what could be judged."));
    by("groups").replaceChildren(...nodes);
    by("more").hidden = groups.size <= limit;
  }

  banner();
  tiles();
  options("namespace", all.map((x) => x.f.resource.namespace));
  options("kind", all.map((x) => x.f.resource.kind));
  options("ruleScope", all.map((x) => x.rule.scope));
  options("status", all.map((x) => x.f.status));
  by("group").addEventListener("change", refresh);
  by("more").addEventListener("click", () => { limit += PAGE; draw(); });
  let timer = 0;
  by("search").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(refresh, 120); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== by("search")) { event.preventDefault(); by("search").focus(); }
  });
  draw();
})();
