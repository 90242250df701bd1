"""The order in which patterns are tried. The page of a pattern states its place.

Where two patterns fit, the simpler one is likelier and comes first: the whole before a part, no free number before
one, a named number before any number.

     10   20          no arithmetic: nan, zero
     30               no free number: the sign
     40               two arguments explained at once
     50               a number that has a name: 2, 1/N, π/180, a constant
     60   70   80     transposed, flipped, rolled
     90   95          the derivative of another argument, which is right itself; that of both
    100               any number
    105               an index that repeats
    110               not summed over a broadcast axis
    115  117          formulas without a free number: a layer, a recurrence
    118  119          the same: attention, cross entropy
    120  125  130     a missing factor or term: a function of x or y, the sum of a softmax
    135  140          a mean and a variance; then any number for each line
    150               any order of the entries
    160               the matrix of a product, not transposed
    165               a mask
    170               a branch at 0
    180               entries that have something in common
    190               a branch at any number
    200               any entries
    210               a factor from a single entry, where another mistake is as likely
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
    """State where a pattern is tried: before all patterns with a larger place. The place must be free.

    single: whether to try it first where one entry is wrong and all others are right.
    """

    def register(function: Pattern) -> Pattern:
        if PLACES.get(place, function).__name__ != function.__name__:
            raise ValueError(f"{function.__name__}: place {place} is taken by {PLACES[place].__name__}")
        PLACES[place] = function
        if single:
            SINGLE_PLACES[place] = function
        return function

    return register
