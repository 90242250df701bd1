"""Norms of vectors by the sizes of their entries; of matrices also by sums of sizes and by singular values.

The nuclear norm has the derivative U Vᵀ, a polar factor, and a second one also where singular values are equal. The
second derivative of the largest one does not exist there, and raises LinAlgError: see `spectra`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import refuse
from ..engine.sampling import SIZED, Call, Draw
from . import vmap_rules
from .discrete import stop_gradient
from .lengths import direction
from .linalg import swap
from .matrix_domains import SINGULAR_VALUES, rounds_to_zero, stack_of
from .reductions import over_axes, reduction, share_ties
from .spectra import scale_columns, singular_sum, singular_sum_of

ORDERS = (None, 1, 2, 3, 2.5, np.inf, -np.inf)
SINGULAR = (2, -2, "nuc")
OF_MATRICES = ("fro", "f", "nuc", 1, -1, 2, -2, np.inf, -np.inf)


def _vector_partial(y: Any, x: Any, axis: Any, ord: Any = 2) -> Any:
    if ord in (None, 2, "fro", "f"):
        return direction(x, y, axis)
    sizes = np.abs(x)
    if _is_extreme(ord):
        return np.sign(x) * share_ties(y, sizes, axis)
    if ord == 1 or not x.size:
        return np.sign(x)
    # In units of the largest entry: no power is too large, and none is taken of a large number, which loses digits.
    top = stop_gradient((np.max if ord > 0 else np.min)(sizes, axis=axis, keepdims=True))
    sizes = sizes / np.where(top == 0, 1.0, top)
    powers = sizes ** (ord - 1)
    slopes = (
        np.sign(x)
        * powers
        / np.sum(sizes * powers if ord > 1 else sizes**ord, axis=axis, keepdims=True) ** (1 - 1 / ord)
    )
    # For an order below 1, a zero entry has an infinite slope on either side: it counts as 0, as for |x|.
    return np.where(np.equal(x, 0) | (np.equal(top, 0) if ord < 0 else False), 0.0, slopes)


def _is_extreme(ord: Any) -> bool:
    return ord in (np.inf, -np.inf)


def _by_sums(x: Any, axes: tuple[int, int], ord: Any) -> Any:
    """The share of the column (ord 1, -1) or row (inf, -inf) whose sum of sizes is the largest or the smallest."""
    summed, compared = axes if abs(ord) == 1 else axes[::-1]
    sums = np.sum(np.abs(x), axis=summed, keepdims=True)
    extreme = (np.max if ord > 0 else np.min)(sums, axis=compared, keepdims=True)
    return share_ties(extreme, sums, compared)


def _by_singular_values(x: Any, axes: tuple[int, int], ord: Any) -> Any:
    """U diag(c) Vᵀ, where c is 1 for nuc, else the share of s in the largest or smallest; 0 where s is 0.

    Equal ones share evenly, whatever vectors LAPACK chose among them: U c Vᵀ does not depend on that.
    """
    if not x.size:
        return np.zeros(x.shape)
    matrices = np.moveaxis(x, axes, (-2, -1))
    u, s, vh = np.linalg.svd(matrices, full_matrices=False)
    if ord == "nuc":
        y = scale_columns(u, np.where(rounds_to_zero(s, s), 0.0, np.ones_like(s))) @ vh
    else:
        ties = rounds_to_zero(s - (s[..., :1] if ord == 2 else s[..., -1:]), s)
        shares = ties / np.sum(ties, axis=-1, keepdims=True)
        y = singular_sum_of(shares, u, s, vh) if isinstance(u, np.ndarray) else singular_sum(shares, matrices)
    return np.moveaxis(y, (-2, -1), axes)


def _of_matrices(x: Any, axis: Any) -> bool:
    return (x.ndim if axis is None else np.size(axis)) == 2


def _partial(y: Any, x: Any, axis: Any, ord: Any = None) -> Any:
    if ord in (None, "fro", "f") or not _of_matrices(x, axis):
        return _vector_partial(y, x, axis, ord)
    axes = _axes(x, axis)
    return _by_singular_values(x, axes, ord) if ord in SINGULAR else np.sign(x) * _by_sums(x, axes, ord)


def _axes(x: Any, axis: Any) -> tuple[int, int]:
    rows, columns = (0, 1) if axis is None else axis
    return rows % x.ndim, columns % x.ndim


def _kept_of_vector(y: Any, x: Any, axis: Any, ord: Any = 2) -> Any:
    """The largest or the smallest entries; otherwise all."""
    return np.equal(np.abs(x), y) if _is_extreme(ord) else True


def _kept(y: Any, x: Any, axis: Any, ord: Any = None) -> Any:
    """Of a matrix, the columns or rows with the largest or the smallest sum."""
    if ord in (None, "fro", "f") or not _of_matrices(x, axis):
        return _kept_of_vector(y, x, axis, ord)
    return True if ord in SINGULAR else _by_sums(x, _axes(x, axis), ord) > 0


def _norm_call(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Call:
    """Refuse ord=0, the number of nonzero entries, which has no gradient, and orders that are not norms."""
    orders = OF_MATRICES if _of_matrices(x, axis) else () if axis is None and x.ndim > 2 else None
    if ord is not None and (ord == 0 or (isinstance(ord, str) if orders is None else ord not in orders)):
        refuse(f"norm of a Value has no rule for ord={ord!r} over axis={axis!r} of shape {x.shape}")
    return (x,), {"ord": ord, "axis": axis, "keepdims": keepdims}


def _matrices(draw: Draw) -> Any:
    """Matrices whose sums and singular values are distinct."""
    rows = draw.integer(1, 2)
    columns = rows + draw.integer(0, 1)
    a = stack_of(draw, SINGULAR_VALUES, rows, columns, 3.0 * (1 + np.arange(rows)))
    return draw.choice([a, swap(a)])


def _draw_matrix_norm(draw: Draw) -> Call:
    return (_matrices(draw),), {"ord": draw.choice(OF_MATRICES), "keepdims": draw.choice([False, True])}


def _draw_norm(draw: Draw) -> Call:
    keepdims = draw.choice([False, True])
    if draw.choice([False, False, True]):
        (a,), params = _draw_matrix_norm(draw)
        if a.ndim == 2 and draw.choice([False, True]):
            return (a,), params
        i, j = draw.choice([(i, j) for i in range(a.ndim) for j in range(a.ndim) if i != j])
        signed = draw.choice([(i, j), (i - a.ndim, j)])
        return (np.moveaxis(a, (-2, -1), (i, j)),), {**params, "axis": signed}
    x = draw.array(SIZED, draw.shape(min_dims=1))
    if draw.choice([False, True]) and x.ndim > 1:
        return (x,), {"axis": draw.choice([None, (0, 1), (1, 0)]), "keepdims": keepdims}
    axis = draw.integer(-x.ndim, x.ndim - 1)
    return (x,), {"ord": draw.choice(ORDERS), "axis": axis, "keepdims": keepdims}


def _vector_norm_call(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Call:
    if ord == 0:
        refuse("vector_norm of a Value has no rule for ord=0: the number of entries that are not 0 has no gradient")
    return (x,), {"axis": axis, "keepdims": keepdims, "ord": ord}


def _by_entries(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    """A norm of vectors, or the root of all squares; NotImplemented for the other norms of matrices."""
    if ord is None or (ord in ("fro", "f", 2) and (_of_matrices(x, axis) == (ord != 2))):
        return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))
    if _of_matrices(x, axis):
        return NotImplemented
    sizes = np.abs(x)
    if _is_extreme(ord):
        return (np.max if ord > 0 else np.min)(sizes, axis=axis, keepdims=keepdims)
    total = np.sum(sizes if ord == 1 else sizes**ord, axis=axis, keepdims=keepdims)
    return total if ord == 1 else total ** (1 / ord)


KINK = "at 0: 0; the largest and the smallest: a tie is shared evenly"


# fmt: off
# By default the norm of all entries, whatever axes they have.
reduction(np.linalg.norm, "norm", "y = (Σ |x|^p)^(1/p); of matrices also by sums of |x| and by singular values",
    _partial, domain=SIZED, options={"ord": (None,)}, kept=_kept, bind=_norm_call, calls=_draw_norm,
    kink=f"{KINK}; a singular value of 0: 0", parity="even", symmetric=False, vmap=None, meaning=_by_entries)
reduction(np.linalg.vector_norm, "vector_norm", "y = (Σ |x|^p)^(1/p)", _vector_partial, domain=SIZED,
    options={"ord": ORDERS[1:]}, kept=_kept_of_vector, bind=_vector_norm_call,
    calls=over_axes(SIZED, min_dims=1, ord=ORDERS[1:]), kink=KINK, parity="even")
reduction(np.linalg.matrix_norm, "matrix_norm", "y = the root of Σ x²; by sums of |x|; by singular values",
    lambda y, x, axis, ord="fro": _partial(y, x, axis, ord), domain=SINGULAR_VALUES, options={"ord": ("fro",)},
    kept=lambda y, x, axis, ord="fro": _kept(y, x, axis, ord),
    over=(-2, -1), calls=_draw_matrix_norm, kink=f"{KINK}; a singular value of 0: 0", parity="even",
    symmetric=False, vmap=vmap_rules.stacks,
    meaning=lambda x, ord="fro", keepdims=False: _by_entries(x, ord, (-2, -1), keepdims))
