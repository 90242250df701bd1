"""The arithmetic of the table: exact where mathematics says so, and wider exactly where something is unknown."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.check.numeric.extrapolation import Samples, Slope, extrapolate
from minigrad.check.numeric.noise import deviation

DEPTH = np.arange(0.0, 44.0)


def samples(f: object, x: float = 0.5, depth: np.ndarray = DEPTH, **known: float) -> Samples:
    h = 2.0 ** -depth[:, None]
    plus, minus, center = f(x + h), f(x - h), f(np.array([x]))  # type: ignore[operator]
    one = {name: np.array([known.get(name, 0.0)]) for name in ("usual", "noise", "argument", "grain")}
    size = np.fmax(np.abs(plus), np.abs(minus))
    return Samples(np.ones(1), depth, plus, minus, center, size, np.abs(center), **one, shift=np.zeros(h.shape))


def test_a_polynomial_is_extrapolated_exactly() -> None:
    """x⁵ has errors in h² and h⁴ alone: a table of order 2 leaves rounding."""
    slope = samples(lambda x: x**5).central()
    assert abs(slope.value[0] - 5 * 0.5**4) <= slope.error[0] <= 1e-13


def test_one_sided_tables_fall_with_h_itself() -> None:
    found = samples(np.exp)
    for side in (found.right(), found.left()):
        assert abs(side.value[0] - np.exp(0.5)) <= side.error[0] <= 1e-9


def test_second_derivative_of_a_cosine() -> None:
    found = samples(np.cos).second()
    assert abs(found.value[0] + np.cos(0.5)) <= found.error[0] <= 1e-8


@pytest.mark.parametrize("term", ["noise", "grain"])
def test_noise_widens_the_bar(term: str) -> None:
    assert samples(np.sin, **{term: 1e-8}).central().error > 1e3 * samples(np.sin).central().error


def test_an_argument_that_is_rounded_alike_widens_the_bar_by_the_curvature() -> None:
    near, far = samples(np.sin, argument=0.5).central(), samples(np.sin, argument=1e6).central()
    expected = 1e6 * 2.0**-53 * np.sin(0.5)
    assert 0.9 * expected < far.error[0] - near.error[0] < 1.1 * expected


def test_a_point_that_rounding_moved_widens_the_bar() -> None:
    found = samples(np.sin)
    moved = Samples(**{**found.__dict__, "shift": np.full(found.plus.shape, 1e-9)})
    assert moved.central().error > 1e-10 > found.central().error


def test_a_spike_that_long_steps_stride_over_is_seen_by_short_ones() -> None:
    slope = samples(lambda x: x + 1e-3 * np.sin(1e4 * (x - 0.5))).central()
    assert abs(slope.value[0] - 11.0) <= slope.error[0]


def test_quantised_values_show_the_size_of_their_steps() -> None:
    jump = samples(lambda x: np.round(np.sin(x), 4), depth=np.arange(0.0, 40.0)).first_jump[0]
    assert 0.9e-4 < jump < 2.1e-4


@pytest.mark.parametrize("x", [-1e-2, -1e-4])
def test_relu_is_not_quantised(x: float) -> None:
    assert samples(lambda x: np.maximum(x, 0), x, np.arange(0.0, 40.0)).first_jump[0] == 0


def test_nan_gives_no_answer_and_no_bar() -> None:
    raw = np.full((8, 1), np.nan)
    slope = extrapolate(raw, raw, 4.0, np.arange(8.0), 0 * raw)
    assert np.isnan(slope.value[0]) and np.isinf(slope.error[0])


def test_the_better_slope_is_that_with_the_smaller_bar() -> None:
    first, second = Slope(np.array([1.0, 2.0]), np.array([0.1, 0.5])), Slope(np.array([3.0, 4.0]), np.full(2, 0.2))
    assert first.better(second).value.tolist() == [1.0, 4.0]


def test_deviation_of_noise_beside_a_smooth_function() -> None:
    rng = np.random.default_rng(0)
    noise = 1e-9 * rng.normal(size=(7, 400))
    found = deviation(np.sin(1 + 1e-3 * np.arange(7.0))[:, None] + noise)
    assert 0.5e-9 < np.median(found) < 2.5e-9


def test_deviation_of_a_smooth_function_is_rounding() -> None:
    assert deviation(np.sin(1 + 1e-3 * np.arange(7.0))[:, None])[0] < 1e-15
