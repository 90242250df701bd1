"""What splits ties, and what does not: each remedy is tried on the loss at hand.

Splitting is decided by the proof at the numbers that the remedy leads to, so that rounding decides nothing.
Training that keeps to ties is tried with gradients as equal within a tie as exact arithmetic would have them, after
a check that they are equal to rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError
from ..nn.layers import MLP
from ..rules.nn import sigmoid, softplus
from .neurons import by_name
from .proof import Partition, prove
from .recording import flat, of_model
from .ties import Ties

STEPS, RATE, SEED = 20, 0.01, 0
# Of the largest gradient, by bytes per number: how equal those within a tie are before they are taken for equal.
EQUAL = {8: 1e-9, 4: 1e-3}
NUDGES = 64  # entries that are tried as the smallest nudge
FRESH = {"sigmoid": sigmoid, "softplus": softplus}


@dataclass(frozen=True)
class Remedy:
    """One thing to do about ties, what it does to these, and why.

    splits: parts entries that moved as one. frees: makes entries move that never did.
    """

    name: str
    splits: bool
    frees: bool
    why: str

    @property
    def works(self) -> bool:
        """Whether it changes anything about the ties."""
        return self.splits or self.frees


@dataclass(frozen=True)
class Remedies:
    """All remedies that could be tried, and the smallest nudge: one entry, with the number of groups after it."""

    tried: tuple[Remedy, ...]
    nudge: tuple[str, tuple[int, ...]] | None
    groups_after_nudge: int | None

    def __getitem__(self, name: str) -> Remedy:
        """The remedy of that name. Raises KeyError."""
        named = {remedy.name: remedy for remedy in self.tried}
        if name not in named:
            raise KeyError(f"no remedy is called {name!r}; expected one of {', '.join(named)}")
        return named[name]

    def __iter__(self) -> Iterator[Remedy]:
        """One after the other."""
        return iter(self.tried)

    def __repr__(self) -> str:
        """A table."""
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


def remedies(ties: Ties) -> Remedies:
    """Try every remedy on these ties. Raises ArgumentError where the graph cannot be computed anew."""
    return _Trial(ties).all()


class _Trial:
    """The loss, the ties, and training that keeps to them."""

    def __init__(self, ties: Ties) -> None:
        self.ties, self.recording = ties, ties.recording
        if self.recording.masks:
            raise ArgumentError(
                "this graph was recorded with masks that do not know what they were computed from\n"
                "  write  ties(f, params, *data)   so that it can be computed at other numbers"
            )
        self.values, self.before = self.recording.values, ties.partition
        self.rng = np.random.default_rng(SEED)
        self.equal = EQUAL.get(min((p._array.dtype.itemsize for p in self.recording.params), default=8), 1e-1)

    def all(self) -> Remedies:
        """Each remedy, then the nudge."""
        tried = [
            self._at("random start", self._random, "equal starts are what the ties are made of"),
            self._at("noise", self._noise, "noise on each gradient's entries is different for each"),
            self._at("masks", self._masks, "a mask stops some entries of a tie and not others"),
            self._at("dropout", self._dropout, "a neuron that is left out gets another gradient than its twins"),
            self._at("more steps", self._steps(5 * STEPS), "each step finds the ties as it found them before"),
            self._at("another rate", self._steps(STEPS, 10 * RATE), "equal gradients make equal steps at any rate"),
            self._at("momentum", self._momentum, "equal histories make equal velocities"),
            self._at("Adam", self._adam, "equal histories are divided by equal roots"),
            self._at("weight decay", self._decay, "equal weights decay alike"),
        ]
        if isinstance(self.recording.model, MLP):
            tried.append(self._activation(self.recording.model))
        nudge, groups = self._nudge()
        return Remedies(tuple(tried), nudge, groups)

    def _at(self, name: str, values: Callable[[], Any], why: str) -> Remedy:
        splits, frees = self._changes(self._partition(values()))
        return Remedy(name, splits, frees, why if splits or frees or name not in _SPLIT else _NOTHING)

    def _partition(self, values: Any) -> Partition:
        return prove(self.recording.y, self.recording.params, self.recording.free, values)

    def _changes(self, after: Partition) -> tuple[bool, bool]:
        """Whether entries that moved as one are parted, and whether some move that did not."""
        moving = ~self.before.still
        pairs = {(a, b) for a, b in zip(self.before.classes[moving], after.classes[moving], strict=True)}
        return len(pairs) > len({a for a, _ in pairs}), bool((self.before.still & ~after.still).any())

    # Starts.

    def _random(self) -> Any:
        return self.values + self.rng.normal(size=self.values.shape)

    def _nudge(self) -> tuple[Any, int | None]:
        """The one entry whose change leaves the most groups; None where there are no ties."""
        firsts = self._tied_entries()
        best: tuple[int, Any] = (0, None)
        for entry in firsts[:NUDGES]:
            values = self.values.copy()
            values[entry] += 0.1 * max(1.0, abs(values[entry]))
            after = self._partition(values)
            count = len(set(after.classes[~after.still].tolist())) + bool(after.still.any())
            # The entry itself leaves its tie; to have split the others it must leave more groups than that.
            if count > max(best[0], len(self.ties.evidence) + 1) or (best[1] is None and self._changes(after)[1]):
                best = count, entry
        if best[1] is None:
            return None, None
        return self._name(best[1]), best[0]

    def _tied_entries(self) -> list[int]:
        """The first entry of each class of several; and of the entries that never move, one for each parameter."""
        classes = self.before.classes
        sizes = np.bincount(classes)
        owner = np.repeat(np.arange(len(self.recording.params)), [p._array.size for p in self.recording.params])
        keys = {
            (c, owner[k] if self.before.still[k] else -1): k
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
        """The gradient, as equal within ties as in exact arithmetic."""
        g = self.recording.gradient(values)
        classes, largest = self.before.classes, np.abs(g).max(initial=0)
        mean = np.bincount(classes, g) / np.bincount(classes)
        exact = np.where(self.before.still, 0.0, mean[classes])
        if not (np.abs(exact - g) <= self.equal * largest).all():
            raise AssertionError("gradients within a proved tie differ by more than rounding")
        return exact

    def _steps(self, steps: int, rate: float = RATE) -> Callable[[], Any]:
        return lambda: self._train(lambda k, g, w: rate * g, steps)

    def _momentum(self) -> Any:
        v = np.zeros_like(self.values)

        def step(k: int, g: Any, w: Any) -> Any:
            v[...] = 0.9 * v + g
            return RATE * v

        return self._train(step)

    def _adam(self) -> Any:
        mean, square = np.zeros_like(self.values), np.zeros_like(self.values)

        def step(k: int, g: Any, w: Any) -> Any:
            mean[...], square[...] = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g * g
            return RATE * mean / (1 - 0.9**k) / (np.sqrt(square / (1 - 0.999**k)) + 1e-8)

        return self._train(step)

    def _decay(self) -> Any:
        return self._train(lambda k, g, w: RATE * (g + 0.1 * w))

    def _noise(self) -> Any:
        return self._train(lambda k, g, w: RATE * (g + 1e-3 * self.rng.normal(size=g.shape)), 3, tied=False)

    def _masks(self) -> Any:
        mask = self.rng.random(self.values.shape) < 0.5
        return self._train(lambda k, g, w: RATE * g * mask, 3, tied=False)

    def _dropout(self) -> Any:
        values = self.values.copy()
        for _ in range(3):
            mask = self._dropped()
            values -= RATE * self._scale() * self.recording.gradient(values * mask) * mask
        return values

    def _dropped(self) -> Any:
        """Which entries take part: of a network, all but those out of the neurons left out; else any half."""
        model = self.recording.model
        if not isinstance(model, MLP):
            return self.rng.random(self.values.shape) < 0.5
        masks = by_name(model, np.ones(self.values.shape))
        for k in range(2, len(model.sizes)):
            masks[f"W{k}"] = masks[f"W{k}"] * (self.rng.random(model.sizes[k - 1]) < 0.5)[:, None]
        return flat(list(masks.values()))

    def _train(self, step: Callable[[int, Any, Any], Any], steps: int = STEPS, tied: bool = True) -> Any:
        values, scale = self.values.copy(), self._scale()
        gradient = self._gradient if tied else self.recording.gradient
        for k in range(1, steps + 1):
            values = values - step(k, scale * gradient(values), values)
        return values

    def _scale(self) -> float:
        """So small a loss that the rate fits: its largest gradient is at most 1."""
        return 1.0 / max(1.0, float(np.abs(self.recording.gradient(self.values)).max(initial=0)))

    def _activation(self, model: MLP) -> Remedy:
        """The same start with an activation that is not 0 at 0."""
        fresh = copy.copy(model)
        fresh.layers = [copy.copy(layer) for layer in model.layers]
        name = "softplus" if model.layers[0].activation is sigmoid else "sigmoid"
        for layer in fresh.layers[:-1]:
            layer.activation = FRESH[name]
        x, y, loss = self.recording.call
        recording = of_model(fresh, x, y, loss, bool(self.recording.free))
        splits, frees = self._changes(prove(recording.y, recording.params, recording.free, self.values))
        why = f"{name} is not 0 at 0" if frees else "neurons that are equal compute the same, whatever they compute"
        return Remedy("another activation", splits, frees, why)


_SPLIT = ("random start", "noise", "masks", "dropout")
_NOTHING = "there is nothing here that it could act on"
