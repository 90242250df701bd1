"""ties: finds the parameters that always get equal gradients in training, and states the evidence.

`loss_graph` turns a loss into a graph; `proof` and `probe` find its ties. `cli/commands/ties` is the command.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.value import Value
from ..errors import ArgumentError, describe
from ..nn.losses import squared_error
from ..nn.mlp import MLP
from ..nn.module import Module
from .classes import renumber
from .loss_graph import Recording, loss_graph_of, of_function, record_model_loss
from .mlp_neurons import neuron_classes
from .probe import probe
from .proof import Partition, prove
from .remedies import Remedies, remedies

METHODS = ("auto", "prove", "probe")
PROVABLE = 300_000  # entries; with more, a proof takes too long to wait for

Entry = tuple[str, tuple[int, ...]]
Group = tuple[Entry, ...]


@dataclass(frozen=True, eq=False)
class Ties:
    """The groups of parameter entries that always get equal gradients.

    groups         each a tuple of (path, index), with index () for a number; every entry is in one group
    labels         an integer array of group numbers for each parameter, nested as the parameters are
    evidence       "proved" or "probed" for each group
    frozen         the number of the group of entries that never move; None if there is none
    independent    how many groups move
    opposite       for each group, the number of the group that is always its negative; None if there is none
    width          distinct neurons per hidden layer for a network of `nn`; else None
    scope          "for this data" or "for all data"
    """

    recording: Recording
    partition: Partition
    numbers: Any
    evidence: tuple[str, ...]
    scope: str

    @functools.cached_property
    def groups(self) -> tuple[Group, ...]:
        """The entries of each group; groups are ordered by their first entry."""
        names = [
            (path, index)
            for path, p in zip(self.recording.paths, self.recording.params, strict=True)
            for index in np.ndindex(np.shape(p._array))
        ]
        found: list[list[Entry]] = [[] for _ in self.evidence]
        for number, name in zip(self.numbers.tolist(), names, strict=True):
            found[number].append(name)
        return tuple(map(tuple, found))

    @property
    def labels(self) -> Any:
        """Group numbers, nested as the parameters are."""
        return self.recording.nest(self.recording.split(self.numbers))

    @property
    def frozen(self) -> int | None:
        """The number of the group that never moves."""
        frozen = self.partition.frozen
        return int(self.numbers[frozen][0]) if frozen.any() else None

    @property
    def independent(self) -> int:
        """The number of groups that move."""
        return len(self.evidence) - (self.frozen is not None)

    @functools.cached_property
    def opposite(self) -> tuple[int | None, ...]:
        """For each group that moves, the number of the group whose values are always its values times -1."""
        p, numbers = self.partition, self.numbers
        moving = np.flatnonzero(~p.frozen)
        own = {(int(p.signed[k]), int(p.signs[k])): int(numbers[k]) for k in moving[::-1]}
        found: list[int | None] = [None] * len(self.evidence)
        for (signed, sign), number in own.items():
            found[number] = own.get((signed, -sign))
        return tuple(found)

    @property
    def independent_up_to_sign(self) -> int:
        """How many groups move, where a group and its opposite count once."""
        return self.independent - sum(other is not None for other in self.opposite) // 2

    @property
    def width(self) -> tuple[int, ...] | None:
        """Distinct neurons per hidden layer, compared by incoming weights, bias and outgoing weights."""
        model = self.recording.model
        if not isinstance(model, MLP):
            return None
        return tuple(len(set(c.tolist())) for c in neuron_classes(model, self.classes))

    @property
    def classes(self) -> Any:
        """Class numbers by entry: the groups, with frozen entries separated by their value."""
        return self.partition.classes

    def summary(self) -> str:
        """One line: how many groups the parameters move as, and how many distinct neurons the layers have."""
        count = self.numbers.size
        text = f"{_count(count, 'parameter')} {_moves(count)} as {self.independent:,}"
        if self.independent_up_to_sign < self.independent:
            text += f", {self.independent_up_to_sign:,} up to sign"
        frozen = int(self.partition.frozen.sum())
        if frozen:
            text += f", {frozen:,} never move{'s' if frozen == 1 else ''}"
        if self.width:
            sizes = self.recording.model.sizes[1:-1]  # type: ignore[union-attr]
            of, act = ("layer", "acts") if len(sizes) == 1 else ("layers", "act")
            text += f" · hidden {of} of {_and(sizes)} {act} as {_and(self.width)}"
        return text if set(self.evidence) <= {"proved"} else f"{text} (probed, not proved)"

    def remedies(self) -> Remedies:
        """Try the remedies that may split these ties. See `remedies.Remedy`."""
        return remedies(self.recording, self.partition)

    def __repr__(self) -> str:
        """The summary."""
        return f"<ties: {self.summary()}>"


def ties(
    f: Value | Module | Callable[..., Any], *args: Any, for_all_data: bool = False, method: str = "auto"
) -> Ties:
    """Find the largest groups of parameter entries that gradient descent never separates.

    ties(f, params, *data)       for the loss f(params, *data); params: any nesting of arrays
    ties(y)                      for a recorded loss; its leaves are the parameters, in serial order
    ties(model, x, y, loss)      for loss(model(x), y) with a model of `nn`; squared error by default

    The entries of a group are equal now, and get equal gradients at every step of gradient descent, momentum, Adam
    or weight decay. for_all_data: for any data, not only these. method: "prove" from the structure, "probe" at
    random points, or "auto": prove, and probe if the proof does not know an op or there are more than 300,000
    entries. A proof errs with probability below 1e-15; a probe is only evidence.
    Raises TracingError if f branches on the numbers of a Value, ShapeError if the loss is not one number.
    """
    if method not in METHODS:
        raise ValueError(f"no method is called {method!r}\n  expected one of {', '.join(METHODS)}")
    recording = record_loss(f, args, for_all_data)
    values = recording.values
    if not np.isfinite(values).all():
        raise ValueError("ties compares the numbers of the parameters, and some of them are nan or infinite")
    partition, proof = _decide(recording, method)
    numbers = _groups(partition)
    evidence = _evidence(numbers, None if proof is None else _groups(proof))
    return Ties(recording, partition, numbers, evidence, "for all data" if for_all_data else "for this data")


def record_loss(f: object, args: Sequence[object], for_all_data: bool) -> Recording:
    """The loss as a graph, whether it is given as a graph, a model or a function."""
    if isinstance(f, Value):
        if args or for_all_data:
            raise ArgumentError(
                "a recorded graph contains its data, so ties takes no data and no for_all_data with it\n"
                "  write  ties(f, params, *data, for_all_data=True)   with the data as arguments"
            )
        return loss_graph_of(f)
    if isinstance(f, Module):
        if not 2 <= len(args) <= 3:
            raise ArgumentError(f"write  ties(model, x, y, loss), got {len(args)} arguments after the model")
        x, y, loss = (*args, squared_error)[:3]
        if not callable(loss):
            raise ArgumentError(f"the loss must be a function of predictions and targets, got {describe(loss)}")
        return record_model_loss(f, x, y, loss, for_all_data)
    if not callable(f) or not args:
        raise ArgumentError(
            f"ties takes a function with its parameters, a model or a Value, got {describe(f)}\n"
            "  write  ties(f, params, *data)\n  or     ties(model, x, y, loss)\n  or     ties(y)"
        )
    return of_function(f, args[0], args[1:], for_all_data)


def _decide(recording: Recording, method: str) -> tuple[Partition, Partition | None]:
    """The partition by the chosen method, and the proved partition (None without a proof)."""
    size = sum(p._array.size for p in recording.params)
    if method == "probe" or (method == "auto" and size > PROVABLE and not recording.is_detached):
        return probe(recording), None
    proof = prove(recording.y, recording.params, recording.symbolic_data)
    if method == "prove" or not proof.unknown or recording.is_detached or recording.symbolic_data:
        return proof, proof
    return _join(proof, probe(recording)), proof


def _join(proof: Partition, seen: Partition) -> Partition:
    """The finest partition that merges all entries that either of the two merges, also opposite ones.

    It merges the entries and, behind them, the same entries times -1.
    """
    both = [np.concatenate([2 * p.signed + (p.signs < 0), 2 * p.signed + (p.signs > 0)]) for p in (proof, seen)]
    classes = both[1]
    while True:
        before = classes
        for other in both:
            least = np.full(int(other.max(initial=-1)) + 1, len(classes))
            np.minimum.at(least, other, classes)
            classes = least[other]
        if (classes == before).all():
            own, negative = np.split(classes, 2)
            signed, signs = renumber(np.minimum(own, negative))[0], np.where(own > negative, -1, 1)
            return Partition.of_signed(signed, signs, proof.frozen | seen.frozen, proof.rounds, proof.unknown)


def _groups(partition: Partition) -> Any:
    """Group numbers of all entries, in order of first appearance; the frozen entries are one group."""
    return renumber(np.where(partition.frozen, -1, partition.classes))[0]


def _evidence(numbers: Any, proved: Any) -> tuple[str, ...]:
    """The evidence for each group: it is proved if all its entries are in one group of the proof."""
    count = int(numbers.max(initial=-1)) + 1
    if proved is None:
        return ("probed",) * count
    lowest, highest = np.full(count, len(numbers)), np.full(count, -1)
    np.minimum.at(lowest, numbers, proved)
    np.maximum.at(highest, numbers, proved)
    return tuple("proved" if same else "probed" for same in lowest == highest)


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _moves(n: int) -> str:
    return "moves" if n == 1 else "move"


def _and(numbers: Sequence[int]) -> str:
    """3 and 3; 2, 4 and 3."""
    words = [f"{n:,}" for n in numbers]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
