"""f(A) = V f(λ) Vᵀ for a symmetric matrix A = V diag(λ) Vᵀ, and its derivatives of any order.

The derivative of f(A) along t is V (F∘(Vᵀ t V)) Vᵀ, with the divided differences F[i,j] = f[λi, λj], which are
f'(λi) where the values are equal (Daleckii and Krein, 1965). Further ones have f[λi, λk, λj] and so on, summed over
the orders in which the directions may stand. The form <t0, the derivative along t1, …, tn> does not depend on the
order of its n + 1 directions, as it is a derivative of tr h(A), where h' = f: so each rule is the op itself.
"""

from __future__ import annotations

from itertools import combinations_with_replacement, pairwise, permutations
from typing import Any

import numpy as np

from ..engine.op import dispatched, op
from ..engine.sampling import REAL, Call, Draw
from . import vmap_rules
from .divided_differences import Derivatives, divided_difference
from .linalg import swap
from .matrix_domains import SYMMETRIC, stack_of


def _even(t: Any) -> Any:
    return (t + swap(t)) / 2


@dispatched
def spectral_derivative(*matrices: Any, f: Derivatives) -> Any:
    """The n-th derivative of f(A) along t1, …, tn, given A, t1, …, tn, each of shape (…, m, m); f(A) for A alone.

    Of A and of the directions the symmetric parts count.
    """
    a, *ts = (_even(np.asarray(x)) for x in matrices)
    w, v = np.linalg.eigh(a)
    n = len(ts)
    if n == 0:
        return (v * np.expand_dims(f(w, 0), -2)) @ swap(v)
    quotients = _all_quotients(f, w, n + 1)
    turned = [swap(v) @ t @ v for t in ts]
    letters = "abcdefghijklmnopq"[: n + 1]
    steps = ",".join(f"...{i}{j}" for i, j in pairwise(letters))
    total = sum(
        np.einsum(f"...{letters},{steps}->...{letters[0]}{letters[-1]}", quotients, *order, optimize=n > 2)
        for order in permutations(turned)
    )
    return v @ total @ swap(v)


def _all_quotients(f: Derivatives, w: Any, count: int) -> Any:
    """f[w[i], w[j], …] for all i, j, …, of shape (…, n, n, …); each set of indices is computed once."""
    n = w.shape[-1]
    places = np.array([*combinations_with_replacement(range(n), count)], dtype=np.intp).reshape(-1, count).T
    found = divided_difference(f, *(w[..., i] for i in places))
    y: Any = np.empty((*w.shape[:-1], *(n,) * count), w.dtype)
    for order in permutations(places):
        y[(..., *order)] = found
    return y


def _swapped(inputs: Any, k: int, g: Any, f: Derivatives) -> Any:
    """The op with g in place of the direction k; in place of A, as one more direction."""
    ts = [*inputs[1:], g] if k == 0 else [*inputs[1:k], g, *inputs[k + 1 :]]
    return spectral_derivative(inputs[0], *ts, f=f)


def _vjp(g: Any, y: Any, *inputs: Any, f: Any = None) -> Any:
    return [lambda k=k: _swapped(inputs, k, g, f) for k in range(len(inputs))]


def _jvp(ts: Any, y: Any, *inputs: Any, f: Any = None) -> Any:
    moved = [k for k, t in enumerate(ts) if not isinstance(t, np.ndarray) or t.any()]
    return sum((_swapped(inputs, k, ts[k], f) for k in moved[1:]), _swapped(inputs, *_first(moved, ts), f))


def _first(moved: list[int], ts: Any) -> tuple[int, Any]:
    k = moved[0] if moved else 0
    return k, ts[k]


def _exp(x: Any, order: int) -> Any:
    return np.exp(x)


def _square(x: Any, order: int) -> Any:
    return [x * x, 2 * x, 2 + 0 * x, 0 * x][min(order, 3)]


def _draw(draw: Draw) -> Call:
    n = draw.integer(1, 3)
    a = stack_of(draw, SYMMETRIC, n, n, np.resize([1.0, 1.0, -0.5], n))
    ts = [draw.array(REAL, a.shape) for _ in range(draw.integer(0, 2))]
    return (a, *ts), {"f": draw.choice([_exp, _square])}


# fmt: off
op(spectral_derivative, "spectral", "y = V f(λ) Vᵀ, with A = V diag(λ) Vᵀ, for `spectral`; and its derivatives",
    domain=(SYMMETRIC,), vjp=_vjp, jvp=_jvp, calls=_draw, gives_new=True, spelling=spectral_derivative,
    vmap=vmap_rules.broadcast_stacks)
