"""The pattern of a cross entropy without one of its two terms: softmax(z) - labels, with z = x W + b."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import Case
from .formulas import Mistake, arrays_of, first_mistake, is_same
from .order import pattern
from .softmax import softmax_along

Array = NDArray[Any]


@dataclass(frozen=True)
class Logits:
    """z = x W + b: the positions of x, W and b in the row of arrays, b None without one, and z. turned: x Wᵀ."""

    x: int
    w: int
    bias: int | None
    turned: bool
    values: Array

    def pull(self, d: Array, arrays: list[Array]) -> Array:
        """The gradient of the first array, where d is that of z."""
        w = arrays[self.w].T if self.turned else arrays[self.w]
        if self.x == 0:
            return np.asarray(d @ w.T)
        if self.bias == 0:
            return np.asarray(d.sum(axis=0))
        found = np.asarray(arrays[self.x].T @ d)
        return found.T if self.turned else found


@pattern(119)
def cross_entropy_of_layer(case: Case) -> Diagnosis | None:
    """Without the -1 of the label, or without the softmax."""
    y, arrays = case.evidence.y, [array for _, array in arrays_of(case)]
    if y is None or np.size(y) != 1 or case.evidence.x.shape != case.shape:
        return None
    for logits in _logits(arrays):
        z = logits.values
        log_p = z - z.max(axis=1, keepdims=True)
        log_p = log_p - np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        for target, share in product(_targets(arrays, logits, z.shape), (1 / len(z), 1.0)):
            if not is_same(np.array([-share * (target * log_p).sum()]), np.ravel(np.asarray(y, dtype=float))):
                continue
            p = softmax_along(z, (1,))
            right, of_p, of_target = (logits.pull(share * d, arrays) for d in (p - target, p, -target))
            sentence = "of the gradient of a cross entropy, softmax - labels, {} missing"
            mistakes = (
                Mistake("missing term", sentence.format("the labels are (the -1 of softmax - 1)"), of_p),
                Mistake("missing term", sentence.format("the softmax is"), of_target),
            )
            return first_mistake(case, right, mistakes)
    return None


def _logits(arrays: list[Array]) -> Iterator[Logits]:
    """Every product of two arrays of which the first array is part, with a bias and without."""
    real = [k for k, a in enumerate(arrays) if a.dtype.kind == "f"]
    for x, w, turned in product(real, real, (False, True)):
        if x == w or arrays[x].ndim != 2 or arrays[w].ndim != 2:
            continue
        matrix = arrays[w].T if turned else arrays[w]
        if arrays[x].shape[1] != len(matrix) or not arrays[x].size or not matrix.size:
            continue
        z = arrays[x] @ matrix
        for bias in (None, *(k for k in real if arrays[k].shape == z.shape[1:])):
            if 0 in (x, w, bias):
                yield Logits(x, w, bias, turned, z if bias is None else z + arrays[bias])


def _targets(arrays: list[Array], logits: Logits, shape: tuple[int, ...]) -> Iterator[Array]:
    """Labels among the arrays, as one row of shares per sample."""
    for k, a in enumerate(arrays):
        if a.dtype.kind in "iu" and a.shape == shape[:1] and a.min() >= 0 and a.max() < shape[1]:
            yield np.eye(shape[1])[a]
        elif k not in (logits.x, logits.w) and a.shape == shape and is_same(a.sum(axis=1), np.ones(len(a))):
            yield a.astype(float)
