// Boxes that open: the picture inside takes the stage, and a trail of names leads back.

function openBox(key) {
  const inside = opens(key);
  if (inside === undefined) return false;
  setView(inside, [...state.trail, { view: state.view, focus: nodeOf(key), name: item(key).name }]);
  if (boxes.has(nodeOf(key))) go(nodeOf(key)); // a view that shows the same node, with more
  else stage.focus();
  return true;
}

// Close the last boxes of the trail.
function closeBoxes(count = 1) {
  if (!state.trail.length) return false;
  const [{ view, focus }] = state.trail.slice(-count);
  setView(view, state.trail.slice(0, -count));
  go(focus);
  return true;
}

function showTrail() {
  const { trail } = state;
  const names = [trail.length && page.views[trail[0].view].name, ...trail.map(({ name }) => name)];
  const crumb = (name, place) => place < trail.length
    ? make("button", { class: "link", onclick: () => closeBoxes(trail.length - place) }, name)
    : make("b", { "aria-current": "location" }, name);
  $("trail").hidden = !trail.length;
  $("trail").replaceChildren(...names.map((name, place) => make("li", {}, crumb(name, place))));
}

// A plus at the corner of each box that opens, which a click opens; its name tells the key.
function markBoxes(root) {
  for (const [id, { x, y, width }] of boxes) {
    if (opens(id) === undefined) continue;
    const part = parts.get(id);
    const [right, top] = [x + width - 3, y + 3];
    part.classList.add("opens");
    if (isCluster(id)) part.setAttribute("role", "graphics-symbol");
    part.setAttribute("aria-label", `${part.getAttribute("aria-label") || item(id).name}; Enter opens it`);
    drawn(root, "path", { class: "plus", "data-opens": id, d: `M${right - 7} ${top}a7 7 0 1 0 14 0a7 7 0 1 0 -14 0M${right - 4} ${top}h8m-4 -4v8` });
  }
}

stage.ondblclick = (event) => {
  const key = itemAt(event) || under(event, ".cluster.opens");
  if (key) openBox(key);
};
