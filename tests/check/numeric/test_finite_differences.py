"""Slopes: which points are evaluated, one output's trouble is its own, and memory stays small."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.check.numeric import extrapolation
from minigrad.check.numeric.derivative import Point, bar
from minigrad.check.numeric.evaluation import BudgetSpent, Evaluator
from minigrad.check.numeric.finite_differences import FIRST
from minigrad.check.numeric.flattening import Layout
from minigrad.check.numeric.measurement import Measurement


def point(f: Any, x: Any, budget: int | None = None) -> Point:
    return Point(f, (x,), Layout((x,)), Evaluator(budget))


def along(f: Any, x: Any, line: Any = 0, project: Any = None) -> Measurement:
    (found,) = point(f, x).slopes(project).along([line])
    return found


def test_an_output_that_is_nan_does_not_poison_the_others() -> None:
    found = along(lambda x: np.array([np.sin(x[0]), np.nan, np.log(-x[0]), x[0] ** 2]), np.array([0.7]))
    assert np.isnan(found.value[1]) and np.isnan(found.value[2]) and np.isinf(found.error[1:3]).all()
    assert abs(found.value[0] - np.cos(0.7)) <= found.error[0] < 1e-12
    assert abs(found.value[3] - 1.4) <= found.error[3] < 1e-11


def test_an_output_that_is_nan_somewhere_nearby_has_a_slope_all_the_same() -> None:
    found = along(lambda x: np.array([np.sqrt(x[0] - 0.5), np.exp(x[0])]), np.array([0.75]))
    assert np.all(np.abs(found.value - [1.0, np.exp(0.75)]) <= found.error) and found.error.max() < 1e-9


def test_a_smooth_function_is_settled_by_the_first_steps_and_noise_is_measured_once() -> None:
    here = point(lambda x: np.sum(np.sin(x)), np.linspace(0.1, 1, 5))
    slopes = here.slopes()
    list(slopes.along([0]))
    once = here.evaluator.count
    list(slopes.along([1]))
    rungs = FIRST[np.floor(FIRST) == FIRST]
    within = slopes.scale(1) * 2.0**-rungs <= slopes.reach(1)
    assert here.evaluator.count - once == 2 * np.count_nonzero(within)


def test_weighted_sums_of_outputs_are_columns() -> None:
    weights = np.array([[1.0, 2.0], [0.0, -1.0]])
    found = along(lambda x: np.array([x[0] ** 2, np.exp(x[0])]), np.array([0.5]), project=weights)
    assert np.all(np.abs(found.value - weights @ [1.0, np.exp(0.5)]) <= found.error)
    assert found.error.max() < 1e-11


def test_a_direction_is_the_sum_of_its_axes() -> None:
    u = np.array([1.0, -2.0])
    found = along(lambda x: np.exp(x[0]) * x[1], np.array([0.3, 1.5]), u)
    assert abs(found.value[0] - np.exp(0.3) * (1.5 - 2.0)) <= found.error[0] < 1e-11


def test_curvature() -> None:
    found = along(lambda x: x[0] ** 3, np.array([1.5])).curvature
    assert abs(found.value[0] - 9.0) <= found.error[0] < 1e-5


def test_the_two_sides_of_a_kink() -> None:
    found = along(lambda x: np.abs(x[0]) + x[0], np.array([0.0]))
    assert found.kinked.all() and bar(found)[0] >= 1.0
    assert abs(found.right.value[0] - 2) <= found.right.error[0] < 1e-9
    assert abs(found.left.value[0]) <= found.left.error[0] < 1e-9


def test_what_never_moves_is_flat_and_what_moves_is_not() -> None:
    found = along(lambda x: np.array([3.0, x[0] * 1e-12, 0 * x[0]]), np.array([0.5]))
    assert found.flat.tolist() == [True, False, True]


def test_nothing_is_evaluated_beyond_the_budget() -> None:
    here = point(lambda x: np.sum(np.sin(x)), np.ones(3), budget=40)
    with pytest.raises(BudgetSpent):
        list(here.slopes().along(range(3)))
    assert here.evaluator.count <= 40


def test_blocks_of_columns_give_what_all_at_once_give(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: Any) -> Any:
        return np.array([np.sin(x[0]), np.abs(x[0] - 0.7), np.nan, np.sqrt(x[0] - 0.7), 1e9 + x[0], x[0] ** 2, 3.0])

    whole = along(f, np.array([0.7]))
    monkeypatch.setattr(extrapolation, "BLOCK", 2)
    parts = along(f, np.array([0.7]))
    for name in ("central", "right", "left", "slope"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def peak_of(call: Any) -> int:
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_many_outputs_take_no_table_of_all_of_them() -> None:
    """A table of all columns, with its errors, is 300 rows and more, beside the values it is made of."""
    y = np.linspace(0.1, 1.0, 20_000)
    assert peak_of(lambda: minigrad.derivative(lambda t: t * y, 0.5)) < 300 * y.nbytes


def test_a_jacobian_keeps_nothing_of_what_its_columns_were_made_of() -> None:
    y = np.linspace(0.1, 1.0, 10_000)
    few, many = (peak_of(lambda n=n: minigrad.numeric_jacobian(lambda x: x[0] * y, np.ones(n))) for n in (2, 5))
    assert many - few < 3 * 20 * y.nbytes


@pytest.mark.parametrize("count", [11, 1001])
def test_a_sum_that_cancels_at_the_point_keeps_its_digits(count: int) -> None:
    """Its noise is that of the terms, and no share of what is left of them."""
    x = np.linspace(-3.0, 3.0, count)
    report = minigrad.gradient_report(lambda x: np.sum(np.sin(x)), x, grad=np.cos)
    assert report.ok and report.resolving_power < 1e-8, report


@pytest.mark.parametrize(
    ("f", "x", "truth"),
    [
        (lambda x: x * x - 2, 2**0.5, 2 * 2**0.5),
        (lambda x: np.log(1 + x), 1e-9, 1 / (1 + 1e-9)),
        (lambda x: (x + 0.2) - 0.3, 0.1, 1.0),
    ],
)
def test_close_to_a_zero_of_a_function_its_noise_is_what_it_is_elsewhere(f: Any, x: float, truth: float) -> None:
    found = minigrad.derivative(f, x)
    assert abs(found.value - truth) <= found.error <= 1e-11


@pytest.mark.parametrize(
    ("f", "x", "truth"),
    [
        (lambda x: np.exp(x) - 1 - x, 8.249245563919763e-12, 8.249245563953787e-12),
        (lambda x: np.sin(x) - x, 1.592160798247008e-08, -1.267488003737275e-16),
    ],
    ids=["exp", "sin"],
)
def test_what_cancels_to_a_few_roundings_is_not_known_by_them(f: Any, x: float, truth: float) -> None:
    found = minigrad.derivative(f, x)
    assert abs(found.value - truth) <= found.error, found
    assert minigrad.gradient_report(f, x, grad=lambda x: truth).verdict != "disagree"


def test_values_that_are_noise_are_called_so_and_not_missing() -> None:
    x = np.random.default_rng(0).normal(size=5)
    report = minigrad.gradient_report(lambda x: np.sum(x - x.mean()), x, grad=lambda x: 0 * x)
    assert [finding.kind for finding in report.findings] == ["noise"], report
    assert "at random" in report.findings[0].sentence


def test_a_slope_far_off_is_no_measure_of_what_is_small_at_the_point() -> None:
    """exp grows by 1e55 over the longest steps; beside that, any bar would be narrow."""
    report = minigrad.gradient_report(lambda x: np.exp(x) - 1 - x, 8.249e-12, grad=lambda x: 0.5 + 0 * x)
    assert not report.ok, report
