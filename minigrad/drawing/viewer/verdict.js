// Two items in a sentence: that they are equal, or where they part, and why.

const EVERY = "every factor on their paths is equal";

// shown: factors that the sentence names.
function verdict(one, other, shown = 3) {
  if (!other) return "Choose another one to see its chain rule beside this one.";
  const cards = [one, other].filter(({ rows }) => rows.length);
  if (cards.length === 1) return ofRowAndCard(...cards, cards[0] === one ? other : one);
  if (cards.length) return ofNeurons(one, other, shown);
  if (!areAlike(one, other)) return `${one.name} is ${one.facts.shape}, ${other.name} ${other.facts.shape}: gradients of different shapes have no entries to compare.`;
  const none = [one, other].find(({ facts }) => !facts.gradient);
  if (none) return `${none.name} has no gradient.`;
  const [parted, both] = [partings(one, other), `${one.of} and ${other.of}`];
  const way = parted.length ? `, though not factor by factor: ${listed(parted, shown)}` : `: ${EVERY}`;
  if (isTied(one, other)) return `${both} are equal and stay equal (proved)${way}.`;
  const [a, b] = [one, other].map(({ facts }) => facts.gradient);
  if (one.group !== null && one.group === other.group || isNumber(a) && !differ(a, b)) return `${both} are equal now${way}; ${unproved(one, other)}.`;
  if (isNumber(a) && !differ(a, String(-b))) return `${both} are opposite now${parted.length ? `: ${listed(parted, shown)}` : ""}.`;
  if (!differ(a, b)) return `${both} are arrays that this page shows alike; it does not hold their entries.`;
  return `${one.of} ≠ ${other.of}${parted.length ? `: from the loss down they part at ${listed(parted, shown)}` : otherUses(one, other)}.`;
}

// Whether two items have numbers to compare: two cards, or two values of one shape.
const areAlike = (one, other) => !one.rows.length === !other.rows.length && one.facts.shape === other.facts.shape;
const isNumber = (text) => text !== "" && !Number.isNaN(Number(text));
const isTied = (one, other) => Boolean(one.tie) && one.group === other.group && one.tie === other.tie;

function unproved(one, other) {
  return one.tie && other.tie ? "they belong to two ties, so nothing keeps them equal" : "no proof that they stay so";
}

function ofRowAndCard(card, row) {
  if (nodeOf(row.key) === card.key) return `${row.name} is a row of ${card.name}: choose a row of another card.`;
  return `${row.name} is one value, ${card.name} holds ${card.rows.length}: choose one of its rows.`;
}

// Two cards: one neuron if all factors are equal.
function ofNeurons(one, other, shown) {
  const [[layer, first], [beside, second]] = [one, other].map(({ name }) => name.split(" · neuron "));
  const both = first && second && layer === beside ? `Neurons ${first} and ${second} of ${layer}` : `${one.name} and ${other.name}`;
  if (one.rows.map(portOf).join() !== other.rows.map(portOf).join()) return `${both} have different rows: choose a row of each.`;
  const parted = partings(one, other);
  const last = [one, other].map(({ rows }) => item(rows.at(-1)));
  if (parted.length) return `${both} differ: from the loss down they part at ${listed(parted, shown)}.`;
  return isTied(...last) ? `${both} are one: ${EVERY} (proved).` : `${both} are equal now: ${EVERY}; ${unproved(...last)}.`;
}

// The pairs of factors that differ, from the loss down.
function partings(one, other) {
  const theirs = factors(other);
  return factors(one).map((step, place) => [step, theirs[place]]).filter(([a, b]) => b && differ(a.derivative, b.derivative));
}

function listed(parted, shown) {
  const name = ({ local, row }) => row || local;
  const told = parted.slice(0, shown).map(([a, b]) => `${name(a)} = ${short(a.derivative)} ≠ ${short(b.derivative)}${name(a) === name(b) ? "" : ` = ${name(b)}`}`);
  return told.join(", then ") + (parted.length > shown ? `, and at ${parted.length - shown} more` : "");
}

// Along the strongest uses nothing differs: tell the others.
function otherUses(one, other) {
  const [many, few] = one.lines.length > other.lines.length ? [one, other] : [other, one];
  if (many.lines.length > few.lines.length) return `: ${many.name} has ${many.lines.length} uses, ${few.name} ${few.lines.length}`;
  if (one.way.length !== other.way.length) return `: ${one.way.length} factors lie between the loss and ${one.name}, ${other.way.length} to ${other.name}`;
  const place = one.lines.findIndex((line, k) => differ(line.product, other.lines[k].product));
  return place < 0 ? "" : `: ${one.lines[place].symbol} = ${short(one.lines[place].product)} ≠ ${short(other.lines[place].product)} = ${other.lines[place].symbol}`;
}
