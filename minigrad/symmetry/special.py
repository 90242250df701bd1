"""Ops with a meaning of their own, in terms of sums, products and random functions: softmax, mean, norm, ...

Each function takes the prints of the operands and the parameters of the call, and gives the print of the output, or
None where it has nothing to say about these parameters. A meaning is an identity that holds for all numbers; where
two ops share one (`x * x` and `x ** 2`), formulas written either way are seen to be equal.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..rules import layers, nn
from .field import Print, added, constant, is_zero, mix, multiplied, per_point, salt, subtracted, summed

ONE = constant(1)
HIGHEST_POWER = 8  # written out as a product; above, a random function


def function(p: Print, name: str) -> Print:
    """A function of one variable of which only its name is known."""
    return Print(mix(p.x, salt("function", name)), 1.0, 1.0)


def inverse(p: Print) -> Print:
    """1 / x."""
    one = (p.x == 1).all(axis=0)
    return Print(np.where(one, 1, function(p, "inverse").x), 1.0, 1.0)


def divided(a: Print, b: Print) -> Print:
    """a / b, as a · (1 / b)."""
    return multiplied(a, inverse(b))


def power(a: Print, b: Print) -> Print | None:
    """a ** b for a small whole number b, as a product."""
    exponent = int(b.x.flat[0]) if b.x.size and (b.x == b.x.flat[0]).all() and b.degree == 0 else -1
    if not 0 <= exponent <= HIGHEST_POWER:
        return None
    base = Print(_spread(a.x, b.x)[0], a.degree, a.height)
    one = Print(np.ones_like(base.x), 0.0, 1.0)
    return functools.reduce(multiplied, [base] * exponent, one)


def square(a: Print) -> Print:
    """x²."""
    return multiplied(a, a)


def where(condition: Print, a: Print, b: Print) -> Print:
    """a where c, else b: b + c (a - b), with c as 0 or 1."""
    if condition.degree == 0:  # a plain mask: nothing of the branch not taken stays behind
        x = np.where(*_spread(condition.x != 0, a.x, b.x))
        return Print(x, max(a.degree, b.degree), max(a.height, b.height))
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
    return Print(np.where(is_zero(x.x), 1, function(x, "exp").x), 1.0, 1.0)


def log(x: Print) -> Print:
    """ln x, with ln 1 = 0."""
    return Print(np.where((x.x == 1).all(axis=0), 0, function(x, "ln").x), 1.0, 1.0)


def softmax(x: Print, axis: Any = -1) -> Print:
    """e^x / Σ e^x."""
    e = exp(x)
    over = summed(e, axis, True)
    # Of a single entry it is 1. That the outputs of several sum to 1 is more than the proof knows.
    return Print(np.ones_like(e.x), 0.0, 1.0) if over.shape == x.shape else divided(e, over)


def logsumexp(x: Print, axis: Any = None, keepdims: bool = False) -> Print:
    """ln Σ e^x."""
    return log(summed(exp(x), axis, keepdims))


def log_softmax(x: Print, axis: Any = -1) -> Print:
    """x - ln Σ e^x."""
    return (
        log(softmax(x, axis)) if summed(x, axis, True).shape == x.shape else subtracted(x, logsumexp(x, axis, True))
    )


def norm(x: Print, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Print | None:
    """√Σ x², where that is the norm asked for."""
    return root(summed(square(x), axis, keepdims)) if ord is None else None


def prod(x: Print, axis: Any = None, keepdims: bool = False) -> Print | None:
    """Π x, over one axis or all."""
    if isinstance(axis, tuple):
        return None
    flat = x.x.reshape(4, -1) if axis is None else np.moveaxis(x.x, axis % len(x.shape) + 1, -1)
    factors = [Print(flat[..., k], x.degree, x.height) for k in range(flat.shape[-1])]
    y = functools.reduce(multiplied, factors, Print(np.ones(flat.shape[:-1], np.int64), 0.0, 1.0))
    ones = (1,) * len(x.shape)
    if not keepdims:
        return y
    shaped = y.x.reshape(4, *ones) if axis is None else np.expand_dims(y.x, axis % len(x.shape) + 1)
    return Print(shaped, y.degree, y.height)


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
    return None if _ else Print(_spread(a.x, fill.x)[1], fill.degree, fill.height)


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
