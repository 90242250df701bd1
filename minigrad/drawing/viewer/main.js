// Views, themes, buttons and keys.

const dark = matchMedia("(prefers-color-scheme: dark)");
const themes = $("theme");
const theme = () => themes.value === "auto" ? (dark.matches ? "dark" : "light") : themes.value;
const tint = (colour) => page.themes[theme()][colour.toUpperCase()] || colour;

function setTheme() {
  document.documentElement.dataset.theme = theme();
}

// Show a view, or with a trail the picture inside a box.
function setView(place, trail = []) {
  play(false);
  Object.assign(state, { view: place, trail, picked: [], focus: null, row: null, lit: null, twins: [] });
  [...$("views").children].forEach((button, at) => button.setAttribute("aria-pressed", at === (trail[0]?.view ?? place)));
  showTrail();
  $("chart").replaceChildren(document.importNode($(`chart-${place}`).content, true));
  show();
  fit();
  refresh();
  step(-1);
}

// Update all words that depend on the snapshot.
function refresh() {
  const { title, notes, hidden } = shot().diagram;
  $("title").textContent = document.title = title;
  $("notes").replaceChildren(...[...notes, ...hidden].map((words) => make("p", {}, words)));
  $("letters").replaceChildren(template("legend"));
  $("letters").querySelectorAll("button").forEach((one, number) => {
    one.onfocus = one.onpointerenter = () => light(null, [number]);
    one.onblur = one.onpointerleave = unlit;
  });
  openPanel();
  showTable();
  showCaption();
  sayStep();
}

function say(words) {
  $("status").textContent = words;
}

function leave() {
  const menu = document.querySelector("details[open]");
  if (menu) menu.open = false;
  else if (state.focus && !state.trail.length) stage.focus();
  else if (state.step >= 0) step(-1);
  else if (!$("table").hidden) toggleTable();
  else if (state.picked.length) {
    state.picked = [];
    openPanel();
  } else closeBoxes();
}

// The action of each key, and of the button with that data-key.
const KEYS = {
  "+": () => zoom(1.25),
  "-": () => zoom(0.8),
  f: fit,
  ",": () => step(state.step - 1),
  ".": () => step(state.step + 1),
  p: () => play(),
  "[": () => seek(shotNumber() - 1),
  "]": () => seek(shotNumber() + 1),
  a: toggleAnswer,
  t: toggleTable,
  c: copyTable,
  "/": () => search.focus(),
  "?": () => $("help").showModal(),
  d: () => setTheme(themes.selectedIndex = (themes.selectedIndex + 1) % 4),
  s: () => {
    $("saves").open = true;
    $("save-svg").focus();
  },
  Escape: leave,
  Backspace: () => closeBoxes(),
  ArrowLeft: () => pan(60, 0),
  ArrowRight: () => pan(-60, 0),
  ArrowUp: () => pan(0, 60),
  ArrowDown: () => pan(0, -60),
};

// Act on a key; false if it has no action.
function act({ key, target, shiftKey }) {
  const also = { "=": "+", 0: "f" }[key] || key;
  if (state.focus && (key === "Tab" || (key.startsWith("Arrow") && !shiftKey))) return walk({ key, shiftKey });
  if (target === stage && key === "Tab" && !shiftKey) go([...boxes.keys()][0]);
  else if (state.focus && /^(Enter| )$/.test(key)) (key === "Enter" && !state.row && openBox(state.focus)) || pick(state.row || state.focus);
  else if (key.startsWith("Arrow") && !stage.contains(target) && target !== document.body) return false;
  else if (/^[1-9]$/.test(key)) $("views").children[key - 1]?.click();
  else if (KEYS[also]) KEYS[also]();
  else return false;
  return true;
}

document.onkeydown = (event) => {
  note.hidden = true;
  if (!event.ctrlKey && !event.metaKey && !event.altKey && !$("help").open && act(event)) event.preventDefault();
};
for (const button of document.querySelectorAll("[data-key]")) button.onclick = KEYS[button.dataset.key];
for (const kind in KINDS) $(`save-${kind}`).onclick = () => save(kind);
themes.onchange = dark.onchange = setTheme;
[...$("views").children].forEach((button, place) => { button.onclick = () => setView(place); });
themes.value = page.theme;
setTheme();
setView(0);
