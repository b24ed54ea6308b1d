"use strict";
// Everything here comes from files that may be hostile: nodes are built with text only, never with markup.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const SIDE = 14; // neighbours drawn at once on each side of a place
  const by = (id) => document.getElementById(id);
  const el = (tag, cls, ...children) => {
    const node = document.createElement(tag);
    if (cls) node.className = cls;
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  };
  const svg = (tag, cls, attributes, ...children) => {
    const node = document.createElementNS(SVG, tag);
    if (cls) node.setAttribute("class", cls);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
    node.append(...children);
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
  const { graph } = doc;
  const KINDS = ["outside", "endpoint", "container", "workload", "identity", "permission", "namespace", "node", "volume", "secret", "image", "cloud-identity", "cluster-admin"];
  const kindOf = (place) => graph.kinds[place[0]];
  const nameOf = (place) => (place[2] === "*" && kindOf(place) === "node" ? "any node" : place[2] || (kindOf(place) === "node" ? "a node that is not known" : kindOf(place)));
  const full = (place) => {
    const [kind, name] = [kindOf(place), nameOf(place)];
    if (kind === "permission") return place[1] ? `${name} in ${place[1]}` : name;
    return name === kind || name.startsWith("a") && kind === "node" && /node/.test(name) ? name : `${kind} ${place[1] ? `${place[1]}/` : ""}${name}`;
  };
  // In a box the kind of the object stands in the second line: Deployment/web/app is "web/app", an account its name.
  const brief = (place) => {
    const parts = nameOf(place).split(/[/ ]/);
    if (["container", "workload", "endpoint"].includes(kindOf(place))) return [parts.slice(1).join("/"), `${kindOf(place)}, ${parts[0]}`];
    if (kindOf(place) === "identity") return [nameOf(place).slice(parts[0].length + 1), parts[0]];
    return [nameOf(place), kindOf(place)];
  };
  const out = graph.places.map(() => []);
  const into = graph.places.map(() => []);
  graph.steps.forEach((step, number) => {
    out[step[0]].push(number);
    into[step[1]].push(number);
  });
  const state = { tab: doc.question === "chokepoints" ? "mend" : "paths", query: "", kind: "", place: -1, step: -1 };

  // Drawing: a box for a place, a curve for a step.
  const press = (node, act) => {
    node.setAttribute("tabindex", "0");
    node.setAttribute("role", "button");
    node.addEventListener("click", act);
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); act(); }
    });
    return node;
  };
  const cut = (text, width, each = 7.3) => {
    const most = Math.max(6, Math.floor(width / each));
    return text.length > most ? `…${text.slice(1 - most)}` : text;
  };
  function box(number, x, y, width) {
    const place = graph.places[number];
    const node = svg("g", `place ${kindOf(place)}${state.place === number ? " chosen" : ""}`, { "aria-label": full(place) });
    const [word, sort] = brief(place);
    const where = place[1] ? `${sort} in ${place[1]}` : sort;
    const name = svg("text", "", { x: x + 14, y: y + 19 });
    name.textContent = cut(word, width - 22);
    const small = svg("text", "small", { x: x + 14, y: y + 34 });
    small.textContent = cut(where, width - 22, 6.3);
    const title = svg("title", "", {});
    title.textContent = full(place);
    node.append(title, svg("rect", "", { x, y, width, height: 42, rx: 8 }), svg("rect", "bar", { x, y: y + 7, width: 5, height: 28, rx: 2.5 }), name, small);
    return press(node, () => choose({ place: number, step: -1, tab: state.tab === "mend" ? "graph" : state.tab }));
  }
  function arrow(number, from, to, label) {
    const step = graph.steps[number];
    const [x1, y1, x2, y2, down] = [...from, ...to, label && label.down];
    const bend = down ? (y2 - y1) / 2 : (x2 - x1) / 2;
    const d = down ? `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2 - 5}` : `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 6} ${y2}`;
    const head = down ? `M${x2 - 4.5} ${y2 - 8}L${x2} ${y2}L${x2 + 4.5} ${y2 - 8}z` : `M${x2 - 8} ${y2 - 4.5}L${x2} ${y2}L${x2 - 8} ${y2 + 4.5}z`;
    const kind = graph.stepKinds[step[2]];
    const node = svg("g", `step${state.step === number ? " chosen" : ""}`, { "aria-label": `${kind.title}: ${full(graph.places[step[0]])} to ${full(graph.places[step[1]])}` });
    const title = svg("title", "", {});
    title.textContent = `${kind.id}: ${graph.words[step[3]]}`;
    node.append(title, svg("path", "", { d }), svg("path", "hit", { d }), svg("path", "arrow", { d: head }));
    if (label) {
      const text = svg("text", "", { x: label.x, y: label.y });
      if (label.middle) text.setAttribute("text-anchor", "middle");
      text.textContent = cut(kind.id, label.width, 6.4);
      node.append(text);
    }
    return press(node, () => choose({ step: number, place: -1 }));
  }

  // One path: a row that turns into the next line, or from top to bottom where it is narrow.
  function picture(path, width) {
    const narrow = width < 620;
    const [w, gapX, gapY] = narrow ? [width - 8, 0, 34] : [Math.max(160, (width - 8 - 2 * 126) / 3), 126, 40];
    const each = narrow ? 1 : Math.max(1, Math.floor((width - 8 + gapX) / (w + gapX)));
    const numbers = [graph.steps[path.steps[0]][0], ...path.steps.map((step) => graph.steps[step][1])];
    const at = numbers.map((_, i) => [4 + (i % each) * (w + gapX), 4 + Math.floor(i / each) * (42 + gapY)]);
    const height = 8 + Math.ceil(numbers.length / each) * (42 + gapY) - gapY;
    const root = svg("svg", "draw", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `path to ${full(graph.places[numbers[numbers.length - 1]])}` });
    path.steps.forEach((step, i) => {
      const [x1, y1] = at[i];
      const [x2, y2] = at[i + 1];
      if (y1 === y2) root.append(arrow(step, [x1 + w, y1 + 21], [x2, y2 + 21], { x: (x1 + w + x2) / 2, y: y1 + 14, width: gapX - 4, middle: true }));
      else if (narrow) root.append(arrow(step, [x1 + 24, y1 + 42], [x2 + 24, y2], { x: x1 + 36, y: y1 + 64, width: w - 40, down: true }));
      else root.append(arrow(step, [x1 + w / 2, y1 + 42], [x2 + w / 2, y2], { x: (x1 + x2 + w) / 2, y: y1 + 65, width: w, down: true, middle: true }));
    });
    numbers.forEach((number, i) => root.append(box(number, at[i][0], at[i][1], w)));
    return root;
  }
  function paths(view) {
    const wanted = doc.drawn.filter((path) => {
      const numbers = [graph.steps[path.steps[0]][0], ...path.steps.map((step) => graph.steps[step][1])];
      return numbers.some((number) => fits(graph.places[number]));
    });
    by("count").textContent = count(wanted.length, "path");
    if (!wanted.length) view.append(el("p", "nothing", doc.drawn.length ? "No path has such a place." : "No path leads from these entries to these targets."));
    for (const path of wanted) {
      const first = graph.places[graph.steps[path.steps[0]][0]];
      const last = graph.places[graph.steps[path.steps[path.steps.length - 1]][1]];
      const card = el("article", "path", el("h2", "name", `${full(first)} → ${full(last)}`), el("p", "", `${path.why}, ${count(path.steps.length, "step")}, likelihood ${path.likelihood.toFixed(2)}`));
      view.append(card);
      card.append(picture(path, Math.max(280, card.clientWidth - 28)));
    }
  }

  // The graph: one place in the middle, who leads there and where it leads.
  const fits = (place) => (!state.kind || kindOf(place) === state.kind) && (!state.query || full(place).toLowerCase().includes(state.query));
  function neighbours(view) {
    if (state.place < 0) return listing(view);
    const card = el("article", "path", el("h2", "name", full(graph.places[state.place])), el("p", "", `${count(into[state.place].length, "step")} to it, ${num(out[state.place].length)} from it. Choose a place to go there, a step for its evidence.`));
    view.append(card);
    const width = Math.max(280, card.clientWidth - 28);
    const narrow = width < 620;
    const w = narrow ? width - 48 : Math.min(250, (width - 150) / 3);
    const left = into[state.place].slice(0, SIDE);
    const right = out[state.place].slice(0, SIDE);
    const rows = narrow ? left.length + right.length + 1 : Math.max(left.length, right.length, 1);
    const root = svg("svg", "draw", { viewBox: `0 0 ${width} ${rows * 54 + 8}`, role: "group", "aria-label": "neighbours" });
    const top = (i, n) => 4 + (rows * 54 - n * 54) / 2 + i * 54;
    if (narrow) {
      const middle = 4 + left.length * 54;
      left.forEach((step, i) => root.append(arrow(step, [12, 4 + i * 54 + 42], [12, middle], { x: -999, y: 0, width: 0, down: true })));
      right.forEach((step, i) => root.append(arrow(step, [30, middle + 42], [30, middle + (i + 1) * 54], { x: -999, y: 0, width: 0, down: true })));
      left.forEach((step, i) => root.append(box(graph.steps[step][0], 4, 4 + i * 54, w)));
      root.append(box(state.place, 4, middle, width - 8));
      right.forEach((step, i) => root.append(box(graph.steps[step][1], 22, middle + (i + 1) * 54, w)));
    } else {
      const [a, b] = [(width - w) / 2, top(0, 1) + 21];
      left.forEach((step, i) => root.append(arrow(step, [4 + w, top(i, left.length) + 21], [a, b], null)));
      right.forEach((step, i) => root.append(arrow(step, [a + w, b], [width - w - 4, top(i, right.length) + 21], null)));
      left.forEach((step, i) => root.append(box(graph.steps[step][0], 4, top(i, left.length), w)));
      right.forEach((step, i) => root.append(box(graph.steps[step][1], width - w - 4, top(i, right.length), w)));
      root.append(box(state.place, a, top(0, 1), w));
    }
    card.append(root);
    by("count").textContent = "";
    return undefined;
  }
  function listing(view) {
    const found = [];
    graph.places.forEach((place, number) => { if (fits(place)) found.push(number); });
    by("count").textContent = count(found.length, "place");
    const card = el("article", "path", el("h2", "", "Choose a place"));
    const list = el("ul");
    let from = 0;
    const more = () => {
      for (const number of found.slice(from, from + 100)) {
        const place = graph.places[number];
        list.append(el("li", "", button("plain name", full(place), () => choose({ place: number, step: -1 })), ` ${num(into[number].length)} in, ${num(out[number].length)} out`));
      }
      from += 100;
      next.hidden = from >= found.length;
      next.textContent = `${num(found.length - from)} more`;
    };
    const next = button("more", "", more);
    more();
    card.append(list, next);
    view.append(card);
  }

  // What to mend.
  const operations = (patch) => el("pre", "", `[${patch.map((each) => JSON.stringify(each)).join(",\n ")}]`);
  const place = (where) => (where && where.line ? ` (${where.file}:${where.line})` : "");
  const ref = (resource) => `${resource.kind} ${resource.namespace ? `${resource.namespace}/` : ""}${resource.name}`;
  function mending(view) {
    const found = doc.chokePoints;
    by("count").textContent = "";
    if (!found || !found.pairs) return view.append(el("p", "nothing", "No path to cut."));
    const words = found.smallest ? "The smallest set of changes that cuts every path that can be cut" : `A small set of changes that cuts every path that can be cut (any needs ${found.atLeast} at least)`;
    const line = (each, alone) => {
      const item = el("li", "", el("span", "name", `${each.what}: ${ref(each.resource)}${place(each.location)}`), el("small", "", `${alone ? "alone ends" : "ends"} ${count(each.pairs, "pair")}${each.verified ? ", verified" : ", not verified"}`));
      if (each.patch.length) item.append(operations(each.patch));
      return item;
    };
    const set = el("section", "mend", el("h3", "", words), el("p", "", `${num(found.pairs)} pairs of an entry and a target; ${num(found.left)} are left after it${found.verified ? ", counted again without it." : "."}`), el("ol", "", ...found.cut.map((each) => line(each, true))));
    view.append(set);
    if (found.uncuttable.length) view.append(el("section", "mend", el("h3", "", "Cannot be cut"), el("ul", "", ...found.uncuttable.map((each) => el("li", "name", `${each.target.kind} ${each.target.name}: from ${count(each.entries, "entry", "entries")} no grant or setting is in the way`)))));
    view.append(el("section", "mend", el("h3", "", "Each change alone"), el("ol", "", ...found.singles.map((each) => line(each, false)))));
    return undefined;
  }

  // The panel: a step with its evidence.
  function panel() {
    const side = by("panel");
    side.replaceChildren();
    if (state.step >= 0) return stepPanel(side, state.step);
    if (state.place >= 0) return placePanel(side, state.place);
    side.append(el("h2", "", "How to read it"), el("p", "", "A box is something that an attacker can hold, an arrow a step to the next. Choose an arrow for its evidence and what ends it, a box for what leads to it and from it."));
    return undefined;
  }
  function stepPanel(side, number) {
    const [source, target, kindNumber, word, mends, traces] = graph.steps[number];
    const kind = graph.stepKinds[kindNumber];
    const link = el("a", "", "Reference");
    link.href = kind.reference.startsWith("https://") ? kind.reference : "";
    link.rel = "noreferrer";
    side.append(button("plain close", "Close", () => choose({ step: -1 })), el("h2", "", kind.title), el("p", "", graph.words[word]));
    const list = el("dl");
    const add = (name, ...values) => list.append(el("dt", "", name), ...values.map((value) => (value instanceof Node ? el("dd", "", value) : el("dd", "name", value))));
    const go = (to) => button("plain name", full(graph.places[to]), () => choose({ place: to, step: -1, tab: "graph" }));
    add("From", go(source));
    add("To", go(target));
    if (traces.length) add("Evidence", ...traces.map((trace) => graph.traces[trace]));
    add("Needs", kind.needs);
    if (mends.length) add("Any of these ends it", ...mends.map((mend) => graph.removables[mend]));
    if (kind.rule) add("Rule whose finding mends it", kind.rule);
    add("Step", `${kind.id}, ${kind.severity}`);
    add("Source", link);
    side.append(list);
  }
  function placePanel(side, number) {
    side.append(button("plain close", "Close", () => choose({ place: -1 })), el("h2", "name", full(graph.places[number])));
    const part = (title, steps, end) => {
      side.append(el("h3", "", `${title}: ${num(steps.length)}`), el("ul", "", ...steps.slice(0, 60).map((step) => el("li", "", button("name", full(graph.places[graph.steps[step][end]]), () => choose({ step })), el("span", "ports", graph.stepKinds[graph.steps[step][2]].id)))));
    };
    part("Leads here", into[number], 0);
    part("Leads on", out[number], 1);
  }

  function draw() {
    const view = by("view");
    view.replaceChildren();
    for (const tab of ["paths", "graph", "mend"]) by(`tab-${tab}`).setAttribute("aria-pressed", String(state.tab === tab));
    ({ paths, graph: neighbours, mend: mending })[state.tab](view);
  }
  function choose(what) {
    Object.assign(state, what);
    draw();
    panel();
    if (what.step >= 0 && matchMedia("(max-width: 900px)").matches) by("panel").scrollIntoView({ block: "nearest" });
  }
  function page() {
    by("headline").textContent = doc.inputs.join(", ");
    by("enforcement").textContent = `From ${doc.from} to ${doc.to}; Kubernetes ${doc.kubernetesVersion}.`;
    const cards = by("cards");
    const { summary } = doc;
    for (const each of summary ? summary.targets : []) {
      const bad = each.reached > 0;
      const text = each.kind === "cluster-admin" ? `of ${count(summary.entries, "entry", "entries")} reach cluster-admin` : `of ${num(each.targets)} ${each.kind === "cloud-identity" ? "cloud identities" : `${each.kind}s`} are reached, from ${count(each.entries, "entry", "entries")}`;
      cards.append(el("li", bad ? "bad" : "good", el("b", "", num(each.kind === "cluster-admin" ? each.entries : each.reached)), text));
    }
    const missing = [...doc.problems];
    if (graph.leftOut) missing.unshift(`${num(graph.leftOut)} steps are left out of the graph; the paths are whole`);
    if (missing.length) {
      by("incomplete").hidden = false;
      by("incomplete").append(el("strong", "", "The answer is incomplete."), el("ul", "", ...missing.slice(0, 50).map((each) => el("li", "", each))));
    }
    by("kind").append(new Option("any", ""), ...KINDS.filter((kind) => graph.kinds.includes(kind)).map((kind) => new Option(kind, kind)));
    const legend = [["outside", "ways in, cluster-admin"], ["container", "containers, images"], ["identity", "identities, permissions"], ["node", "nodes, volumes"], ["secret", "Secrets, cloud identities"]];
    by("legend").append(...legend.map(([kind, text]) => el("li", "", el("i", kind), text)));
    by("foot").textContent = `Seawall ${doc.tool.version}. This page loads nothing from elsewhere.`;
  }
  for (const tab of ["paths", "graph", "mend"]) by(`tab-${tab}`).addEventListener("click", () => choose({ tab, step: -1, place: tab === "graph" ? state.place : -1 }));
  by("search").addEventListener("input", (event) => choose({ query: event.target.value.trim().toLowerCase(), place: -1, step: -1 }));
  by("kind").addEventListener("change", (event) => choose({ kind: event.target.value, place: -1, step: -1 }));
  by("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT/.test(event.target.tagName)) { event.preventDefault(); by("search").focus(); }
    if (event.key === "Escape" && (state.step >= 0 || state.place >= 0)) choose({ step: -1, place: -1 });
  });
  let known = innerWidth;
  addEventListener("resize", () => { if (innerWidth !== known) { known = innerWidth; draw(); } });
  page();
  draw();
  panel();
})();
