"""np.interp: the polygon through given samples, with derivatives by x and by both coordinates of the samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import op
from ..engine.sampling import REAL, UNEVEN, Call, Draw
from .indexing import scatter
from .layers import embedding


def _widths(xp: Any) -> Any:
    """The width of each piece; 1 for a piece of no width, at a repeated or a single sample."""
    width = np.diff(xp) if xp.shape[0] > 1 else 0.0 * xp
    return np.where(np.equal(width, 0), 1.0, width)


def _place(x: Any, xp: Any) -> tuple[Any, Any, Any]:
    """For each x: the samples left and right of it, and where between them it lies (0 to 1).

    At a sample the piece to the right counts, at the last one the piece to the left.
    """
    n = xp.shape[0]
    i = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, max(n - 2, 0))
    return i, np.minimum(i + 1, n - 1), np.clip((x - embedding(xp, i)) / embedding(_widths(xp), i), 0.0, 1.0)


def _slope(x: Any, xp: Any, fp: Any, i: Any) -> Any:
    inside = np.greater_equal(x, xp[0]) & np.less_equal(x, xp[-1])
    rise = np.diff(fp) if fp.shape[0] > 1 else 0.0 * fp
    return np.where(inside, embedding(rise / _widths(xp), i), 0.0)


def _from_samples(x: Any, xp: Any, left: Any, right: Any) -> Any:
    """1 where y comes from samples, 0 where it is `left` or `right`."""
    own = 1.0 if left is None else np.greater_equal(x, xp[0]) * 1.0
    return own * (1.0 if right is None else np.less_equal(x, xp[-1]))


def _back(g: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> list[Any]:
    i, j, between = _place(x, xp)
    n = xp.shape

    def to_samples(c: Any) -> Any:
        return scatter(c * (1.0 - between), i, n) + scatter(c * between, j, n)

    return [
        lambda: g * _slope(x, xp, fp, i),
        lambda: to_samples(-g * _slope(x, xp, fp, i)),
        lambda: to_samples(g * _from_samples(x, xp, left, right)),
    ]


def _along(ts: Any, y: Any, x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Any:
    i, j, between = _place(x, xp)
    tx, txp, tfp = (t + 0.0 for t in ts)
    at_x = tx - embedding(txp, i) * (1.0 - between) - embedding(txp, j) * between
    between_them = embedding(tfp, i) * (1.0 - between) + embedding(tfp, j) * between
    return at_x * _slope(x, xp, fp, i) + between_them * _from_samples(x, xp, left, right)


def _call(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Call:
    """The samples of a period in order, with one more at either end, as in NumPy."""
    if period is None:
        return (x, xp, fp), {"left": left, "right": right}
    x, xp, fp = (np.astype(z if hasattr(z, "dtype") else np.asarray(z), np.float64) for z in (x, xp, fp))
    x, xp = np.remainder(x, abs(period)), np.remainder(xp, abs(period))
    order = np.argsort(xp)
    xp, fp = (np.take_along_axis(z, order, 0) for z in (xp, fp))
    xp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)])
    return (x, xp, np.concatenate([fp[-1:], fp, fp[:1]])), {"left": None, "right": None}


def _interp(draw: Draw) -> Call:
    steps = [draw.integer(1, 2) for _ in range(draw.integer(0, 3))]
    xp = np.cumsum([draw.integer(-3, 0), *steps]).astype(np.float64)
    ends = draw.choice([{}, {"left": 0.5}, {"left": -1.0, "right": 2.0}])
    return (draw.array(UNEVEN, draw.shape()), xp, draw.array(REAL, xp.shape)), ends


# fmt: off
# One rule for all three, so that the places are looked up once.
op(np.interp, "interp", "y = the polygon through the samples, at x", domain=(UNEVEN, REAL, REAL), vjp=_back,
    jvp=_along, bind=_call, options=("xp", "fp", "left", "right", "period"), calls=_interp,
    kink="in x, at a sample: the slope to its right, at the last one to its left; 0 outside",
    selects=True, gives_new=True, spelling=np.interp)
