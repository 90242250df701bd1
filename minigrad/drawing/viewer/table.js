// The data as a table that can be sorted and copied as text.

const COLUMNS = ["made by", "shape", "value", "gradient", "group", "uses", "step"];
const rows = $("rows");
const order = { column: null, turn: 1 };

function showTable() {
  if ($("table").hidden) return;
  const heads = ["name", ...COLUMNS].map((name, place) => make("th", { scope: "col" }, make("button", { onclick: () => sort(place) }, name)));
  const bare = Object.entries(shot().items).filter(([, one]) => !one.rows.length);
  const body = bare.map(([key, { name, facts }]) => make("tr", {},
    make("th", { scope: "row" }, make("button", { onclick: () => pick(key) }, (facts.of ? `${facts.of} ` : "") + name)),
    ...COLUMNS.map((column) => make("td", {}, facts[column] || ""))));
  rows.replaceChildren(make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...body));
  if (order.column !== null) sort(order.column, order.turn);
}

// Numbers by size, words alphabetically, missing entries last.
function compare(one, other) {
  if (!one || !other) return !one - !other;
  return order.turn * (one - other || (one > other ? 1 : -1));
}

function sort(column, turn = order.column === column ? -order.turn : 1) {
  Object.assign(order, { column, turn });
  const of = (row) => row.cells[column].textContent;
  const [heads, ...body] = rows.rows;
  rows.tBodies[0].append(...body.sort((one, other) => compare(of(one), of(other))));
  const direction = turn > 0 ? "ascending" : "descending";
  [...heads.cells].forEach((head, place) => set(head, { "aria-sort": place === column ? direction : "none" }));
}

function copyTable() {
  if ($("table").hidden) toggleTable();
  const line = (row) => [...row.cells].map((cell) => cell.textContent).join("\t");
  const text = [...rows.rows].map(line).join("\n");
  const selected = () => {
    getSelection().selectAllChildren(rows);
    say("This page may not copy: the table is selected, so copy it with Ctrl+C.");
  };
  if (mayCopy()) navigator.clipboard.writeText(text).then(() => say("The table is copied."), selected);
  else selected();
}

// A page in a frame of another, such as a notebook, may not write to the clipboard.
const mayCopy = () => navigator.clipboard && document.featurePolicy?.allowsFeature("clipboard-write") !== false;

function toggleTable() {
  const hidden = $("table").toggleAttribute("hidden");
  $("tables").setAttribute("aria-pressed", !hidden);
  showTable();
  (hidden ? stage : $("copy")).focus();
}
