"""Shrinks a graph that would take too long to draw: values share boxes until the picture fits the time.

The time is estimated from counts, not measured, so a graph gives the same picture on every machine. These steps are
taken until the estimate fits: close the boxes of scopes and layers, merge chains of operations, merge equal boxes,
merge each layer of the graph. Numbers only, no text; positions and edges are arrays, as there may be a million.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from .clusters import path_of
from .dag import crossed_ranks, depths, distinct, is_acyclic, pairs
from .diagram import Cluster
from .graph_data import Survey

Labels: TypeAlias = npt.NDArray[np.int64]  # for each value the position of the value that names its box

PER_VALUE = 1.2e-5  # seconds to survey a value, and to compare its gradient
PER_BOX = 6e-4  # to write a box and to read it back
PER_ITEM, PER_ITEM_SQUARED = 5.5e-4, 1.1e-7  # to lay out boxes and arrows
PER_LONG_SQUARED = 5.5e-7  # to route arrows past boxes between their ends
RANKED = 50_000  # boxes up to which crossed ranks are counted; more do not fit anyway
LEAST = 120  # boxes and arrows that are always shown
COMPARED = 150_000  # maximum boxes that are compared with each other
FEWEST = 3  # boxes: a picture with fewer shows too little
PIECES = 16  # boxes that a few long chains are cut into
BANDS = 24  # maximum boxes of the last step


@dataclass(slots=True)
class Shrunk:
    """The boxes that show a graph.

    labels   for each value, the position of the value that names its box
    heads, tails, leaf   the uses of values, as arrays of positions; which values are leaves
    kinds    chain, cluster or layer for each box with several values; other boxes show a single value
    names    the name of each closed scope or layer
    times    how many equal boxes a box stands for
    done     the steps taken, in order: clusters, chains, equal, layers
    needed   seconds that the whole graph would take
    """

    labels: Labels
    heads: Any
    tails: Any
    leaf: Any
    kinds: dict[int, str] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    times: dict[int, int] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    needed: float = 0.0


def cost(values: int, boxes: int, arrows: int, crossed_ranks: int = 0) -> float:
    """Estimated seconds to draw a graph with these numbers of values, boxes and arrows.

    crossed_ranks: by all arrows. A weight used in each step of a loop has very long arrows.
    """
    items = boxes + arrows
    layout = PER_ITEM * items + PER_ITEM_SQUARED * items**2 + PER_LONG_SQUARED * crossed_ranks**2
    return PER_VALUE * values + PER_BOX * boxes + layout


def shrink(
    found: Survey,
    inner: Mapping[int, Sequence[int]],
    boxes: Sequence[Cluster],
    places: Sequence[int | None],
    seconds: float,
    most: float = math.inf,
) -> Shrunk | None:
    """The boxes to show within this time, at most `most` if that is possible; None if the whole graph fits.

    inner: sums shown as one node, with the positions of their parts. boxes, places: the results of `clusters`.
    """
    values, hidden = len(found.values), sum(map(len, inner.values()))
    arrows = sum(map(len, found.uses)) - hidden
    shrinking = _Shrinking(found, inner, boxes, places, seconds, most)
    shrinking.shrunk.needed = needed = cost(values, values - hidden, arrows, shrinking.crossed_ranks())
    if (needed <= seconds and values - hidden <= most) or values - hidden + arrows <= LEAST:
        return None
    return shrinking.run()


class _Shrinking:
    """The steps; all of them change the same labels."""

    def __init__(
        self,
        found: Survey,
        inner: Mapping[int, Sequence[int]],
        boxes: Sequence[Cluster],
        places: Sequence[int | None],
        seconds: float,
        most: float,
    ) -> None:
        self.found, self.boxes, self.places, self.seconds, self.most = found, boxes, places, seconds, most
        n = len(found.values)
        lengths = np.fromiter(map(len, found.uses), np.int64, n)
        self.tails = np.fromiter(chain.from_iterable(found.uses), np.int64, int(lengths.sum()))
        self.heads = np.repeat(np.arange(n), lengths)
        self.leaf = np.fromiter((v.op is None for v in found.values), bool, n)
        labels = np.arange(n)
        for head, parts in inner.items():
            labels[list(parts)] = head
        self.shrunk = Shrunk(labels, self.heads, self.tails, self.leaf)

    def run(self) -> Shrunk:
        steps: list[tuple[str, Callable[[], bool]]] = [
            *((("clusters", lambda depth=depth: self._close(depth))) for depth in range(self._depth(), 0, -1)),
            ("chains", self._merge_chains),
            ("equal", self._merge_equal),
            ("layers", self._merge_layers),
        ]
        for name, step in steps:
            if self._fits():
                break
            if step() and name not in self.shrunk.done:
                self.shrunk.done.append(name)
        return self.shrunk

    def _fits(self) -> bool:
        labels = self.shrunk.labels
        boxes = _count(labels)
        arrows = len(pairs(labels[self.heads], labels[self.tails])[0])
        return boxes + arrows <= LEAST or (
            boxes <= self.most
            and cost(len(labels), boxes, arrows) <= self.seconds  # the cheaper test first
            and cost(len(labels), boxes, arrows, self.crossed_ranks()) <= self.seconds
        )

    def crossed_ranks(self) -> int:
        """The ranks that arrows cross, with each box as near to the result as possible; 0 for too many boxes."""
        labels = self.shrunk.labels
        if _count(labels) > RANKED:
            return 0
        return crossed_ranks(labels[self.heads], labels[self.tails])

    def _relabel(self, labels: Labels, kind: str) -> bool:
        """Use new labels; the result keeps its own box, with the parts of its sum."""
        labels[self.shrunk.labels == self.found.result] = self.found.result
        counts = np.bincount(labels, minlength=len(labels))
        before = np.bincount(self.shrunk.labels, minlength=len(labels))
        changed = np.flatnonzero((counts > before) & (counts > 1))
        self.shrunk.labels = labels
        gone = [label for label in self.shrunk.kinds if not counts[label]]
        for label in gone:
            del self.shrunk.kinds[label]
            self.shrunk.names.pop(label, None)
        for label in changed.tolist():
            self.shrunk.kinds[label] = kind
        return bool(len(changed))

    # ------------------------------------------------------------------------------------------ clusters

    def _depth(self) -> int:
        return max(self._depths(), default=0)

    def _depths(self) -> list[int]:
        found: list[int] = []
        for box in self.boxes:
            found.append(1 if box.parent is None else found[box.parent] + 1)
        return found

    def _close(self, depth: int) -> bool:
        """Close every box of scopes and layers at a depth, unless that would make a cycle."""
        depth_of = self._depths()
        at: list[int] = []  # for each box the one around it at that depth
        for number, box in enumerate(self.boxes):
            at.append(number if depth_of[number] <= depth or box.parent is None else at[box.parent])
        closed = np.array([-1 if p is None or depth_of[p] < depth else at[p] for p in self.places])
        labels = self.shrunk.labels.copy()
        last = np.full(len(self.boxes), -1)
        inside = np.flatnonzero(closed >= 0)
        inside = inside[inside != self.found.result]
        np.maximum.at(last, closed[inside], inside)
        labels[inside] = last[closed[inside]]
        labels = labels[self.shrunk.labels]  # values that shared a box still share one
        if _count(labels) <= FEWEST or not is_acyclic(*pairs(labels[self.heads], labels[self.tails])):
            return False
        taken = self._relabel(labels, "cluster")
        for number in distinct(closed[inside]).tolist():
            if int(last[number]) in self.shrunk.kinds:
                self.shrunk.names[int(last[number])] = path_of(self.boxes, number)
        return taken

    # -------------------------------------------------------------------------------------------- chains

    def _merge_chains(self) -> bool:
        """Merge each value that is the only use of its only input with that input; not for leaves."""
        labels = self.shrunk.labels
        inner = ~self.leaf[self.tails]
        heads, tails = pairs(labels[self.heads[inner]], labels[self.tails[inner]])
        n = len(labels)
        one_in, one_out = np.bincount(heads, minlength=n) == 1, np.bincount(tails, minlength=n) == 1
        free = np.ones(n, bool)
        free[[label for label, kind in self.shrunk.kinds.items() if kind == "cluster"]] = False
        free[self.found.result] = False
        joined = one_in[heads] & one_out[tails] & free[heads] & free[tails]
        last = np.arange(n)
        last[tails[joined]] = heads[joined]  # each points to the next, then all to the last
        while not np.array_equal(further := last[last], last):
            last = further
        merged = _cut_chains(last, distinct(labels))[labels]
        grown = np.bincount(merged, minlength=n) > np.bincount(labels, minlength=n)
        self._absorb(merged, np.flatnonzero(grown))
        return self._relabel(merged, "chain")

    def _absorb(self, labels: Labels, boxes: Any) -> None:
        """Put each leaf with a single user into the user's box, if that is one of these boxes."""
        n = len(labels)
        low, high = np.full(n, n), np.full(n, -1)
        users = labels[self.heads]
        np.minimum.at(low, self.tails, users)
        np.maximum.at(high, self.tails, users)
        allowed = np.zeros(n + 1, bool)
        allowed[boxes] = True
        inside = self.leaf & (low == high) & allowed[np.minimum(low, n)]
        labels[inside] = low[inside]

    # --------------------------------------------------------------------------------------------- equal

    def _merge_equal(self) -> bool:
        """Merge boxes with the same numbers that are computed in the same way from equal boxes."""
        labels = self.shrunk.labels
        if _count(labels) > COMPARED:
            return False
        first, members = self._classes()
        merged = np.array([first.get(label, label) for label in labels.tolist()])
        merged[self.found.result] = self.found.result
        for label, times in members.items():
            if times > 1:
                self.shrunk.times[label] = times
        changed = bool((merged != labels).any())
        self.shrunk.labels = merged
        for label in [label for label in self.shrunk.kinds if first.get(label, label) != label]:
            del self.shrunk.kinds[label]
            self.shrunk.names.pop(label, None)
        return changed

    def _classes(self) -> tuple[dict[int, int], dict[int, int]]:
        """For each box the first one equal to it; for each of these, how many there are."""
        labels = self.shrunk.labels
        inside: dict[int, list[int]] = {}
        for k, label in enumerate(labels.tolist()):
            inside.setdefault(label, []).append(k)
        heads, tails = pairs(labels[self.heads], labels[self.tails])
        inputs: dict[int, list[int]] = {}
        for head, tail in zip(heads.tolist(), tails.tolist(), strict=True):
            inputs.setdefault(head, []).append(tail)
        depth = depths(heads, tails)
        order = sorted(inside, key=lambda label: (depth.get(label, 0), label))
        first: dict[int, int] = {}
        known: dict[object, int] = {}
        times: dict[int, int] = {}
        for label in order:
            key = (
                tuple(map(self._fingerprint, inside[label])),
                tuple(sorted(first[tail] for tail in inputs.get(label, ()))),
            )
            first[label] = label if label == self.found.result else known.setdefault(key, label)
            times[first[label]] = times.get(first[label], 0) + 1
        return first, times

    def _fingerprint(self, k: int) -> tuple[Any, ...]:
        v, g = self.found.values[k], self.found.gradients[k]
        data = v._array if isinstance(v._array, tuple) else np.asarray(v._array).tobytes()
        return (
            id(v.op),
            id(data) if isinstance(data, tuple) else data,
            None if g is None else np.asarray(g).tobytes(),
        )

    # -------------------------------------------------------------------------------------------- layers

    def _merge_layers(self) -> bool:
        """Merge boxes equally far from the leaves, into at most BANDS boxes."""
        labels = self.shrunk.labels
        inner = ~self.leaf[self.tails]
        heads, tails = pairs(labels[self.heads[inner]], labels[self.tails[inner]])
        depth = depths(heads, tails)
        deepest = max(depth.values(), default=0)
        width = -(-(deepest + 1) // BANDS)
        band = np.zeros(len(labels), np.int64)
        for label, d in depth.items():
            band[label] = d // width
        band = band[labels]
        first = np.full(len(labels), deepest + 1)
        np.minimum.at(first, self.tails, band[self.heads])
        band[self.leaf] = first[self.leaf]
        last = np.full(deepest + 2, -1)
        others = np.flatnonzero(np.arange(len(labels)) != self.found.result)
        np.maximum.at(last, band[others], others)
        merged = last[band]
        self.shrunk.names.clear()
        self.shrunk.times.clear()
        self.shrunk.kinds.clear()
        return self._relabel(merged, "layer")


def _count(labels: Labels) -> int:
    return int(np.count_nonzero(np.bincount(labels)))


def _cut_chains(last: Any, boxes: Any) -> Any:
    """Cut long chains in pieces if there are few, to show how values and gradients change along them.

    last: for each box the end of its chain. Returns the end of its piece.
    """
    ends, chain_of, lengths = np.unique(last[boxes], return_inverse=True, return_counts=True)
    several = int(np.count_nonzero(lengths > 1))
    pieces = max(PIECES // max(several, 1), 1)
    order = np.argsort(chain_of, kind="stable")
    starts = np.cumsum(lengths) - lengths
    rank = np.empty(len(boxes), np.int64)
    rank[order] = np.arange(len(boxes)) - starts[chain_of[order]]
    piece = chain_of * pieces + rank * pieces // np.maximum(lengths[chain_of], pieces)
    end = np.full(len(ends) * pieces, -1)
    np.maximum.at(end, piece, boxes)
    cut = last.copy()
    cut[boxes] = end[piece]
    return cut
