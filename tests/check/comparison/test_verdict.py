"""Verdicts on single entries: each against its own bar, whatever the scale of its neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad.check.comparison import verdict
from minigrad.check.comparison.verdict import Allowance, Entries, judge
from minigrad.check.numeric.derivative import Point
from minigrad.check.numeric.evaluation import Evaluator
from minigrad.check.numeric.flattening import Layout

NAMES = ["agree", "wrong", "kink", "below_resolution", "unresolved", "jump", "infinite", "nowhere"]


def states(f: Any, x: Any, given: Any, allowance: float = 0.0, groups: Any = None) -> list[str]:
    """The state of each entry of a gradient."""
    x = np.array(x, dtype=float)
    here = Point(f, (x,), Layout((x,)), Evaluator())
    column = np.array(given, dtype=float)[:, None]
    allowed = np.full(column.shape, allowance)
    group = np.zeros(len(x), dtype=int) if groups is None else np.array(groups)
    measured = list(here.slopes().along(range(len(x))))
    verdicts = judge(column, Entries(measured), Allowance(allowed, lambda: allowed), group)
    return [NAMES[state] for state in verdicts.state[:, 0]]


def test_the_names_here_are_those_of_the_states() -> None:
    assert [getattr(verdict, name.upper()) for name in NAMES] == list(range(8))


@pytest.mark.parametrize("scale", [1e-200, 1e-12, 1.0, 1e12, 1e200])
def test_a_verdict_does_not_depend_on_the_scale(scale: float) -> None:
    def f(x: Any) -> Any:
        return scale * (np.sin(x[0]) + x[1] ** 2 + 0 * x[2])

    right = scale * np.array([np.cos(0.7), 3.0, 0.0])
    assert states(f, [0.7, 1.5, 2.0], right) == ["agree"] * 3
    assert states(f, [0.7, 1.5, 2.0], right * [1, 1 + 1e-9, 1]) == ["agree", "wrong", "agree"]
    assert states(f, [0.7, 1.5, 2.0], right + scale * np.array([0, 0, 1e-9])) == ["agree", "agree", "wrong"]


def test_a_small_entry_beside_a_large_one_is_below_resolution_and_not_unresolved() -> None:
    def f(x: Any) -> Any:
        return 1e10 * x[0] + 1e-9 * x[1]

    assert states(f, [0.7, 0.5], [1e10, 1e-9]) == ["agree", "below_resolution"]


def test_arguments_do_not_hide_each_other() -> None:
    """The largest entry is that of the argument, so a weak argument by itself cannot be told."""

    def f(x: Any) -> Any:
        return np.round(1e3 * x[0] + 1e-4 * np.sin(x[1]), 7)

    assert states(f, [0.7, 0.5], [1e3, 1e-4 * np.cos(0.5)], groups=[0, 0])[1] == "below_resolution"
    assert states(f, [0.7, 0.5], [1e3, 1e-4 * np.cos(0.5)], groups=[0, 1])[1] == "unresolved"


@pytest.mark.parametrize("given", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_wrong_where_the_function_is_smooth(given: float) -> None:
    assert states(lambda x: np.sin(x[0]), [0.7], [given]) == ["wrong"]
    assert states(lambda x: 0.0 * x[0], [0.7], [given]) == ["wrong"]


def test_where_nothing_changes_in_a_single_bit_zero_is_right_and_all_else_is_wrong() -> None:
    assert states(lambda x: x[1], [0.7, 0.1], [0.0, 1.0]) == ["agree", "agree"]
    assert states(lambda x: x[1], [0.7, 0.1], [1e-9, 1.0]) == ["wrong", "agree"]


@pytest.mark.parametrize("given", [-1.0, -0.3, 0.0, 1.0])
def test_a_slope_between_those_of_both_sides_is_a_subgradient(given: float) -> None:
    assert states(lambda x: np.abs(x[0]) + x[1], [0.0, 1.0], [given, 1.0]) in (["kink", "agree"], ["agree"] * 2)


@pytest.mark.parametrize("given", [-1.01, 1.0001, 5.0, np.nan, np.inf])
def test_a_slope_outside_of_them_is_wrong(given: float) -> None:
    assert states(lambda x: np.abs(x[0]) + x[1], [0.0, 1.0], [given, 1.0]) == ["wrong", "agree"]


def test_where_there_is_no_slope_it_is_said_why() -> None:
    def f(x: Any) -> Any:
        jump, cusp, alone = (x[0] >= 0) * 1.0, np.cbrt(x[1]), 0.0 if x[2] == 0.5 else np.nan
        return jump + cusp + alone

    assert states(f, [0.0, 0.0, 0.5], [0.0, 1.0, 0.0]) == ["jump", "infinite", "nowhere"]


def test_an_infinite_slope_is_right_where_it_has_the_sign() -> None:
    assert states(lambda x: np.cbrt(x[0]), [0.0], [np.inf]) == ["kink"]
    assert states(lambda x: np.cbrt(x[0]), [0.0], [-np.inf]) == ["infinite"]


def test_the_rounding_of_what_was_given_is_allowed_for() -> None:
    given = [np.cos(0.7) + 1e-6]
    assert states(lambda x: np.sin(x[0]), [0.7], given, allowance=1.1e-6) == ["agree"]
    assert states(lambda x: np.sin(x[0]), [0.7], given, allowance=0.9e-6) == ["wrong"]
