"""quotient: the same predictions, loss and path of descent; an error if there is no quotient."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, quotient, ties
from minigrad.errors import ArgumentError

RNG = np.random.default_rng(11)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2))


def blocks(shape: tuple[int, ...], rng: Any) -> Any:
    """Neurons in two blocks of 2, and the others."""
    columns = np.broadcast_to(np.where(np.arange(shape[-1]) < 2, 0.3, -0.4), shape).copy()
    if len(shape) == 2 and shape[0] > 3:
        columns *= np.where(np.arange(shape[0]) < 2, 1.0, 0.5)[:, None]
    return columns


@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("init", "sizes"), [(0.3, (3, 1, 1, 2)), (blocks, (3, 2, 2, 2)), ("normal", (3, 5, 4, 2))])
@pytest.mark.parametrize("activation", ["tanh", "relu", "softplus"])
def test_predictions_loss_and_the_path_of_descent(
    activation: str, init: Any, sizes: tuple[int, ...], bias: bool, per_neuron: bool
) -> None:
    net = nn.MLP((3, 5, 4, 2), activation, init=init, seed=0, bias=bias, per_neuron=per_neuron)
    small = quotient(ties(net, X, Y))
    assert small.model.sizes == sizes and small.model.per_neuron == per_neuron
    losses = [nn.squared_error(n(X), Y) for n in (net, small.model)]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-13)
    for _ in range(30):
        for n in (net, small.model):
            n.zero_grad()
            nn.squared_error(n(X), Y).backward()
        for p in net.parameters():
            p.data -= 0.01 * p.grad
        small.descend(0.01)
    expanded = small.expand()
    for name, array in net.state().items():
        np.testing.assert_allclose(expanded[name], array, rtol=1e-10, atol=1e-12)


def test_one_rate_for_all_would_be_another_path() -> None:
    net = nn.MLP((3, 5, 2), init=0.3)
    small = quotient(ties(net, X, Y))
    for n in (net, small.model):
        nn.squared_error(n(X), Y).backward()
    nn.optim.SGD(net.parameters(), 0.01).step()
    nn.optim.SGD(small.model.parameters(), 0.01).step()
    assert np.abs(small.expand()["W1"] - net.state()["W1"]).max() > 1e-3


def test_the_words_and_the_multiplicities() -> None:
    small = quotient(ties(nn.MLP((2, 3, 3, 2), "sigmoid", init=1), X[:, :2], Y))
    assert small.summary() == "Your 2-3-3-2 network is this 2-1-1-2 network."
    assert small.multiplicity == ((3,), (3,))
    np.testing.assert_array_equal(small.model.state()["W2"], [[3.0]])
    np.testing.assert_allclose(small.rates["W1"], np.full((2, 1), 1 / 3))
    np.testing.assert_array_equal(small.rates["W3"], [[3.0, 3.0]])
    random = nn.MLP((2, 3, 1), init="normal", seed=0)
    assert quotient(ties(random, X[:, :2], Y[:, :1])).summary() == "Your 2-3-1 network has no equal neurons."


def test_an_activation_that_mixes_neurons_has_no_quotient() -> None:
    with pytest.raises(ArgumentError, match="mixes its neurons"):
        quotient(ties(nn.MLP((3, 4, 2), "softmax", init=0.5), X, Y))


@pytest.mark.parametrize(("output", "init"), [(None, 0.0), ("sigmoid", 0.0), ("softmax", 0.0), ("softmax", 1.0)])
def test_an_activation_that_mixes_neurons_is_found_out_where_weights_hide_it(output: Any, init: float) -> None:
    """With weights of 0, or a softmax of equal outputs, the predictions agree now but not after one step."""
    with pytest.raises(ArgumentError, match="mixes its neurons"):
        quotient(ties(nn.MLP((3, 4, 3, 2), "softmax", output, init=init), X, Y))


@pytest.mark.parametrize("per_neuron", [False, True])
def test_a_network_in_float32_has_a_quotient_in_float32(per_neuron: bool) -> None:
    def start(shape: tuple[int, ...], rng: Any) -> Any:
        return np.full(shape, 0.3, np.float32)

    net = nn.MLP((3, 7, 5, 2), init=start, per_neuron=per_neuron)
    x, y = X.astype(np.float32), Y.astype(np.float32)
    small = quotient(ties(net, x, y))
    assert small.model.sizes == (3, 1, 1, 2)
    assert {p.dtype for p in small.model.parameters()} == {np.dtype(np.float32)}
    losses = [nn.squared_error(n(x), y).item() for n in (net, small.model)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_has_no_part_in_the_tolerance(odd: float) -> None:
    x, y = np.array([[1.0, 2.0], [odd, 1.0], [0.5, -1.0]]), np.zeros((3, 1))
    equal = nn.MLP((2, 4, 1), activation="relu", seed=0, init=0.5)
    with np.errstate(all="ignore"):
        found = ties(equal, x, y)
    with warnings.catch_warnings(action="error"):
        assert quotient(found).model.sizes == (2, 1, 1)


def test_softmax_at_the_end_is_no_hindrance() -> None:
    net = nn.MLP((3, 4, 2), "tanh", "softmax", init=0.5)
    assert quotient(ties(net, X, Y)).model.sizes == (3, 1, 2)


def test_a_quotient_is_that_of_a_network() -> None:
    with pytest.raises(ArgumentError, match="an MLP"):
        quotient(ties(lambda w: (w * w).sum(), np.ones(3)))
    with pytest.raises(ArgumentError, match=r"quotient takes ties, got MLP[\s\S]*write  quotient\(ties\(model"):
        quotient(nn.MLP((3, 2)))  # type: ignore[arg-type]


# Up to sign.

W, V = RNG.normal(size=(3, 3)), RNG.normal(size=(2, 2))


def mirrored(even: bool) -> dict[str, Any]:
    """A 3-5-4-2 network: two pairs of mirrored neurons and one alone, then two pairs of them.

    even: with equal outgoing weights, as an even activation keeps them.
    """
    out = 1 if even else -1
    first = np.c_[W[:, :2], -W[:, :2], W[:, 2]]
    middle = np.r_[V, out * V, RNG.normal(size=(1, 2))]
    last = RNG.normal(size=(2, 2))
    return {
        "W1": first,
        "b1": np.array([0.1, 0.0, -0.1, 0.0, 0.2]),
        "W2": np.c_[middle, -middle],
        "b2": np.array([0.3, 0.0, -0.3, 0.0]),
        "W3": np.r_[last, out * last],
        "b3": np.array([0.1, 0.2]),
    }


@pytest.mark.parametrize("for_all_data", [False, True])
@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize(
    ("activation", "even"), [("tanh", False), (np.arctan, False), (np.cos, True), (np.abs, True)]
)
def test_neurons_that_are_equal_up_to_sign_are_one(
    activation: Any, even: bool, per_neuron: bool, for_all_data: bool
) -> None:
    net = nn.MLP((3, 5, 4, 2), activation, init=mirrored(even), per_neuron=per_neuron)
    small = quotient(ties(net, X, Y, for_all_data=for_all_data))
    words = "Your 3-5-4-2 network is this 3-3-2-2 network; neurons that are equal up to sign became one."
    assert small.summary() == words and small.has_signs
    assert small.multiplicity == ((2, 2, 1), (2, 2))
    assert nn.squared_error(small.model(X), Y).item() == pytest.approx(
        nn.squared_error(net(X), Y).item(), rel=1e-12
    )
    for _ in range(10):
        for n in (net, small.model):
            n.zero_grad()
            nn.squared_error(n(X), Y).backward()
        for p in net.parameters():
            p.data -= 0.001 * p.grad
        small.descend(0.001)
    expanded = small.expand()
    for name, array in net.state().items():
        np.testing.assert_allclose(expanded[name], array, rtol=1e-8, atol=1e-9)


def test_equal_and_opposite_neurons_are_one_together() -> None:
    start: dict[str, Any] = {
        "W1": [[1.0, -1.0, 1.0, -1.0]] * 3,
        "b1": 0.0,
        "W2": np.outer([0.5, -0.5, 0.5, -0.5], [1.0, 2.0]),
        "b2": 0.0,
    }
    small = quotient(ties(nn.MLP((3, 4, 2), "tanh", init=start), X, Y))
    assert small.model.sizes == (3, 1, 2) and small.multiplicity == ((4,),)
    np.testing.assert_allclose(small.model(X).data, small.original(X).data, rtol=1e-12)


def test_neurons_that_are_opposite_stay_apart_under_any_other_activation() -> None:
    small = quotient(ties(nn.MLP((3, 5, 4, 2), "softplus", init=mirrored(even=False)), X, Y))
    assert not small.has_signs and small.model.sizes == (3, 5, 4, 2)


def test_opposite_weights_that_make_no_neurons_equal_are_still_said() -> None:
    """Two classes from 0: the outputs have opposite weights, and each is needed."""
    start = {"W1": W, "b1": 0.0, "W2": 0.0, "b2": 0.0}
    classes = np.array([0, 1, 1, 0, 1, 0])
    found = ties(nn.MLP((3, 3, 2), "sigmoid", init=start), X, classes, mg.cross_entropy)
    assert found.independent_up_to_sign < found.independent
    words = "Your 3-3-2 network has no equal neurons; its parameters move as 20, 16 up to sign."
    assert quotient(found).summary() == words
