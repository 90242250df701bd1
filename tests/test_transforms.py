"""grad and value_and_grad: pure, nestable, over any nesting of arguments; every way they could be confused."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors, grad, value_and_grad

Pair = namedtuple("Pair", ["w", "b"])


def number(x: Any) -> float:
    """What stands in a result, Value or not."""
    return float(x.item())


# ---------------------------------------------------------------------------------------------- one level


def test_grad_of_a_number_is_a_numpy_number() -> None:
    g = grad(lambda x: x * x * x)(2.0)
    assert type(g) is np.float64 and g == 12.0


def test_grad_of_an_array_is_a_plain_writable_array() -> None:
    x = np.array([1.0, 2.0])
    g = grad(lambda x: (x * x).sum())(x)
    assert type(g) is np.ndarray and g.tolist() == [2, 4]
    g += 1
    assert x.tolist() == [1, 2]


def test_value_and_grad_gives_the_value_first() -> None:
    value, g = value_and_grad(lambda x: x**3)(2.0)
    assert (type(value), value, g) == (np.float64, 8.0, 12.0)


@pytest.mark.parametrize(
    "f", [lambda x: x, lambda x: x.reshape(x.shape), lambda x: x + 0, lambda x: np.broadcast_to(x, x.shape)]
)
def test_results_share_no_memory(f: Callable[[Any], Any]) -> None:
    x, g = np.ones(3), np.ones(3)
    value, first = value_and_grad(f)(x, cotangent=g)
    for array in (value, first):
        assert array.flags.writeable
        array += 1.0
    assert x.tolist() == [1, 1, 1] and g.tolist() == [1, 1, 1]
    assert not np.shares_memory(value, first)


def test_gradients_of_two_arguments_share_no_memory() -> None:
    a, b = grad(lambda a, b: (a + b).sum(), (0, 1))(np.ones(3), np.ones(3))
    a += 1
    assert b.tolist() == [1, 1, 1]
    both = grad(lambda p: (p["a"] + p["b"].reshape(3)).sum())({"a": np.ones(3), "b": np.ones((3, 1))})
    both["a"] += 1
    assert both["b"].tolist() == [[1], [1], [1]]


def test_gradient_of_the_same_array_twice() -> None:
    x = np.ones(2)
    a, b = grad(lambda a, b: (2 * a + 3 * b).sum(), (0, 1))(x, x)
    assert a.tolist() == [2, 2] and b.tolist() == [3, 3]
    first, second = grad(lambda p: (2 * p[0] + 3 * p[1]).sum())([x, x])
    assert first.tolist() == [2, 2] and second.tolist() == [3, 3]


def test_gradient_of_one_argument_of_itself() -> None:
    assert grad(lambda x: x)(3.0) == 1.0
    assert grad(lambda x: x.sum())(np.array([1.0])).tolist() == [1.0]


def test_arguments_are_not_mutated() -> None:
    x, m = np.arange(3.0), np.eye(3)
    x.flags.writeable = m.flags.writeable = False
    g = grad(lambda x, m: (np.tanh(m @ x) * x[::-1]).sum(), (0, 1))(x, m)
    assert g[0].shape == (3,) and g[1].shape == (3, 3)
    assert x.tolist() == [0, 1, 2]


def test_plain_arguments_are_not_wrapped() -> None:
    seen: list[Any] = []

    def f(x: Any, y: Any, *, scale: Any) -> Any:
        seen.extend((x, y, scale))
        return x * y * scale

    assert grad(f)(2.0, 5.0, scale=3.0) == 15.0
    assert [type(s) for s in seen] == [Value, float, float]


@pytest.mark.parametrize("number", [3, True, np.int32(3), np.array(3), np.array([3, 4]), [1, 2]])
def test_integers_count_as_float64(number: Any) -> None:
    g = grad(lambda x: sum(np.sum(a * a) for a in x) if isinstance(x, list) else np.sum(x * x))(number)
    for array, given in zip(
        g if isinstance(g, list) else [g], number if isinstance(number, list) else [number], strict=True
    ):
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, 2 * np.asarray(given, float))


def test_float32_arguments_get_float32_gradients() -> None:
    g = grad(lambda x: (x * 0.5 * np.ones(3)).sum())(np.ones(3, np.float32))
    assert g.dtype == np.float32 and g.tolist() == [0.5] * 3


def test_no_grad_is_written() -> None:
    p, x = Value([1.0, 2.0]), Value(3.0)
    p.grad = [7.0, 7.0]
    grad(lambda x: (p * x).sum())(2.0)
    grad(lambda q: (q * x).sum())(p)
    value_and_grad(lambda q: (q * x).sum())(p)
    assert p.grad.tolist() == [7, 7] and x.grad is None


def test_grad_keeps_name_and_docstring_of_the_function() -> None:
    def energy(x: Any) -> Any:
        """Half a square."""
        return x * x / 2

    assert grad(energy).__name__ == "energy" and value_and_grad(energy).__doc__ == "Half a square."


# ----------------------------------------------------------------------------------------------- argnums


def product(x: Any, y: Any, z: Any) -> Any:
    return x * y * z


@pytest.mark.parametrize(
    ("argnums", "expected"), [(0, 15), (1, 10), (2, 6), (-1, 6), ((0,), (15,)), ((2, 0), (6, 15)), ((), ())]
)
def test_argnums(argnums: Any, expected: Any) -> None:
    assert grad(product, argnums)(2.0, 3.0, 5.0) == expected


def test_value_and_grad_with_argnums() -> None:
    value, (gz, gx) = value_and_grad(product, (2, 0))(2.0, 3.0, 5.0)
    assert (value, gz, gx) == (30, 6, 15)


@pytest.mark.parametrize("argnums", [3, -4, (0, 5)])
def test_argnums_out_of_range(argnums: Any) -> None:
    with pytest.raises(errors.ArgumentError, match=r"argnums=.* of a call with 3 positional arguments"):
        grad(product, argnums)(2.0, 3.0, 5.0)


def test_the_same_argument_twice_gives_the_same_gradient_or_is_refused() -> None:
    for argnums in ((0, 0), (0, -3)):
        try:
            first, second = grad(product, argnums)(2.0, 3.0, 5.0)
        except errors.ArgumentError:
            continue
        assert first == second == 15


def test_keyword_arguments_are_passed_on_and_not_differentiated() -> None:
    f = grad(lambda x, power=2, *, scale=1.0: scale * x**power)
    assert f(3.0) == 6 and f(3.0, power=3) == 27 and f(3.0, 3, scale=2.0) == 54


def test_an_argument_given_by_keyword_only_is_refused() -> None:
    with pytest.raises(errors.ArgumentError, match="0 positional arguments"):
        grad(lambda x: x * x)(x=3.0)


# ------------------------------------------------------------------------------------------- containers


def test_nested_containers_keep_their_kind_and_order() -> None:
    tree = {"z": [np.ones(2), (2.0, None)], "a": Pair(np.ones((1, 2)), 3), "e": [], "t": ()}
    g = grad(lambda p: (p["z"][0] * p["z"][1][0]).sum() * p["a"].b + (p["a"].w * 2).sum())(tree)
    assert list(g) == ["z", "a", "e", "t"] and type(g["z"]) is list and type(g["z"][1]) is tuple
    assert type(g["a"]) is Pair and g["e"] == [] and g["t"] == ()
    assert g["z"][0].tolist() == [6, 6] and g["z"][1] == (6.0, None)
    assert g["a"].w.tolist() == [[2, 2]] and g["a"].b == 4.0


def test_a_subclass_of_dict_stays_one() -> None:
    g = grad(lambda p: p["b"] * p["a"])(OrderedDict(b=2.0, a=3.0))
    assert type(g) is OrderedDict and list(g.items()) == [("b", 3.0), ("a", 2.0)]


def test_none_stays_none() -> None:
    assert grad(lambda p: p[0] * 2)([1.0, None]) == [2.0, None]
    assert grad(lambda x, y: x * 2, (0, 1))(1.0, None) == (2.0, None)


def test_the_containers_given_are_not_changed() -> None:
    tree = {"w": [1.0, 2.0]}
    grad(lambda p: p["w"][0] * p["w"][1])(tree)
    assert tree == {"w": [1.0, 2.0]}


@pytest.mark.parametrize("bad", ["text", 1j, object(), np.array(["a"]), np.ones(2) * 1j])
def test_an_argument_without_gradient_is_named_by_its_path(bad: Any) -> None:
    with pytest.raises(errors.DTypeError, match=r"argument 0\['w'\]\[1\] has no gradient"):
        grad(lambda p: p["w"][0])({"w": [1.0, bad]})
    with pytest.raises(errors.DTypeError, match="argument 1 has no gradient"):
        grad(lambda x, y: x, 1)(1.0, bad)


# ---------------------------------------------------------------------------- independent, and no Value


@pytest.mark.parametrize("f", [lambda x: 3.0, lambda x: 2, lambda x: np.float32(1), lambda x: np.floor(x.sum())])
@pytest.mark.parametrize("x", [2.0, np.ones((2, 3)), np.ones(2, np.float32)])
def test_gradient_of_what_does_not_depend_on_it_is_zeros(f: Callable[[Any], Any], x: Any) -> None:
    g = grad(f)(x)
    assert np.shape(g) == np.shape(x) and not np.any(g)
    assert g.dtype == np.asarray(x).dtype
    assert type(g) in (np.ndarray, np.float64)
    if isinstance(g, np.ndarray):
        g += 1.0


def test_zeros_beside_a_gradient() -> None:
    used, unused = grad(lambda x, y: x * 2, (0, 1))(1.0, np.ones(2))
    assert used == 2.0 and unused.tolist() == [0, 0]
    assert grad(lambda p: p["a"] * 2)({"a": 1.0, "b": [2.0, np.ones(1)]}) == {"a": 2.0, "b": [0.0, np.zeros(1)]}


def test_zeros_of_two_arguments_share_no_memory() -> None:
    a, b = grad(lambda a, b: 1.0, (0, 1))(np.ones(2), np.ones(2))
    a += 1
    assert b.tolist() == [0, 0]


def test_a_value_made_outside_is_no_argument() -> None:
    outside = Value(3.0)
    g = grad(lambda x: outside * outside)(2.0)
    assert number(g) == 0.0


@pytest.mark.parametrize("f", [lambda x: x, lambda x: np.ones(3)])
def test_a_result_of_many_numbers_is_refused(f: Callable[[Any], Any]) -> None:
    with pytest.raises(errors.ShapeError, match=r"shape \(3,\)") as caught:
        grad(f)(np.ones(3))
    assert "a gradient starts from one number" in str(caught.value)


def test_a_cotangent_pulls_back_an_array() -> None:
    g = np.array([1.0, 10.0, 100.0])
    assert grad(lambda x: x * x)(np.arange(3.0), cotangent=g).tolist() == [0, 20, 400]
    value, pulled = value_and_grad(lambda x: x * x)(np.arange(3.0), cotangent=g)
    assert value.tolist() == [0, 1, 4] and pulled.tolist() == [0, 20, 400]
    with pytest.raises(errors.ShapeError, match="cotangent"):
        grad(lambda x: x * x)(np.arange(3.0), cotangent=np.ones(2))


@pytest.mark.parametrize("f", [lambda x: None, lambda x: "text", lambda x: [x, x], lambda x: {"loss": x}])
def test_a_result_that_is_no_number_is_refused(f: Callable[[Any], Any]) -> None:
    with pytest.raises(errors.MinigradError):
        grad(f)(2.0)


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


# -------------------------------------------------------------------------------------- errors and memory


def test_an_error_inside_does_not_spoil_the_next_call() -> None:
    f = grad(lambda x: x * x if x > 0 else x @ np.ones(3))
    with pytest.raises(errors.ShapeError):
        f(-1.0)
    assert f(3.0) == 6.0


def test_grad_frees_as_it_goes() -> None:
    watched: list[weakref.ref[Any]] = []

    def f(x: Any) -> Any:
        h = np.tanh(x)
        watched.append(weakref.ref(h))
        return (h * h).sum()

    gc.disable()
    try:
        result = grad(f)(np.ones(3))
        assert watched[0]() is None
        nested = grad(lambda x: (grad(f)(x) ** 2).sum())(np.ones(3))
        assert all(ref() is None for ref in watched)
    finally:
        gc.enable()
    assert result.shape == nested.shape == (3,)


def test_threads_do_not_meet() -> None:
    results: dict[int, float] = {}

    def work(k: int) -> None:
        for _ in range(50):
            results[k] = grad(lambda w: grad(lambda x: w * x**k)(2.0))(1.0)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {k: pytest.approx(k * 2.0 ** (k - 1)) for k in range(1, 6)}


def test_the_example_of_the_package_docstring() -> None:
    assert grad(lambda x: np.tanh(x) ** 2)(0.5) == pytest.approx(0.7268619813835873, rel=1e-15)
