"""Letters: values with equal gradients share one. For each letter, a proof that they stay equal, if there is one.

Results are positions in a survey. `theme` gives a letter its look, the views show it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..engine.value import Value
from ..errors import MinigradError
from ..symmetry.clustering import equal_groups, is_zero
from ..symmetry.fingerprints import Formulas, recorded_gradients
from ..symmetry.loss_graph import flat
from ..symmetry.proof import Partition, points, prove
from .diagram import ZERO
from .graph_data import Survey
from .theme import letter

COMPARABLE = 200_000  # values; comparing more gradients would take too long for a picture
PROVABLE, ENTRIES = 10_000, 50_000  # values, and entries of all values: a proof then takes about half a second


@dataclass(frozen=True, slots=True)
class Equal:
    """Positions of values with equal gradients. `apart`: see `diagram.Group`. `ties`: see `DiagramNode.tie`."""

    letter: str
    members: tuple[int, ...]
    apart: bool
    ties: tuple[str, ...]

    @property
    def proved(self) -> bool:
        """Whether the gradients of all members are proved to stay equal."""
        return "" not in self.ties and len(set(self.ties)) == 1


@dataclass(frozen=True, slots=True)
class Letters:
    """The groups in the order of their letters, the leaves that never move, and why nothing is proved.

    classes: for each leaf the class numbers of its entries; entries of one class are tied. Empty without a proof.
    """

    groups: tuple[Equal, ...]
    frozen: frozenset[int]
    unproved: str
    classes: Mapping[int, object]


def letters(found: Survey) -> Letters:
    """Group the values of a survey by their gradients, and try to prove each equality.

    Groups equal in separate places come first; within these, groups with several leaves; then the larger ones.
    """
    if len(found.values) > COMPARABLE:
        return Letters((), frozenset(), f"more than {COMPARABLE:,} values", {})
    equal = equal_groups(found.gradients)
    passed_on = _passed_on(found, equal)
    apart = [sum(member not in passed_on for member in members) > 1 for members in equal]
    zeros = [k for k, g in enumerate(found.gradients) if g is not None and is_zero(g)]
    proof, unproved = _proof(found, [*equal, zeros])

    def order(k: int) -> tuple[bool, bool, int, int]:
        leaves = sum(found.values[member].op is None for member in equal[k])
        return not apart[k], leaves < 2, -len(equal[k]), equal[k][0]

    groups = [
        Equal(letter(place), tuple(equal[k]), apart[k], proof.ties(equal[k]))
        for place, k in enumerate(sorted(range(len(equal)), key=order))
    ]
    if zeros:
        groups.append(Equal(ZERO, tuple(zeros), apart=True, ties=proof.zeros(zeros)))
    return Letters(tuple(groups), proof.frozen, unproved, proof.classes)


def opposites(gradients: Mapping[str, object]) -> dict[str, str]:
    """For each letter whose gradient is now minus that of an earlier letter A: " = -A now"; else ""."""
    names, n = list(gradients), len(gradients)
    found = dict.fromkeys(names, "")
    every = [np.asarray(g) for g in gradients.values()]
    for same in equal_groups([*every, *(-g for g in every)]):
        first, other = same[0], same[-1] - n
        if first < n <= same[-1] and first > other:
            found[names[first]] = f" = -{names[other]} now"
    return found


def _passed_on(found: Survey, equal: Sequence[Sequence[int]]) -> set[int]:
    """Values that got their gradient unchanged from another of their group."""
    group = {member: number for number, members in enumerate(equal) for member in members}
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
    classes: Mapping[int, object] = MappingProxyType({})

    def ties(self, members: Sequence[int]) -> tuple[str, ...]:
        """The tie of each member of a group."""
        return ("",) * len(members)

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
        self.frozen = frozenset(place[leaves[k].serial] for k in _frozen_leaves(leaves, partition))
        parts = np.split(partition.classes, np.cumsum([v._array.size for v in leaves])[:-1])
        self.classes = {place[v.serial]: x.reshape(v._array.shape) for v, x in zip(leaves, parts, strict=True)}
        self._fingerprints = _fingerprints(y, leaves, [found.values[k] for k in chosen], partition)
        self._at = {k: number for number, k in enumerate(chosen)}

    def ties(self, members: Sequence[int]) -> tuple[str, ...]:
        fingerprints = [self._bytes(k) for k in members]
        bearers = Counter(fingerprints)
        number = {x: str(place) for place, x in enumerate(dict.fromkeys(fingerprints), start=1)}
        return tuple(number[x] if bearers[x] > 1 else "" for x in fingerprints)

    def zeros(self, members: Sequence[int]) -> tuple[str, ...]:
        return tuple("" if any(self._bytes(k)) else "1" for k in members)

    def _bytes(self, k: int) -> bytes:
        x = self._fingerprints[self._at[k]]
        return b"" if x is None else np.ascontiguousarray(x).tobytes()


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
