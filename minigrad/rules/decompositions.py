"""Factorisations of matrices, of one or of a stack of them: cholesky, qr, eigh, svd.

The derivatives are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); cholesky: Murray, "Differentiation of the Cholesky decomposition" (2016); qr: Seeger,
Hetzel, Dai, Meissner and Lawrence, "Auto-differentiating linear algebra" (2017); svd: Townsend,
"Differentiating the singular value decomposition" (2016).

They leave some cases open. This page decides them:

- Equal values in eigh and svd, to the rounding of the factorisation: 1 / (λj - λi) counts as 0. A function
  of the space that their vectors span gets its derivative, and nothing is nan. A function that distinguishes the
  vectors has no derivative there; one that needs the limit of that quotient, like V f(λ) Vᵀ, does not get it.
- A singular value of 0 has the derivative 0, like |x| at 0: it is a minimum. 1 / s counts as 0 there.
- Signs of vectors are LAPACK's choice. A meaningful function does not depend on them.
- cholesky, eigh and eigvalsh read one triangle of their matrix, which gets the whole gradient: off the diagonal
  it is twice the symmetric one, and the other triangle gets 0. For (A + Aᵀ) / 2 it is symmetric.
- qr of a matrix without full rank, to rounding and whatever the size of its columns, raises LinAlgError.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import op, refuse
from ..engine.sampling import Call, Domain, Draw
from .linalg import swap
from .systems import SINGULAR_VALUES, may_be_nonzero, rounds_to_zero, square_matrix_expected, stack_of

DEFINITE = Domain("positive definite", -0.4, 0.4)
# No entries of 0: beside them LAPACK changes the signs of vectors.
SYMMETRIC = Domain("symmetric, distinct eigenvalues", -0.4, 0.4, avoid=(0.0,))
TALL = Domain("full rank, no more columns than rows", -0.4, 0.4, avoid=(0.0,))


def _mirror(t: Any) -> Any:
    """The symmetric matrix with the lower triangle of t."""
    n = t.shape[-1]
    return t * np.tri(n, dtype=t.dtype) + swap(t * np.tri(n, k=-1, dtype=t.dtype))


def _half_weights(n: int, dtype: Any) -> Any:
    """1 under the diagonal, 1/2 on it: the weights that count each entry of a symmetric matrix once."""
    return (np.tri(n, dtype=dtype) + np.tri(n, k=-1, dtype=dtype)) / 2


def _fold(s: Any) -> Any:
    """The transpose of `_mirror`, for the symmetric part of s: both triangles added up in the lower one."""
    return (s + swap(s)) * _half_weights(s.shape[-1], s.dtype)


def _transpose_if(upper: bool, x: Any) -> Any:
    """x, transposed if its upper triangle is read."""
    return swap(x) if upper else x


def _cholesky_vjp(g: Any, y: Any, a: Any, upper: bool = False) -> Any:
    """S = L⁻ᵀ Φ(Lᵀ g) L⁻¹, where Φ takes the lower triangle and half of the diagonal."""
    g, turned = _transpose_if(upper, g), _transpose_if(not upper, y)
    inner = (turned @ g) * _half_weights(a.shape[-1], a.dtype)
    s = np.linalg.solve(turned, swap(np.linalg.solve(turned, inner)))
    return _transpose_if(upper, _fold(s))


def _cholesky_jvp(t: Any, y: Any, a: Any, upper: bool = False) -> Any:
    """L Φ(L⁻¹ t L⁻ᵀ)."""
    t, low = _mirror(_transpose_if(upper, t)), _transpose_if(upper, y)
    inner = np.linalg.solve(low, swap(np.linalg.solve(low, t)))
    return _transpose_if(upper, low @ (inner * _half_weights(a.shape[-1], a.dtype)))


def _definite(draw: Draw) -> Call:
    n = draw.integer(1, 3)
    return (stack_of(draw, DEFINITE, n, n, n),), {"upper": draw.choice([False, True])}


def _reciprocal(x: Any, w: Any) -> Any:
    """1 / x for a matrix x made of the values w, and 0 where x is 0 to their rounding."""
    zero = rounds_to_zero(x, w)
    return np.where(zero, 0.0, 1 / np.where(zero, 1.0, x))


def _gaps(w: Any) -> Any:
    """1 / (w[j] - w[i]), and 0 on the diagonal and where values are equal."""
    return _reciprocal(np.expand_dims(w, -2) - np.expand_dims(w, -1), w)


def _eigh_vjp(g: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    """V (diag(gλ) + F ∘ Vᵀ gV) Vᵀ, with F = 1 / (λj - λi)."""
    (gw, gv), (w, v) = g, y
    total = (v * np.expand_dims(gw, -2)) @ swap(v)
    if may_be_nonzero(gv):
        total = total + v @ (_gaps(w) * (swap(v) @ gv)) @ swap(v)
    return _transpose_if(UPLO in "Uu", _fold(total))


def _eigh_jvp(t: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    """λ' = diag(Vᵀ t V),  V' = V (F ∘ Vᵀ t V)."""
    w, v = y
    moved = _mirror(_transpose_if(UPLO in "Uu", t)) @ v
    return np.sum(v * moved, axis=-2), v @ (_gaps(w) * (swap(v) @ moved))


def _eigvalsh_vjp(g: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    return _transpose_if(UPLO in "Uu", _fold((v * np.expand_dims(g, -2)) @ swap(v)))


def _eigvalsh_jvp(t: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    v = np.linalg.eigh(a, UPLO)[1]
    return np.sum(v * (_mirror(_transpose_if(UPLO in "Uu", t)) @ v), axis=-2)


# Two values at most: the iteration for three and more may change the sign of a vector under a finite difference.
def _symmetric(draw: Draw) -> Call:
    n = draw.integer(1, 2)
    a = stack_of(draw, SYMMETRIC, n, n, 3.0 * (1 + np.arange(n)) * draw.choice([1, -1]))
    return (a,), {"UPLO": draw.choice(["L", "U", "l"])}


def _value_slopes(u: Any, g: Any, s: Any, vh: Any) -> Any:
    """U diag(g) Vᵀ, without singular values of 0: like |x| they have a minimum there."""
    return (u * np.expand_dims(np.where(rounds_to_zero(s, s), 0.0, g), -2)) @ vh


def _svd_vjp(g: Any, y: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U (E∘(P + Q)/2 + H∘(P - Q)/2 + diag(gs)) Vᵀ, with P = K - Kᵀ, Q = J - Jᵀ, K = Uᵀ gU, J = Vᵀ gV.

    E = 1 / (sj - si) counts as 0 where values are equal, H = 1 / (sj + si) does not: a polar factor is right there.
    If U has fewer columns than rows, the part outside the span of its columns is added; likewise for V.
    """
    if not compute_uv:
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return _value_slopes(u, g, s, vh)
    (gu, gs, gvh), (u, s, vh) = g, y
    total = _value_slopes(u, gs, s, vh)
    if not (may_be_nonzero(gu) or may_be_nonzero(gvh)):
        return total
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    e, h, inverse = _gaps(s) / 2, _reciprocal(row + column, s) / 2, _reciprocal(row, s)
    k, j = swap(u) @ gu, vh @ swap(gvh)
    p, q = k - swap(k), j - swap(j)
    total = total + u @ (e * (p + q) + h * (p - q)) @ vh
    if u.shape[-2] > u.shape[-1]:
        total = total + ((gu - u @ k) * inverse) @ vh
    if vh.shape[-1] > vh.shape[-2]:
        total = total + (u * inverse) @ (gvh - swap(j) @ vh)
    return total


def _svd_jvp(t: Any, y: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U' = U (E∘(P + Pᵀ) + H∘(P - Pᵀ))/2,  s' = diag(P),  V' = V (E∘(P + Pᵀ) - H∘(P - Pᵀ))/2, with P = Uᵀ t V."""
    u, s, vh = y if compute_uv else np.linalg.svd(a, full_matrices=False)
    right, left = t @ swap(vh), swap(u) @ t
    ds = np.where(rounds_to_zero(s, s), 0.0, np.sum(u * right, axis=-2))
    if not compute_uv:
        return ds
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    e, h, inverse = _gaps(s) / 2, _reciprocal(row + column, s) / 2, _reciprocal(row, s)
    p = swap(u) @ right
    even, odd = e * (p + swap(p)), h * (p - swap(p))
    du = u @ (even + odd)
    dvh = swap(even - odd) @ vh
    if u.shape[-2] > u.shape[-1]:
        du = du + (right - u @ p) * inverse
    if vh.shape[-1] > vh.shape[-2]:
        dvh = dvh + swap(inverse) * (left - p @ vh)
    return du, ds, dvh


def _svd_call(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Call:
    rows, columns = np.shape(a)[-2:]
    if hermitian:
        refuse("svd of a Value does not take hermitian=True\n  leave it out, or write  np.linalg.eigh(a)")
    if full_matrices and compute_uv and rows != columns:
        refuse(
            f"svd of a Value of shape {np.shape(a)} does not take full_matrices=True: "
            "the vectors it adds are arbitrary, and have no derivative\n  write  full_matrices=False"
        )
    return (a,), {"full_matrices": full_matrices, "compute_uv": compute_uv}


def _svd(draw: Draw) -> Call:
    rows, columns = draw.choice([(2, 2), (1, 1), (1, 2), (3, 2), (2, 3), (3, 1)])
    a = stack_of(draw, SINGULAR_VALUES, rows, columns, 3.0 * (1 + np.arange(min(rows, columns))))
    options = [{"full_matrices": False}, {"compute_uv": False}, {"full_matrices": rows == columns}]
    return (a,), draw.choice(options)


def _full_rank(r: Any) -> Any:
    """r, or 0 for a matrix without full rank (to rounding), so that solving with it raises LinAlgError.

    Its rank does not depend on the size of its columns, nor do Q and its derivative.
    """
    n = r.shape[-1]
    sizes = np.sum(np.abs(r), axis=-2, keepdims=True)
    inverse = np.linalg.solve(r / np.where(sizes == 0, 1.0, sizes), np.eye(n, dtype=r.dtype))
    rounding = 8 * n * np.finfo(r.dtype).eps
    return np.where(np.sum((rounding * inverse) ** 2, axis=(-1, -2), keepdims=True) >= 1, 0.0, r)


def _qr_vjp(g: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    """(gQ + Q M) R⁻ᵀ, where M is symmetric, with the lower triangle of R gRᵀ - gQᵀ Q."""
    q, r = np.linalg.qr(a) if mode == "r" else y
    gq, gr = (0 * q, g) if mode == "r" else g
    r = _full_rank(r)
    inner = r @ swap(gr) - swap(gq) @ q  # its lower triangle uses no entry of gR below the diagonal
    return swap(np.linalg.solve(r, swap(gq + q @ _mirror(inner))))


def _qr_jvp(t: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    """R' = (C - Ω) R,  Q' = Q Ω + (1 - Q Qᵀ) t R⁻¹, with C = Qᵀ t R⁻¹ and Ω skew, under its diagonal that of C."""
    q, r = np.linalg.qr(a) if mode == "r" else y
    r = _full_rank(r)
    moved = swap(np.linalg.solve(swap(r), swap(t)))
    c = swap(q) @ moved
    lower = c * np.tri(a.shape[-1], k=-1, dtype=a.dtype)
    skew = lower - swap(lower)
    dr = (c - skew) @ r
    return dr if mode == "r" else (q @ (skew - c) + moved, dr)


def _qr_call(a: Any, mode: str = "reduced") -> Call:
    rows, columns = np.shape(a)[-2:]
    if rows < columns:
        refuse(f"qr of a Value takes as many rows as columns or more, got shape {np.shape(a)}")
    if mode not in ("reduced", "r") and (mode != "complete" or rows != columns):
        refuse(f"qr of a Value of shape {np.shape(a)} does not take mode={mode!r}\n  write  mode='reduced'")
    return (a,), {"mode": mode}


def _qr(draw: Draw) -> Call:
    columns = draw.integer(1, 3)
    rows = columns + draw.integer(0, 1)
    modes = ["reduced", "r", "complete"][: 3 if rows == columns else 2]
    return (stack_of(draw, TALL, rows, columns, rows),), {"mode": draw.choice(modes)}


# fmt: off
op(np.linalg.cholesky, "cholesky", "A = y yᵀ, y lower triangular", domain=(DEFINITE,), vjp=(_cholesky_vjp,),
    jvp=(_cholesky_jvp,), calls=_definite, expects=square_matrix_expected,
    kink="the gradient is in the triangle that is read", gives_new=True)
op(np.linalg.eigh, "eigh", "A = y diag(λ) yᵀ", domain=(SYMMETRIC,), vjp=(_eigh_vjp,), jvp=(_eigh_jvp,),
    calls=_symmetric, expects=square_matrix_expected,
    kink="equal λ: 1/(λj-λi) counts as 0; the gradient is in the triangle that is read", gives_new=True)
op(np.linalg.eigvalsh, "eigvalsh", "y = the eigenvalues of A", domain=(SYMMETRIC,), vjp=(_eigvalsh_vjp,),
    jvp=(_eigvalsh_jvp,), calls=_symmetric, expects=square_matrix_expected,
    kink="the gradient is in the triangle that is read", gives_new=True)
op(np.linalg.svd, "svd", "A = y diag(s) vᵀ", domain=(SINGULAR_VALUES,), vjp=(_svd_vjp,), jvp=(_svd_jvp,),
    bind=_svd_call, calls=_svd, kink="equal s: 1/(sj-si) counts as 0; at s = 0: 0", gives_new=True)
op(np.linalg.qr, "qr", "A = y r, yᵀ y = 1, r upper triangular", domain=(TALL,), vjp=(_qr_vjp,), jvp=(_qr_jvp,),
    bind=_qr_call, calls=_qr, kink="LinAlgError without full rank", gives_new=True)
