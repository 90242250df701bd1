// A small map of a picture that is larger than the stage: where the stage looks, and a way to move there.

const map = $("map");
let seen;

function showMap(root) {
  const outline = ({ x, y, width, height }) => `M${x} ${y}h${width}v${height}h${-width}z`;
  map.replaceChildren();
  const { width, height } = svg.viewBox.baseVal;
  const thin = Math.max(width / height, height / width) > 5; // a map of it would be a line
  set(map, { viewBox: svg.getAttribute("viewBox"), preserveAspectRatio: thin ? "none" : "xMidYMid" });
  drawn(map, "path", { d: [...boxes].map(([id, box]) => isCluster(id) ? "" : outline(box)).join(""), transform: root.getAttribute("transform") || "" });
  seen = drawn(map, "rect", {});
}

function moveMap() {
  const { x, y, width, height } = svg.viewBox.baseVal;
  const [across, down] = [stage.clientWidth / camera.zoom, stage.clientHeight / camera.zoom];
  const [left, top] = [-camera.x / camera.zoom, -camera.y / camera.zoom];
  map.toggleAttribute("hidden", left <= 1 && top <= 1 && left + across >= width - 1 && top + down >= height - 1);
  set(seen, { x: x + left, y: y + top, width: across, height: down });
}

// Centre the stage on a point of the map.
function lookAt({ clientX, clientY }) {
  const at = new DOMPoint(clientX, clientY).matrixTransform(map.getScreenCTM().inverse());
  const { x, y } = svg.viewBox.baseVal;
  pan(stage.clientWidth / 2 - (at.x - x) * camera.zoom - camera.x, stage.clientHeight / 2 - (at.y - y) * camera.zoom - camera.y);
}

map.onpointerdown = (event) => {
  map.setPointerCapture(event.pointerId);
  lookAt(event);
};
map.onpointermove = (event) => event.buttons && lookAt(event);
