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
  const words = [...parts.get(id).querySelectorAll("text")];
  const rows = item(id).rows.map((key) => {
    const { top = 1e9, height = 0 } = words.find((word) => word.textContent === item(key).name)?.getBoundingClientRect() || {};
    return { key, far: Math.abs(top + height / 2 - event.clientY) / camera.zoom };
  });
  const [nearest] = rows.sort((a, b) => a.far - b.far);
  return nearest?.far < 10 ? nearest.key : id;
}

function light(key, groups = key ? item(key).groups : []) {
  const twins = groups.flatMap((number) => shot().diagram.groups[number].members.map(nodeOf));
  const lit = new Set(key ? [...reach(key, "inputs", "tail"), ...reach(key, "uses", "head"), ...twins] : twins);
  Object.assign(state, { lit: key, twins: new Set(twins) });
  stage.classList.toggle("fading", lit.size > 0);
  for (const [id, part] of parts) part.classList.toggle("lit", lit.has(id));
  mark();
}

// Redraw all frames and their texts.
function mark() {
  overlay.replaceChildren();
  for (const id of state.twins) ring(id, "twin");
  for (const key of state.picked) ring(nodeOf(key), "picked");
  if (keyed()) ring(state.focus, "focus");
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

// Tab visits the nodes in order; arrows follow the edges, or move among the inputs of a use.
function walk({ key, shiftKey }) {
  const here = state.focus;
  const all = [...boxes.keys()];
  const beside = edgesOf(here, "uses").slice(0, 1).flatMap(({ head }) => edgesOf(head, "inputs")).map(({ tail }) => tail);
  const next = {
    Tab: all[all.indexOf(here) + (shiftKey ? -1 : 1)],
    ArrowLeft: edgesOf(here, "inputs")[0]?.tail,
    ArrowRight: edgesOf(here, "uses")[0]?.head,
    ArrowUp: beside[beside.indexOf(here) - 1],
    ArrowDown: beside[beside.indexOf(here) + 1],
  }[key];
  if (next) go(next);
  return next || key !== "Tab";
}

function go(key) {
  reveal(nodeOf(key));
  parts.get(nodeOf(key)).focus({ preventScroll: true });
}

const keyed = () => state.focus && parts.get(state.focus)?.matches(":focus-visible") ? state.focus : null;

stage.addEventListener("focusin", ({ target }) => {
  state.focus = target.closest(".node")?.id;
  light(keyed());
});
stage.addEventListener("focusout", () => {
  state.focus = null;
  light(null);
});
stage.addEventListener("pointermove", (event) => press || showNote(event));
stage.onpointerleave = () => {
  note.hidden = true;
  light(keyed());
};
stage.onclick = (event) => {
  const key = !dragged && itemAt(event);
  if (!key) return;
  pick(key);
  parts.get(nodeOf(key)).focus({ preventScroll: true });
};
