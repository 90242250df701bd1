"""Factorisations of matrices, of one or of a stack of them: cholesky, qr, eigh, svd.

The derivatives are those of Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); cholesky: Murray, "Differentiation of the Cholesky decomposition" (2016); qr: Seeger,
Hetzel, Dai, Meissner and Lawrence, "Auto-differentiating linear algebra" (2017); svd: Townsend,
"Differentiating the singular value decomposition" (2016).

They leave some cases open. This page decides them:

- Equal values in eigh and svd, to the rounding of the factorisation. A function of the values alone has its
  derivative, and so has one of the vectors alone that does not tell equal ones apart: the projector on their space,
  the polar factor U Vᵀ. Any other raises LinAlgError: in V f(λ) Vᵀ the rule needs the limit of
  (f(λj) - f(λi)) / (λj - λi), and does not see f. `minigrad.spectral` does. (A rule sees one call: λ of one
  and V of another are not seen to belong together.) Vectors that nothing depends on do not matter.
- Close values are not equal, but digits are lost, by eps |A| / (λj - λi), and by the square of the last factor in
  second derivatives; `spectral` loses none, nor does a first gradient that does not tell the vectors apart.
- A singular value of 0 has the derivative 0, like |x| at 0: it is a minimum. Its vectors are treated as those of
  equal values, s and -s.
- Signs of vectors are LAPACK's choice. A meaningful function does not depend on them.
- cholesky, eigh and eigvalsh read one triangle of their matrix, which gets the whole gradient: off the diagonal
  it is twice the symmetric one, and the other triangle gets 0. For (A + Aᵀ) / 2 it is symmetric.
- qr of a matrix without full rank, to rounding and whatever the size of its columns, raises LinAlgError; of a wide
  one, its first columns count.
- Columns that complete U, V or Q to a basis of the space: how they are turned about each other is arbitrary, and a
  function that depends on it raises LinAlgError.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import op, refuse
from ..engine.sampling import Call, Domain, Draw
from .linalg import swap
from .matrix_domains import SINGULAR_VALUES, SYMMETRIC, rounds_to_zero, square_matrix_expected, stack_of
from .spectra import (
    OnlyBackward,
    beside,
    completed,
    draw_singular,
    draw_symmetric,
    eigenvalue_slopes,
    eigenvalue_slopes_of,
    eigenvalue_sum,
    eigenvalue_sum_of,
    either_of,
    exceeds_rounding,
    fold_for,
    fold_triangles,
    half_weights,
    is_used,
    mirror,
    mirror_for,
    reciprocal,
    reciprocal_gaps,
    singular_slopes,
    singular_slopes_of,
    singular_sum,
    singular_sum_of,
    transpose_if,
    used_columns,
    without_rounding,
)
from .triangular import inverse_lower

DEFINITE = Domain("positive definite", -0.4, 0.4)
FULL_RANK = Domain("full rank", -0.4, 0.4, avoid=(0.0,))


def _cholesky_vjp(g: Any, y: Any, a: Any, upper: bool = False) -> Any:
    """S = L⁻ᵀ Φ(Lᵀ g) L⁻¹, where Φ takes the lower triangle and half of the diagonal."""
    g, low = transpose_if(upper, g), transpose_if(upper, y)
    inverse, inner = inverse_lower(low), (swap(low) @ g) * half_weights(a.shape[-1], a.dtype)
    return transpose_if(upper, fold_triangles(swap(inverse) @ inner @ inverse))


def _cholesky_jvp(t: Any, y: Any, a: Any, upper: bool = False) -> Any:
    """L Φ(L⁻¹ t L⁻ᵀ)."""
    t, low = mirror(transpose_if(upper, t)), transpose_if(upper, y)
    inverse = inverse_lower(low)
    inner = inverse @ t @ swap(inverse)
    return transpose_if(upper, low @ (inner * half_weights(a.shape[-1], a.dtype)))


def _definite(draw: Draw) -> Call:
    n = draw.integer(1, 3)
    return (stack_of(draw, DEFINITE, n, n, n),), {"upper": draw.choice([False, True])}


def _eigh_vjp(g: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    """V (diag(gλ) + F ∘ (K - Kᵀ)/2) Vᵀ, with K = Vᵀ gV and F = 1 / (λj - λi)."""
    (gw, gv), (w, v) = g, y
    total: Any = np.zeros_like(a)
    if is_used(gw):
        on_arrays = isinstance(v, np.ndarray) and isinstance(gw, np.ndarray)
        fixed = isinstance(gw, np.ndarray)
        total = eigenvalue_sum_of(gw, v) if on_arrays else eigenvalue_sum(gw, a, UPLO, fixed)
    if is_used(gv):
        k = swap(v) @ gv
        odd = without_rounding((k - swap(k)) / 2, k)

        def matters() -> Any:
            told_apart = exceeds_rounding(odd, k)
            by_both = either_of(used_columns(gv) | np.not_equal(gw, 0.0)) if is_used(gw) else False
            return (told_apart | by_both) & beside(w)

        total = total + v @ (reciprocal_gaps(w, matters, "linalg.eigh") * odd) @ swap(v)
    return fold_for(total, UPLO)


def _eigh_jvp(t: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    """λ' = diag(Vᵀ t V),  V' = V (F ∘ Vᵀ t V)."""
    w, v = y
    t = mirror_for(t, UPLO)
    on_arrays = isinstance(v, np.ndarray) and isinstance(t, np.ndarray)
    moved = swap(v) @ t @ v
    gaps = reciprocal_gaps(w, lambda: exceeds_rounding(moved) & beside(w), "linalg.eigh", True)
    return eigenvalue_slopes_of(t, v) if on_arrays else eigenvalue_slopes(t, a, UPLO), v @ (gaps * moved)


def _eigvalsh_vjp(g: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    return fold_for(eigenvalue_sum(g, a, UPLO, isinstance(g, np.ndarray)), UPLO)


def _eigvalsh_jvp(t: Any, y: Any, a: Any, UPLO: Any = "L") -> Any:
    return eigenvalue_slopes(mirror_for(t, UPLO), a, UPLO)


def _thin(g: Any, u: Any, n: int, name: str) -> tuple[Any, Any]:
    """The first n columns of u with their cotangent, where the others complete them to a basis of the space.

    Those turn along, by -U1 U1'ᵀ U2, and about each other, which is arbitrary.
    """
    if u.shape[-1] == n:
        return g, u
    first, rest = u[..., :n], u[..., n:]
    if not is_used(g):
        return g[..., :n], first
    inner = swap(rest) @ g[..., n:]
    g_rest = completed(g[..., n:], exceeds_rounding(inner - swap(inner), g), name)
    return g[..., :n] - rest @ (swap(g_rest) @ first), first


def _complete(du: Any, u: Any, n: int, name: str) -> Any:
    """The tangent of u, whose first n columns have the tangent du."""
    first, rest = u[..., :n], u[..., n:]
    if rest.shape[-1] > 1:
        raise OnlyBackward(f"{name}: how the columns that complete the basis are turned is arbitrary")
    return np.concatenate([du, -(first @ (swap(du) @ rest))], axis=-1) if rest.shape[-1] else du


def _svd_vjp(g: Any, y: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U (E∘(P + Q) + H∘(P - Q) + diag(gs)) Vᵀ, with P, Q the odd parts of Uᵀ gU and Vᵀ gV.

    E = 1 / (sj - si) is not known where values are equal, H = 1 / (sj + si) is: a polar factor is right there.
    If U has fewer columns than rows, the part outside the span of its columns is added; likewise for V.
    """
    if not compute_uv:
        return singular_sum(g, a, isinstance(g, np.ndarray))
    (gu, gs, gvh), (u, s, vh) = g, y
    n, by_values, by_vectors = s.shape[-1], is_used(gs), is_used(gu) or is_used(gvh)
    total: Any = np.zeros_like(a)
    if by_values:
        fixed = isinstance(gs, np.ndarray)
        on_arrays = fixed and isinstance(u, np.ndarray)
        total = singular_sum_of(gs, u[..., :n], s, vh[..., :n, :]) if on_arrays else singular_sum(gs, a, fixed)
    if not by_vectors:
        return total
    (gu, u), (gv, v) = _thin(gu, u, n, "linalg.svd"), _thin(swap(gvh), swap(vh), n, "linalg.svd")
    k, j = swap(u) @ gu, swap(v) @ gv
    p, q = (k - swap(k)) / 2, (j - swap(j)) / 2
    even, odd = without_rounding(p + q, k, j), p - q
    out_u, out_v = gu - u @ k, gv - v @ j

    def matters() -> Any:
        by_both = either_of(used_columns(gu, gv) | np.not_equal(gs, 0.0)) if by_values else False
        return by_both | _undetermined(s, even, odd, (k, j), ((out_u, gu), (out_v, gv)))

    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    e, h = reciprocal_gaps(s, matters, "linalg.svd"), reciprocal(row + column, s)
    total = total + u @ (e * even + h * odd) @ swap(v)
    if u.shape[-2] > n:
        total = total + (out_u * reciprocal(row, s)) @ swap(v)
    if v.shape[-2] > n:
        total = total + u @ swap(out_v * reciprocal(row, s))
    return total


def _undetermined(s: Any, even: Any, odd: Any, inside: Any, outside: Any) -> Any:
    """What is more than rounding among the parts that equal values, or values of 0, leave undetermined.

    even and odd: what 1 / (sj - si) and 1 / (sj + si) multiply. inside: what they were computed from. outside: the
    parts that 1 / sj multiplies, each with what it was computed from; they stand on the diagonal.
    """
    both_zero = rounds_to_zero(np.expand_dims(s, -2) + np.expand_dims(s, -1), s)
    found = exceeds_rounding(even, *inside) | (exceeds_rounding(odd, *inside) & both_zero)
    for part, whole in outside:
        column = np.any(exceeds_rounding(part, whole), axis=-2)
        found = found | (np.expand_dims(column, -1) & np.eye(s.shape[-1], dtype=bool))
    return found


def _svd_jvp(t: Any, y: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """U' = U (E∘even + H∘odd),  s' = diag(M),  V' = V (E∘even - H∘odd), with the parts of M = Uᵀ t V."""
    if not compute_uv:
        return singular_slopes(t, a)
    full_u, s, full_vh = y
    n = s.shape[-1]
    u, v, full_v = full_u[..., :n], swap(full_vh[..., :n, :]), swap(full_vh)
    right, left = t @ v, swap(t) @ u
    m = swap(u) @ right
    even, odd = (m + swap(m)) / 2, (m - swap(m)) / 2
    out_u, out_v = right - u @ m, left - v @ swap(m)
    row, column = np.expand_dims(s, -2), np.expand_dims(s, -1)
    outside = ((out_u, right), (out_v, left))
    e = reciprocal_gaps(s, lambda: _undetermined(s, even, odd, (m,), outside), "linalg.svd", True)
    h, inverse = reciprocal(row + column, s), reciprocal(row, s)
    du, dv = u @ (e * even + h * odd), v @ (e * even - h * odd)
    if u.shape[-2] > n:
        du = du + out_u * inverse
    if v.shape[-2] > n:
        dv = dv + out_v * inverse
    on_arrays = isinstance(u, np.ndarray) and isinstance(t, np.ndarray)
    ds = singular_slopes_of(t, u, s, swap(v)) if on_arrays else singular_slopes(t, a)
    dv = _complete(dv, full_v, n, "linalg.svd")
    return _complete(du, full_u, n, "linalg.svd"), ds, swap(dv)


def _svd_call(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Call:
    if hermitian:
        refuse("svd of a Value does not take hermitian=True\n  leave it out, or write  np.linalg.eigh(a)")
    return (a,), {"full_matrices": full_matrices, "compute_uv": compute_uv}


def _svd(draw: Draw) -> Call:
    a = draw_singular(draw)
    few = abs(a.shape[-1] - a.shape[-2]) < 2  # more columns that complete a basis have no derivative
    return (a,), draw.choice([{"full_matrices": False}, {"compute_uv": False}, {"full_matrices": few}])


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
    """(gQ + Q M) R⁻ᵀ, where M is symmetric, with the lower triangle of R gRᵀ - gQᵀ Q.

    So for square R. Columns beside it are Q R2: they add A2 gR2ᵀ to gQ, and their gradient is Q gR2.
    """
    q, r = np.linalg.qr(a) if mode == "r" else y
    gq, gr = (0 * q, g) if mode == "r" else g
    n = min(a.shape[-2:])
    gq, q = _thin(gq, q, n, "linalg.qr")
    beside = gr[..., :n, n:]
    if a.shape[-1] > n:
        gq = gq + a[..., n:] @ swap(beside)
    r, gr = _full_rank(r[..., :n, :n]), gr[..., :n, :n]
    inner = r @ swap(gr) - swap(gq) @ q  # its lower triangle uses no entry of gR below the diagonal
    first = swap(np.linalg.solve(r, swap(gq + q @ mirror(inner))))
    return np.concatenate([first, q @ beside], axis=-1) if a.shape[-1] > n else first


def _qr_jvp(t: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    """R' = (C - Ω) R,  Q' = Q Ω + (1 - Q Qᵀ) t R⁻¹, with C = Qᵀ t R⁻¹ and Ω skew, under its diagonal that of C."""
    full, r = np.linalg.qr(a) if mode == "r" else y
    n = min(a.shape[-2:])
    q, square = full[..., :n], _full_rank(r[..., :n, :n])
    moved = swap(np.linalg.solve(swap(square), swap(t[..., :n])))
    c = swap(q) @ moved
    lower = c * np.tri(n, k=-1, dtype=a.dtype)
    skew = lower - swap(lower)
    dq, dr = q @ (skew - c) + moved, (c - skew) @ square
    if a.shape[-1] > n:
        dr = np.concatenate([dr, swap(dq) @ a[..., n:] + swap(q) @ t[..., n:]], axis=-1)
    if mode == "r":
        return dr
    if r.shape[-2] > n:
        dr = np.concatenate([dr, np.zeros((*r.shape[:-2], r.shape[-2] - n, r.shape[-1]), r.dtype)], axis=-2)
    return _complete(dq, full, n, "linalg.qr"), dr


def _qr_call(a: Any, mode: str = "reduced") -> Call:
    if mode not in ("reduced", "r", "complete"):
        refuse(f"qr of a Value does not take mode={mode!r}\n  write  mode='reduced', 'complete' or 'r'")
    return (a,), {"mode": mode}


def _qr(draw: Draw) -> Call:
    rows, columns = draw.choice([(1, 1), (2, 2), (3, 3), (2, 1), (3, 2), (1, 2), (2, 3), (1, 3)])
    a = stack_of(draw, FULL_RANK, rows, columns, max(rows, columns))
    return (a,), {"mode": draw.choice(["reduced", "r", "complete"])}


# fmt: off
op(np.linalg.cholesky, "cholesky", "A = y yᵀ, y lower triangular", domain=(DEFINITE,), vjp=(_cholesky_vjp,),
    jvp=(_cholesky_jvp,), calls=_definite, expects=square_matrix_expected,
    kink="the gradient is in the triangle that is read", gives_new=True)
op(np.linalg.eigh, "eigh", "A = y diag(λ) yᵀ", domain=(SYMMETRIC,), vjp=(_eigh_vjp,), jvp=(_eigh_jvp,),
    calls=draw_symmetric, expects=square_matrix_expected,
    kink="equal λ: LinAlgError if λ and y matter, as in y diag(f(λ)) yᵀ (`spectral` has it); "
    "the gradient is in the triangle that is read", gives_new=True)
op(np.linalg.eigvalsh, "eigvalsh", "y = the eigenvalues of A", domain=(SYMMETRIC,), vjp=(_eigvalsh_vjp,),
    jvp=(_eigvalsh_jvp,), calls=draw_symmetric, expects=square_matrix_expected,
    kink="equal λ: the second derivative along what mixes them: LinAlgError (`spectral` has it); "
    "the gradient is in the triangle that is read", gives_new=True)
op(np.linalg.svd, "svd", "A = y diag(s) vᵀ", domain=(SINGULAR_VALUES,), vjp=(_svd_vjp,), jvp=(_svd_jvp,),
    bind=_svd_call, calls=_svd, kink="equal s: LinAlgError if s matters, and y or v (`spectral` of Aᵀ A has it); "
    "s = 0: 0 for s alone", gives_new=True)
op(np.linalg.qr, "qr", "A = y r, yᵀ y = 1, r upper triangular", domain=(FULL_RANK,), vjp=(_qr_vjp,), jvp=(_qr_jvp,),
    bind=_qr_call, calls=_qr, kink="LinAlgError without full rank, or if it matters how the columns "
    "that complete a basis are turned", gives_new=True)
