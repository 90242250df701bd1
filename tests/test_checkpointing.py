"""checkpoint: the same derivatives from a graph that is made twice and never kept."""

import tracemalloc

import numpy as np
import pytest

from minigrad import Value, checkpoint, grad, jvp, vjp
from minigrad.errors import ArgumentError
from minigrad.value import graph

W = np.array([1.0, -2.0])


def plain(x, w):
    return np.sin(x * w) * x


X = np.array([0.3, 0.4])


def test_values_and_gradients_are_those_of_the_plain_function():
    for f, g in ((plain, checkpoint(plain)),):
        y, pull = vjp(f, X, W)
        z, pull_again = vjp(g, X, W)
        np.testing.assert_array_equal(y, z)
        for a, b in zip(pull(X + 1), pull_again(X + 1), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(jvp(f, (X, W), (W, X))[1], jvp(g, (X, W), (W, X))[1])


def test_the_graph_is_let_go():
    x = Value(X, name="x")
    assert [v.name for v in graph(checkpoint(lambda x: plain(x, W))(x))] == ["x", None]


@pytest.mark.parametrize("wrap", [lambda f: f, checkpoint], ids=["plain", "checkpointed"])
def test_second_and_third_derivatives(wrap):
    f = wrap(lambda x: np.sum(plain(x, W)))
    second = grad(lambda x: np.sum(grad(f)(x) ** 2))(X)
    x, w = X, W
    first = np.sin(x * w) + x * w * np.cos(x * w)
    np.testing.assert_allclose(second, 2 * first * (2 * w * np.cos(x * w) - x * w * w * np.sin(x * w)), rtol=1e-13)
    g = wrap(lambda x: x**4)
    assert grad(grad(grad(g)))(2.0) == pytest.approx(48.0, rel=1e-14)


def test_closed_over_leaves_get_their_gradients_in_every_order():
    w = Value(3.0, name="w")
    f = checkpoint(lambda x: x * w * np.sin(x))
    f(Value(0.5)).backward()
    assert w.grad == pytest.approx(0.5 * np.sin(0.5), rel=1e-15)
    w.grad = None
    (grad(f)(0.5) ** 2).backward()  # a gradient penalty
    slope = np.sin(0.5) + 0.5 * np.cos(0.5)
    assert w.grad == pytest.approx(2 * 3.0 * slope**2, rel=1e-14)


def test_a_leaf_that_is_closed_over_and_given_counts_twice():
    w = Value(3.0, name="w")
    checkpoint(lambda x: x * w)(w).backward()
    assert w.grad == 6.0
    assert grad(lambda v: checkpoint(lambda x: x * v**2)(v))(2.0) == 12.0
    assert grad(grad(lambda v: checkpoint(lambda x: x * v**2)(v)))(2.0) == 12.0


def test_containers_constants_and_functions_without_values():
    f = checkpoint(lambda p, k=2: p["a"][0] ** k * p["n"])
    assert grad(f)({"a": [3.0], "n": 2.0}, k=3) == {"a": [54.0], "n": 27.0}
    assert checkpoint(lambda x: x + 1)(1) == 2
    with pytest.raises(ArgumentError, match="gives one array"):
        checkpoint(lambda x: {"y": x})(Value(1.0))


def test_memory_of_a_chain_in_blocks_grows_like_the_root_of_its_length():
    def steps(x, n):
        for _ in range(n):
            x = np.sin(x)
        return x

    def peak(f, n):
        x = np.linspace(0.0, 1.0, 2000)
        tracemalloc.start()
        grad(lambda x: f(x, n).sum())(x)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    def blocks(x, n):
        root = round(n**0.5)
        block = checkpoint(lambda x: steps(x, root))
        for _ in range(root):
            x = block(x)
        return x

    small, large = 64, 1024  # 16 times as long: 16 times the memory, or 4 times
    assert peak(steps, large) / peak(steps, small) > 10
    assert peak(blocks, large) / peak(blocks, small) < 6


def test_a_function_that_gives_other_numbers_the_second_time_is_refused():
    rng = np.random.default_rng(0)
    _, pull = vjp(checkpoint(lambda x: x * rng.normal(size=3)), np.ones(3))
    with pytest.raises(ArgumentError, match="other numbers when it was run again"):
        pull(np.ones(3))


def test_another_mask_over_zeros_is_seen_although_the_values_are_the_same():
    rng = np.random.default_rng(0)
    _, pull = vjp(checkpoint(lambda x: x * rng.integers(0, 2, 8).astype(float)), np.zeros(8))
    with pytest.raises(ArgumentError, match="other numbers when it was run again"):
        pull(np.ones(8))
