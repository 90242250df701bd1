"""ties: its result for each kind of start, in each of its three forms, and its errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, nn
from minigrad.errors import ArgumentError, GradientLost, TracingError
from minigrad.symmetry import ties

RNG = np.random.default_rng(7)
X, Y = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 1))


def regression(p: Any, x: Any, y: Any) -> Any:
    return np.mean((np.tanh(x @ p["W"] + p["b"]) @ p["v"] - y) ** 2)


def start() -> dict[str, Any]:
    return {"W": np.full((2, 3), 0.2), "b": np.zeros(3), "v": np.ones((3, 1))}


def test_groups_are_paths_and_indices_and_labels_keep_the_nesting() -> None:
    found = ties(regression, start(), X, Y)
    assert found.groups[0] == (("['W']", (0, 0)), ("['W']", (0, 1)), ("['W']", (0, 2)))
    assert [len(group) for group in found.groups] == [3, 3, 3, 3]
    assert set(found.labels) == {"W", "b", "v"}
    np.testing.assert_array_equal(found.labels["W"], [[0, 0, 0], [1, 1, 1]])
    np.testing.assert_array_equal(found.labels["v"], [[3], [3], [3]])
    assert found.evidence == ("proved",) * 4
    assert (found.frozen, found.independent, found.width) == (None, 4, None)
    assert found.summary() == "12 parameters move as 4"


def test_any_nesting_and_a_plain_number() -> None:
    found = ties(lambda p: (p[0] * p[1]["a"] - p[1]["b"]) ** 2, (2.0, {"a": 3.0, "b": 3.0}))
    assert found.groups == ((("[0]", ()),), (("[1]['a']", ()),), (("[1]['b']", ()),))
    assert ties(lambda w: np.sum(w * w), np.ones(3)).groups == ((("", (0,)), ("", (1,)), ("", (2,))),)


def test_entries_of_other_values_are_in_other_groups_whatever_their_gradients() -> None:
    found = ties(lambda w: np.sum(w), np.array([1.0, 2.0, 1.0]))
    assert found.labels.tolist() == [0, 1, 0]


def test_equal_gradients_now_that_part_later_are_no_tie() -> None:
    """At w = (1, 1) both gradients are 2, but they differ along the way: the terms are w0² and 2 w1."""
    found = ties(lambda w: w[0] ** 2 + 2 * w[1], np.ones(2))
    assert len(found.groups) == 2


def test_a_tie_that_hangs_on_another_falls_with_it() -> None:
    """w0 and w1 would be tied if w2 and w3 were tied. They are not, so the refinement needs a second round."""
    found = ties(lambda w: w[0] * w[2] + w[1] * w[3] + w[3] ** 2, np.array([1.0, 1.0, 2.0, 2.0]))
    assert len(found.groups) == 4 and found.partition.rounds >= 2


def test_what_the_loss_does_not_depend_on_is_frozen() -> None:
    found = ties(lambda p: p["used"] ** 2, {"unused": np.ones(2), "used": 3.0, "other": 5.0})
    assert found.frozen == 0
    assert found.groups[0] == (("['unused']", (0,)), ("['unused']", (1,)), ("['other']", ()))
    assert found.independent == 1
    assert found.summary() == "4 parameters move as 1, 3 never move"


def test_a_zero_that_moves_is_not_frozen() -> None:
    """An entry that is 0 but has a gradient moves; only b1 and b2, which multiply each other, stay 0."""
    found = ties(lambda p: (p["a"] - 1) ** 2 + p["b1"] * p["b2"], {"a": 0.0, "b1": 0.0, "b2": 0.0})
    assert found.groups == ((("['a']", ()),), (("['b1']", ()), ("['b2']", ())))
    assert found.frozen == 1


def test_zeros_that_wake_each_other_up_are_not_frozen() -> None:
    """c has a gradient only after b has moved, and b only after a has moved: none of them is frozen."""
    found = ties(lambda p: (p[0] - 1) ** 2 + p[0] * p[1] + p[1] * p[2], [0.0, 0.0, 0.0])
    assert found.frozen is None and found.independent == 3


def test_data_by_value_and_for_all_data() -> None:
    x, y = nn.data.xor()
    net = nn.MLP((2, 4, 4, 1), init=0.5)
    here, everywhere = ties(net, x, y), ties(net, x, y, for_all_data=True)
    assert (len(here.groups), here.scope) == (6, "for this data")
    assert (len(everywhere.groups), everywhere.scope) == (7, "for all data")
    assert here.width == everywhere.width == (1, 1)


def test_classes_as_data_are_symbols_too() -> None:
    def f(w: Any, x: Any, y: Any) -> Any:
        return minigrad.cross_entropy(x @ w, y)

    x, y = np.ones((2, 3)), np.array([0, 1])
    assert len(ties(f, np.zeros((3, 2)), x, y).groups) < len(
        ties(f, np.zeros((3, 2)), x, y, for_all_data=True).groups
    )


@pytest.mark.parametrize("option", ["sum", None])
def test_data_that_are_no_numbers_stand_for_themselves(option: Any) -> None:
    def f(w: Any, x: Any, option: Any) -> Any:
        z = x @ w
        return np.sum(z**2) if option == "sum" else np.mean(z**2)

    found = ties(f, np.ones((2, 3)), X, option, for_all_data=True)
    assert [len(group) for group in found.groups] == [3, 3]


PARTLY = {"W1": 0.3, "b1": 0.0, "W2": [[1.0], [1.0], [2.0]], "b2": 0.0}


@pytest.mark.parametrize("init", [0.5, 0.0, "normal", PARTLY])
@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "softmax"])
@pytest.mark.parametrize("for_all_data", [False, True])
def test_both_forms_of_a_network_and_a_recorded_graph_agree(init: Any, activation: str, for_all_data: bool) -> None:
    found = [
        ties(nn.MLP((2, 3, 1), activation, init=init, seed=1, per_neuron=per), X, Y, for_all_data=for_all_data)
        for per in (False, True)
    ]
    np.testing.assert_array_equal(found[0].numbers, found[1].numbers)
    assert found[0].width == found[1].width and found[0].summary() == found[1].summary()
    assert set(found[0].labels) == {"W1", "b1", "W2", "b2"} and "w1[0,2]" in found[1].labels
    assert found[0].evidence == found[1].evidence and set(found[0].evidence) <= {"proved", "single"}


def test_the_leaves_of_a_recorded_graph_are_its_parameters_in_serial_order() -> None:
    a, b, c = Value(2.0, name="a"), Value(2.0), Value(3.0, name="c")
    found = ties((c * a + c * b).tanh())
    assert found.groups == ((("a", ()), ("[1]", ())), (("c", ()),))
    assert [int(x) for x in found.labels] == [0, 0, 1]


def test_a_mask_that_forgot_its_inputs_ties_nothing() -> None:
    """Recorded outside a trace, both masks are 1, but they depend on u and v and may become different."""
    u, v = Value(1.0, name="u"), Value(2.0, name="v")
    w1, w2 = Value(0.5, name="w1"), Value(0.5, name="w2")
    eager = ties(w1 * (u > 0) + w2 * (v > 0) + u * u + 3 * v * v)
    assert eager.labels[2] != eager.labels[3]
    traced = ties(
        lambda p: p[2] * (p[0] > 0) + p[3] * (p[1] > 0) + p[0] * p[0] + 3 * p[1] * p[1], [1.0, 2.0, 0.5, 0.5]
    )
    assert traced.labels[2] != traced.labels[3]


def test_a_mask_of_equal_numbers_ties() -> None:
    found = ties(
        lambda p: np.sum(p["w"] * (p["u"] > 0)) + np.sum(p["u"] ** 2), {"u": np.ones(2), "w": np.full(2, 3.0)}
    )
    assert [len(group) for group in found.groups] == [2, 2]


def test_dropout_masks_are_data_and_part_what_they_part() -> None:
    mask = np.array([1.0, 0.0, 1.0])

    def f(p: Any, x: Any, y: Any) -> Any:
        return np.sum(((np.tanh(x @ p["W"] + p["b"]) * mask) @ p["v"] - y) ** 2)

    found = ties(f, start(), X, Y)
    assert found.labels["v"].ravel().tolist()[0] == found.labels["v"].ravel().tolist()[2]
    assert found.labels["W"][0, 0] != found.labels["W"][0, 1]
    assert found.frozen is not None and found.labels["W"][0, 1] == found.frozen


def test_nothing_is_written_and_the_model_keeps_its_numbers() -> None:
    net = nn.MLP((2, 3, 1), init=0.5)
    before = net.state()
    ties(net, X, Y).remedies()
    assert all((before[name] == array).all() for name, array in net.state().items())
    assert all(p.grad is None for p in net.parameters())
    p = start()
    ties(regression, p, X, Y)
    assert all((p[name] == array).all() for name, array in start().items())


def test_float32_parameters_are_compared_as_they_are() -> None:
    p = {name: array.astype(np.float32) for name, array in start().items()}
    assert len(ties(regression, p, X, Y).groups) == 4


def test_an_op_that_no_proof_sees_through_is_probed_and_said_to_be() -> None:
    def f(w: Any) -> Any:
        return np.linalg.det(np.eye(2) + w[0] * np.ones((2, 2))) + np.linalg.det(np.eye(2) + w[1] * np.ones((2, 2)))

    assert ties(f, np.ones(2), method="prove").evidence == ("proved",)

    def swapped(w: Any) -> Any:
        return np.linalg.det(np.stack([np.stack([w[0], 2.0 * w[2]]), np.stack([w[2], w[1]])]))

    found = ties(swapped, np.array([3.0, 3.0, 1.0]))
    assert found.labels.tolist() == [0, 0, 1]
    assert found.evidence == ("probed", "single") and found.unknown == ("cofactor",)
    assert found.summary() == "3 parameters move as 2 (probed, not proved; the proof does not know cofactor)"
    assert len(ties(swapped, np.array([3.0, 3.0, 1.0]), method="prove").groups) == 3


def test_a_function_that_branches_on_its_numbers_is_refused() -> None:
    with pytest.raises(TracingError, match=r"write  np.where"):
        ties(lambda w: w[0] if w[0] > 0 else w[1], np.ones(2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ties(3.0), ArgumentError, r"write  ties\(f, params"),
        (lambda: ties(lambda w: w), ArgumentError, r"ties\(model, x, y, loss\)"),
        (lambda: ties(lambda w: 3.0, np.ones(2)), GradientLost, "must be a Value computed from the parameters"),
        (lambda: ties(lambda w: w, np.ones(2)), ArgumentError, r"write  y.sum\(\)"),
        (lambda: ties(nn.MLP((2, 1)), X), ArgumentError, "got 1 arguments after the model"),
        (
            lambda: ties(nn.MLP((2, 1)), X, Y, "squared"),
            ArgumentError,
            "the loss must be a function .* got str 'squared'",
        ),
        (lambda: ties(Value(1.0) * 2, X), ArgumentError, "contains its data"),
        (lambda: ties(lambda w: w * w, 1.0, method="guess"), ValueError, "auto, prove, probe"),
        (lambda: ties(lambda w: w * w, np.nan), ValueError, "nan or infinite"),
    ],
)
def test_what_is_no_loss_is_refused_by_name(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()


def test_the_answer_is_the_same_every_time() -> None:
    net = nn.MLP((2, 4, 1), init=0.5)
    assert ties(net, X, Y).groups == ties(net, X, Y).groups
    probed = [ties(net, X, Y, method="probe").numbers for _ in range(2)]
    np.testing.assert_array_equal(*probed)


def test_the_summary_of_one_hidden_layer_of_none_and_of_one_parameter() -> None:
    assert (
        ties(nn.MLP((2, 3, 1), init=1), X, Y).summary() == "13 parameters move as 5 · hidden layer of 3 acts as 1"
    )
    assert ties(nn.MLP((2, 1), init=1), X, Y).summary() == "3 parameters move as 3"
    assert ties(lambda w: w * w, 2.0).summary() == "1 parameter moves as 1"


def test_the_loss_of_a_model_may_be_given_by_name_and_a_function_takes_none() -> None:
    net, y = nn.MLP((2, 3, 2), init=0.5), np.array([0, 1, 1, 0, 1])
    by_name, by_place = ties(net, X, y, loss=minigrad.cross_entropy), ties(net, X, y, minigrad.cross_entropy)
    assert by_name.groups == by_place.groups
    with pytest.raises(ArgumentError, match="loss= is for models; a function f"):
        ties(regression, start(), X, Y, loss=minigrad.cross_entropy)
