"""Cards of a network, in both forms: the numbers are those of the network, the letters follow its ties."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from seeds import FIRST, TIED, all_ones, best_draw, classic, two_neurons

from minigrad import Value, draw, nn, relu
from minigrad.drawing.diagram import ZERO, CardRow, Diagram, DiagramNode
from minigrad.errors import ArgumentError


def card(d: Diagram, name: str) -> DiagramNode:
    return next(node for node in d.nodes if node.id == name)


def rows(d: Diagram) -> dict[str, CardRow]:
    return {row.name: row for node in d.nodes for row in node.rows}


def flows(d: Diagram) -> list[float]:
    return [-1.0 if e.flow is None else e.flow for e in d.edges]


def letters(d: Diagram, names: str) -> list[str | None]:
    found = rows(d)
    return [found[name].group for name in names.split()]


def test_a_model_gives_a_card_for_each_neuron_input_and_the_loss() -> None:
    d = draw(*two_neurons()).diagram
    assert [node.id for node in d.nodes] == ["l0n0", "l0n1", "l1n0", "l1n1", "l2n0", "loss"]
    assert [row.name for row in card(d, "l1n1").rows] == ["w1[0,1]", "w1[1,1]", "z1[1]", "a1[1]"]
    assert (card(d, "l1n1").name, card(d, "l1n1").operation) == ("layer 1 · neuron 1", "sigmoid")
    assert [row.name for row in card(d, "loss").rows] == ["y[0]", "loss"]


def test_the_numbers_are_those_of_the_thread() -> None:
    found = rows(draw(*two_neurons()).diagram)
    values = {"z1[0]": 0.5, "a1[1]": 0.7502601, "z2[0]": 0.7613857, "a2[0]": 0.6816545, "loss": 0.3832323}
    for name, value in values.items():
        assert float(found[name].value.exact) == pytest.approx(value, abs=2e-7)
    slopes = {"w1[0,0]": -0.0374062, "w1[1,0]": -0.0748124, "w1[0,1]": -0.0357890, "w2[1,0]": -0.2388419}
    for name, slope in slopes.items():
        assert float(found[name].gradient.exact) == pytest.approx(slope, abs=2e-7)  # type: ignore[union-attr]


@pytest.mark.parametrize("network", [all_ones, classic])
@pytest.mark.parametrize("init", [0.5, "xavier"])
def test_both_forms_of_a_network_give_the_same_picture(network: Any, init: Any) -> None:
    whole, single = (draw(*network(init, per_neuron)).diagram for per_neuron in (False, True))
    for one, other in zip(whole.nodes, single.nodes, strict=True):
        assert (one.id, one.badges, len(one.rows)) == (other.id, other.badges, len(other.rows))
        for a, b in zip(one.rows, other.rows, strict=True):
            assert a.name.lower() == b.name.lower() and a.value.lines == b.value.lines
            assert (a.group, bool(a.tie)) == (b.group, bool(b.tie))
            assert a.gradient is None or a.gradient.lines == b.gradient.lines  # type: ignore[union-attr]
    assert whole.title == single.title
    assert flows(whole) == pytest.approx(flows(single), rel=1e-12)


def test_letters_and_proofs_of_the_tied_neurons() -> None:
    d = draw(*two_neurons(TIED), view="neurons").diagram
    a, b = letters(d, "w1[0,0] w1[1,0]")
    assert letters(d, "w1[0,1] w1[1,1]") == [a, b] and None not in (a, b) and a != b
    assert letters(d, "a1[0]") == letters(d, "a1[1]") != letters(d, "w2[0,0]") == letters(d, "w2[1,0]")
    assert letters(d, "z2[0] a2[0]") == [None, None]
    found = rows(d)
    assert found["w1[0,0]"].tie == found["w1[0,1]"].tie != found["z1[0]"].tie != "", (
        "as x is 1, z1 has w1's gradient"
    )
    assert d.title == "6 parameters move as 3 · hidden layer of 2 acts as 1"


def test_neurons_that_differ_share_no_letter() -> None:
    d = draw(*two_neurons()).diagram
    assert letters(d, "w1[1,0] w1[1,1] w2[0,0] w2[1,0] a1[0] a1[1]") == [None] * 6
    assert letters(d, "w1[0,0]") == letters(d, "z1[0]") != letters(d, "w1[0,1]") == letters(d, "z1[1]")


def test_equal_now_but_not_tied_is_no_proof() -> None:
    """The weights 0.3 and 0.7 of a sum both get the gradient 1, but they are not tied, because they differ."""
    d = draw(nn.MLP((2, 1), init=[np.array([[0.3], [0.7]])], bias=False), [1.0, 1.0]).diagram
    found = rows(d)
    assert found["W1[0,0]"].group == found["W1[1,0]"].group is not None
    assert found["W1[0,0]"].tie == "" and not any(d.groups[0].ties)


def test_equal_sums_of_the_outputs_are_seen_and_not_proved() -> None:
    d = draw(nn.MLP((1, 2), init=0.5), [[1.0], [2.0]], [[1.0, 1.0], [0.0, 0.0]]).diagram
    found = rows(d)
    assert found["z1[0]"].group == found["z1[1]"].group is not None and found["z1[0]"].tie == ""
    assert found["W1[0,0]"].tie != ""


def test_colour_is_for_gradients_that_are_equal_in_separate_places() -> None:
    """If an input is 1, the sum passes its gradient on to the weight. Two weights have separate gradients."""
    groups = draw(*two_neurons()).diagram.groups
    assert [(g.names, g.apart) for g in groups] == [(("w1[0,0]", "z1[0]"), False), (("w1[0,1]", "z1[1]"), False)]
    (group,) = draw(nn.MLP((2, 1), seed=0, bias=False), [3.0, 3.0], [1.0]).diagram.groups
    assert group.apart and group.names == ("W1[0,0]", "W1[1,0]")


def test_a_bias_and_its_sum_share_a_letter_only_with_others() -> None:
    """For one sample dL/dz is always dL/db, so the two alone get no letter."""
    d = draw(nn.MLP((2, 3, 1), seed=0), [1.5, -0.5]).diagram
    assert letters(d, "b1[0] z1[0] b2[0] z2[0]") == [None] * 4
    tied = draw(nn.MLP((2, 3, 1), init=0.5), [1.5, -0.5], view="neurons").diagram
    assert len(set(letters(tied, "b1[0] z1[0] b1[1] z1[1]"))) == 1 and letters(tied, "z1[0]") != [None]


def test_frozen_and_dead_neurons_wear_a_badge() -> None:
    net = nn.MLP((2, 3, 1), "tanh", init=0)
    d = draw(net, [[1.0, 2.0], [0.5, 1.0]], [[1.0], [2.0]], view="neurons").diagram
    assert [card(d, f"l1n{j}").badges for j in range(3)] == [("frozen",)] * 3
    assert set(letters(d, "W1[0,0] b1[2] W2[1,0] a1[0] z1[0]")) == {ZERO}
    assert rows(d)["W1[0,0]"].tie == rows(d)["a1[0]"].tie == "1"
    assert rows(d)["a1[0]"].gradient.lines == ("0",)  # type: ignore[union-attr]
    start = [np.array([[1.0, -1.0]]), np.zeros(2), np.array([[1.0], [1.0]]), np.zeros(1)]
    d = draw(nn.MLP((1, 2, 1), relu, init=start), [[1.0], [2.0]], [[1.0], [2.0]]).diagram
    assert [card(d, f"l1n{j}").badges for j in range(2)] == [(), ("dead",)]
    d = draw(nn.MLP((1, 2, 1), relu, init=start), [[1.0], [-2.0]], [[1.0], [2.0]]).diagram
    assert card(d, "l1n1").badges == (), "it answers one input of the batch"


def test_zero_now_is_not_zero_for_ever() -> None:
    """A weight from an input that is 0 never moves; one whose error is 0 only now may move later."""
    net = nn.MLP((2, 2, 1), "tanh", seed=0)
    d = draw(net, [0.0, 1.0], [1.0]).diagram
    assert letters(d, "W1[0,0]") == [ZERO]
    d = draw(nn.MLP((1, 1), init=[np.array([[2.0]]), np.zeros(1)]), [1.0], [2.0]).diagram
    assert (
        letters(d, "W1[0,0]") == [ZERO] and rows(d)["W1[0,0]"].tie == "" and "frozen" not in card(d, "l1n0").badges
    )


def test_nan_and_inf_wear_a_badge_and_are_drawn() -> None:
    net = nn.MLP((1, 1), init=[np.array([[np.inf]]), np.zeros(1)])
    d = draw(net, [1.0], [0.0]).diagram
    assert "inf" in card(d, "l1n0").badges and "Ties are unknown" in " ".join(d.notes)
    net = nn.MLP((1, 1), init=[np.array([[np.nan]]), np.zeros(1)])
    assert "nan" in card(draw(net, [1.0], [0.0]).diagram, "l1n0").badges


def test_an_edge_carries_the_weight_and_the_gradient_that_flows_back() -> None:
    d = draw(*two_neurons()).diagram
    found, by_ends = rows(d), {(e.tail, e.head): e for e in d.edges}
    e = by_ends["l1n1", "l2n0"]
    dz = float(found["z2[0]"].gradient.exact)  # type: ignore[union-attr]
    assert (e.tail_port, e.head_port, e.place, e.exact) == ("a", "w1", 1, "0.6")
    assert float(e.exact_contribution) == pytest.approx(dz * 0.6) and e.flow == pytest.approx(abs(dz * 0.6))
    assert by_ends["l0n0", "l1n0"].flow is None, "nobody asks for the gradient of plain numbers"
    assert by_ends["l2n0", "loss"].flow == pytest.approx(1.4670188, abs=2e-7)
    assert max(e.width for e in d.edges) == 4.0 and by_ends["l0n0", "l1n0"].width == 1.0


def test_the_gradient_of_a_neuron_is_the_sum_over_its_edges() -> None:
    d = draw(*all_ones("xavier")[:1], [0.8, 0.4], [0.2, 0.4]).diagram
    for node in d.nodes:
        back = [float(e.exact_contribution) for e in d.edges if e.tail == node.id and e.exact_contribution]
        if back:
            assert sum(back) == pytest.approx(float(node.rows[-1].gradient.exact), rel=1e-12)  # type: ignore[union-attr]


def test_inputs_that_are_values_get_their_gradient() -> None:
    x = Value([1.0, 2.0], "x")
    whole = draw(*two_neurons(per_neuron=False)[:1], x, [1.0]).diagram
    single = draw(*two_neurons()[:1], [Value(1.0), Value(2.0)], [1.0]).diagram
    for d in (whole, single):
        assert all(e.flow for e in d.edges)
    exact = [float(rows(d)["x[1]"].gradient.exact) for d in (whole, single)]  # type: ignore[union-attr]
    assert exact[0] == pytest.approx(exact[1], rel=1e-12) != 0
    assert x.grad is None


def test_nothing_is_written_to_the_model() -> None:
    net, *data = all_ones()
    before = net.state()
    draw(net, *data)
    assert all(p.grad is None for p in net.parameters())
    assert all((net.state()[name] == before[name]).all() for name in before)


def test_of_a_batch_the_range_and_the_norm() -> None:
    d = draw(*best_draw()).diagram
    row = rows(d)["x[0]"]
    assert row.value.lines == ("0.5 .. 1",) and (row.value.low, row.value.high) == (0.5, 1.0)
    assert rows(d)["a1[2]"].gradient.lines[0].startswith("|")  # type: ignore[union-attr]


def test_without_a_target_the_sum_of_the_outputs() -> None:
    d = draw(nn.MLP((2, 3, 2), seed=0), [1.0, 2.0]).diagram
    assert card(d, "loss").name == "sum of outputs" and d.notes[0] == "Gradients of the sum of outputs; one sample."
    assert [rows(d)[f"z2[{j}]"].gradient.lines for j in range(2)] == [("1",)] * 2  # type: ignore[union-attr]
    per_neuron = draw(nn.MLP((2, 3, 2), seed=0, per_neuron=True), [1.0, 2.0]).diagram
    assert flows(per_neuron) == pytest.approx(flows(d))


def test_a_target_of_another_shape_is_one_row() -> None:
    def loss(p: Any, y: Any) -> Any:
        return np.sum(p[np.arange(3), y])

    d = draw(nn.MLP((2, 3), seed=0), np.ones((3, 2)), np.array([0, 1, 2]), loss=loss).diagram
    assert [row.name for row in card(d, "loss").rows] == ["y", "loss"]
    assert {e.head_port for e in d.edges if e.head == "loss"} == {"y"}


def test_an_output_the_loss_does_not_look_at_has_gradient_zero() -> None:
    for per_neuron in (False, True):
        net = nn.MLP((2, 2, 2), "tanh", seed=0, per_neuron=per_neuron)
        d = draw(net, [1.0, 2.0], [1.0], lambda p, y: (p[0] - y[0]) ** 2).diagram
        assert letters(d, "z2[1]") == [ZERO]
        assert next(e for e in d.edges if e.tail == "l2n1").flow == 0.0


def test_wide_layers_are_cut_only_if_asked_and_say_so() -> None:
    net = nn.MLP((2, 16, 2), seed=0)
    d = draw(net, np.ones((4, 2)), np.ones((4, 2)), neurons=3).diagram
    rest = card(d, "l1n3")
    assert (rest.name, rest.count) == ("… 13 more neurons", 13)
    assert [row.name for row in card(d, "l2n0").rows][3:5] == ["… 13 more", "b2[0]"]
    one_left = card(draw(net, np.ones((4, 2)), np.ones((4, 2)), neurons=15).diagram, "l1n15")
    assert (one_left.name, one_left.hides) == ("… 1 more neuron", "1 neuron")
    assert d.hidden == ("Not shown: 13 of 16 in layer 1 (layer 0: inputs); write neurons=16 to show all.",)
    back = {(e.tail, e.head): e for e in d.edges}
    assert back["l1n3", "l2n0"].head_port == "more" and back["l1n3", "l2n0"].count == 13
    everything = draw(net, np.ones((4, 2)), np.ones((4, 2)), neurons=16).diagram
    assert everything.hidden == () and len(everything.nodes) == 2 + 16 + 2 + 1


def test_a_model_without_data_and_data_without_a_model_say_what_to_write() -> None:
    net = nn.MLP((2, 1), seed=0)
    for call in (lambda: draw(net), lambda: draw(Value(1.0), [1.0]), lambda: draw(Value(1.0), view="cards")):
        with pytest.raises(ArgumentError, match=r"draw\(model, x, y, loss=...\)"):
            call()
    with pytest.raises(ArgumentError, match="one number"):
        draw(net, [1.0, 2.0], [1.0], loss=lambda p, y: np.stack([p, p]))
    for neurons in (0, "all"):
        with pytest.raises(ArgumentError, match=f"neurons is the number of neurons per layer .* got {neurons!r}"):
            draw(net, [1.0, 2.0], neurons=neurons)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="a loss is a function"):
        draw(net, [1.0, 2.0], [1.0], loss="mse")  # type: ignore[arg-type]


def test_equal_networks_give_equal_diagrams() -> None:
    assert draw(*all_ones()).diagram == draw(*all_ones()).diagram
    assert draw(*two_neurons(FIRST)).dot == draw(*two_neurons(FIRST)).dot
