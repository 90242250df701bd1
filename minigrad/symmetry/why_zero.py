"""Why entries have gradient 0 now: every path to them has a factor 0, and where; or their paths cancel.

`now.scaled_gradient` tells the two apart. A forward sweep from the entries finds the factor: it is where their
tangent becomes 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.forward import push
from ..engine.value import Value, graph
from .factor_text import EntryNames
from .loss_graph import Recording
from .now import TINY, Now, scaled_gradient
from .paths import PathSearch
from .slices import listed, parts_of, tensor_name

PARTS = 8  # parts of a tensor that are looked at one by one; the others are looked at together
SMALL = 200, 2000  # nodes of a graph, and entries of all parameters, for which paths are counted


@dataclass(frozen=True, eq=False)
class ZeroNow:
    """Entries of one tensor whose gradient is 0 now.

    number, tensor: the parameter. mask: which entries. reason: in words. is_dead: whether flat functions are the
    reason, as for a ReLU that is closed for all data.
    """

    number: int
    tensor: str
    mask: Any
    reason: str
    is_dead: bool


def why_zero(recording: Recording, now: Now, zero: Any) -> list[ZeroNow]:
    """The reasons why entries have gradient 0 now, by tensor; none if the graph cannot be computed again.

    zero: which entries.
    """
    if recording.is_detached or not zero.any():
        return []
    scaled = np.abs(scaled_gradient(recording, now.values))
    factor = recording.split(scaled <= TINY * scaled.max(initial=0, where=np.isfinite(scaled)))
    return [*_Reasons(recording, now.values, factor).of(zero)]


class _Reasons:
    """Finds the reasons at some numbers. factor: by parameter, where every path has a factor 0."""

    def __init__(self, recording: Recording, values: Any, factor: list[Any]) -> None:
        self.recording, self.factor = recording, factor
        self.y, self.leaves = recording.at(values)
        self.nodes = graph(self.y)
        self.names = {
            leaf.serial: tensor_name(path) for leaf, path in zip(self.leaves, recording.paths, strict=True)
        }

    def of(self, zero: Any) -> Iterator[ZeroNow]:
        """The reasons for some entries; those of a tensor with one reason are together."""
        for k, mask in enumerate(self.recording.split(zero)):
            found: dict[tuple[str, bool], Any] = {}
            factor = np.asarray(self.factor[k])
            for part in _parts(np.asarray(mask & factor)):  # of a number, & gives no array
                why = self._factors(k, part)
                found[why] = found.get(why, False) | part
            cancel = np.asarray(mask & ~factor)
            if cancel.any():
                found[self._cancel(k, cancel), False] = cancel
            for (reason, is_dead), part in found.items():
                yield ZeroNow(k, tensor_name(self.recording.paths[k]), part, reason, is_dead)

    def _factors(self, k: int, part: Any) -> tuple[str, bool]:
        """Where the tangent of some entries becomes 0, and whether only at flat functions."""
        direction = np.where(part, np.random.default_rng(k).uniform(0.5, 2.0, part.shape), 0.0)
        with np.errstate(all="ignore"):
            tangents = push([self.y], {self.leaves[k].serial: direction[()]})
        reasons: dict[str, bool] = {}
        largest = 0.0
        for node in self.nodes:
            if node.serial not in tangents or type(node._array) is tuple:
                continue
            place = None if node.op is None else _vanishing(node, tangents, TINY * largest)
            if place is not None:
                words, is_dead = self._words(node, place)
                reasons[words] = is_dead
            largest = max(largest, float(np.abs(tangents[node.serial]).max(initial=0)))
        if not reasons:
            return "every path has a factor 0", False
        return listed([*reasons][:4], len(reasons) - 4), all(reasons.values())

    def _words(self, node: Any, place: int) -> tuple[str, bool]:
        """The factor 0 that a node has for the operand in this place, and whether a flat function is the reason."""
        others = [x for k, x in enumerate(node.operands) if k != place]
        if len(others) != 1 or node.op.selects or not (node.op.bilinear or node.op.function is np.multiply):
            return f"{node.op.label} has slope 0 there", node.op.activation or node.op.selects
        other = others[0]
        name = self.names.get(getattr(other, "serial", -1)) or getattr(other, "name", None)
        if name:
            return f"{name} is 0", False
        made_by = getattr(other, "op", None)
        if made_by is not None and (made_by.activation or made_by.selects):
            return f"{made_by.label} gives 0 there", True
        return f"{node.op.label} multiplies by 0", False

    def _cancel(self, k: int, part: Any) -> str:
        count = ""
        nodes, entries = SMALL
        if len(self.nodes) <= nodes and sum(p.size for p in self.leaves) <= entries:
            index = tuple(np.argwhere(part)[0].tolist())
            total = PathSearch(self.y, self.leaves[k], index, EntryNames(self.nodes)).total
            count = f"{total:,} "
        return f"the {count}paths to it cancel" if part.sum() == 1 else f"the {count}paths to each entry cancel"


def _parts(mask: Any) -> Iterator[Any]:
    """The parts of a mask that are looked at: its slices or entries, the last of them together."""
    if not mask.any():
        return
    indices = parts_of(mask)
    if indices == ((),) and mask.ndim:  # all of it: by its last axis, which is that of neurons
        indices = tuple((*(None,) * (mask.ndim - 1), k) for k in range(mask.shape[-1]))
    rest = mask.copy()
    for index in indices[:PARTS] if len(indices) > PARTS else indices:
        at = tuple(slice(None) if i is None else i for i in index)
        part = np.zeros_like(mask)
        part[at] = mask[at]
        rest[at] = False
        yield part
    if rest.any():
        yield rest


def _vanishing(node: Any, tangents: dict[int, Any], least: float) -> int | None:
    """The place of an operand whose tangent becomes 0 in some entry of the output; None if there is none.

    least: tangents up to this are 0.
    """
    moved = [(k, x) for k, x in enumerate(node.operands) if isinstance(x, Value) and x.serial in tangents]
    arrived = [(k, np.abs(tangents[x.serial]) > least) for k, x in moved if type(x._array) is not tuple]
    leaves = np.abs(tangents[node.serial]) > least
    if not node.op.elementwise:
        return next((k for k, t in arrived if t.any()), None) if not leaves.any() else None
    return next((k for k, t in arrived if np.any(t & ~leaves)), None)
