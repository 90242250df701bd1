"""Tries each remedy on the loss at hand, and reports which ones split ties.

The proof decides, at the numbers that a remedy leads to, so rounding errors have no effect. Where training should
keep ties, gradients are averaged within a tie, after a check that they are equal up to rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.value import Value
from ..errors import ArgumentError
from ..nn.mlp import MLP
from ..nn.optim import SGD, Adam, Optimiser
from ..rules.activations import sigmoid, softplus
from .loss_graph import Recording, flat, record_model_loss
from .mlp_neurons import by_name
from .proof import Partition, prove

STEPS, RATE, SEED = 20, 0.01, 0
# Gradients in a tie must agree to this share of the largest before they are averaged; by bytes per number.
EQUAL = {8: 1e-9, 4: 1e-3}
NUDGES = 64  # entries tried for the smallest nudge
FRESH = {"sigmoid": sigmoid, "softplus": softplus}


@dataclass(frozen=True)
class Remedy:
    """A remedy for ties, its effect on this loss, and the reason.

    splits: whether it separates entries that moved together. frees: whether it makes frozen entries move.
    """

    name: str
    splits: bool
    frees: bool
    why: str

    @property
    def works(self) -> bool:
        """Whether it splits or frees anything."""
        return self.splits or self.frees


@dataclass(frozen=True)
class Remedies:
    """The remedies tried, and the smallest nudge: one entry to change, and the number of groups it leaves."""

    tried: tuple[Remedy, ...]
    nudge: tuple[str, tuple[int, ...]] | None
    groups_after_nudge: int | None

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
        """A table of the remedies."""
        words = {
            (True, True): "splits, frees",
            (True, False): "splits",
            (False, True): "frees",
            (False, False): "no",
        }
        width = max(len(remedy.name) for remedy in self.tried)
        lines = [f"  {r.name:{width}}  {words[r.splits, r.frees]:13}  {r.why}" for r in self.tried]
        if self.nudge is not None:
            path, index = self.nudge
            entry = f"{path}[{', '.join(map(str, index))}]" if index else path
            lines.append(f"  smallest nudge: {entry}, which leaves {self.groups_after_nudge} groups")
        return "\n".join(lines)


def remedies(recording: Recording, partition: Partition) -> Remedies:
    """Try every remedy on a loss and its ties. Raises ArgumentError if the graph cannot be computed again."""
    return _Trial(recording, partition).all()


class _Trial:
    """The loss, its ties, and training that keeps them."""

    def __init__(self, recording: Recording, partition: Partition) -> None:
        self.recording, self.before = recording, partition
        if self.recording.is_detached:
            raise ArgumentError(
                "the masks of this graph do not record their inputs\n"
                "  write  ties(f, params, *data)   so that it can be computed at other numbers"
            )
        self.values = recording.values
        self.rng = np.random.default_rng(SEED)
        self.equal = EQUAL.get(min((p._array.dtype.itemsize for p in self.recording.params), default=8), 1e-1)

    def all(self) -> Remedies:
        """Try each remedy, then find the nudge."""
        tried = [
            self._at("random start", self._random, "ties come from equal starts"),
            self._at("noise", self._noise, "each gradient entry gets different noise"),
            self._at("masks", self._masks, "a mask stops some entries of a tie and not others"),
            self._at("dropout", self._dropout, "a dropped neuron gets a different gradient from its twins"),
            self._at(
                "more steps", self._steps(5 * STEPS), "a step keeps equal weights equal, and so do more steps"
            ),
            self._at("another rate", self._steps(STEPS, 10 * RATE), "equal gradients give equal steps at any rate"),
            self._at("momentum", self._momentum, "equal gradients so far give equal velocities"),
            self._at("Adam", self._adam, "equal gradients so far give equal means, and equal steps"),
            self._at("weight decay", self._decay, "equal weights decay equally"),
        ]
        if isinstance(self.recording.model, MLP):
            tried.append(self._activation(self.recording.model))
        nudge, groups = self._nudge()
        return Remedies(tuple(tried), nudge, groups)

    def _at(self, name: str, values: Callable[[], Any], why: str) -> Remedy:
        splits, frees = self._changes(self._partition(values()))
        return Remedy(name, splits, frees, why if splits or frees or name not in _SPLIT else _NOTHING)

    def _partition(self, values: object) -> Partition:
        return prove(self.recording.y, self.recording.params, self.recording.symbolic_data, values)

    def _changes(self, after: Partition) -> tuple[bool, bool]:
        """Whether entries that moved together are separated, and whether frozen entries move."""
        moving = ~self.before.frozen
        pairs = {(a, b) for a, b in zip(self.before.classes[moving], after.classes[moving], strict=True)}
        return len(pairs) > len({a for a, _ in pairs}), bool((self.before.frozen & ~after.frozen).any())

    # Starts.

    def _random(self) -> Any:
        return self.values + self.rng.normal(size=self.values.shape)

    def _nudge(self) -> tuple[Any, int | None]:
        """The entry whose change leaves the most groups; None if there are no ties."""
        firsts, groups = self._tied_entries(), _groups(self.before)
        best: tuple[int, Any] = (0, None)
        for entry in firsts[:NUDGES]:
            values = self.values.copy()
            values[entry] += 0.1 * max(1.0, abs(values[entry]))
            after = self._partition(values)
            count = _groups(after)
            # The changed entry leaves its tie and adds a group; any further group means that others were split.
            if count > max(best[0], groups + 1) or (best[1] is None and self._changes(after)[1]):
                best = count, entry
        if best[1] is None:
            return None, None
        return self._name(best[1]), best[0]

    def _tied_entries(self) -> list[int]:
        """The first entry of each class of two or more, and one frozen entry per parameter."""
        classes = self.before.classes
        sizes = np.bincount(classes)
        owner = np.repeat(np.arange(len(self.recording.params)), [p._array.size for p in self.recording.params])
        keys = {
            (c, owner[k] if self.before.frozen[k] else -1): k
            for k, c in reversed([*enumerate(classes)])
            if sizes[c] > 1
        }
        return sorted(keys.values())

    def _name(self, entry: int) -> tuple[str, tuple[int, ...]]:
        for path, p in zip(self.recording.paths, self.recording.params, strict=True):
            if entry < p._array.size:
                return path, tuple(int(i) for i in np.unravel_index(entry, np.shape(p._array)))
            entry -= p._array.size
        raise AssertionError("no such entry")

    # Training.

    def _gradient(self, values: Any) -> Any:
        """The gradient, exactly equal within ties, as it would be in exact arithmetic."""
        g = self.recording.gradient(values)
        classes, signs, largest = self.before.signed, self.before.signs, np.abs(g).max(initial=0)
        mean = np.bincount(classes, g * signs) / np.bincount(classes)
        exact = np.where(self.before.frozen, 0.0, mean[classes] * signs)
        if not (np.abs(exact - g) <= self.equal * largest).all():
            raise AssertionError("gradients within a proved tie differ by more than rounding")
        return exact

    def _steps(self, steps: int, rate: float = RATE) -> Callable[[], Any]:
        return lambda: self._train(SGD, steps, lr=rate)

    def _momentum(self) -> Any:
        return self._train(SGD, momentum=0.9)

    def _adam(self) -> Any:
        return self._train(Adam)

    def _decay(self) -> Any:
        return self._train(SGD, weight_decay=0.1)

    def _noise(self) -> Any:
        return self._train(SGD, 3, lambda g: g + 1e-3 * self.rng.normal(size=g.shape))

    def _masks(self) -> Any:
        mask = self.rng.random(self.values.shape) < 0.5
        return self._train(SGD, 3, lambda g: g * mask)

    def _dropout(self) -> Any:
        values = self.values.copy()
        for _ in range(3):
            mask = self._dropout_mask()
            values -= RATE * self._scale() * self.recording.gradient(values * mask) * mask
        return values

    def _dropout_mask(self) -> Any:
        """A mask of the entries in use: a network loses the weights out of dropped neurons; else a random half."""
        model = self.recording.model
        if not isinstance(model, MLP):
            return self.rng.random(self.values.shape) < 0.5
        masks = by_name(model, np.ones(self.values.shape))
        for k in range(2, len(model.sizes)):
            masks[f"W{k}"] = masks[f"W{k}"] * (self.rng.random(model.sizes[k - 1]) < 0.5)[:, None]
        return flat(list(masks.values()))

    def _train(
        self,
        make: Callable[..., Optimiser],
        steps: int = STEPS,
        change: Callable[[Any], Any] | None = None,
        lr: float = RATE,
        **settings: Any,
    ) -> Any:
        """The numbers after some steps of an optimiser. change: applied to each gradient; without it, ties hold."""
        w, scale = Value(self.values.copy()), self._scale()
        optimiser = make([w], lr=lr, **settings)
        for _ in range(steps):
            gradient = self._gradient(w.data) if change is None else self.recording.gradient(w.data)
            w.grad = scale * gradient if change is None else change(scale * gradient)
            optimiser.step()
        return w.data

    def _scale(self) -> float:
        """A factor for the loss that makes its largest gradient at most 1, so that the rate fits."""
        return 1.0 / max(1.0, float(np.abs(self.recording.gradient(self.values)).max(initial=0)))

    def _activation(self, model: MLP) -> Remedy:
        """The same start with an activation that is not 0 at 0."""
        fresh = copy.copy(model)
        fresh.layers = [copy.copy(layer) for layer in model.layers]
        name = "softplus" if model.layers[0].activation is sigmoid else "sigmoid"
        for layer in fresh.layers[:-1]:
            layer.activation = FRESH[name]
        x, y, loss = self.recording.call
        recording = record_model_loss(fresh, x, y, loss, bool(self.recording.symbolic_data))
        splits, frees = self._changes(prove(recording.y, recording.params, recording.symbolic_data, self.values))
        why = f"{name} is not 0 at 0" if frees else "equal neurons stay equal with any activation"
        return Remedy("another activation", splits, frees, why)


def _groups(partition: Partition) -> int:
    """How many groups there are; the entries that never move are one group."""
    return len(set(partition.classes[~partition.frozen].tolist())) + bool(partition.frozen.any())


_SPLIT = ("random start", "noise", "masks", "dropout")
_NOTHING = "there is nothing here that it could split"
