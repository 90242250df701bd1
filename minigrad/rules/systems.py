"""Inverses, determinants, powers of matrices and systems of equations: of one matrix, or of a stack of them.

The differentials are those of Magnus and Neudecker, "Matrix Differential Calculus" (1988), and of Giles, "Collected
matrix derivative results for forward and reverse mode algorithmic differentiation" (2008); of pinv and lstsq,
those of Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973).

For a matrix without full rank:

- inv, solve and slogdet raise LinAlgError, forwards or backwards: there is no derivative.
- det has one, the cofactors, and a second one. The third is written with the inverse, and raises LinAlgError.
- pinv and lstsq have the derivative along matrices of the same rank, in which a singular value of 0 stays 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import dispatched, op, piecewise_constant, refuse
from ..engine.sampling import REAL, Call, Domain, Draw
from . import vmap_rules
from .linalg import swap
from .matrix_domains import FULL_RANK, SINGULAR_VALUES, square_matrix_expected, stack_of
from .spectra import is_used, singular_slopes, singular_sum

# A drawn matrix has small entries from its domain, and large ones on the diagonal.
INVERTIBLE = Domain("invertible", -0.4, 0.4)


def _invertible(draw: Draw) -> Any:
    """Invertible matrices, with determinants of either sign."""
    n = draw.integer(1, 3)
    a = stack_of(draw, INVERTIBLE, n, n, draw.choice([n, -n]))
    return draw.choice([a, a[..., ::-1]])


def _one_invertible(draw: Draw) -> Call:
    return (_invertible(draw),), {}


def _two_of_one_shape(draw: Draw) -> Call:
    a = _invertible(draw)
    return (draw.array(REAL, a.shape), a), {}


def _exact_inverse(a: Any) -> Any:
    """a⁻¹, or None if a matrix is so close to a singular one that it has lost digits."""
    try:
        inverse = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    lost = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    return inverse if np.all(lost < 1e3) else None


@dispatched
def cofactor(a: Any) -> Any:
    """det(a) a⁻ᵀ, the derivative of det(a); for singular matrices too, by the SVD.

    a: (…, n, n). Gives the same shape.
    """
    inverse = _exact_inverse(a)
    if inverse is not None:
        return np.expand_dims(np.linalg.det(a), (-1, -2)) * swap(inverse)
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.prod(np.where(np.eye(n, dtype=bool), 1.0, np.expand_dims(s, -2)), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return (u * np.expand_dims(np.expand_dims(sign, -1) * others, -2)) @ vh


def _along(t: Any, y: Any, inverse: Any) -> Any:
    """<t, C> A⁻ᵀ - C tᵀ A⁻ᵀ: the change of the cofactors C = y along t, with A⁻ᵀ = inverse."""
    return np.sum(t * y, axis=(-1, -2), keepdims=True) * inverse - y @ swap(t) @ inverse


@dispatched
def cofactor_slope(t: Any, a: Any) -> Any:
    """The change of cofactor(a) along t, which is the Hessian of det times t; for singular matrices too.

    t, a: (…, n, n). Gives the same shape. With a = U diag(s) V and N = Uᵀ t Vᵀ, it is ±U D V, where D[i,j] is
    -N[j,i] times the product of all s but s[i] and s[j], and D[i,i] the sum of N[k,k] times such products.
    """
    inverse = _exact_inverse(a)
    if inverse is not None:
        return _along(t, cofactor(a), swap(inverse))
    u, s, vh = np.linalg.svd(a)
    one = np.eye(s.shape[-1], dtype=bool)
    left_out = one[:, None, :] | one[None, :, :]
    products = np.prod(np.where(left_out, 1.0, np.expand_dims(s, (-2, -3))), axis=-1)
    n = swap(u) @ t @ swap(vh)
    beside = np.where(one, 0.0, products)
    diagonal = beside @ np.expand_dims(np.diagonal(n, axis1=-2, axis2=-1), -1)
    sign = np.expand_dims(np.linalg.det(u) * np.linalg.det(vh), (-1, -2))
    return sign * (u @ (one * diagonal - beside * swap(n)) @ vh)


def _cofactor_rule(g: Any, y: Any, a: Any) -> Any:
    """The derivative of the cofactors is the Hessian of det, and symmetric: the rule is vjp and jvp."""
    return cofactor_slope(g, a)


def _third(g: Any, y: Any, t: Any, a: Any) -> Any:
    """The third derivative of det along t and g, in any order; LinAlgError at a singular matrix."""
    c, inverse = cofactor(a), swap(np.linalg.inv(a))
    moved = -(inverse @ swap(g) @ inverse)
    return _along(t, cofactor_slope(g, a), inverse) + _along(t, c, moved)


def _power_slope(t: Any, a: Any, n: int) -> Any:
    """Σ a^i t a^(n-1-i) over i < n: the change of a^n along t, by halving n."""
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
    a = stack_of(draw, INVERTIBLE, n, n, draw.choice([1.5, -1.5]))
    return (a,), {"n": draw.choice([2, 3, 0, 1, -1, 5, 6, -2, -3])}


def _matrix(v: Any, b: Any) -> Any:
    """v as a stack of matrices, if b is a vector and v a stack of vectors."""
    return v[..., None] if np.ndim(b) == 1 else v


def _solve_for_matrix(g: Any, y: Any, a: Any, b: Any) -> Any:
    c = np.linalg.solve(swap(a), _matrix(g, b))
    # For one column and one row, `@` takes twice as long as `*`.
    return c * -y[..., None, :] if b.ndim == 1 else -(c @ swap(y))


def _solve_for_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    c = np.linalg.solve(swap(a), _matrix(g, b))
    return c[..., 0] if b.ndim == 1 else c


def _solve_along_matrix(t: Any, y: Any, a: Any, b: Any) -> Any:
    c = -np.linalg.solve(a, t @ _matrix(y, b))
    return c[..., 0] if b.ndim == 1 else c


def _solve(draw: Draw) -> Call:
    a = _invertible(draw)
    n = a.shape[-1]
    b = draw.choice([(n,), (n, draw.integer(1, 3)), (*draw.shape(1, 1), n, 1), (*a.shape[:-2], n, n)])
    if len(b) > 2 and a.ndim > 2:
        b = draw.choice([(1, *b[1:]), (*a.shape[:-2], *b[1:])])
    return (a, draw.array(REAL, b)), {}


def _pinv_slope(t: Any, p: Any, a: Any) -> Any:
    """-p t p + p pᵀ tᵀ (1 - a p) + (1 - p a) tᵀ pᵀ p: the change of p = a⁺ along t."""
    left, right = p @ swap(t @ p), swap(p @ t) @ p
    return left - left @ a @ p + right - p @ (a @ right) - p @ t @ p


def _pinv_call(a: Any, rcond: Any = None, hermitian: bool = False, rtol: Any = None) -> Call:
    if hermitian:
        refuse("pinv of a Value does not take hermitian=True\n  leave it out: the result is the same")
    return (a,), {name: x for name, x in (("rcond", rcond), ("rtol", rtol)) if x is not None}


def _full_rank(draw: Draw) -> Any:
    rows, columns = draw.integer(1, 3), draw.integer(1, 3)
    return stack_of(draw, FULL_RANK, rows, columns, max(rows, columns))


def _lstsq_parts(y: Any, a: Any, b: Any, rcond: Any) -> tuple[Any, Any, Any]:
    """a⁺, the solution and the residual, as matrices."""
    if rcond is None:
        rcond = np.finfo(y[3].dtype).eps * max(a.shape)
    x = _matrix(y[0], b)
    return np.linalg.pinv(a, rcond), x, _matrix(b, b) - a @ x


def _lstsq_for_matrix(g: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    p, x, rest = _lstsq_parts(y, a, b, rcond)
    gx = _matrix(g[0], b)
    back = swap(p) @ gx
    total = rest @ swap(p @ back) - back @ swap(x) + swap(p) @ x @ swap(gx - p @ (a @ gx))
    if g[1].size:
        total = total - (2 * rest * g[1]) @ swap(x)
    return total + singular_sum(g[3], a, isinstance(g[3], np.ndarray)) if is_used(g[3]) else total


def _lstsq_for_right(g: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    p, _, rest = _lstsq_parts(y, a, b, rcond)
    total = swap(p) @ _matrix(g[0], b)
    if g[1].size:
        total = total + 2 * rest * g[1]
    return np.reshape(total, b.shape)


def _lstsq_along_matrix(t: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    p, x, rest = _lstsq_parts(y, a, b, rcond)
    lost = swap(t) @ (swap(p) @ x)
    dx = p @ (swap(p) @ (swap(t) @ rest)) + lost - p @ (a @ lost) - p @ (t @ x)
    return (
        np.reshape(dx, y[0].shape),
        -2 * np.sum(rest * (t @ x), axis=0) if y[1].size else np.zeros(0),
        np.zeros(()),
        singular_slopes(t, a),
    )


def _lstsq_along_right(t: Any, y: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    p, _, rest = _lstsq_parts(y, a, b, rcond)
    left = 2 * np.sum(rest * _matrix(t, b), axis=0) if y[1].size else np.zeros(0)
    return p @ t, left, np.zeros(()), np.zeros(y[3].shape)


def _lstsq(draw: Draw) -> Call:
    rows, columns = draw.integer(1, 3), draw.integer(1, 3)
    k = np.arange(min(rows, columns))
    a = draw.array(SINGULAR_VALUES, (rows, columns))
    a[k, k] += 3.0 * (k + 1)
    b = draw.choice([(rows,), (rows, draw.shape(1, 1)[0])])
    return (a, draw.array(REAL, b)), draw.choice([{}, {"rcond": None}, {"rcond": 1e-10}])


# fmt: off
op(np.linalg.inv, "inv", "y = A⁻¹", domain=(INVERTIBLE,), vjp=(lambda g, y, a: -(swap(y) @ g @ swap(y)),),
    jvp=(lambda t, y, a: -(y @ t @ y),), calls=_one_invertible, expects=square_matrix_expected,
    kink="LinAlgError at a singular matrix", gives_new=True, vmap=vmap_rules.stacks)
op(cofactor, "cofactor", "y = det(A) A⁻ᵀ", domain=(INVERTIBLE,), vjp=(_cofactor_rule,), jvp=(_cofactor_rule,),
    calls=_one_invertible, expects=square_matrix_expected, gives_new=True)
op(cofactor_slope, "cofactor′", "y = the change of the cofactors of A along t", domain=(REAL, INVERTIBLE),
    vjp=(lambda g, y, t, a: cofactor_slope(g, a), _third), jvp=(lambda s, y, t, a: cofactor_slope(s, a), _third),
    calls=_two_of_one_shape, kink="in A, at a singular matrix: LinAlgError", gives_new=True)
op(np.linalg.det, "det", "y = det A", domain=(INVERTIBLE,),
    vjp=(lambda g, y, a: np.expand_dims(g, (-1, -2)) * cofactor(a),),
    jvp=(lambda t, y, a: np.sum(t * cofactor(a), axis=(-1, -2)),), calls=_one_invertible,
    expects=square_matrix_expected, kink="the third derivative at a singular matrix: LinAlgError",
    gives_new=True, vmap=vmap_rules.stacks)
op(np.linalg.slogdet, "slogdet", "sign, y = the sign and ln |det A|", domain=(INVERTIBLE,),
    vjp=(lambda g, y, a: np.expand_dims(g[1], (-1, -2)) * swap(np.linalg.inv(a)),),
    jvp=(lambda t, y, a: (np.zeros(a.shape[:-2]), np.sum(t * swap(np.linalg.inv(a)), axis=(-1, -2))),),
    calls=_one_invertible, expects=square_matrix_expected, kink="LinAlgError at a singular matrix", gives_new=True)
op(np.linalg.matrix_power, "matrix_power", "y = Aⁿ", domain=(INVERTIBLE,),
    vjp=(lambda g, y, a, n=1: _power_slope(g, swap(a), n),), jvp=(lambda t, y, a, n=1: _power_slope(t, a, n),),
    calls=_matrix_power, expects=square_matrix_expected, is_view=True)
op(np.linalg.solve, "solve", "y = A⁻¹ b", domain=(INVERTIBLE, REAL), vjp=(_solve_for_matrix, _solve_for_right),
    jvp=(_solve_along_matrix, lambda t, y, a, b: np.linalg.solve(a, t)), calls=_solve,
    expects=lambda a, b: f"expected square matrices and right sides with as many rows, got shapes {a} and {b}",
    kink="LinAlgError at a singular matrix", gives_new=True)
op(np.linalg.pinv, "pinv", "y = A⁺", domain=(FULL_RANK,),
    vjp=(lambda g, y, a, rcond=None, rtol=None: _pinv_slope(g, swap(y), swap(a)),),
    jvp=(lambda t, y, a, rcond=None, rtol=None: _pinv_slope(t, y, a),), bind=_pinv_call,
    calls=lambda draw: ((_full_rank(draw),), draw.choice([{}, {"rcond": 1e-12}, {"rtol": 1e-12}])),
    kink="without full rank: along matrices of that rank", gives_new=True)
op(np.linalg.lstsq, "lstsq", "y = the x with the least |A x - b|; its |A x - b|²; rank and singular values of A",
    domain=(SINGULAR_VALUES, REAL), vjp=(_lstsq_for_matrix, _lstsq_for_right),
    jvp=(_lstsq_along_matrix, _lstsq_along_right), calls=_lstsq,
    expects=lambda a, b: f"expected a matrix, and right sides with as many rows, got shapes {a} and {b}",
    kink="without full rank: along matrices of that rank", gives_new=True)
piecewise_constant(np.linalg.matrix_rank, "rank", "y = the number of singular values that are not 0",
    domain=FULL_RANK, options=("tol", "hermitian", "rtol"), calls=lambda draw: ((_full_rank(draw),), {}))
