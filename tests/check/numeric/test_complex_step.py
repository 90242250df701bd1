"""The complex step: the last digits where it is right, the ladder's value wherever it could be wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.check.numeric.complex_step import sharpen
from minigrad.check.numeric.derivative import Point
from minigrad.check.numeric.evaluation import Evaluator
from minigrad.check.numeric.flattening import Layout

X = np.array([0.7, -1.3])
ONE = np.ones(1)


def point(f: Callable[..., Any], *args: Any, budget: int | None = None) -> Point:
    return Point(f, args, Layout(args), Evaluator(budget))


def kept(f: Callable[..., Any], *args: Any, truth: float, bar: float, weights: Any = ONE) -> bool:
    """Whether the ladder's value stands, here one that is off by half its bar."""
    value = truth + bar / 2
    return sharpen(point(f, *args), 0, weights, value, bar) == value


@pytest.mark.parametrize(
    ("f", "truth"),
    [
        (lambda x: np.sin(x[0]) * x[1], np.cos(0.7) * -1.3),
        (lambda x: np.exp(x[0] * x[1]), -1.3 * np.exp(0.7 * -1.3)),
        (lambda x: x[0] ** 3 / x[1], 3 * 0.7**2 / -1.3),
        (lambda x: np.log(x[0]), 1 / 0.7),
        (lambda x: np.tanh(x[0]), 1 - np.tanh(0.7) ** 2),
    ],
)
def test_an_analytic_function_has_its_last_digits(f: Any, truth: float) -> None:
    assert abs(sharpen(point(f, X), 0, ONE, truth + 1e-9, 1e-8) - truth) <= 4 * np.spacing(abs(truth))


@pytest.mark.parametrize("x", [0.0, 1e-150, 1e-9, 1e9, 1e150])
def test_a_step_fits_the_number_it_is_taken_from(x: float) -> None:
    slope = sharpen(point(lambda x: 3.0 * x + x * (x / (1 + x)), x), 0, ONE, 3.5, 2.0)
    exact = 3 + (x / (1 + x)) * (1 + 1 / (1 + x))
    assert abs(slope - exact) <= 1e-15 * exact


def test_one_result_at_a_time_and_sums_of_them() -> None:
    here = point(lambda x: np.array([x[0] ** 2, np.sin(x[0]), x[1]]), X)
    truth = np.array([1.4, np.cos(0.7), 0.0])
    for weights in (np.eye(3)[0], np.eye(3)[1], np.array([0.5, -2.0, 1.0])):
        assert abs(sharpen(here, 0, weights, weights @ truth + 1e-9, 1e-8) - weights @ truth) < 1e-15


def refuses(x: Any) -> Any:
    return np.sin(x[0].astype(float))


def warns(x: Any) -> Any:
    warnings.warn("no", UserWarning, stacklevel=2)
    return np.sin(x[0])


def wrong_in_the_eighth_digit(x: Any) -> Any:
    return (
        np.sin(x[0].real) + 1j * np.cos(x[0].real) * x[0].imag * (1 + 1e-8) if np.iscomplexobj(x) else np.sin(x[0])
    )


def wrong_value(x: Any) -> Any:
    return np.sin(x[0]) * (1 + 1e-15 * 3 * np.iscomplexobj(x))


def nan_in_the_complex_plane(x: Any) -> Any:
    return np.sin(x[0]) * (complex(0, np.nan) if np.iscomplexobj(x) else 1.0)


def not_mirrored(x: Any) -> Any:
    return np.sin(x[0]) + 1j * abs(x[0].imag) * 1e-14 if np.iscomplexobj(x) else np.sin(x[0])


def real_of_it(x: Any) -> Any:
    return np.real(np.sin(x[0]))


@pytest.mark.parametrize(
    ("f", "truth"),
    [
        (lambda x: np.abs(x[0]), 1.0),
        (lambda x: np.abs(x[0]) ** 2, 1.4),
        (lambda x: np.linalg.norm(x), 0.7 / np.hypot(0.7, 1.3)),
        (lambda x: np.conj(x[0]) ** 2, 1.4),
        (lambda x: np.vdot(x, x).real, 1.4),
        (real_of_it, np.cos(0.7)),
        (lambda x: float(x[0]) ** 2, 1.4),
        (refuses, np.cos(0.7)),
        (warns, np.cos(0.7)),
        (wrong_in_the_eighth_digit, np.cos(0.7)),
        (wrong_value, np.cos(0.7)),
        (nan_in_the_complex_plane, np.cos(0.7)),
        (not_mirrored, np.cos(0.7)),
        (lambda x: np.maximum(x[0], -x[0]) * (1.0 if x[0].dtype == float else 2.0), 1.0),
        (lambda x: x[0] if isinstance(x[0], np.float64) else "text", 1.0),
    ],
)
def test_a_trap_keeps_the_value_of_the_ladder(f: Any, truth: float) -> None:
    assert kept(f, X, truth=truth, bar=1e-11)


def test_a_branch_that_is_right_is_used_through_maximum_and_comparisons() -> None:
    """Analytic on this side of the kink: what these give there is right."""
    for f in (lambda x: np.maximum(x[0] ** 2, 0.1), lambda x: np.where(x[0] > 0.5, x[0] ** 2, x[1])):
        assert not kept(f, X, truth=1.4, bar=1e-11)


def test_a_kink_is_no_place_for_it() -> None:
    assert sharpen(point(lambda x: np.maximum(x, 0.0), 0.0), 0, ONE, 0.5, 1e-12) == 0.5


def test_a_result_that_is_nan_does_not_spoil_the_others() -> None:
    here = point(lambda x: np.array([x[0] ** 2, x[1] * np.nan]), X)
    assert sharpen(here, 0, np.array([1.0, 0.0]), 1.4 + 1e-13, 1e-12) == pytest.approx(1.4, rel=1e-15, abs=0)


@pytest.mark.parametrize("x", [np.float32(0.7), np.float16(0.7)])
def test_single_precision_is_left_alone(x: Any) -> None:
    assert kept(np.sin, x, truth=float(np.cos(float(x))), bar=1e-3)


@pytest.mark.parametrize(
    ("f", "x", "truth"),
    [
        (lambda x: np.sin(np.float32(x)), 0.7, np.cos(0.7)),
        (lambda x: x**2 if np.iscomplexobj(x) else np.float32(x**2), 0.5, 1.0),
    ],
)
def test_single_precision_inside_is_left_alone(f: Any, x: float, truth: float) -> None:
    assert kept(f, x, truth=truth, bar=1e-3)


def test_an_unbounded_or_missing_bar_is_no_agreement_with_nonsense() -> None:
    assert sharpen(point(np.abs, 0.7), 0, ONE, 1.0, float("nan")) == 1.0


def test_constants_are_copied_and_never_changed() -> None:
    weights, x = np.array([2.0, 3.0]), np.array([0.5, 1.0])

    def f(x: Any, names: Any, n: int) -> Any:
        out = np.sum(x * names["w"]) * n
        x *= 0
        names["w"] *= 0
        return out

    args = (x, {"w": weights}, 2)
    here = Point(f, args, Layout(args, within=(0,)), Evaluator())
    assert sharpen(here, 0, ONE, 4.0 + 1e-12, 1e-11) == 4.0
    assert x.tolist() == [0.5, 1.0] and weights.tolist() == [2.0, 3.0]


def test_evaluations_are_counted_and_within_the_budget() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return np.sin(x)

    here = point(f, 0.7)
    sharpen(here, 0, ONE, np.cos(0.7), 1e-12)
    assert here.evaluator.count == len(calls) == 3
    here = point(f, 0.7, budget=2)
    assert sharpen(here, 0, ONE, np.cos(0.7) + 1e-13, 1e-12) == np.cos(0.7) + 1e-13
    assert here.evaluator.count == 2


@pytest.mark.parametrize("given", ["grad", "vjp", "jac", "jvp"])
def test_the_reference_of_a_finding_is_sharp_and_its_bar_that_of_the_ladder(given: str) -> None:
    def f(x: Any) -> Any:
        return np.exp(x[0]) * np.sin(x[1]) if given == "grad" else np.array([x[1], np.exp(x[0]) * np.sin(x[1])])

    slope = np.exp(0.7) * np.sin(-1.3)
    jacobian = np.array([[0.0, 1.0], [slope * (1 + 1e-9), np.exp(0.7) * np.cos(-1.3)]])
    wrong: dict[str, Any] = {
        "grad": lambda x: jacobian[1],
        "vjp": lambda g, x: g @ jacobian,
        "jac": lambda x: jacobian,
        "jvp": lambda args, t: jacobian @ t[0],
    }
    report = minigrad.gradient_report(f, X, **{given: wrong[given]})
    (finding,) = [finding for finding in report.findings if finding.given is not None]
    assert report.verdict == "disagree" and finding.reference is not None and finding.error
    factor = finding.given / (slope * (1 + 1e-9)) if given == "vjp" else 1.0
    assert abs(finding.reference / factor - slope) <= 4 * np.spacing(abs(slope))
    assert finding.error > 4 * np.spacing(abs(slope))


def test_a_wrong_complex_branch_changes_neither_verdict_nor_reference() -> None:
    def f(x: Any) -> Any:
        return wrong_in_the_eighth_digit(x)

    right, wrong = (
        minigrad.gradient_report(f, X, grad=lambda x, c=c: np.array([c, 0.0]))
        for c in (np.cos(0.7), np.cos(0.7) * (1 + 1e-8))
    )
    assert right.verdict == "agree" and wrong.verdict == "disagree"
    (finding,) = wrong.findings
    assert finding.reference is not None and abs(finding.reference - np.cos(0.7)) < 1e-12
