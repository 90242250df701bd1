"""Where the trials of remedies start: the numbers, the ties that hold there, and what has no gradient there.

The gradient is recorded as formulas once, and read again at the numbers that each remedy leads to.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.value import graph
from ..errors import ArgumentError
from .claims import Claims, groups_of, join_partitions
from .classes import first_entries, renumber
from .holding import broken, live_values, settled
from .loss_graph import Recording, with_any_data
from .now import clearly_moves, look
from .probe import probe
from .proof import Partition, Proof, proof_of, start
from .slices import listed, tensor_name
from .zero_gradients import gradient_without_rounding

POINTS = 4  # random points at which an entry may show that it moves
NAMED = 3  # tensors that a sentence names


@dataclass(frozen=True, eq=False)
class TrialStart:
    """A loss, its ties, and the numbers that trials start from.

    values: the parameters as they are now; those at which the ties were found if the ties no longer hold. parted:
    why they no longer hold, or "". still: the entries without a gradient here that the loss depends on; it is 0, or
    nan or infinite. is_infinite: whether some are nan or infinite.
    """

    found: Claims
    values: Any
    parted: str
    still: Any
    is_infinite: bool

    @classmethod
    def of(cls, found: Claims) -> TrialStart:
        """The start for these ties. Raises ArgumentError if the graph cannot be computed again."""
        recording, now = found.recording, found.now
        if recording.is_detached:
            raise ArgumentError(
                "the masks of this graph do not record their inputs\n"
                "  write  ties(f, params, *data)   so that it can be computed at other numbers"
            )
        live, parted = live_values(found), broken(found)
        if parted is None and (live != now.values).any():
            now = look(_moved(recording, settled(found, live)))
        reached = {v.serial for v in graph(recording.y)}
        used = np.repeat([p.serial in reached for p in recording.params], [p._array.size for p in recording.params])
        infinite = ~np.isfinite(now.gradient)
        still = (now.zero | now.vanishing | infinite | found.partition.frozen) & used.astype(bool)
        return cls(found, now.values, str(parted or ""), still, bool(infinite.any()))

    @property
    def before(self) -> Partition:
        """The ties."""
        return self.found.partition

    @functools.cached_property
    def owner(self) -> Any:
        """For each entry, the number of its parameter."""
        params = self.found.recording.params
        return np.repeat(np.arange(len(params)), [p._array.size for p in params])

    @functools.cached_property
    def proof(self) -> Proof:
        """The gradient as formulas."""
        recording = self.found.recording
        return proof_of(recording.y, recording.params, recording.symbolic_data)

    @property
    def is_probed(self) -> bool:
        """Whether the ties rest on a probe too."""
        return self.found.partition is not self.found.proof

    def partition_at(self, values: Any) -> Partition:
        """The ties at other numbers, found in the way in which those of the start were found."""
        if not self.is_probed:
            return self.proof.partition(values)
        seen = probe(with_any_data(_moved(self.found.recording, values)))
        return seen if self.found.proof is None else join_partitions(self.proof.partition(values), seen)

    @functools.cached_property
    def by_tensor(self) -> Partition:
        """The ties under a rule for each tensor, which keeps equal only what is equal within a tensor."""
        p = self.before
        classes = renumber(p.signed * len(self.found.recording.params) + self.owner)[0]
        if self.is_probed:
            return Partition.of_signed(classes, p.signs, p.frozen, 0)
        return self.proof.refine(classes, start(self.values)[1])

    def splits(self, after: Partition, values: Any) -> bool:
        """Whether entries that moved together, up to sign, no longer do. values: those of `after`."""
        moving = ~self.before.frozen
        if not moving.any():
            return False
        signs = after.signs_from(values)[moving] * self.before.signs[moving]
        key = after.signed[moving] * 3 + signs
        classes, count = renumber(self.before.signed[moving])
        return bool((key != key[first_entries(classes, count)][classes]).any())

    def freed(self, after: Partition, values: Any) -> Any:
        """Which entries move that never moved, or have a gradient that had none: of those in `still`."""
        thawed = self.still & self.before.frozen & ~after.frozen
        freed = self.still & self.awake(values)
        return freed | self._moves_somewhere(thawed, after, values) if thawed.any() else freed

    def _moves_somewhere(self, thawed: Any, after: Partition, values: Any) -> Any:
        """Which entries have a gradient at a point that keeps some ties: a proof does not know every identity."""
        rng, found = np.random.default_rng(0), np.zeros_like(thawed)
        for _ in range(POINTS):
            numbers = rng.normal(size=int(after.signed.max()) + 1)[after.signed] * after.signs_from(values)
            for point in (numbers, -numbers):  # a relu is open at one of the two
                found |= thawed & self.awake(point)
                if found.sum() == thawed.sum():
                    return found
        return found

    def awake(self, values: Any) -> Any:
        """Which entries have a gradient at other numbers."""
        if not self.still.any():
            return self.still
        recording = with_any_data(self.found.recording)
        return clearly_moves(recording, gradient_without_rounding(recording, values))

    def names(self, mask: Any) -> str:
        """The tensors that have entries in a mask, in words."""
        names = [tensor_name(self.found.recording.paths[k]) for k in np.unique(self.owner[mask])]
        return listed(names[:NAMED], len(names) - NAMED)

    @functools.cached_property
    def keeps(self) -> str:
        """That entries without a gradient keep none, in words; "" if there are none."""
        one = len(np.unique(self.owner[self.still])) == 1
        if not self.still.any():
            return ""
        hardly = self.found.now.vanishing[self.still].any()
        what = "no finite gradient" if self.is_infinite else "hardly any gradient" if hardly else "gradient 0"
        return f"{self.names(self.still)} keep{'s' if one else ''} {what}"

    def gives(self, freed: Any) -> str:
        """Which entries have a gradient now, in words."""
        owners = np.unique(self.owner[freed])
        some = "" if freed[self.still & np.isin(self.owner, owners)].all() else "some of "
        return f"gives {some}{self.names(freed)} a gradient"

    @functools.cached_property
    def has_ties(self) -> bool:
        """Whether some entries move together, up to sign."""
        signed = self.before.signed[~self.before.frozen]
        return len(np.unique(signed)) < len(signed)

    def entry(self, k: int) -> tuple[str, tuple[int, ...]]:
        """The path and the index of an entry."""
        recording, number = self.found.recording, int(self.owner[k])
        place = k - int(np.searchsorted(self.owner, number))
        shape = np.shape(recording.params[number]._array)
        return recording.paths[number], tuple(int(i) for i in np.unravel_index(place, shape))


def _moved(recording: Recording, values: Any) -> Recording:
    """The same loss recorded at other numbers."""
    y, leaves = recording.at(values)
    return replace(recording, y=y, params=leaves)


def count_groups(partition: Partition) -> tuple[int, int]:
    """How many groups there are, up to sign and in all; the entries that never move are one group."""
    signed = np.unique(np.where(partition.frozen, -1, partition.signed))
    return len(signed), int(groups_of(partition).max(initial=-1)) + 1
