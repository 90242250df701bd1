"""Helpers for the pages about matrices: what counts as 0, and matrices to draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.sampling import Domain, Draw, Shape

FULL_RANK = Domain("full rank", -0.4, 0.4)
SINGULAR_VALUES = Domain("full rank, distinct singular values", -0.4, 0.4, avoid=(0.0,))
# No entries of 0: beside them LAPACK changes the signs of vectors.
SYMMETRIC = Domain("symmetric, distinct eigenvalues", -0.4, 0.4, avoid=(0.0,))


def rounds_to_zero(x: Any, w: Any) -> Any:
    """Where x, of shape (…, n) or (…, ·, n), is 0 to the rounding of a factorisation with the values w, (…, n).

    Rounding separates n equal values of Q diag(w) Qᵀ by up to 2 n eps max |w|: 8 n eps max |w| counts as 0 here.
    """
    if not w.shape[-1]:
        return np.equal(x, 0.0)
    n = w.shape[-1]
    rounding = 8 * n * np.finfo(w.dtype).eps * np.max(np.abs(w), axis=-1, keepdims=True)
    return np.less_equal(np.abs(x), rounding if x.ndim == w.ndim else np.expand_dims(rounding, -1))


def stack_of(draw: Draw, domain: Domain, rows: int, columns: int, diagonal: Any) -> Any:
    """Matrices with small entries from the domain, and these numbers added on the diagonal."""
    k = np.arange(min(rows, columns))
    added = np.zeros((rows, columns))
    added[k, k] = np.broadcast_to(diagonal, k.shape)
    return draw.array(domain, (*draw.shape(max_dims=1), rows, columns)) + added


def square_matrix_expected(a: Shape) -> str:
    """The shape that a function of a square matrix needs."""
    return f"expected square matrices, got shape {a}"
