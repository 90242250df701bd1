"""In the view of operations, the arrows where two like values part are marked with the factors that differ."""

from __future__ import annotations

import numpy as np
from seeds import TIED, two_neurons

from minigrad import Value, draw, explain, nn
from minigrad.drawing.diagram import Diagram
from minigrad.engine.value import graph


def marked(d: Diagram) -> dict[str, tuple[str, str]]:
    """For each marked arrow, by the name of its tail: the local derivative and the value it differs from."""
    names = {node.id: node.name for node in d.nodes}
    return {names[e.tail]: (e.derivative, e.differs) for e in d.edges if e.differs}


def test_the_two_neurons_part_at_the_weights_out_of_them_as_explain_says(different: Value) -> None:
    drawing = draw(different, theme="light")
    assert marked(drawing.diagram) == {"a1": ("0.5", "a2"), "a2": ("0.6", "a1")}
    assert drawing.diagram.notes[-1] == "≠: here a1 and a2 part: 0.5 ≠ 0.6."
    named = {v.name: v for v in graph(different)}
    pair = explain(different, named["w1"], named["w3"]).groups[0].pairs[0]
    assert pair.second
    first = min(pair.differ)
    factors = pair.first.factors[first], pair.second.factors[first]
    assert [(f.lower, "w5" in f.words or "w6" in f.words) for f in factors] == [("a1", True), ("a2", True)]
    lines = [line for line in drawing.dot.splitlines() if "->" in line and "≠" in line]
    assert len(lines) == 2 and all("0.5" in line or "0.6" in line for line in lines)


def test_neurons_that_are_one_and_weights_into_one_neuron_have_no_mark(tied: Value) -> None:
    d = draw(tied).diagram
    assert marked(d) == {} and not any(note.startswith("≠") for note in d.notes)
    x, w = Value(2.0, "x"), Value(3.0, "w")
    assert marked(draw(x * w + w * 5.0).diagram) == {}


def test_of_three_values_none_are_compared() -> None:
    a, b, c = (np.tanh(Value(v, n)) for v, n in ((0.1, "p"), (0.2, "q"), (0.3, "r")))
    assert marked(draw(a * 2.0 + b * 3.0 + c * 4.0).diagram) == {}
    a.name, b.name = "a", "b"
    assert marked(draw(a * 2.0 + b * 2.0).diagram) == {}, "equal factors"


def test_the_ops_of_a_network_are_marked_as_its_cards_are() -> None:
    d = draw(*two_neurons(), view="ops").diagram
    assert marked(d) == {"a1[0]": ("0.5", "a1[1]"), "a1[1]": ("0.6", "a1[0]")}
    assert marked(draw(*two_neurons(TIED), view="ops").diagram) == {}
    assert marked(draw(nn.MLP((2, 4, 1), seed=0), np.ones((3, 2)), np.ones((3, 1)), view="ops").diagram) == {}
