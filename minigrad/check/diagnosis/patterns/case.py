"""A case: the measured entries of one argument's gradient in a row, and how well a pattern explains them.

Nothing here knows a pattern. A case answers two questions for all of them: does the pattern fit within the bars of
the reference, and is the fit more than chance, counted in decimal digits of agreement?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Evidence

ROUNDING = 8 * float(np.finfo(np.float64).eps)  # the relative rounding error of a few operations
# A pattern must show so many digits of agreement more than its free numbers take. With three, one wrong gradient in
# a thousand fits by chance.
ENOUGH = 3.0
# A pattern from a long list, of about a hundred, must show so many more.
FROM_LIST = 2.0


class Case:
    """One argument as the patterns see it: arrays over its measured entries, in the order of memory.

    at: their flat indices. given, reference, x, wrong: their values. tolerance: that of the reference, with the
    rounding errors of both. digits: the error of each wrong entry, in decimal digits above its bar; 0 if right.
    """

    def __init__(self, evidence: Evidence, others: Sequence[Evidence] = ()) -> None:
        self.evidence, self.others = evidence, others
        self.whole = np.asarray(evidence.given, dtype=np.float64)
        self.shape = self.whole.shape
        given, reference, bar, x = (
            np.ravel(np.asarray(part, dtype=np.float64))
            for part in (evidence.given, evidence.reference, evidence.bar, evidence.x)
        )
        wrong = np.ravel(evidence.wrong).astype(bool)
        size = np.where(np.isfinite(given), np.abs(given), 0)
        tolerance = bar + ROUNDING * (size + np.abs(reference)) + _unit(evidence.given) * size
        # An entry that differs from its reference but is not wrong lies at a kink: no evidence of a pattern.
        usable = np.isfinite(reference) & np.isfinite(bar) & (wrong | (np.abs(given - reference) <= tolerance))
        self.at = np.flatnonzero(usable)
        self.given, self.reference, self.x = given[self.at], reference[self.at], x[self.at]
        self.tolerance, self.wrong = tolerance[self.at], wrong[self.at]
        self.digits = self.digits_within(self.tolerance)

    @property
    def coordinates(self) -> tuple[NDArray[Any], ...]:
        """The index of each measured entry, one array per axis."""
        return tuple(np.unravel_index(self.at, self.shape)) if self.shape else ()

    @property
    def change(self) -> NDArray[Any]:
        """Given minus reference."""
        change: NDArray[Any] = self.given - self.reference
        return change

    def digits_within(self, tolerance: NDArray[Any]) -> NDArray[Any]:
        """Per entry, how many digits of the error a pattern explains if it holds within a tolerance."""
        return np.where(self.wrong, _digits(np.abs(self.change), tolerance), 0.0)

    def is_derivative(self, moved: NDArray[Any], choices: int = 1) -> bool:
        """Whether the given gradient becomes the derivative when its entries move.

        moved: the given gradient after the move, of any shape, with entries in the memory order of x. choices: how
        many moves were tried; with more of them the fit must show more digits.
        """
        found = moved[np.unravel_index(self.at, moved.shape)] if moved.shape else np.ravel(moved)[self.at]
        return bool(np.all(np.abs(found - self.reference) <= self.tolerance)) and float(
            self.digits.sum()
        ) >= ENOUGH + np.log10(choices)

    def of_size(self, values: NDArray[Any] | None) -> NDArray[Any] | None:
        """Values at the measured entries, if there is one value per entry of x; else None."""
        if values is None or np.size(values) != self.whole.size:
            return None
        return np.ravel(np.asarray(values, dtype=np.float64))[self.at]


@dataclass(frozen=True)
class Fit:
    """Numbers c, one per group, for which c·base is the target; each may lie anywhere between low and high.

    spare: digits of agreement beyond those that the numbers take. total: all digits of agreement.
    """

    low: NDArray[Any]
    high: NDArray[Any]
    spare: float
    total: float

    @property
    def values(self) -> NDArray[Any]:
        """The middle of the interval of each number."""
        return self.low / 2 + self.high / 2


def fit(
    target: NDArray[Any],
    tolerance: NDArray[Any],
    base: NDArray[Any],
    digits: NDArray[Any],
    groups: NDArray[Any] | None = None,
) -> Fit | None:
    """Find one number c per group with target = c·base within the tolerance; None if there is none.

    Each entry allows an interval for c, and a group the intersection of these. A group whose base is 0 throughout
    gets nan.
    """
    groups = np.zeros(len(target), dtype=int) if groups is None else groups
    known = ~np.isnan(base)
    silent = known & (base == 0)
    if not known.any() or np.any(np.isinf(base)) or np.any(np.abs(target[silent]) > tolerance[silent]):
        return None
    use = known & ~silent
    ends = np.stack([(target - tolerance)[use] / base[use], (target + tolerance)[use] / base[use]])
    low, high = np.full(groups.max() + 1, -np.inf), np.full(groups.max() + 1, np.inf)
    np.maximum.at(low, groups[use], ends.min(axis=0))
    np.minimum.at(high, groups[use], ends.max(axis=0))
    if np.any(low > high) or not np.any(use):
        return None
    spent = np.zeros(len(low))
    np.maximum.at(spent, groups[use], digits[use])
    empty = np.isinf(low)
    low[empty], high[empty] = np.nan, np.nan
    total = float(digits[known].sum())  # a base of 0 with a target of 0 takes no number
    return Fit(low, high, total - float(spent.sum()), total)


def _unit(given: NDArray[Any]) -> float:
    """The relative rounding error of a gradient of fewer bits than float64, else 0."""
    dtype = np.asarray(given).dtype
    return float(np.finfo(dtype).eps) if dtype.kind == "f" and dtype.itemsize < 8 else 0.0


def _digits(size: NDArray[Any], tolerance: NDArray[Any]) -> NDArray[Any]:
    """Decimal digits of a size above a tolerance: 0 to 16."""
    known = np.maximum(tolerance, np.finfo(np.float64).tiny)
    with np.errstate(all="ignore"):
        digits: NDArray[Any] = np.log10(size / known)
    clipped: NDArray[Any] = np.clip(np.nan_to_num(digits, nan=0.0, posinf=16.0, neginf=0.0), 0.0, 16.0)
    return clipped
