"""Patterns of attention: softmax(q kᵀ / √d + mask) v, computed again from the arrays at hand.

If it gives the result, and its backward pass the reference, the function is known. Then the given gradient is
compared with backward passes that have a mistake. q, k and v are arguments, or products of another with weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import Case
from .formulas import Mistake, arrays_of, first_mistake, is_same, result_and_cotangent
from .order import pattern
from .softmax import softmax_along

Array = NDArray[Any]

LARGEST = 1_000_000  # scores of an attention that is computed again
MOST = 12  # arrays among which its parts are sought
PARTS = ("queries", "keys", "values")


@dataclass(frozen=True)
class Heads:
    """Positions of q, k and v in the row of arrays, each with its weights, or None."""

    parts: tuple[int, int, int]
    weights: tuple[int | None, int | None, int | None]

    def projected(self, arrays: list[Array]) -> list[Array] | None:
        """q, k and v; None if they do not fit together."""
        found = []
        for part, weight in zip(self.parts, self.weights, strict=True):
            x = arrays[part]
            if x.ndim < 2 or (
                weight is not None and (arrays[weight].ndim != 2 or x.shape[-1] != len(arrays[weight]))
            ):
                return None
            found.append(x if weight is None else x @ arrays[weight])
        q, k, v = found
        fits = q.shape[:-2] == k.shape[:-2] == v.shape[:-2] and q.shape[-1] == k.shape[-1]
        small = q.size // max(q.shape[-1], 1) * k.shape[-2] <= LARGEST
        return found if fits and small and k.shape[-2] == v.shape[-2] else None


@dataclass(frozen=True)
class AttentionPass:
    """A backward pass; the values as they stand here are the right ones.

    masked: whether the mask is used. projected: whether softmax subtracts its sum. diagonal: only that of its
    Jacobian. scaled: whether the gradient of the scores is. turned: whether it and the weights are transposed where
    they should be. paths: those of q, k, v that count.
    """

    masked: bool = True
    projected: bool = True
    diagonal: bool = False
    scaled: bool = True
    turned: bool = True
    paths: tuple[bool, bool, bool] = (True, True, True)

    def gradient(self, attention: Attention, g: Array) -> Array | None:
        """The gradient of the first array; None if shapes do not fit."""
        q, k, v = attention.qkv
        p = softmax_along(attention.scores + (attention.mask if self.masked else 0.0), (-1,))
        dp = g @ _t(v)
        if self.diagonal:
            ds = p * (1 - p) * dp
        else:
            ds = p * (dp - (p * dp).sum(axis=-1, keepdims=True)) if self.projected else p * dp
        ds = ds * (attention.scale if self.scaled else 1.0)
        if not self.turned and p.shape[-1] != p.shape[-2]:
            return None
        back = (ds @ k, (_t(ds) if self.turned else ds) @ q, (_t(p) if self.turned else p) @ g)
        total = np.zeros(attention.arrays[0].shape)
        for n, d in enumerate(back):
            if self.paths[n]:
                total = total + attention.share(n, d)
        return total


@dataclass(frozen=True)
class Attention:
    """An attention with its numbers. scores: before the mask; mask: what is added to them."""

    arrays: list[Array]
    heads: Heads
    qkv: list[Array]
    scale: float
    scores: Array
    mask: Array | float

    def share(self, n: int, d: Array) -> Array | float:
        """What the gradient of q, k or v adds to that of the first array."""
        part, weight = self.heads.parts[n], self.heads.weights[n]
        found: Array | float = 0.0
        if part == 0:
            found = found + (d if weight is None else d @ self.arrays[weight].T)
        if weight == 0:
            x = self.arrays[part]
            found = found + x.reshape(-1, x.shape[-1]).T @ d.reshape(-1, d.shape[-1])
        return found

    @property
    def used(self) -> tuple[bool, ...]:
        """Which of q, k and v the first array is part of."""
        return tuple(0 in pair for pair in zip(self.heads.parts, self.heads.weights, strict=True))


@pattern(118)
def attention(case: Case) -> Diagnosis | None:
    """A mask that is forgotten, the sum of its softmax, a path through the queries, keys or values."""
    known = result_and_cotangent(case)
    arrays = [array for _, array in arrays_of(case) if array.ndim and array.dtype.kind in "biuf"]
    if known is None or known[0].ndim < 2 or case.evidence.x.shape != case.shape or len(arrays) > MOST:
        return None
    y, g = known
    for found in _attentions(arrays, y):
        right = AttentionPass().gradient(found, g)
        if right is not None and (named := first_mistake(case, right, _mistakes(found, g))):
            return named
    return None


def _mistakes(found: Attention, g: Array) -> Iterator[Mistake]:
    """Gradients with a mistake in the backward pass."""
    usual = AttentionPass()
    wrong: list[tuple[str, str, AttentionPass]] = []
    if np.any(found.mask):
        sentence = (
            "the mask of attention is forgotten: the weights are a softmax of all scores in the backward pass"
        )
        wrong.append(("mask", sentence, replace(usual, masked=False)))
    sentence = "the sum that the softmax of attention subtracts is missing"
    wrong.append(("missing term", sentence, replace(usual, projected=False)))
    sentence = "only the diagonal of the Jacobian of attention's softmax is there"
    wrong.append(("missing term", sentence, replace(usual, diagonal=True)))
    sentence = f"the scores' gradient lacks the factor {found.scale:.4g} (1/√d)"
    wrong.append(("factor", sentence, replace(usual, scaled=False)))
    sentence = "the weights of attention, or the gradient of its scores, are not transposed"
    wrong.append(("transposed", sentence, replace(usual, turned=False)))
    if sum(found.used) > 1:
        for n, name in enumerate(PARTS):
            if found.used[n]:
                paths = replace(usual, paths=(n != 0, n != 1, n != 2))
                wrong.append(("missing term", f"the path through the {name} of attention is missing", paths))
    for kind, sentence, backward in wrong:
        values = backward.gradient(found, g)
        if values is not None:
            yield Mistake(kind, sentence, values)


# --------------------------------------------------------------------------------- attentions that may be meant


def _attentions(arrays: list[Array], y: Array) -> Iterator[Attention]:
    """Every attention of the arrays that gives the result, if the first array is part of it."""
    numbers = [a.astype(float) for a in arrays]
    for heads in _heads(arrays):
        qkv = heads.projected(numbers)
        if qkv is None or y.size != qkv[0].size // qkv[0].shape[-1] * qkv[2].shape[-1]:
            continue
        q, k, v = qkv
        for scale in dict.fromkeys((1 / float(np.sqrt(q.shape[-1])), 1.0)):
            scores = q @ _t(k) * scale
            for mask in _masks(arrays, heads, scores.shape):
                if is_same(softmax_along(scores + mask, (-1,)) @ v, y):
                    yield Attention(numbers, heads, qkv, scale, scores, mask)


def _heads(arrays: list[Array]) -> Iterator[Heads]:
    real = [k for k, a in enumerate(arrays) if a.dtype.kind == "f" and a.ndim > 1]
    for q, k, v in product(real, repeat=3):
        if 0 in (q, k, v):
            yield Heads((q, k, v), (None, None, None))
    matrices = [k for k in real if arrays[k].ndim == 2]
    for wq, wk, wv in permutations(matrices, 3):
        weights = wq, wk, wv
        for x, memory in product([k for k in real if k not in weights], repeat=2):
            if 0 in (x, memory, *weights):
                yield Heads((x, memory, memory), weights)


def _masks(arrays: list[Array], heads: Heads, shape: tuple[int, ...]) -> Iterator[Array | float]:
    """What may be added to the scores: nothing, the causal mask, a mask among the arrays."""
    yield 0.0
    yield np.where(np.tri(shape[-2], shape[-1]) > 0, 0.0, -np.inf)
    for k, a in enumerate(arrays):
        if k in heads.parts or k in heads.weights or a.shape != shape[len(shape) - a.ndim :]:
            continue
        if a.dtype.kind in "bi" or np.all((a == 0) | (a == 1)):
            yield np.where(a != 0, 0.0, -np.inf)
            yield np.where(a != 0, -np.inf, 0.0)
        if a.dtype.kind == "f" and k:
            yield a


def _t(a: Array) -> Array:
    return np.swapaxes(a, -1, -2)
