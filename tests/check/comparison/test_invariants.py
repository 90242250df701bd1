"""What holds of a gradient function whatever the derivative is, each with a mistake that breaks it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.check.comparison.candidate import Answer
from minigrad.check.comparison.invariants import check_linearity, check_repeatable, check_symmetry

V, W = np.array([1.0, -2.0, 0.5]), np.array([0.25, 3.0, -1.0])
M = np.arange(1.0, 10.0).reshape(3, 3)


def kinds(findings: Any) -> list[str]:
    return [finding.kind for finding in findings]


def test_the_same_answer_twice_and_rounding_is_no_difference() -> None:
    assert check_repeatable(Answer(V), Answer(V)) == [] == check_repeatable(Answer(V), Answer(V * (1 + 2**-52)))
    assert check_repeatable(Answer(np.array([np.nan, 1.0])), Answer(np.array([np.nan, 1.0]))) == []
    assert check_repeatable(Answer(np.zeros(0)), Answer(np.zeros(0))) == []


def test_what_adds_up_is_told_from_what_is_random() -> None:
    (finding,) = check_repeatable(Answer(V), Answer(2 * V))
    assert finding.kind == "accumulated" and "2 times" in finding.sentence
    for other in (W, V + 1e-9 * W, -V, 0.5 * V, 0 * V, np.array([np.nan, -2.0, 0.5])):
        assert kinds(check_repeatable(Answer(V), Answer(other))) == ["unstable"]


def test_single_precision_is_judged_as_such() -> None:
    nudged = V * (1 + 2**-22)
    assert kinds(check_repeatable(Answer(V), Answer(nudged))) == ["unstable"]
    assert check_repeatable(Answer(V, unit=2.0**-24), Answer(nudged, unit=2.0**-24)) == []


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (lambda v: M @ v + 1.0, "zeros"),
        (lambda v: M @ (v * np.abs(v)), "twice"),
        (lambda v: np.abs(M @ v), "sum"),
        (lambda v: np.maximum(M @ v, 0), "sum"),
        (lambda v: M @ v * (1 + 1e-9 * (v[0] > 1.5)), "twice"),
    ],
)
def test_what_is_not_linear_is_said(mistake: Any, said: str) -> None:
    (finding,) = check_linearity(lambda v: Answer(mistake(v)), V, W, "cotangent")
    assert finding.kind == "nonlinear" and said in finding.sentence and "cotangent" in finding.sentence


def test_what_is_linear_passes_at_any_scale() -> None:
    for scale in (1e-200, 1.0, 1e200):
        assert check_linearity(lambda v, s=scale: Answer(s * (M @ v)), V, W, "tangent") == []


def test_a_hessian_that_is_not_symmetric_is_named_at_its_worst() -> None:
    whole = M + M.T
    assert check_symmetry(whole, 2.0**-53) == [] == check_symmetry(whole * (1 + 1e-16), 2.0**-53)
    whole[2, 0] += 1e-6
    (finding,) = check_symmetry(whole, 2.0**-53)
    assert finding.kind == "asymmetric" and finding.index in ((0, 2), (2, 0))
    assert check_symmetry(np.ones((2, 3)), 2.0**-53) == [] == check_symmetry(np.zeros((0, 0)), 2.0**-53)


def test_two_modes_that_are_no_transposes_are_told_although_each_is_nearly_right() -> None:
    x = np.array([0.5, 1.5, -1.0])
    right: dict[str, Any] = {"vjp": lambda g, x: M.T @ g, "jvp": lambda args, t: M @ t[0]}
    assert minigrad.check_grads(lambda x: M @ x, x, **right).ok
    wrong = right | {"jvp": lambda args, t: M @ t[0] * (1 + 1e-11)}
    report = minigrad.gradient_report(lambda x: M @ x, x, **wrong)
    assert "adjoint" in kinds(report.findings), report


@pytest.mark.parametrize("which", ["cotangent", "argument", "tangent"])
def test_what_is_changed_in_place_is_said(which: str) -> None:
    def vjp(g: Any, x: Any) -> Any:
        out = M.T @ g
        (g if which == "cotangent" else x)[...] = 0.0
        return out

    def jvp(args: Any, tangents: Any) -> Any:
        out = M @ tangents[0]
        tangents[0][...] = 0.0
        return out

    given: dict[str, Any] = {"jvp": jvp} if which == "tangent" else {"vjp": vjp}
    report = minigrad.gradient_report(lambda x: M @ x, np.ones(3), **given)
    (finding,) = [finding for finding in report.findings if finding.kind == "mutated"]
    assert report.verdict == "disagree" and (which if which != "argument" else "x") in finding.sentence
