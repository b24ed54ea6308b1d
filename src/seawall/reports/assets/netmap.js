"use strict";
// Everything here comes from files that may be hostile: nodes are built with text only, never with markup.
(() => {
  const CHIPS = 12; // workloads shown of a namespace until it is opened
  const EDGES = 90; // edges drawn at once; past this only those of what is chosen
  const LINES = 200; // lines of a list drawn at once
  const SVG = "http://www.w3.org/2000/svg";
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
  const num = (n) => Number(n || 0).toLocaleString("en");
  const count = (n, one, many) => `${num(n)} ${n === 1 ? one : many || `${one}s`}`;

  const doc = JSON.parse(by("data").textContent);
  const { ends, rows, of, ports, namespaces } = doc;
  const WORLD = namespaces.length; // the area of everything that is in no namespace
  const areaOf = ends.map((end) => (end.type === "workload" ? end.ns : WORLD));
  const nameOf = (area) => (area === WORLD ? "Outside" : namespaces[area]);
  const exposed = new Map();
  for (const each of doc.exposures) {
    if (each.end < 0) continue;
    if (!exposed.has(each.end)) exposed.set(each.end, []);
    exposed.get(each.end).push(each);
  }
  const tone = (i) => {
    const end = ends[i];
    if (end.type !== "workload") return "";
    const ways = (exposed.get(i) || []).filter((way) => way.open !== "no");
    const outside = end.from === "all" ? "open" : end.from === "some" || ways.length ? "some" : "";
    return [outside, end.in.length || end.out.length ? "" : "free", end.host ? "host" : ""].filter(Boolean).join(" ");
  };

  // What is shown: search, kind of workload, port.
  const state = { query: "", show: "all", port: "", chosen: null, opened: new Set() };
  const portList = ports.map((text) => ({ text, ranges: parse(text) }));
  function parse(text) {
    if (text === "All Connections") return null;
    const found = [];
    let protocol = "";
    for (const part of text.split(",")) {
      const words = part.split(" ");
      if (words.length > 1) protocol = words[0];
      const [first, last] = words[words.length - 1].split("-").map(Number);
      found.push([protocol, first, last || first]);
    }
    return found;
  }
  const covers = (on) => {
    if (!state.port) return true;
    const { ranges } = portList[on];
    const [protocol, number] = state.port.split(" ");
    return !ranges || ranges.some(([p, a, b]) => p === protocol && a <= Number(number) && Number(number) <= b);
  };
  const shown = (i) => {
    const end = ends[i];
    if (end.type !== "workload") return true;
    if (state.query && !`${end.label}`.toLowerCase().includes(state.query)) return false;
    if (state.show === "outside") return /open|some/.test(tone(i));
    if (state.show === "free") return !end.in.length && !end.out.length;
    return state.show !== "host" || end.host;
  };
  const visit = (row, act) => {
    for (let k = 0; k < row.length; k += 3) {
      if (covers(row[k])) for (let t = row[k + 1]; t < row[k + 1] + row[k + 2]; t += 1) act(t, row[k]);
    }
  };

  // Edges between areas: how many pairs. Rows are counted once, however many sources share one.
  function edges(visible) {
    const found = new Map();
    const perRow = new Map();
    for (let s = 0; s < ends.length; s += 1) {
      if (of[s] < 0 || !visible[s]) continue;
      let counted = perRow.get(of[s]);
      if (!counted) {
        counted = new Map();
        visit(rows[of[s]], (t) => { if (visible[t]) counted.set(areaOf[t], (counted.get(areaOf[t]) || 0) + 1); });
        perRow.set(of[s], counted);
      }
      for (const [area, pairs] of counted) {
        const key = areaOf[s] * (WORLD + 1) + area;
        found.set(key, (found.get(key) || 0) + pairs);
      }
    }
    return [...found].map(([key, pairs]) => ({ from: Math.floor(key / (WORLD + 1)), to: key % (WORLD + 1), pairs }));
  }

  const boxes = new Map();
  let visible = [];
  let links = [];
  function draw() {
    visible = ends.map((_, i) => shown(i));
    const areas = by("areas");
    areas.replaceChildren();
    boxes.clear();
    const members = Array.from({ length: WORLD + 1 }, () => []);
    ends.forEach((_, i) => { if (visible[i]) members[areaOf[i]].push(i); });
    const order = [WORLD, ...namespaces.map((_, i) => i)];
    for (const area of order) {
      if (!members[area].length) continue;
      const box = el("section", area === WORLD ? "area world" : "area");
      const unit = area === WORLD ? "range" : "workload";
      const title = button("title", "", () => choose({ area }));
      title.append(el("span", "name", nameOf(area)), el("small", "", count(members[area].length, unit)));
      const chips = el("div", "chips");
      const limit = state.opened.has(area) || members[area].length <= CHIPS + 1 ? members[area].length : CHIPS;
      for (const i of members[area].slice(0, limit)) chips.append(chip(i));
      if (limit < members[area].length) {
        chips.append(button("chip more", `${num(members[area].length - limit)} more`, () => { state.opened.add(area); draw(); }));
      }
      box.append(title, chips);
      box.dataset.area = area;
      areas.append(box);
      boxes.set(area, box);
    }
    links = edges(visible).filter((edge) => boxes.has(edge.from) && boxes.has(edge.to));
    by("count").textContent = summary(members);
    by("clear").hidden = !(state.query || state.port || state.show !== "all");
    mark();
    drawEdges();
  }
  function summary(members) {
    const workloads = members.slice(0, WORLD).reduce((sum, list) => sum + list.length, 0);
    const pairs = links.reduce((sum, edge) => sum + edge.pairs, 0);
    return `${count(workloads, "workload")}, ${count(pairs, "open pair")}`;
  }
  function chip(i) {
    const end = ends[i];
    const node = button(`chip ${tone(i)}`, end.type === "workload" ? end.name : end.label, () => choose({ end: i }));
    node.dataset.end = i;
    node.title = end.label;
    return node;
  }

  function concerned(edge) {
    const { chosen } = state;
    if (!chosen) return true;
    if (chosen.edge) return edge.from === chosen.edge.from && edge.to === chosen.edge.to;
    if (chosen.area !== undefined) return edge.from === chosen.area || edge.to === chosen.area;
    return chosen.touched.has(`${edge.from} ${edge.to}`);
  }
  function drawEdges() {
    const svg = by("edges");
    svg.replaceChildren(arrow());
    const frame = by("map").getBoundingClientRect();
    let list = links.filter((edge) => edge.from !== edge.to);
    if (list.length > EDGES || state.chosen) list = state.chosen ? list.filter(concerned) : [];
    by("foot").dataset.hidden = String(!state.chosen && links.length > EDGES);
    const places = new Map([...boxes].map(([area, box]) => [area, box.getBoundingClientRect()]));
    for (const edge of list) {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("d", curve(places.get(edge.from), places.get(edge.to), frame));
      path.setAttribute("stroke-width", String(1.5 + Math.min(3, Math.log2(edge.pairs + 1) / 3)));
      path.setAttribute("marker-end", "url(#arrow)");
      if (edge.from === WORLD) path.setAttribute("class", "outside");
      const title = document.createElementNS(SVG, "title");
      title.textContent = `${nameOf(edge.from)} to ${nameOf(edge.to)}: ${count(edge.pairs, "pair")}`;
      path.append(title);
      path.addEventListener("click", () => choose({ edge }));
      svg.append(path);
    }
    foot();
  }
  function arrow() {
    const marker = document.createElementNS(SVG, "marker");
    const sizes = { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 12, markerHeight: 12, markerUnits: "userSpaceOnUse", orient: "auto" };
    for (const [key, value] of Object.entries(sizes)) marker.setAttribute(key, String(value));
    const head = document.createElementNS(SVG, "path");
    head.setAttribute("d", "M0 0L8 4L0 8z");
    marker.append(head);
    const defs = document.createElementNS(SVG, "defs");
    defs.append(marker);
    return defs;
  }
  function curve(a, b, frame) {
    const middle = (r) => [r.left + r.width / 2 - frame.left, r.top + r.height / 2 - frame.top];
    const [ax, ay] = middle(a);
    const [bx, by_] = middle(b);
    const clip = (r, fx, fy, tx, ty) => {
      const dx = tx - fx, dy = ty - fy;
      const scale = Math.min(dx ? r.width / 2 / Math.abs(dx) : Infinity, dy ? r.height / 2 / Math.abs(dy) : Infinity, 1);
      return [fx + dx * scale, fy + dy * scale];
    };
    const [sx, sy] = clip(a, ax, ay, bx, by_);
    const [ex, ey] = clip(b, bx, by_, ax, ay);
    const length = Math.hypot(ex - sx, ey - sy) || 1;
    const bend = Math.min(40, length / 5);
    const nx = -(ey - sy) / length, ny = (ex - sx) / length;
    return `M${sx} ${sy}Q${(sx + ex) / 2 + nx * bend} ${(sy + ey) / 2 + ny * bend} ${ex} ${ey}`;
  }
  function mark() {
    const { chosen } = state;
    for (const [area, box] of boxes) {
      box.classList.toggle("chosen", Boolean(chosen && (chosen.area === area || (chosen.edge && (chosen.edge.from === area || chosen.edge.to === area)))));
    }
    for (const node of document.querySelectorAll(".chip[data-end]")) {
      node.classList.toggle("chosen", Boolean(chosen && String(chosen.end) === node.dataset.end));
    }
  }
  // The edges that one end has a part in.
  function touched(i) {
    const found = new Set();
    for (let s = 0; s < ends.length; s += 1) {
      if (of[s] < 0) continue;
      const row = rows[of[s]];
      for (let k = 0; k < row.length; k += 3) {
        if (!covers(row[k])) continue;
        if (s === i) for (let t = row[k + 1]; t < row[k + 1] + row[k + 2]; t += 1) found.add(`${areaOf[i]} ${areaOf[t]}`);
        else if (row[k + 1] <= i && i < row[k + 1] + row[k + 2]) found.add(`${areaOf[s]} ${areaOf[i]}`);
      }
    }
    return found;
  }
  function choose(what) {
    state.chosen = what.end === undefined ? what : { ...what, touched: touched(what.end) };
    mark();
    drawEdges();
    panel();
  }

  // The panel.
  function lines(items) {
    const list = el("ul");
    let from = 0;
    const more = () => {
      for (const item of items.slice(from, from + LINES)) list.append(item());
      from += LINES;
      if (from < items.length) {
        const next = el("li", "", button("", `${num(items.length - from)} more`, () => { next.remove(); more(); }));
        list.append(next);
      }
    };
    more();
    return list;
  }
  const line = (text, on, act) => () => el("li", "", button("name", text, act), el("span", "ports", on));
  function pairs(from, to) {
    const found = [];
    for (let s = 0; s < ends.length; s += 1) {
      if (of[s] < 0 || areaOf[s] !== from || !visible[s]) continue;
      visit(rows[of[s]], (t, on) => {
        if (areaOf[t] === to && visible[t] && t !== s) found.push(line(`${ends[s].label} → ${ends[t].label}`, ports[on], () => choose({ end: s })));
      });
    }
    return found;
  }
  function panel() {
    const box = by("panel");
    box.replaceChildren();
    const { chosen } = state;
    if (!chosen) return overview(box);
    box.append(button("plain close", "Close", () => { state.chosen = null; mark(); drawEdges(); panel(); }));
    if (chosen.edge) {
      const { from, to } = chosen.edge;
      const found = pairs(from, to);
      box.append(el("h2", "name", `${nameOf(from)} → ${nameOf(to)}`), el("p", "", count(found.length, "open pair")), lines(found));
    } else if (chosen.area !== undefined) area(box, chosen.area);
    else workload(box, chosen.end);
    box.scrollTop = 0;
    return undefined;
  }
  function area(box, number) {
    box.append(el("h2", "name", nameOf(number)));
    for (const [title, test] of [["Goes to", (e) => e.from === number], ["Is reached from", (e) => e.to === number]]) {
      const own = links.filter(test).sort((a, b) => b.pairs - a.pairs);
      const other = title === "Goes to" ? "to" : "from";
      box.append(el("h3", "", title), lines(own.map((edge) => line(edge.from === edge.to ? "itself" : nameOf(edge[other]), count(edge.pairs, "pair"), () => choose({ edge })))));
    }
  }
  function workload(box, i) {
    const end = ends[i];
    box.append(el("h2", "name", end.label));
    if (end.type === "workload") {
      if (end.host) box.append(el("p", "", "Its pods use their node's network: whether any policy holds them depends on the CNI."));
      const held = [...new Set([...end.in, ...end.out])].map((p) => () => el("li", "name", doc.policies[p]));
      box.append(el("h3", "", held.length ? "Held by" : "Held by no policy"), lines(held));
      const ways = (exposed.get(i) || []).map((way) => () => el("li", "", `${way.via}, open: ${way.open}`, el("span", "ports", [way.ports, way.note].filter(Boolean).join(" · "))));
      if (ways.length) box.append(el("h3", "", "Ways in from outside"), lines(ways));
    }
    const out = [];
    if (of[i] >= 0) visit(rows[of[i]], (t, on) => { if (t !== i) out.push(line(ends[t].label, ports[on], () => choose({ end: t }))); });
    const inn = [];
    for (let s = 0; s < ends.length; s += 1) {
      if (of[s] >= 0 && s !== i) {
        const row = rows[of[s]];
        for (let k = 0; k < row.length; k += 3) {
          if (row[k + 1] <= i && i < row[k + 1] + row[k + 2] && covers(row[k])) inn.push(line(ends[s].label, ports[row[k]], () => choose({ end: s })));
        }
      }
    }
    box.append(el("h3", "", `Reaches ${num(out.length)}`), lines(out), el("h3", "", `Reached by ${num(inn.length)}`), lines(inn));
  }
  function overview(box) {
    box.append(el("h2", "", "Choose an area, an edge or a workload"));
    const top = [...links].filter((e) => e.from !== e.to).sort((a, b) => b.pairs - a.pairs).slice(0, 40);
    box.append(el("h3", "", "Most open pairs"), lines(top.map((edge) => line(`${nameOf(edge.from)} → ${nameOf(edge.to)}`, count(edge.pairs, "pair"), () => choose({ edge })))));
    if (doc.notes.length) box.append(el("h3", "", "Notes"), lines(doc.notes.map((note) => () => el("li", "", note))));
  }

  // The page around it.
  function foot() {
    const hint = by("foot").dataset.hidden === "true" ? `${num(links.length)} edges are too many to draw at once: choose an area. ` : "";
    by("foot").textContent = `${hint}Seawall ${doc.tool.version}. This page loads nothing from elsewhere.`;
  }
  function page() {
    by("headline").textContent = doc.inputs.join(", ");
    by("enforcement").textContent = `Policies: ${doc.enforcement.state}. ${doc.enforcement.evidence.join("; ")}.`;
    const banner = by("incomplete");
    const missing = [...doc.reasons];
    if (doc.leftOut) missing.unshift(`${num(doc.leftOut)} ends are left out of the map; --format json has them all`);
    if (!doc.complete || missing.length) {
      banner.hidden = false;
      banner.append(el("strong", "", "The answer is incomplete."), lines(missing.map((reason) => () => el("li", "", reason))));
    }
    const select = by("port");
    select.append(new Option("any port", ""));
    const known = new Set();
    for (const { ranges } of portList) for (const [protocol, first, last] of ranges || []) if (first === last) known.add(`${protocol} ${first}`);
    for (const each of [...known].sort((a, b) => Number(a.split(" ")[1]) - Number(b.split(" ")[1]))) select.append(new Option(each, each));
  }
  const change = (key, read) => (event) => { state[key] = read(event.target); state.chosen = null; draw(); panel(); };
  by("search").addEventListener("input", change("query", (node) => node.value.trim().toLowerCase()));
  by("show").addEventListener("change", change("show", (node) => node.value));
  by("port").addEventListener("change", change("port", (node) => node.value));
  by("clear").addEventListener("click", () => {
    for (const id of ["search", "port"]) by(id).value = "";
    by("show").value = "all";
    Object.assign(state, { query: "", show: "all", port: "", chosen: null });
    draw();
    panel();
  });
  by("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT/.test(event.target.tagName)) { event.preventDefault(); by("search").focus(); }
    if (event.key === "Escape" && state.chosen) { state.chosen = null; mark(); drawEdges(); panel(); }
  });
  addEventListener("resize", drawEdges);
  page();
  draw();
  panel();
})();
