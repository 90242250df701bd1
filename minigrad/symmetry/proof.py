"""The proof: the coarsest partition of parameter entries, up to sign, that gradient descent cannot break.

P is the partition: a class and a sign for each entry. V_P holds the points at which, for every class, value times
sign is one number; entries with sign 0 are 0. Start with "equal size now", and sign 0 for zeros. Read the gradient
as formulas in one symbol per class; split the classes by gradient times sign; a zero with a gradient gets its sign
from that. Repeat until nothing changes. Then, at every point of V_P, gradients times signs are equal in a class.
Descent, momentum, Adam and weight decay are odd in gradient and value, so they never leave V_P.

No tie is lost: let Q be another partition that the rules cannot break. At first V_P is part of V_Q. As long as it
is, the gradients at the points of V_P agree as Q says; so P splits nothing that Q joins, and V_P remains in V_Q.

This is partition refinement for backward differential equivalence (Cardelli, Tribastone, Tschaikowski and Vandin
2016), with signs, and with formulas compared as in `modular`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from ..engine.value import Value
from .classes import first_entries, number_rows, number_values, renumber
from .fingerprints import Formulas, recorded_gradients
from .long_refinement import LongRefinement
from .loss_graph import flat
from .modular import Fingerprint, identically_zero, sign_of, symbols, times
from .residues import LANES
from .vectorise import vectorise

PATIENCE = 8  # rounds; after these, a refinement is long, and each round reads only what it changes


@dataclass(frozen=True)
class Partition:
    """Class numbers of all entries, in the order of the parameters, and which entries never move.

    classes: entries of one class always have equal values and gradients. frozen: the gradient is 0 as long as the
    classes hold. unknown: labels of ops without a known meaning; these may hide ties.
    signed, signs: the classes up to sign, and 1 or -1 for each entry: within a class of `signed`, value times sign
    is always equal, and so is gradient times sign. `classes` numbers the pairs of the two.
    """

    classes: Any
    frozen: Any
    rounds: int
    unknown: tuple[str, ...]
    signed: Any
    signs: Any

    @classmethod
    def of_equal(cls, classes: Any, frozen: Any, rounds: int, unknown: tuple[str, ...] = ()) -> Partition:
        """A partition without opposite entries."""
        return cls(classes, frozen, rounds, unknown, classes, np.ones(len(classes), dtype=np.int8))

    @classmethod
    def of_signed(
        cls, signed: Any, signs: Any, frozen: Any, rounds: int, unknown: tuple[str, ...] = ()
    ) -> Partition:
        """A partition with opposite entries. signs: 1, -1, or 0 for an entry that stays 0."""
        several = signed.max(initial=-1) + 1 < len(signed) and (signs < 0).any()
        classes = renumber(signed * 2 + (signs < 0))[0] if several else signed
        signs = np.where(signs < 0, -1, 1).astype(np.int8)
        return cls(classes, frozen, rounds, unknown, signed, signs)

    def signs_from(self, values: Any) -> Any:
        """The signs, but 0 for the entries that stay 0 if training starts at these values."""
        return np.where(self.frozen & (values == 0), 0, self.signs)


def start(values: Any) -> tuple[Any, Any]:
    """Class numbers and signs: entries of equal size form a class; the sign of 0 is 0."""
    signs = np.where(values == 0, 0, np.where(np.signbit(values), -1, 1)).astype(np.int8)
    return renumber(number_values(np.abs(values)))[0], signs


def prove(
    y: Value, params: Sequence[Value], symbolic_data: Sequence[Value] = (), values: object = None
) -> Partition:
    """The partition for the gradient of y.

    symbolic_data: nodes that stand for any data. values: numbers to start from; by default the current ones.
    """
    values = flat([p._array for p in params]) if values is None else values
    return proof_of(y, params, symbolic_data).partition(values)


def proof_of(y: Value, params: Sequence[Value], symbolic_data: Sequence[Value] = ()) -> Proof:
    """The gradient of y as formulas, in vectors where that is shorter: for partitions at several starts."""
    vectors = vectorise(y, params, symbolic_data)
    if vectors is not None:
        loss, entries, data = vectors
        return Proof(loss, [entries], [data])
    return Proof(y, params, symbolic_data)


class Proof:
    """Reads the gradient of y as formulas and refines the partition."""

    def __init__(self, y: Value, params: Sequence[Value], symbolic_data: Sequence[Value] = ()) -> None:
        self.params, self.symbolic_data = list(params), list(symbolic_data)
        gradients = recorded_gradients(y, params)
        self.starts = [0, *accumulate(p._array.size for p in params)]  # the first entry of each parameter
        self.reached = [k for k, g in enumerate(gradients) if g is not None]
        self.formulas = Formulas([gradients[k] for k in self.reached], [*params, *symbolic_data])

    def partition(self, values: Any) -> Partition:
        """Refine "equal size now" until nothing changes."""
        return self.refine(*start(values))

    def refine(self, classes: Any, signs: Any) -> Partition:
        """Refine classes up to sign until nothing changes. It overwrites the signs of zeros."""
        rounds, from_zero = 0, signs == 0
        while rounds < PATIENCE:
            rounds += 1
            gradient = self.read(classes, signs)
            zero = np.flatnonzero(signs == 0)
            signs[zero] = sign_of(gradient[:, zero])
            parts, count = number_rows(times(gradient, signs), classes)
            frozen = identically_zero(gradient)
            alone = count == len(classes) and not frozen.any()  # larger classes, and zeros, are all that may change
            if alone or (count == classes.max(initial=-1) + 1 and not signs[zero].any()):
                return self._found(parts, signs, frozen, rounds, from_zero)
            classes = keep_numbers(classes, parts)
        given = points(self.params, self.symbolic_data, classes, signs)
        outputs = [self.starts[k] for k in self.reached]
        refinement = LongRefinement(
            self.formulas, given, (self.params, self.starts[:-1]), outputs, (classes, signs)
        )
        classes, signs, frozen, more = refinement.run()
        return self._found(classes, signs, frozen, rounds + more, from_zero)

    def _found(self, classes: Any, signs: Any, frozen: Any, rounds: int, from_zero: Any) -> Partition:
        """The partition. Of opposite entries that start from 0, the first counts as positive."""
        classes, count = renumber(classes)
        if from_zero.any():
            first = first_entries(classes, count)
            signs = signs * np.where(from_zero[first] & (signs[first] < 0), np.int8(-1), np.int8(1))[classes]
        unknown = tuple(sorted(self.formulas.unknown))
        return Partition.of_signed(classes, signs, frozen, rounds, unknown)

    def read(self, classes: Any, signs: Any) -> Any:
        """The residues of all gradients, (LANES, entries): each entry is the symbol of its class times its sign."""
        fingerprints = self.formulas.read(points(self.params, self.symbolic_data, classes, signs))
        out = np.zeros((LANES, len(classes)), dtype=np.int64)
        for k, p in zip(self.reached, fingerprints, strict=True):
            out[:, self.starts[k] : self.starts[k + 1]] = p.x.reshape(LANES, -1)
        return out


def keep_numbers(classes: Any, parts: Any) -> Any:
    """New class numbers: the largest part of each class keeps its number, every other part gets a new one.

    So most entries keep their symbol from round to round.
    """
    sizes = np.bincount(parts)
    numbers = np.empty_like(sizes)
    numbers[parts] = classes
    order = np.lexsort((-sizes, numbers))
    kept = np.diff(numbers[order], prepend=-1) > 0
    numbers[order[~kept]] = np.arange(kept.sum(), len(sizes))
    return numbers[parts]


def points(
    params: Sequence[Value], symbolic_data: Sequence[Value], classes: Any, signs: Any
) -> dict[int, Fingerprint]:
    """Residues by serial: for the parameters, the symbols of the classes times signs; and for the symbolic data."""
    x = times(symbols(int(classes.max(initial=-1)) + 1, "class")[:, classes], signs)
    given, start = {}, 0
    for p in params:
        end = start + p._array.size
        given[p.serial] = Fingerprint(x[:, start:end].reshape(LANES, *np.shape(p._array)), 1.0, 1.0)
        start = end
    for k, p in enumerate(symbolic_data):
        residues = symbols(p._array.size, "data", k).reshape(LANES, *np.shape(p._array))
        given[p.serial] = Fingerprint(residues, 1.0, 1.0)
    return given
