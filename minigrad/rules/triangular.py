"""The inverse of a triangular matrix, by halves: the rules of cholesky need it, and NumPy has none."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import dispatched, op
from ..engine.sampling import Call, Domain, Draw
from . import vmap_rules
from .linalg import swap
from .matrix_domains import square_matrix_expected, stack_of

TRIANGULAR = Domain("lower triangular", -0.4, 0.4)
_TRIANGLE = np.tri(48, dtype=bool)  # LAPACK's inverse of any matrix is as fast up to this size


@dispatched
def inverse_lower(a: Any) -> Any:
    """The inverse of the lower triangle of a, which is lower triangular too.

    a: (…, n, n); the entries above the diagonal do not count. Gives the same shape. Takes half the time of
    `np.linalg.inv`: most of its work is products of smaller matrices. Raises LinAlgError for a 0 on the diagonal.
    """
    n = a.shape[-1]
    if n <= len(_TRIANGLE):  # LAPACK swaps no rows of an upper triangle, and keeps its zeros
        return swap(np.linalg.inv(swap(np.where(_TRIANGLE[:n, :n], a, 0.0))))
    return _by_halves(a, n // 2)


def _by_halves(a: Any, k: int) -> Any:
    y = np.zeros_like(a)
    top, bottom = _INVERSE(a[..., :k, :k]), _INVERSE(a[..., k:, k:])
    y[..., :k, :k], y[..., k:, k:] = top, bottom
    y[..., k:, :k] = -(bottom @ a[..., k:, :k] @ top)
    return y


_INVERSE: Any = inverse_lower._implementation  # type: ignore[attr-defined]


def _rule(g: Any, y: Any, a: Any) -> Any:
    """The triangle of -yᵀ g yᵀ."""
    return -np.tril(swap(y) @ np.tril(g) @ swap(y))


def _along(t: Any, y: Any, a: Any) -> Any:
    return -(y @ np.tril(t) @ y)


def _triangular(draw: Draw) -> Call:
    n = draw.integer(1, 3)
    return (stack_of(draw, TRIANGULAR, n, n, draw.choice([n, -n])),), {}


# fmt: off
op(inverse_lower, "inverse_lower", "y = A⁻¹, A lower triangular", domain=(TRIANGULAR,), vjp=(_rule,),
    jvp=(_along,), calls=_triangular, expects=square_matrix_expected, gives_new=True, parity="odd",
    kink="LinAlgError where the diagonal has a 0", vmap=vmap_rules.stacks)
