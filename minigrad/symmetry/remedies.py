"""Tries each remedy on the loss at hand, and reports which ones split ties, and which give a gradient to entries.

The proof decides, at the numbers that a remedy leads to, so rounding errors have no effect. That an entry has a
gradient is seen in numbers. `training_trials` trains, `nudges` finds the smallest changes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..nn.mlp import MLP
from ..nn.optim import SGD, Adam
from ..rules.activations import sigmoid, softplus
from .claims import Claims
from .loss_graph import record_model_loss
from .now import clearly_moves
from .nudges import WakingNudge, splitting_nudge, waking_nudge
from .proof import prove
from .slices import listed, tensor_name
from .training_trials import DECAY, RATE, STEPS, Training
from .trial_start import NAMED, TrialStart
from .trials import Trials
from .zero_gradients import gradient_without_rounding

SEED, STARTS = 0, 20
FRESH = {"sigmoid": sigmoid, "softplus": softplus}
NUDGE, ACTIVATION = "nudge of one tensor", "another activation"


@dataclass(frozen=True)
class Remedy:
    """A remedy for ties, its effect on this loss, and the reason.

    splits: whether it separates entries that moved together, up to sign. frees: whether it makes entries move that
    never move, or gives a gradient to entries that have none now. starts: for the random start, how many of 20 do.
    """

    name: str
    splits: bool
    frees: bool
    why: str
    starts: int | None = None

    @property
    def works(self) -> bool:
        """Whether it splits or frees anything."""
        return self.splits or self.frees


@dataclass(frozen=True)
class Remedies:
    """The remedies tried, and the smallest nudges.

    nudge: the entry whose change leaves the most groups up to sign, and their number, in all and up to sign.
    waking_nudge: the smallest change of an entry that gives a gradient to entries without one.
    notes: what to know first, such as ties that no longer hold.
    """

    tried: tuple[Remedy, ...]
    nudge: tuple[str, tuple[int, ...]] | None
    groups_after_nudge: int | None
    signed_groups_after_nudge: int | None = None
    waking_nudge: WakingNudge | None = None
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Remedy:
        """The remedy with that name. Raises KeyError."""
        named = {remedy.name: remedy for remedy in self.tried}
        if name not in named:
            raise KeyError(f"no remedy is called {name!r}; expected one of {', '.join(named)}")
        return named[name]

    def __iter__(self) -> Iterator[Remedy]:
        """Iterate over the remedies."""
        return iter(self.tried)

    def __repr__(self) -> str:
        """The notes, and a table of the remedies."""
        words = {
            (True, True): "splits, frees",
            (True, False): "splits",
            (False, True): "frees",
            (False, False): "no",
        }
        width = max(len(remedy.name) for remedy in self.tried)
        lines = [f"  {note}" for note in self.notes]
        lines += [f"  {r.name:{width}}  {words[r.splits, r.frees]:13}  {r.why}" for r in self.tried]
        if self.nudge is not None:
            path, index = self.nudge
            entry = f"{tensor_name(path)}[{', '.join(map(str, index))}]" if index else tensor_name(path)
            lines.append(f"  smallest nudge: {entry}, which leaves {self._groups()}")
        if self.waking_nudge is not None:
            lines.append(f"  smallest nudge that frees: {self.waking_nudge}")
        return "\n".join(lines)

    def _groups(self) -> str:
        groups, signed = self.groups_after_nudge, self.signed_groups_after_nudge
        return f"{groups} groups" if signed == groups else f"{groups} groups, {signed} up to sign"


def remedies(found: Claims) -> Remedies:
    """Try every remedy on a loss and its ties. Raises ArgumentError if the graph cannot be computed again.

    If the parameters have moved since, they are tried from where they are now; but from where the ties were found
    if these no longer hold, and the notes say so.
    """
    return _Trial(TrialStart.of(found)).all()


class _Trial:
    """Tries remedies from a start."""

    def __init__(self, start: TrialStart) -> None:
        self.start, self.recording = start, start.found.recording
        self.rng = np.random.default_rng(SEED)
        self.training = Training(start, self.rng)
        self.idle = not start.still.any() and not start.has_ties

    def all(self) -> Remedies:
        """Try each remedy, then find the nudges."""
        tried = [*self._random_start(), *(self._at(*row) for row in self._rows())]
        if isinstance(self.recording.model, MLP):
            tried.append(self._activation(self.recording.model))
        if len(np.unique(self.start.owner[self.start.still])) > 1:
            tried.append(self._nudge_of_a_tensor())
        nudge = None if self.idle else splitting_nudge(self.start)
        entry, (signed, groups) = (None, (None, None)) if nudge is None else (self.start.entry(nudge[0]), nudge[1])
        notes = [self.start.parted + "; tried from where the ties were found"] if self.start.parted else []
        return Remedies(
            tuple(tried),
            entry,
            groups,
            signed,
            waking_nudge(self.start),
            (*notes, *self.training.notes.values()),
        )

    def _rows(self) -> list[tuple[str, Callable[[], Any], str, str]]:
        """For each remedy its name, the numbers it leads to, and why it works or does not."""
        t, keeps = self.training, self.start.keeps
        nothing = keeps or _NOTHING
        rows: list[tuple[str, Callable[[], Any], str, str]] = [
            ("noise", t.noise, "each gradient entry gets different noise", nothing),
            ("masks", t.masks, "a mask stops some entries of a tie and not others", nothing),
            ("dropout", t.dropout, "a dropped neuron gets a different gradient from its twins", nothing),
        ]
        for name, values, why in (
            ("more steps", lambda: t.train(SGD, 5 * STEPS), _MORE),
            ("another rate", lambda: t.train(SGD, lr=10 * RATE), "equal gradients give equal steps at any rate"),
            ("momentum", lambda: t.train(SGD, momentum=0.9), "equal gradients so far give equal velocities"),
            ("Adam", lambda: t.train(Adam), "equal gradients so far give equal means, and equal steps"),
            ("weight decay", lambda: t.train(SGD, weight_decay=DECAY), "equal weights decay equally"),
        ):
            fails = f"{why}; {keeps}" if keeps and self.start.has_ties else keeps or why
            rows.append((name, values, "", fails))
        return [
            *rows,
            ("decay on weights only", t.decay_on_weights, "groups that span weights and biases part", _WEIGHTS),
            ("a rate for each tensor", t.rate_by_tensor, "groups that span tensors part", "no group spans tensors"),
        ]

    def _at(self, name: str, values: Callable[[], Any], works: str, fails: str) -> Remedy:
        if self.idle:
            return Remedy(name, False, False, fails)
        at = values()
        after = self.start.partition_at(at)
        splits, freed = self.start.splits(after, at), self.start.freed(after, at)
        words = [works] if splits and works else []
        words += [self.start.gives(freed)] if freed.any() else []
        return Remedy(name, splits, bool(freed.any()), "; ".join(words) or fails)

    def _random_start(self) -> list[Remedy]:
        """The random start; and a smaller one, if the noise leaves all that has no gradient without one."""
        start, shape = self.start, self.start.values.shape
        first = start.values + self.rng.normal(size=shape)
        one = self._at("random start", lambda: first, "ties come from equal starts", _NOTHING)
        if not start.still.any():
            return [one]
        more = (start.values + self.rng.normal(size=shape) for _ in range(STARTS - 1))
        woken = np.array([start.awake(values) for values in (first, *more)])
        starts = int((woken & start.still).any(axis=1).sum())
        counts = self._counts(woken)
        why = f"ties come from equal starts; {counts}" if one.splits else counts
        found = [replace(one, frees=one.frees or starts > 0, why=why, starts=starts)]
        if not starts:
            small = self.rng.normal(size=shape) / 10
            found.append(self._at("small random start", lambda: small, "ties come from equal starts", start.keeps))
        return found

    def _counts(self, woken: Any) -> str:
        """How many random starts give each tensor a gradient. woken: for each start, which entries have one."""
        names: dict[tuple[int, int], list[str]] = {}
        for k in np.unique(self.start.owner[self.start.still]):
            own = woken[:, self.start.still & (self.start.owner == k)]
            count = int(own.all(axis=1).sum()), int(own.any(axis=1).sum())
            names.setdefault(count, []).append(tensor_name(self.recording.paths[k]))
        return f"of {STARTS} random starts, {listed([_gives(*count, own) for count, own in names.items()])}"

    def _nudge_of_a_tensor(self) -> Remedy:
        """Noise on one tensor, for the case that all others have a gradient then."""
        start = self.start
        trials = Trials(self.recording, replace(start.found.now, values=start.values))
        owners = np.unique(start.owner[start.still])
        chosen = trials.nudge([np.flatnonzero(start.still & (start.owner == k)) for k in owners])
        if chosen is None:
            return Remedy(NUDGE, False, False, "noise of 0.1 on one tensor leaves others without a gradient")
        nudged = tensor_name(self.recording.paths[owners[chosen]])
        others = [tensor_name(self.recording.paths[k]) for n, k in enumerate(owners) if n != chosen]
        names = listed(others[:NAMED], len(others) - NAMED)
        return Remedy(NUDGE, False, True, f"noise on {nudged} alone gives {names} a gradient")

    def _activation(self, model: MLP) -> Remedy:
        """The same start with an activation that is not 0 at 0."""
        fails = "equal neurons stay equal with any activation"
        if self.idle:
            return Remedy(ACTIVATION, False, False, fails)
        fresh = copy.copy(model)
        fresh.layers = [copy.copy(layer) for layer in model.layers]
        name = "softplus" if model.layers[0].activation is sigmoid else "sigmoid"
        for layer in fresh.layers[:-1]:
            layer.activation = FRESH[name]
        x, y, loss = self.recording.call
        recording = record_model_loss(fresh, x, y, loss, self.recording.scope.startswith("for all data"))
        start = self.start
        after = prove(recording.y, recording.params, recording.symbolic_data, start.values)
        wakes = start.still
        if wakes.any():
            wakes = clearly_moves(recording, gradient_without_rounding(recording, start.values))
        freed = start.still & (start.before.frozen & ~after.frozen | wakes)
        never = bool((freed & start.before.frozen).any())
        splits = start.splits(after, start.values)
        why = f"{name} is not odd: opposite neurons part" if splits else fails
        why = f"{name} is not 0 at 0" if never else f"{name} {start.gives(freed)}" if freed.any() else why
        return Remedy(ACTIVATION, splits, bool(freed.any()), why)


def _gives(every: int, some: int, names: Sequence[str]) -> str:
    """How many starts give all, and how many give some, of the entries of these tensors a gradient."""
    what = listed(list(names[:NAMED]), len(names) - NAMED)
    if every == some:
        return f"{every or 'none'} give{'s' if every == 1 else ''} {what} a gradient"
    return f"{every or 'none'} give{'s' if every == 1 else ''} all of {what} a gradient ({some} part of it)"


_MORE = "a step keeps equal weights equal, and so do more steps"
_WEIGHTS = "no group spans weights and biases"
_NOTHING = "there is nothing here that it could split"
