"""Cards for readers who cannot see them: the text has everything that the picture shows."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from seeds import TIED, all_ones, two_neurons

from minigrad import Value, draw, nn
from minigrad.drawing.captions import alt_text
from minigrad.drawing.card_text import LISTED, first_names, largest_of

SVG = "{http://www.w3.org/2000/svg}"


def spoken(svg: str) -> dict[str, str]:
    """The labels of nodes and edges by id."""
    found = ET.fromstring(svg).iter(f"{SVG}g")
    return {g.get("id", ""): g.get("aria-label", "") for g in found if g.get("aria-label")}


def test_a_card_is_read_out_row_by_row_with_its_letters_and_ties() -> None:
    told = spoken(draw(*two_neurons(TIED), view="neurons")._svg())
    assert told["l1n0"].startswith(
        "layer 1 · neuron 0, sigmoid. w1[0,0] 0.2, gradient -0.03465 (A₁, proved to stay equal). w1[1,0] 0.4"
    )
    assert told["l0n0"] == "x[0] 1."
    assert told["loss"] == "binary cross entropy. y[0] 1. loss 0.3478."
    assert len(told) == len(draw(*two_neurons()).diagram.nodes) + len(draw(*two_neurons()).diagram.edges)


def test_a_bundle_names_its_neurons_and_says_how_many_it_stands_for() -> None:
    told = spoken(draw(*two_neurons(TIED))._svg())
    assert told["l1n0"].startswith("layer 1 · neurons 0, 1, sigmoid, stands for 2. w1[0,:] 0.2, gradient")


def test_an_arrow_says_from_where_to_where_and_what_comes_back() -> None:
    d = draw(*two_neurons())
    e = next(e for e in d.diagram.edges if e.tail == "l1n1")
    assert spoken(d._svg())[e.id].startswith(
        "a1[1] to w2[1,0] of layer 2 · neuron 0 local derivative 0.6 passes back "
    )


def test_the_paragraph_names_loss_groups_and_badges() -> None:
    text = alt_text(draw(*all_ones(), view="neurons").diagram)
    assert text.startswith(
        "29 parameters move as 9 · hidden layers of 3 and 3 act as 1 and 1. 11 cards and 23 arrows. "
    )
    assert (
        "loss 1.908." in text and "A, proved to stay equal, gradient 0.0003942: W1[0,0], W1[0,1], W1[0,2]." in text
    )
    text = alt_text(draw(nn.MLP((2, 3, 1), "tanh", init=0), [[1.0, 2.0]], [[1.0]], view="neurons").diagram)
    assert "frozen: layer 1 · neuron 0, layer 1 · neuron 1, layer 1 · neuron 2." in text


def test_long_lists_are_cut_and_counted() -> None:
    assert first_names(["a"] * (LISTED + 3)).endswith("a, 3 more") and first_names(["a", "b"]) == "a, b"


def test_of_gradients_that_rounding_alone_tells_apart_the_first_is_the_largest() -> None:
    """Else the last bit, which differs between processors, would choose the name."""
    assert largest_of(range(4), [1.0, 2.0 - 2**-52, 2.0, 1.0].__getitem__) == 1
    assert largest_of(range(4), [1.0, 1.9, 2.0, 1.0].__getitem__) == 2
    assert largest_of([], abs) is None
    a, b = Value(2.0, name="a"), Value(3.0, name="b")
    for share in (1 - 2**-52, 1.0, 1 + 2**-52):
        y = a * 1.5 - b * (1.5 * share)
        y.backward()
        assert "The largest gradient of a leaf is that of a: " in draw(y)._svg()
        a.grad = b.grad = None
