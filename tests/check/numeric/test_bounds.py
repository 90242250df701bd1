"""bounds=: how they are written, what is refused, and that no function is ever called outside of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.check.numeric.bounds import Bounds, read_bounds
from minigrad.check.numeric.derivative import Point
from minigrad.check.numeric.evaluation import Evaluator
from minigrad.check.numeric.flattening import Layout
from minigrad.errors import ArgumentError, ShapeError

INF = np.inf


def inside(low: Any, high: Any, f: Callable[..., Any] = np.sin) -> Callable[..., Any]:
    """f, which must not be called outside."""

    def guarded(*args: Any) -> Any:
        rows = zip(*(Layout(tree).row() for tree in (args, low, high)), strict=True)
        assert all(a <= x <= b for x, a, b in rows), f"{args} is outside"
        inside.calls += 1
        return f(*args)

    return guarded


inside.calls = 0  # type: ignore[attr-defined]

POINTS = [
    (np.sin, np.cos, 0.3, 0.0, 1.0),
    (np.sin, np.cos, 0.3, 0.3, 1.0),
    (np.sin, np.cos, 0.3, -0.3, 0.3),
    (np.sin, np.cos, 0.3, 0.3 - 1e-9, 1.0),
    (np.sin, np.cos, 0.1, 0.1 - 1e-7, 0.1 + 1e-7),
    (np.sin, np.cos, 0.0, 0.0, INF),
    (np.exp, np.exp, 100.0, 99.99, 100.001),
    (np.sqrt, lambda x: 0.5 / np.sqrt(x), 1e-5, 0.0, INF),
    (np.sqrt, lambda x: 0.5 / np.sqrt(x), 1e300, 9e299, INF),
]


@pytest.mark.parametrize(("f", "slope", "x", "low", "high"), POINTS)
def test_a_number_stays_inside_and_its_bar_holds(f: Any, slope: Any, x: float, low: float, high: float) -> None:
    seen: list[float] = []

    def watched(t: Any) -> Any:
        seen.append(float(t))
        return f(t)

    found = minigrad.derivative(watched, x, bounds=(low, high))
    assert low <= min(seen) and max(seen) <= high
    assert abs(found.value - slope(x)) <= found.error <= 1e-6 * slope(x) * max(1.0, 1e-7 / (high - low))


def test_steps_use_the_room_that_there_is() -> None:
    """Between bounds of ± 1e-7 all that rounding allows is some nine digits."""
    found = minigrad.derivative(np.sin, 0.1, bounds=(0.1 - 1e-7, 0.1 + 1e-7))
    assert abs(found.value - np.cos(0.1)) <= found.error < 1e-7
    assert minigrad.derivative(np.exp, 100.0, bounds=(99.99, 100.001)).error < 1e-9 * np.exp(100.0)


def test_a_bound_close_by_on_one_side_leaves_the_digits_of_the_other() -> None:
    assert minigrad.derivative(np.sin, 0.3, bounds=(0.3 - 1e-9, 1.0)).error < 1e-11


def test_a_kink_beside_a_bound_is_one() -> None:
    found = minigrad.derivative(np.abs, 0.0, bounds=(-1e-3, 1.0))
    assert found.error >= 1.0
    assert abs(minigrad.derivative(np.abs, 0.0, bounds=(0.0, 1.0)).value - 1.0) < 1e-9


def rows(f: Any, x: Any, low: Any, high: Any) -> Any:
    """A function of many numbers, in all four ways."""
    guarded = inside(low, high, f)
    u = np.linspace(-1.0, 1.0, np.size(x)).reshape(np.shape(x))
    return (
        minigrad.numeric_gradient(guarded, x, bounds=(low, high)).value,
        minigrad.numeric_jacobian(guarded, x, bounds=(low, high)).value,
        minigrad.directional(guarded, x, u, bounds=(low, high)),
        minigrad.gradient_report(guarded, x, grad=lambda x: np.cos(x), bounds=(low, high)),
    )


@pytest.mark.parametrize("size", [4, 300])
def test_no_way_of_checking_leaves_them(size: int) -> None:
    rng = np.random.default_rng(0)
    low, high = np.zeros(size), np.ones(size)
    x = rng.uniform(0.1, 0.9, size)
    x[::3], x[1::7] = 0.0, 1.0
    gradient, jacobian, along, report = rows(lambda x: np.sum(np.sin(x)), x, low, high)
    np.testing.assert_allclose(gradient, np.cos(x), rtol=1e-9)
    np.testing.assert_allclose(jacobian, np.cos(x), rtol=1e-9)
    assert np.isnan(along.value) or abs(along.value - np.cos(x) @ np.linspace(-1, 1, size)) <= along.error
    assert report.verdict == "agree" and report.resolving_power < 1e-8, report


@pytest.mark.parametrize("size", [4, 300])
def test_a_mistake_at_a_bound_is_found(size: int) -> None:
    x, low, high = np.linspace(0.0, 1.0, size), np.zeros(size), np.ones(size)
    wrong = np.cos(x)
    wrong[0] *= 1.5
    f = inside(low, high, lambda x: np.sum(np.sin(x)))
    report = minigrad.gradient_report(f, x, grad=lambda x: wrong, bounds=(0, 1))
    assert report.verdict == "disagree" and report.findings[0].index == (0,), report


def test_minigrads_own_derivatives_at_kinks_and_second_order_stay_inside() -> None:
    x = np.array([0.0, 0.5, 0.5, 1.0])
    f = inside(0 * x, 0 * x + 1, lambda x: np.sum(np.sort(x) ** 2 * np.arange(4)))
    assert minigrad.gradient_report(f, x, bounds=(0, 1)).verdict == "agree"
    f = inside(0 * x, 0 * x + 1, lambda x: np.sum(np.sin(x)))
    assert minigrad.gradient_report(f, x, order=2, bounds=(0, 1)).verdict == "agree"


def test_without_room_there_is_no_verdict() -> None:
    report = minigrad.gradient_report(np.sin, 0.5, grad=np.cos, bounds=(0.5, 0.5))
    assert report.verdict == "unresolved", report


def test_a_worker_keeps_them() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        found = minigrad.derivative(inside(0.0, 1.0), 0.3, bounds=(0.0, 1.0), executor=pool)
    assert found.value == minigrad.derivative(inside(0.0, 1.0), 0.3, bounds=(0.0, 1.0)).value


# ------------------------------------------------------------------------------------------- how they are written

TREE = ({"w": np.zeros((2, 2)), "b": 0.5}, np.ones(3))


def read(given: Any, args: Any = TREE) -> Bounds | None:
    alone = not isinstance(args, tuple)
    return read_bounds(given, Layout((args,) if alone else args), alone)


@pytest.mark.parametrize(
    ("low", "row"),
    [
        (-1, [-1] * 8),
        (None, [-INF] * 8),
        ((None, 0), [-INF] * 5 + [0] * 3),
        ((-2, np.array([0, -1, 1])), [-2] * 5 + [0, -1, 1]),
        ((-2, [0, -1, 1]), [-2] * 5 + [0, -1, 1]),
        (({"w": -1, "b": None}, 0), [-1] * 4 + [-INF] + [0] * 3),
        (({"w": -np.ones((2, 2)), "b": 0}, None), [-1] * 4 + [0] + [-INF] * 3),
    ],
)
def test_numbers_and_arrays_as_the_arguments_are_nested(low: Any, row: list[float]) -> None:
    found = read((low, INF))
    assert found is not None and found.low.tolist() == row and np.all(found.high == INF)


def test_one_argument_needs_no_tuple() -> None:
    found = read(([0, 1], np.array([2, INF])), np.ones(2))
    assert found is not None and found.low.tolist() == [0, 1] and found.high.tolist() == [2, INF]
    assert read((np.zeros(2), 1), (np.ones(2),)) is not None


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (3, ArgumentError, r"pair \(low, high\), got int 3\n  write  bounds="),
        ((0, 1, 2), ArgumentError, "pair"),
        ((2, 1), ArgumentError, r"low bound is above the high one: argument 0\['w'\]\[0, 0\] is 0, low 2, high 1"),
        ((np.nan, 1), ArgumentError, "low bound is above the high one"),
        ((-1, 0.7), ArgumentError, r"the point lies outside of its bounds: argument 1\[0\] is 1, low -1, high 0.7"),
        ((np.zeros(3), 1), ArgumentError, "one entry for each of 2 arguments"),
        (((None, np.zeros(2)), 1), ShapeError, r"low of bounds= has shape \(2,\) at \[1\], the argument \(3,\)"),
        (((None, [0, 0]), 1), ShapeError, r"shape \(2,\) at \[1\], the argument \(3,\)"),
        ((0, ({"w": np.ones(4)}, None)), ShapeError, r"high of bounds= has shape \(4,\) at \[0\]\['w'\]"),
        ((({"W": 0}, None), 1), ArgumentError, r"an entry at \[0\]\['W'\], where the arguments have none"),
        ((("a", None), 1), minigrad.errors.DTypeError, "real numbers, got str 'a'"),
    ],
)
def test_what_is_not_bounds_is_refused(given: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        read(given)


def test_arguments_that_are_not_differentiated_need_none() -> None:
    report = minigrad.gradient_report(
        lambda x, n: np.sin(x) * n, (0.5, 3), grad=lambda x, n: np.cos(x) * n, bounds=((0, 7), (1, 9))
    )
    assert report.ok, report


def test_a_bound_of_float32_is_kept_in_float32() -> None:
    x = np.array([0.1, 0.5], dtype=np.float32)
    found = read((0.1, np.array([0.1, 0.7])), x)
    assert found is not None and found.high[0] == np.float32(0.1)  # the point itself may be a bound, rounded
    assert found.high[1] <= 0.7 and found.high[1] == np.float32(found.high[1])


def test_room_and_turning() -> None:
    x = np.array([0.0, 1.0, 0.5])
    slopes = Point(np.sum, (x,), Layout((x,)), Evaluator(), Bounds(np.zeros(3), np.ones(3))).slopes()
    assert slopes.room(0) == (0.0, 1.0) and slopes.room(1) == (1.0, 0.0) and slopes.room(2) == (0.5, 0.5)
    assert slopes.room(np.array([2.0, -4.0, 0.0])) == (0.0, 0.25)
    assert slopes.room(np.array([0.0, 0.0, -2.0])) == (0.25, 0.25)
    assert slopes.inward(np.array([-1.0, 1.0, -1.0]), 0.25).tolist() == [1.0, -1.0, -1.0]
    assert Point(np.sum, (x,), Layout((x,)), Evaluator()).slopes().room(0) == (INF, INF)


def test_points_beside_a_bound_lie_on_its_inner_side() -> None:
    bounds = Bounds(np.zeros(3), np.ones(3))
    x = np.array([0.0, 0.5, 1.0])
    beside = bounds.mirror(x, x + np.array([-0.25, -0.25, 0.25]))
    assert np.array_equal(beside, [0.25, 0.25, 0.75])
