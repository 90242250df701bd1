"""Real eigenvalues of matrices that need not be symmetric, and the real roots of polynomials.

The results are real on every NumPy, though from 2.5 on eigvals and eig of NumPy itself give complex numbers for
real matrices. Where a value is not real, these functions raise DTypeError.

The derivatives are those of Magnus, "On differentiating eigenvalues and eigenvectors" (1985), for vectors of
length 1. Rounding moves an eigenvalue by eps |A| κ, where κ is the size of its left
eigenvector. Closer ones count as equal:

- A function of eigenvalues alone, in which equal ones weigh the same, such as Σ f(λ), has its derivative.
- Any other function of equal ones raises LinAlgError, as do eigenvalues that share an eigenvector.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.errors import DTypeError
from ..engine.op import dispatched, op, piecewise_constant
from ..engine.sampling import BOOLEAN, DISTINCT, REAL, Call, Domain, Draw
from .linalg import swap
from .matrix_domains import square_matrix_expected, stack_of
from .spectra import OnlyBackward, Undetermined, beside, either_of, exceeds_rounding, is_used, used_columns

REAL_SPECTRUM = Domain("real, distinct eigenvalues", -0.4, 0.4, avoid=(0.0,))


_STAY_REAL = "np.trace, np.linalg.det or matrix_power   which stay real, or eigvalsh if A is symmetric"


def _real(values: Any, name: str, noun: str, remedy: str = _STAY_REAL) -> Any:
    """Numbers whose imaginary parts are 0, as real ones."""
    if np.any(found := np.imag(values) != 0):
        shown = ", ".join(f"{x:.4g}" for x in values[found][:2])
        raise DTypeError(
            f"{name}: {noun} {shown} are complex, and complex numbers have no derivatives here\n  write  {remedy}"
        )
    return np.real(values)


def _eigvals(a: Any) -> Any:
    return _real(np.linalg.eigvals(a), "linalg.eigvals", "the eigenvalues")


def _eig(a: Any) -> Any:
    y = np.linalg.eig(a)
    return type(y)(_real(y[0], "linalg.eig", "the eigenvalues"), np.real(y[1]))


def _decompose(a: Any) -> Any:
    """λ and V as real numbers, of an array or a Value."""
    return _eig(a) if isinstance(a, np.ndarray) else np.linalg.eig(a)


@dispatched
def equal_eigenvalues(w: Any, left: Any, matters: Any, forward: bool = False) -> Any:
    """Whether w[i] and w[j] are equal to rounding, and i ≠ j; LinAlgError where that matters.

    w: (…, n). left: the left eigenvectors as rows, for right ones of length 1. matters: (…, n, n).
    """
    n, eps = w.shape[-1], np.finfo(w.dtype).eps
    if not n:
        return np.zeros(matters.shape, dtype=bool)
    condition = np.linalg.norm(left, axis=-1)
    worse = np.maximum(np.expand_dims(condition, -1), np.expand_dims(condition, -2))
    gap = np.abs(np.expand_dims(w, -2) - np.expand_dims(w, -1))
    size = np.max(np.abs(w), axis=-1, keepdims=True)[..., None]
    found = ~(gap > 8 * n * eps * size * worse) & beside(w)
    if np.any(wrong := found & (matters | (worse > eps ** (-1 / 3)))):
        *entry, i, j = (int(k) for k in np.argwhere(wrong)[0])
        of = f" of matrix {entry[0] if len(entry) == 1 else tuple(entry)}" if entry else ""
        raise (OnlyBackward if forward else Undetermined)(
            f"linalg.eig: eigenvalues {i} and {j}{of} are equal ({w[(*entry, i)]:.8g}, {w[(*entry, j)]:.8g}), "
            "or share an eigenvector: there its rule cannot know the derivative\n"
            "  write  minigrad.spectral(f, A)   if A is symmetric"
        )
    return found


def _gaps(w: Any, left: Any, matters: Any, forward: bool = False) -> Any:
    """1 / (w[j] - w[i]), and 0 on the diagonal and where values are equal."""
    zero = equal_eigenvalues(w, left, matters, forward) | np.eye(w.shape[-1], dtype=bool)
    return np.where(zero, 0.0, 1.0 / np.where(zero, 1.0, np.expand_dims(w, -2) - np.expand_dims(w, -1)))


def _middle(g: Any, w: Any, left: Any) -> Any:
    """diag(g), if equal eigenvalues have the same g: the others are not the limit of anything."""
    row, column = np.expand_dims(g, -2), np.expand_dims(g, -1)
    equal = equal_eigenvalues(w, left, exceeds_rounding(row - column, row))
    return np.where(equal, 0.0, column * np.eye(w.shape[-1], dtype=w.dtype))


def _eigvals_vjp(g: Any, y: Any, a: Any) -> Any:
    """V⁻ᵀ diag(g) Vᵀ."""
    w, v = _decompose(a)
    left = np.linalg.inv(v)
    return swap(left) @ _middle(g, w, left) @ swap(v)


def _eigvals_jvp(t: Any, y: Any, a: Any) -> Any:
    """diag(V⁻¹ t V)."""
    w, v = _decompose(a)
    left = np.linalg.inv(v)
    return _slopes(left @ t @ v, w, left)


def _slopes(m: Any, w: Any, left: Any) -> Any:
    """The diagonal of m, if it is a multiple of 1 for each group of equal eigenvalues."""
    slopes = np.diagonal(m, axis1=-2, axis2=-1)
    row, column = np.expand_dims(slopes, -2), np.expand_dims(slopes, -1)
    matters = exceeds_rounding(m) | exceeds_rounding(row - column, m)
    same = np.astype(equal_eigenvalues(w, left, matters & beside(w), True), w.dtype) + np.eye(
        w.shape[-1], dtype=w.dtype
    )
    return np.sum(same * row, axis=-1) / np.sum(same, axis=-1)


def _eig_vjp(g: Any, y: Any, a: Any) -> Any:
    """V⁻ᵀ (diag(gλ) + F∘(Vᵀ h)) Vᵀ, where F = 1 / (λj - λi), and h is gV without its part along each vector."""
    (gw, gv), (w, v) = g, y
    left = np.linalg.inv(v)
    total = _middle(gw, w, left) if is_used(gw) else np.zeros_like(a)
    if is_used(gv):
        h = gv - v * np.sum(v * gv, axis=-2, keepdims=True)
        matters = either_of(used_columns(gv) | np.not_equal(gw, 0.0))
        total = total + _gaps(w, left, matters) * (swap(v) @ h)
    return swap(left) @ total @ swap(v)


def _eig_jvp(t: Any, y: Any, a: Any) -> Any:
    """λ' = diag(M),  V' = V (F∘M) without its part along each vector, with M = V⁻¹ t V."""
    w, v = y
    left = np.linalg.inv(v)
    m = left @ t @ v
    turned = v @ (_gaps(w, left, exceeds_rounding(m) & beside(w), True) * m)
    return _slopes(m, w, left), turned - v * np.sum(v * turned, axis=-2, keepdims=True)


# Two at most: LAPACK may list three in another order under a finite difference.
def _draw_matrix(draw: Draw) -> Call:
    n = draw.integer(1, 2)
    return (stack_of(draw, REAL_SPECTRUM, n, n, 3.0 * (1 + np.arange(n)) * draw.choice([1, -1])),), {}


def _draw_equal(draw: Draw) -> Call:
    w = draw.array(DISTINCT, draw.shape(1, 2))
    return (w, np.eye(w.shape[-1]), np.zeros((*w.shape, w.shape[-1]), dtype=bool)), {}


# ------------------------------------------------------------------------------------------------------- roots


def _steepness(p: Any, y: Any) -> Any:
    """p' at the roots; nan at a root that is a multiple one to rounding, which is that of its square root."""
    n = len(p)
    powers = np.arange(n - 1, 0, -1)
    slopes, sizes = np.polyval(p[:-1] * powers, y), np.polyval(np.abs(p[:-1]) * powers, np.abs(y))
    return np.where(np.less_equal(np.abs(slopes), 8 * n * np.finfo(y.dtype).eps ** 0.5 * sizes), np.nan, slopes)


def _roots(p: Any) -> Any:
    return _real(np.roots(p), "roots", "the roots", "np.polyval(p, x)   of real x")


def _draw_roots(draw: Draw) -> Call:
    n = min(draw.shape(1, 1)[0], 2)
    found = 2.0 * np.arange(n) - 2.5 + 0.1 * draw.array(REAL, (n,))
    return (draw.choice([1.0, -0.5]) * np.poly(found) if n else np.zeros(0),), {}


# fmt: off
piecewise_constant(equal_eigenvalues, "equal eigenvalues", "y[i,j] = whether w[i] = w[j] and i ≠ j",
    domain=(REAL, REAL, BOOLEAN), options=("forward",), calls=_draw_equal)
op(np.linalg.eigvals, "eigvals", "y = the eigenvalues of A, which must be real (complex in NumPy 2.5 itself)",
    domain=(REAL_SPECTRUM,),
    forward=_eigvals, vjp=(_eigvals_vjp,), jvp=(_eigvals_jvp,), calls=_draw_matrix, expects=square_matrix_expected,
    kink="equal λ: LinAlgError, except for functions in which they weigh the same", gives_new=True)
op(np.linalg.eig, "eig", "A = y diag(λ) y⁻¹, λ real (complex in NumPy 2.5 itself), |y[:,j]| = 1",
    domain=(REAL_SPECTRUM,),
    forward=_eig, vjp=(_eig_vjp,), jvp=(_eig_jvp,), calls=_draw_matrix, expects=square_matrix_expected,
    kink="equal λ: LinAlgError, except for functions of λ in which they weigh the same", gives_new=True)
op(np.roots, "roots", "y = the roots of Σ p[i] x^(n-1-i), which must be real", domain=(REAL,), forward=_roots,
    vjp=(lambda g, y, p: -(g / _steepness(p, y)) @ np.vander(y, len(p)),),
    jvp=(lambda t, y, p: -np.polyval(t, y) / _steepness(p, y),), calls=_draw_roots,
    kink="at a multiple root: nan", gives_new=True, parity="even", shape_depends_on_data=True)
