"""Objectives that return their value and their gradient together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import gradient_report
from minigrad.errors import ArgumentError

X = np.array([1.3, 0.7, -0.8])


def objective(x: Any) -> Any:
    return np.sum(np.sin(x)), np.cos(x)


def wrong(x: Any) -> Any:
    return np.sum(np.sin(x)), 2 * np.cos(x)


def value(x: Any) -> Any:
    return np.sum(np.sin(x))


def test_an_objective_that_returns_both_is_all_there_is_to_give() -> None:
    report = gradient_report(objective, X, value_and_grad=True)
    assert report.ok and report.name == "objective"
    report = gradient_report(wrong, X, value_and_grad=True)
    assert report.findings[0].kind == "factor" and report.findings[0].path == "x"


def test_it_may_stand_beside_a_function_of_its_own() -> None:
    assert gradient_report(value, X, value_and_grad=objective)
    assert gradient_report(value, X, value_and_grad=wrong).verdict == "disagree"


def test_the_value_is_held_against_the_function() -> None:
    def off(x: Any) -> Any:
        return value(x) + 1e-9, np.cos(x)

    report = gradient_report(value, X, value_and_grad=off)
    assert [f.kind for f in report.findings] == ["value"]
    assert "the value beside the gradient is" in str(report)


def test_what_is_no_pair_is_refused_with_the_remedy() -> None:
    with pytest.raises(ArgumentError, match="not a value and its gradient\n  write  return value, gradient"):
        gradient_report(value, X, value_and_grad=True)
    with pytest.raises(ArgumentError, match="write  value_and_grad=True   if f returns its value and its gradient"):
        gradient_report(objective, X, jac=True)  # type: ignore[arg-type]


def test_an_objective_of_scipy() -> None:
    optimize = pytest.importorskip("scipy.optimize", reason="the objective is SciPy's")

    def rosen(x: Any) -> Any:
        return optimize.rosen(x), optimize.rosen_der(x)

    assert gradient_report(rosen, X, value_and_grad=True)
    assert gradient_report(optimize.rosen, X, grad=optimize.rosen_der, hess=optimize.rosen_hess)
