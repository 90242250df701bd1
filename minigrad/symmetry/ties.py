"""ties: which parameters move as one for as long as they are trained, and on what evidence.

What a loss is, stands in `recording`; how it is decided, in `proof` and `probe`. Here is the answer.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, describe
from ..nn.layers import MLP
from ..nn.losses import squared_error
from ..nn.module import Module
from ..value import Value
from .field import by_appearance
from .neurons import neuron_classes
from .probe import probe
from .proof import Partition, prove
from .recording import Recording, of_function, of_graph, of_model

METHODS = ("auto", "prove", "probe")
PROVABLE = 300_000  # entries; beyond, the proof takes longer than a reader waits

Entry = tuple[str, tuple[int, ...]]
Group = tuple[Entry, ...]


@dataclass(frozen=True, eq=False)
class Ties:
    """Which entries of which parameters move as one.

    groups         each a tuple of (path, index); index is () for a number. Every entry is in one group
    labels         the params' own nesting, an integer array of group numbers for each
    evidence       "proved" or "probed", for each group
    frozen         the number of the group of entries that never move, None if there are none
    independent    how many groups move
    width          distinct neurons of each hidden layer, of a network of `nn`; else None
    scope          "for this data" or "for all data"
    """

    recording: Recording
    partition: Partition
    numbers: Any
    evidence: tuple[str, ...]
    scope: str

    @functools.cached_property
    def groups(self) -> tuple[Group, ...]:
        """The entries of each group, the groups by their first entry."""
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
        """Group numbers, in the nesting of the parameters."""
        return self.recording.nested(self.recording.split(self.numbers))

    @property
    def frozen(self) -> int | None:
        """The number of the group that never moves."""
        still = self.partition.still
        return int(self.numbers[still][0]) if still.any() else None

    @property
    def independent(self) -> int:
        """The number of groups that move."""
        return len(self.evidence) - (self.frozen is not None)

    @property
    def width(self) -> tuple[int, ...] | None:
        """Distinct neurons per hidden layer: by the weights into them, their bias, the weights out of them."""
        model = self.recording.model
        if not isinstance(model, MLP):
            return None
        return tuple(len(set(c.tolist())) for c in neuron_classes(model, self.classes))

    @property
    def classes(self) -> Any:
        """Class numbers by entry: as the groups, but entries that never move are told apart by their value."""
        return self.partition.classes

    def summary(self) -> str:
        """One line: how many parameters move as how many, and what the layers act as."""
        count = self.numbers.size
        text = f"{_count(count, 'parameter')} {_moves(count)} as {self.independent:,}"
        still = int(self.partition.still.sum())
        if still:
            text += f", {still:,} never move{'s' if still == 1 else ''}"
        if self.width:
            sizes = self.recording.model.sizes[1:-1]  # type: ignore[union-attr]
            of, act = ("layer", "acts") if len(sizes) == 1 else ("layers", "act")
            text += f" · hidden {of} of {_and(sizes)} {act} as {_and(self.width)}"
        return text if set(self.evidence) <= {"proved"} else f"{text} (probed, not proved)"

    def remedies(self) -> Any:
        """What splits these ties, and what does not: tried out. See `remedies.Remedy`."""
        from .remedies import remedies

        return remedies(self)

    def __repr__(self) -> str:
        """The summary."""
        return f"<ties: {self.summary()}>"


def ties(
    f: Value | Module | Callable[..., Any], *args: Any, for_all_data: bool = False, method: str = "auto"
) -> Ties:
    """The coarsest grouping of parameter entries that gradient descent can never break.

    ties(f, params, *data)       of the loss f(params, *data); params: any nesting of arrays
    ties(y)                      of a recorded loss; its leaves are the parameters, in serial order
    ties(model, x, y, loss)      of loss(model(x), y), with a model of `nn`; squared error by default

    Entries that share a group are equal now and get equal gradients wherever gradient descent, momentum, Adam or
    weight decay may take them. for_all_data: whatever the data are, and not just for these. method: "prove" from
    the structure, "probe" at random points, or "auto": prove, and probe where the proof cannot see through an op
    or there are more than 300,000 entries. A proof errs with probability below 1e-15; a probe is evidence.

    Raises TracingError where f branches on the numbers of a Value, ShapeError where the loss is not one number.
    """
    if method not in METHODS:
        raise ValueError(f"no method is called {method!r}\n  expected one of {', '.join(METHODS)}")
    recording = record_loss(f, args, for_all_data)
    values = recording.values
    if not np.isfinite(values).all():
        raise ValueError("ties start from equal numbers, and some parameters are nan or infinite")
    partition, proof = _decided(recording, method)
    numbers = _groups(partition)
    evidence = _evidence(numbers, None if proof is None else _groups(proof))
    return Ties(recording, partition, numbers, evidence, "for all data" if for_all_data else "for this data")


def record_loss(f: Any, args: Sequence[Any], for_all_data: bool) -> Recording:
    """The loss as a graph, whichever way it was given."""
    if isinstance(f, Value):
        if args or for_all_data:
            raise ArgumentError(
                "a recorded graph has its data inside\n"
                "  write  ties(f, params, *data, for_all_data=True)   with the data as arguments"
            )
        return of_graph(f)
    if isinstance(f, Module):
        if not 2 <= len(args) <= 3:
            raise ArgumentError(f"write  ties(model, x, y, loss), got {len(args)} arguments after the model")
        x, y, loss = (*args, squared_error)[:3]
        if not callable(loss):
            raise ArgumentError(f"a loss is a function of predictions and targets, got {describe(loss)}")
        return of_model(f, x, y, loss, for_all_data)
    if not callable(f) or not args:
        raise ArgumentError(
            f"ties of {describe(f)}\n"
            "  write  ties(f, params, *data)\n  or     ties(model, x, y, loss)\n  or     ties(y)"
        )
    return of_function(f, args[0], args[1:], for_all_data)


def _decided(recording: Recording, method: str) -> tuple[Partition, Partition | None]:
    """The partition, and the part of it that is proved."""
    size = sum(p._array.size for p in recording.params)
    if method == "probe" or (method == "auto" and size > PROVABLE and not recording.masks):
        return probe(recording), None
    proof = prove(recording.y, recording.params, recording.free)
    if method == "prove" or not proof.unknown or recording.masks or recording.free:
        return proof, proof
    return _joined(proof, probe(recording)), proof


def _joined(proof: Partition, seen: Partition) -> Partition:
    """The finest partition that is coarser than both."""
    classes = seen.classes
    while True:
        before = classes
        for other in (proof.classes, seen.classes):
            least = np.full(int(other.max(initial=-1)) + 1, len(classes))
            np.minimum.at(least, other, classes)
            classes = least[other]
        if (classes == before).all():
            return Partition(by_appearance(classes)[0], proof.still | seen.still, proof.rounds, proof.unknown)


def _groups(partition: Partition) -> Any:
    """Group numbers of all entries, in the order in which groups first appear: those that never move are one."""
    return by_appearance(np.where(partition.still, -1, partition.classes))[0]


def _evidence(numbers: Any, proved: Any) -> tuple[str, ...]:
    """A group is proved if it lies within one of the proof's."""
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
