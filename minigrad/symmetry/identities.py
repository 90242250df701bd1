"""Identities of formulas beyond those of sums and products. Each holds wherever both of its sides have a value.

    a / a = 1, a b / a = b, 1 / e^a = e^-a                `quotient_of`
    e^a e^b = e^(a + b), √x √x = x, x / √x = √x           `product_of`
    x ** -n = 1 / x ** n, x ** (n + ½) = x ** n √x        `to_the_power`
    shares a / Σ a add up to 1, and e^x / Σ e^x is that of x + c: `shares`
    p (u - Σ u p) adds up to 0, if p are shares: `_slope_of_shares`
    deviations a - Σ a / n add up to 0: `_deviations`

A value of which only an identity is known is drawn at random among those that obey it. Shares are drawn from the
plane on which they add up to 1, deviations from that on which they add up to 0: a polynomial that is not 0 on a
plane is 0 at a random point of it as rarely as at a point of the whole space. Its coefficients there are up to e d!
times as large, where d is its degree in what is drawn so. Up to d = 12, and for the largest coefficients that
`modular` allows, they stay below the product of three primes: at least two lanes decide, and a pair agrees by
chance with probability below 2^-45. Networks have no numbers as large as that.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from .modular import (
    BELOW,
    DEGREE,
    HEIGHT,
    Fingerprint,
    add,
    align_axes,
    from_constant,
    identically_zero,
    multiply,
    opaque,
    random_function,
    salt,
    subtract,
    sum_over,
    times,
)
from .poles import poles_of, with_poles
from .primitives import ONE, divide_fingerprints, inverse, log, total, where
from .residues import inverse_residues

FEW = 64.0  # a slope of shares, or deviations, with larger coefficients become symbols

HIGHEST = 8  # the largest exponent that is written as a product; a higher one is a random function

HALVES = {tuple(from_constant(n / 2).x.tolist()): n for n in range(-2 * HIGHEST, 2 * HIGHEST + 1)}

FACTORS = 12  # of products with more, the factors are forgotten

Axes = tuple[int, ...]


def symbol(p: Fingerprint, *words: object) -> Fingerprint:
    """A random function of each entry."""
    return Fingerprint(random_function(p.x, salt(*words)), 1.0, 1.0)


def ones_where(mask: Any, y: Fingerprint) -> Fingerprint:
    """The fingerprint, with 1 at some entries."""
    return Fingerprint(np.where(mask, 1, y.x), y.degree, max(y.height, float(y.below)), y.below)


ZERO = from_constant(0)

# Exponentials and products.


def exp(x: Fingerprint) -> Fingerprint:
    """e^x, with e^0 = 1."""
    if x.exponential is not None:
        return x.exponential
    y = ones_where(identically_zero(x.x), symbol(x, "function", "exp"))
    return y._replace(logarithm=x, power=x)


def product_of(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """The product, of the factors that are left when powers of e, roots and x · (1 / x) are collected."""
    for p, v in ((a, b), (b, a)):
        slope = _slope_of_shares(p, *v.less) if v.less else _slope_by_hand(p, *v.terms) if v.terms else None
        if slope is not None:
            return _poles_kept(slope, a, b)
    found, shape = [*_factors(a), *_factors(b)], np.broadcast_shapes(a.shape, b.shape)
    simple = _collected(found) if any(map(_is_special, found)) else found
    if simple is found:
        y = multiply(a, b)
    elif len(simple) == 1 and simple[0].shape == shape:
        return _poles_kept(simple[0], a, b)
    else:
        y = functools.reduce(multiply, simple, _ones(a, shape))
    return _poles_kept(y._replace(factors=tuple(simple)) if len(simple) <= FACTORS else y, a, b)


def _factors(p: Fingerprint) -> tuple[Fingerprint, ...]:
    return p.factors or (p,)


def _ones(like: Fingerprint, shape: tuple[int, ...]) -> Fingerprint:
    return Fingerprint(np.ones((len(like.x), *shape), dtype=np.int64), 0.0, 1.0)


def _is_special(p: Fingerprint) -> bool:
    return p.power is not None or p.square is not None or p.inverse is not None


def _collected(factors: list[Fingerprint]) -> list[Fingerprint]:
    """Fewer factors with the same product; the same list if there is nothing to collect."""
    powers = [p.power for p in factors if p.power is not None]
    if len(powers) > 1:
        factors = [*(p for p in factors if p.power is None), exp(functools.reduce(add, powers))]
    while (fewer := _with_one_pair_less(factors)) is not None:
        factors = fewer
    return factors


def _with_one_pair_less(factors: list[Fingerprint]) -> list[Fingerprint] | None:
    for i, k in itertools.permutations(range(len(factors)), 2):
        pair = _of_pair(factors[i], factors[k])
        if pair is not None:
            return [*(p for place, p in enumerate(factors) if place not in (i, k)), *pair]
    return None


def _of_pair(p: Fingerprint, q: Fingerprint) -> list[Fingerprint] | None:
    """A product of two factors by at most one: √x √x = x, x / x = 1, x / √x = √x, (1 / √x) (1 / √x) = 1 / x."""
    if p.square is not None and q.square is not None and _same(p, q):
        return [p.square]
    if p.inverse is None:
        return None
    root = p.inverse.square
    if _same(p.inverse, q):
        return []
    if root is not None and _same(root, q):
        return [p.inverse]
    return [_inverse(root)] if root is not None and q.inverse is not None and _same(p, q) else None


def _inverse(p: Fingerprint) -> Fingerprint:
    return inverse(p)._replace(inverse=p)


def _same(a: Fingerprint, b: Fingerprint) -> bool:
    return a.x.shape == b.x.shape and bool((a.x == b.x).all())


def sum_of(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """The sum."""
    for p, q in ((a, b), (b, a)):
        if p.shape == np.broadcast_shapes(a.shape, b.shape) and not q.x.any():
            return _poles_kept(p, a, b)
    y = add(a, b)
    for p, q in ((a, b), (b, a)):
        y = _deviations(p, q, y, -1)
    if a.shape == b.shape and any(p.inverse is not None for p in (*a.factors, *b.factors)):
        y = y._replace(terms=(a, b))
    return _poles_kept(y, a, b)


def difference_of(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """The difference."""
    if a.shape == np.broadcast_shapes(a.shape, b.shape) and not b.x.any():
        return _poles_kept(a, a, b)
    y = _deviations(a, b, subtract(a, b))
    if a.shape != b.shape and len(a.shape) == len(b.shape):
        y = y._replace(less=(a, b))
    return _poles_kept(y, a, b)


def _deviations(a: Fingerprint, b: Fingerprint, y: Fingerprint, sign: int = 1) -> Fingerprint:
    """y = a - sign b, which adds up to 0 over axes where sign b is the mean of a; y as it is if it is small."""
    axes = _repeats_along(b, a.shape)
    small = max(y.height, y.below) <= FEW
    if not axes or _count(a, axes) > BELOW or (small and not sum_over(y, axes, True).x.any()):
        return y
    x = np.broadcast_to(align_axes(a.x, b.x)[1], a.x.shape)
    few = tuple(slice(None) if i in axes else slice(0, 1) for i in range(len(a.shape)))
    for part in ((slice(None), *few), ()):  # most are no means, as a few entries show
        mean = _mean(Fingerprint(a.x[part], a.degree, a.height, a.below), axes)
        if (times(mean.x, sign) != x[part]).any():
            return y
    return _with_sum(opaque(y), ~identically_zero(y.x), axes, ZERO)


def _mean(a: Fingerprint, axes: Axes) -> Fingerprint:
    return quotient_of(sum_over(a, axes, True), from_constant(_count(a, axes)))


def _repeats_along(p: Fingerprint, shape: tuple[int, ...]) -> Axes:
    """The axes of a shape along which p repeats when it is broadcast to it; () if that is not its shape then."""
    own = (1,) * (len(shape) - len(p.shape)) + p.shape
    if len(own) > len(shape) or any(n not in (1, m) for m, n in zip(shape, own, strict=True)):
        return ()
    x = p.x.reshape(len(p.x), *own)
    return tuple(i for i, m in enumerate(shape) if m > 1 and _is_constant(np.moveaxis(x, i + 1, 0)))


def _is_constant(x: Any) -> bool:
    return len(x) == 1 or (bool((x[0] == x[1]).all()) and bool((x == x[0]).all()))


def _poles_kept(y: Fingerprint, *operands: Fingerprint) -> Fingerprint:
    poles = poles_of(*operands)
    return y if poles is None else with_poles(y, poles)


# Fractions and powers.


def quotient_of(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """a / b."""
    if b.power is not None:
        return product_of(a, exp(subtract(ZERO, b.power)))
    y, axes = divide_fingerprints(a, b), summed_axes(a, b)
    if y.degree:  # of degree 0, they are plain numbers
        found = shares(a, axes, y) if axes else None
        if found is not None:
            return found
        y = _cancelled(a, b, y)
    zero = identically_zero(b.x)
    return _poles_kept(y, a, b._replace(poles=zero if b.poles is None else b.poles | zero) if zero.any() else b)


def _cancelled(a: Fingerprint, b: Fingerprint, y: Fingerprint) -> Fingerprint:
    """y = a / b, with 1 where a and b are the same, and without a factor that both have."""
    x, z = align_axes(a.x, b.x)
    same = (x == z).all(axis=0) & ~identically_zero(x)
    if a.below == b.below and same.any():
        return ones_where(same, y)
    return y if y.logarithm is not None else functools.reduce(product_of, map(_inverse, _factors(b)), a)


def to_the_power(a: Fingerprint, b: Fingerprint) -> Fingerprint | None:
    """a ** b for whole numbers b and halves, if they are small; None for others."""
    twice = _twice(b)
    if twice is None:
        return None
    if b.shape:
        x, y = align_axes(a.x, b.x)
        a = Fingerprint(np.broadcast_to(x, np.broadcast_shapes(x.shape, y.shape)), a.degree, a.height, a.below)
    whole, half = divmod(abs(twice), 2)
    factors = [a] * whole + [square_root(a)] * half
    product = functools.reduce(product_of, factors) if factors else Fingerprint(np.ones_like(a.x), 0.0, 1.0)
    return product if twice >= 0 else quotient_of(ONE, product)


def _twice(b: Fingerprint) -> int | None:
    """2 b, if it is one small whole number."""
    if b.degree or not b.x.size:
        return None
    x = b.x.reshape(len(b.x), -1)
    if (x != x[:, :1]).any():
        return None
    return HALVES.get(tuple(x[:, 0].tolist()))


def square_root(x: Fingerprint) -> Fingerprint:
    """√x, with √0 = 0 and √1 = 1."""
    y = ones_where((x.x == 1).all(axis=0), symbol(x, "function", "sqrt"))
    return y._replace(x=np.where(identically_zero(x.x), 0, y.x), square=x)


def logarithm(x: Fingerprint) -> Fingerprint:
    """ln x."""
    y, zero = log(x), identically_zero(x.x)
    if y.exponential is None:
        y = y._replace(exponential=x)
    return with_poles(y, zero) if zero.any() else y


def equal(a: Fingerprint, b: Fingerprint) -> Fingerprint | None:
    """Whether two plain numbers are equal, such as the places of classes; None for formulas."""
    if a.degree or b.degree or a.below != b.below:
        return None
    x, y = align_axes(a.x, b.x)
    same = (x == y).all(axis=0)
    return Fingerprint(np.broadcast_to(same, (len(x), *same.shape)).astype(np.int64), 0.0, 1.0)


# Shares.


def summed_axes(a: Fingerprint, b: Fingerprint) -> Axes:
    """The axes over which b is the sum of a; () if it is none."""
    x, y = align_axes(a.x, b.x)
    if x.shape[1:] != a.shape or y.ndim != x.ndim:
        return ()
    axes = tuple(i for i, (m, n) in enumerate(zip(x.shape[1:], y.shape[1:], strict=True)) if n == 1 < m)
    same = bool(axes) and (sum_over(a, axes, True).x == y).all() and not identically_zero(y).any()
    return axes if same else ()


def shares(a: Fingerprint, axes: Axes, quotient: Fingerprint) -> Fingerprint | None:
    """a / Σ a over the axes; None if there are too many entries. A shift of logarithms does not change it.

    quotient: the same as a fraction, which is exact where all entries are equal.
    """
    n, logs = _count(a, axes), a.logarithm
    if n > BELOW:
        return None
    if logs is not None:
        logs = subtract(logs, multiply(sum_over(logs, axes, True), inverse(from_constant(n))))
    key = a if logs is None else logs
    row = sum_over(symbol(key, "share"), axes, True)
    drawn = symbol(add(symbol(key, "a share"), row), "one of the shares")
    y = _with_sum(drawn, ~identically_zero(a.x), axes, ONE)
    if logs is None or quotient.logarithm is None:
        return y
    logs = subtract(logs, symbol(row, "ln of a sum"))
    equal = (y.x == quotient.x).all(axis=0)
    return y._replace(logarithm=logs._replace(x=np.where(equal, quotient.logarithm.x, logs.x)))


def _count(a: Fingerprint, axes: Axes) -> int:
    return int(np.prod([a.shape[i] for i in axes]))


def _with_sum(drawn: Fingerprint, free: Any, axes: Axes, whole: Fingerprint) -> Fingerprint:
    """Drawn entries, moved alike so that they add up to a number over the axes; 0 where they are not free."""
    counts = np.maximum(free.sum(axis=axes, keepdims=True), 1)
    x, shares = np.where(free, drawn.x, 0), np.zeros((len(drawn.x), *counts.shape), dtype=np.int64)
    for n in np.unique(counts).tolist():
        shares[:, counts == n] = inverse_residues(n).reshape(-1, 1)
    lack = subtract(whole, sum_over(Fingerprint(x, 1.0, 1.0), axes, True))
    moved = add(Fingerprint(x, 1.0, 1.0), multiply(lack, Fingerprint(shares, 0.0, 1.0)))
    return Fingerprint(np.where(free, moved.x, 0), 1.0, 1.0)


def _slope_of_shares(p: Fingerprint, u: Fingerprint, mean: Fingerprint) -> Fingerprint | None:
    """p (u - Σ u p), which adds up to 0 as p adds up to 1; None if these are not p, u and Σ u p."""
    axes = tuple(i for i, (m, n) in enumerate(zip(u.shape, mean.shape, strict=True)) if n == 1 < m)
    if p.shape != u.shape or not axes or not (sum_over(p, axes, True).x == 1).all():
        return None
    n, product = _count(p, axes), sum_over(multiply(u, p), axes, True)
    if n > BELOW or product.x.shape != mean.x.shape or (product.x != mean.x).any():
        return None

    def bounds(u: Fingerprint) -> tuple[float, float]:
        """The degree, and the height with its denominator."""
        height = u.height * p.height * (p.below + n * p.height)
        return u.degree + 2 * p.degree, height * u.below * p.below**2

    if not _fits(*bounds(u)):
        u = opaque(u)
    degree, height = bounds(u)
    plain, share = Fingerprint(u.x, 0.0, 1.0), Fingerprint(p.x, 0.0, 1.0)  # so that no step changes a residue
    y = multiply(share, subtract(plain, sum_over(multiply(plain, share), axes, True)))
    if not _fits(degree, height):
        return opaque(y)
    if height <= FEW and u.below == p.below == 1:
        return y._replace(degree=degree, height=height)
    return _with_sum(opaque(y), ~identically_zero(y.x), axes, ZERO)


def _slope_by_hand(e: Fingerprint, a: Fingerprint, b: Fingerprint) -> Fingerprint | None:
    """e (u / s - Σ u p / s), where s = Σ e and p = e / s: the slope of shares, as a division leaves it."""
    for part, mean in ((a, b), (b, a)):
        for k, divisor in enumerate(part.factors):
            axes = () if divisor.inverse is None else summed_axes(e, divisor.inverse)
            if not axes or divisor.inverse is None or part.shape != e.shape:
                continue
            rest = [p for place, p in enumerate(part.factors) if place != k]
            u, p = functools.reduce(product_of, rest, _ones(e, e.shape)), quotient_of(e, divisor.inverse)
            minus_mean = sum_over(quotient_of(subtract(ZERO, product_of(u, p)), divisor.inverse), axes, True)
            if (np.broadcast_to(minus_mean.x, mean.x.shape) == mean.x).all():
                return _slope_of_shares(p, u, sum_over(multiply(u, p), axes, True))
    return None


def _fits(degree: float, height: float) -> bool:
    return degree <= DEGREE and height <= HEIGHT * BELOW


# All other meanings come down to these.
ALGEBRA: dict[object, Callable[..., Fingerprint | None]] = {
    np.add: sum_of,
    np.subtract: difference_of,
    np.multiply: product_of,
    np.divide: quotient_of,
    np.power: to_the_power,
    np.float_power: to_the_power,
    np.sqrt: square_root,
    np.equal: equal,
    np.exp: exp,
    np.log: logarithm,
    np.where: where,
    np.sum: total,
}
