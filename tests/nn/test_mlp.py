"""The network in its two forms: shapes, starts, and that both forms are one network."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors, nn
from minigrad.nn.mlp import activations

X = np.random.default_rng(5).normal(size=(4, 3))
T = np.random.default_rng(6).normal(size=(4, 2))


def pair(**options: Any) -> tuple[nn.MLP, nn.MLP]:
    """The same network in both forms."""
    given: dict[str, Any] = {"init": "normal", "seed": 3, **options}
    return nn.MLP((3, 5, 4, 2), **given), nn.MLP((3, 5, 4, 2), per_neuron=True, **given)


def gradients(net: nn.MLP) -> list[Any]:
    """All gradients as arrays in the shapes of the tensors."""
    flat = np.array([np.ravel(p.grad) for p in net.parameters()] if net.per_neuron else [], dtype=float).ravel()
    if not net.per_neuron:
        return [p.grad for p in net.parameters()]
    ends = np.cumsum([array.size for array in net.state().values()])[:-1]
    return [part.reshape(a.shape) for part, a in zip(np.split(flat, ends), net.state().values(), strict=True)]


# Shapes.


@pytest.mark.parametrize("wrap", [lambda x: x, Value, lambda x: x.tolist()])
def test_a_sample_and_a_batch_as_arrays_values_or_lists(wrap: Any) -> None:
    net = nn.MLP((3, 5, 2), seed=0)
    batch = net(wrap(X))
    assert batch.shape == (4, 2)
    for k in range(4):
        sample = net(wrap(X[k]))
        assert sample.shape == (2,)
        np.testing.assert_allclose(sample.data, batch.data[k], rtol=1e-13)


@pytest.mark.parametrize("wrap", [lambda x: x, Value, lambda x: x.tolist()])
def test_per_neuron_gives_a_list_of_scalars_or_a_list_per_sample(wrap: Any) -> None:
    tensor, scalar = pair()
    outputs = scalar(wrap(X))
    assert [len(row) for row in outputs] == [2] * 4
    assert all(isinstance(v, Value) and v.ndim == 0 for row in outputs for v in row)
    np.testing.assert_allclose([[v.item() for v in row] for row in outputs], tensor(X).data, rtol=1e-12)
    np.testing.assert_allclose([v.item() for v in scalar(wrap(X[1]))], tensor(X[1]).data, rtol=1e-12)


def test_one_output_is_still_a_list_of_one() -> None:
    assert len(nn.MLP((2, 1), per_neuron=True)([1.0, 2.0])) == 1


def test_inputs_that_are_values_get_their_gradients_in_both_forms() -> None:
    tensor, scalar = pair()
    x, xs = Value(X[0]), [Value(v) for v in X[0]]
    nn.squared_error(tensor(x), T[0]).backward()
    nn.squared_error(scalar(xs), T[0]).backward()
    np.testing.assert_allclose(x.grad, [v.grad for v in xs], rtol=1e-12)


@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize("x", [np.ones(2), np.ones((4, 2)), [1.0, 2.0], [[1.0, 2.0]]])
def test_a_sample_of_the_wrong_length_is_named(per_neuron: bool, x: Any) -> None:
    net = nn.MLP((3, 5, 2), per_neuron=per_neuron)
    with pytest.raises(errors.ShapeError, match=r"<MLP 3-5-2, .*32 parameters> takes 3 inputs per sample, got 2"):
        net(x)


def test_a_batch_of_batches_is_refused_per_neuron_and_computed_as_tensors() -> None:
    tensor, scalar = pair()
    with pytest.raises(errors.ShapeError, match="takes 3 inputs per sample"):
        scalar(np.ones((2, 3, 3)))
    assert tensor(np.ones((2, 4, 3))).shape == (2, 4, 2)


@pytest.mark.parametrize("sizes", [(), (3,), (3, 0, 2), (3, -1), (3, 2.5), 3, "32", None])
def test_sizes_that_are_no_layers_are_refused(sizes: Any) -> None:
    with pytest.raises(ValueError, match="sizes must be two or more positive whole numbers"):
        nn.MLP(sizes)


# Parameters.


def test_parameters_come_layer_by_layer_weights_before_biases() -> None:
    tensor, scalar = pair()
    assert [name for name, _ in tensor.named_parameters()] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    names = [name for name, _ in scalar.named_parameters()]
    assert len(names) == 3 * 5 + 5 + 5 * 4 + 4 + 4 * 2 + 2
    assert names[:6] == ["w1[0,0]", "w1[0,1]", "w1[0,2]", "w1[0,3]", "w1[0,4]", "w1[1,0]"]
    assert names[15] == "b1[0]" and names[-1] == "b3[1]"


def test_without_biases_there_are_none() -> None:
    tensor, scalar = pair(bias=False)
    assert list(tensor.state()) == ["W1", "W2", "W3"]
    assert len(scalar.parameters()) == 3 * 5 + 5 * 4 + 4 * 2
    np.testing.assert_allclose([v.item() for v in scalar(X[0])], tensor(X[0]).data, rtol=1e-12)


# Starts.


def test_one_start_for_all_or_one_for_each() -> None:
    every = nn.MLP((2, 3, 1), init=0.5).state()
    assert all((array == 0.5).all() for array in every.values())
    listed = nn.MLP((2, 3, 1), init=["zeros", 1, np.ones((3, 1)), [2.0]]).state()
    named = nn.MLP((2, 3, 1), init={"b2": [2.0], "W2": np.ones((3, 1)), "b1": 1, "W1": "zeros"}).state()
    for name in ("W1", "b1", "W2", "b2"):
        assert np.array_equal(listed[name], named[name])
    assert listed["W1"].tolist() == [[0.0] * 3] * 2 and listed["b2"].tolist() == [2.0]


def test_same_seed_same_bits_in_both_forms_and_another_seed_another_start() -> None:
    for start in ("normal", "uniform", "xavier_normal", "he_uniform"):
        tensor, scalar = pair(init=start)
        again = nn.MLP((3, 5, 4, 2), init=start, seed=np.random.default_rng(3))
        for a, b, c in zip(tensor.state().values(), scalar.state().values(), again.state().values(), strict=True):
            assert a.tobytes() == b.tobytes() == c.tobytes()
        assert not np.array_equal(tensor.state()["W1"], pair(init=start, seed=4)[0].state()["W1"])


def test_two_networks_from_one_generator_differ() -> None:
    rng = np.random.default_rng(0)
    first, second = nn.MLP((2, 2), seed=rng), nn.MLP((2, 2), seed=rng)
    assert not np.array_equal(first.state()["W1"], second.state()["W1"])


def test_a_dict_draws_in_the_order_of_the_layers_not_in_its_own() -> None:
    forwards = nn.MLP((2, 2, 2), init=dict.fromkeys(["W1", "b1", "W2", "b2"], "normal"), seed=1)
    backwards = nn.MLP((2, 2, 2), init=dict.fromkeys(["b2", "W2", "b1", "W1"], "normal"), seed=1)
    assert np.array_equal(forwards.state()["W1"], backwards.state()["W1"])


def test_the_default_start_is_xavier_with_zero_biases() -> None:
    net = nn.MLP((2, 3, 1), seed=0)
    assert np.array_equal(net.state()["W1"], nn.init.xavier_uniform((2, 3), 0))
    assert net.state()["b1"].tolist() == [0.0] * 3


def test_given_arrays_are_copied_in_and_out() -> None:
    given = np.ones((2, 3))
    net = nn.MLP((2, 3), init=[given, 0])
    net.parameters()[0].data[...] = 7
    assert (given == 1).all()
    state = net.state()
    state["W1"][...] = 9
    assert (net.state()["W1"] == 7).all()


def test_single_precision_is_kept() -> None:
    start = [np.ones((2, 3), dtype=np.float32), np.zeros(3, dtype=np.float32)]
    for per_neuron in (False, True):
        net = nn.MLP((2, 3), init=start, per_neuron=per_neuron)
        assert {p.data.dtype for p in net.parameters()} == {np.dtype(np.float32)}


def test_a_missing_or_unknown_parameter_is_named() -> None:
    with pytest.raises(ValueError, match="expected entries for W1, b1, W2, b2, got W1, W2"):
        nn.MLP((2, 3, 1), init={"W1": 1, "W2": 1})
    with pytest.raises(ValueError, match="expected one entry for each of W1, b1, W2, b2, got 2 entries"):
        nn.MLP((2, 3, 1), init=[1, 1])
    with pytest.raises(ValueError, match="expected entries for W1, b1, got W1, b1, W2"):
        nn.MLP((2, 3)).load({"W1": 0, "b1": 0, "W2": 0})


# Copying from one form to the other.


def test_load_copies_between_the_forms_in_place() -> None:
    tensor, scalar = nn.MLP((3, 5, 2), seed=1), nn.MLP((3, 5, 2), seed=2, per_neuron=True)
    memory, values = tensor.parameters()[0].data, scalar.parameters()
    state = scalar.state()
    tensor.load(state)
    assert all(np.array_equal(a, b) for a, b in zip(tensor.state().values(), state.values(), strict=True))
    assert np.shares_memory(memory, tensor.parameters()[0].data)
    scalar.load([array + 1 for array in state.values()])
    assert all(p is v for p, v in zip(scalar.parameters(), values, strict=True))
    assert values[0].item() == state["W1"][0, 0] + 1 and isinstance(values[0].data, np.float64)


@pytest.mark.parametrize("per_neuron", [False, True])
def test_a_load_keeps_the_type_of_the_parameters(per_neuron: bool) -> None:
    start = [np.ones((2, 3), dtype=np.float32), np.zeros(3, dtype=np.float32)]
    net = nn.MLP((2, 3), init=start, per_neuron=per_neuron)
    net.load([np.full((2, 3), 0.1), np.arange(3)])
    assert {p.data.dtype for p in net.parameters()} == {np.dtype(np.float32)}
    assert net.state()["b1"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("per_neuron", [False, True])
def test_a_copied_or_pickled_network_is_another_with_the_same_numbers(per_neuron: bool) -> None:
    net = nn.MLP((2, 3, 1), "relu", "sigmoid", seed=0, per_neuron=per_neuron)
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert [name for name, _ in other.named_parameters()] == [name for name, _ in net.named_parameters()]
        other.load({name: array + 1 for name, array in net.state().items()})
        for a, b in zip(net.state().values(), other.state().values(), strict=True):
            assert np.array_equal(a + 1, b)


def test_a_load_that_does_not_fit_changes_nothing() -> None:
    net = nn.MLP((3, 5, 2), seed=1)
    before = net.state()
    with pytest.raises(errors.ShapeError, match=r"b2: .*\n  expected \(2,\), got \(3,\)"):
        net.load({**{name: array + 1 for name, array in before.items()}, "b2": np.ones(3)})
    assert all(np.array_equal(a, b) for a, b in zip(net.state().values(), before.values(), strict=True))


# Activations.

FUNCTIONS: list[Any] = [
    None,
    "linear",
    "tanh",
    "relu",
    "sigmoid",
    "softplus",
    "softmax",
    "log_softmax",
    np.tanh,
    np.sin,
    minigrad.relu,
    minigrad.softmax,
    lambda z: z * minigrad.sigmoid(z),
    lambda z: z / (1 + (z * z).sum(axis=-1, keepdims=True)),  # mixes the neurons
]


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("output", [None, "sigmoid", "softmax"])
def test_both_forms_give_the_same_outputs_and_gradients(activation: Any, output: Any) -> None:
    tensor, scalar = pair(activation=activation, output=output)
    outputs, lists = tensor(X), scalar(X)
    np.testing.assert_allclose([[v.item() for v in row] for row in lists], outputs.data, rtol=1e-12, atol=1e-14)
    nn.squared_error(outputs, T).backward()
    nn.squared_error(lists, T).backward()
    for a, b in zip(gradients(tensor), gradients(scalar), strict=True):
        scale = max(np.abs(a).max(), 1e-9)
        np.testing.assert_allclose(a / scale, b / scale, rtol=0, atol=1e-11)


def test_the_output_layer_has_the_output_function_and_the_hidden_ones_the_other() -> None:
    net = nn.MLP((3, 5, 2), "relu", "sigmoid", seed=0)
    p = net.state()
    hidden = np.maximum(X @ p["W1"] + p["b1"], 0)
    np.testing.assert_allclose(net(X).data, 1 / (1 + np.exp(-(hidden @ p["W2"] + p["b2"]))), rtol=1e-13)


def test_softmax_is_taken_over_the_neurons_of_each_sample() -> None:
    tensor, scalar = pair(output="softmax")
    np.testing.assert_allclose(tensor(X).data.sum(axis=1), 1, rtol=1e-14)
    assert sum(v.item() for v in scalar(X[0])) == pytest.approx(1, rel=1e-14)


@pytest.mark.parametrize("name", ["tahn", "", 3, ["tanh"]])
def test_an_unknown_activation_is_answered_with_the_known_ones(name: Any) -> None:
    with pytest.raises(
        ValueError,
        match=rf"no activation is called .*\n  expected a function or one of {', '.join(activations())}$",
    ):
        nn.MLP((2, 1), output=name)


def test_the_inputs_and_targets_stay_as_they_were() -> None:
    x, t = X.copy(), T.copy()
    for net in pair():
        nn.squared_error(net(x), t).backward()
    assert np.array_equal(x, X) and np.array_equal(t, T)


def test_repr_says_what_the_network_is() -> None:
    assert repr(nn.MLP((2, 3, 3, 2))) == "<MLP 2-3-3-2, a layer at a time, 29 parameters>"
    assert repr(nn.MLP([2, 1], per_neuron=True)) == "<MLP 2-1, a neuron at a time, 3 parameters>"
