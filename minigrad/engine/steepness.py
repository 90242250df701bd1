"""Which ops can make a sweep lose a derivative: those with an infinite slope, and those that select.

A graph without either multiplies finite slopes: nan there comes from the data, nothing hides it, and it stays.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from .modes import EAGER
from .op import Op

_LARGEST = float(np.finfo(np.float64).max)
POINTS = (-_LARGEST, -2e3, -1.0, 0.0, 1.0, 2e3, _LARGEST)
_KINDS = {"f": np.float64, "b": bool, "i": int}


class Tame(dict[Op, bool]):
    """Whether an op neither selects nor can have an infinite slope: asked once, and remembered."""

    def __missing__(self, made_by: Op) -> bool:
        if made_by.page == "custom_ops":  # a user's function is not tried at other numbers without need
            return False
        return self.setdefault(made_by, not (made_by.selects or (made_by.vjps and _is_steep(made_by))))


def needs_limits(node: Any) -> bool:
    """Whether a graph with this node may need `derivative_limits`. A view of all entries leaves none out."""
    made_by = node.op
    if made_by is None:
        return False
    if made_by.moves and made_by.is_view and type(node._array) is not tuple:
        return bool(np.size(node._array) != np.size(getattr(node.operands[0], "_array", node.operands[0])))
    return not EAGER.tame[made_by]


def _is_steep(made_by: Op) -> bool:
    """Whether an op of finite numbers may have an infinite slope, or none: by trying it, if it is elementwise.

    Of others, only what the table states is known.
    """
    if made_by.linear or made_by.bilinear:
        return False
    if not made_by.elementwise or made_by.saves:
        return made_by.kink != ""
    with np.errstate(all="ignore"):
        return not all(_is_finite(made_by, xs) for xs in itertools.product(POINTS, repeat=len(made_by.domain)))


def _is_finite(made_by: Op, xs: tuple[float, ...]) -> bool:
    kinds = [_KINDS[domain.kind] for domain in made_by.domain]
    inputs: list[Any] = [np.asarray(x).astype(kind)[()] for x, kind in zip(xs, kinds, strict=True)]
    try:
        y = made_by.forward(*inputs)
        slopes = [rule(np.float64(1.0), y, *inputs) for rule in made_by.vjps if rule is not None]
    except (TypeError, ValueError):
        return False
    return all(bool(np.all(np.isfinite(slope))) for slope in slopes)


EAGER.tame = Tame()
