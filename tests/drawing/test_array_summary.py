"""The summary of an array: every cell of a small one, statistics of a large one, and arrays with nan and inf."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.drawing.array_summary import (
    CELLS,
    GRID,
    NOT_FINITE,
    has_cells,
    summarize_gradient,
    summarize_value,
    summary,
)


def test_a_single_number_is_a_line_and_its_last_digit() -> None:
    shown = summarize_value(np.float64(0.1))
    assert shown.lines == ("0.1",) and shown.exact == "0.1" and shown.cells == () == shown.thumbnail
    assert summarize_value(np.array([[2.5]])).exact == "2.5"


@pytest.mark.parametrize("shape", [(2,), (8,), (4, 4), (1, 8), (4, 1), (2, 2, 4), (2, 1, 8)])
def test_a_small_array_is_shown_cell_by_cell_leading_axes_down(shape: tuple[int, ...]) -> None:
    data = np.arange(float(np.prod(shape))).reshape(shape)
    cells = summarize_value(data).cells
    assert [len(row) for row in cells] == [shape[-1]] * (data.size // shape[-1])
    assert [float(x) for row in cells for x in row] == data.ravel().tolist()


@pytest.mark.parametrize("shape", [(9,), (8, 8), (5, 1), (3, 3, 3), (1000,), (3, 6), (784, 256), (17, 17)])
def test_a_larger_one_is_a_heat_map_of_at_most_12_by_12(shape: tuple[int, ...]) -> None:
    shown = summarize_value(np.random.default_rng(0).normal(size=shape))
    assert shown.cells == () and not has_cells(shape)
    assert 1 <= len(shown.thumbnail) <= GRID and 1 <= len(shown.thumbnail[0]) <= GRID
    sizes = [abs(x) for row in shown.thumbnail for x in row]
    assert max(sizes) == 1.0


def test_the_heat_map_has_its_numbers_where_the_array_has_them() -> None:
    data = np.zeros((24, 48))
    data[:2, :4], data[-2:, -4:] = -4.0, 2.0
    shown = summarize_value(data)
    grid = shown.thumbnail
    assert shown.scale == 4.0, "the number of the end colours"
    assert grid[0][0] == -1.0 and grid[-1][-1] == 0.5 and grid[0][1] == 0.0 == grid[1][0]


def test_the_summary_says_minimum_maximum_norm_and_share_of_zeros() -> None:
    data = np.zeros(100)
    data[:2] = 3.0, -4.0
    assert summary(summarize_value(data)) == "-4 .. 3, norm 5, 98% zeros"
    assert summary(summarize_gradient(np.ones(16))) == "1 .. 1, norm 4"
    data[2:] = 1e-9
    data[-1] = 0
    assert summary(summarize_value(data)).endswith("1% zeros"), "one of a hundred is not none"


def test_nan_and_inf_are_marked_and_leave_the_rest_to_be_seen() -> None:
    data = np.ones((12, 12))
    data[0, 0], data[1, 1], data[2, 2] = math.nan, math.inf, -0.5
    shown = summarize_value(data)
    assert shown.thumbnail[0][0] == NOT_FINITE == shown.thumbnail[1][1]
    assert shown.thumbnail[2][2] == -0.5 and shown.thumbnail[5][5] == 1.0
    assert shown.low == -0.5 and shown.high == math.inf and shown.norm is None
    nothing = summarize_value(np.full(20, math.nan))
    assert nothing.low is None is nothing.norm and summary(nothing) == "nan"
    assert summarize_value(np.array([math.nan, 1.0])).cells == (("nan", "1"),)


def test_extreme_numbers_overflow_nowhere() -> None:
    with np.errstate(all="raise"):
        shown = summarize_value(np.full((20, 20), 1e308) * np.where(np.eye(20) > 0, -1, 1))
        assert shown.norm == pytest.approx(2e309 / 100 * 10, rel=1e-9) or shown.norm == math.inf
        assert summarize_value(np.full(20, 5e-324)).thumbnail[0][0] == 1.0


def test_other_types_of_numbers() -> None:
    assert summarize_value(np.array([True, False])).cells == (("True", "False"),)
    assert summarize_value(np.arange(100)).high == 99.0
    assert type(summarize_value(np.ones(9, np.float32)).low) is float
    assert summarize_value((np.ones(2), np.ones(3))).lines == ("2 parts",)
    assert summarize_value(np.zeros((0, 3))).lines == ("empty",)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=4), st.integers(0, 2**32))
def test_any_shape_is_shown_in_one_way(shape: list[int], seed: int) -> None:
    data: Any = np.random.default_rng(seed).normal(size=shape)
    shown = summarize_value(data)
    ways = [bool(shown.exact), bool(shown.cells), bool(shown.thumbnail)]
    assert sum(ways) == 1
    assert not shown.cells or max(len(shown.cells), len(shown.cells[0])) <= CELLS
