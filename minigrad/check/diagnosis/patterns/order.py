"""The order in which patterns are tried. Each page states the places of its own patterns.

Where two patterns would fit, the simpler is meant and comes first: whole before part, no free number before one, a
named number before any number.

     10   20          need no arithmetic: nan, zero
     30               no free number: the sign
     40               two arguments explained at once
     50               a number that has a name: 2, 1/N, π/180, a constant
     60   70   80     transposed, flipped, rolled
     90               exchanged with another argument that is right itself
    100               any number
    110               not summed over a broadcast axis
    120  130  140     a missing factor or term: a function of x or y; then a number for each line
    150               any order
    160               a matrix that was multiplied with
    170               a branch of which 0 is the bound
    180               entries that have something in common
    190               a branch at any bound
    200               any entries
    210               a factor from a single entry, which could as well be anything else
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..evidence import Diagnosis
from .case import Case

Pattern: TypeAlias = Callable[[Case], Diagnosis | None]

PLACES: dict[int, Pattern] = {}
SINGLE_PLACES: dict[int, Pattern] = {}


def pattern(place: int, single: bool = False) -> Callable[[Pattern], Pattern]:
    """State where a pattern is tried: before all with a larger place, which must be free.

    single: whether it is tried first where one entry is known to be wrong and all others to be right.
    """

    def placed(function: Pattern) -> Pattern:
        if PLACES.get(place, function).__name__ != function.__name__:
            raise ValueError(f"{function.__name__}: place {place} is taken by {PLACES[place].__name__}")
        PLACES[place] = function
        if single:
            SINGLE_PLACES[place] = function
        return function

    return placed
