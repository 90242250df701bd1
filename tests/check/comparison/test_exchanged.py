"""A jvp or a vjp that takes its arguments in another order than it is called with."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import gradient_report

A, B = np.array([0.3, -0.7]), np.array([0.5, 1.1])
M = np.random.default_rng(2).normal(size=(3, 2))


def swapped(report: Any) -> bool:
    return [finding.kind for finding in report.findings] == ["swapped"] and "when called with" in str(report)


def test_it_is_named() -> None:
    assert swapped(gradient_report(np.sin, A, jvp=lambda ts, xs: np.cos(xs[0]) * ts[0]))
    assert swapped(gradient_report(np.sin, A, vjp=lambda x, g: g * np.cos(x)))
    assert swapped(gradient_report(lambda a, b: a * a * b, (A, B), vjp=lambda a, b, g: (2 * g * a * b, g * a * a)))


def test_it_is_named_where_the_call_raises() -> None:
    report = gradient_report(lambda x: np.tanh(M @ x), A, vjp=lambda x, g: M.T @ (g * (1 - np.tanh(M @ x) ** 2)))
    assert swapped(report), report


def test_what_is_wrong_in_both_orders_is_named_otherwise() -> None:
    for wrong in (lambda ts, xs: np.sin(xs[0]) * ts[0], lambda xs, ts: np.cos(xs[0]) * np.abs(ts[0])):
        report = gradient_report(np.sin, A, jvp=wrong)
        kinds = {finding.kind for finding in report.findings}
        assert "nonlinear" in kinds and "swapped" not in kinds


def test_an_error_in_both_orders_is_told_as_such() -> None:
    def broken(*args: Any) -> Any:
        raise ValueError("no such layer")

    assert [finding.kind for finding in gradient_report(np.sin, A, vjp=broken).findings] == ["raised"]
