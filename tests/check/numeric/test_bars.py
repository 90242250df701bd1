"""Error bars contain the truth at all magnitudes, or there is none; steps of a staircase are told.

A slice of `python -m tests.bench.bars`, which has 10⁵ points.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from check.scalars.truths import FUNCTIONS, Bar, Function
from mpmath import mp

import minigrad

EACH = 10


def bars(function: Function) -> list[Bar]:
    return [Bar(function, x, minigrad.derivative(function.f, x), function.truth(x)) for x in function.points(EACH)]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_bars_contain_the_truth_and_most_are_narrow(function: Function) -> None:
    seen = bars(function)
    assert not [str(bar) for bar in seen if bar.known and not bar.holds]
    usual = [bar.width for bar in seen if 1e-3 <= abs(bar.x) <= 5]
    assert len(usual) < 2 or np.median(usual) < 1e-6


def test_the_slopes_beside_them_are_those_of_the_functions() -> None:
    """By a difference in 80 digits, of the same formula in mpmath."""
    formulas = {"sin": mp.sin, "erfc": mp.erfc, "lgamma": mp.loggamma, "log1p": lambda x: mp.log(1 + x)}
    for function in FUNCTIONS:
        if function.name in formulas:
            formula = formulas[function.name]
            with mp.workdps(80):
                h, x = mp.mpf(10) ** -30, mp.mpf(0.75)
                slope = (formula(x + h) - formula(x - h)) / (2 * h)
                assert abs(slope - function.truth(0.75)) < mp.mpf(10) ** -45


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (np.log, 1e-280, 1e280),
        (np.log, 1e-300, 1e300),
        (math.lgamma, 1e-85, -1e85),
        (np.cbrt, 1e-277, 1e-277 ** (-2 / 3) / 3),
        (np.expm1, -40.0, np.exp(-40.0)),
        (np.tanh, 25.0, 1 / np.cosh(25.0) ** 2),
        (lambda x: 1 / (1 + np.exp(-x)), 40.0, np.exp(-40.0)),
        (lambda x: x**1.5, 1e-242, 1.5e-121),
        (np.log1p, -1 + 2.0**-52, 2.0**52),
        (np.cos, 1.7495681414843784e53, -np.sin(1.7495681414843784e53)),
        (lambda x: np.exp(np.sin(x)), 1.9617387780671533e286, 0.9659906821686159),
        (lambda x: np.sin(x) / x, 4.966903224632077e239, 1.9912172367091703e-240),
        (lambda x: np.log(np.cosh(x)), -0.00833473045458795, np.tanh(-0.00833473045458795)),
    ],
)
def test_points_that_once_had_an_untrue_bar(f: Callable[[Any], Any], x: float, slope: float) -> None:
    found = minigrad.derivative(f, x)
    assert not abs(found.value - slope) > found.error + 1e-15 * abs(slope), found


def test_log_near_0_is_known_and_its_gradient_agrees() -> None:
    assert minigrad.derivative(np.log, 1e-280).error < 1e-9 * 1e280
    assert minigrad.gradient_report(np.log, 1e-280, grad=lambda x: 1 / x).verdict == "agree"
    assert minigrad.gradient_report(np.log, 1e-280, grad=lambda x: 1.01 / x).verdict == "disagree"


# ------------------------------------------------------------------------------------------------- staircases


def stairs(width: float) -> Callable[[Any], Any]:
    return lambda x: np.floor(x / width) * width


@pytest.mark.parametrize(("width", "x"), [(1e-3, 0.1234), (1e-3, 0.5678), (1e-3, 5.1234), (1e-2, 0.777)])
@pytest.mark.parametrize("claimed", [0.0, 1.0])
def test_wide_steps_are_told_and_nothing_is_decided(width: float, x: float, claimed: float) -> None:
    found = minigrad.derivative(stairs(width), x)
    assert np.isinf(found.error) and found.note == f"steps of {width:g} found" and found.note in str(found)
    report = minigrad.gradient_report(stairs(width), x, grad=lambda x: claimed + 0 * x)
    assert report.verdict == "unresolved", report
    assert f"steps of {width:g} found" in report.findings[0].sentence


def bfloat16(x: float) -> float:
    bits = np.array([x], dtype=np.float32).view(np.uint32)
    return float((bits + 0x8000 & 0xFFFF0000).astype(np.uint32).view(np.float32)[0])


@pytest.mark.parametrize("rounded", [np.float32, np.float16, bfloat16, lambda x: np.round(x, 6)])
@pytest.mark.parametrize("x", [0.3, 0.777, 1.9])
def test_steps_that_a_type_of_float_explains_are_noise(rounded: Callable[[Any], Any], x: float) -> None:
    found = minigrad.derivative(lambda x: float(rounded(np.sin(x))), x)
    assert not found.note and abs(found.value - np.cos(x)) <= found.error < 0.1


@pytest.mark.parametrize(("f", "x"), [(np.floor, 2.5), (np.sign, 0.3), (lambda x: 2.5 * np.floor(x), 0.5)])
def test_steps_as_large_as_the_values_are_the_function(f: Callable[[Any], Any], x: float) -> None:
    found = minigrad.derivative(f, x)
    assert not found.note and found.value == 0 and found.error < 1e-12
