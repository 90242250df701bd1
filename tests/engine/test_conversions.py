"""No gradient is lost in silence: what leaves the graph does the differentiable thing, or says what to write."""

from __future__ import annotations

import array
import fractions
import functools
import json
import math
import operator
import statistics
import struct

import numpy as np
import pytest
from leaving import Make, number, vector

import minigrad
from minigrad import Value, errors
from minigrad.tracing import trace

# ------------------------------------------------------------------------------------ Python's conversions


@pytest.mark.parametrize(
    ("leave", "remedy"),
    [
        (float, "v   as it is"),
        (int, "np.trunc(v)"),
        (complex, "real numbers alone"),
        (math.sin, "np.sin(v)"),
        (math.exp, "np.exp(v)"),
        (lambda v: math.pow(v, 2), "np.pow(v, ...)"),
        (lambda v: math.hypot(v, 1.0), "np.hypot(v, ...)"),
        (lambda v: math.fsum([v, v]), "np.sum(minigrad.stack(vs))"),
        (lambda v: math.isclose(v, 2.0), "np.isclose(v, ...)"),
        (lambda v: statistics.fmean([v, v]), "np.mean(minigrad.stack(vs))"),
        (lambda v: array.array("d", [v]), "minigrad.stack([v, w])"),
        (lambda v: f"{0}" + "%.2f" % v, "v.item()"),  # noqa: UP031
        (range, "v.item()"),
        (lambda v: [1, 2, 3][v], "v.item()"),
        (lambda v: "ab" * v, "v.item()"),
        (operator.index, "v.item()"),
    ],
)
def test_python_numbers_made_of_a_value_are_refused(leave: Make, remedy: str) -> None:
    with pytest.raises(errors.GradientLost) as caught:
        leave(number())
    text = str(caught.value)
    assert "would drop its gradient" in text
    assert "value  Value () float64   named 'v'" in text
    assert "v.item()  or  v.data" in text and remedy in text
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    "leave",
    [lambda v: statistics.mean([v, v]), lambda v: statistics.stdev([v, 2 * v])],
)
def test_exact_numbers_made_of_a_value_are_refused_with_a_remedy(leave: Make) -> None:
    with pytest.raises(TypeError) as caught:
        leave(number())
    assert "v.item()" in str(caught.value)


@pytest.mark.parametrize("whole", [math.floor, math.ceil, math.trunc, round])
def test_rounding_gives_a_value_without_gradient_or_is_refused(whole: Make) -> None:
    v = Value(2.3)
    try:
        result = whole(v)
    except errors.GradientLost as error:
        assert "v.item()" in str(error)
    else:
        assert type(result) is Value and result.data == whole(2.3)
        (result * v).backward()
        assert v.grad == whole(2.3)


@pytest.mark.parametrize(
    "leave", [fractions.Fraction, json.dumps, lambda v: struct.pack("d", v), memoryview, bytes]
)
def test_serialising_a_value_as_a_plain_number_fails(leave: Make) -> None:
    with pytest.raises((TypeError, struct.error)):
        leave(number())


def test_the_honest_ways_out() -> None:
    v = number()
    assert v.item() == 2.0 and type(v.item()) is float
    assert v.data == 2.0 and math.sin(v.item()) == np.sin(2.0)
    assert vector().tolist() == [1.0, 2.0, 3.0]
    assert np.array([v.data, v.data]).tolist() == [2, 2]
    with pytest.raises(ValueError):
        vector().item()


@pytest.mark.parametrize(
    ("use", "slope"),
    [
        (lambda v: sum([v, v, 1.0]), 2.0),
        (lambda v: max([v, v * 3, 1.0]), 3.0),
        (lambda v: min([v * 5, v * v * v]), 12.0),
        (lambda v: sorted([v * 4, v, v * 2])[1], 2.0),
        (lambda v: sorted([3.0, v, -v], key=lambda x: -x)[1], 1.0),
        (lambda v: math.prod([v, v, v]), 12.0),
        (lambda v: functools.reduce(operator.mul, [v, v]), 4.0),
        (lambda v: statistics.median([v, 3 * v, v * v]), 4.0),
        (abs, 1.0),
        (lambda v: abs(-v), 1.0),
        (lambda v: pow(v, 3), 12.0),
        (lambda v: divmod(v, 0.75)[1], 1.0),
        (lambda v: divmod(5.0, v)[1], -2.0),
        (lambda v: v % 0.75, 1.0),
        (lambda v: round(v) * v, 2.0),
        (lambda v: v if v > 1 else -v, 1.0),
        (lambda v: v and v * v, 4.0),
        (lambda v: {"x": v}["x"] * 7, 7.0),
        (lambda v: next(iter({v})), 1.0),
        (lambda v: complex(0, 1).imag * v, 1.0),
        (lambda v: operator.add(v, 1), 1.0),
        (lambda v: fractions.Fraction(1, 2).numerator * v, 1.0),
    ],
)
def test_python_functions_that_keep_the_gradient(use: Make, slope: float) -> None:
    v = number()
    result = use(v)
    assert type(result) is Value
    result.backward()
    assert v.grad == slope


@pytest.mark.parametrize(
    ("use", "slope"),
    [
        (sum, [1, 1, 1]),
        (max, [0, 0, 1]),
        (lambda v: sum(x * x for x in v), [2, 4, 6]),
        (lambda v: sum(reversed(v)), [1, 1, 1]),
        (lambda v: list(v)[1] * 2, [0, 2, 0]),
        (lambda v: sum(a * b for a, b in zip(v, [1, 2, 3], strict=True)), [1, 2, 3]),
        (lambda v: v[0] * v[-1], [3, 0, 1]),
        (lambda v: (lambda a, b, c: a * b * c)(*v), [6, 3, 2]),
        (lambda v: minigrad.stack([x * 2 for x in v]).sum(), [2, 2, 2]),
        (lambda v: minigrad.stack([[v[0], 1.0], [2.0, v[2]]]).sum(), [1, 0, 1]),
        (lambda v: minigrad.put(np.zeros(3), 1, v[0] * 4).sum(), [4, 0, 0]),
        (lambda v: minigrad.put(v, 0, 1.0).sum(), [0, 1, 1]),
        (lambda v: np.stack(list(v)).sum(), [1, 1, 1]),
        (lambda v: np.concatenate([v, v]).sum(), [2, 2, 2]),
        (lambda v: np.full_like(v, 2.0) @ v, [2, 2, 2]),
    ],
)
def test_rows_and_remedies_keep_the_gradient(use: Make, slope: list[float]) -> None:
    v = vector()
    use(v).backward()
    assert v.grad.tolist() == slope


def test_going_through_a_number_is_refused() -> None:
    with pytest.raises(TypeError):
        list(number())
    with pytest.raises(TypeError):
        len(number())


# -------------------------------------------------------------------------------------- while tracing


@pytest.mark.parametrize(
    ("leave", "what"),
    [
        (bool, r"bool\(\)"),
        (lambda v: v.item(), r"item\(\)"),
        (lambda v: v.tolist(), r"tolist\(\)"),
        (lambda v: v.data, "data"),
        (lambda v: 1 if v > 0 else 2, r"bool\(\)"),
        (lambda v: not v, r"bool\(\)"),
        (lambda v: max([v, 1.0]), r"bool\(\)"),
        (lambda v: v in [1.0], r"bool\(\)"),
        (lambda v: [1, 2, 3][v.reshape(1).argmax()], "a Value as an integer"),
        (lambda v: np.arange(3)[v.reshape(1).argmax()], r"a\[v\](.|\n)*minigrad\.embedding"),
        (lambda v: int(v.reshape(1).argmax()), r"int\(\)(.|\n)*np\.trunc"),
        (lambda v: np.asarray(v > 1), r"np\.asarray\(\)(.|\n)*as it is"),
        (lambda v: np.allclose(v, 2.0), "while tracing"),
        (lambda v: np.array_equal(v, 2.0), "while tracing"),
        (lambda v: np.array_equiv(v, 2.0), "while tracing"),
    ],
)
def test_reading_the_data_while_tracing(leave: Make, what: str) -> None:
    v = number()
    with trace(), pytest.raises(errors.TracingError, match=what) as caught:
        leave(v)
    assert "while tracing" in str(caught.value) and "\n  write  " in str(caught.value)


def test_plain_answers_and_arithmetic_work_while_tracing() -> None:
    with trace():
        v = vector()
        y = np.where(v > 1, v * v, 0.0).sum() + v[v.argmax()] + v.shape[0]
        assert y.shape == () and len(v) == 3
        assert repr(v).startswith("Value(")
    y.backward()
    assert v.grad.tolist() == [0, 4, 7]


def test_after_tracing_the_data_is_there_again() -> None:
    v = number()
    with pytest.raises(errors.TracingError), trace():
        v.item()
    assert v.item() == 2.0


# ------------------------------------------------------------------------------------- NumPy's assertions


def test_numpy_assertions_compare_the_data() -> None:
    v, w = vector(), vector()
    np.testing.assert_allclose(v, [1, 2, 3])
    np.testing.assert_allclose([1, 2, 3], v)
    np.testing.assert_allclose(v, w)
    np.testing.assert_array_equal(v, w)
    np.testing.assert_equal(v, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_almost_equal(v, [1, 2, 3])
    np.testing.assert_array_less(v, [2, 3, 4])
    np.testing.assert_almost_equal(number(), 2.0)
    np.testing.assert_allclose(number(), 2.0)
    for compare in (np.testing.assert_allclose, np.testing.assert_array_equal, np.testing.assert_equal):
        with pytest.raises(AssertionError):
            compare(v, np.array([1.0, 2.0, 4.0]))


def test_numpy_assert_equal_of_a_number() -> None:
    """Against an array; a plain number is not equal to it for assert_equal, as an array of one is not."""
    np.testing.assert_equal(number(), np.array(2.0))
    with pytest.raises(AssertionError):
        np.testing.assert_equal(number(), np.array(3.0))


def test_allclose_and_array_equal_answer_plainly() -> None:
    v = vector()
    assert np.allclose(v, [1, 2, 3]) is True
    assert np.allclose([1, 2, 4], v) is False
    assert np.array_equal(v, vector()) is True and np.array_equal(v, [1, 2]) is False
    assert np.iscomplexobj(v) is False and np.isrealobj(v) is True
    assert np.can_cast(v.dtype, np.float64)
    assert np.array2string(v) == "[1. 2. 3.]"
