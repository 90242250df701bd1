"""The patterns by which mistakes in a gradient are known, in the order in which they are tried.

Each is a small function that takes a case and gives a diagnosis or None. Where two would fit, the simpler is
meant, so it stands first: whole before part, no free number before one, a named number before any number.

    zero, nan         need no arithmetic
    sign              no free number
    swapped           two arguments explained at once
    factor            a number that has a name: 2, 1/N, π/180, a constant
    moved             transposed, flipped, rolled
    swapped           with another argument that is right itself
    factor            any number
    not summed        a broadcast axis
    branch            of which 0 is the bound
    missing factor    a function of x or y, an array; then a number for each line
    missing term      a constant, or a multiple of x, y; then a number for each line
    permuted          any order
    transposed        a matrix that was multiplied with
    entries           that have something in common
    branch            at any bound
    entries           any
    factor            from a single entry, which could as well be anything else

A package of small pages; nothing here calls the function that is checked, and no page knows the one that lists it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..evidence import Diagnosis
from . import factors, matrices, moves, places, summing, terms
from .case import Case

ORDER: Final[tuple[Callable[[Case], Diagnosis | None], ...]] = (
    places.not_finite,
    factors.zero,
    factors.sign,
    moves.exchanged,
    factors.named_factor,
    moves.transposed,
    moves.flipped,
    moves.rolled,
    moves.borrowed,
    factors.any_factor,
    summing.not_summed,
    factors.listed_factor,
    terms.missing_term,
    factors.factor_per_line,
    moves.permuted,
    matrices.untransposed,
    places.branch_at_zero,
    places.known_entries,
    places.branch,
    places.some_entries,
    factors.lone_factor,
)

# Where it is known that an entry is wrong and all others are right, it is the place that is to be told.
LONE: Final = (places.not_finite, places.known_entries, places.some_entries)
