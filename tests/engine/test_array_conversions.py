"""Arrays made of Values, and Values put into arrays: the differentiable thing, or an error with a remedy."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from leaving import Make, assign, number, plain, vector

from minigrad import Value, errors

# ------------------------------------------------------------------------------------- arrays of Values


@pytest.mark.parametrize(
    "leave",
    [
        np.asarray,
        np.array,
        np.float64,
        np.float32,
        lambda v: np.array([v, v]),
        lambda v: np.array([v, 1.0]),
        lambda v: np.array([[v, 1.0], [2.0, v]]),
        lambda v: np.array([v, v], dtype=float),
        lambda v: np.array([v, v], dtype=object),
        lambda v: np.array([x * v for x in range(3)]),
        lambda v: np.asarray([v]),
        lambda v: np.full(3, v),
        lambda v: np.arange(v),
        lambda v: np.sum([v, v]),
        lambda v: np.mean([v, v]),
        lambda v: np.dot([v, v], [1, 2]),
        lambda v: np.maximum([v, v], 0),
        lambda v: np.exp([v, v]),
        lambda v: np.random.default_rng(0).normal(v, 1.0),
        lambda v: np.vectorize(math.sqrt)(np.ones(3) * v),
        lambda v: plain().dot(v),
    ],
)
@pytest.mark.parametrize("make", [number, vector])
def test_making_an_array_of_values_is_refused(make: Callable[[], Value], leave: Make) -> None:
    with pytest.raises((errors.GradientLost, errors.MissingRule)) as caught:
        leave(make())
    text = str(caught.value)
    assert "v.data" in text and "gradient" in text
    assert text.splitlines()[0].endswith((" would drop its gradient", " so its gradient would be lost"))
    assert "\n  write  " in text


@pytest.mark.parametrize(
    "leave",
    [
        lambda v: np.fromiter((x for x in v), float),
        lambda v: np.array(list(v)),
        lambda v: np.array([x * 2 for x in v]),
        lambda v: np.vectorize(lambda x: x * 2)(v),
        lambda v: np.vectorize(lambda x: v[0] * x)(plain()),
        lambda v: [*map(float, v)],
        lambda v: list(np.ndenumerate(v)),
        lambda v: np.array(v.reshape(3, 1)),
        lambda v: plain()[v],
        lambda v: plain()[v[0]],
        lambda v: np.take(plain(), v),
        lambda v: plain().take(v),
        lambda v: np.lexsort([v, v]),
    ],
)
def test_making_an_array_of_rows_is_refused(leave: Make) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        leave(vector())
    assert is_ours(caught.value)


def is_ours(error: BaseException | None) -> bool:
    """Whether the error, or what caused it, is one of ours that says what to write."""
    while error is not None:
        if isinstance(error, errors.MinigradError):
            return "write  " in str(error)
        error = error.__cause__ or error.__context__
    return False


@pytest.mark.parametrize(
    "assignment",
    [
        lambda v: assign(plain(), 0, v),
        lambda v: assign(np.zeros((2, 2)), (0, 0), v),
        lambda v: plain().fill(v),
        lambda v: plain().itemset(0, v) if hasattr(plain(), "itemset") else assign(plain(), 0, v),
    ],
)
def test_assigning_a_number_into_an_array(assignment: Make) -> None:
    """NumPy makes a ValueError of it: ours is its cause."""
    with pytest.raises((ValueError, errors.GradientLost)) as caught:
        assignment(number())
    cause = caught.value if isinstance(caught.value, errors.GradientLost) else caught.value.__cause__
    assert isinstance(cause, errors.GradientLost)
    assert "v.data" in str(cause)


@pytest.mark.parametrize(
    "assignment",
    [
        lambda v: assign(plain(), slice(0, 3), v),
        lambda v: assign(plain(), slice(None), v[0]),
        lambda v: assign(np.zeros((2, 3)), 0, v),
        lambda v: assign(plain(), [0, 1, 2], v),
        lambda v: assign(plain(), np.array([True, True, True]), v),
        lambda v: assign(plain(), slice(0, 3), [v[0], v[1], v[2]]),
        lambda v: assign(plain().flat, slice(None), v),
        lambda v: np.copyto(plain(), v),
        lambda v: np.put(plain(), [0, 1, 2], v),
        lambda v: plain().put([0], v[0]),
        lambda v: np.place(plain(), plain() == 0, v),
        lambda v: np.putmask(plain(), plain() == 0, v),
        lambda v: np.fill_diagonal(np.eye(3), v),
        lambda v: np.put_along_axis(plain(), np.array([0]), v[:1], 0),
        lambda v: np.add.at(plain(), [0, 1, 2], v),
        lambda v: np.full_like(plain(), v),
    ],
)
def test_assigning_an_array_into_an_array(assignment: Make) -> None:
    target = vector()
    with pytest.raises((TypeError, ValueError)) as caught:
        assignment(target)
    assert is_ours(caught.value)


@pytest.mark.parametrize("index", [0, slice(None), (0,), -1, [0, 1]])
def test_assigning_into_a_value(index: Any) -> None:
    v = vector()
    with pytest.raises(errors.GradientLost, match=r"(?s)would lose .*write  v = minigrad\.put\(v, index, values\)"):
        v[index] = 1.0
    assert v.data.tolist() == [1, 2, 3]
    with pytest.raises(errors.MinigradError, match=r"minigrad\.put"):
        v[index] += 1.0


def test_deleting_an_entry_is_refused() -> None:
    v = vector()
    with pytest.raises((TypeError, AttributeError)):
        del v[0]


@pytest.mark.parametrize(
    "fill",
    [
        lambda a, v: operator.iadd(a, v),
        lambda a, v: operator.isub(a, v),
        lambda a, v: operator.imul(a, v),
        lambda a, v: operator.itruediv(a, v),
        lambda a, v: operator.ipow(a, v),
        lambda a, v: operator.iadd(np.zeros((2, 3))[0], v),
        lambda a, v: np.add(a, v, out=a),
        lambda a, v: np.multiply(v, v, out=a),
        lambda a, v: np.exp(v, out=a),
        lambda a, v: np.exp(v, a),
        lambda a, v: np.add.reduce(v, out=np.zeros(())),
    ],
)
def test_adding_a_value_into_an_array_is_refused(fill: Callable[[np.ndarray, Value], Any]) -> None:
    a = np.ones(3)
    with pytest.raises(errors.GradientLost, match=r"(?s)would drop the gradient.*write  a = a \+ v"):
        fill(a, vector())
    assert a.tolist() == [1, 1, 1]


def test_adding_into_an_entry_of_an_array_is_refused() -> None:
    a, v = np.ones(3), number()
    with pytest.raises((TypeError, ValueError)) as caught:
        a[0] += v
    assert is_ours(caught.value) or isinstance(caught.value.__cause__, errors.GradientLost)
    assert a.tolist() == [1, 1, 1]


def test_a_plain_list_takes_values() -> None:
    v = number()
    cells = [0.0, 0.0]
    cells[0] = v
    cells[1] += v * v
    sum(cells).backward()
    assert v.grad == 5.0


# --------------------------------------------------------------------------- arrays that are not plain arrays

GRID = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.filterwarnings("ignore")  # np.matrix is deprecated
@pytest.mark.parametrize("symbol", ["*", "+", "-", "/", "**", "@"])
@pytest.mark.parametrize("kind", ["matrix", "masked", "subclass"])
def test_other_kinds_of_arrays_are_right_or_refused(kind: str, symbol: str) -> None:
    """np.matrix multiplies matrices by `*`; numpy.ma reads the attributes of what it meets."""

    class Sub(np.ndarray):
        pass

    other = {
        "matrix": lambda: np.matrix(GRID),
        "masked": lambda: np.ma.array(GRID, mask=[[0, 1], [0, 0]]),
        "subclass": lambda: GRID.view(Sub),
    }[kind]()
    for typed in (f"v {symbol} other", f"other {symbol} v"):

        def plain(x: np.ndarray, typed: str = typed) -> Any:
            return np.asarray(eval(typed, {"v": x, "other": other})).sum()

        v = Value(GRID)
        try:
            y = eval(typed, {"v": v, "other": other})
        except (errors.MinigradError, TypeError):
            continue
        assert type(y) is Value, "a plain result: the gradient is lost"
        y.backward(np.ones((2, 2)))
        h = 1e-5
        for index in np.ndindex(2, 2):
            step = np.zeros((2, 2))
            step[index] = h
            slope = (plain(GRID + step) - plain(GRID - step)) / (2 * h)
            assert v.grad[index] == pytest.approx(slope, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("function", [np.ma.exp, np.ma.sqrt, np.ma.sum, np.ma.asarray, np.ma.masked_invalid])
def test_masked_functions_do_not_drop_the_gradient(function: Make) -> None:
    with pytest.raises((errors.MinigradError, TypeError)):
        function(vector())


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
@pytest.mark.parametrize("layout", [lambda x: x, lambda x: x.T, lambda x: x[::-1], lambda x: x.T[:, ::-1]])
def test_orders_that_depend_on_memory_are_right_or_refused(order: str, layout: Make) -> None:
    weights = np.arange(6.0) ** 2
    for read in (lambda x: np.ravel(x, order=order), lambda x: np.reshape(x, -1, order=order)):
        x = np.arange(6.0).reshape(2, 3)
        try:
            expected_value = read(layout(x))
        except ValueError:
            continue  # np.reshape has no order K
        v = Value(x)
        try:
            y = read(layout(v))
        except errors.MinigradError:
            continue
        np.testing.assert_array_equal(y.data, expected_value)
        (y * weights).sum().backward()
        expected = [np.dot(read(layout(unit.reshape(2, 3))), weights) for unit in np.eye(6)]
        np.testing.assert_array_equal(v.grad.ravel(), expected)


# ------------------------------------------------------------------------------------------------ full_like


def test_full_like_keeps_the_gradient_or_says_so() -> None:
    cases: list[tuple[Make, float]] = [
        (lambda a: np.full_like(np.zeros(3), a).sum(), 3.0),
        (lambda a: np.full_like(Value(np.zeros(3)), a).sum(), 3.0),
        (lambda a: (np.full_like(a * np.ones(2), a) * a).sum(), 8.0),
    ]
    for f, slope in cases:
        v = number()
        try:
            y = f(v)
        except errors.MinigradError as error:
            assert "write  " in str(error)
            continue
        y.backward()
        assert v.grad == slope
