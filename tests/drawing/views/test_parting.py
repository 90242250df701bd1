"""Two neurons that differ: the first factor that differs along their paths is marked on both paths."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from drawing.networks import SEEDS
from seeds import FIRST, TIED, all_ones, two_neurons

from minigrad import draw, explain, nn, relu
from minigrad.drawing.diagram import Diagram
from minigrad.engine.value import graph


def marks(d: Diagram) -> list[tuple[str, str]]:
    return [(row.name, row.differs) for node in d.nodes for row in node.rows if row.differs]


def ends(d: Diagram) -> list[tuple[str, str]]:
    """The arrows that are marked: from which card, to which row."""
    rows = {f"{node.id}:{row.port}": row.name for node in d.nodes for row in node.rows}
    return [(e.tail, rows[f"{e.head}:{e.head_port}"]) for e in d.edges if e.differs]


def note(d: Diagram) -> str:
    return next((note for note in d.notes if note.startswith("≠")), "")


def first_difference(network: tuple[Any, ...], u: str, v: str) -> tuple[str, str]:
    """The first factor in which the largest paths of two gradients differ, as `explain` gives it."""
    net, x, y, *loss = network
    J = (loss[0] if loss else nn.squared_error)(net(x), y)
    named = {value.name: value for value in graph(J)}
    pair = explain(J, named[u], named[v]).groups[0].pairs[0]
    assert pair.second is not None
    k = min(pair.differ)
    return pair.first.factors[k].words, pair.second.factors[k].words


def test_different_weights_out_of_two_neurons_are_marked_on_both_paths() -> None:
    d = draw(*two_neurons()).diagram
    assert marks(d) == [("w2[0,0]", "w2[1,0]"), ("w2[1,0]", "w2[0,0]")]
    assert ends(d) == [("l1n0", "w2[0,0]"), ("l1n1", "w2[1,0]")]
    assert note(d) == "≠: here neuron 0 and neuron 1 of layer 1 part: w2[0,0] = 0.5 ≠ w2[1,0] = 0.6."
    first, second = first_difference(two_neurons(), "w1[0,0]", "w1[0,1]")
    assert ("w2[0,0]" in first, "w2[1,0]" in second) == (True, True)


def test_of_equal_weights_out_the_sums_are_marked_at_which_the_activation_has_another_slope() -> None:
    weights = [*TIED[:2], 0.3, *TIED[3:]]
    d = draw(*two_neurons(weights)).diagram
    assert marks(d) == [("z1[0]", "z1[1]"), ("z1[1]", "z1[0]")] and ends(d) == []
    first, second = first_difference(two_neurons(weights), "w1[1,0]", "w1[1,1]")
    assert ("z1[0]" in first or "a1[0]" in first) and ("z1[1]" in second or "a1[1]" in second)
    assert "w2" not in first + second


def test_of_equal_gradients_the_weights_that_differ_are_marked() -> None:
    """Both neurons answer, with slope 1: only the next step will part their gradients."""
    start = [np.array([[1.0, 2.0], [1.0, 1.5]]), np.array([[1.0], [1.0]])]
    d = draw(nn.MLP((2, 2, 1), relu, init=start, bias=False), [[1.0, 1.0], [2.0, 1.0]], [[1.0], [2.0]]).diagram
    assert marks(d) == [("W1[0,0]", "W1[0,1]"), ("W1[0,1]", "W1[0,0]")]
    assert ends(d) == [("l0n0", "W1[0,0]"), ("l0n0", "W1[0,1]")]


def test_of_several_outputs_the_weights_are_marked_that_part_the_neurons_most() -> None:
    start = [np.ones((1, 2)), np.array([[1.0, 1.0], [1.01, 3.0]])]
    d = draw(nn.MLP((1, 2, 2), "tanh", init=start, bias=False), [1.0], [0.0, 0.0]).diagram
    assert marks(d) == [("W2[0,1]", "W2[1,1]"), ("W2[1,1]", "W2[0,1]")]


def test_neurons_that_are_one_and_more_than_two_have_no_mark() -> None:
    for network in (two_neurons(TIED), all_ones(), all_ones("xavier")):
        d = draw(*network).diagram
        assert marks(d) == [] and note(d) == ""
    assert marks(draw(*two_neurons(TIED), view="neurons").diagram) == []


def test_one_neuron_parts_from_a_stack() -> None:
    net, x, y = all_ones()
    start = net.state()
    start["W2"][0] += 0.5
    net.load(start)
    d = draw(net, x, y).diagram
    assert [node.name for node in d.nodes[2:4]] == ["layer 1 · neuron 0", "layer 1 · neurons 1, 2"]
    assert marks(d) == [("W2[0,:]", "W2[1:3,:]"), ("W2[1:3,:]", "W2[0,:]")]
    assert note(d).endswith("W2[0,:] = 1.5 ≠ W2[1:3,:] = 1.")


def test_rounding_is_no_difference_and_neither_is_what_is_no_number() -> None:
    noisy = [*TIED[:5], np.nextafter(TIED[5], 1)]
    assert marks(draw(*two_neurons(noisy), view="neurons").diagram) == []
    draw(*two_neurons([np.nan, *FIRST[1:]]))
    start = [np.ones((1, 2)), np.array([[np.inf], [1.0]])]
    d = draw(nn.MLP((1, 2, 1), "tanh", init=start, bias=False), [1.0], [0.0]).diagram
    assert marks(d) == [("W2[0,0]", "W2[1,0]"), ("W2[1,0]", "W2[0,0]")]


def test_the_mark_is_drawn_on_both_arrows_and_both_rows_and_is_read_out() -> None:
    drawing = draw(*two_neurons(), theme="light")
    dot = drawing.dot
    labelled = [line for line in dot.splitlines() if "->" in line and "≠" in line]
    assert len(labelled) == 2 and all(re.search(r'lp="[\d.-]+,[\d.-]+"', line) for line in labelled)
    card = next(line for line in dot.splitlines() if line.strip().startswith("l2n0 ["))
    assert card.count("≠") == 2
    svg = drawing._svg()
    assert svg.count(">≠</text>") == 4 and "w2[0,0] 0.5, gradient -0.1982, differs from w2[1,0]" in svg
    assert draw(*two_neurons(TIED), theme="light").dot.count("≠") == 0


@pytest.mark.parametrize("name", SEEDS)
def test_the_stories_have_a_mark_only_where_a_layer_shows_two_neurons(name: str) -> None:
    for view in ("cards", "neurons", "quotient"):
        d = draw(*SEEDS[name], view=view).diagram
        layers = {node.id[:2]: sum(other.id[:2] == node.id[:2] for other in d.nodes) for node in d.nodes}
        hidden = [layers[f"l{k}"] for k in range(1, len(SEEDS[name][0].sizes) - 1)]
        assert bool(marks(d)) == (2 in hidden and name != "two-neurons-tied")


def test_the_marks_hold_for_values_as_for_arrays() -> None:
    whole, single = (draw(*two_neurons(per_neuron=per_neuron)) for per_neuron in (False, True))
    assert [(a.lower(), b.lower()) for a, b in marks(whole.diagram)] == marks(single.diagram) != []
