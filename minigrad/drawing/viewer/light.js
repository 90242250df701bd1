// Highlight the ancestors, descendants and group of the node in focus.

const note = $("note");

// The id of the node or edge below the pointer.
function under({ clientX, clientY }, kind) {
  return document.elementsFromPoint(clientX, clientY).map((one) => one.closest(kind)).find(Boolean)?.id;
}

// The item below the pointer; on a card, the nearest row.
function itemAt(event) {
  const id = under(event, ".node");
  if (!boxes.has(id)) return null;
  const rows = item(id).rows.map((key) => {
    const { top = 1e9, height = 0 } = wordOf(key)?.getBoundingClientRect() || {};
    return { key, far: Math.abs(top + height / 2 - event.clientY) / camera.zoom };
  });
  const [nearest] = rows.sort((a, b) => a.far - b.far);
  return nearest?.far < 10 ? nearest.key : id;
}

// Light up an item with all it belongs to, or some groups, or the items of a list.
function light(key, groups = key ? item(key).groups : [], keys = []) {
  const twins = [...keys, ...groups.flatMap((number) => shot().diagram.groups[number].members)].map(nodeOf);
  const lit = new Set(key && !isCluster(key) ? [...reach(key, "inputs", "tail"), ...reach(key, "uses", "head"), ...twins] : twins);
  Object.assign(state, { lit: key, twins: new Set(twins) });
  stage.classList.toggle("fading", lit.size > 0);
  for (const [id, part] of parts) part.classList.toggle("lit", lit.has(id));
  mark();
}

const unlit = () => light(keyed());

// Redraw all frames and their texts.
function mark() {
  overlay.replaceChildren();
  for (const id of state.twins) ring(id, "twin");
  for (const key of state.picked) ring(key, "picked");
  if (keyed()) ring(keyed(), "focus");
  markStep();
}

function showNote(event) {
  const key = itemAt(event);
  const edge = under(event, ".edge");
  const shown = key ? item(key) : shot().edges.find(({ id }) => id === edge);
  if (key !== state.lit) light(key);
  note.hidden = !shown;
  if (note.hidden) return;
  const lines = Object.entries(shown.facts).flatMap(([name, words]) => [make("dt", {}, name), make("dd", {}, words)]);
  note.replaceChildren(make("b", {}, shown.name), make("dl", {}, ...lines));
  note.style.left = `${Math.min(event.clientX + 14, innerWidth - note.offsetWidth - 8)}px`;
  note.style.top = `${Math.min(event.clientY + 18, innerHeight - note.offsetHeight - 8)}px`;
}

// Tab visits the nodes in order. Arrows follow the edges; up and down visit the rows of a card, then the node beside it.
function walk({ key, shiftKey }) {
  const here = state.focus;
  const all = [...boxes.keys()];
  const next = {
    Tab: all[all.indexOf(here) + (shiftKey ? -1 : 1)],
    ArrowLeft: edgesOf(here, "inputs")[0]?.tail,
    ArrowRight: edgesOf(here, "uses")[0]?.head,
    ArrowUp: nextTo(here, -1),
    ArrowDown: nextTo(here, 1),
  }[key];
  if (next) go(next);
  return next || key !== "Tab";
}

function nextTo(here, by) {
  const rows = [here, ...item(here).rows];
  const beside = edgesOf(here, "uses").slice(0, 1).flatMap(({ head }) => edgesOf(head, "inputs")).map(({ tail }) => tail);
  return rows[rows.indexOf(state.row || here) + by] || beside[beside.indexOf(here) + by];
}

// Focus a node, or a row of a card.
function go(key) {
  reveal(key);
  parts.get(nodeOf(key)).focus({ preventScroll: true });
  state.row = portOf(key) ? key : null;
  if (!state.row) return;
  light(keyed());
  say([item(key).name, ...Object.entries(item(key).facts).map(([name, words]) => `${name} ${words}`)].join(", "));
}

const keyed = () => state.focus && parts.get(state.focus)?.matches(":focus-visible") ? state.row || state.focus : null;

stage.addEventListener("focusin", ({ target }) => {
  Object.assign(state, { focus: target.closest(".node, .cluster")?.id, row: null });
  unlit();
});
stage.addEventListener("focusout", () => {
  Object.assign(state, { focus: null, row: null });
  light(null);
});
stage.addEventListener("pointermove", (event) => press || showNote(event));
stage.onpointerleave = () => {
  note.hidden = true;
  unlit();
};
stage.onclick = (event) => {
  const plus = document.elementsFromPoint(event.clientX, event.clientY).find((one) => one.matches(".plus"));
  if (plus && !dragged) {
    openBox(plus.dataset.opens);
    return;
  }
  const key = !dragged && itemAt(event);
  if (!key) return;
  pick(key);
  parts.get(nodeOf(key)).focus({ preventScroll: true });
};
