"""spectral: a function of a symmetric matrix by its eigenvalues; the derivatives of f are made by `grad`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.modes import EAGER, interpreting
from ..engine.tree_folds import key_by_value
from ..engine.value import Value
from ..errors import ArgumentError, DTypeError, GradientLost, ShapeError, describe
from ..rules.spectral_derivatives import spectral_derivative
from .grad import Function, grad


def spectral(f: Callable[[Any], Any], a: Any) -> Any:
    """f(A) = V diag(f(λ)) Vᵀ for symmetric A = V diag(λ) Vᵀ: a function of a matrix by its eigenvalues.

    f: a function of one array, entry by entry, written in NumPy: ``np.log``, ``lambda t: t**1.5``. a: a matrix of
    shape (n, n), or a stack of shape (…, n, n), of which the symmetric part (A + Aᵀ) / 2 counts. Gives the same
    shape. ``np.trace(spectral(f, a))`` is Σ f(λ).

    It has its derivatives, of any order, also where eigenvalues are equal and `np.linalg.eigh` raises; close ones
    lose no digits: the divided differences of f are right to some 16 units of rounding, if f is smooth. f may be
    evaluated between eigenvalues, and so may its derivatives. The k-th derivative takes time and memory like
    n^(k+1). Raises ShapeError, DTypeError, GradientLost if f depends on a Value, and LinAlgError as
    `np.linalg.eigh` does.

    >>> spectral(np.sqrt, np.array([[5.0, 4.0], [4.0, 5.0]]))
    array([[2., 1.],
           [1., 2.]])
    """
    shape = np.shape(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"spectral needs square matrices, of shape (…, n, n), got {describe(a)}")
    if not isinstance(a, Value):
        a = np.asarray(a)
        if a.dtype.kind not in "fiub":
            raise DTypeError(f"spectral needs matrices of real numbers, got {describe(a)}")
        a = a if a.dtype.kind == "f" else a.astype(np.float64)
    return spectral_derivative(a, f=_Derivatives(f))


class _Derivatives:
    """f and its derivatives, as a function of an array and of their order."""

    def __init__(self, f: Function) -> None:
        self.f = f

    def __eq__(self, other: object) -> bool:
        """Whether f is the same, or has the same code and looks at the same: each trace makes its lambdas anew."""
        return isinstance(other, _Derivatives) and _looks_at(self.f) == _looks_at(other.f)

    def __hash__(self) -> int:
        """Equal for equal functions."""
        return hash(_looks_at(self.f)[0])

    def __call__(self, x: Any, order: int) -> Any:
        with interpreting(EAGER), np.errstate(all="ignore"):  # not on a tape: f runs inside an op
            y = _derivative(self.f, order)(x)
        if isinstance(y, Value):
            raise GradientLost(
                "spectral(f, A): f depends on a Value, whose gradient would be lost\n"
                "  write  v.data   in f, to leave the graph on purpose"
            )
        if np.ndim(y) and np.shape(y) != x.shape:
            raise ArgumentError(
                f"spectral(f, A): f must compute entry by entry, and made shape {np.shape(y)} of shape {x.shape}"
            )
        return np.array(np.broadcast_to(y, x.shape), dtype=x.dtype)


def _looks_at(f: Function) -> tuple[Any, ...]:
    """The code of f, and its data: numbers and texts by value, all else by identity."""
    cells = [cell.cell_contents for cell in getattr(f, "__closure__", None) or ()]
    return getattr(f, "__code__", f), *map(key_by_value, (*cells, *(getattr(f, "__defaults__", None) or ())))


def _derivative(f: Function, order: int) -> Function:
    """The derivative of that order, entry by entry."""
    for _ in range(order):
        f = _slope(f)
    return f


def _slope(f: Function) -> Function:
    return lambda x: grad(f)(x, cotangent=np.ones(x.shape, x.dtype))
