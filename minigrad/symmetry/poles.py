"""Entries that may be infinite or nan at every point: 0 · (1 / 0) is not 0, nor are 0 / 0 and 0 · ln 0.

A division by a formula that is 0 everywhere has no value. Nothing is claimed of it, or of what is computed from it:
in the end each such entry gets a symbol of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.op import Op
from .modular import Fingerprint, identically_zero, symbols


def with_poles(y: Fingerprint, poles: Any) -> Fingerprint:
    """The fingerprint with entries of which nothing is known."""
    return Fingerprint(y.x, y.degree, y.height, y.below, poles=np.broadcast_to(poles, y.shape))


def poles_of(*operands: Fingerprint) -> Any:
    """Where an operand has a pole, once broadcast; None if none has."""
    found = [p.poles for p in operands if p.poles is not None]
    return functools.reduce(np.logical_or, found) if found else None


def without_value(p: Fingerprint, *words: object) -> Fingerprint:
    """The fingerprint with a symbol of its own for each pole."""
    own = symbols(p.x[0].size, "no value", *words).reshape(p.x.shape)
    return p._replace(x=np.where(p.poles, own, p.x), poles=None)


def reached(made_by: Op, operands: Sequence[Fingerprint], params: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """Which output entries depend on a pole: all of them, unless the op keeps entries apart."""
    masks = [np.zeros(p.shape, dtype=bool) if p.poles is None else p.poles for p in operands]
    if made_by.function is np.where:
        c, (own, a, b) = operands[0].x, masks
        return own | np.where((c == 1).all(axis=0), a, np.where(identically_zero(c), b, a | b))
    if made_by.elementwise:
        return functools.reduce(np.logical_or, masks)
    if not made_by.sums or (made_by.bilinear and len(operands) != 2):
        return np.ones(shape, dtype=bool)
    rng, found = np.random.default_rng(0), np.zeros(shape, dtype=bool)
    for k, mask in enumerate(masks):  # sums of random numbers cancel nowhere
        others = [rng.random(m.shape) if made_by.bilinear else np.zeros(m.shape) for m in masks]
        found |= made_by.forward(*others[:k], mask * rng.random(mask.shape), *others[k + 1 :], **params) != 0
    return found


def without_guarded(
    made_by: Op, y: Fingerprint, operands: Sequence[Fingerprint], params: dict[str, Any]
) -> Fingerprint:
    """The fingerprint without the poles at which the op itself gives 0, such as the direction of a zero vector."""
    if any(p.poles is not None for p in operands):
        return y
    rng, guarded = np.random.default_rng(0), y.poles
    zeros = [identically_zero(p.x) for p in operands]
    for _ in range(2):
        with np.errstate(all="ignore"):
            drawn = made_by.forward(*(np.where(zero, 0.0, rng.random(zero.shape)) for zero in zeros), **params)
        guarded = guarded & (np.reshape(drawn, y.shape) == 0)
    poles = y.poles & ~guarded
    return y._replace(x=np.where(guarded, 0, y.x), poles=poles if poles.any() else None)
