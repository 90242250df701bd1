"""The smallest nudges: the one entry whose change leaves the most groups, and the one that gives a gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import Any

import numpy as np

from .slices import entry_text, tensor_name
from .trial_start import TrialStart, count_groups

SIZE = 0.1234567  # of a nudge, relative to the entry: a sum that no other entry is likely to be
MOST, LEAST = 64, 8  # entries that are tried
WORK = 1_200_000  # entries times trials: with more entries, fewer are tried
PROBES = 8  # trials where ties rest on a probe, which takes longer
# Sizes of a nudge that gives a gradient, relative to entries above 1: the first that does, then halves of the gap.
LADDER = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
LITTLE = {8: 1e-6, 4: 1e-3}  # the size before these, by bytes per number
HALVINGS = 6
GRADIENTS, FEWEST = 4_000_000, 64  # entries times gradients that are computed; at least so many gradients


@dataclass(frozen=True)
class WakingNudge:
    """The smallest change of one entry that gives a gradient to entries that have none.

    count: how many of them it gives one. of: how many have none. any_size: whether a smaller change would do too.
    """

    path: str
    index: tuple[int, ...]
    change: float
    count: int
    of: int
    any_size: bool = False

    def __str__(self) -> str:
        """The entry, the change, and how many entries it gives a gradient."""
        size = "however little" if self.any_size else f"by {self.change:+.2g}"
        entry = entry_text(tensor_name(self.path), self.index)
        return f"{entry}, {size}: {self.count:,} of {self.of:,} have a gradient then"


def splitting_nudge(start: TrialStart) -> tuple[int, tuple[int, int]] | None:
    """The entry whose change leaves the most groups up to sign, and `count_groups` of them; None if none splits."""
    groups = count_groups(start.before)
    best: tuple[int, tuple[int, int]] | None = None
    limit = PROBES if start.is_probed else max(LEAST, min(MOST, WORK // max(1, len(start.values))))
    for entry in _tied_entries(start)[:limit]:
        values = start.values.copy()
        values[entry] += SIZE * max(1.0, abs(values[entry]))
        after = start.partition_at(values)
        count = count_groups(after)
        # The changed entry leaves its tie and adds a group; any further group means that others were split.
        least = best[1] if best else (groups[0] + 1, groups[1] + 1)
        if count > least or (best is None and (start.before.frozen & start.still & ~after.frozen).any()):
            best = entry, count
    return best


def _tied_entries(start: TrialStart) -> list[int]:
    """The first entry of each class of two or more, and one frozen entry per tensor; from each tensor in turn."""
    p = start.before
    firsts, sizes = np.unique(p.signed, return_index=True)[1], np.bincount(p.signed)
    tied = firsts[(sizes > 1) & ~p.frozen[firsts]]
    frozen = np.flatnonzero(p.frozen & (sizes > 1)[p.signed])
    frozen = frozen[np.unique(start.owner[frozen], return_index=True)[1]]
    return _in_turn(start, np.sort(np.append(tied, frozen)))


def _in_turn(start: TrialStart, entries: Any) -> list[int]:
    """Entries in another order: the first of each parameter, then the second of each."""
    by_owner = [entries[start.owner[entries] == k].tolist() for k in np.unique(start.owner[entries])]
    return [k for turn in zip_longest(*by_owner) for k in turn if k is not None]


def waking_nudge(start: TrialStart) -> WakingNudge | None:
    """The smallest change of one entry that gives a gradient to some that have none; None if none does."""
    if not start.still.any():
        return None
    most = max(FEWEST, min(GRADIENTS // len(start.values), 16 * MOST))
    order = np.argsort(~start.still & (start.values != 0), kind="stable")  # what is still or 0 is likely the cause
    entries = _in_turn(start, order)[: most // (2 * len(LADDER) + 2)]
    ladder = (0.0, LITTLE.get(start.found.recording.width, 1e-3), *LADDER)
    search = _Search(start)
    for smaller, size in pairwise(ladder):
        found = [
            (k, sign) for k in entries for sign in (1.0, -1.0) if search.wakes(k, sign * size * search.unit(k))
        ]
        if found:
            return search.nudge(found[: FEWEST // HALVINGS], smaller, size)
    return None


class _Search:
    """Changes one entry at a time and counts which entries have a gradient then."""

    def __init__(self, start: TrialStart) -> None:
        self.start = start

    def unit(self, entry: int) -> float:
        """What the sizes of nudges of an entry are relative to."""
        return max(1.0, abs(float(self.start.values[entry])))

    def wakes(self, entry: int, change: float) -> int:
        """How many entries have a gradient after a change that had none."""
        values = self.start.values.copy()
        values[entry] += change
        return int((self.start.awake(values) & self.start.still).sum())

    def nudge(self, found: Sequence[tuple[int, float]], low: float, high: float) -> WakingNudge:
        """The smallest nudge. found: entries and signs that wake others at the size `high`, but not at `low`."""
        best = np.inf
        for k, s in found:
            most = min(best, high * self.unit(k))
            if most == best and not self.wakes(k, s * most):
                continue
            size = self._halve(k, s, low * self.unit(k), most) if low else most
            if size < best:
                best, entry, sign = size, k, s
        unit = 10.0 ** (1 - math.floor(math.log10(best)))
        rounded = math.ceil(best * unit) / unit  # to two digits
        change = sign * (rounded if self.wakes(entry, sign * rounded) else best)
        path, index = self.start.entry(entry)
        return WakingNudge(path, index, change, self.wakes(entry, change), int(self.start.still.sum()), not low)

    def _halve(self, entry: int, sign: float, low: float, high: float) -> float:
        """A size that wakes others, close to the smallest."""
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            if self.wakes(entry, sign * middle):
                high = middle
            else:
                low = middle
        return high
