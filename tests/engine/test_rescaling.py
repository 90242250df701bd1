"""Derivatives with a product on their way that is too small or too large for its type."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import DIFFERENTIABLE, places, refuses

from minigrad import (
    Value,
    checkpoint,
    compile,
    cross_entropy,
    custom,
    forget,
    gelu,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
    vmap,
)
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine import rescaling
from minigrad.engine.tree import tree_map
from minigrad.nn import MLP


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


# f, the point, and its slope.
CASES: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "too small: 1e-521 · e^600": (sigmoid, -600.0, math.exp(-600)),
    "too small: 1e-400 · 1e400": (lambda x: np.arctan(1 / x), 1e-200, -1.0),
    "too small, but not quite 0": (sigmoid, -360.0, math.exp(-360)),
    "too small forwards": (lambda x: np.log(1 / (x * x)), 1e150, -2e-150),
    "too large: 1e600 / 1e300": (lambda x: np.log(1 / x), 1e-300, -1e300),
    "too large: 1e400 · 1e-200": (lambda x: 1 / x**2, 1e-100, -2e300),
    "both, in one sum": (lambda x: sigmoid(-600 * x) + 1 / (1e-100 * x) ** 2 * 1e-200, 1.0, -2.0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_slope_is_right_by_every_way(name: str) -> None:
    f, x, slope = CASES[name]
    leaf, three = Value(x), np.array([x, x, x])
    f(leaf).backward()
    ways = {
        "grad": grad(f)(x),
        "value_and_grad": value_and_grad(f)(x)[1],
        "backward": leaf.grad,
        "jvp": jvp(f, x, 1.0)[1],
        "one entry": grad(lambda v: np.sum(f(v)))(three)[1],
        "jacobian by rows": jacobian(lambda v: np.sum(f(v)))(three)[1],
        "jacobian by columns": jacobian(lambda x: f(x) * np.ones(3))(x)[1],
        "recorded": grad(lambda w: w * grad(f)(x))(1.0),
    }
    for way, found in ways.items():
        assert found == pytest.approx(slope, rel=1e-12, abs=0.0), way


def test_second_derivatives() -> None:
    x, want = np.array([-600.0, -500.0]), np.exp([-600.0, -500.0])

    def f(x: Any) -> Any:
        return np.sum(sigmoid(x))

    found = hessian(f)(x).diagonal(), hvp(f, x, np.ones(2)), grad(lambda x: np.sum(grad(f)(x)))(x)
    for each in found:
        np.testing.assert_allclose(each, want, rtol=1e-12)
    assert grad(grad(lambda x: 1 / x**2))(1e-75) == pytest.approx(6e300, rel=1e-12)
    assert grad(grad(lambda x: np.log(1 + np.exp(x))))(400.0) == pytest.approx(math.exp(-400), rel=1e-12)


def test_entries_of_very_different_size() -> None:
    """No factor suits all entries: each takes what suits it."""
    c = np.array([0.0, 1e200, -1e100])
    found = grad(lambda x: np.sum(sigmoid(x) + c * x))(np.array([-600.0, 0.0, 1.0]))
    np.testing.assert_allclose(found, [math.exp(-600), 1e200, -1e100], rtol=1e-12)


def test_float32_and_float64_in_one_graph() -> None:
    x = np.float32(-80)
    f = lambda x: np.float64(2.0) * sigmoid(x)  # noqa: E731
    found = grad(f)(x)
    assert found.dtype == np.float32 and found == pytest.approx(2 * math.exp(-80), rel=1e-5, abs=0.0)


def test_a_true_infinity_and_a_true_zero_stay() -> None:
    assert grad(np.sqrt)(0.0) == math.inf
    assert grad(lambda x: 1e-200 * (x * 1e-200))(1.0) == 0.0
    with np.errstate(over="ignore"):
        assert math.isnan(grad(lambda x: np.log(1 + np.exp(x)))(800.0))  # the value has overflowed


def test_a_rule_of_a_user_need_not_be_linear() -> None:
    """Such as one that bounds the gradient."""
    bounded = custom(lambda x: x * 1.0, name="bounded gradient", vjp=lambda g, y, x: np.clip(g, -1.0, 1.0))
    try:
        assert grad(lambda x: 1e-300 * bounded(sigmoid(x)) * 1e-10 * 1e305)(0.0) == pytest.approx(2.5e-6)
        assert grad(lambda x: sigmoid(x) * 1e-300 * 1e-10 + bounded(np.exp(x)) * 5)(0.0) == 1.0
    finally:
        forget(bounded)


def test_what_takes_the_products_as_they_are() -> None:
    """As docs/nan-and-zero.md says: compiled code, vmap, and what runs a user's function again."""
    x = np.array([-600.0, 0.0])
    for slopes in (compile(grad(lambda x: np.sum(sigmoid(x)))), vmap(grad(sigmoid))):
        np.testing.assert_allclose(slopes(x), [0.0, 0.25])
    assert grad(checkpoint(sigmoid))(-600.0) == 0.0


def test_networks_sweep_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Confident networks lose products all the time, and nothing in them makes much of little."""

    def never(*_: Any) -> None:
        raise AssertionError("a network was swept again")

    monkeypatch.setattr(rescaling, "_scaled", never)
    x, labels = np.ones((4, 3), np.float32), np.zeros(4, int)
    for activation in ("relu", "tanh", gelu, "sigmoid"):
        model = MLP([3, 5, 2], activation=activation, seed=0)
        for w in model.parameters():
            w.data = (w.data * 60).astype(np.float32)
        loss = cross_entropy(model(x), labels) * np.float32(1e-30) * np.float32(1e-8)
        loss.backward()


@pytest.mark.parametrize("name", sorted(DIFFERENTIABLE))
def test_every_rule_is_linear_to_the_bit(name: str) -> None:
    """So a scaled sweep, divided by its factor, is the sweep."""
    made_by = DIFFERENTIABLE[name]
    for call in random_calls(made_by, 3):
        for k in places(made_by, call.args):
            if made_by.variadic or not refuses(made_by.vjps[k]):
                one_argument(call, k)


def one_argument(call: Any, k: int) -> None:
    args = [*call.args]
    y, pull = vjp(lambda x: call(*args[:k], x, *args[k + 1 :]), args[k])
    g = tree_map(lambda y, _: np.cos(np.arange(np.size(y))).reshape(np.shape(y)), y)
    plain, scaled = pull(g)[0], pull(tree_map(lambda g, _: g * 2.0**60, g))[0]
    np.testing.assert_array_equal(plain, scaled * 2.0**-60)
