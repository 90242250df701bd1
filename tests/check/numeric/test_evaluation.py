"""Evaluations: counted, within a budget of either kind, and no failure of one point spoils another."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

from minigrad.check.numeric import evaluation
from minigrad.check.numeric.evaluation import (
    BudgetSpent,
    Evaluator,
    Line,
    RowFunction,
    flatten_result,
    silence_warnings,
)
from minigrad.check.numeric.flattening import Layout
from minigrad.errors import ArgumentError

X = np.array([1.0, 2.0])


def rows(f: Any, *args: Any) -> RowFunction:
    return RowFunction(f, Layout(args))


def test_points_of_an_axis_and_of_a_direction() -> None:
    ts = np.array([0.5, -0.5])
    for line, points in (
        (Line(1, ts), [[1.0, 2.5], [1.0, 1.5]]),
        (Line(np.array([2.0, -1.0]), ts), [[2.0, 1.5], [0.0, 2.5]]),
    ):
        assert [line.point(X, t).tolist() for t in ts] == points
    assert X.tolist() == [1.0, 2.0]


def test_a_point_that_raises_is_nan_and_the_others_are_not() -> None:
    def f(x: Any) -> Any:
        if x[0] > 1.2:
            raise ZeroDivisionError("too far")
        return x * 2

    evaluator = Evaluator()
    (found,) = evaluator.run(rows(f, X), X, [Line(0, np.array([0.1, 0.3, -0.1]))], 2)
    np.testing.assert_array_equal(found, [[2.2, 4.0], [np.nan, np.nan], [1.8, 4.0]])
    assert evaluator.first_error == "ZeroDivisionError: too far"


def test_only_the_first_error_is_told() -> None:
    count = itertools.count()

    def f(x: Any) -> Any:
        raise ValueError(f"number {next(count)}")

    evaluator = Evaluator()
    for _ in range(2):
        evaluator.run(rows(f, X), X, [Line(0, np.ones(2))], 1)
    assert evaluator.first_error == "ValueError: number 0"


def test_nan_and_inf_of_one_output_leave_the_others() -> None:
    f = rows(lambda x: np.array([x[0], np.inf, np.nan, -np.inf, x[1]]), X)
    (found,) = Evaluator().run(f, X, [Line(0, np.array([1.0]))], 5)
    np.testing.assert_array_equal(found, [[2.0, np.nan, np.nan, np.nan, 2.0]])


def test_a_result_of_another_size_is_nan() -> None:
    f = rows(lambda x: x if x[0] < 2 else x[:1], X)
    (found,) = Evaluator().run(f, X, [Line(0, np.array([0.5, 1.5]))], 2)
    np.testing.assert_array_equal(found, [[1.5, 2.0], [np.nan, np.nan]])


def test_a_function_that_writes_into_its_input_spoils_no_other_point() -> None:
    def f(x: Any) -> Any:
        x += 1
        return x.copy()

    (found,) = Evaluator().run(rows(f, X), X, [Line(0, np.array([0.0, 0.0]))], 2)
    assert found.tolist() == [[2.0, 3.0], [2.0, 3.0]] and X.tolist() == [1.0, 2.0]


def test_an_interrupt_is_not_swallowed() -> None:
    def f(x: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Evaluator().run(rows(f, X), X, [Line(0, np.ones(1))], 1)


def test_a_budget_of_evaluations_is_never_exceeded_and_may_be_used_up() -> None:
    evaluator, f = Evaluator(evaluations=3), rows(np.sum, X)
    evaluator.run(f, X, [Line(0, np.ones(2))], 1)
    with pytest.raises(BudgetSpent):
        evaluator.run(f, X, [Line(0, np.ones(2))], 1)
    evaluator.run(f, X, [Line(0, np.ones(1))], 1)
    assert evaluator.count == 3 and evaluator.limited


def test_a_budget_of_seconds_ends_when_they_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(evaluation.time, "monotonic", lambda: now[0])
    evaluator, f = Evaluator(seconds=2.0), rows(np.sum, X)
    now[0] = 101.9
    evaluator.run(f, X, [Line(0, np.ones(2))], 1)
    now[0] = 102.1
    assert evaluator.out_of_time()
    with pytest.raises(BudgetSpent):
        evaluator.run(f, X, [Line(0, np.ones(1))], 1)
    assert evaluator.count == 2


@pytest.mark.parametrize("most", [0, -1, 2.5, True, float("nan")])
def test_a_budget_that_is_none_is_refused(most: Any) -> None:
    with pytest.raises(ArgumentError, match="evaluations= is a whole number of calls"):
        Evaluator(evaluations=most)


@pytest.mark.parametrize("time", [0, -1, 0.0, True, float("nan")])
def test_a_time_that_is_none_is_refused(time: Any) -> None:
    with pytest.raises(ArgumentError, match="seconds= is a time"):
        Evaluator(seconds=time)


def test_warnings_of_the_function_are_not_shown() -> None:
    def f(x: Any) -> Any:
        warnings.warn("loud", stacklevel=1)
        return np.log(-x) + x / 0.0

    with silence_warnings():
        assert np.isnan(rows(f, X)(X)).all()


def test_numbers_of_a_nested_result_in_order() -> None:
    found = flatten_result({"b": [np.ones(2), 3], "a": (True, "text", None, np.float32(0.5))})
    assert found.dtype == np.float64 and found.tolist() == [1.0, 1.0, 3.0, 1.0, 0.5]
