// The chain rule of a node; beside it that of a second node, with differing factors marked.

const panel = $("panel");

function chip(key) {
  const { group } = item(key);
  return group === null ? "" : $("letters").children[group].querySelector("svg").cloneNode(true);
}

function pick(key) {
  const others = state.picked.filter((one) => one !== key);
  state.picked = others.length < state.picked.length ? others : [...others.slice(0, 1), key];
  openPanel();
}

function openPanel() {
  const lines = (key) => shot().lines[key] || edgesOf(key, "uses").filter(({ needed }) => needed);
  const chains = state.picked.filter(item).map((key) => ({ lines: lines(key), ...item(key), key, way: way(key) }));
  panel.hidden = !chains.length;
  panel.classList.toggle("two", chains.length > 1);
  panel.replaceChildren(...chains.map((one, place) => column(one, chains[1 - place])), make("p", { class: "verdict" }, verdict(...chains)));
  mark();
}

// The edges from the loss down to an item, along the uses that pass back most.
function way(key) {
  const found = [];
  for (let here = key, edge; (edge = shot().edges[item(here).strongest]); here = edge.head) found.unshift(edge);
  return found;
}

// Whether numbers differ by more than rounding; whether texts differ.
function differ(one, other) {
  const [a, b] = [Number(one || NaN), Number(other || NaN)];
  return Math.abs(a - b) > 1e-12 * Math.max(Math.abs(a), Math.abs(b)) || (Number.isNaN(a - b) && one !== other);
}

function factor(text, beside) {
  const same = beside === undefined || !differ(text, beside);
  return make(same ? "span" : "mark", { title: text }, short(text) || "…", same ? "" : " ≠");
}

function column(one, other) {
  const number = (kind) => factor(one.facts[kind], other && (other.facts[kind] || "none"));
  const shared = (list, name, place) => factor(one[list][place][name], other && (other[list][place]?.[name] ?? "none"));
  const link = (words, does) => make("button", { class: "link", onclick: does }, words);
  const uses = one.lines.map(({ symbol, head }, place) => make("li", {},
    link(symbol, () => go(head)),
    make("div", {}, shared("lines", "gradient", place), " × ", shared("lines", "derivative", place), " = ", shared("lines", "product", place))));
  const rows = one.rows.map((key) => make("li", {}, chip(key), link(item(key).name, () => pick(key)),
    make("div", {}, `${short(item(key).facts.value)}, gradient ${short(item(key).facts.gradient) || "none"}`)));
  const factors = one.way.map(({ local }, place) => make("tr", {},
    make("th", { scope: "row" }, local), make("td", {}, shared("way", "derivative", place))));
  const product = one.way.reduce((total, { derivative }) => total * (derivative || NaN), 1);
  const last = make("tr", {}, make("th", { scope: "row" }, "product"), make("td", {}, short(product)));
  return make("section", { "aria-label": one.of },
    make("header", {}, make("h2", {}, chip(one.key), one.name),
      make("button", { "aria-label": `close ${one.name}`, onclick: () => pick(one.key) }, "×")),
    make("p", { class: "hint" }, ["of", "made by", "shape", "marked"].map((name) => one.facts[name]).filter(Boolean).join(" · ")),
    ...rows.length ? [] : [
      make("p", {}, "value ", number("value")),
      make("p", { class: "sum" }, `${one.of} = `, number("gradient")),
      make("h3", {}, uses.length ? `sum over the uses: ${uses.length}` : "no use passes a gradient back"),
    ],
    make("ol", {}, ...uses, ...rows),
    ...one.way.length > 1 ? [make("h3", {}, "from the loss, along the strongest uses"), make("table", {}, ...factors, Number.isNaN(product) ? "" : last)] : []);
}

function verdict(one, other) {
  if (!other) return "Choose another node to see its chain rule beside this one.";
  if (!one.facts.gradient || !other.facts.gradient) return "One of the two has no gradient.";
  if (one.group !== null && one.group === other.group) return `${one.of} and ${other.of} are equal: ${one.facts.group}.`;
  const pairs = one.way.map((step, place) => [step, other.way[place]]).filter(([a, b]) => b && differ(a.derivative, b.derivative));
  const why = pairs.map(([a, b]) => `${a.local} = ${short(a.derivative)} ≠ ${short(b.derivative)}`).join(" and ");
  return `${one.of} ≠ ${other.of} because ${why || "their uses differ"}.`;
}
