"""Primitives of proofs: sums, products, fractions and random functions, of which all other meanings are composed.

Each takes the fingerprints of the operands and the parameters of the call, and returns the fingerprint of the
output, or None if it does not cover these parameters. A primitive is an identity that holds for all numbers.
Formulas that come down to the same primitives compare equal, such as `x * x` and `x ** 2`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.array_methods import Axis
from .modular import (
    BELOW,
    WHOLE,
    Fingerprint,
    add,
    align_axes,
    bound,
    common_denominator,
    fit_sum,
    from_constant,
    identically_zero,
    multiply,
    per_point,
    random_function,
    salt,
    sign_of,
    subtract,
    sum_over,
    times,
)
from .residues import PRIMES, Residues, inverse_residues, modulo, over_lanes, whole

ONE = from_constant(1)


def unknown_function(p: Fingerprint, name: str) -> Fingerprint:
    """A function of one variable of which only the name is known."""
    return Fingerprint(random_function(p.x, salt("function", name)), 1.0, 1.0)


def inverse(p: Fingerprint) -> Fingerprint:
    """1 / x: a fraction for small whole numbers, else a random function with 1 / 1 = 1 and 1 / -x = -(1 / x)."""
    fraction = _fraction(p)
    if fraction is not None:
        return fraction
    signs = np.where(sign_of(p.x) < 0, -1, 1)
    size = p._replace(x=times(p.x, signs))
    one = (size.x == 1).all(axis=0)
    return Fingerprint(times(np.where(one, 1, unknown_function(size, "inverse").x), signs), 1.0, 1.0)


def _fraction(p: Fingerprint) -> Fingerprint | None:
    """1 / n for whole numbers n, if their common denominator is not too large; else None."""
    if p.degree or p.below != 1 or not p.x.size:
        return None
    numbers = [n if n <= WHOLE else n - PRIMES[0] for n in np.unique(p.x[0]).tolist()]
    below = math.lcm(*numbers)
    if not 0 < below <= BELOW or max(map(abs, numbers)) > WHOLE:
        return None
    ndim = p.x.ndim
    x = np.select(
        [p.x == over_lanes(whole(n), ndim) for n in numbers],
        [over_lanes(inverse_residues(n), ndim) for n in numbers],
    )
    return Fingerprint(x, 0.0, below / min(map(abs, numbers)), below)


def divide_fingerprints(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """a / b, as a · (1 / b). If b is n times a and a is never 0, as in the softmax of equal entries: 1 / n."""
    found = multiply(a, inverse(b))
    if a.logarithm is None:
        return found
    found = found._replace(logarithm=subtract(a.logarithm, log(b)))
    n = b.height / a.height
    if a.below != b.below or n != n // 1 or not 1 <= n <= BELOW:
        return found
    xs = align_axes(a.x, b.x)
    equal = identically_zero(modulo(xs[1] - int(n) * xs[0]))
    if not equal.any():
        return found
    share = inverse(from_constant(int(n)))

    def spread(p: Fingerprint) -> Residues:
        return np.broadcast_to(p.x.reshape(4, *(1,) * (found.x.ndim - 1)), found.x.shape)

    logs = subtract(a.logarithm, log(b))
    logs = logs._replace(x=np.where(equal, spread(log(share)), logs.x))
    if equal.all():  # a plain number: its degree is 0
        return share._replace(x=spread(share), logarithm=logs)
    degree, heights, below = common_denominator(found, share)
    quotient = bound(np.where(equal, spread(share), found.x), degree, max(heights), below)
    return quotient._replace(logarithm=logs)


def where(condition: Fingerprint, a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """a where the condition c holds, else b: computed as b + c (a - b), with c 0 or 1."""
    if condition.degree == 0:  # a plain mask: only the chosen branch matters
        (a, b), degree, height, below = fit_sum(a, b)
        x: Any = np.where(*_spread(condition.x != 0, a.x, b.x))
        return bound(x, degree, height, below)
    known = np.where(identically_zero(condition.x), 0, unknown_function(condition, "is true").x)
    truth = Fingerprint(np.where((condition.x == 1).all(axis=0), 1, known), 1.0, 1.0)
    return add(b, multiply(truth, subtract(a, b)))


def _spread(*xs: Any) -> list[Any]:
    shape = np.broadcast_shapes(*(x.shape[1:] for x in xs))
    ndim = len(shape)
    return [np.broadcast_to(x.reshape(4, *(1,) * (ndim + 1 - x.ndim), *x.shape[1:]), (4, *shape)) for x in xs]


def total(x: Fingerprint, axis: Axis = None, keepdims: bool = False) -> Fingerprint:
    """Σ x."""
    return sum_over(x, axis, keepdims)


def log(x: Fingerprint) -> Fingerprint:
    """ln x, with ln 1 = 0."""
    if x.logarithm is not None:
        return x.logarithm._replace(exponential=x)
    return Fingerprint(np.where((x.x == 1).all(axis=0), 0, unknown_function(x, "ln").x), 1.0, 1.0)


def symmetric(
    x: Fingerprint, at_zero: Fingerprint, name: str, axis: Axis = None, keepdims: Any = False
) -> Fingerprint:
    """A function of the entries along axes that ignores their order, such as max or min."""
    entries = random_function(x.x, salt("in any order", name))
    if keepdims or axis is not None or len(x.shape):
        entries = per_point(lambda z: np.sum(z, axis=axis, keepdims=keepdims), entries)
    count = x.x.size // max(entries.size, 1)
    out = random_function(entries, salt("of all", name, count))
    zero = np.all(identically_zero(x.x), axis=axis, keepdims=keepdims)
    residues = at_zero.x.reshape(4, *(1,) * (out.ndim - 1))
    return Fingerprint(np.where(zero, residues, out), 1.0, max(at_zero.height, at_zero.below), at_zero.below)
