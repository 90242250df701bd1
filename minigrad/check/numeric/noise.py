"""Noise: how large it is, and the slope of a noisy function.

Extrapolation bounds the noise of each value, and adds the bounds: under noise its bars are many times the error.
Here a polynomial goes through many values; what it leaves over measures the noise, and the bar holds what noise
does to the slope in 99 % of draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .extrapolation import Array, Slope

PAIRS = 32  # points on each side: so many leave some fifty values to measure the noise with
NODES = np.sin(np.pi / 2 * (np.arange(PAIRS) + 0.5) / PAIRS)  # of the longest step; close to each other at its end
FEWEST, MOST, EXPECTED = 2, 9, 5  # terms of the odd part; fewer than EXPECTED must fit a ladder
RUNGS = 9  # of a ladder, that tell whether a polynomial fits
ROUGH = 2.0  # measured noise may be so many times as large
CLEAR = 2.0  # a further term that changes the fit by so many deviations belongs to the function
COVERS = 2.55  # deviations of a normal distribution that hold 99 % of it, and a little for what is not normal


@dataclass(frozen=True)
class Part:
    """A fit of the odd or the even part: its first coefficient per column, and how noise changes it.

    left: the sum of squares that it leaves over. free: the number of values less that of terms.
    """

    first: Array
    gain: float
    left: Array
    free: int


def slope_of_noisy(h: Array, plus: Array, minus: Array) -> tuple[Slope, Array]:
    """The slope from values at +h and -h, of shape (steps, columns), and the deviation of the noise per column.

    The bar is inf in columns where no polynomial of few terms fits.
    """
    z = h / np.max(h)
    odd = [_fit(z, (plus - minus) / 2, range(1, 2 * terms, 2)) for terms in range(FEWEST, MOST + 1)]
    even = [_fit(z, (plus + minus) / 2, range(0, 2 * terms, 2)) for terms in range(FEWEST, MOST + 1)]
    count = plus.shape[1]
    value, error, noise = np.full(count, np.nan), np.full(count, np.inf), np.full(count, np.nan)
    for k in range(len(odd) - 1):
        variance = (odd[k + 1].left + even[k + 1].left) / (odd[k + 1].free + even[k + 1].free)
        deviation = np.sqrt(variance)
        fits = ~np.isfinite(error)
        for fit in (odd, even):
            fits &= fit[k].left - fit[k + 1].left <= CLEAR**2 * variance
        value = np.where(fits, odd[k + 1].first, value)
        wide = COVERS * (1 + 1 / (odd[k + 1].free + even[k + 1].free)) * odd[k + 1].gain * deviation
        error, noise = np.where(fits, wide, error), np.where(fits, np.sqrt(2) * deviation, noise)
    return Slope(value / np.max(h), error / np.max(h)), noise


def smooth_length(h: Array, plus: Array, minus: Array, noise: Array) -> float:
    """How long steps may be for a polynomial, so that noise changes its slope least: one of the halvings h, or 0.

    noise: the deviation per column. A step serves if polynomials fit its halvings in all columns.
    """
    best, length = np.inf, 0.0
    for k in range(len(h) - RUNGS):
        part = slice(k, k + RUNGS)
        halves = (plus[part] - minus[part]) / 2, (plus[part] + minus[part]) / 2
        terms = [_terms(h[part], half, noise, odd) for half, odd in zip(halves, (1, 0), strict=True)]
        error = GAINS[max(terms)] / h[k]
        if error < best:
            best, length = error, float(h[k])
    return length


def _terms(h: Array, values: Array, noise: Array, odd: int) -> int:
    """The fewest terms of a polynomial that fits; EXPECTED if there is none."""
    for terms in range(FEWEST, EXPECTED):
        fit = _fit(h / h[0], values, range(odd, 2 * terms, 2))
        if np.all(fit.left <= (ROUGH * noise) ** 2 * (fit.free + 3 * np.sqrt(fit.free)) / 2):
            return terms
    return EXPECTED


def _fit(z: Array, values: Array, powers: range) -> Part:
    """Fit powers of z to values by least squares."""
    basis, ordered = np.linalg.qr(z[:, None] ** np.array(powers))
    along = np.einsum("ik,ij->kj", basis, values)
    left = values - np.einsum("ik,kj->ij", basis, along)
    with np.errstate(over="ignore"):
        rest = np.sum(left**2, axis=0)
    row = np.linalg.solve(ordered.T, np.eye(1, len(powers))[0])  # the first coefficient, of the orthogonal ones
    return Part(np.einsum("k,kj->j", row, along), float(np.sqrt(row @ row)), rest, len(z) - len(powers))


# What noise does to the slope, by the number of terms that are needed; one more is fitted. EXPECTED are too many.
GAINS = {
    terms: _fit(NODES, np.zeros((PAIRS, 1)), range(1, 2 * terms + 2, 2)).gain if terms < EXPECTED else np.inf
    for terms in range(FEWEST, EXPECTED + 1)
}


def deviation(values: Array) -> Array:
    """The standard deviation of noise in equispaced values (points, columns) of an otherwise smooth function.

    ECnoise: the k-th differences of noise have mean square σ²·(2k)!/(k!)²; those of the smooth part vanish. If the
    estimates fall with k, the smooth part has not vanished yet, and the last estimate is the best bound.
    """
    estimates = []
    largest = np.max(np.abs(values), axis=0)
    scale = np.where(largest > 0, largest, 1.0)  # the squares of small numbers are 0
    differences, gamma = values / scale, 1.0
    for k in range(1, 7):
        differences = np.diff(differences, axis=0)
        gamma *= k * k / ((2 * k) * (2 * k - 1))
        if k >= 4:
            estimates.append(np.sqrt(gamma * np.mean(differences**2, axis=0)))
    low, middle, high = estimates
    steady = (low < 4 * middle) & (middle < 4 * high)
    found: Any = np.where(
        steady, np.maximum(np.maximum(low, middle), high), np.minimum(np.minimum(low, middle), high)
    )
    return np.where(np.isfinite(found), scale * found, 0.0)
