"""Ops with a meaning of their own, in terms of sums, products and random functions: softmax, mean, norm, ...

Each function takes the prints of the operands and the parameters of the call, and gives the print of the output, or
None where it has nothing to say about these parameters. A meaning is an identity that holds for all numbers; where
two ops share one (`x * x` and `x ** 2`), formulas written either way are seen to be equal.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules import layers, nn
from .field import (
    BELOW,
    LANES,
    WHOLE,
    P,
    Print,
    added,
    bounded,
    constant,
    is_zero,
    mix,
    multiplied,
    per_point,
    salt,
    subtracted,
    summed,
    together,
)

ONE = constant(1)
HIGHEST_POWER = 8  # written out as a product; above, a random function


def function(p: Print, name: str) -> Print:
    """A function of one variable of which only its name is known."""
    return Print(mix(p.x, salt("function", name)), 1.0, 1.0)


def inverse(p: Print) -> Print:
    """1 / x: of small whole numbers that fraction, of the rest a function of which it is known that 1 / 1 = 1."""
    fraction = _fraction(p)
    if fraction is not None:
        return fraction
    one = (p.x == 1).all(axis=0)
    return Print(np.where(one, 1, function(p, "inverse").x), 1.0, 1.0)


def _fraction(p: Print) -> Print | None:
    """1 / n for whole numbers n, all of them over one number that is not too large."""
    if p.degree or p.below != 1 or not p.x.size:
        return None
    numbers = [n if n <= WHOLE else n - P for n in np.unique(p.x[0]).tolist()]
    below = math.lcm(*numbers)
    if not 0 < below <= BELOW or max(map(abs, numbers)) > WHOLE:
        return None
    x = np.select([p.x == n % P for n in numbers], [pow(n, -1, P) for n in numbers])
    return Print(x, 0.0, below / min(map(abs, numbers)), below)


def divided(a: Print, b: Print) -> Print:
    """a / b, as a · (1 / b)."""
    return multiplied(a, inverse(b))


def power(a: Print, b: Print) -> Print | None:
    """a ** b for a small whole number b, as a product."""
    whole = b.x.size and (b.x == b.x.flat[0]).all() and b.degree == 0 and b.below == 1
    exponent = int(b.x.flat[0]) if whole else -1
    if not 0 <= exponent <= HIGHEST_POWER:
        return None
    base = a._replace(x=_spread(a.x, b.x)[0], exponential=None)
    one = Print(np.ones_like(base.x), 0.0, 1.0)
    return functools.reduce(multiplied, [base] * exponent, one)


def square(a: Print) -> Print:
    """x²."""
    return multiplied(a, a)


def where(condition: Print, a: Print, b: Print) -> Print:
    """a where c, else b: b + c (a - b), with c as 0 or 1."""
    if condition.degree == 0:  # a plain mask: nothing of the branch not taken stays behind
        x = np.where(*_spread(condition.x != 0, a.x, b.x))
        degree, heights, below = together(a, b)
        return bounded(x, degree, max(heights), below)
    truth = Print(np.where(is_zero(condition.x), 0, function(condition, "is true").x), 1.0, 1.0)
    return added(b, multiplied(truth, subtracted(a, b)))


def _spread(*xs: Any) -> list[Any]:
    shape = np.broadcast_shapes(*(x.shape[1:] for x in xs))
    ndim = len(shape)
    return [np.broadcast_to(x.reshape(4, *(1,) * (ndim + 1 - x.ndim), *x.shape[1:]), (4, *shape)) for x in xs]


def total(x: Print, axis: Any = None, keepdims: bool = False) -> Print:
    """Σ x."""
    return summed(x, axis, keepdims)


def mean(x: Print, axis: Any = None, keepdims: bool = False) -> Print:
    """Σ x / n."""
    s = summed(x, axis, keepdims)
    return divided(s, constant(x.x.size // max(s.x.size, 1)))


def var(x: Print, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Print:
    """Σ (x - mean)² / (n - ddof)."""
    s = summed(square(subtracted(x, mean(x, axis, True))), axis, keepdims)
    return divided(s, constant(x.x.size // max(s.x.size, 1) - ddof))


def std(x: Print, axis: Any = None, ddof: Any = 0, keepdims: bool = False) -> Print:
    """√var."""
    return root(var(x, axis, ddof, keepdims))


def root(x: Print) -> Print:
    """√x, with √0 = 0."""
    return Print(np.where(is_zero(x.x), 0, function(x, "√").x), 1.0, 1.0)


def exp(x: Print) -> Print:
    """e^x, with e^0 = 1."""
    if x.exponential is not None:
        return x.exponential
    return Print(np.where(is_zero(x.x), 1, function(x, "exp").x), 1.0, 1.0)


def log(x: Print) -> Print:
    """ln x, with ln 1 = 0."""
    return Print(np.where((x.x == 1).all(axis=0), 0, function(x, "ln").x), 1.0, 1.0)


def softmax(x: Print, axis: Any = -1) -> Print:
    """e^x / Σ e^x; of n equal entries, 1 / n. That n others add up to 1 is not known."""
    e = exp(x)
    found, equal, share = divided(e, summed(e, axis, True)), *_equal(e, axis)
    if equal.all():
        return share
    degree, heights, below = together(found, share)
    return bounded(np.where(equal, share.x, found.x), degree, max(heights), below) if equal.any() else found


def _equal(x: Print, axis: Any) -> tuple[Any, Print]:
    """Where all entries along the axis are equal; and 1 / n everywhere, where n is their number."""
    total = summed(x, axis, True)
    share = inverse(constant(x.x[0].size // max(total.x[0].size, 1)))
    equal = is_zero(subtracted(x, multiplied(total, share)).x).all(axis=axis, keepdims=True)
    return equal, share._replace(x=np.broadcast_to(share.x.reshape(LANES, *(1,) * len(x.shape)), x.x.shape))


def logsumexp(x: Print, axis: Any = None, keepdims: bool = False) -> Print:
    """ln Σ e^x."""
    return log(summed(exp(x), axis, keepdims))


def log_softmax(x: Print, axis: Any = -1) -> Print:
    """x - ln Σ e^x, which is ln softmax(x): of n equal entries, ln 1 / n."""
    p, (equal, share) = softmax(x, axis), _equal(x, axis)
    found = subtracted(x, logsumexp(x, axis, True))
    return found._replace(x=np.where(equal, log(share).x, found.x), exponential=p)


def norm(x: Print, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Print | None:
    """√Σ x², where that is the norm asked for."""
    return root(summed(square(x), axis, keepdims)) if ord is None else None


def prod(x: Print, axis: Any = None, keepdims: bool = False) -> Print | None:
    """Π x, over one axis or all."""
    if isinstance(axis, tuple):
        return None
    flat = x.x.reshape(4, -1) if axis is None else np.moveaxis(x.x, axis % len(x.shape) + 1, -1)
    factors = [x._replace(x=flat[..., k], exponential=None) for k in range(flat.shape[-1])]
    y = functools.reduce(multiplied, factors, Print(np.ones(flat.shape[:-1], np.int64), 0.0, 1.0))
    ones = (1,) * len(x.shape)
    if not keepdims:
        return y
    shaped = y.x.reshape(4, *ones) if axis is None else np.expand_dims(y.x, axis % len(x.shape) + 1)
    return y._replace(x=shaped)


def symmetric(name: str) -> Callable[..., Print]:
    """A function of the entries along axes that does not ask for their order: max, min."""

    def reduced(x: Print, axis: Any = None, keepdims: bool = False) -> Print:
        entries = mix(x.x, salt("in any order", name))
        if keepdims or axis is not None or len(x.shape):
            entries = per_point(lambda z: np.sum(z, axis=axis, keepdims=keepdims), entries)
        count = x.x.size // max(entries.size, 1)
        out = mix(entries, salt("of all", name, count))
        zero = np.all(is_zero(x.x), axis=axis, keepdims=keepdims)
        return Print(np.where(zero, 0, out), 1.0, 1.0)

    return reduced


def layer_norm(x: Print, scale: Print, shift: Print, axis: Any = -1, eps: float = 1e-5) -> Print:
    """a (x - mean) / √(var + ε) + b."""
    size = root(added(var(x, axis, 0, True), constant(eps)))
    centred = subtracted(x, mean(x, axis, True))
    return added(multiplied(divided(centred, size), scale), shift)


def zeros_like(x: Print, **_: Any) -> Print | None:
    """0 everywhere."""
    return None if _.get("shape") is not None else Print(np.zeros_like(x.x), 0.0, 1.0)


def ones_like(x: Print, **_: Any) -> Print | None:
    """1 everywhere."""
    return None if _.get("shape") is not None else Print(np.ones_like(x.x), 0.0, 1.0)


def full_like(a: Print, fill: Print, **_: Any) -> Print | None:
    """The same number everywhere."""
    return None if _ else fill._replace(x=_spread(a.x, fill.x)[1], exponential=None)


SPECIAL: dict[Any, Callable[..., Print | None]] = {
    np.add: added,
    np.subtract: subtracted,
    np.multiply: multiplied,
    np.divide: divided,
    np.power: power,
    np.float_power: power,
    np.square: square,
    np.reciprocal: inverse,
    np.sqrt: root,
    np.exp: exp,
    np.log: log,
    np.where: where,
    np.sum: total,
    np.mean: mean,
    np.var: var,
    np.std: std,
    np.prod: prod,
    np.max: symmetric("max"),
    np.min: symmetric("min"),
    np.linalg.norm: norm,
    np.zeros_like: zeros_like,
    np.ones_like: ones_like,
    np.full_like: full_like,
    nn.softmax: softmax,
    nn.log_softmax: log_softmax,
    nn.logsumexp: logsumexp,
    layers.layer_norm: layer_norm,
}
