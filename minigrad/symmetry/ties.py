"""ties: finds the parameters that always get equal gradients in training, and states the evidence.

`loss_graph` turns a loss into a graph; `proof` and `probe` find its ties. `cli/commands/ties` is the command.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.value import Value, graph
from ..errors import ArgumentError, describe
from ..nn.losses import squared_error
from ..nn.mlp import MLP
from ..nn.module import Module
from .claims import (
    OBSERVED,
    PROBED,
    PROVED,
    Claims,
    evidence_of_groups,
    groups_of,
    join_partitions,
)
from .findings import findings
from .frontends import record_framework_loss
from .holding import broken
from .loss_graph import WIDE, Recording, loss_graph_of, of_function, record_model_loss, with_any_data
from .mlp_neurons import neuron_classes
from .now import Now, look
from .probe import probe
from .proof import Partition, prove
from .remedies import Remedies, remedies
from .tie_finding import TieFinding

METHODS = ("auto", "prove", "probe")
FEW = 100_000  # entries; with more, a probe beside a proof takes too long to wait for
PROVABLE = 20_000_000  # entries; with more, a proof takes too long to wait for

Entry = tuple[str, tuple[int, ...]]
Group = tuple[Entry, ...]


@dataclass(frozen=True, eq=False)
class Ties(Claims):
    """The groups of parameter entries that always get equal gradients.

    groups         each a tuple of (path, index), with index () for a number; every entry is in one group
    labels         an integer array of group numbers for each parameter, nested as the parameters are
    evidence       for each group "proved", "probed" or "observed"; "single" for a group of one: it claims nothing
    frozen         the number of the group of entries that never move, which is proved; None if there is none
    frozen_evidence   the evidence for each entry of that group
    independent    how many groups move
    opposite       for each group, the number of the group that is always its negative; None if there is none
    opposite_evidence  the evidence for that
    never_moves    which entries, of all in order, are proved never to move
    zero_now       which have gradient 0 now and are not proved to keep it
    zero_reasons   why that is so, by tensor
    zero_everywhere   which of them have gradient 0 at every point that was probed, or in every draw
    vanishing      which entries have a gradient that is not 0, but too small to change a digit
    parted         groups whose gradients differ now by more than rounding, with the smallest and the largest
    unknown        labels of the ops that the proof does not know; these may hide ties
    width          distinct neurons per hidden layer for a network of `nn`; else None
    scope          the data that the ties hold for: "for this data", "for all data"; and the draws of random numbers
    """

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
    def independent(self) -> int:
        """The number of groups that move."""
        return len(self.evidence) - (self.frozen is not None)

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
        """Class numbers by entry: the groups, with what does not move separated by its value."""
        return self.partition.classes

    def summary(self) -> str:
        """One line: how many groups the parameters move as, and how many distinct neurons the layers have."""
        count = self.numbers.size
        text = f"{_count(count, 'parameter')} {_moves(count)} as {self.independent:,}"
        if self.independent_up_to_sign < self.independent:
            text += f", {self.independent_up_to_sign:,} up to sign"
        frozen = int(self.never_moves.sum())
        if frozen:
            text += f", {frozen:,} never move{'s' if frozen == 1 else ''}"
        text += self._idle(int(self.zero_now.sum()), "others" if frozen else "of them")
        if self.width:
            sizes = self.recording.model.sizes[1:-1]  # type: ignore[union-attr]
            of, act = ("layer", "acts") if len(sizes) == 1 else ("layers", "act")
            text += f" · hidden {of} of {_and(sizes)} {act} as {_and(self.width)}"
        notes = self._notes()
        text = f"{text} ({'; '.join(notes)})" if notes else text
        parted = broken(self)
        return f"{parted}; at the start: {text}" if parted else text

    def _idle(self, idle: int, whose: str) -> str:
        """How many entries have gradient 0 now, and how many of them wherever it was looked."""
        if not idle:
            return ""
        everywhere = int(self.zero_everywhere.sum())
        text = f", {idle:,} {whose.removesuffix('s') if idle == 1 and whose == 'others' else whose} "
        text += f"{'has' if idle == 1 else 'have'} gradient 0 {self.now_words}"
        if everywhere:
            text += f" and {'' if everywhere == idle else f'{everywhere:,} of these '}{self.everywhere_words}"
        return text

    def _notes(self) -> list[str]:
        """What the summary rests on, where that is less than a proof, and what contradicts it now."""
        words, notes = {*self.evidence, *self.frozen_evidence, *self.opposite_evidence}, []
        if PROBED in words:
            notes.append("partly probed, not proved" if PROVED in words else "probed, not proved")
        if self.recording.holds_for_all_draws:
            notes.append(self.scope.rpartition(", ")[2])
        if OBSERVED in words:
            notes.append(f"observed {self.scope.partition(', ')[2]}")
        if self.unknown:
            notes.append(f"the proof does not know {_and(self.unknown)}")
        notes += self._in_floats()
        if self.vanishing.any():
            count, largest = int(self.vanishing.sum()), np.abs(self.now.gradient[self.vanishing]).max()
            notes.append(
                f"{_count(count, 'gradient')} {'vanishes' if count == 1 else 'vanish'}: at most {largest:.1g}"
            )
        for word, where in (("nan", np.isnan), ("infinite", np.isinf)):
            count = int(where(self.now.gradient).sum())
            if count:
                notes.append(f"{_count(count, 'gradient')} {'is' if count == 1 else 'are'} {word} here")
        return notes

    def _in_floats(self) -> list[str]:
        """Where the proof, in exact arithmetic, and the gradient as it is now differ."""
        notes, groups = [], [pair for number, pair in self.parted.items() if number != self.frozen]
        if groups:
            low, high = groups[0]
            count = _count(len(groups), "group")
            notes.append(f"in floats {count} {_parts(len(groups))} now: gradients {high:.4g} and {low:.4g}")
        if self.frozen in self.parted:
            moving = self.never_moves & ~self.now.zero & np.isfinite(self.now.gradient)
            largest = np.abs(self.now.gradient[moving]).max()
            number = int(moving.sum())
            words = "never moves has a gradient" if number == 1 else "never move have gradients"
            notes.append(f"in floats {number:,} that {words} now: {largest:.4g}")
        return notes

    def findings(self) -> list[TieFinding]:
        """What these ties say, tensor by tensor: see `tie_finding.TieFinding`."""
        return findings(self)

    def remedies(self) -> Remedies:
        """Try the remedies that may split these ties. See `remedies.Remedy`."""
        return remedies(self)

    def __repr__(self) -> str:
        """The summary."""
        return f"<ties: {self.summary()}>"


def ties(
    f: Value | Module | Callable[..., Any],
    *args: Any,
    for_all_data: bool = False,
    method: str = "auto",
    loss: Callable[..., Any] | None = None,
) -> Ties:
    """Find the largest groups of parameter entries that gradient descent never separates.

    ties(f, params, *data)       for the loss f(params, *data); params: any nesting of arrays
    ties(y)                      for a recorded loss; its leaves are the parameters, in serial order
    ties(model, x, y, loss)      for loss(model(x), y) with a model of `nn`; squared error by default
    ties(module, *data, loss=)   for a module of PyTorch; the target is the last of the data

    The entries of a group are equal now, and get equal gradients at every step of gradient descent, momentum, Adam
    or weight decay, with one rule for all parameters. for_all_data: for any data, not only these. method: "prove"
    from the structure, "probe" at the start and at random points, or "auto": prove, and probe if the proof does not
    know an op or there are more than twenty million entries. A proof holds in exact arithmetic; for n entries it
    errs with probability below n² / 2^69 (see `modular`). A probe is only evidence. If f draws random numbers, the
    ties hold whatever is drawn.
    Raises TracingError if f branches on the numbers of a Value or cannot be called twice, ShapeError if the loss is
    not one number.
    """
    if method not in METHODS:
        raise ValueError(f"no method is called {method!r}\n  expected one of {', '.join(METHODS)}")
    return ties_of(record_loss(f, args, for_all_data, loss), method)


def ties_of(recording: Recording, method: str = "auto") -> Ties:
    """The ties of a recorded loss. Raises ValueError if a parameter is nan or infinite."""
    if not np.isfinite(recording.values).all():
        raise ValueError("ties compares the numbers of the parameters, and some of them are nan or infinite")
    now = look(recording)
    partition, proof, still = _decide(recording, method, now)
    never = _never_moves(recording, proof)
    still = still & ~never
    numbers = groups_of(partition, never)
    evidence = evidence_of_groups(partition, numbers, never, proof, OBSERVED if recording.is_sampled else PROVED)
    everywhere = still & now.zero if still.any() else still
    return Ties(recording, partition, proof, numbers, evidence, recording.scope, now, never, everywhere)


def record_loss(
    f: object, args: Sequence[Any], for_all_data: bool, loss: Callable[..., Any] | None = None
) -> Recording:
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
        x, y, loss = (*args, loss or squared_error)[:3]
        if not callable(loss):
            raise ArgumentError(f"the loss must be a function of predictions and targets, got {describe(loss)}")
        return record_model_loss(f, x, y, loss, for_all_data)
    imported = record_framework_loss(f, args, loss, for_all_data)
    if imported is not None:
        return imported
    if not callable(f) or not args:
        raise ArgumentError(
            f"ties takes a function with its parameters, a model or a Value, got {describe(f)}\n"
            "  write  ties(f, params, *data)\n  or     ties(model, x, y, loss)\n  or     ties(y)"
        )
    if loss is not None:
        raise ArgumentError("loss= is for models; a function f(params, *data) returns the loss itself")
    return of_function(f, args[0], args[1:], for_all_data)


def _decide(recording: Recording, method: str, now: Now) -> tuple[Partition, Partition | None, Any]:
    """The partition by the chosen method, the proof (None without one), and which entries seem never to move."""
    size = len(now.values)
    if method == "probe" or (method == "auto" and size > PROVABLE and not recording.is_detached):
        seen = _probe(recording, now)
        return seen, None, seen.frozen
    proof = prove(recording.y, recording.params, recording.symbolic_data)
    if method == "prove" or recording.is_detached:
        return proof, proof, proof.frozen
    if proof.unknown:
        joined = join_partitions(proof, _probe(recording, now))
        return joined, proof, joined.frozen
    if size <= FEW and (now.zero & ~proof.frozen).any():
        return proof, proof, proof.frozen | _probe(recording, now).frozen
    return proof, proof, proof.frozen


def _probe(recording: Recording, now: Now) -> Partition:
    return probe(with_any_data(recording, WIDE), None if recording.symbolic_data else now.gradient)


def _never_moves(recording: Recording, proof: Partition | None) -> Any:
    """Which entries are proved never to move: some points prove nothing, nor do some draws of random numbers."""
    if recording.is_sampled:
        return np.zeros(len(recording.values), dtype=bool)
    if proof is not None:
        return proof.frozen
    params, reached = recording.params, {v.serial for v in graph(recording.y)}
    unused = [p.serial not in reached for p in params]
    return np.repeat(unused, [p._array.size for p in params]).astype(bool)


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _moves(n: int) -> str:
    return "moves" if n == 1 else "move"


def _parts(n: int) -> str:
    return "parts" if n == 1 else "part"


def _and(items: Sequence[int | str]) -> str:
    """3 and 3; 2, 4 and 3."""
    words = [f"{x:,}" if isinstance(x, int) else x for x in items]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
