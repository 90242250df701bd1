// The backward sweep, one node per step.

const PACE = 1200; // milliseconds per step
let playing = 0;

function step(to) {
  const { steps } = shot();
  state.step = Math.min(Math.max(to, -1), steps.length - 1);
  $("step").max = steps.length;
  $("step").value = state.step + 1;
  sayStep();
  if (state.step >= 0) reveal(steps[state.step].id);
  mark();
}

function sayStep() {
  const { steps } = shot();
  const now = steps[state.step];
  say(now ? now.words : `The backward sweep: ${steps.length} steps from the loss.`);
}

// Highlight reached nodes; those that wait for more uses show their sum so far.
function markStep() {
  const past = shot().steps.slice(0, state.step + 1);
  const now = past.at(-1)?.id;
  stage.classList.toggle("stepping", past.length > 0);
  if (!now) return;
  const reached = new Set(past.map(({ id }) => id));
  for (const [id, part] of parts) part.classList.toggle("reached", reached.has(id));
  for (const { id, head, needed } of shot().edges) {
    parts.get(id)?.classList.toggle("reached", reached.has(head));
    parts.get(id)?.classList.toggle("flowing", head === now && needed);
  }
  ring(now, "now");
  for (const [id, words] of Object.entries(Object.assign({}, ...past.map((one) => one.partial)))) if (!reached.has(id)) ring(id, "partial", words);
}

function play(on = !playing) {
  clearInterval(playing);
  const more = () => state.step < shot().steps.length - 1;
  playing = on && setInterval(() => more() ? step(state.step + 1) : play(false), PACE);
  if (on) step(more() ? state.step + 1 : 0);
  $("play").textContent = on ? "❚❚" : "▶";
}

$("step").oninput = ({ target }) => step(target.value - 1);
