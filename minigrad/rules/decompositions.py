"""Functions of square matrices and factorisations, of one matrix or of a stack of them.

The differentials are those of Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), and of Magnus and Neudecker, "Matrix Differential Calculus"; pinv and lstsq: Golub and
Pereyra (1973); cholesky: Murray (2016); qr: Walter and Lehmann (2010), Seeger et al. (2017); svd: Townsend (2016).

What there is no unique derivative of:

- eigh and svd where values are equal (to the rounding of the factorisation): 1 / (λj - λi) counts as 0 there, so that what depends
  only on the space the vectors span gets its derivative, and nothing is nan. A function that tells such vectors
  apart, or whose limit comes from that pair, as V f(λ) Vᵀ does, does not get its own there.
- eigh, eigvalsh and cholesky read one triangle of their matrix, and the gradient stands there: twice what a symmetric gradient has
  off the diagonal, and 0 in the other triangle. Write (a + a.T) / 2 for a symmetric one.
- eigenvectors and singular vectors are unique up to their sign, which LAPACK chooses: a function worth a derivative does not depend on it.
- pinv and lstsq of a matrix without full rank: the derivative along matrices of the same rank.
- inv, solve, slogdet, qr of a matrix without full rank: LinAlgError, as NumPy has it. det has its derivative there,
  the cofactors, but not the second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domain import REAL, Call, Domain, Draw
from ..op import dispatched, op, refuse
from .linalg import swap

# A drawn matrix is its own small entries and something large on the diagonal; entries of 0 would be kinks
# to the signs that LAPACK gives to vectors.
INVERTIBLE = Domain("invertible", -0.4, 0.4)
FULL_RANK = Domain("full rank", -0.4, 0.4, avoid=(0.0,))
DEFINITE = Domain("positive definite", -0.4, 0.4)
SYMMETRIC = Domain("symmetric, distinct eigenvalues", -0.4, 0.4, avoid=(0.0,))
SINGULAR_VALUES = Domain("distinct singular values", -0.4, 0.4, avoid=(0.0,))


def _stack(draw: Draw, domain: Domain, rows: int, columns: int, diagonal: Any) -> Any:
    """Matrices with small entries from the domain, and these numbers added on the diagonal."""
    k = np.arange(min(rows, columns))
    added = np.zeros((rows, columns))
    added[k, k] = np.broadcast_to(diagonal, k.shape)
    return draw.array(domain, (*draw.shape(max_dims=1), rows, columns)) + added


def _invertible(draw: Draw) -> Any:
    """Invertible matrices, with determinants of either sign."""
    n = draw.integer(1, 3)
    a = _stack(draw, INVERTIBLE, n, n, draw.choice([n, -n]))
    return draw.choice([a, a[..., ::-1]])


def _one_invertible(draw: Draw) -> Call:
    return (_invertible(draw),), {}


def _square(a: Any, *more: Any) -> str:
    return f"expected square matrices, got shape {a}"


# -------------------------------------------------------------------------------- inverse and determinant

op(
    np.linalg.inv,
    "inv",
    "y = A⁻¹",
    domain=(INVERTIBLE,),
    vjp=(lambda g, y, a: -(swap(y) @ g @ swap(y)),),
    jvp=(lambda t, y, a: -(y @ t @ y),),
    calls=_one_invertible,
    expects=_square,
)


@dispatched
def cofactor(a: Any) -> Any:
    """det(a) a⁻ᵀ, the derivative of det(a), which singular matrices have as well: there, by the SVD.

    a: (…, n, n). Gives the same shape.
    """
    try:
        return np.expand_dims(np.linalg.det(a), (-1, -2)) * swap(np.linalg.inv(a))
    except np.linalg.LinAlgError:
        u, s, vh = np.linalg.svd(a)
        n = s.shape[-1]
        others = np.prod(np.where(np.eye(n, dtype=bool), 1.0, np.expand_dims(s, -2)), axis=-1)
        sign = np.linalg.det(u) * np.linalg.det(vh)
        return (u * np.expand_dims(np.expand_dims(sign, -1) * others, -2)) @ vh


def _cofactor_rule(g: Any, y: Any, a: Any) -> Any:
    """The derivative of the cofactors is the Hessian of det, and symmetric: the rule is vjp and jvp."""
    inverse = swap(np.linalg.inv(a))
    return np.sum(g * y, axis=(-1, -2), keepdims=True) * inverse - y @ swap(g) @ inverse


op(
    cofactor,
    "cofactor",
    "y = det(A) A⁻ᵀ",
    domain=(INVERTIBLE,),
    vjp=(_cofactor_rule,),
    jvp=(_cofactor_rule,),
    calls=_one_invertible,
    expects=_square,
)
op(
    np.linalg.det,
    "det",
    "y = det A",
    domain=(INVERTIBLE,),
    vjp=(lambda g, y, a: np.expand_dims(g, (-1, -2)) * cofactor(a),),
    jvp=(lambda t, y, a: np.sum(t * cofactor(a), axis=(-1, -2)),),
    calls=_one_invertible,
    expects=_square,
)
op(
    np.linalg.slogdet,
    "slogdet",
    "sign, y = the sign and ln |det A|",
    domain=(INVERTIBLE,),
    vjp=(lambda g, y, a: np.expand_dims(g[1], (-1, -2)) * swap(np.linalg.inv(a)),),
    jvp=(lambda t, y, a: (np.zeros(a.shape[:-2]), np.sum(t * swap(np.linalg.inv(a)), axis=(-1, -2))),),
    calls=_one_invertible,
    expects=_square,
    analytic=False,
)


def _power_slope(t: Any, a: Any, n: int) -> Any:
    """Σ a^i t a^(n-1-i) over i < n: what t adds to a^n, by halving n."""
    if n < 0:
        inverse = np.linalg.inv(a)
        return _power_slope(-(inverse @ t @ inverse), inverse, -n)
    total = np.zeros(a.shape, dtype=a.dtype)
    if n == 0:
        return total
    while n > 1:
        rest = np.linalg.matrix_power(a, n - 1 if n % 2 else n // 2)
        if n % 2:
            total = total + t @ rest
            t, n = a @ t, n - 1
        else:
            t, n = rest @ t + t @ rest, n // 2
    return total + t


def _matrix_power(draw: Draw) -> Call:
    n = draw.integer(1, 3)
    a = _stack(draw, INVERTIBLE, n, n, draw.choice([1.5, -1.5]))
    return (a,), {"n": draw.choice([2, 3, 0, 1, -1, 5, 6, -2, -3])}


op(
    np.linalg.matrix_power,
    "matrix_power",
    "y = Aⁿ",
    domain=(INVERTIBLE,),
    vjp=(lambda g, y, a, n=1: _power_slope(g, swap(a), n),),
    jvp=(lambda t, y, a, n=1: _power_slope(t, a, n),),
    calls=_matrix_power,
    expects=_square,
)


# -------------------------------------------------------------------------------------- systems of equations


def _matrix(v: Any, b: Any) -> Any:
    """v as a stack of matrices, where a vector b made it a stack of vectors."""
    return np.expand_dims(v, -1) if np.ndim(b) == 1 else v


def _solve_for_matrix(g: Any, y: Any, a: Any, b: Any) -> Any:
    return -(np.linalg.solve(swap(a), _matrix(g, b)) @ swap(_matrix(y, b)))


def _solve_for_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    c = np.linalg.solve(swap(a), _matrix(g, b))
    return np.squeeze(c, -1) if b.ndim == 1 else c


def _solve_along_matrix(t: Any, y: Any, a: Any, b: Any) -> Any:
    c = -np.linalg.solve(a, t @ _matrix(y, b))
    return np.squeeze(c, -1) if b.ndim == 1 else c


def _solve(draw: Draw) -> Call:
    a = _invertible(draw)
    n = a.shape[-1]
    b = draw.choice([(n,), (n, draw.integer(1, 3)), (*draw.shape(1, 1), n, 1), (*a.shape[:-2], n, n)])
    if len(b) > 2 and a.ndim > 2:
        b = draw.choice([(1, *b[1:]), (*a.shape[:-2], *b[1:])])
    return (a, draw.array(REAL, b)), {}


op(
    np.linalg.solve,
    "solve",
    "y = A⁻¹ b",
    domain=(INVERTIBLE, REAL),
    vjp=(_solve_for_matrix, _solve_for_right),
    jvp=(_solve_along_matrix, lambda t, y, a, b: np.linalg.solve(a, t)),
    calls=_solve,
    expects=lambda a, b: f"expected square matrices and right sides with as many rows, got shapes {a} and {b}",
)


def _projected(p: Any, a: Any, x: Any) -> Any:
    """x less its share in the rows of a: (1 - a⁺ a) x."""
    return x - p @ (a @ x)


def _pinv_vjp(g: Any, y: Any, a: Any, rcond: Any = None, rtol: Any = None) -> Any:
    up, gt, at = swap(y), swap(g), swap(a)
    range_part = _projected(up, at, gt @ (y @ up))  # (1 - A A⁺) gᵀ A⁺ A⁺ᵀ
    rows_part = swap(_projected(y, a, g @ (y @ up) @ up if False else g @ swap(up @ y)))
    return range_part + rows_part - up @ g @ up
