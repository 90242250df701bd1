"""No agreement beside a difference that was seen, no mistake where a budget ended, no number without a meaning."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import gradient_report
from minigrad.check.diagnosis.report import Report
from minigrad.errors import ArgumentError


def kinds(report: Report) -> set[str]:
    """The kinds of its findings."""
    return {finding.kind for finding in report.findings}


def squares(x: Any) -> Any:
    """Smooth, and its gradient is 2x."""
    return np.sum(x * x)


# ------------------------------------------------------------------------------------ budgets


@pytest.mark.parametrize("size", [65, 396])
@pytest.mark.parametrize("evaluations", [20, 52, 90])
def test_what_is_wrong_along_a_direction_is_no_agreement_if_the_budget_ends_before_its_entry_is_found(
    size: int, evaluations: int
) -> None:
    x = np.random.default_rng(0).normal(1.0, 0.01, size)
    wrong = np.where(np.arange(size) == size - 1, 1.4, 1.0)
    report = gradient_report(squares, x, grad=lambda x: 2 * x * wrong, need=0.05, evaluations=evaluations)
    assert report.verdict != "agree" and report.evaluations <= evaluations
    right = gradient_report(squares, x, grad=lambda x: 2 * x, need=0.05, evaluations=evaluations)
    assert right.ok


def test_a_budget_that_ends_at_a_nan_is_told() -> None:
    def gradient(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.sign(x) / (2 * np.sqrt(np.abs(x)))

    x = np.array([0.0, -1, -1, 0, 1, 2])
    for evaluations in (8, 23, 60):
        report = gradient_report(lambda x: np.sum(np.sqrt(np.abs(x))), x, grad=gradient, evaluations=evaluations)
        assert kinds(report) <= {"budget", "infinite"} and report.verdict == "unresolved"


def test_a_subgradient_is_no_mistake_where_the_budget_ends_before_the_kink_is_judged() -> None:
    x = np.round(4 * np.random.default_rng(3).normal(size=(13, 15))) / 4

    def backward(g: Any, x: Any) -> Any:
        order = np.argsort(x, axis=-1, kind="stable")
        back = np.zeros_like(x)
        np.put_along_axis(back, order, 2 * np.sort(x, axis=-1) * g + g, axis=-1)
        return back

    for evaluations in range(40, 220, 12):
        report = gradient_report(
            lambda x: np.sort(x, axis=-1) ** 2 + np.sort(x, axis=-1), x, vjp=backward, evaluations=evaluations
        )
        assert report.verdict != "disagree", report


# ------------------------------------------------------------------------------------ kinks and cusps


def test_entries_beside_zeros_are_compared_though_their_values_repeat() -> None:
    x = np.round(np.random.default_rng(5).normal(size=(23, 5)))
    for i in map(tuple, np.argwhere(x > 0)[::6]):
        wrong = np.ones_like(x)
        wrong[i] = 1.5
        report = gradient_report(lambda x: np.sum(np.maximum(x, 0)), x, grad=lambda x, w=wrong: (x > 0) * w)
        assert report.verdict == "disagree"
    assert gradient_report(lambda x: np.sum(np.maximum(x, 0)), x, grad=lambda x: (x > 0) * 1.0).ok


@pytest.mark.parametrize("power", [0.25, 0.5, 0.9])
def test_a_slope_that_grows_to_both_sides_is_not_0(power: float) -> None:
    report = gradient_report(lambda x: np.abs(x) ** power, 0.0, grad=lambda x: 0.0)
    assert report.verdict == "unresolved" and kinds(report) == {"infinite"}


def test_nan_at_a_cusp_is_not_called_wrong_beside_a_finite_derivative() -> None:
    def gradient(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.sign(x) / (2 * np.sqrt(np.abs(x)))

    report = gradient_report(lambda x: np.sum(np.sqrt(np.abs(x))), np.array([0.0, 1, 1, 2]), grad=gradient)
    assert kinds(report) == {"infinite"} and "error of nan" not in str(report)


# ------------------------------------------------------------------------------------ rules, numbers


@pytest.mark.parametrize("bent", [np.abs, lambda row: np.maximum(row, 0)])
def test_an_absolute_value_is_not_linear_though_no_cotangent_was_negative(bent: Any) -> None:
    for seed in range(40):
        report = gradient_report(lambda x: 2 * x, np.array([0.3]), vjp=lambda g, x: bent(2 * g), seed=seed)
        assert report.verdict == "disagree"


def test_rounding_beside_a_slope_of_0_is_no_difference() -> None:
    report = gradient_report(lambda x: x / np.sqrt(np.sum(x * x)), np.ones(1) * 0.7, vjp=lambda g, x: 1e-17 * g)
    assert report.ok and report.largest == 0.0


# ------------------------------------------------------------------------------------ kinks of many entries


def variation(x: Any) -> Any:
    """How much a signal changes from entry to entry."""
    return np.sum(np.abs(np.diff(x)))


@pytest.mark.parametrize("size", [150, 2000])
def test_a_constant_gradient_at_a_kink_of_many_entries_does_not_agree_unseen(size: int) -> None:
    signs = np.random.default_rng(1).choice([-2.0, 2.0], size)
    assert not gradient_report(variation, np.zeros(size), grad=lambda x: np.ones(size)).ok
    assert not gradient_report(variation, np.zeros(size), grad=lambda x: signs).ok
    assert not gradient_report(np.max, np.ones(size), grad=lambda x: np.zeros(size)).ok
    assert gradient_report(np.max, np.ones(size), grad=lambda x: np.ones(size) / size).ok
    assert gradient_report(lambda x: np.sum(np.maximum(x, 0)), np.zeros(size), grad=lambda x: np.ones(size)).ok


@pytest.mark.parametrize("size", [6, 20])
def test_entries_that_tie_are_moved_together(size: int) -> None:
    x = np.repeat(np.random.default_rng(2).normal(size=size), 2)[:size]

    def gradient(x: Any) -> Any:
        signs = np.sign(np.diff(x))
        return np.concatenate([[0], signs]) - np.concatenate([signs, [0]])

    assert gradient_report(variation, x, grad=gradient).ok
    assert gradient_report(variation, x, grad=lambda x: 1.1 * gradient(x)).verdict == "disagree"


@pytest.mark.parametrize(("size", "most"), [(6, 800), (100, 1500)])
def test_entries_beside_both_slopes_of_a_kink_are_told_by_a_few_calls(size: int, most: int) -> None:
    def absolute(x: Any) -> Any:
        return np.sum(np.abs(x))

    wrong = gradient_report(absolute, np.zeros(size), grad=lambda x: np.where(x == 0, 1.5, np.sign(x)))
    assert wrong.verdict == "disagree" and wrong.evaluations <= most
    mean = gradient_report(
        lambda x: np.sum(np.maximum(x, 0)), np.zeros(size), grad=lambda x: (x > 0) + 0.5 * (x == 0)
    )
    assert mean.ok and mean.evaluations <= most


# ------------------------------------------------------------------------------------ what cannot be meant


@pytest.mark.parametrize("need", [0, -1e-3, 2, "1e-3", float("nan")])
def test_a_need_that_is_no_share_is_refused(need: Any) -> None:
    with pytest.raises(ArgumentError, match="need= is the relative error"):
        gradient_report(squares, np.ones(3), grad=lambda x: 2 * x, need=need)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(ArgumentError, match="there is no function to check, but int 3"):
        gradient_report(3, np.ones(3))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------ infinite slopes among others


def roots(x: Any) -> Any:
    """Slopes that are infinite at 0."""
    return np.sum(np.sqrt(np.abs(x)))


@pytest.mark.parametrize("size", [40, 272])
def test_entries_beside_infinite_slopes_are_not_called_wrong(size: int) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=size) * (rng.random(size) < 0.5)

    def gradient(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.sign(x) / (2 * np.sqrt(np.abs(x)))

    right = gradient_report(roots, x, grad=gradient)
    assert right.verdict == "unresolved" and kinds(right) <= {"infinite", "below resolution"}
    wrong = gradient_report(roots, x, grad=lambda x: 1.1 * gradient(x))
    assert wrong.verdict == "disagree"


def test_a_kink_that_hides_all_is_no_agreement_where_the_budget_ends() -> None:
    rng = np.random.default_rng(0)
    x = 0.01 * rng.normal(size=130) * (rng.random(130) < 0.5)
    for evaluations in range(30, 120, 10):
        report = gradient_report(
            lambda x: np.sum(np.abs(x)),
            x,
            grad=lambda x: np.where(x == 0, 0.2, 2 * np.sign(x)),
            evaluations=evaluations,
        )
        assert not report.ok
