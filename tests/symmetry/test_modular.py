"""Residues: exact sums and products modulo four primes, and numbers of every type by their value."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import ties
from minigrad.symmetry.classes import number_rows, number_values, renumber
from minigrad.symmetry.modular import (
    BELOW,
    DEGREE,
    HEIGHT,
    Fingerprint,
    add,
    bilinear_product,
    from_constant,
    matrix_product,
    multiply,
    subtract,
    symbols,
)
from minigrad.symmetry.residues import LANES, PRIMES, inverse_residues, modulo, negate, product, whole

LARGE = st.integers(-(2**62), 2**62)


def test_the_primes_are_prime_and_different() -> None:
    assert len(set(PRIMES)) == LANES
    for p in PRIMES:
        assert all(pow(base, p - 1, p) == 1 for base in (2, 3, 5, 7)) and p > 2**30.9
        assert all(p % k for k in range(2, 50_000))


@given(st.lists(LARGE, min_size=1, max_size=8))
def test_residues_are_those_of_whole_numbers(numbers: list[int]) -> None:
    x = np.array([numbers] * LANES, dtype=np.int64)
    expected = np.array([[n % p for n in numbers] for p in PRIMES])
    assert (modulo(x.copy()) == expected).all()
    assert (modulo(np.asfortranarray(x)) == expected).all()
    assert (modulo(negate(modulo(x.copy())) + expected) == 0).all()
    assert all(whole(n).tolist() == expected[:, k].tolist() for k, n in enumerate(numbers))


@pytest.mark.parametrize("number", [1, 2, 3, 1000, -7])
def test_a_reciprocal_times_its_number_is_one(number: int) -> None:
    assert (modulo(inverse_residues(number) * whole(number)) == 1).all()


@pytest.mark.parametrize("terms", [1, 15, 31, 33, 600, 700, 4000, 5000, 33_000])
@pytest.mark.parametrize("wide", [False, True])
def test_products_are_exact_for_sums_of_any_length(terms: int, wide: bool) -> None:
    """Residues as large as they can be, where a sum that is rounded anywhere gives another residue."""
    rng = np.random.default_rng(terms)
    highest = np.array(PRIMES)[:, None, None] - 1
    x = highest - rng.integers(0, 3, (LANES, 2 + 3 * wide, terms))
    y = highest - rng.integers(0, 3, (LANES, terms, 3))
    expected = [
        [[sum(map(operator.mul, row, column)) % p for column in b.T.tolist()] for row in a.tolist()]
        for a, b, p in zip(x, y, PRIMES, strict=True)
    ]
    assert product(np.matmul, x, y, terms).tolist() == expected


@given(st.integers(0, 2**62), st.integers(0, 2**16))
def test_sums_and_products_of_whole_numbers_keep_to_the_bounds(size: int, seed: int) -> None:
    """Bounds hold before a step is taken: no coefficient is ever as large as a prime."""
    rng = np.random.default_rng(seed)
    p = from_constant(rng.integers(-1024, 1025, 4))
    for step in (add, multiply, subtract, multiply, multiply, add):
        p = step(p, from_constant(rng.integers(-1024, 1025, 4)))
        assert p.degree <= DEGREE and p.height <= HEIGHT and p.below <= BELOW


def test_coefficients_that_differ_by_a_multiple_of_a_prime_do_not_tie() -> None:
    """2048 · 1024² = 1 + (2³¹ - 1): the gradients are 2³² and 2."""
    X = np.zeros((2049, 2))
    X[:2048, 0], X[2048, 1] = 1024, 1

    def loss(w: Any, X: Any) -> Any:
        return np.sum((X @ w) ** 2)

    assert mg.grad(loss)(np.ones(2), X).tolist() == [2.0**32, 2.0]
    assert ties(loss, np.ones(2), X).independent == 2


@pytest.mark.parametrize("step", [lambda p: multiply(p, p), lambda p: add(p, p)])
@pytest.mark.parametrize("prime", PRIMES)
def test_no_number_is_0_that_is_not(step: Callable[[Fingerprint], Fingerprint], prime: int) -> None:
    """A multiple of one prime is 0 in one lane only."""
    p = from_constant(np.array([prime, 2 * prime], dtype=np.int64))
    assert step(p).x.any(axis=0).all()


NUMBERS = [3, 5000, 2**24 + 1, 2**53 + 1, 2**62 + 1, -(2**62) - 1, 0.5, 1.5, 0.1, 1e300, -0.0, 7.25, 1023.875]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_one_whatever_its_type(number: Any) -> None:
    expected = from_constant(np.array([number]))
    for kind in (np.int64, np.float64, np.longdouble, np.float32, np.float16, np.uint64, np.int16):
        with np.errstate(all="ignore"):
            try:
                same = type(number)(kind(number)) == number
            except OverflowError:
                continue
        if same:
            found = from_constant(np.array([number], dtype=kind))
            assert (found.x == expected.x).all(), kind
            assert found.below == expected.below


@pytest.mark.skipif(
    np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps, reason="longdouble is float64 on this platform"
)
def test_the_last_digits_of_a_longdouble_count() -> None:
    one = np.longdouble(1)
    pair = np.array([one, one + np.finfo(np.longdouble).eps])
    x = from_constant(pair * np.longdouble("1.1")).x
    assert (x[:, 0] != x[:, 1]).any()

    def loss(w: Any, d: Any) -> Any:
        return np.sum(w * d)

    assert ties(loss, np.ones(2), pair).independent == 2
    assert ties(loss, np.ones(2), pair[[0, 0]]).independent == 1
    assert ties(loss, pair, np.ones(2)).independent == 2


@pytest.mark.parametrize("numbers", [[1.5, 2.5, 2.0, 0.0], [0.125, -7.375, 3.0], [0.25]])
def test_halves_quarters_and_eighths_are_exact(numbers: list[float]) -> None:
    p = from_constant(np.array(numbers))
    assert p.degree == 0
    eight = from_constant(8)
    assert (multiply(p, eight).x == from_constant(np.array(numbers) * 8).x).all()


def test_data_in_halves_tie_as_their_doubles_do() -> None:
    def loss(w: Any, X: Any) -> Any:
        return np.sum((X * w)[0] ** 2 + (X * w)[1] ** 2)

    D = np.array([[1.5, 2.5], [2.0, 0.0]])
    assert ties(loss, np.ones(2), D).independent == ties(loss, np.ones(2), 2 * D).independent == 1


def test_a_float_of_many_digits_is_a_symbol_and_its_negative_is_the_opposite() -> None:
    p = from_constant(np.array([0.1, -0.1, 0.5]))
    assert (modulo(p.x[:, 0] + p.x[:, 1]) == 0).all() and p.below == 2


def test_a_product_beyond_the_bounds_is_a_random_function_of_simple_operands() -> None:
    a = Fingerprint(symbols(3, "a"), 1.0, HEIGHT)
    ones = Fingerprint(symbols(3, "b"), 1.0, 1.0)
    found = bilinear_product(np.multiply, a, multiply(ones, from_constant(2)), 1)
    again = bilinear_product(np.multiply, a, add(ones, ones), 1)
    assert (found.x == again.x).all() and found.height <= HEIGHT


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.integers(0, 2**16))
def test_classes_are_numbered_by_first_appearance(values: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers, count = renumber(number_values(np.array(values)))
    expected = {value: k for k, value in enumerate(dict.fromkeys(values))}
    assert numbers.tolist() == [expected[value] for value in values] and count == len(expected)
    x = rng.integers(0, 2, (LANES, len(values)))
    refined, count = number_rows(x, numbers)
    rows = [(value, *x[:, k].tolist()) for k, value in enumerate(values)]
    places = {row: k for k, row in enumerate(dict.fromkeys(rows))}
    assert refined.tolist() == [places[row] for row in rows] and count == len(places)


def test_rows_are_sorted_themselves_where_their_mixtures_coincide(monkeypatch: pytest.MonkeyPatch) -> None:
    from minigrad.symmetry import classes

    monkeypatch.setattr(classes, "scramble", lambda z: z * np.uint64(0))
    x = np.random.default_rng(0).integers(0, 3, (LANES, 50))
    numbers, count = number_rows(x, np.zeros(50, dtype=np.int64))
    assert count == len({tuple(column) for column in x.T.tolist()}) == numbers.max() + 1


@pytest.mark.parametrize(("rows", "columns"), [(20, 20), (3, 20), (20, 3), (20, 1), (1, 1), (0, 4)])
def test_a_product_of_matrices_with_equal_rows_and_columns_is_that_of_any(rows: int, columns: int) -> None:
    rng = np.random.default_rng(rows + columns)
    x, y = symbols(max(rows, 1) * 7, "x"), symbols(7 * columns, "y")
    a = x.reshape(LANES, max(rows, 1), 7)[:, rng.integers(0, max(rows, 1), 30 if rows else 0)]
    b = y.reshape(LANES, 7, columns)[:, :, rng.integers(0, columns, 40)]
    b[:, 6, 39] += rows == 1  # the first row of these columns hides that they differ
    found = matrix_product(np.matmul, Fingerprint(a, 1.0, 1.0), Fingerprint(b, 1.0, 1.0))
    assert (found.x == product(np.matmul, a, b, 7)).all()
