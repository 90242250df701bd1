"""The quotient: equal nodes merge into one, different nodes never do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from seeds import TIED, all_ones, classic, two_neurons

from minigrad import Value, cross_entropy, draw, nn, quotient, ties
from minigrad.drawing.diagram import Diagram
from minigrad.errors import ArgumentError
from minigrad.symmetry.mlp_neurons import neuron_classes
from minigrad.symmetry.quotient import DESCENT, RELATION


def times(d: Diagram) -> dict[str, int]:
    return {node.name: node.times for node in d.nodes if node.times > 1}


def test_of_a_network_the_smaller_one_with_its_multiplicities_and_the_same_loss() -> None:
    whole, small = (draw(*all_ones(), view=view).diagram for view in ("cards", "quotient"))
    assert small.title == "Your 2-3-3-2 network is this 2-1-1-2 network: 9 parameters for 29"
    assert times(small) == {"layer 1 · neuron 0": 3, "layer 2 · neuron 0": 3}
    losses = [next(n for n in d.nodes if n.id == "loss").rows[-1].value.lines for d in (whole, small)]
    assert losses[0] == losses[1]
    assert any("×n" in note for note in small.notes)


def test_of_a_network_without_twins_the_network() -> None:
    d = draw(*two_neurons(), view="quotient").diagram
    assert d.title == "Your 2-2-1 network has no equal neurons." and times(d) == {} and len(d.nodes) == 6
    assert not any("×n" in note for note in d.notes)


def test_of_a_network_with_neurons_that_are_equal_up_to_sign_a_note_says_so() -> None:
    init = {"W1": [[1.0, -1.0]], "b1": 0.0, "W2": [[2.0], [-2.0]], "b2": 0.5}
    d = draw(nn.MLP((1, 2, 1), "tanh", init=init), [[1.0]], [[1.0]], view="quotient").diagram
    assert times(d) == {"layer 1 · neuron 0": 2} and any("up to sign" in note for note in d.notes)
    assert not any("up to sign" in note for note in draw(*all_ones(), view="quotient").diagram.notes)


def test_a_network_with_nan_has_no_quotient_and_says_why() -> None:
    net = nn.MLP((1, 1), seed=0)
    net.parameters()[0].data = np.array([[np.nan]])
    with pytest.raises(ArgumentError, match=r"no quotient of .*\n.*nan or infinite"):
        draw(net, [1.0], [1.0], view="quotient")


def test_of_a_graph_one_value_for_each_pair_of_the_tied_neurons(tied: Value) -> None:
    whole, small = draw(tied).diagram, draw(tied, view="quotient").diagram
    assert times(small)["w1 = w3"] == times(small)["a1 = a2"] == 2
    assert sum(node.times for node in small.nodes) == len(whole.nodes)
    assert small.title == f"{len(whole.nodes)} values merge into these {len(small.nodes)}"
    assert "proved to stay equal" in small.notes[0]
    ids = {node.id for node in small.nodes}
    assert {e.tail for e in small.edges} | {e.head for e in small.edges} == ids
    assert {m for g in small.groups for m in g.members} <= ids


def test_two_uses_that_became_one_are_counted_and_two_of_one_value_stay_two(tied: Value) -> None:
    small = draw(tied, view="quotient").diagram
    merged = [e for e in small.edges if e.count == 2]
    assert len(merged) == 1, "the sum of the two products"
    a = Value(3.0, "a")
    assert [(e.place, e.count) for e in draw(a * a, view="quotient").diagram.edges] == [(0, 1), (1, 1)]


def test_of_neurons_that_differ_nothing_is_merged(different: Value) -> None:
    d = draw(different, view="quotient").diagram
    assert times(d) == {} and d.title == f"{len(d.nodes)} values, no two of them equal"


@pytest.mark.parametrize(
    "make",
    [
        lambda a, b: a + b,  # equal gradients, 2 and 3
        lambda a, b: a * 2 + b * 3 - (a + b * 2),  # equal gradients, computed in two ways
        lambda a, b: a[0] + b[1] if a.ndim else a + b,
    ],
)
def test_values_that_differ_are_never_one_though_their_gradients_are_equal(make: Callable[..., Value]) -> None:
    d = draw(make(Value(2.0, "a"), Value(3.0, "b")), view="quotient").diagram
    assert {node.name for node in d.nodes} >= {"a", "b"}


def test_permuted_arrays_with_equal_gradients_are_two() -> None:
    a, b = Value(np.arange(20.0), "a"), Value(np.arange(20.0)[::-1].copy(), "b")
    d = draw(a.sum() + b.sum(), view="quotient").diagram
    assert {node.name for node in d.nodes} >= {"a", "b"}


def test_ops_with_other_constants_or_places_are_two() -> None:
    a = Value(np.ones(50), "a")
    rows = np.arange(30.0)
    y = (a[:30] * rows).sum() + (a[:30] * rows[::-1].copy()).sum()
    d = draw(y, view="quotient").diagram
    assert Counter(node.operation for node in d.nodes)["* array(30,)"] == 2
    d = draw(a[3] + a[4], view="quotient").diagram
    assert sorted(node.operation for node in d.nodes if node.operation.startswith("[")) == ["[3]", "[4]"]


def test_a_sum_of_twins_in_any_order_is_one() -> None:
    a, b, c = Value(1.0, "a"), Value(1.0, "b"), Value(2.0, "c")
    x, y = a * c, b * c
    p, q = x * 3 + c, c + y * 3
    p.name, q.name = "p", "q"
    small = draw((p * p) + (q * q), view="quotient").diagram
    assert times(small)["a = b"] == times(small)["p = q"] == 2


def test_equal_values_with_different_gradients_are_two() -> None:
    a, b = Value(2.0, "a"), Value(2.0, "b")
    assert times(draw(a * 3 + b * 5, view="quotient").diagram) == {}


def test_a_model_that_is_no_plain_network_gives_the_quotient_of_its_graph() -> None:
    class Twice(nn.MLP):
        def __call__(self, x: object) -> Value:
            return super().__call__(x) * 2

    net = Twice((2, 2, 1), init=0.5, per_neuron=False)
    d = draw(net, [1.0, 2.0], [1.0], view="quotient").diagram
    assert d.view == "quotient" and all(not node.rows for node in d.nodes)


def test_the_softmax_of_hidden_neurons_is_refused_with_the_reason() -> None:
    net = nn.MLP((2, 2, 1), "softmax", init=0.5)
    with pytest.raises(ArgumentError, match="mixes its neurons"):
        draw(net, [1.0, 2.0], [1.0], view="quotient")


def test_twins_of_the_classic_network() -> None:
    d = draw(*classic(0.5), view="quotient").diagram
    assert times(d) == {"layer 1 · neuron 0": 4}
    assert draw(*two_neurons(TIED), view="quotient").diagram.title.startswith("Your 2-2-1 network is this 2-1-1")


def wide(init: str | float = "xavier", sizes: tuple[int, ...] = (784, 128, 10)) -> tuple[object, ...]:
    rng = np.random.default_rng(0)
    net = nn.MLP(sizes, activation="relu", init=init, seed=0)
    return net, rng.normal(size=(32, sizes[0])), rng.integers(0, sizes[-1], 32)


def test_of_a_wide_network_one_card_for_each_layer(tmp_path: Path) -> None:
    d = draw(*wide(), loss=cross_entropy, view="quotient")
    assert d.diagram.title == "Your 784-128-10 network has no equal neurons."
    assert len(d.diagram.nodes) == 4 and d.save(tmp_path / "q.svg").stat().st_size < 200_000


def test_of_a_wide_network_with_twins_how_many_neurons_stand_for_how_many() -> None:
    d = draw(*wide(0.1), loss=cross_entropy, view="quotient").diagram
    assert d.title.startswith("Your 784-128-10 network is this 784-1-10 network")
    assert [node.name for node in d.nodes[1:3]] == ["layer 1: 1 for 128", "layer 2"]


def test_more_neurons_than_there_is_room_for_are_one_card_a_layer_and_the_picture_says_so() -> None:
    for view in ("cards", "quotient"):
        d = draw(*wide(sizes=(16, 64, 64, 4)), loss=cross_entropy, view=view, neurons=64).diagram
        assert len(d.nodes) == 5
    d = draw(*wide(sizes=(16, 64, 64, 4)), loss=cross_entropy, view="cards", neurons=64).diagram
    assert d.hidden[0] == "A card per neuron would have 11,344 rows and arrows; there is room for 5,000."
    assert (
        len(draw(*wide(sizes=(16, 20, 20, 4)), loss=cross_entropy, view="quotient", neurons=20).diagram.nodes) == 61
    )


def test_of_a_graph_that_would_take_too_long_the_smaller_picture_of_its_operations() -> None:
    y = sum(Value(float(k), f"a{k}") * Value(2.0, f"b{k}") for k in range(400))
    assert isinstance(y, Value)
    d = draw(y, view="quotient", seconds=0).diagram
    assert d.view == "quotient" and len(d.nodes) < 130 and d.hidden


@pytest.mark.parametrize("network", [all_ones(), classic(0.5), two_neurons(TIED)], ids=["1", "2", "3"])
def test_numbers_of_the_quotient_are_those_of_the_network_times_what_the_note_says(network: tuple) -> None:
    """×m to ×n: m times the weight, n times the gradient. Descent is the same with m/n of the learning rate."""
    whole, small = (draw(*network, view=view).diagram for view in ("neurons", "quotient"))
    assert small.notes[0].endswith(RELATION) and small.notes[1] == DESCENT
    assert "from a ×m neuron to a ×n neuron is m times that of your network, its gradient n times" in RELATION
    assert "each weight is multiplied by m/n, and that of each bias by 1/n" in DESCENT
    mine = {f"{node.id}:{row.port}": row for node in whole.nodes for row in node.rows}
    many = {node.id: node.times for node in small.nodes}
    net = network[0]
    twins = [np.arange(net.sizes[0]), *neuron_classes(net, ties(*network).classes), np.arange(net.sizes[-1])]
    checked = 0
    for node in small.nodes:
        if node.kind != "card":
            continue
        k, j = (int(part) for part in node.id[1:].split("n"))
        first = int(np.flatnonzero(twins[k] == j)[0])
        for row in node.rows:
            if row.kind != "parameter":
                continue
            tail = int(row.port[1:]) if row.port != "b" else None
            m = 1 if tail is None else many[f"l{k - 1}n{tail}"]
            port = "b" if tail is None else f"w{int(np.flatnonzero(twins[k - 1] == tail)[0])}"
            ours = mine[f"l{k}n{first}:{port}"]
            assert float(row.value.exact) == pytest.approx(m * float(ours.value.exact), rel=1e-12)
            assert row.gradient and ours.gradient
            assert float(row.gradient.exact) == pytest.approx(many[node.id] * float(ours.gradient.exact), rel=1e-9)
            checked += 1
    assert checked == sum(p.size for p in quotient(ties(*network)).model.parameters())


def test_descent_follows_the_network_only_with_the_rates_of_the_note() -> None:
    net, x, y = all_ones()
    small = quotient(ties(net, x, y))
    equal_rates = quotient(ties(net, x, y))
    for one in (net, small.model, equal_rates.model):
        nn.squared_error(one(x), y).backward()
    for p in net.parameters():
        p.data -= 0.1 * p.grad
    small.descend(0.1)
    for p in equal_rates.model.parameters():
        p.data -= 0.1 * p.grad
    for found, follows in ((small, True), (equal_rates, False)):
        state = found.expand()
        assert all(np.allclose(state[name], mine, rtol=1e-12) for name, mine in net.state().items()) is follows
    counts = (1, *(n for (n,) in small.multiplicity), 1)
    for k in (1, 2, 3):
        assert (small.rates[f"W{k}"] == counts[k - 1] / counts[k]).all(), "m/n, as the note says"
        assert (small.rates[f"b{k}"] == 1 / counts[k]).all(), "1/n"
