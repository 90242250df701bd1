"""Hessians of opaque functions: one finding, with its kind, its worst entry and how many lines are wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import gradient_report
from minigrad.check.comparison.curvatures import Curvature, curvature_findings

X = np.random.default_rng(0).uniform(0.5, 1.5, 5)


def opaque(x: Any) -> float:
    numbers = [float(number) for number in x]
    return sum(number**3 for number in numbers) + numbers[0] * numbers[-1]


def hessian(x: Any) -> Any:
    h = np.diag(6 * x)
    h[0, -1] = h[-1, 0] = 1.0
    return h


MISTAKES: dict[str, Callable[[Any], Any]] = {
    "sign": lambda h: -h,
    "zero": lambda h: 0 * h,
    "factor": lambda h: 0.5 * h,
    "entries": lambda h: h * (np.arange(5) != 2),
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_wrong_hessian_is_one_finding(kind: str) -> None:
    assert gradient_report(opaque, X, hess=hessian).verdict == "agree"
    report = gradient_report(opaque, X, hess=lambda x: MISTAKES[kind](hessian(x)))
    assert [finding.kind for finding in report.findings] == [kind], report
    (finding,) = report.findings
    assert finding.index is not None and len(finding.index) == 2 and " lines: along entry " in finding.sentence
    assert finding.given == pytest.approx(MISTAKES[kind](hessian(X))[finding.index])
    assert finding.reference == pytest.approx(hessian(X)[finding.index])


@pytest.mark.parametrize("kind", ["sign", "zero", "factor"])
def test_a_wrong_hessian_of_many_numbers_is_named_along_random_lines(kind: str) -> None:
    x = np.random.default_rng(1).uniform(0.5, 1.5, 40)
    report = gradient_report(opaque, x, hess=lambda x: MISTAKES[kind](hessian(x)))
    assert [finding.kind for finding in report.findings] == [kind], report


def test_a_wrong_hessian_of_many_numbers_without_a_pattern() -> None:
    x = np.random.default_rng(1).uniform(0.5, 1.5, 40)
    report = gradient_report(opaque, x, hess=lambda x: hessian(x) + np.diag(x**2))
    assert [finding.kind for finding in report.findings] == ["wrong"], report


def test_noise_is_one_finding_and_a_mistake_hides_it() -> None:
    noisy = [Curvature(np.eye(3)[k], 1.0, 1.01, 0.1, 0.3) for k in range(3)]
    (finding,) = curvature_findings(noisy, None)
    assert finding.kind == "noise" and "along 2 more lines" in finding.sentence
    wrong = Curvature(np.ones(3), 1.0, 2.0, 1e-9, 1e-9)
    assert [f.kind for f in curvature_findings([*noisy, wrong], None)] == ["wrong"]
    assert curvature_findings([Curvature(np.ones(3), 2.0, 2.0, 1e-9, 1e-9)], None) == []
