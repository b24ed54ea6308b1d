"use strict";
// Names come from files that may be hostile: nodes are built with text only, never with markup.
(() => {
  const ROWS = 100; // subjects drawn at once
  const ENTRIES = 100; // grants told of one cell
  const LETTERS = { get: "g", list: "l", watch: "w", create: "c", update: "u", patch: "p", delete: "d", deletecollection: "D" };
  const READS = ["get", "list", "watch"];
  const by = (id) => document.getElementById(id);
  const el = (tag, cls, ...children) => {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const list = (value) => (Array.isArray(value) ? value : []);
  const num = (n) => Number(n || 0).toLocaleString("en");

  const doc = JSON.parse(by("data").textContent);
  const matrix = doc.matrix || {};
  const columns = list(matrix.columns).map((c) => (c.group ? `${c.resource}.${c.group}` : c.resource));
  // In the heading a resource goes without its group, where that leaves no doubt.
  const plurals = list(matrix.columns).map((c) => c.resource);
  const heads = columns.map((full, n) => (plurals.indexOf(plurals[n]) === plurals.lastIndexOf(plurals[n]) ? plurals[n] : full));
  const subjectName = (s) => (s.namespace ? `${s.namespace}/${s.name}` : s.name);
  const refName = (r) => `${r.kind || ""} ${r.namespace ? `${r.namespace}/` : ""}${r.name || ""}`;
  const rows = list(matrix.rows).map((row) => {
    const cells = new Map();
    const words = [subjectName(row.subject), row.subject.kind];
    for (const cell of list(row.cells)) {
      const entries = list(cell.entries);
      const verbs = new Set(entries.flatMap((e) => list(e.verbs)));
      const power = verbs.has("*") ? "all" : [...verbs].some((v) => !READS.includes(v)) ? "write" : "read";
      cells.set(cell.column, { entries, verbs, power, part: !entries.some((e) => e.namespace === null) });
      for (const e of entries) words.push(refName(e.binding), refName(e.role));
    }
    return { subject: row.subject, cells, text: [...new Set(words)].join("\n").toLowerCase() };
  });

  let limit = ROWS;

  function theme() {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const root = document.documentElement;
    const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
    const label = () => by("theme").setAttribute("aria-label", `Switch to the ${dark() ? "light" : "dark"} theme`);
    by("theme").addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
    system.addEventListener("change", label);
    label();
  }

  function fill(id, values, names) {
    const select = by(id);
    select.append(el("option", "", "any"));
    select.firstChild.value = "";
    for (const value of values) {
      const option = el("option", "", names ? names[value] : value);
      option.value = value;
      select.append(option);
    }
    select.addEventListener("change", () => { limit = ROWS; draw(); });
  }

  function letters(verbs) {
    if (verbs.has("*")) return "*";
    const short = Object.keys(LETTERS).filter((v) => verbs.has(v)).map((v) => LETTERS[v]).join("");
    const other = [...verbs].filter((v) => !LETTERS[v]).sort();
    return [short, ...other].filter(Boolean).join("+");
  }

  function wanted() {
    const words = by("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = by("kind").value, home = by("namespace").value, power = by("power").value;
    const column = by("resource").value === "" ? -1 : Number(by("resource").value);
    return rows.filter((row) => {
      if (kind && row.subject.kind !== kind) return false;
      if (home && row.subject.namespace !== home) return false;
      if (!words.every((word) => row.text.includes(word))) return false;
      const cells = column >= 0 ? [row.cells.get(column)].filter(Boolean) : [...row.cells.values()];
      if (column >= 0 && !cells.length) return false;
      return !power || cells.some((cell) => cell.power === power || (power === "write" && cell.power === "all"));
    });
  }

  function detail(row, column, cell) {
    by("detail-title").replaceChildren(`${row.subject.kind} ${subjectName(row.subject)}: ${columns[column]}`);
    const told = cell.entries.slice(0, ENTRIES).map((e) => el("div", "entry",
      el("p", "", el("code", "", list(e.verbs).join(" ")), e.namespace === null ? " in the whole cluster" : " in namespace ", e.namespace === null ? "" : el("code", "", e.namespace), list(e.names).length ? ` named ${list(e.names).join(", ")}` : ""),
      el("p", "text", `by ${refName(e.binding)}, which grants ${refName(e.role)}`)));
    if (cell.entries.length > ENTRIES) told.push(el("p", "", `and ${num(cell.entries.length - ENTRIES)} more`));
    by("detail-body").replaceChildren(...told);
    by("detail").showModal();
  }

  function draw() {
    const found = wanted();
    const chosen = by("resource").value === "" ? -1 : Number(by("resource").value);
    const used = new Set(found.flatMap((row) => [...row.cells.keys()]));
    const shown = columns.map((_, n) => n).filter((n) => used.has(n));
    by("head").replaceChildren(el("th", "", "Subject"), ...shown.map((n) => {
      const th = el("th", n === chosen ? "on" : "", el("span", "text", heads[n]));
      th.scope = "col";
      th.title = columns[n];
      return th;
    }));
    by("body").replaceChildren(...found.slice(0, limit).map((row) => {
      const th = el("th", "", el("small", "", row.subject.kind), subjectName(row.subject));
      th.scope = "row";
      return el("tr", "", th, ...shown.map((n) => {
        const cell = row.cells.get(n);
        if (!cell) return el("td");
        const b = el("button", `${cell.power}${cell.part ? " part" : ""}`, letters(cell.verbs));
        b.type = "button";
        b.setAttribute("aria-label", `${subjectName(row.subject)} may ${[...cell.verbs].join(" ")} ${columns[n]}${cell.part ? " in some namespaces" : ""}`);
        b.addEventListener("click", () => detail(row, n, cell));
        return el("td", "", b);
      }));
    }));
    by("count").textContent = `${num(found.length)} of ${num(rows.length)} subjects`;
    by("more").hidden = found.length <= limit;
    by("more").textContent = `Show ${num(Math.min(ROWS, found.length - limit))} more of ${num(found.length - limit)}`;
    by("clear").hidden = !["search", "kind", "namespace", "resource", "power"].some((id) => by(id).value);
  }

  theme();
  fill("kind", [...new Set(rows.map((row) => row.subject.kind))].sort());
  fill("namespace", [...new Set(rows.map((row) => row.subject.namespace).filter(Boolean))].sort());
  fill("resource", columns.map((_, n) => String(n)), columns);
  fill("power", ["all", "write", "read"], { all: "do everything with it", write: "change it", read: "read it only" });
  by("headline").textContent = "Who may do what, and by which binding";
  const tool = doc.tool || {};
  by("foot").textContent = `Made by ${tool.name || "seawall"} ${tool.version || ""}. Rights by the groups of everyone stand in the row of the group.`;
  const problems = list(doc.problems);
  if (doc.complete !== true) {
    by("incomplete").hidden = false;
    by("incomplete").replaceChildren(el("h2", "", "This table is incomplete"), el("ul", "", ...problems.slice(0, 20).map((p) => el("li", "text", p))));
  }
  let waiting = 0;
  by("search").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { limit = ROWS; draw(); }, 120); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !["INPUT", "SELECT"].includes(document.activeElement.tagName)) { event.preventDefault(); by("search").focus(); }
  });
  by("clear").addEventListener("click", () => { for (const id of ["search", "kind", "namespace", "resource", "power"]) by(id).value = ""; limit = ROWS; draw(); });
  by("more").addEventListener("click", () => { limit += ROWS; draw(); });
  draw();
})();
