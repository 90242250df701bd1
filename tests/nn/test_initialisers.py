"""The numbers that weights start from: their statistics, their bits, and what is refused."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from minigrad import errors, nn
from minigrad.nn.init import NAMES, initial

RANDOM = [name for name in NAMES if name not in {"zeros", "ones"}]
WIDE = (300, 500)  # inputs and outputs differ, so that one cannot be taken for the other


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_gives_the_same_bits_and_another_seed_others(name: str) -> None:
    draw = NAMES[name]
    first, again, generator = draw((4, 3), 7), draw((4, 3), 7), draw((4, 3), np.random.default_rng(7))
    assert first.tobytes() == again.tobytes() == generator.tobytes()
    assert not np.array_equal(first, draw((4, 3), 8))


@pytest.mark.parametrize("name", RANDOM)
def test_without_a_seed_two_draws_differ(name: str) -> None:
    assert not np.array_equal(NAMES[name]((4, 3)), NAMES[name]((4, 3)))


def test_a_generator_moves_on_from_one_parameter_to_the_next() -> None:
    rng = np.random.default_rng(0)
    assert not np.array_equal(nn.init.normal((3, 3), rng), nn.init.normal((3, 3), rng))


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("normal", 1.0),
        ("uniform", 1 / 3),
        ("xavier_normal", 2 / 800),
        ("xavier_uniform", 2 / 800),
        ("glorot_normal", 2 / 800),
        ("glorot_uniform", 2 / 800),
        ("he_normal", 2 / 300),
        ("he_uniform", 2 / 300),
        ("kaiming_normal", 2 / 300),
        ("kaiming_uniform", 2 / 300),
    ],
)
def test_mean_and_variance_are_those_of_the_distribution(name: str, variance: float) -> None:
    numbers = NAMES[name](WIDE, 1)
    # 150,000 draws: five standard errors, 5 √(2/n) of the variance at most and 5 σ/√n of the mean.
    assert numbers.var() == pytest.approx(variance, rel=0.02)
    assert abs(numbers.mean()) < 5 * np.sqrt(variance / numbers.size)


@pytest.mark.parametrize(
    ("name", "bound"),
    [("uniform", 1.0), ("xavier_uniform", np.sqrt(6 / 800)), ("he_uniform", np.sqrt(6 / 300))],
)
def test_a_uniform_draw_fills_its_interval_and_stays_inside(name: str, bound: float) -> None:
    numbers = NAMES[name](WIDE, 2)
    assert 0.999 * bound < np.abs(numbers).max() <= bound
    assert numbers.min() < -0.999 * bound


@pytest.mark.parametrize(
    ("short", "bound", "deviation"),
    [
        ("xavier", np.sqrt(6 / 800), np.sqrt(2 / 800)),
        ("glorot", np.sqrt(6 / 800), np.sqrt(2 / 800)),
        ("he", None, np.sqrt(2 / 300)),
        ("kaiming", None, np.sqrt(2 / 300)),
    ],
)
def test_a_short_name_means_the_distribution_of_its_paper(
    short: str, bound: float | None, deviation: float
) -> None:
    """Glorot and Bengio drew from an interval; He and others from a normal distribution."""
    numbers = NAMES[short](WIDE, 4)
    assert numbers.std() == pytest.approx(deviation, rel=0.01)
    largest = np.abs(numbers).max()
    if bound is None:
        assert largest > 4 * deviation  # a uniform draw ends at √3 deviations
    else:
        assert 0.999 * bound < largest <= bound


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("xavier", "xavier_uniform"),
        ("glorot", "xavier_uniform"),
        ("glorot_uniform", "xavier_uniform"),
        ("glorot_normal", "xavier_normal"),
        ("he", "he_normal"),
        ("kaiming", "he_normal"),
        ("kaiming_normal", "he_normal"),
        ("kaiming_uniform", "he_uniform"),
    ],
)
def test_an_alias_draws_the_same_bits(alias: str, name: str) -> None:
    assert NAMES[alias]((4, 3), 7).tobytes() == NAMES[name]((4, 3), 7).tobytes()
    by_alias, by_name = (nn.MLP((4, 3, 2), init=spec, seed=7).state() for spec in (alias, name))
    assert all(by_alias[k].tobytes() == by_name[k].tobytes() for k in by_name)


@pytest.mark.parametrize("name", ["normal", "xavier_normal", "he_normal"])
def test_a_normal_draw_has_the_tails_of_one(name: str) -> None:
    numbers = NAMES[name](WIDE, 3)
    assert np.mean(np.abs(numbers) > 2 * numbers.std()) == pytest.approx(0.0455, abs=0.003)


@pytest.mark.parametrize("name", [name for name in RANDOM if name not in {"normal", "uniform"}])
def test_xavier_and_he_start_biases_at_zero(name: str) -> None:
    assert NAMES[name]((5,), 0).tolist() == [0.0] * 5


@pytest.mark.parametrize("name", [name for name in RANDOM if name not in {"normal", "uniform"}])
def test_xavier_and_he_name_the_shape_they_cannot_scale(name: str) -> None:
    with pytest.raises(errors.ShapeError, match=r"expects the shape \(inputs, outputs\).*got \(2, 3, 4\)"):
        NAMES[name]((2, 3, 4), 0)


def test_gain_mean_std_low_and_high_do_what_they_say() -> None:
    shape = (40, 40)
    assert np.allclose(nn.init.xavier_normal(shape, 0, gain=3.0), 3 * nn.init.xavier_normal(shape, 0))
    assert np.allclose(nn.init.xavier_uniform(shape, 0, gain=3.0), 3 * nn.init.xavier_uniform(shape, 0))
    assert np.allclose(nn.init.he_normal(shape, 0, gain=3.0), 3 * nn.init.he_normal(shape, 0))
    assert np.allclose(nn.init.he_uniform(shape, 0, gain=3.0), 3 * nn.init.he_uniform(shape, 0))
    assert np.allclose(nn.init.normal(shape, 0, mean=5.0, std=0.5), 5 + 0.5 * nn.init.normal(shape, 0))
    inside = nn.init.uniform(shape, 0, low=2.0, high=3.0)
    assert 2 <= inside.min() < 2.01 and 2.99 < inside.max() < 3


def test_constants() -> None:
    assert nn.init.zeros((2, 3)).tolist() == [[0.0] * 3] * 2
    assert nn.init.ones((2,)).tolist() == [1.0, 1.0]
    assert nn.init.constant((2,), value=0.5).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("start", [float("nan"), float("inf"), -np.inf, np.float64("nan")])
def test_a_constant_that_is_not_finite_is_refused(start: float) -> None:
    with pytest.raises(ValueError, match=r"^W1: cannot start from .*(nan|inf).*\n  expected a finite number$"):
        nn.MLP((2, 1), init=start)
    with pytest.raises(ValueError, match=r"^cannot start from .*(nan|inf).*\n  expected a finite number$"):
        nn.init.constant((2,), value=start)


def test_a_constant_too_large_for_a_float_is_refused_by_the_name_of_its_parameter() -> None:
    with pytest.raises(ValueError, match=r"^W1: "):
        nn.MLP((2, 1), init=10**400)


def test_every_form_of_a_start_is_understood() -> None:
    own: Any = lambda shape, rng: rng.normal(size=shape) / 100  # noqa: E731
    numbers = np.arange(6.0).reshape(2, 3)
    assert np.array_equal(initial("ones", (2, 3)), np.ones((2, 3)))
    assert np.array_equal(initial(0.5, (2, 3)), np.full((2, 3), 0.5))
    assert np.array_equal(initial(float(np.float32(0.5)), (2, 3)), np.full((2, 3), 0.5))
    assert np.array_equal(initial(numbers, (2, 3)), numbers)
    assert np.array_equal(initial(numbers.tolist(), (2, 3)), numbers)
    assert np.array_equal(initial(partial(nn.init.normal, std=2.0), (2, 3), 5), 2 * nn.init.normal((2, 3), 5))
    assert np.array_equal(initial(own, (2, 3), 5), nn.init.normal((2, 3), 5) / 100)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        ValueError, match=r"W1: no initialiser is called 'xaiver'\n  expected one of zeros, .*xavier_normal"
    ):
        nn.MLP((2, 1), init="xaiver")


@pytest.mark.parametrize("start", [np.ones((3, 2)), [[1.0, 2.0, 3.0]], lambda shape, rng: np.ones(3)])
def test_a_wrong_shape_is_answered_with_the_right_one(start: Any) -> None:
    with pytest.raises(errors.ShapeError, match=r"W1: .*wrong shape\n  expected \(2, 3\), got "):
        nn.MLP((2, 3), init=start) if callable(start) else nn.MLP((2, 3), init=[start, 0])


def test_ragged_rows_are_a_shape_error() -> None:
    with pytest.raises(errors.ShapeError, match="W1: its rows have different lengths"):
        nn.MLP((2, 3), init=[[[1.0], [2.0, 3.0]], 0])


@pytest.mark.parametrize("start", [None, True, 1j, np.array(["a"]), {1, 2}])
def test_what_is_no_start_is_refused(start: Any) -> None:
    with pytest.raises(TypeError, match="expected a name, a number, an array, or a function"):
        nn.MLP((2, 3), init=start)
