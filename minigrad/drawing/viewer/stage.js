// Put the picture on the stage, move, zoom and mark it.

const stage = $("stage");
const glass = make("div", { id: "glass" }); // takes all pointer events: a listener per node is slow
const camera = { x: 0, y: 0, zoom: 1, fitted: true };
const MOVED = 4; // pixels: a press that moves this far is a drag, not a click
const fingers = new Map(); // the pointers that are down, by id; two of them pinch
let svg, overlay, parts, boxes, frame, press, dragged;

// Show the picture as the engine laid it out; the page shows its title and legend.
function show() {
  svg = template("svg").firstElementChild;
  const root = svg.querySelector("g");
  for (const one of svg.querySelectorAll(".cluster")) one.id = one.querySelector("title").textContent;
  for (const other of svg.querySelectorAll("title, desc, :scope > g > :not(.node, .edge, .cluster)")) other.remove();
  for (const link of svg.querySelectorAll("a")) link.replaceWith(...link.childNodes);
  parts = new Map([...root.children].map((part) => [part.id, part]));
  overlay = drawn(root, "g", { "aria-hidden": true });
  stage.replaceChildren(svg, glass);
  boxes = new Map(Object.keys(shot().items).filter((id) => parts.has(id)).map((id) => [id, parts.get(id).getBBox()]));
  for (const id of boxes.keys()) parts.get(id).setAttribute("tabindex", -1);
  squeeze();
  const { x, y, width, height } = svg.getBBox();
  set(svg, { viewBox: [x, y, width, height].join(" "), width, height });
  markBoxes(overlay.parentNode);
  showMap(root);
  look();
}

function drawn(parent, tag, attributes, words = "") {
  const element = set(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes);
  element.textContent = words;
  return parent.appendChild(element);
}

// Moving changes one style of one element, once per frame.
function look() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    svg.style.willChange = press ? "transform" : "auto"; // faster to drag, but less sharp
    svg.style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.zoom})`;
    moveMap();
  });
}

function pan(x, y) {
  camera.x += x;
  camera.y += y;
  camera.fitted &&= !x && !y;
  look();
}

function zoom(factor, x = stage.clientWidth / 2, y = stage.clientHeight / 2) {
  const by = Math.min(Math.max(camera.zoom * factor, 0.01), 20) / camera.zoom;
  camera.zoom *= by;
  pan((x - camera.x) * (1 - by), (y - camera.y) * (1 - by));
}

function fit() {
  const { width, height } = svg.viewBox.baseVal;
  const [across, down] = [stage.clientWidth, stage.clientHeight];
  const zoom = Math.min((across - 32) / width, (down - 32) / height, 1.8);
  Object.assign(camera, { zoom, x: (across - width * zoom) / 2, y: (down - height * zoom) / 2, fitted: true });
  look();
}

// Bring a node or a row into sight.
function reveal(key) {
  const shown = (portOf(key) && wordOf(key)) || parts.get(nodeOf(key));
  const [box, edges] = [shown.getBoundingClientRect(), stage.getBoundingClientRect()];
  const by = (low, high) => Math.max(edges[low] + 12 - box[low], 0) || Math.min(edges[high] - 12 - box[high], 0);
  pan(by("left", "right"), by("top", "bottom"));
}

// The box of a node, or of a row: as wide as its card, as high as its name.
function boxOf(key) {
  const box = boxes.get(nodeOf(key));
  const word = box && portOf(key) && wordOf(key)?.getBBox();
  return word ? { x: box.x + 4, y: word.y, width: box.width - 8, height: word.height } : box;
}

// The text of a row's name; items of one name are numbered, the picture does not number them.
function wordOf(key) {
  const name = item(key).name.replace(/ #\d+$/, "");
  return [...parts.get(nodeOf(key)).querySelectorAll("text")].find((word) => word.textContent === name);
}

// Frame a node or a row, with text in it.
function ring(key, kind, words) {
  const box = boxOf(key);
  if (!box) return;
  drawn(overlay, "rect", { class: `ring ${kind}`, x: box.x - 3, y: box.y - 3, width: box.width + 6, height: box.height + 6, rx: 5 });
  if (words) drawn(overlay, "text", { x: box.x + 8, y: box.y + box.height - 6 }, words);
}

// One of two fingers moves: zoom by how far apart they are, about the middle between them.
function pinch(event) {
  const before = fingers.get(event.pointerId);
  const still = [...fingers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
  const far = (one) => Math.max(Math.hypot(one.clientX - still.clientX, one.clientY - still.clientY), 1);
  const { left, top } = stage.getBoundingClientRect();
  pan((event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2);
  zoom(far(event) / far(before), (event.clientX + still.clientX) / 2 - left, (event.clientY + still.clientY) / 2 - top);
  fingers.set(event.pointerId, event);
}

stage.onpointerdown = (event) => {
  press = event.button ? null : event;
  fingers.set(event.pointerId, event);
  dragged = fingers.size > 1;
  look(); // ready to move before the first move
};
stage.addEventListener("pointermove", (event) => {
  if (fingers.size > 1) {
    if (fingers.has(event.pointerId)) pinch(event);
    return;
  }
  if (!press) return;
  const [x, y] = [event.clientX - press.clientX, event.clientY - press.clientY];
  dragged ||= Math.hypot(x, y) >= MOVED;
  if (!dragged) return;
  stage.setPointerCapture(event.pointerId);
  pan(x, y);
  press = event;
});
stage.onpointerup = stage.onpointercancel = ({ pointerId }) => {
  fingers.delete(pointerId);
  press = [...fingers.values()][0] || null;
  look();
};
glass.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { left, top } = stage.getBoundingClientRect();
  const pace = event.ctrlKey ? 0.01 : event.deltaMode ? 0.03 : 0.002; // a pinch on a touchpad comes with ctrl, in small steps
  zoom(Math.exp(-event.deltaY * pace), event.clientX - left, event.clientY - top);
}, { passive: false });
new ResizeObserver(() => camera.fitted ? fit() : look()).observe(stage);
