"""grad and value_and_grad: pure, over any nesting of arguments; every way a call could go wrong."""

from __future__ import annotations

import functools
import gc
import threading
import weakref
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

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
    with pytest.raises(errors.ArgumentError, match=r"argnums=.* does not fit a call with 3 positional arguments"):
        grad(product, argnums)(2.0, 3.0, 5.0)


@pytest.mark.parametrize("argnums", [[0, 2], "x", 1.5, None, {0}, (0, "y"), (0, None)])
def test_argnums_of_another_kind_are_understood_or_refused(argnums: Any) -> None:
    try:
        result = grad(product, argnums)(2.0, 3.0, 5.0)
    except errors.ArgumentError as error:
        assert "argnums" in str(error)
    else:
        assert argnums == [0, 2] and tuple(result) == (15, 6)


@pytest.mark.parametrize("argnums", [np.int64(1), True])
def test_argnums_may_be_any_integer(argnums: Any) -> None:
    assert grad(product, argnums)(2.0, 3.0, 5.0) == 10


def test_whatever_can_be_called_can_be_differentiated() -> None:
    class Cube:
        def __call__(self, x: Any) -> Any:
            return x**3

    assert grad(Cube())(2.0) == 12.0
    assert grad(functools.partial(product, 2.0, 3.0))(5.0) == 6.0
    assert grad(np.sin)(0.0) == 1.0 and grad(abs)(-2.0) == -1.0
    assert grad(np.multiply, (0, 1))(2.0, 3.0) == (3.0, 2.0)
    assert np.vectorize(lambda t: grad(lambda x: x**t)(2.0))(np.arange(1.0, 4.0)).tolist() == [1, 4, 12]


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
    assert "grad needs a function that returns one number" in str(caught.value)


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
