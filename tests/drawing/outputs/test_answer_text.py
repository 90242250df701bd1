"""The sentences of the first screen, against what plain arithmetic says of the networks."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from seeds import EQUAL, TIED, all_ones, classic, two_neurons

from minigrad import Value, draw, nn
from minigrad.drawing.outputs.answer_text import answers
from minigrad.drawing.outputs.viewer_text import item_names


def said(*network: Any, **given: Any) -> list[tuple[str, list[str]]]:
    diagram = draw(*network, **given).diagram
    return [(one["words"], one["keys"]) for one in answers(diagram, item_names(diagram))]  # type: ignore[misc]


def test_neurons_that_are_one_and_why() -> None:
    words = "Neurons 0 and 1 of layer 1 are one: every factor on their paths is equal (proved)."
    assert said(*two_neurons(TIED), view="neurons") == [(words, ["l1n0", "l1n1"])]


def test_a_stack_is_told_as_its_neurons_which_are_compared_where_it_opens() -> None:
    diagram = draw(*two_neurons(TIED)).diagram
    (told,) = answers(diagram, item_names(diagram))
    words = "Neurons 0 and 1 of layer 1 are one: every factor on their paths is equal (proved)."
    assert told == {"words": words, "keys": ["l1n0"], "pair": ["l1n0", "l1n1"]}
    assert diagram.nodes[2].opens == "neurons" and diagram.nodes[2].bundle == ("l1n0", "l1n1")


def test_of_two_neurons_that_differ_the_viewer_says_where_they_part() -> None:
    assert said(*two_neurons()) == [("", ["l1n0", "l1n1"])]


def test_each_hidden_layer_has_a_sentence_and_the_outputs_have_none() -> None:
    words = "All 3 neurons of layer {} are one: every factor on their paths is equal (proved)."
    assert [text for text, _ in said(*all_ones())] == [words.format(1), words.format(2)]


def test_neurons_that_are_equal_without_a_proof() -> None:
    diagram = draw(*two_neurons(TIED)).diagram
    bare = [replace(card, rows=tuple(replace(row, tie="") for row in card.rows)) for card in diagram.nodes]
    unproved = replace(diagram, nodes=tuple(bare))
    (only,) = answers(unproved, item_names(unproved))
    now = "are equal now: every factor on their paths is equal; no proof that they stay so."
    assert only["words"] == f"Neurons 0 and 1 of layer 1 {now}"


def test_the_outputs_of_a_network_are_in_no_sentence() -> None:
    """Here both outputs are equal, and so are their targets."""
    model = nn.MLP((1, 2), init=1.0, bias=False)
    assert said(model, [[1.0], [2.0]], [[0.5, 0.5], [1.0, 1.0]])[0][1] == []


def test_a_card_of_several_neurons_says_that_they_are_one() -> None:
    diagram = draw(*two_neurons(TIED)).diagram
    cards = {card.id: card for card in diagram.nodes}
    nodes = [replace(cards["l1n0"], times=2, name="layer 1 · neurons 0, 1"), cards["l2n0"], cards["loss"]]
    kept = tuple(edge for edge in diagram.edges if {edge.tail, edge.head} <= {node.id for node in nodes})
    stack = replace(diagram, nodes=tuple(nodes), edges=kept)
    (only,) = answers(stack, item_names(stack))
    assert only["words"] == "Neurons 0 and 1 of layer 1 are one: every factor on their paths is equal (proved)."
    (only,) = answers(quotient := draw(*two_neurons(TIED), view="quotient").diagram, item_names(quotient))
    assert only["words"] == "layer 1 · neuron 0 stands for 2 neurons that are one (proved)."


def test_pairs_of_one_layer_are_told_apart() -> None:
    """Neurons 0 and 2, and 1 and 3, are equal: the layer of four acts as two."""
    W1, W2 = np.array([[0.1, 0.5, 0.1, 0.5], [0.2, -0.3, 0.2, -0.3]]), np.array([[0.7], [0.2], [0.7], [0.2]])
    model = nn.MLP((2, 4, 1), "tanh", init=[W1, W2], bias=False)
    found = said(model, [[1.0, 2.0], [0.5, -1.0]], [[1.0], [0.0]], view="neurons")
    assert [keys for _, keys in found] == [["l1n0", "l1n2"], ["l1n1", "l1n3"], ["l1n0", "l1n1"]]
    assert [text.split(" are")[0] for text, _ in found] == [
        "Neurons 0 and 2 of layer 1",
        "Neurons 1 and 3 of layer 1",
        "",
    ]


def test_neurons_without_a_gradient_are_not_called_one() -> None:
    W1, W2 = np.array([[-1.0, -2.0, 0.5]]), np.array([[0.3], [0.4], [0.7]])
    model = nn.MLP((1, 3, 1), "relu", init=[W1, W2], bias=False)
    found = said(model, [[1.0], [2.0]], [[1.0], [0.0]])
    assert found[0][0].startswith("Neurons 0 and 1 of layer 1 are without a gradient now")
    assert not any("one" in text for text, _ in found)


def test_the_four_neurons_of_the_classroom_are_one() -> None:
    assert said(*classic(EQUAL))[0][0].startswith("All 4 neurons of layer 1 are one")
    assert said(*classic())[0] == ("", ["l1n0", "l1n1"])


@pytest.mark.parametrize("start", [(1.0, 1.0), (1.0, 2.0)])
def test_of_two_parameters_the_viewer_says_it_all(start: tuple[float, float]) -> None:
    a, b = Value(start[0], "a"), Value(start[1], "b")
    assert said(a**2 + b**2) == [("", ["n0", "n1"])]


def test_four_parameters_of_two_ties_are_two_sentences() -> None:
    """The gradients of all four are 1 now; after one step of 0.1 they are 0.9 and 0.9048."""
    a1, a2, b1, b2 = (Value(v, name=n) for v, n in ((1.0, "a1"), (1.0, "a2"), (0.0, "b1"), (0.0, "b2")))
    found = said((a1**2 + a2**2) / 2 + np.exp(b1) + np.exp(b2))
    assert [keys for _, keys in found] == [["n0", "n1"], ["n2", "n3"]]


def test_boxes_of_neurons_are_one_where_their_outputs_stay_equal() -> None:
    first, *rest = said(*two_neurons(TIED), view="ops")
    assert first[0] == "Neurons 0 and 1 of layer 1 are one (proved)."
    names = {node.id: node.name for node in draw(*two_neurons(TIED), view="ops").diagram.nodes}
    assert [names[key] for key in first[1]] == ["a1[0]", "a1[1]"]
    assert [text for text, _ in rest] == ["", "", ""]
    assert [text for text, _ in said(*two_neurons(), view="ops")] == [""]


def test_entries_of_a_tensor_have_their_names() -> None:
    (first, *_) = said(*all_ones(), view="ops")
    assert first[0] == "W1[0,0], W1[0,1] and W1[0,2] keep one gradient (proved)."


def test_a_picture_without_any_says_its_title() -> None:
    a = Value(2.0, "a")
    (only,) = said(a * a)
    assert only == ("y = 4 · dy/da = 4.", [])


def test_names_are_written_so_that_they_show() -> None:
    a, b = Value(1.0, "a\u202e"), Value(1.0, "b")
    c = Value(1.0, "c")
    (only,) = said(a + b + c)
    assert "\u202e" not in only[0] and only[0].startswith("a\\u202e, b and c keep")


def test_who_cannot_see_the_picture_hears_the_answer_after_the_title() -> None:
    """No word about colours, frames or widths, which say nothing to a screen reader."""
    text = described(*two_neurons(TIED))
    assert text.startswith(
        "6 parameters move as 3 · hidden layer of 2 acts as 1. Neurons 0 and 1 of layer 1 are one: "
    )
    text = described(*two_neurons())
    assert "Neurons 0 and 1 of layer 1 are not one: w2[0,0] is 0.5, w2[1,0] is 0.6." in text
    for word in ("colour", "border", "frame", "dashed", "width"):
        assert word not in text
    assert "w1[0,0] and w1[0,1] keep one gradient (proved)." in described(*two_neurons(TIED), view="ops")
    assert "w1[0,0] and w1[0,1] have different gradients." in described(*two_neurons(), view="ops")


def test_what_is_heard_of_entries_has_their_names() -> None:
    text = described(*all_ones(), view="ops")
    assert ": b1[0], b1[1], b1[2]." in text and ": ." not in text


def described(*network: Any, **given: Any) -> str:
    return str(re.search("<desc>(.*?)</desc>", draw(*network, **given)._svg(), re.DOTALL)[1])  # type: ignore[index]
