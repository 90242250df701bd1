"""Gradients that are equal or opposite: positions of one letter, A for those of one sign, -A for the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..symmetry.clustering import equal_groups


@dataclass(frozen=True, slots=True)
class Together:
    """Positions of equal gradients, and of those that are minus these. The first of all positions is in `plus`."""

    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()

    @property
    def every(self) -> tuple[int, ...]:
        """The positions of both signs."""
        return (*self.plus, *self.minus)

    @property
    def signs(self) -> tuple[int, ...]:
        """1 or -1 for each of `every`."""
        return (1,) * len(self.plus) + (-1,) * len(self.minus)


def equal_or_opposite(gradients: Sequence[Any]) -> list[Together]:
    """Groups of two or more, sorted by their first position. Gradients are compared as in `equal_groups`.

    Numbers are compared by size: large graphs have many. Of an array, its negative is compared, too.
    """
    n, found = len(gradients), []
    sizes = [abs(g) if _is_number(g) else g for g in gradients]
    negatives = [None if g is None or _is_number(g) else -g for g in gradients]
    for same in equal_groups([*sizes, *negatives]):
        first = same[0]
        if first < n and _is_number(gradients[first]):
            positive = gradients[first] > 0
            plus = tuple(k for k in same if (gradients[k] > 0) == positive)
            minus = tuple(k for k in same if (gradients[k] > 0) != positive)
        else:
            plus, minus = tuple(k for k in same if k < n), tuple(k - n for k in same if k >= n)
        if plus and (not minus or plus[0] < minus[0]):  # with exchanged signs, a group of arrays occurs again
            found.append(Together(plus, minus))
    return found


def _is_number(g: Any) -> bool:
    return type(g) is np.float64 or (g is not None and np.ndim(g) == 0)
