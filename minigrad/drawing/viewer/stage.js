// Put the picture on the stage, move, zoom and mark it.

const stage = $("stage");
const glass = make("div", { id: "glass" }); // takes all pointer events: a listener per node is slow
const camera = { x: 0, y: 0, zoom: 1, fitted: true };
const MOVED = 4; // pixels: a press that moves this far is a drag, not a click
let svg, overlay, parts, boxes, frame, press, dragged;

// Show the picture as the engine laid it out; the page shows its title and legend.
function show() {
  svg = template("svg").firstElementChild;
  const root = svg.querySelector("g");
  for (const other of svg.querySelectorAll("title, desc, :scope > g > :not(.node, .edge, .cluster)")) other.remove();
  for (const link of svg.querySelectorAll("a")) link.replaceWith(...link.childNodes);
  parts = new Map([...root.children].map((part) => [part.id, part]));
  overlay = drawn(root, "g", { "aria-hidden": true });
  stage.replaceChildren(svg, glass);
  boxes = new Map(Object.keys(shot().items).filter((id) => parts.has(id)).map((id) => [id, parts.get(id).getBBox()]));
  for (const id of boxes.keys()) parts.get(id).setAttribute("tabindex", -1);
  const { x, y, width, height } = svg.getBBox();
  set(svg, { viewBox: [x, y, width, height].join(" "), width, height });
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

// Bring a node into sight.
function reveal(id) {
  const [box, edges] = [parts.get(id).getBoundingClientRect(), stage.getBoundingClientRect()];
  const by = (low, high) => Math.max(edges[low] + 12 - box[low], 0) || Math.min(edges[high] - 12 - box[high], 0);
  pan(by("left", "right"), by("top", "bottom"));
}

// Frame a node, with text in it.
function ring(id, kind, words) {
  const box = boxes.get(id);
  if (!box) return;
  drawn(overlay, "rect", { class: `ring ${kind}`, x: box.x - 3, y: box.y - 3, width: box.width + 6, height: box.height + 6, rx: 5 });
  if (words) drawn(overlay, "text", { x: box.x + 8, y: box.y + box.height - 6 }, words);
}

stage.onpointerdown = (event) => {
  press = event.button ? null : event;
  dragged = false;
};
stage.addEventListener("pointermove", (event) => {
  if (!press) return;
  const [x, y] = [event.clientX - press.clientX, event.clientY - press.clientY];
  dragged ||= Math.hypot(x, y) >= MOVED;
  if (!dragged) return;
  stage.setPointerCapture(event.pointerId);
  pan(x, y);
  press = event;
});
stage.onpointerup = stage.onpointercancel = () => {
  press = null;
  look();
};
glass.addEventListener("wheel", (event) => {
  event.preventDefault();
  const { left, top } = stage.getBoundingClientRect();
  zoom(Math.exp(event.deltaY * (event.deltaMode ? -0.03 : -0.002)), event.clientX - left, event.clientY - top);
}, { passive: false });
new ResizeObserver(() => camera.fitted && fit()).observe(stage);
