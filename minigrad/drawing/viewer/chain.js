// The chain rule of an item; beside it that of a second one, with differing factors marked and a sentence that says why.

const panel = $("panel");

function chip(key) {
  const { mark } = item(key);
  return mark && $("letters").querySelector(`[data-mark="${mark}"]`).cloneNode(true);
}

function pick(key) {
  const others = state.picked.filter((one) => one !== key);
  state.picked = others.length < state.picked.length ? others : [...others.slice(0, 1), key];
  openPanel();
}

function openPanel() {
  const chains = compared(state.picked.filter(item));
  panel.hidden = !chains.length;
  panel.classList.toggle("two", chains.length > 1);
  const alike = chains.length > 1 && areAlike(...chains);
  panel.replaceChildren(...chains.map((one, place) => column(one, alike ? chains[1 - place] : undefined)), make("p", { class: "verdict" }, verdict(...chains)));
  showAnswer();
  mark();
}

const lines = (key) => shot().lines[key] || edgesOf(key, "uses").filter(({ needed }) => needed);

// The items of one or two keys with their chain rules. A card beside a row is its row at the same place.
function compared(keys) {
  const same = (key, row) => item(key).rows.find((one) => portOf(one) === portOf(row) && one !== row);
  const chosen = keys.map((key, place) => same(key, keys[1 - place] || "") || key);
  const found = [];
  for (const [place, key] of chosen.entries()) {
    found.push({ key, picked: keys[place], ...item(key), lines: lines(key), way: way(key, found[0]?.way) });
  }
  return found;
}

// The factors from the loss down to an item. Each is that of the use which `beside` has too, else of the strongest.
function way(key, beside = []) {
  const found = [];
  for (let here = key, line; ; here = line.up) {
    const also = beside.at(-1 - found.length)?.up;
    line = lines(here).find(({ up }) => up === also) || shot().lines[here]?.[0] || shot().edges[item(here).strongest];
    if (!line) return found;
    found.unshift(line);
  }
}

// What a gradient is made of, from the loss down: its factors; of a neuron also its other arrows and its numbers.
function factors({ key, rows, way }) {
  if (!rows.length) return way;
  const inside = rows.toReversed().flatMap((row) => (shot().lines[row] || []).slice(0, 1));
  const numbers = rows.map((row) => ({ local: item(row).name, derivative: item(row).facts.value }));
  return [...way.slice(0, -1), ...edgesOf(key, "uses"), ...inside, ...numbers];
}

// Whether numbers differ by more than rounding; whether texts differ.
function differ(one, other) {
  const [a, b] = [Number(one || NaN), Number(other || NaN)];
  return Math.abs(a - b) > 1e-12 * Math.max(Math.abs(a), Math.abs(b)) || (Number.isNaN(a - b) && one !== other);
}

function factor(text, beside) {
  const same = beside === undefined || !differ(text, beside);
  return make(same ? "span" : "mark", { title: text }, short(text) || "…", same ? "" : "\u00a0≠");
}

function column(one, other) {
  const number = (kind) => factor(one.facts[kind], other && (other.facts[kind] || "none"));
  const link = (words, does) => make("button", { class: "link", onclick: does }, words);
  const uses = one.lines.map((line, place) => {
    const beside = other?.lines.find(({ up }) => up === line.up) || other?.lines[place];
    const part = (name) => factor(line[name], beside?.[name]);
    return make("li", {}, link(line.symbol, () => go(line.head)),
      make("div", {}, part("gradient"), " × ", part("derivative"), " = ", part("product")));
  });
  const rows = one.rows.map((key) => {
    const beside = other?.rows.find((row) => portOf(row) === portOf(key));
    const part = (name) => factor(item(key).facts[name] || "none", beside && (item(beside).facts[name] || "none"));
    return make("li", {}, chip(key), link(item(key).name, () => pick(key)), make("div", {}, part("value"), ", gradient ", part("gradient")));
  });
  const steps = one.way.map(({ local, row, derivative }, place) => make("tr", {},
    make("th", { scope: "row" }, local, row ? ` = ${row}` : ""), make("td", {}, factor(derivative, other?.way[place]?.derivative))));
  const product = one.way.reduce((total, { derivative }) => total * (derivative || NaN), 1);
  const last = make("tr", {}, make("th", { scope: "row" }, "product"), make("td", {}, short(product)));
  return make("section", { "aria-label": one.of },
    make("header", {}, make("h2", {}, chip(one.key), one.name),
      make("button", { "aria-label": `close ${one.name}`, onclick: () => pick(one.picked) }, "×")),
    make("p", { class: "hint" }, ["of", "made by", "shape", "marked"].map((name) => one.facts[name]).filter(Boolean).join(" · ")),
    ...rows.length ? [] : [
      make("p", {}, "value ", number("value")),
      make("p", { class: "sum" }, `${one.of} = `, number("gradient")),
      make("h3", {}, uses.length ? `sum over the uses: ${uses.length}` : "no use passes a gradient back"),
    ],
    make("ol", {}, ...uses, ...rows),
    ...one.way.length > 1 ? [make("h3", {}, "from the loss, along the strongest uses"), make("table", {}, ...steps, Number.isNaN(product) ? "" : last)] : []);
}
