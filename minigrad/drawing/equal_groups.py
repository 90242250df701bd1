"""Letters: values with equal gradients share one. For each letter, a proof that they stay equal, if there is one.

Results are positions in a survey. `theme` gives a letter its look, the views show it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ..engine.value import Value
from ..errors import MinigradError
from ..symmetry.clustering import is_zero
from ..symmetry.fingerprints import Formulas, recorded_gradients
from ..symmetry.loss_graph import flat
from ..symmetry.modular import times
from ..symmetry.proof import Partition, points, prove
from .diagram import MINUS, ZERO
from .graph_data import Survey
from .marks import number_ties
from .opposite_groups import Together, equal_or_opposite
from .theme import letter

COMPARABLE = 200_000  # values; comparing more gradients would take too long for a picture
PROVABLE, ENTRIES = 10_000, 50_000  # values, and entries of all values: a proof then takes about half a second


@dataclass(frozen=True, slots=True)
class Equal:
    """Positions of values with equal gradients. `letter`, `apart`, `ties`: see `diagram.Group`."""

    letter: str
    members: tuple[int, ...]
    apart: bool
    ties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EntryProof:
    """What is proved of the entries of a leaf, in its shape.

    Entries of equal classes and signs are tied; those of equal classes and other signs stay opposite.
    """

    classes: Any
    signs: Any
    frozen: Any


@dataclass(frozen=True, slots=True)
class Letters:
    """The groups in the order of their letters, the leaves that never move, and why nothing is proved.

    entries: what is proved of the entries of each leaf. Empty without a proof.
    """

    groups: tuple[Equal, ...]
    frozen: frozenset[int]
    unproved: str
    entries: Mapping[int, EntryProof]


def letters(found: Survey) -> Letters:
    """Group the values of a survey by their gradients, and try to prove each equality.

    Groups equal in separate places come first; within these, groups with several leaves; then the larger ones.
    """
    if len(found.values) > COMPARABLE:
        return Letters((), frozenset(), f"more than {COMPARABLE:,} values", {})
    groups = _groups(found)
    zeros = [k for k, g in enumerate(found.gradients) if g is not None and is_zero(g)]
    proof, unproved = _proof(found, [*(group.every for group, _ in groups), zeros])

    def order(k: int) -> tuple[bool, bool, int, int]:
        group, apart = groups[k]
        return not apart, _leaves(found, group) < 2, -len(group.every), group.plus[0]

    equal = []
    for place, k in enumerate(sorted(range(len(groups)), key=order)):
        group, apart = groups[k]
        ties, name = proof.ties(group), letter(place)
        equal.append(Equal(name, group.plus, apart, ties[: len(group.plus)]))
        if group.minus:
            equal.append(Equal(f"{MINUS}{name}", group.minus, apart, ties[len(group.plus) :]))
    if zeros:
        equal.append(Equal(ZERO, tuple(zeros), apart=True, ties=proof.zeros(zeros)))
    return Letters(tuple(equal), proof.frozen, unproved, proof.entries)


def _groups(found: Survey) -> list[tuple[Together, bool]]:
    """The groups that get a letter, and whether each is equal in separate places.

    A value whose gradient is minus that of another has a letter, too, unless an op such as - merely passed it on
    to an input.
    """
    every = equal_or_opposite(found.gradients)
    passed_on, kept = _passed_on(found, every), []
    for group in every:
        apart = sum(member not in passed_on for member in group.every) > 1
        signed = apart or len(group.minus) > 1 or _leaves(found, group) > 1
        shown = group if signed else Together(group.plus)
        if len(shown.every) > 1:
            kept.append((shown, apart))
    return kept


def _leaves(found: Survey, group: Together) -> int:
    return sum(found.values[member].op is None for member in group.every)


def _passed_on(found: Survey, groups: Sequence[Together]) -> set[int]:
    """Values that got their gradient from another of their group, unchanged but for the sign."""
    group = {member: number for number, one in enumerate(groups) for member in one.every}
    return {
        tail
        for head, tails in enumerate(found.uses)
        if head in group
        for tail in tails
        if group.get(tail) == group[head]
    }


class _NoProof:
    """No proof: no value has a tie."""

    frozen: frozenset[int] = frozenset()
    entries: Mapping[int, EntryProof] = MappingProxyType({})

    def ties(self, group: Together) -> tuple[str, ...]:
        """The tie of each member of a group, first those in `plus`."""
        return ("",) * len(group.every)

    def zeros(self, members: Sequence[int]) -> tuple[str, ...]:
        """The tie of each value whose gradient is 0 now: whether it stays 0."""
        return ("",) * len(members)


class _Proof(_NoProof):
    """The gradients of chosen values as formulas, at points where tied leaves are equal: see `symmetry.proof`."""

    def __init__(self, found: Survey, chosen: Sequence[int]) -> None:
        leaves = [v for v in found.values if v.op is None and v._array.dtype.kind == "f"]
        y = found.values[found.result]
        partition = prove(y, leaves)
        place = {v.serial: k for k, v in enumerate(found.values)}
        entries: dict[int, EntryProof] = {}
        self.entries = entries
        self.frozen = frozenset(place[leaves[k].serial] for k in _frozen_leaves(leaves, partition))
        numbers = (partition.signed, partition.signs, partition.frozen)
        ends = np.cumsum([v._array.size for v in leaves])[:-1]
        for v, *parts in zip(leaves, *(np.split(x, ends) for x in numbers), strict=True):
            entries[place[v.serial]] = EntryProof(*(x.reshape(v._array.shape) for x in parts))
        self._fingerprints = _fingerprints(y, leaves, [found.values[k] for k in chosen], partition)
        self._at = {k: number for number, k in enumerate(chosen)}

    def ties(self, group: Together) -> tuple[str, ...]:
        return number_ties(self._claim(k, sign) for k, sign in zip(group.every, group.signs, strict=True))

    def zeros(self, members: Sequence[int]) -> tuple[str, ...]:
        return tuple("" if (x := self._of(k)) is not None and x.any() else "1" for k in members)

    def _claim(self, k: int, sign: int) -> bytes | None:
        """The formula of a gradient times its sign in the group; None if there is none."""
        x = self._of(k)
        return None if x is None else np.ascontiguousarray(times(x, sign)).tobytes()

    def _of(self, k: int) -> Any:
        return self._fingerprints[self._at[k]]


def _frozen_leaves(leaves: Sequence[Value], partition: Partition) -> list[int]:
    """The leaves whose entries never move."""
    ends = np.cumsum([0, *(v._array.size for v in leaves)])
    return [k for k in range(len(leaves)) if partition.frozen[ends[k] : ends[k + 1]].all()]


def _fingerprints(y: Value, leaves: Sequence[Value], chosen: Sequence[Value], partition: Partition) -> list[object]:
    """The residues of the gradients of chosen values at points of the partition; None without a gradient."""
    signs = partition.signs_from(flat([v._array for v in leaves]))
    given = points(leaves, (), partition.signed, signs)
    gradients = recorded_gradients(y, chosen, through=True)
    reached = [g for g in gradients if g is not None]
    fingerprints = iter(Formulas(reached, leaves).read(given))
    return [None if g is None else next(fingerprints).x for g in gradients]


def _proof(found: Survey, groups: Sequence[Sequence[int]]) -> tuple[_NoProof, str]:
    """The proof, and "" or the reason why there is none."""
    y = found.values[found.result]
    if not found.sweep:
        return _NoProof(), ""
    if np.size(y._array) != 1:
        return _NoProof(), ""
    if len(found.values) > PROVABLE:
        return _NoProof(), f"more than {PROVABLE:,} values"
    if sum(v._array.size for v in found.values if not isinstance(v._array, tuple)) > ENTRIES:
        return _NoProof(), f"more than {ENTRIES:,} entries"
    if not any(v.op is None and v._array.dtype.kind == "f" for v in found.values):
        return _NoProof(), "no leaf can move"
    if any(v.op is None and not np.isfinite(v._array).all() for v in found.values):
        return _NoProof(), "nan or inf among the leaves"
    try:
        return _Proof(found, sorted({k for members in groups for k in members})), ""
    except MinigradError as error:  # a user's rule that cannot run on Values
        return _NoProof(), str(error).splitlines()[0]
