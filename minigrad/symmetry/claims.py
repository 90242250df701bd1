"""The evidence for ties, claim by claim: which are proved, which were only probed, and how the two are joined.

A group of one entry claims nothing: that entries differ is never proved, they were only not found to be equal.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .classes import renumber
from .loss_graph import Recording
from .now import Now, parted
from .proof import Partition
from .why_zero import ZeroNow, why_zero

SINGLE, PROVED, PROBED, OBSERVED = "single", "proved", "probed", "observed"
STRENGTH = (PROVED, PROBED, OBSERVED)


@dataclass(frozen=True, eq=False)
class Claims:
    """What is claimed of the entries of all parameters, and on what evidence.

    proof: the partition that was proved, None without a proof. numbers: the group of each entry. evidence: a word
    for each group. now: the gradient at the start.
    """

    recording: Recording
    partition: Partition
    proof: Partition | None
    numbers: Any
    evidence: tuple[str, ...]
    scope: str
    now: Now

    @property
    def frozen(self) -> int | None:
        """The number of the group that never moves."""
        frozen = self.partition.frozen
        return int(self.numbers[frozen][0]) if frozen.any() else None

    @functools.cached_property
    def opposite(self) -> tuple[int | None, ...]:
        """For each group that moves, the number of the group whose values are always its values times -1."""
        p = self.partition
        own = np.full((2, int(p.signed.max(initial=-1)) + 1), -1)
        for negative, number in enumerate(own):
            entries = ~p.frozen & ((p.signs < 0) == bool(negative))
            number[p.signed[entries]] = self.numbers[entries]
        found: list[int | None] = [None] * len(self.evidence)
        for a, b in own[:, (own >= 0).all(axis=0)].T.tolist():
            found[a], found[b] = b, a
        return tuple(found)

    @functools.cached_property
    def opposite_evidence(self) -> tuple[str, ...]:
        """For each group, the evidence that another is always its negative; "single" if none is."""
        others = np.array([-1 if other is None else other for other in self.opposite], dtype=np.int64)
        if (others < 0).all():
            return (SINGLE,) * len(others)
        known = self.proves_opposite(self.firsts, self.firsts[others])
        words = np.where(known, OBSERVED if self.recording.is_sampled else PROVED, PROBED)
        return tuple(np.where(others < 0, SINGLE, words).tolist())

    def proves_opposite(self, ours: Any, theirs: Any) -> Any:
        """Whether the proof has entries as minus others, pair by pair."""
        if self.proof is None:
            return np.zeros(len(ours), dtype=bool)
        signed, signs = self.proof.signed, self.proof.signs
        return (signed[ours] == signed[theirs]) & (signs[ours] != signs[theirs])

    @functools.cached_property
    def firsts(self) -> Any:
        """The first entry of each group."""
        return np.unique(self.numbers, return_index=True)[1]

    @property
    def proved_frozen(self) -> Any:
        """Which entries the proof knows never to move."""
        return np.zeros(len(self.numbers), dtype=bool) if self.proof is None else self.proof.frozen

    @functools.cached_property
    def frozen_evidence(self) -> tuple[str, ...]:
        """The evidence for each entry of the group that never moves, in the order of `groups`."""
        best = OBSERVED if self.recording.is_sampled else PROVED
        return tuple(np.where(self.proved_frozen, best, PROBED)[self.partition.frozen].tolist())

    @property
    def unknown(self) -> tuple[str, ...]:
        """Labels of the ops that the proof does not know."""
        return () if self.proof is None else self.proof.unknown

    @functools.cached_property
    def parted(self) -> dict[int, tuple[float, float]]:
        """The groups whose gradients differ now by more than rounding: see `now.parted`."""
        return parted(self.now, self.partition, self.numbers, self.recording.width)

    @property
    def zero_now(self) -> Any:
        """Which entries have gradient 0 now, to rounding, though nothing keeps it 0."""
        return self.now.zero & ~self.partition.frozen

    @functools.cached_property
    def zero_reasons(self) -> list[ZeroNow]:
        """Why entries have gradient 0 now though nothing keeps it 0, by tensor: see `why_zero.ZeroNow`."""
        return why_zero(self.recording, self.now, self.zero_now)


def weakest(words: Sequence[str]) -> str:
    """The weakest evidence among some words; "single" if there is none."""
    return max((word for word in words if word != SINGLE), key=STRENGTH.index, default=SINGLE)


def groups_of(partition: Partition) -> Any:
    """Group numbers of all entries, in order of first appearance; the frozen entries are one group."""
    return renumber(np.where(partition.frozen, -1, partition.classes))[0]


def evidence_of_groups(
    partition: Partition, numbers: Any, proof: Partition | None, best: str = PROVED
) -> tuple[str, ...]:
    """The evidence for each group: "single", or `best` if the proof has all its entries in one class, or "probed".

    The group that never moves has the weakest evidence of its entries, also if it has one entry.
    """
    sizes = np.bincount(numbers)
    frozen = np.zeros(len(sizes), dtype=bool)
    frozen[numbers[partition.frozen]] = True
    known = np.full(len(sizes), proof is not None)
    if proof is not None and proof is not partition:
        proved = groups_of(proof)
        firsts = np.unique(numbers, return_index=True)[1]
        known[numbers[proved != proved[firsts][numbers]]] = False
        known[frozen] = not (partition.frozen & ~proof.frozen).any()
    alone = (sizes == 1) & ~frozen
    words = np.array([PROBED, best, SINGLE], dtype=object)
    return tuple(words[np.where(alone, 2, known)].tolist())


def join_partitions(proof: Partition, seen: Partition) -> Partition:
    """The finest partition that merges all entries that either of the two merges, up to sign as well."""
    count = len(proof.classes)
    pairs = [_with_negatives(p) for p in (proof, seen)]
    label = np.arange(2 * count)
    while True:
        before = label
        for other in pairs:
            least = np.full(int(other.max(initial=-1)) + 1, 2 * count)
            np.minimum.at(least, other, label)
            label = least[other]
        if (label == before).all():
            break
    own, negative = label[:count], label[count:]
    signed = renumber(np.minimum(own, negative))[0]
    signs = np.where(own <= negative, 1, -1).astype(np.int8)
    unknown = tuple(sorted({*proof.unknown, *seen.unknown}))
    return Partition(renumber(own)[0], proof.frozen | seen.frozen, proof.rounds, unknown, signed, signs)


def _with_negatives(partition: Partition) -> Any:
    """Class numbers of all entries, then of their negatives: opposite entries have each other's numbers."""
    signed, negative = partition.signed.astype(np.int64), partition.signs < 0
    return renumber(np.concatenate([2 * signed + negative, 2 * signed + ~negative]))[0]
