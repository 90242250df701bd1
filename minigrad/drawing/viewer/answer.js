// The answer beside the picture: which neurons or parameters are one and why, or where two of them part.

const answer = $("answer");

function showAnswer() {
  const told = shot().answers.map(({ words, keys, pair }) => {
    const text = words || verdict(...compared(keys), 1);
    const shown = { onfocus: () => light(null, [], keys), onpointerenter: () => light(null, [], keys), onblur: unlit, onpointerleave: unlit };
    return make("li", {}, keys.length ? make("button", { onclick: () => choose(keys, pair), ...shown }, text) : text);
  });
  $("answers").replaceChildren(...told);
  answer.hidden = state.silent || state.picked.length > 0 || !told.length;
}

// Two neurons of a stack stand side by side in the picture that the stack opens.
function choose(keys, pair) {
  if (pair.length && !keys.includes(pair[1]) && opens(keys[0]) !== undefined) openBox(keys[0]);
  state.picked = pair.length ? pair : keys.slice(0, 2);
  openPanel();
}

function toggleAnswer() {
  state.silent = !answer.hidden;
  state.picked = [];
  openPanel();
}
