"""How much variables vary together: covariance and correlation of the rows or columns of one array, or of two.

Both are Z Zᵀ. Each row of Z holds the deviations of one variable from its mean, divided by the root of the number
of observations, or by their length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.op import op
from ..engine.sampling import DISTINCT, POSITIVE, Call, Draw
from .axes import dispatches
from .composed import composed_given
from .lengths import length
from .linalg import swap

Unit = Callable[..., tuple[Any, Callable[[Any], Any]]]


def _in_columns(m: Any, k: int, rowvar: bool) -> bool:
    """Whether the variables of the k-th array are its columns; never for a second array with a single row."""
    return not rowvar and m.ndim == 2 and (k == 0 or m.shape[0] != 1)


def _rows(m: Any, turned: bool) -> Any:
    """The variables as rows."""
    m = np.reshape(m, (1, m.size)) if m.ndim < 2 else m
    return swap(m) if turned else m


def _deviations(xs: Any, rowvar: bool) -> Any:
    x = np.concatenate([_rows(m, _in_columns(m, k, rowvar)) for k, m in enumerate(xs)])
    return x - np.mean(x, axis=1, keepdims=True)


def _cov_unit(x: Any, bias: bool = False, ddof: Any = None) -> tuple[Any, Callable[[Any], Any]]:
    """Z, and its slope along a change of x."""
    freedom = x.shape[1] - ((not bias) if ddof is None else ddof)
    root = np.sqrt(float(max(freedom, 0)))
    return x / root, lambda t: t / root


def _corrcoef_unit(x: Any) -> tuple[Any, Callable[[Any], Any]]:
    size = length(x, axis=1)
    z = x / size
    return z, lambda t: (t - z * np.sum(z * t, axis=1, keepdims=True)) / size


def _back(unit: Unit, k: int, g: Any, xs: Any, rowvar: bool, how: Any) -> Any:
    """The cotangent of the k-th array. The slope of Z is symmetric, so it serves both ways."""
    x = _deviations(xs, rowvar)
    z, slope = unit(x, **how)
    g = np.reshape(g, (len(x), len(x)))
    rows, turned = slope((g + swap(g)) @ z), _in_columns(xs[k], k, rowvar)
    count = len(_rows(xs[k], turned))
    return np.reshape(_rows(rows[len(x) - count :] if k else rows[:count], turned), xs[k].shape)


def _along(unit: Unit, k: int, t: Any, y: Any, xs: Any, rowvar: bool, how: Any) -> Any:
    x, rows = _deviations(xs, rowvar), _rows(t, _in_columns(xs[k], k, rowvar))
    z, slope = unit(x, **how)
    others = len(x) - len(rows)
    moved = slope(np.pad(rows, [(others, 0) if k else (0, others), (0, 0)])) @ swap(z)
    return np.reshape(moved + swap(moved), y.shape)


def _both(m: Any, y: Any) -> Any:
    return (m,) if y is None else (m, y)


def _bind(m: Any = None, y: Any = None, rowvar: bool = True, **how: Any) -> Call:
    first = how.pop("x", m)  # as corrcoef calls it
    return _both(first, y), {"rowvar": rowvar, **how}


def _state(function: Any, formula: str, unit: Unit, choices: list[dict[str, Any]]) -> None:
    """State np.cov or np.corrcoef by its Z."""

    def calls(draw: Draw) -> Call:
        rowvar, seen = draw.choice([True, False]), 4
        shapes = [(draw.shape(1, 1)[0] + 1, seen), (draw.shape(1, 1)[0], seen)]
        xs = [draw.array(DISTINCT, shape if rowvar else shape[::-1]) for shape in shapes[: draw.integer(1, 2)]]
        return tuple(xs), {"rowvar": rowvar, **draw.choice(choices)}

    options = tuple({name for choice in choices for name in choice})
    op(function, function.__name__, formula, domain=(DISTINCT, DISTINCT), bind=_bind, options=options, calls=calls,
        vjp=(lambda g, c, m, y=None, rowvar=True, **how: _back(unit, 0, g, _both(m, y), rowvar, how),
            lambda g, c, m, y, rowvar=True, **how: _back(unit, 1, g, (m, y), rowvar, how)),
        jvp=(lambda t, c, m, y=None, rowvar=True, **how: _along(unit, 0, t, c, _both(m, y), rowvar, how),
            lambda t, c, m, y, rowvar=True, **how: _along(unit, 1, t, c, (m, y), rowvar, how)),
        gives_new=True,
        meaning=lambda *xs, rowvar=True, **how: _product(unit, xs, rowvar, how))  # fmt: skip


def _product(unit: Unit, xs: Any, rowvar: bool, how: Any) -> Any:
    z, _ = unit(_deviations(xs, rowvar), **how)
    return np.squeeze(z @ swap(z))


def _weighted(draw: Draw) -> Call:
    x = draw.array(DISTINCT, (draw.integer(1, 2), 4))
    more = draw.choice([{"aweights": draw.array(POSITIVE, (4,))}, {"fweights": np.array([1, 3, 2, 1])}])
    return (x,), {**more, **draw.choice([{}, {"ddof": 0}, {"bias": True}])}


@composed_given(np.cov, ("fweights", "aweights"), "y = the covariance of weighted observations", _weighted)
def _weighted_cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: Any = None,
    fweights: Any = None,
    aweights: Any = None,
) -> Any:
    """fweights: how often each observation occurs. aweights: how much it counts."""
    x = np.concatenate([_rows(part, _in_columns(part, k, rowvar)) for k, part in enumerate(_both(m, y))])
    w: Any = 1.0
    for weights in (fweights, aweights):
        w = w if weights is None else w * (weights if dispatches(weights) else np.asarray(weights, dtype=float))
    ddof = float(not bias) if ddof is None else ddof
    total = np.sum(w)
    freedom = total - ddof * (1.0 if aweights is None else np.sum(w * aweights) / total)
    x = x - np.sum(x * w, axis=1, keepdims=True) / total
    return np.squeeze(x @ swap(x * w) / np.maximum(freedom, 0.0))


# fmt: off
_state(np.cov, "y[i,j] = Σ (xi - mean)(xj - mean) / (n - ddof)", _cov_unit,
    [{}, {"bias": True}, {"bias": False, "ddof": 2}])
_state(np.corrcoef, "y[i,j] = cov[i,j] / √(cov[i,i] cov[j,j])", _corrcoef_unit, [{}])
