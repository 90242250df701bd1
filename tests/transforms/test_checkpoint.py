"""checkpoint: the same derivatives from a graph that is made twice and never kept."""

import tracemalloc

import numpy as np
import pytest

from minigrad import Value, checkpoint, dropout, grad, jvp, no_grad, vjp
from minigrad.engine.value import graph
from minigrad.errors import ArgumentError

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
    assert checkpoint(lambda x: {"y": [x]})(1.5) == {"y": [1.5]}


def several(x, w):
    y = np.sin(x * w)
    return {"a": y * x, "b": (np.sum(w * w), 7.0, y > 0.0), "same": y}


def summed(tree):
    """A function of every output that has a gradient."""
    return np.sum(tree["a"] ** 3) + tree["b"][0] * np.sum(tree["same"] ** 2)


def test_several_outputs_nested_as_they_are():
    f = checkpoint(several)
    y, z = several(Value(X), Value(W)), f(Value(X), Value(W))
    assert [*z] == [*y] and z["b"][1] == 7.0 and z["b"][2].data.tolist() == y["b"][2].data.tolist()
    for a, b in ((z["a"], y["a"]), (z["b"][0], y["b"][0]), (z["same"], y["same"])):
        np.testing.assert_array_equal(a.data, b.data)
    x = Value(X, name="x")
    assert [v.name for v in graph(f(x, W)["a"])] == ["x", None, None], "the op, and its output"


def test_several_outputs_have_the_derivatives_of_the_plain_function_to_second_order():
    f, g = (lambda x, w, h=h: summed(h(x, w)) for h in (several, checkpoint(several)))
    for a, b in zip(grad(f, (0, 1))(X, W), grad(g, (0, 1))(X, W), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-14)
    ts = (np.array([0.7, -1.2]), np.array([0.4, 0.9]))
    np.testing.assert_allclose(jvp(g, (X, W), ts)[1], jvp(f, (X, W), ts)[1], rtol=1e-14)

    def slope(h):
        return lambda x, w: sum(np.sum(t * c) for t, c in zip(ts, grad(h, (0, 1))(x, w), strict=True))

    for a, b in zip(grad(slope(f), (0, 1))(X, W), grad(slope(g), (0, 1))(X, W), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-13)
    np.testing.assert_allclose(jvp(slope(g), (X, W), ts)[1], jvp(slope(f), (X, W), ts)[1], rtol=1e-13)


def test_an_output_that_nothing_was_made_of_and_an_input_that_is_an_output():
    f = checkpoint(lambda x, w: (x, x * w, x))
    assert grad(lambda x: f(x, 3.0)[0] * 5.0)(2.0) == 5.0
    assert grad(lambda x: f(x, 3.0)[2] + f(x, 3.0)[1])(2.0) == 4.0
    w = Value(3.0)
    f(2.0, w)[1].backward()
    assert w.grad == 2.0
    with no_grad():
        assert f(Value(2.0), w)[1].inputs == ()


def test_a_mask_of_dropout_is_an_argument():
    """The same entries are dropped on the way back; a generator inside would give another mask, and is refused."""
    rng, x = np.random.default_rng(0), np.linspace(0.5, 2.0, 12)
    mask = dropout(np.ones(12), 0.5, rng)

    def layer(x, mask):
        return np.sin(x * mask) * x

    for order in (lambda f: f, lambda f: lambda x: np.sum(grad(f)(x) ** 2)):
        plain_loss, saved_loss = (order(lambda x, f=f: np.sum(f(x, mask))) for f in (layer, checkpoint(layer)))
        np.testing.assert_allclose(grad(saved_loss)(x), grad(plain_loss)(x), rtol=1e-14)
        np.testing.assert_allclose(jvp(saved_loss, (x,), (x,))[1], jvp(plain_loss, (x,), (x,))[1], rtol=1e-14)
    with pytest.raises(ArgumentError, match=r"write  f\(x, noise\)   with the random numbers as an argument"):
        grad(lambda x: np.sum(checkpoint(lambda x: dropout(x, 0.5, rng))(x)))(x)


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
    with pytest.raises(ArgumentError, match="other numbers when it ran again"):
        pull(np.ones(3))


def test_another_mask_over_zeros_is_seen_although_the_values_are_the_same():
    rng = np.random.default_rng(0)
    _, pull = vjp(checkpoint(lambda x: x * rng.integers(0, 2, 8).astype(float)), np.zeros(8))
    with pytest.raises(ArgumentError, match="other numbers when it ran again"):
        pull(np.ones(8))
