"""The proof: the coarsest partition of parameter entries that gradient descent cannot break.

P is the partition, V_P all points that are constant on its classes, and 0 on the zero-valued entries that are
still taken for frozen. Start with "equal value now"; read value and gradient as formulas in one symbol per class;
split the classes by their gradient's formula; repeat until nothing changes. Then equal classes have equal gradients
at every point of V_P: descent never leaves it. This is partition refinement for backward differential equivalence
(Cardelli, Tribastone, Tschaikowski and Vandin 2016), with formulas compared as in `field`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..value import Value
from .batching import batched
from .field import LANES, Print, by_appearance, is_zero, rows_in_common, symbols
from .formulas import Formulas, recorded_gradients
from .recording import flat


@dataclass(frozen=True)
class Partition:
    """Class numbers of all entries, in the order of the parameters, and which of them never move.

    classes: equal value and equal gradient for ever. still: gradient 0 for as long as the grouping holds.
    unknown: labels of ops of which the proof knows nothing, so that it may say less than the truth.
    """

    classes: Any
    still: Any
    rounds: int
    unknown: tuple[str, ...] = ()


def start(values: Any) -> Any:
    """Classes of equal value."""
    return by_appearance(np.unique(values + 0.0, return_inverse=True)[1])[0]


def prove(y: Value, params: Sequence[Value], free: Sequence[Value] = (), values: Any = None) -> Partition:
    """The partition for the gradient of y.

    free: nodes that stand for any data. values: numbers for all entries to start from, if not those they have.
    """
    values = flat([p._array for p in params]) if values is None else values
    vectors = batched(y, params, free)
    if vectors is not None:
        loss, entries, data = vectors
        return Proof(loss, [entries], [data]).partition(values)
    return Proof(y, params, free).partition(values)


class Proof:
    """The gradient of y as formulas, and the refinement."""

    def __init__(self, y: Value, params: Sequence[Value], free: Sequence[Value] = ()) -> None:
        self.params, self.free = list(params), list(free)
        gradients = recorded_gradients(y, params)
        self.gradients = [g for g in gradients if g is not None]
        self.formulas = Formulas(self.gradients, [*params, *free])
        self.reached = np.concatenate(
            [np.full(p._array.size, g is not None) for p, g in zip(params, gradients, strict=True)] or [np.zeros(0)]
        ).astype(bool)

    def partition(self, values: Any) -> Partition:
        """Refine "equal value now" to the fixpoint."""
        classes, zero, rounds = start(values), values == 0, 0
        while True:
            rounds += 1
            x = self.at(classes, zero)
            still = is_zero(x)
            finer, count = rows_in_common(x, classes, zero & still)
            if count == classes.max(initial=-1) + 1 and not (zero & ~still).any():
                return Partition(classes, still, rounds, tuple(sorted(self.formulas.unknown)))
            classes, zero = finer, zero & still

    def at(self, classes: Any, zero: Any) -> Any:
        """The residues of all gradients, (LANES, entries), where entries of one class share a symbol."""
        prints = self.formulas.read(points(self.params, self.free, classes, zero))
        out = np.zeros((LANES, len(classes)), dtype=np.int64)
        parts = [p.x.reshape(LANES, -1) for p in prints]
        if parts:
            out[:, self.reached] = np.concatenate(parts, axis=1)
        return out


def points(params: Sequence[Value], free: Sequence[Value], classes: Any, zero: Any) -> dict[int, Print]:
    """The residues of the parameters (equal where the class is, 0 where zero) and of the free data, by serial."""
    x = symbols(int(classes.max(initial=-1)) + 1, "class")[:, classes]
    x[:, zero] = 0
    given, start = {}, 0
    for p in params:
        end = start + p._array.size
        given[p.serial] = Print(x[:, start:end].reshape(LANES, *np.shape(p._array)), 1.0, 1.0)
        start = end
    for k, p in enumerate(free):
        residues = symbols(p._array.size, "data", k).reshape(LANES, *np.shape(p._array))
        given[p.serial] = Print(residues, 1.0, 1.0)
    return given
