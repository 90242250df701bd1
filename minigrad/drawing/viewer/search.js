// Search the names and facts of all items.

const search = $("search");
let hits = [];
let chosen = 0;

// Nodes and rows: exact names first, then other names with the text, then facts with it.
function find(text) {
  const rank = (key) => {
    const name = item(key).name.toLowerCase();
    const facts = Object.values(item(key).facts).join(" ").toLowerCase();
    return name === text ? 0 : name.startsWith(text) ? 1 : name.includes(text) ? 2 : facts.includes(text) ? 3 : 4;
  };
  const ranked = Object.keys(shot().items).map((key) => [key, text ? rank(key) : 4]).filter(([, place]) => place < 4);
  return ranked.sort(([, one], [, other]) => one - other).map(([key]) => key);
}

function showHits() {
  hits = find(search.value.trim().toLowerCase()).slice(0, 40);
  chosen = Math.max(Math.min(chosen, hits.length - 1), 0);
  const list = hits.map((key, place) => make("li", {
    role: "option", id: `hit-${place}`, "aria-selected": place === chosen, onmousedown: (event) => jump(key, event),
  }, make("b", {}, item(key).name), ` ${item(key).facts["made by"] || item(key).facts.of} ${short(item(key).facts.value)}`));
  $("hits").replaceChildren(...list.length ? list : [make("li", {}, "no node matches")]);
  $("hits").hidden = !search.value;
  set(search, { "aria-expanded": Boolean(search.value), "aria-activedescendant": hits.length ? `hit-${chosen}` : "" });
}

function jump(key, event) {
  event.preventDefault(); // else the mouse would take the focus
  search.value = "";
  showHits();
  go(key);
}

search.oninput = showHits;
search.onblur = () => { $("hits").hidden = true; };
search.onkeydown = (event) => {
  event.stopPropagation();
  const { key } = event;
  if (/^Arrow(Up|Down)$/.test(key)) {
    event.preventDefault();
    chosen += key === "ArrowDown" ? 1 : -1;
    showHits();
  } else if (key === "Escape") {
    search.value = "";
    stage.focus();
  } else if (key === "Enter" && hits.length) jump(hits[chosen], event);
  else chosen = 0;
};
