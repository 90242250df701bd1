// Snapshots of training.

function showCaption() {
  const { shots } = view();
  $("training").hidden = shots.length < 2;
  $("shot").max = shots.length - 1;
  $("shot").value = shotNumber();
  $("caption").textContent = shot().caption;
  $("cursor").style.left = `${100 * shotNumber() / (shots.length - 1)}%`;
}

function seek(to) {
  state.shot = Math.min(Math.max(to, 0), view().shots.length - 1);
  const here = state.focus;
  show();
  if (boxes.has(here)) go(here);
  refresh();
}

$("shot").oninput = ({ target }) => seek(Number(target.value));
