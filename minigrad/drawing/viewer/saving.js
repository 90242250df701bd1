// Save the picture as a file.

const DENSE = 2; // pixels of a PNG per point

function picture() {
  const copy = template("svg").firstElementChild;
  for (const name of ["fill", "stroke"]) {
    for (const part of copy.querySelectorAll(`[${name}]`)) part.setAttribute(name, tint(part.getAttribute(name)));
  }
  return copy;
}

const textOf = (copy) => new XMLSerializer().serializeToString(copy);

async function pixels() {
  const copy = picture();
  const [width, height] = ["width", "height"].map((side) => copy.viewBox.baseVal[side] * DENSE);
  const image = make("img", { src: `data:image/svg+xml,${encodeURIComponent(textOf(set(copy, { width, height })))}` });
  await image.decode();
  const canvas = make("canvas", { width, height });
  canvas.getContext("2d").drawImage(image, 0, 0);
  return new Promise((done) => canvas.toBlob(done));
}

const KINDS = { svg: () => textOf(picture()), png: pixels, dot: () => shot().dot, json: () => shot().json };

async function save(kind) {
  const download = `${view().name}.${kind}`;
  const href = URL.createObjectURL(new Blob([await KINDS[kind]()]));
  make("a", { href, download }).click();
  $("saves").open = false;
  say(`${download} is saved.`);
}
