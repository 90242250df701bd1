"""Functions of eigenvalues or singular values alone, and what is known where some of these are equal.

The gradient of Σ f(λ) is V diag(c) Vᵀ with c = f'(λ). It moves along t by V (D∘(Vᵀ t V)) Vᵀ + V diag(dc) Vᵀ, where
D[i,j] = (c[i] - c[j]) / (λ[i] - λ[j]). (Lewis and Sendov, "Twice differentiable spectral functions", 2001; for
singular values, with U c Vᵀ, the quotients are those of c and s, and those of c and -c, s and -s.)

Where λ[i] = λ[j], to the rounding of the factorisation:

- The first derivative is known, as c is the same for equal λ. In a function that tells them apart, such as the
  largest λ, each has the slope along the vector that LAPACK chose: it has no derivative there.
- D is f''(λ), and c alone does not tell it. Along a t that mixes the two vectors the second derivative raises
  LinAlgError; `minigrad.spectral` knows f, and has it. Along any other t nothing is missing.

A singular value of 0 has the derivative 0, like |x| at 0: it is a minimum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.errors import MinigradError, MissingRule
from ..engine.op import dispatched, op, piecewise_constant
from ..engine.sampling import BOOLEAN, REAL, Call, Draw
from . import vmap_rules
from .discrete import stop_gradient
from .linalg import swap
from .matrix_domains import SINGULAR_VALUES, SYMMETRIC, rounds_to_zero, stack_of

# ------------------------------------------------------------------------------------------------ equal values


class Undetermined(MinigradError, np.linalg.LinAlgError):
    """The derivative depends on what the rule of one op cannot see."""


class OnlyBackward(Undetermined, MissingRule):
    """The tangent of one op is not known here, but a reverse sweep sees all that depends on it, and may know."""


def is_used(g: Any) -> bool:
    """Whether something may depend on an output: if nothing does, the sweep hands its rule one 0, broadcast."""
    return not isinstance(g, np.ndarray) or any(g.strides) or bool(g.any())


def beside(w: Any) -> Any:
    """The pairs i ≠ j."""
    return ~np.eye(w.shape[-1], dtype=bool)


def _classes(w: Any) -> Any:
    """Whether w[i] and w[j] are equal to rounding, for sorted w; in a chain of close values, all are."""
    number = np.cumsum(np.logical_not(rounds_to_zero(np.diff(w), w)), axis=-1)
    number = np.concatenate([np.zeros((*w.shape[:-1], min(1, w.shape[-1]))), number], axis=-1)
    return np.equal(np.expand_dims(number, -2), np.expand_dims(number, -1))


def _message(name: str, w: Any, where: Any) -> str:
    """Which values are equal, or 0, and what to write."""
    values = "singular values" if "s" in name.split(".")[-1][:1] else "eigenvalues"
    *entry, i, j = (int(k) for k in np.argwhere(where)[0])
    a, b = w[(*entry, i)], w[(*entry, j)]
    of = f" of matrix {entry[0] if len(entry) == 1 else tuple(entry)}" if entry else ""
    if i == j:
        what = f"{values[:-1]} {i}{of} is 0 ({a:.4g})"
    else:
        what = f"{values} {min(i, j)} and {max(i, j)}{of} are equal ({a:.8g}, {b:.8g})"
    return (
        f"{name}: {what}: there its rule cannot know the derivative\n"
        "  write  minigrad.spectral(f, A)   for V f(λ) Vᵀ, and its trace for Σ f(λ)"
        + ("\n  or     A @ minigrad.spectral(f, A.T @ A)   for U √s f(s²) Vᵀ" if values[0] == "s" else "")
    )


@dispatched
def equal_values(w: Any, matters: Any, name: str = "", forward: bool = False) -> Any:
    """Whether w[i] and w[j] are equal to rounding, and i ≠ j; LinAlgError where that matters.

    w: sorted, (…, n). matters: (…, n, n); on its diagonal, whether it matters that w[i] is 0. name: the op's.
    forward: raises OnlyBackward.
    """
    found = _classes(w) & beside(w)
    zero = np.expand_dims(rounds_to_zero(w, w), -1) & np.eye(w.shape[-1], dtype=bool)
    if np.any(wrong := matters & (found | zero)):
        raise (OnlyBackward if forward else Undetermined)(_message(name, w, wrong))
    return found


@dispatched
def completed(g: Any, matters: Any, name: str = "") -> Any:
    """g; LinAlgError where it matters how the columns that complete a basis are turned."""
    if np.any(matters):
        option = "full_matrices=False" if name.endswith("svd") else "mode='reduced'"
        raise Undetermined(
            f"{name}: the result depends on how the columns that complete the basis are turned, which is arbitrary"
            f"\n  write  {option}   to leave them out, or a function of the space that they span"
        )
    return g + 0.0


def exceeds_rounding(x: Any, *others: Any) -> Any:
    """Where entries of x, of shape (…, m, n), are more than the rounding of a sum with the size of x and others."""
    size = sum(np.sum(np.abs(part), axis=(-2, -1), keepdims=True) for part in (x, *others))
    return np.greater(np.abs(x), 8 * np.finfo(x.dtype).eps * size)


def without_rounding(x: Any, *others: Any) -> Any:
    """x, of shape (…, n, n), with 0 where it is no more than the rounding of a sum of others. Its derivative stays.

    Where values are close, 1 / (w[j] - w[i]) would make a large number of that rounding.
    """
    size = sum(np.max(np.abs(part), axis=(-2, -1), keepdims=True, initial=0.0) for part in others)
    noise = np.less_equal(np.abs(x), x.shape[-1] * np.finfo(x.dtype).eps * size)
    return x - np.where(noise, stop_gradient(x), 0.0)


def used_columns(*cotangents: Any) -> Any:
    """Whether something depends on column k of any of these matrices: whether it is not 0, or they all are."""
    found = sum(np.any(np.not_equal(g, 0.0), axis=-2) for g in cotangents) > 0
    return found | ~np.any(found, axis=-1, keepdims=True)


def either_of(used: Any) -> Any:
    """Whether something depends on i or on j."""
    return np.expand_dims(used, -2) | np.expand_dims(used, -1)


def reciprocal_gaps(w: Any, matters: Callable[[], Any], name: str, forward: bool = False) -> Any:
    """1 / (w[j] - w[i]), and 0 on the diagonal and where values are equal. See `equal_values`.

    matters is not asked where no values are equal or 0, the usual case.
    """
    zero: Any = np.eye(w.shape[-1], dtype=bool)
    if not isinstance(w, np.ndarray) or rounds_to_zero(np.diff(w), w).any() or rounds_to_zero(w, w).any():
        zero = zero | equal_values(w, matters(), name, forward)
    return np.where(zero, 0.0, 1.0 / np.where(zero, 1.0, np.expand_dims(w, -2) - np.expand_dims(w, -1)))


def reciprocal(x: Any, w: Any) -> Any:
    """1 / x for a matrix x made of the values w, and 0 where x is 0 to their rounding."""
    zero = rounds_to_zero(x, w)
    return np.where(zero, 0.0, 1.0 / np.where(zero, 1.0, x))


def scale_columns(v: Any, c: Any) -> Any:
    """V diag(c)."""
    return v * np.expand_dims(c, -2)


# -------------------------------------------------------------------------------------------------- eigenvalues


@dispatched
def eigenvalue_sum(c: Any, a: Any, UPLO: Any = "L", fixed: bool = False) -> Any:
    """V diag(c) Vᵀ with the eigenvectors of a: the gradient of Σ c[k] λ[k]. c: (…, n); a: (…, n, n).

    fixed: c does not depend on a, so that D is 0 where equal values have equal c.
    """
    return _saving_eigenvalue_sum(c, a, UPLO)[0]


def _saving_eigenvalue_sum(c: Any, a: Any, UPLO: Any = "L", fixed: bool = False) -> tuple[Any, Any]:
    """`eigenvalue_sum`, and λ and V for its rules."""
    parts = np.linalg.eigh(a, UPLO)
    return eigenvalue_sum_of(c, parts[1]), parts


def eigenvalue_sum_of(c: Any, v: Any) -> Any:
    """`eigenvalue_sum`, given V."""
    return scale_columns(v, c) @ swap(v)


@dispatched
def eigenvalue_slopes(t: Any, a: Any, UPLO: Any = "L") -> Any:
    """diag(Vᵀ t V): the change of the eigenvalues of a along t. t, a: (…, n, n)."""
    return eigenvalue_slopes_of(t, np.linalg.eigh(a, UPLO)[1])


def eigenvalue_slopes_of(t: Any, v: Any) -> Any:
    """`eigenvalue_slopes`, given V."""
    return np.sum(v * (t @ v), axis=-2)


def _quotients(c: Any, w: Any, m: Any, name: str, fixed: bool) -> Any:
    """(c[j] - c[i]) / (w[j] - w[i]) times the symmetric part of m."""
    even = (m + swap(m)) / 2
    row, column = np.expand_dims(c, -2), np.expand_dims(c, -1)

    def matters() -> Any:
        differs = exceeds_rounding(row - column, row) if fixed else True
        return exceeds_rounding(even, m) & beside(w) & differs

    return (row - column) * reciprocal_gaps(w, matters, name) * even


def _turned_sum(t: Any, c: Any, a: Any, UPLO: Any, fixed: bool = False, saved: Any = None) -> Any:
    """The change of `eigenvalue_sum` along t, while c stays."""
    w, v = saved if isinstance(saved, tuple) else np.linalg.eigh(a, UPLO)
    return v @ _quotients(c, w, swap(v) @ t @ v, "linalg.eigvalsh", fixed) @ swap(v)


def mirror(t: Any) -> Any:
    """The symmetric matrix with the lower triangle of t."""
    n = t.shape[-1]
    return t * np.tri(n, dtype=t.dtype) + swap(t * np.tri(n, k=-1, dtype=t.dtype))


def half_weights(n: int, dtype: Any) -> Any:
    """1 under the diagonal, 1/2 on it: the weights that count each entry of a symmetric matrix once."""
    return np.tri(n, dtype=dtype) - np.eye(n, dtype=dtype) / 2


def fold_triangles(s: Any) -> Any:
    """The transpose of `mirror`, for the symmetric part of s: both triangles added up in the lower one."""
    return (s + swap(s)) * half_weights(s.shape[-1], s.dtype)


def transpose_if(upper: bool, x: Any) -> Any:
    """x, transposed if its upper triangle is read."""
    return swap(x) if upper else x


def fold_for(s: Any, UPLO: Any) -> Any:
    """The gradient in the triangle that is read, from one for the whole symmetric matrix."""
    return transpose_if(UPLO in "Uu", fold_triangles(s))


def mirror_for(t: Any, UPLO: Any) -> Any:
    """The symmetric matrix with the triangle of t that is read."""
    return mirror(transpose_if(UPLO in "Uu", t))


def _curvature(s: Any, t: Any, a: Any, UPLO: Any) -> Any:
    """The change of `eigenvalue_slopes` of t along s: 2 Σ T[k,j] S[k,j] / (λ[k] - λ[j])."""
    w, v = np.linalg.eigh(a, UPLO)
    even = swap(v) @ (t + swap(t)) @ v / 2
    product = even * (swap(v) @ s @ v)
    gaps = reciprocal_gaps(w, lambda: exceeds_rounding(product) & beside(w), "linalg.eigvalsh")
    return 2.0 * np.sum(product * gaps, axis=-2)


def draw_symmetric(draw: Draw) -> Call:
    """Two values at most: the iteration for three and more may change a vector's sign under a finite difference."""
    n = draw.integer(1, 2)
    a = stack_of(draw, SYMMETRIC, n, n, 3.0 * (1 + np.arange(n)) * draw.choice([1, -1]))
    return (a,), {"UPLO": draw.choice(["L", "U", "l"])}


def _on_arrays(g: Any, saved: Any) -> bool:
    """Whether a rule has arrays, and the decomposition as arrays; on a tape it is one Value."""
    return isinstance(g, np.ndarray) and isinstance(saved, tuple)


def _with(shape: Callable[[Any], Any], calls: Callable[[Draw], Call]) -> Callable[[Draw], Call]:
    """Draw a call of a function of a matrix, and another input before it."""

    def drawn(draw: Draw) -> Call:
        (a,), params = calls(draw)
        return (draw.array(REAL, shape(a)), a), params

    return drawn


# ---------------------------------------------------------------------------------------------- singular values


@dispatched
def singular_sum(c: Any, a: Any, fixed: bool = False) -> Any:
    """U diag(c) Vᵀ with the singular vectors of a: the gradient of Σ c[k] s[k]. c: (…, min(m, n)); a: (…, m, n).

    fixed: as in `eigenvalue_sum`.
    """
    return _saving_singular_sum(c, a)[0]


def _saving_singular_sum(c: Any, a: Any, fixed: bool = False) -> tuple[Any, Any]:
    """`singular_sum`, and the decomposition for its rules."""
    parts = np.linalg.svd(a, full_matrices=False)
    return singular_sum_of(c, *parts), parts


def singular_sum_of(c: Any, u: Any, s: Any, vh: Any) -> Any:
    """`singular_sum`, given the decomposition; without singular values of 0, which are minima, as |x| has one."""
    return scale_columns(u, np.where(rounds_to_zero(s, s), 0.0, c)) @ vh


@dispatched
def singular_slopes(t: Any, a: Any) -> Any:
    """diag(Uᵀ t V): the change of the singular values of a along t. t, a: (…, m, n)."""
    return singular_slopes_of(t, *np.linalg.svd(a, full_matrices=False))


def singular_slopes_of(t: Any, u: Any, s: Any, vh: Any) -> Any:
    """`singular_slopes`, given the decomposition."""
    return np.where(rounds_to_zero(s, s), 0.0, np.sum(u * (t @ swap(vh)), axis=-2))


def _turned_singular_sum(t: Any, c: Any, a: Any, fixed: bool = False, saved: Any = None) -> Any:
    """The change of `singular_sum` along t, while c stays: U (D∘even + H∘odd) Vᵀ, and a part outside the spans."""
    u, s, vh = saved if isinstance(saved, tuple) else np.linalg.svd(a, full_matrices=False)
    right, left = t @ swap(vh), swap(u) @ t
    m = swap(u) @ right
    c = np.where(rounds_to_zero(s, s), 0.0, c)
    h = (np.expand_dims(c, -2) + np.expand_dims(c, -1)) * reciprocal(
        np.expand_dims(s, -2) + np.expand_dims(s, -1), s
    )
    total = u @ (_quotients(c, s, m, "linalg.svd", fixed) + h * (m - swap(m)) / 2) @ vh
    over = np.expand_dims(c, -2) * reciprocal(np.expand_dims(s, -2), s)
    if u.shape[-2] > u.shape[-1]:
        total = total + ((right - u @ m) * over) @ vh
    if vh.shape[-1] > vh.shape[-2]:
        total = total + (u * over) @ (left - m @ vh)
    return total


def _singular_curvature(r: Any, t: Any, a: Any) -> Any:
    """The change of `singular_slopes` of t along r."""
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    m, k = swap(u) @ t @ swap(vh), swap(u) @ r @ swap(vh)
    even, odd = (m + swap(m)) * (k + swap(k)) / 2, (m - swap(m)) * (k - swap(k)) / 2
    gaps = reciprocal_gaps(s, lambda: exceeds_rounding(even, odd) & beside(s), "linalg.svd")
    sums = reciprocal(np.expand_dims(s, -2) + np.expand_dims(s, -1), s)
    total = np.sum(even * gaps + odd * sums, axis=-2)
    over = reciprocal(np.expand_dims(s, -2), s)[..., 0, :]
    total = total + np.sum((t @ swap(vh) - u @ m) * (r @ swap(vh) - u @ k), axis=-2) * over
    total = total + np.sum((swap(u) @ t - m @ vh) * (swap(u) @ r - k @ vh), axis=-1) * over
    return np.where(rounds_to_zero(s, s), 0.0, total)


def draw_singular(draw: Draw) -> Any:
    """Matrices of full rank with distinct singular values."""
    rows, columns = draw.choice([(2, 2), (1, 1), (1, 2), (3, 2), (2, 3), (3, 1)])
    return stack_of(draw, SINGULAR_VALUES, rows, columns, 3.0 * (1 + np.arange(min(rows, columns))))


def _draw_matrix(draw: Draw) -> Call:
    return (draw_singular(draw),), {}


def _rank(a: Any) -> Any:
    return (*a.shape[:-2], min(a.shape[-2:]))


def _draw_equal(draw: Draw) -> Call:
    w = np.sort(draw.array(REAL, draw.shape(1, 2)), axis=-1)
    return (w, np.zeros((*w.shape, w.shape[-1]), dtype=bool)), {"name": "linalg.eigh"}


def _draw_completed(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=2))
    return (x, np.zeros(x.shape, dtype=bool)), {"name": "linalg.svd"}


_STATED: dict[str, Any] = {
    "kink": "at equal values, in A along what mixes their vectors: LinAlgError",
    "gives_new": True,
    "vmap": vmap_rules.broadcast_stacks,
}


# fmt: off
piecewise_constant(equal_values, "equal values", "y[i,j] = whether w[i] = w[j] and i ≠ j", domain=(REAL, BOOLEAN),
    options=("name", "forward"), calls=_draw_equal)
op(completed, "completed", "y = g, which does not turn the columns that complete a basis", domain=(REAL, BOOLEAN),
    vjp=(lambda g, y, x, matters, name="": g, None), jvp=(lambda t, y, x, matters, name="": t, None),
    calls=_draw_completed, gives_new=True)
op(eigenvalue_sum, "ΣλC", "y = V diag(c) Vᵀ, with V of A = V diag(λ) Vᵀ", domain=(REAL, SYMMETRIC),
    forward=_saving_eigenvalue_sum, saves=True, options=("fixed",),
    vjp=(lambda g, y, c, a, UPLO="L", fixed=False, saved=None:
            eigenvalue_slopes_of(g, saved[1]) if _on_arrays(g, saved) else
            eigenvalue_slopes(g, a, UPLO),
         lambda g, y, c, a, UPLO="L", fixed=False, saved=None:
            fold_for(_turned_sum(g, c, a, UPLO, fixed, saved), UPLO)),
    jvp=(lambda t, y, c, a, UPLO="L", fixed=False, saved=None:
            eigenvalue_sum_of(t, saved[1]) if _on_arrays(t, saved) else eigenvalue_sum(t, a, UPLO),
         lambda t, y, c, a, UPLO="L", fixed=False, saved=None:
            _turned_sum(mirror_for(t, UPLO), c, a, UPLO, fixed, saved)),
    calls=_with(lambda a: a.shape[:-1], draw_symmetric), **_STATED)
op(eigenvalue_slopes, "λ′", "y = diag(Vᵀ t V), with V of A = V diag(λ) Vᵀ", domain=(REAL, SYMMETRIC),
    vjp=(lambda g, y, t, a, UPLO="L": eigenvalue_sum(g, a, UPLO),
         lambda g, y, t, a, UPLO="L": fold_for(_turned_sum(t, g, a, UPLO), UPLO)),
    jvp=(lambda s, y, t, a, UPLO="L": eigenvalue_slopes(s, a, UPLO),
         lambda s, y, t, a, UPLO="L": _curvature(mirror_for(s, UPLO), t, a, UPLO)),
    calls=_with(lambda a: a.shape, draw_symmetric), **_STATED)
op(singular_sum, "ΣsC", "y = U diag(c) Vᵀ, with U, V of A = U diag(s) Vᵀ", domain=(REAL, SINGULAR_VALUES),
    forward=_saving_singular_sum, saves=True, options=("fixed",),
    vjp=(lambda g, y, c, a, fixed=False, saved=None:
            singular_slopes_of(g, *saved) if _on_arrays(g, saved) else singular_slopes(g, a),
         lambda g, y, c, a, fixed=False, saved=None: _turned_singular_sum(g, c, a, fixed, saved)),
    jvp=(lambda t, y, c, a, fixed=False, saved=None:
            singular_sum_of(t, *saved) if _on_arrays(t, saved) else singular_sum(t, a),
         lambda t, y, c, a, fixed=False, saved=None: _turned_singular_sum(t, c, a, fixed, saved)),
    calls=_with(_rank, _draw_matrix), **_STATED)
op(singular_slopes, "s′", "y = diag(Uᵀ t V), with U, V of A = U diag(s) Vᵀ", domain=(REAL, SINGULAR_VALUES),
    vjp=(lambda g, y, t, a: singular_sum(g, a), lambda g, y, t, a: _turned_singular_sum(t, g, a)),
    jvp=(lambda s, y, t, a: singular_slopes(s, a), lambda s, y, t, a: _singular_curvature(s, t, a)),
    calls=_with(lambda a: a.shape, _draw_matrix), **_STATED)
