// Search the names and facts of all items.

const search = $("search");
let hits = [];
let chosen = 0;

function find(text) {
  const words = (key) => [item(key).name, ...Object.values(item(key).facts)].join(" ").toLowerCase();
  const exact = (key) => item(key).name.toLowerCase() === text;
  return Object.keys(shot().items).filter((key) => text && words(key).includes(text)).sort((one, other) => exact(other) - exact(one));
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
