"""One test per row of the table of kinks, in its order: what a derivative is where there is no unique one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import gradients

import minigrad
from minigrad import Value, grad

INF = float("inf")


def gradient(f: Callable[..., Any], *xs: Any, v: Any = None) -> Any:
    """By `backward`, with the checks on mutation and shared memory; and the same by `grad`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        y = f(*map(np.float64, xs))
        v = np.ones(np.shape(y))[()] if v is None else v
        found = gradients([Value(x) for x in xs], f, v)
        for one, other in zip(
            found, grad(f, tuple(range(len(xs))))(*map(np.float64, xs), cotangent=v), strict=True
        ):
            np.testing.assert_array_equal(one, other)
    return found if len(found) > 1 else found[0]


def expect(got: Any, want: Any) -> None:
    """Exactly these numbers, infinities included; nan is never what is wanted here."""
    assert not np.isnan(got).any()
    np.testing.assert_array_equal(got, np.array(want, dtype=float))


# --------------------------------------------------------------------------------- local minima: 0


@pytest.mark.parametrize("f", [np.abs, np.fabs, abs, lambda x: np.hypot(x, 0.0)])
def test_absolute_value_at_zero(f: Callable[[Any], Any]) -> None:
    expect(gradient(f, 0.0), 0)
    expect(gradient(f, np.array([0.0, -0.0, 5e-324, -5e-324])), [0, 0, 1, -1])


@pytest.mark.parametrize("order", [None, 1, 2, 3, 2.5, np.inf, -np.inf])
def test_norm_at_zero(order: Any) -> None:
    expect(gradient(lambda x: np.linalg.norm(x, ord=order), np.zeros(3)), [0, 0, 0])
    rows = gradient(lambda x: np.linalg.norm(x, ord=order, axis=1), np.array([[0.0, 0.0], [0.0, 2.0]]))
    expect(rows[0], [0, 0])


def test_norm_of_a_matrix_at_zero() -> None:
    expect(gradient(lambda x: np.linalg.norm(x, ord="fro"), np.zeros((2, 2))), np.zeros((2, 2)))
    expect(gradient(np.linalg.norm, np.zeros((2, 2))), np.zeros((2, 2)))


@pytest.mark.parametrize("order", [1, 3, 2.5])
def test_norm_where_one_entry_is_zero(order: float) -> None:
    """The entry rests at its own minimum; the others are as ever."""
    expect(gradient(lambda x: np.linalg.norm(x, ord=order), np.array([0.0, -2.0])), [0, -1])


def test_std_where_all_are_equal() -> None:
    expect(gradient(np.std, np.full(3, 2.0)), [0, 0, 0])
    expect(gradient(np.std, np.array([7.0])), [0])
    expect(gradient(lambda x: x.std(axis=0), np.array([[1.0], [1.0]])), [[0], [0]])


def test_hypot_at_the_origin_and_on_the_axes() -> None:
    expect(gradient(np.hypot, 0.0, 0.0), [0, 0])
    expect(gradient(np.hypot, 0.0, -2.0), [0, -1])
    expect(gradient(np.hypot, 3.0, 0.0), [1, 0])


# ----------------------------------------------------------------------------------------- relu: 0


def test_relu_at_zero() -> None:
    expect(gradient(minigrad.relu, 0.0), 0)
    expect(gradient(minigrad.relu, np.array([0.0, -0.0, 5e-324, -5e-324])), [0, 0, 1, 0])


# ----------------------------------------------------------------------------- ties: shared evenly


@pytest.mark.parametrize("f", [np.maximum, np.minimum])
def test_a_tie_of_two_is_shared_evenly(f: Any) -> None:
    expect(gradient(f, 2.0, 2.0), [0.5, 0.5])
    expect(gradient(f, 0.0, -0.0), [0.5, 0.5])
    expect(gradient(lambda x: f(x, 2.0), 2.0), 0.5)
    expect(gradient(lambda x: f(2.0, x), 2.0), 0.5)
    expect(gradient(lambda x: f(x, x), 2.0), 1.0)
    expect(gradient(f, np.array([1.0, 3.0]), 3.0, v=np.array([8.0, 4.0]))[0][1], 2.0)


@pytest.mark.parametrize("f", [np.max, np.min, np.amax, np.amin])
def test_a_tie_of_many_is_shared_evenly(f: Any) -> None:
    expect(gradient(f, np.array([3.0, 3.0, 3.0])), [1 / 3, 1 / 3, 1 / 3])
    winner = 5.0 if f in (np.max, np.amax) else -5.0
    expect(gradient(f, np.array([winner, 0.0, winner, 1.0])), [0.5, 0, 0.5, 0])
    rows = np.array([[winner, winner], [winner, 0.0]])
    expect(gradient(lambda x: f(x, axis=1), rows, v=np.array([2.0, 3.0])), [[1, 1], [3, 0]])
    expect(gradient(lambda x: f(x, axis=(0, 1), keepdims=True), rows), [[1 / 3, 1 / 3], [1 / 3, 0]])


def test_norm_with_a_tie_for_the_largest_size() -> None:
    expect(gradient(lambda x: np.linalg.norm(x, ord=np.inf), np.array([2.0, -2.0, 1.0])), [0.5, -0.5, 0])


@pytest.mark.parametrize(("f", "entries"), [(np.max, [2.0, 1.0]), (np.min, [2.0, 3.0])])
def test_an_initial_value_shares_a_tie_by_halves(f: Any, entries: list[float]) -> None:
    for_x, for_initial = gradient(lambda x, c: f(x, initial=c), np.array(entries), 2.0)
    expect(for_x, [0.5, 0])
    expect(for_initial, 0.5)


# ------------------------------------------------------------------------------------ sort: places


def test_of_equal_entries_the_first_is_the_distinct_one() -> None:
    x = np.array([2.0, 1.0, 2.0, 1.0])
    expect(gradient(np.unique, x, v=np.array([10.0, 20.0])), [20, 10, 0, 0])


def test_a_quantile_at_an_entry_has_the_slope_to_its_right() -> None:
    x = np.array([0.0, 1.0, 3.0])
    for q, slope in ((0.0, 2.0), (0.5, 4.0), (1.0, 4.0)):
        expect(gradient(lambda q: np.quantile(x, q), q), slope)
        expect(gradient(lambda q: np.nanpercentile(x, 100 * q), q), slope)


def test_sort_with_ties_follows_the_places() -> None:
    """Sorted stably, [2, 1, 2, 1] comes from the places 1, 3, 0, 2."""
    x, v = np.array([2.0, 1.0, 2.0, 1.0]), np.array([10.0, 20.0, 30.0, 40.0])
    expect(gradient(np.sort, x, v=v), [30, 10, 40, 20])
    expect(gradient(lambda x: np.sort(x, axis=0, kind="quicksort"), x, v=v), [30, 10, 40, 20])
    square = gradient(lambda x: np.sort(x, axis=None), x.reshape(2, 2), v=v)
    expect(square, [[30, 10], [40, 20]])
    many = np.zeros(50)  # more than an insertion sort would leave in order by chance
    expect(gradient(np.sort, many, v=np.arange(50.0)), np.arange(50.0))


# ------------------------------------------------------------------------------------ clip: passes


def test_clip_passes_the_gradient_at_its_bounds() -> None:
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    expect(gradient(lambda x: np.clip(x, -1.0, 1.0), x), [0, 1, 1, 1, 0])
    expect(gradient(lambda x: x.clip(-1.0, 1.0), x), [0, 1, 1, 1, 0])
    expect(gradient(lambda x: np.clip(x, None, 1.0), x), [1, 1, 1, 1, 0])
    expect(gradient(lambda x: np.clip(x, -1.0, None), x), [0, 1, 1, 1, 1])
    expect(gradient(lambda x: np.clip(x, min=-1.0, max=1.0), x), [0, 1, 1, 1, 0])


def test_clip_gives_a_bound_what_it_holds_back() -> None:
    """In one place alone: at a bound it is x that gets it; where the bounds cross, the upper one."""
    x, v = np.array([-2.0, -1.0, 0.5, 1.0, 2.0]), np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    for_x, for_low, for_high = gradient(np.clip, x, -1.0, 1.0, v=v)
    expect(for_x, [0, 2, 4, 8, 0])
    expect(for_low, 1)
    expect(for_high, 16)
    expect(gradient(np.clip, 2.0, 2.0, 2.0), [1, 0, 0])
    expect(gradient(np.clip, 0.0, 3.0, -3.0), [0, 0, 1])


# ------------------------------------------------------------------------------------ limits: inf


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (np.sqrt, 0.0, INF),
        (np.sqrt, -0.0, INF),
        (np.cbrt, 0.0, INF),
        (np.cbrt, -0.0, INF),
        (np.log, 0.0, INF),
        (np.log2, 0.0, INF),
        (np.log10, 0.0, INF),
        (np.log1p, -1.0, INF),
        (np.arcsin, 1.0, INF),
        (np.arcsin, -1.0, INF),
        (np.arccos, 1.0, -INF),
        (np.arccos, -1.0, -INF),
        (np.arccosh, 1.0, INF),
        (np.arctanh, 1.0, INF),
        (np.arctanh, -1.0, INF),
        (np.reciprocal, 0.0, -INF),
    ],
)
def test_an_infinite_slope_is_infinite(f: Any, x: float, slope: float) -> None:
    expect(gradient(f, x), slope)
    expect(gradient(f, np.array([x, x]), v=np.array([2.0, -3.0])), [slope, -slope])


@pytest.mark.parametrize(
    ("f", "x", "second"),
    [
        (np.sqrt, 0.0, -INF),
        (np.cbrt, 0.0, -INF),
        (np.cbrt, -0.0, INF),
        (np.log, 0.0, -INF),
        (np.log1p, -1.0, -INF),
        (np.reciprocal, 0.0, INF),
        (np.reciprocal, -0.0, -INF),
        (np.arcsin, 1.0, INF),
        (np.arcsin, -1.0, -INF),
        (np.arccos, 1.0, -INF),
        (np.arccos, -1.0, INF),
        (np.arccosh, 1.0, -INF),
        (np.arctanh, 1.0, INF),
        (np.arctanh, -1.0, -INF),
        (lambda x: x**0.5, 0.0, -INF),
        (lambda x: x**1.5, 0.0, INF),
        (lambda x: x**2.5, 0.0, 0.0),
    ],
)
def test_where_a_slope_is_infinite_the_second_derivative_is_the_limit(f: Any, x: float, second: float) -> None:
    with np.errstate(divide="ignore"):  # of the value itself
        expect(grad(grad(f))(x), second)


def test_division_by_a_plain_zero_has_an_infinite_slope() -> None:
    """Python's own numbers raise where NumPy's give inf."""
    with np.errstate(divide="ignore"):
        for zero in (0.0, 0, np.float64(0.0), np.zeros(())):
            expect(grad(lambda x, zero=zero: x / zero)(1.0), INF)


@pytest.mark.parametrize(
    ("p", "slope"),
    [
        (0.5, INF),
        (1 / 3, INF),
        (0.0, 0),
        (1.0, 1),
        (1.5, 0),
        (2.0, 0),
        (3, 0),
        (1, 1),
        (0, 0),
        (-1.0, -INF),
        (-2.0, -INF),
    ],
)
def test_a_power_at_zero_has_the_slope_of_its_limit(p: Any, slope: float) -> None:
    for power in (lambda x: x**p, lambda x: np.power(x, p), lambda x: np.float_power(x, np.array(p))):
        expect(gradient(power, 0.0), slope)
    expect(gradient(lambda x: x ** np.full(2, p), np.zeros(2)), [slope, slope])
    expect(gradient(lambda x, p: x**p, 0.0, float(p))[0], slope)


# --------------------------------------------------------------------- powers of negative numbers


def test_the_exponent_of_a_negative_number_gets_nothing() -> None:
    for_x, for_p = gradient(np.power, np.array([-2.0, 2.0]), np.array([3.0, 3.0]))
    expect(for_x, [12, 12])
    np.testing.assert_allclose(for_p, [0, 8 * np.log(2)], rtol=1e-15)
    assert for_p[0] == 0


def test_the_exponent_of_zero_gets_the_limit() -> None:
    """0ᵖ is 0 for all p > 0, so its slope in p is 0; at p = 0, where it jumps down, and below it is -inf."""
    for p, slope, in_p in ((2.0, 0, 0), (1.0, 1, 0), (0.5, INF, 0), (0.0, 0, -INF), (-1.0, -INF, -INF)):
        expect(gradient(np.power, 0.0, p), [slope, in_p])
    with np.errstate(divide="ignore"):
        assert minigrad.grad(lambda x: x**x)(0.0) == -INF


# -------------------------------------------------------------------------------------- arctan2


def test_arctan2_at_the_origin() -> None:
    expect(gradient(np.arctan2, 0.0, 0.0), [0, 0])
    expect(gradient(np.arctan2, np.array([0.0, 1.0]), np.array([0.0, 0.0])), [[0, 0], [0, -1]])


def test_arctan2_close_to_the_origin_and_far_from_it() -> None:
    """a² + b² would vanish, or overflow."""
    for size in (1e-200, 1e200):
        np.testing.assert_allclose(gradient(np.arctan2, size, size), [0.5 / size, -0.5 / size], rtol=1e-15)


# ------------------------------------------------------------------------------ where, and 0 · inf


def test_where_gives_nothing_to_the_branch_not_taken() -> None:
    condition = np.array([True, False])
    expect(gradient(lambda a, b: np.where(condition, a, b), np.ones(2), np.ones(2)), [[1, 0], [0, 1]])


def test_where_gives_nothing_to_its_condition() -> None:
    expect(gradient(lambda x: np.where(x, 2.0 * x, 0.0), np.array([0.0, 3.0])), [0, 2])
    expect(gradient(lambda x: np.where(x > 1, 5.0, 7.0), np.array([0.0, 3.0])), [0, 0])


def test_where_shields_a_logarithm() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    expect(gradient(lambda x: np.where(x > 0, np.log(x), 0), x), [0, 0, 0.5])
    for entry, slope in zip(x, [0, 0, 0.5], strict=True):
        expect(gradient(lambda x: np.where(x > 0, np.log(x), 0), entry), slope)


SINGULAR: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    # the function, a point where its slope is infinite or not defined, and one where all is well
    "sqrt": (np.sqrt, 0.0, 4.0),
    "sqrt below 0": (np.sqrt, -1.0, 4.0),
    "cbrt": (np.cbrt, 0.0, 8.0),
    "log": (np.log, 0.0, 2.0),
    "log2": (np.log2, 0.0, 2.0),
    "log10": (np.log10, 0.0, 2.0),
    "log1p": (np.log1p, -1.0, 2.0),
    "reciprocal": (np.reciprocal, 0.0, 2.0),
    "1 / x": (lambda x: 1 / x, 0.0, 2.0),
    "x ** 0.5": (lambda x: x**0.5, 0.0, 4.0),
    "x ** -1": (lambda x: x**-1.0, 0.0, 4.0),
    "x ** p": (lambda x: x ** np.array(0.5), 0.0, 4.0),
    "p of 0 ** p": (lambda p: np.float64(0.0) ** p, -1.0, 2.0),
    "arcsin": (np.arcsin, 1.0, 0.5),
    "arccos": (np.arccos, -1.0, 0.5),
    "arccosh": (np.arccosh, 1.0, 2.0),
    "arctanh": (np.arctanh, -1.0, 0.5),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_zero_times_an_infinite_slope_is_zero(name: str) -> None:
    """In an array beside an entry where all is well, as a scalar, and by `np.where`."""
    f, at, well = SINGULAR[name]
    alone = gradient(f, well)
    expect(gradient(f, np.array([at, well]), v=np.array([0.0, 1.0])), [0, alone])
    expect(gradient(f, at, v=0.0), 0)
    expect(gradient(lambda x: np.where(x != at, f(x), 0), np.array([at, well])), [0, alone])


@pytest.mark.parametrize("name", SINGULAR)
def test_a_shielded_singular_point_does_not_spoil_second_derivatives(name: str) -> None:
    """The second derivative at the point where all is well, and 0 at the shielded one."""
    f, at, well = SINGULAR[name]

    def slope(x: Any) -> Any:
        return np.sum(grad(lambda x: np.sum(np.where(x != at, f(x), 0)))(x))

    with np.errstate(divide="ignore", invalid="ignore"):
        alone = grad(grad(f))(well)
        both = grad(slope)(np.array([at, well]))
    assert np.isfinite(alone)
    np.testing.assert_allclose(both, [0, alone], rtol=1e-13)


def test_prod_that_overflows_without_an_entry() -> None:
    x = np.array([0.0, 1e200, 1e200])
    with np.errstate(over="ignore"):
        expect(gradient(np.prod, x), [INF, 0, 0])


def test_prod_with_zeros() -> None:
    expect(gradient(np.prod, np.array([0.0, 2.0, 3.0])), [6, 0, 0])
    expect(gradient(np.prod, np.array([0.0, 0.0, 3.0])), [0, 0, 0])


def test_an_infinite_value_times_zero_is_not_covered() -> None:
    """The page says so: the slope of sqrt is infinite at 0, and meets 2x = 0 outside of it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        assert np.isnan(grad(lambda x: np.sqrt(x * x))(0.0))


# ------------------------------------------------------------------------------------- 0 · ln 0


def test_zero_times_the_logarithm_of_zero() -> None:
    expect(gradient(minigrad.xlogy, 0.0, 0.0), [-INF, 0])
    expect(gradient(minigrad.xlog1py, 0.0, -1.0), [-INF, 0])
    expect(gradient(minigrad.rel_entr, 0.0, 0.5), [-INF, 0])
    expect(gradient(minigrad.kl_div, 0.0, 0.5), [-INF, 1])
    expect(gradient(minigrad.entr, np.array([0.0, 1.0])), [INF, -1])


# -------------------------------------------------------------------------------------- jumps: 0


@pytest.mark.parametrize(
    "f",
    [
        np.floor,
        np.ceil,
        np.trunc,
        np.rint,
        np.round,
        np.sign,
        lambda x: x // 1.0,
        lambda x: (x > 1) * 1.0,
        np.argmax,
    ],
)
def test_jumps_have_no_gradient(f: Callable[[Any], Any]) -> None:
    x = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 1.5])
    expect(grad(lambda x: np.sum(f(x) + 0.0 * x))(x), np.zeros(6))
    expect(grad(lambda x: np.sum(f(x) * x))(x), np.broadcast_to(f(x), x.shape))


def test_remainder_at_its_jumps() -> None:
    """The slope of the piece that begins there."""
    expect(gradient(np.remainder, 6.0, 3.0), [1, -2])
    expect(gradient(lambda x: x % 1.0, np.array([-1.0, 0.0, 2.5])), [1, 1, 1])


# ---------------------------------------------------------- every op, at the ends of its domain


def test_put_keeps_the_last_of_two_writes() -> None:
    """... and so it alone gets the gradient."""
    x, index, v = np.zeros(3), np.array([1, 1, 0]), np.array([1.0, 2.0, 4.0])
    expect(gradient(lambda x, new: minigrad.put(x, index, new), x, np.ones(3), v=v)[1], [0, 2, 1])
    expect(gradient(lambda x, new: minigrad.put(x, index, new), x, np.ones(3), v=v)[0], [0, 0, 4])


def test_put_of_values_with_more_axes_than_their_place() -> None:
    """NumPy leaves out leading axes of length 1: x[0:2] = [[5, 6]]."""
    v = np.array([1.0, 2.0, 4.0])
    got = gradient(lambda x, new: minigrad.put(x, slice(0, 2), new), np.zeros(3), np.ones((1, 2)), v=v)
    expect(got[0], [0, 0, 4])
    expect(got[1], [[1, 2]])


@pytest.mark.parametrize(("a", "b"), [(0.0, 5e-324), (-3.0, 5e-324), (-3.0, -1e-320)])
def test_remainder_by_a_tiny_number(a: float, b: float) -> None:
    """⌊a / b⌋ may overflow; then it is 0 · inf for a cotangent of 0."""
    with np.errstate(over="ignore"):
        assert not np.isnan(gradient(np.remainder, a, b, v=0.0)).any()
