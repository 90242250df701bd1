"""A derivative in the type that was given: wrong there alone is wrong, and rounding is none of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from check import zoo
from check.zoo.case import Case
from everyday import thinned

import minigrad
from minigrad import gradient_report
from minigrad.check.comparison import given_precision
from minigrad.engine.tree import tree_map

X = np.random.default_rng(0).normal(size=5).astype(np.float32)


def cast(tree: Any, dtype: Any = np.float32) -> Any:
    """A nesting with all double numbers in another type."""

    def one(leaf: Any, _: str) -> Any:
        double = isinstance(leaf, (np.ndarray, np.float64)) and leaf.dtype == np.float64
        return np.asarray(leaf).astype(dtype)[()] if double else leaf

    return tree_map(one, tree)


def kinds(report: minigrad.check.diagnosis.report.Report) -> set[str]:
    return {finding.kind for finding in report.findings}


@pytest.mark.parametrize("case", thinned(zoo.RIGHT, 3), ids=lambda case: case.name)
def test_a_right_derivative_in_single_numbers_raises_no_alarm(case: Case) -> None:
    f, args, given = case.fresh()
    with np.errstate(over="ignore"):
        report = gradient_report(f, cast(args), **given)
    assert report.verdict != "disagree", report
    assert report.ok or report.verdict in case.verdicts or "not finite" in kinds(report), report


@pytest.mark.parametrize("case", thinned(zoo.MISTAKES, 6), ids=lambda case: case.name)
def test_a_wrong_derivative_in_single_numbers_is_wrong(case: Case) -> None:
    f, args, given = case.fresh()
    report = gradient_report(f, cast(args), **given)
    single = case.kinds == {"dtype"} and "in single precision" in case.name  # right, of single numbers
    assert report.verdict == ("agree" if single else "disagree"), report
    assert single or case.deep or kinds(report) & case.kinds, report


def test_a_branch_that_is_wrong_in_single_numbers_alone_is_seen() -> None:
    report = gradient_report(np.sin, X, vjp=lambda g, x: g * (np.cos(x) if x.dtype == np.float64 else np.sin(x)))
    assert report.verdict == "disagree" and kinds(report) == {"precision"}, report
    assert "right in float64, wrong in float32: in 5 of 5 entries" in str(report)


def test_an_overflow_in_single_numbers_is_seen_where_the_function_has_none() -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.logaddexp(0, -x))

    x = np.array([-100, 1, 2], np.float32)
    report = gradient_report(loss, x, grad=lambda x: -np.exp(-x) / (1 + np.exp(-x)))
    (finding,) = report.findings
    assert report.verdict == "disagree" and finding.kind == "nan" and finding.index == (0,), report
    assert gradient_report(loss, x, grad=lambda x: -1 / (1 + np.exp(x))).ok


def test_a_report_has_a_line_for_each_type() -> None:
    report = gradient_report(np.sin, X, vjp=lambda g, x: g * np.cos(x))
    assert report.ok and report.precision is not None
    assert report.precision.name == "float32" and 0 < report.precision.largest < report.precision.power < 1e-4
    assert "\n  in float64: largest" in str(report) and "\n  in float32: largest" in str(report)
    alone = gradient_report(np.sin, X.astype(float), vjp=lambda g, x: g * np.cos(x))
    assert alone.precision is None and "float64" not in str(alone)


def test_numbers_too_small_for_a_type_are_not_compared_there() -> None:
    report = gradient_report(lambda x: 1e-100 * np.sum(np.sin(x)), X, grad=lambda x: 1e-100 * np.cos(x))
    assert report.verdict != "disagree" and "in float32: the numbers are too small to compare" in str(report), (
        report
    )


WAYS: dict[str, Callable[..., Any]] = {
    "grad": lambda x: np.cos(x),
    "vjp": lambda g, x: g * np.cos(x),
    "jvp": lambda args, ts: np.cos(args[0]) * ts[0],
    "jac": lambda x: np.diag(np.cos(x)),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_form_of_a_derivative_is_asked_in_the_given_type(way: str) -> None:
    right = WAYS[way]

    def wrong(*inputs: Any) -> Any:
        x = inputs[0][0] if way == "jvp" else inputs[-1]
        return right(*inputs) * (1 if x.dtype == np.float64 else np.float32(1.01))

    f = (lambda x: np.sum(np.sin(x))) if way == "grad" else np.sin
    assert gradient_report(f, X, **{way: right}).ok  # type: ignore[arg-type]
    report = gradient_report(f, X, **{way: wrong})  # type: ignore[arg-type]
    assert report.verdict == "disagree" and "precision" in kinds(report), report


def test_the_second_of_two_arguments_is_named() -> None:
    report = gradient_report(
        lambda a, b: np.sum(a * b), (X, X[::-1]), grad=lambda a, b: (b, a if a.dtype == np.float64 else a + 1)
    )
    assert [(f.kind, f.path) for f in report.findings] == [("precision", "b")], report


def test_where_terms_cancel_the_rounding_of_single_numbers_is_measured() -> None:
    def softmax(x: Any) -> Any:
        e = np.exp(x - np.max(x))
        return e / np.sum(e)

    def back(g: Any, x: Any) -> Any:
        return softmax(x) * (g - np.sum(g * softmax(x)))

    for top in range(4, 16, 2):
        x = np.array([top, 0, -1], np.float32)
        assert gradient_report(softmax, x, vjp=back).verdict != "disagree"


def test_a_function_that_differs_itself_is_not_held_against_its_derivative() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.sin(x) if x.dtype == np.float64 else 2 * np.sin(x))

    report = gradient_report(f, X, grad=lambda x: np.cos(x) if x.dtype == np.float64 else 2 * np.cos(x))
    assert report.verdict == "unresolved" and "the function itself gives" in str(report), report


def test_a_function_without_a_value_in_its_type_is_said() -> None:
    report = gradient_report(lambda x: np.sum(np.exp(x)), np.float32([100.0]), grad=np.exp)
    assert report.verdict == "unresolved" and "in float32 the function is inf" in str(report), report


def test_a_gradient_too_large_for_its_type_is_no_mistake() -> None:
    x = np.float16([0.001, 0.5])
    assert gradient_report(lambda x: np.sum(np.sqrt(x)), x, grad=lambda x: 0.5 / np.sqrt(x)).verdict != "disagree"
    report = gradient_report(lambda x: np.sum(-1e-3 / x), np.float16([1e-4]), grad=lambda x: 1e-3 / x**2)
    assert report.verdict != "disagree", report


def test_own_derivatives_are_asked_in_the_given_type_too() -> None:
    report = minigrad.check_grads(lambda x: np.sum(np.tanh(x) ** 2), X)
    assert report.precision is not None and report.precision.name == "float32"


def test_without_the_second_look_the_mistakes_would_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests are worth."""
    monkeypatch.setattr(given_precision, "_unit", lambda given: 1.0)
    report = gradient_report(np.sin, X, vjp=lambda g, x: g * (np.cos(x) if x.dtype == np.float64 else np.sin(x)))
    assert report.ok
