"""vmap inside and around what is compiled: the bits of eager code, and one trace for all samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import grad, value_and_grad, vmap
from minigrad.tracing.program import same_bits

RNG = np.random.default_rng(0)
X, Y, W = RNG.normal(size=(6, 3)), RNG.normal(size=6), RNG.normal(size=3)


def alike(a: Any, b: Any) -> bool:
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(map(alike, a, b))
    return same_bits(a, b)


def error(w: Any, x: Any, y: Any) -> Any:
    return (np.tanh(np.sum(w * x)) - y) ** 2


def total(w: Any, x: Any, y: Any) -> Any:
    return vmap(error, (None, 0, 0))(w, x, y).mean()


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (vmap(error, (None, 0, 0)), (W, X, Y)),
        (vmap(grad(error), (None, 0, 0)), (W, X, Y)),
        (vmap(value_and_grad(error, (0, 1)), (None, 0, 0)), (W, X, Y)),
        (value_and_grad(total), (W, X, Y)),
        (minigrad.hessian(total), (W, X, Y)),
        (lambda w, x, y: minigrad.hvp(lambda w: total(w, x, y), w, w), (W, X, Y)),
    ],
)
def test_batches_are_compiled_to_the_bits_of_eager_code(f: Any, args: Any) -> None:
    compiled = minigrad.compile(f)
    for k in range(3):
        moved = [x + 0.1 * k for x in args]
        assert alike(compiled(*moved), f(*moved))
    assert compiled.traces == 1


def test_a_network_written_a_neuron_at_a_time_steps_on_all_samples_at_once() -> None:
    net = minigrad.nn.MLP((3, 4, 1), "relu", seed=0, per_neuron=True)
    start = [np.float64(w.data) for w in net.parameters()]

    def output(parameters: Any, x: Any) -> Any:
        each = iter(parameters)
        hidden = [[next(each) for _ in range(4)] for _ in range(3)], [next(each) for _ in range(4)]
        last = [next(each) for _ in range(4)], next(each)
        h = [minigrad.relu(sum(xi * row[j] for xi, row in zip(x, hidden[0], strict=True)) + hidden[1][j])
             for j in range(4)]  # fmt: skip
        return sum(a * w for a, w in zip(h, last[0], strict=True)) + last[1]

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return np.sum(vmap(lambda p, x, y: (output(p, x) - y) ** 2, (None, 0, 0))(parameters, x, y))

    columns = [X[:, k].copy() for k in range(3)]
    value, gradients = minigrad.compile(value_and_grad(loss))(start, columns, Y)
    y = minigrad.nn.squared_error(net(X), Y[:, None])
    y.backward()
    np.testing.assert_allclose(value, y.data, rtol=1e-12)
    np.testing.assert_allclose(gradients, [w.grad for w in net.parameters()], rtol=1e-10, atol=1e-12)


def test_a_compiled_function_in_a_batch_and_a_batch_in_a_step() -> None:
    compiled = minigrad.compile(error)
    expected = [error(W, x, y) for x, y in zip(X, Y, strict=True)]
    np.testing.assert_allclose(vmap(compiled, (None, 0, 0))(W, X, Y), expected)


def masked(x: Any) -> Any:
    """A mask of the sample, met by the rules of an inner gradient as a constant."""
    mask = x > 0
    return grad(lambda w: np.sum(np.where(mask, w * w * x, 0.0)))(np.ones(3))


def outside(x: Any, w: Any) -> Any:
    """An inner gradient whose function closes over what is given from outside."""
    return vmap(grad(lambda x: np.sum(np.tanh(x * w))))(x)


def labelled(x: Any) -> Any:
    return vmap(grad(lambda x, k: minigrad.cross_entropy(x[None], k[None])))(x, np.array([0, 2, 1, 1, 0, 2]))


@pytest.mark.parametrize(("f", "args"), [(vmap(masked), (X,)), (outside, (X, W)), (labelled, (X,))])
def test_nothing_of_the_first_sample_or_of_the_first_call_stays_behind(f: Any, args: Any) -> None:
    compiled = minigrad.compile(f)
    for k in range(3):
        moved = [(x - 0.3 * k) * (-1) ** k for x in args]
        np.testing.assert_allclose(compiled(*moved), f(*moved), rtol=1e-12)
    assert compiled.traces == 1


def test_masks_of_samples_are_not_those_of_the_first() -> None:
    np.testing.assert_allclose(vmap(masked)(X), [masked(x) for x in X], rtol=1e-12)
    np.testing.assert_allclose(outside(X, W), [grad(lambda x: np.sum(np.tanh(x * W)))(x) for x in X], rtol=1e-12)
