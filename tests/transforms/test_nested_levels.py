"""Derivatives of derivatives: levels nested in each other, in every order, and how they could be confused."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, grad, value_and_grad

Pair = namedtuple("Pair", ["w", "b"])


def number(x: Any) -> float:
    """What stands in a result, Value or not."""
    return float(x.item())


# -------------------------------------------------------------------------------------------- two levels


def test_higher_orders_of_a_number() -> None:
    f: Any = lambda x: x**5  # noqa: E731
    expected = [32.0, 80.0, 160.0, 240.0, 240.0, 120.0, 0.0]
    for value in expected:
        assert f(2.0) == pytest.approx(value, rel=1e-14)
        f = grad(f)
        assert type(f(2.0)) is np.float64


@pytest.mark.parametrize(
    ("f", "third"),
    [
        (np.sin, lambda x: -np.cos(x)),
        (np.exp, np.exp),
        (np.log, lambda x: 2 / x**3),
        (np.sqrt, lambda x: 0.375 * x**-2.5),
        (lambda x: 1 / x, lambda x: -6 / x**4),
        (lambda x: x**4, lambda x: 24 * x),
        (np.tanh, lambda x: (1 - np.tanh(x) ** 2) * (6 * np.tanh(x) ** 2 - 2)),
        (lambda x: x * x * x / 6, lambda x: 1.0),
    ],
)
def test_grad_of_grad_of_grad(f: Callable[[Any], Any], third: Callable[[Any], Any]) -> None:
    for x in (0.3, 0.7, 1.9):
        assert grad(grad(grad(f)))(x) == pytest.approx(third(x), rel=1e-12)


def test_the_inner_function_saw_only_plain_numbers() -> None:
    """d/dw of d/dx (w x²) at x = 3 is 2x = 6: the inner rules must run on Values because w is one."""
    assert grad(lambda w: grad(lambda x: w * x * x)(3.0))(2.0) == 6.0


def test_perturbations_are_not_confused() -> None:
    """Siskind and Pearlmutter: d/dx [x · d/dy (x + y)] at 1 is 1; confused levels give 2."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: x * y)(x))(3.0) == 1.0
    assert grad(lambda x: grad(lambda y: x * x * y * y)(x))(3.0) == 6 * 3.0**2
    assert grad(lambda x: grad(lambda y: x)(5.0) + x)(1.0) == 1.0


def test_three_levels_of_closures() -> None:
    f = grad(lambda x: grad(lambda y: grad(lambda z: x * x * y * y * z * z)(3.0))(2.0))
    assert f(1.0) == pytest.approx(2 * 2 * 2 * 6)  # d/dx x² = 2x, d/dy y² = 4, d/dz z² = 6
    inner = grad(lambda x: grad(lambda y: grad(lambda z: x * y * z)(y))(x))
    assert inner(5.0) == 1.0  # d/dz = xy; d/dy = x; d/dx = 1


def test_the_same_value_enters_two_levels() -> None:
    def f(x: Any) -> Any:
        return grad(lambda y, z: y * y * z, (0, 1))(x, x)[0]

    assert grad(f)(3.0) == 12.0  # d/dx [2 x x]


def test_a_level_inside_a_loop() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for k in range(1, 4):
            total = total + grad(lambda y, k=k: x * y**k)(2.0)
        return total

    assert grad(f)(1.0) == 1 + 4 + 12


def test_gradient_steps_inside_a_function_are_differentiated() -> None:
    """Through two steps of gradient descent on (w - c)²: w₂ = c + 0.64 (w₀ - c), so dw₂/dc = 0.36."""

    def learned(c: Any) -> Any:
        w: Any = 5.0
        for _ in range(2):
            w = w - 0.1 * grad(lambda w: (w - c) ** 2)(w)
        return w

    assert learned(1.0) == pytest.approx(1 + 0.64 * 4)
    assert grad(learned)(1.0) == pytest.approx(0.36, rel=1e-12)


def test_the_hessian_row_by_row() -> None:
    def rosenbrock(x: Any) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x = np.array([0.5, -0.3, 1.2])
    rows = [grad(lambda x, i=i: grad(rosenbrock)(x)[i])(x) for i in range(3)]
    a, b, c = x
    expected = [
        [1200 * a * a - 400 * b + 2, -400 * a, 0],
        [-400 * a, 1200 * b * b - 400 * c + 202, -400 * b],
        [0, -400 * b, 200],
    ]
    np.testing.assert_allclose(rows, expected, rtol=1e-12)


def test_second_order_of_ops_that_save_work_in_the_forward() -> None:
    """A saved array is a constant: were it used at second order, the Hessian would be silently wrong."""
    rng = np.random.default_rng(0)
    x, v, t = rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), np.array([1, 0, 3])

    def directional(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return grad(lambda x: (grad(f)(x) * v).sum())

    def by_hand(x: Any) -> Any:
        return np.mean(np.log(np.sum(np.exp(x), axis=1)) - x[np.arange(3), t])

    np.testing.assert_allclose(
        directional(lambda x: minigrad.cross_entropy(x, t))(x), directional(by_hand)(x), rtol=1e-11, atol=1e-15
    )
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        directional(lambda x: minigrad.cross_entropy(x, t))(x),
        p * (v - (p * v).sum(axis=1, keepdims=True)) / 3,
        rtol=1e-12,
    )


# ------------------------------------------------------------------------- every way to a second derivative

ROOT = np.array([[1.3, -0.4, 0.2], [0.5, 0.9, -0.7], [-0.2, 0.6, 1.1]])
POINT = np.array([0.7, -1.2, 0.4])
CURVED: dict[str, Callable[[Any], Any]] = {
    "product": lambda x: (np.tanh(ROOT @ x) ** 2).sum(),
    "saved": lambda x: minigrad.cross_entropy(np.stack([x, x * x]), np.array([0, 2])),
    "several outputs": lambda x: sum((part**3).sum() for part in np.split(x * x, 3)),
    "sorted": lambda x: (np.sort(x) ** 3 * np.arange(3)).sum(),
    "put": lambda x: (minigrad.put(x, [0, 0], x[1:] ** 2) ** 2).sum(),
    "index by values": lambda x: (x[x.argsort()][:2] ** 3).sum(),
    "norm": lambda x: np.linalg.norm(x) ** 3,
    "statistics": lambda x: np.prod(x) * x.std(),
    "rows": lambda x: sum(np.exp(a) * b for a, b in zip(x, x[::-1], strict=True)),
    "softmax": lambda x: (minigrad.softmax(x) ** 2 * np.arange(3)).sum() + minigrad.logsumexp(x) ** 2,
    "branches": lambda x: (np.where(x > 0, x**3, -(x**4)) + np.clip(x, -1, 1) ** 3).sum(),
}


@pytest.mark.parametrize("name", CURVED)
def test_all_ways_to_a_hessian_agree(name: str) -> None:
    """Back over back, forward over back, back over forward, forward over forward, and by closures."""
    f, x, eye = CURVED[name], POINT, np.eye(3)
    ways = {
        "hessian": minigrad.hessian(f)(x),
        "back over back": [grad(lambda x, i=i: grad(f)(x)[i])(x) for i in range(3)],
        "forward over back": [minigrad.jvp(grad(f), (x,), (e,))[1] for e in eye],
        "back over forward": [grad(lambda x, e=e: minigrad.jvp(f, (x,), (e,))[1])(x) for e in eye],
        "forward over forward": [
            [minigrad.jvp(lambda x, e=e: minigrad.jvp(f, (x,), (e,))[1], (x,), (d,))[1] for d in eye] for e in eye
        ],
        "along a line": [minigrad.jvp(lambda t, e=e: grad(f)(x + t * e), (0.0,), (1.0,))[1] for e in eye],
        "product": [minigrad.hvp(f, x, e) for e in eye],
    }
    h = 1e-3
    numeric = [
        (8 * (grad(f)(x + h * e) - grad(f)(x - h * e)) - (grad(f)(x + 2 * h * e) - grad(f)(x - 2 * h * e)))
        / (12 * h)
        for e in eye
    ]
    for way, matrix in ways.items():
        np.testing.assert_allclose(matrix, numeric, rtol=1e-8, atol=1e-9, err_msg=way)


def test_forward_and_reverse_perturbations_are_not_confused() -> None:
    def forward(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: minigrad.jvp(f, (x,), (1.0,))[1]

    for outer in (grad, forward):
        for inner in (grad, forward):
            assert outer(lambda x, inner=inner: x * inner(lambda y: x + y)(1.0))(1.0) == 1.0
            assert outer(lambda w, inner=inner: inner(lambda x: w * x * x)(3.0))(2.0) == 6.0


def test_directions_and_cotangents_may_be_differentiated() -> None:
    assert grad(lambda t: minigrad.jvp(lambda x: x**3, (2.0,), (t,))[1])(1.0) == 12.0
    assert grad(lambda g: minigrad.vjp(lambda x: x**3, 2.0)[1](g)[0])(1.0) == 12.0
    assert grad(lambda c: grad(lambda x: x * x)(np.ones(2), cotangent=c * np.ones(2)).sum())(1.0) == 4.0


# ------------------------------------------------------------------------------- levels and leaf parameters


def test_a_gradient_penalty_reaches_leaf_parameters() -> None:
    w, x = Value([2.0, -1.0]), np.array([0.5, 3.0])
    slope = grad(lambda x: (np.tanh(w * x)).sum())(x)
    assert type(slope) is Value
    (slope**2).sum().backward()
    # s = w sech²(w x); d(s²)/dw = 2 s (sech² - 2 w x sech² tanh)
    th = np.tanh(w.data * x)
    sech2 = 1 - th**2
    expected = 2 * w.data * sech2 * (sech2 - 2 * w.data * x * sech2 * th)
    np.testing.assert_allclose(w.grad, expected, rtol=1e-12)


def test_a_gradient_penalty_through_a_network() -> None:
    rng = np.random.default_rng(2)
    w1, w2 = Value(rng.normal(size=(2, 5))), Value(rng.normal(size=(5, 1)))
    x = rng.normal(size=(4, 2))

    def penalty(w1: Any, w2: Any) -> Any:
        slope = grad(lambda x: (np.tanh(x @ w1) @ w2).sum())(x)
        return ((slope**2).sum(axis=1) - 1.0) @ np.ones(4)

    loss = penalty(w1, w2)
    loss.backward()
    direct = grad(penalty, (0, 1))(w1.data, w2.data)
    for leaf, g in zip((w1, w2), direct, strict=True):
        np.testing.assert_allclose(leaf.grad, g, rtol=1e-12)
        step = np.zeros_like(leaf.data)
        step[0, 0] = 1e-4
        up = [a.data + step if a is leaf else a.data for a in (w1, w2)]
        down = [a.data - step if a is leaf else a.data for a in (w1, w2)]
        assert leaf.grad[0, 0] == pytest.approx((penalty(*up) - penalty(*down)) / 2e-4, rel=1e-6)


def test_results_are_values_exactly_where_they_depend_on_one() -> None:
    w = Value(2.0)
    value, g = value_and_grad(lambda x: w * x * x)(3.0)
    assert type(value) is Value and type(g) is Value
    value, g = value_and_grad(lambda x: x * x)(3.0)
    assert type(value) is np.float64 and type(g) is np.float64
    dependent, independent = grad(lambda x, y: w * x + y * y, (0, 1))(3.0, 5.0)
    assert type(dependent) is Value and number(independent) == 10.0
    (dependent * 7.0).backward()
    assert w.grad == 7.0


def test_a_value_as_argument_gives_values_on_the_graph() -> None:
    x = Value(3.0)
    g = grad(lambda x: x**3)(x)
    assert type(g) is Value and g.item() == 27
    g.backward()
    assert x.grad == 18


def test_an_integer_value_is_a_number_like_any_other() -> None:
    i = Value([1.0, 5.0]).argmax()
    assert grad(lambda x, i: x * i)(3.0, i) == 1.0
    assert grad(lambda x: x * i)(3.0) == 1.0


def test_backward_inside_a_differentiated_function() -> None:
    """A sweep of another kind inside does not disturb the outer one."""

    def f(x: Any) -> Any:
        w = Value(2.0)
        (w * w).backward()
        return x * w.grad

    assert grad(f)(3.0) == 4.0


def test_a_leaked_argument_is_a_constant_afterwards() -> None:
    leaked: list[Value] = []

    def f(x: Any) -> Any:
        leaked.append(x)
        return x * x

    grad(f)(3.0)
    g = grad(lambda y: y * leaked[0])(2.0)
    assert number(g) == 3.0
