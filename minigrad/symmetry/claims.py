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
    for each group. now: the gradient at the start. never_moves: which entries are proved never to move.
    zero_everywhere: which of the others have gradient 0 now and at every point that was probed, or in every draw of
    random numbers. (What is frozen in the partition may be only seen to be.)
    """

    recording: Recording
    partition: Partition
    proof: Partition | None
    numbers: Any
    evidence: tuple[str, ...]
    scope: str
    now: Now
    never_moves: Any
    zero_everywhere: Any

    @property
    def frozen(self) -> int | None:
        """The number of the group that never moves."""
        return int(self.numbers[self.never_moves][0]) if self.never_moves.any() else None

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
    def frozen_evidence(self) -> tuple[str, ...]:
        """The evidence for each entry of the group that never moves: nothing is said to, without a proof."""
        return (PROVED,) * int(self.never_moves.sum())

    @property
    def unknown(self) -> tuple[str, ...]:
        """Labels of the ops that the proof does not know."""
        return () if self.proof is None else self.proof.unknown

    @functools.cached_property
    def parted(self) -> dict[int, tuple[float, float]]:
        """The groups whose gradients differ now by more than rounding: see `now.parted`."""
        return parted(self.now, self.never_moves, self.numbers, self.recording.width)

    @property
    def zero_now(self) -> Any:
        """Which entries have gradient 0 now, to rounding, and are not proved to keep it."""
        return self.now.zero & ~self.never_moves

    @property
    def vanishing(self) -> Any:
        """Which entries have a gradient that is not 0, but too small to change a digit."""
        return self.now.vanishing & ~self.never_moves

    @property
    def now_words(self) -> str:
        """When a gradient is 0: under these data, where ties are for all data."""
        return "now for the data given" if self.scope.startswith("for all data") else "now"

    @property
    def everywhere_words(self) -> str:
        """Where else the gradients of `zero_everywhere` are 0."""
        if self.recording.is_sampled:
            return f"in all {self.recording.draws} draws"
        return "at every point that was probed"

    @functools.cached_property
    def zero_reasons(self) -> list[ZeroNow]:
        """Why entries have gradient 0 now and are not proved to keep it, by tensor: see `why_zero.ZeroNow`."""
        return why_zero(self.recording, self.now, self.zero_now)


def weakest(words: Sequence[str]) -> str:
    """The weakest evidence among some words; "single" if there is none."""
    return max((word for word in words if word != SINGLE), key=STRENGTH.index, default=SINGLE)


def groups_of(partition: Partition, never: Any = None) -> Any:
    """Group numbers of all entries, in order of first appearance; what never moves is one group.

    never: which entries that is; by default, all that are frozen.
    """
    return renumber(np.where(partition.frozen if never is None else never, -1, partition.classes))[0]


def evidence_of_groups(
    partition: Partition, numbers: Any, never: Any, proof: Partition | None, best: str = PROVED
) -> tuple[str, ...]:
    """The evidence for each group: "single", or `best` if the proof has all its entries in one class, or "probed".

    The group that never moves is proved, also if it has one entry.
    """
    sizes = np.bincount(numbers)
    frozen = np.zeros(len(sizes), dtype=bool)
    frozen[numbers[never]] = True
    known = np.full(len(sizes), proof is not None)
    if proof is not None and proof is not partition:
        firsts = np.unique(numbers, return_index=True)[1]
        known[numbers[proof.classes != proof.classes[firsts][numbers]]] = False
    known[frozen] = True
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
