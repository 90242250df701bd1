"""The proof: the coarsest partition of parameter entries that gradient descent cannot break.

P is the partition. V_P holds all points that are constant on its classes, and 0 on the zero-valued entries that
still count as frozen. Start with "equal value now"; read the gradient as formulas in one symbol per class; split
the classes by these formulas; repeat until nothing changes. Then the entries of a class have equal gradients at
every point of V_P, so descent never leaves V_P. This is partition refinement for backward differential equivalence
(Cardelli, Tribastone, Tschaikowski and Vandin 2016), with formulas compared as in `modular`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.value import Value
from .fingerprints import Formulas, recorded_gradients
from .loss_graph import flat
from .modular import LANES, Fingerprint, identically_zero, number_rows, renumber, symbols
from .vectorise import vectorise


@dataclass(frozen=True)
class Partition:
    """Class numbers of all entries, in the order of the parameters, and which entries never move.

    classes: entries of one class always have equal values and gradients. frozen: the gradient is 0 as long as the
    classes hold. unknown: labels of ops without a known meaning; these may hide ties.
    """

    classes: Any
    frozen: Any
    rounds: int
    unknown: tuple[str, ...] = ()


def start(values: Any) -> Any:
    """Class numbers: entries with equal values form a class."""
    return renumber(np.unique(values + 0.0, return_inverse=True)[1])[0]


def prove(
    y: Value, params: Sequence[Value], symbolic_data: Sequence[Value] = (), values: object = None
) -> Partition:
    """The partition for the gradient of y.

    symbolic_data: nodes that stand for any data. values: numbers to start from; by default the current ones.
    """
    values = flat([p._array for p in params]) if values is None else values
    vectors = vectorise(y, params, symbolic_data)
    if vectors is not None:
        loss, entries, data = vectors
        return Proof(loss, [entries], [data]).partition(values)
    return Proof(y, params, symbolic_data).partition(values)


class Proof:
    """Reads the gradient of y as formulas and refines the partition."""

    def __init__(self, y: Value, params: Sequence[Value], symbolic_data: Sequence[Value] = ()) -> None:
        self.params, self.symbolic_data = list(params), list(symbolic_data)
        gradients = recorded_gradients(y, params)
        self.gradients = [g for g in gradients if g is not None]
        self.formulas = Formulas(self.gradients, [*params, *symbolic_data])
        self.reached = np.concatenate(
            [np.full(p._array.size, g is not None) for p, g in zip(params, gradients, strict=True)] or [np.zeros(0)]
        ).astype(bool)

    def partition(self, values: Any) -> Partition:
        """Refine "equal value now" until nothing changes."""
        classes, zero, rounds = start(values), values == 0, 0
        while True:
            rounds += 1
            x = self.at(classes, zero)
            frozen = identically_zero(x)
            finer, count = number_rows(x, classes, zero & frozen)
            if count == classes.max(initial=-1) + 1 and not (zero & ~frozen).any():
                return Partition(classes, frozen, rounds, tuple(sorted(self.formulas.unknown)))
            classes, zero = finer, zero & frozen

    def at(self, classes: Any, zero: Any) -> Any:
        """The residues of all gradients, (LANES, entries), where entries of one class share a symbol."""
        fingerprints = self.formulas.read(points(self.params, self.symbolic_data, classes, zero))
        out = np.zeros((LANES, len(classes)), dtype=np.int64)
        parts = [p.x.reshape(LANES, -1) for p in fingerprints]
        if parts:
            out[:, self.reached] = np.concatenate(parts, axis=1)
        return out


def points(
    params: Sequence[Value], symbolic_data: Sequence[Value], classes: Any, zero: Any
) -> dict[int, Fingerprint]:
    """Residues by serial: for the parameters (one symbol per class, 0 where zero) and the symbolic data."""
    x = symbols(int(classes.max(initial=-1)) + 1, "class")[:, classes]
    x[:, zero] = 0
    given, start = {}, 0
    for p in params:
        end = start + p._array.size
        given[p.serial] = Fingerprint(x[:, start:end].reshape(LANES, *np.shape(p._array)), 1.0, 1.0)
        start = end
    for k, p in enumerate(symbolic_data):
        residues = symbols(p._array.size, "data", k).reshape(LANES, *np.shape(p._array))
        given[p.serial] = Fingerprint(residues, 1.0, 1.0)
    return given
