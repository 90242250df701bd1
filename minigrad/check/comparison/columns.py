"""A derivative to compare and what measures the function: all that comparisons along lines and axes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..numeric.extrapolation import Array
from ..numeric.finite_differences import Slopes
from ..numeric.short_ladder import ShortLadder
from .messages import MessageContext
from .verdict import Allowance, Need


@dataclass(frozen=True)
class ClaimedColumns:
    """A derivative in columns: one per weighted sum of the outputs.

    slopes, ladder: measure the function in the same columns, by as many calls as it takes and by a few. need: the
    relative error that must be visible. predict: the claimed columns along a direction. given, allowance: all
    entries (entries, columns) and their rounding errors, if the whole derivative is known. rounding: otherwise, the
    rounding errors of the claimed columns along a direction.
    """

    context: MessageContext
    slopes: Slopes
    ladder: ShortLadder
    need: Need
    predict: Callable[[Array], Array]
    given: Array | None
    allowance: Allowance | None
    rounding: Callable[[Array, Array], Allowance] | None
