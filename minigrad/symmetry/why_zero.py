"""Why entries have gradient 0 now: every path to them has a factor 0, and where; or their paths cancel.

`zero_gradients.scaled_gradient` tells the two apart. A forward sweep from the entries finds the factor: it is where
their tangent becomes 0, to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.forward import push
from ..engine.value import Value, graph
from .factor_text import EntryNames
from .loss_graph import Recording
from .now import Now
from .paths import PathSearch
from .slices import listed, parts_of, tensor_name
from .zero_gradients import ROUNDINGS, scaled_gradient, with_errors

PARTS = 8  # parts of a tensor that are looked at one by one; the others are looked at together
TOO_SMALL = "numbers on the way are too small for floats"
FLAT = 1e-12  # a slope up to this is nearly 0
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
    with np.errstate(invalid="ignore"):
        scaled = np.abs(scaled_gradient(recording, now.values))
        cancels = (scaled > 0) & (np.abs(now.gradient) <= ROUNDINGS * recording.eps * scaled)
    return [*_Reasons(recording, now.values, recording.split(cancels)).of(zero)]


def nearly_flat(recording: Recording, now: Now, masks: Sequence[Any]) -> list[tuple[str, ...]]:
    """For some entries of each tensor, the functions that leave hardly any of their gradients."""
    y, leaves = recording.at(now.values)
    nodes, rng, found = graph(y), np.random.default_rng(0), []
    for leaf, mask in zip(leaves, masks, strict=True):
        direction = np.where(mask, rng.uniform(0.5, 2.0, np.shape(mask)), 0.0)[()]
        with np.errstate(all="ignore"):
            tangents = push([y], {leaf.serial: direction}) if np.any(mask) else {}
        size = {serial: float(np.abs(t).max(initial=0)) for serial, t in tangents.items() if type(t) is not tuple}
        found.append(
            tuple(dict.fromkeys(node.op.label for node in nodes if node.op and _is_nearly_flat(node, size)))
        )
    return found


def _is_nearly_flat(node: Any, size: dict[int, float]) -> bool:
    """Whether a function leaves hardly any of a tangent. size: of the tangents, by serial."""
    if node.op.moves or node.serial not in size or _is_product(node):
        return False
    arrived = max((size.get(getattr(x, "serial", -1), 0.0) for x in node.operands), default=0.0)
    return size[node.serial] <= FLAT * arrived


class _Reasons:
    """Finds the reasons at some numbers. cancels: by parameter, where paths cancel."""

    def __init__(self, recording: Recording, values: Any, cancels: list[Any]) -> None:
        self.recording, self.cancels = recording, cancels
        env, other = recording.record_again(values), with_errors(recording, values)
        self.leaves = [(env[p.serial], other[p.serial]) for p in recording.params]
        self.y, self.other = env[recording.y.serial], other[recording.y.serial]
        self.nodes = [(env[v.serial], other[v.serial]) for v in graph(recording.y)]
        self.names = {
            leaf.serial: tensor_name(path) for (leaf, _), path in zip(self.leaves, recording.paths, strict=True)
        }

    def of(self, zero: Any) -> Iterator[ZeroNow]:
        """The reasons for some entries; those of a tensor with one reason are together."""
        for k, mask in enumerate(self.recording.split(zero)):
            found: dict[tuple[str, bool], Any] = {}
            for part in _parts(np.asarray(mask & ~self.cancels[k])):
                why = self._factors(k, part)
                found[why] = found.get(why, False) | part
            cancel = np.asarray(mask & self.cancels[k])
            if cancel.any():
                found[self._cancel(k, cancel), False] = cancel
            for (reason, is_dead), part in found.items():
                yield ZeroNow(k, tensor_name(self.recording.paths[k]), np.asarray(part), reason, is_dead)

    def _factors(self, k: int, part: Any) -> tuple[str, bool]:
        """Where the tangent of some entries becomes 0, and whether only at flat functions."""
        direction = np.where(part, np.random.default_rng(k).uniform(0.5, 2.0, part.shape), 0.0)[()]
        leaf, twin = self.leaves[k]
        with np.errstate(all="ignore"):
            tangents = push([self.y], {leaf.serial: direction})
            others = push([self.other], {twin.serial: direction})
        moves = {
            node.serial: self._moves(tangents[node.serial], others[other.serial])
            for node, other in self.nodes
            if node.serial in tangents and other.serial in others and type(node._array) is not tuple
        }
        reasons: dict[str, bool] = {}
        left_out = False
        for node, _ in self.nodes:
            place = None if node.op is None else _vanishing(node, moves)
            if place is not None and node.op.moves:
                left_out = True
            elif place is not None:
                words, is_dead = self._words(node, place)
                reasons[words] = is_dead
        if not reasons:
            return (
                "the loss takes other entries" if left_out else TOO_SMALL,
                False,
            )
        return listed([*reasons][:4], len(reasons) - 4), all(reasons.values())

    def _moves(self, tangent: Any, other: Any) -> Any:
        """Where a tangent is a number, and more than its rounding. other: the tangent with errors on the way."""
        eps = self.recording.eps
        with np.errstate(invalid="ignore"):
            bound = ROUNDINGS * np.sqrt(eps) * np.abs(np.subtract(other, tangent))
            return ~(np.abs(tangent) <= bound) & ~np.isnan(tangent)

    def _words(self, node: Any, place: int) -> tuple[str, bool]:
        """The factor 0 that a node has for the operand in this place, and whether a flat function is the reason."""
        others = [x for k, x in enumerate(node.operands) if k != place]
        if len(others) == 1 and not node.op.selects and _is_product(node):
            if np.all(others[0]._array if isinstance(others[0], Value) else others[0]):
                return TOO_SMALL if node.op.elementwise else f"terms of {node.op.label} cancel", False
            return self._cause(others[0]) or (f"{node.op.label} multiplies by 0", False)
        return f"{node.op.label} has slope 0 there", node.op.activation or node.op.selects

    def _cause(self, x: Any) -> tuple[str, bool] | None:
        """Why an array has zeros: the parameter that is 0, or the function that gives 0; None for data.

        Ops that only move numbers, and products, pass zeros on.
        """
        if not isinstance(x, Value):
            return None
        if x.serial in self.names or x.name:
            return f"{self.names.get(x.serial, x.name)} is 0", False
        if x.op is None or not x.operands:
            return None
        if not x.op.moves and (x.op.activation or x.op.selects):
            return f"{x.op.label} gives 0 there", True
        if x.op.moves or _is_product(x):
            causes = [c for c in map(self._cause, _with_zeros(x.operands)) if c is not None]
            return causes[0] if causes else None
        return f"{x.op.label} gives 0 there", False

    def _cancel(self, k: int, part: Any) -> str:
        """That the terms of a gradient cancel; with the number of paths, if there are several and few nodes."""
        count = 0
        nodes, entries = SMALL
        leaf, _ = self.leaves[k]
        if len(self.nodes) <= nodes and sum(p.size for p, _ in self.leaves) <= entries:
            index = tuple(np.argwhere(part)[0].tolist())
            count = PathSearch(self.y, leaf, index, EntryNames(graph(self.y))).total
        one = part.sum() == 1
        if count < 2:
            return "its terms cancel" if one else "the terms of each entry cancel"
        return f"the {count:,} paths to {'it' if one else 'each entry'} cancel"


def _with_zeros(operands: Sequence[Any]) -> list[Value]:
    """The operands that are 0; without any, those that have a 0."""
    arrays = [x for x in operands if isinstance(x, Value) and type(x._array) is not tuple]
    return [x for x in arrays if not np.any(x._array)] or [x for x in arrays if not np.all(x._array)]


def _is_product(node: Any) -> bool:
    return bool(node.op.bilinear or node.op.function is np.multiply)


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


def _vanishing(node: Any, moves: dict[int, Any]) -> int | None:
    """The place of an operand whose tangent becomes 0 in some entry of the output; None if there is none.

    moves: by serial, where the tangent is not 0.
    """
    if node.serial not in moves:
        return None
    arrived = [(k, moves[x.serial]) for k, x in enumerate(node.operands) if getattr(x, "serial", -1) in moves]
    leaves = moves[node.serial]
    if not node.op.elementwise:
        return next((k for k, t in arrived if np.any(t)), None) if not np.any(leaves) else None
    return next((k for k, t in arrived if np.any(t & ~leaves)), None)
