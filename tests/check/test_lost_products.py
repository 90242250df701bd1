"""A check that finds minigrad's own gradient lost to 0·inf, nan or an underflow says at which op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import Value, gradient_report
from minigrad.check.lost_products import name_lost_product

CASES: dict[str, tuple[Callable[[Any], Any], Any, str]] = {
    "a pole times 0": (lambda x: np.sqrt(x * x), 0.0, "inf·0 at *"),
    "a power": (lambda x: np.sqrt((x - 3.0) ** 2), 3.0, "inf·0 at **"),
    "0 times a pole": (lambda x: np.tanh(1e3 * np.log(x)), 0.0, "0·inf at log"),
    "missing data": (lambda x: np.sum(np.array([1.0, np.nan]) * x), np.ones(2), "nan in an operand at *"),
    "an underflow": (lambda x: np.sum(np.tanh(x)), np.array([1.0, 800.0]), "underflow at tanh"),
    "nothing": (lambda x: np.sum(np.abs(x) + np.maximum(x, 0)), np.array([-1.0, 0.0, 2.0]), ""),
}


@pytest.mark.parametrize("name", CASES)
def test_the_op_is_named(name: str) -> None:
    f, x, expected = CASES[name]
    with np.errstate(all="ignore"):
        assert name_lost_product(f(Value(x))) == expected


@pytest.mark.parametrize("name", ["a pole times 0", "a power"])
def test_the_report_of_a_gradient_names_it(name: str) -> None:
    f, x, expected = CASES[name]
    with np.errstate(all="ignore"):
        report = gradient_report(f, x)
    assert report.verdict == "disagree" and f"no rule: {expected}" in str(report)
    assert "every rule is right" not in str(report) and "detached" not in str(report)
