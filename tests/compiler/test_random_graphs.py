"""Random graphs, compiled: their values, gradients and second derivatives give the bits of eager code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from compiler.bits import check
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad

UNARY: tuple[Callable[..., Any], ...] = (
    np.tanh, np.exp, np.sin, np.negative, np.square, np.abs, minigrad.relu, minigrad.sigmoid, minigrad.softmax,
    np.transpose, lambda x: x.T, lambda x: np.sum(x, axis=0), lambda x: np.mean(x, axis=1, keepdims=True),
    lambda x: x**3, lambda x: x / 3.0, lambda x: 2 - x, lambda x: x[::-1], lambda x: x[1:], lambda x: x * 1.0,
    lambda x: np.reshape(x, (-1, 2)), lambda x: np.maximum(x, 0.1), lambda x: np.sqrt(np.abs(x) + 1.0),
    lambda x: np.negative(-x), lambda x: np.where(x > 0.2, x, 0.5 * x), minigrad.log_softmax,
    lambda x: np.clip(x, -1, 1),
    lambda x: np.max(x, axis=1), lambda x: x[:, [0, 1, 0]], minigrad.stop_gradient, lambda x: np.cumsum(x, axis=0),
    lambda x: np.concatenate([x, x]), lambda x: np.broadcast_to(x, (2, *x.shape)), lambda x: x.astype(np.float32),
)  # fmt: skip
BINARY: tuple[Callable[..., Any], ...] = (
    np.add, np.subtract, np.multiply, np.matmul, np.maximum, lambda a, b: a / (b * b + 1.0), lambda a, b: a @ b.T,
    lambda a, b: a.T @ b, np.arctan2, lambda a, b: np.where(a > b, a, b),
)  # fmt: skip
Plan = list[tuple[int, int, int]]


def grown(plan: Plan, xs: list[Any]) -> list[Any]:
    """Values made one from another; what does not fit in shape is left out."""
    values = list(xs)
    for kind, i, j in plan:
        a, b = values[i % len(values)], values[j % len(values)]
        try:
            made = UNARY[kind](a) if kind < len(UNARY) else BINARY[kind - len(UNARY)](a, b)
        except (ValueError, IndexError, TypeError):
            continue
        if np.size(made) <= 400:
            values.append(made)
    return values


PLANS = st.lists(
    st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(-3, 40), st.integers(-3, 40)),
    min_size=1,
    max_size=12,
)
SHAPES = st.sampled_from([(2, 2), (3, 2), (2, 3), (4, 4), (1, 4)])


def numbers(shape: tuple[int, ...], seed: int, order: Any) -> Any:
    return np.asarray(np.random.default_rng(seed).uniform(-1.5, 1.5, shape), order=order)


@given(PLANS, SHAPES, SHAPES, st.sampled_from("CF"))
@settings(max_examples=30, deadline=None)
def test_random_graphs_give_the_bits_of_eager_code(plan: Plan, shape: Any, other: Any, order: str) -> None:
    def f(x: Any, y: Any) -> Any:
        return grown(plan, [x, y])

    check(f, *([numbers(shape, k, order), numbers(other, k + 9, "C")] for k in (0, 1)))


@given(PLANS, SHAPES, SHAPES, st.sampled_from("CF"))
@settings(max_examples=30, deadline=None)
def test_gradients_of_random_graphs_give_the_bits_of_eager_code(
    plan: Plan, shape: Any, other: Any, order: str
) -> None:
    def loss(x: Any, y: Any) -> Any:
        return sum(np.sum(np.cos(v)) for v in grown(plan, [x, y])[-3:])

    f = minigrad.value_and_grad(loss, (0, 1))
    check(f, *([numbers(shape, k, order), numbers(other, k + 9, "C")] for k in (0, 1)))


@given(PLANS, SHAPES)
@settings(max_examples=12, deadline=None)
def test_products_with_the_hessian_of_random_graphs_give_the_bits_of_eager_code(plan: Plan, shape: Any) -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.sin(grown(plan, [x])[-1]))

    def product(x: Any, v: Any) -> Any:
        return minigrad.hvp(loss, x, v)

    check(product, [numbers(shape, 0, "C"), numbers(shape, 1, "C")])
