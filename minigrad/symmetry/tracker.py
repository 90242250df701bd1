"""SymmetryTracker: follows ties while a network is trained, and finds what broke them.

A tie can break in three ways. Gradients differ on equal parameters: the loss or the data are not symmetric
(dropout, noise, masks). Parameters separate although their gradients were equal: the update rule does not treat
them alike. Or rounding separates them: they first differ in a last bit, then grow apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.tree import leaves
from ..engine.value import Value
from ..errors import ArgumentError, describe
from ..nn.mlp import MLP
from ..nn.module import Module
from .loss_graph import flat
from .mlp_neurons import by_name
from .ties import Ties

ROUNDING = {8: 1e-11, 4: 1e-4}  # relative difference that the rounding of one step can cause, by bytes per number
EQUAL = {8: 1e-6, 4: 1e-4}  # the default tolerance, by bytes per number
UNEXPLAINED = (
    1e3  # if gradients differ by more than this times the spread of the parameters, there is another cause
)
SMALL = 1e-3  # of the largest gradient of all: smaller gradients are compared relative to this
GRADIENTS, UPDATE, DRIFT = "gradients", "update", "rounding"
SENTENCES = {
    GRADIENTS: "gradients differed on equal parameters: loss or data are not symmetric (dropout, noise, masks)",
    UPDATE: "parameters separated though their gradients were equal: the update rule does not treat them alike",
    DRIFT: "tied in theory; drifted by {:.1e} through rounding",
}


@dataclass(frozen=True)
class Observation:
    """One observation: the step, distinct neurons per hidden layer (None without a network), distinct parameters,
    the largest relative spread inside a tie, and the distances between the neurons of each hidden layer."""

    step: int
    width: tuple[int, ...] | None
    independent: int
    spread: float
    distances: tuple[Any, ...] | None


@dataclass(frozen=True)
class Break:
    """When a tie broke, the number of its group, and the cause: "gradients", "update" or "rounding"."""

    step: int
    group: int
    cause: str
    spread: float

    def __str__(self) -> str:
        """The step and the cause."""
        return f"step {self.step:,}: {SENTENCES[self.cause].format(self.spread)}"


@dataclass(eq=False, repr=False)
class SymmetryTracker:
    """Follows ties through any training loop: ``tracker.observe(step, params, grads)`` once per step.

    ties: computed before training. tolerance: neurons and parameters count as equal up to this relative distance;
    by default 1e-6, or 1e-4 in float32. Rounding is that of the coarsest type that was observed, so observe the
    arrays that you train: the ties of a PyTorch module are found in float64, whatever its type.
    """

    ties: Ties
    tolerance: float | None = None
    observations: list[Observation] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not isinstance(self.ties, Ties):
            raise ArgumentError(
                f"SymmetryTracker takes ties, got {describe(self.ties)}\n"
                "  write  SymmetryTracker(ties(model, x, y, loss))"
            )
        numbers = self._numbers = self._up_to_sign()
        frozen = np.zeros(len(self.ties.evidence), dtype=bool)
        if self.ties.frozen is not None:
            frozen[self.ties.frozen] = True
        sizes = np.bincount(numbers, minlength=len(frozen))
        self._tied = np.flatnonzero((sizes > 1) & ~frozen)
        self._empty = sizes == 0
        self._bytes = self.ties.recording.width  # per number; what is observed may be coarser than what is recorded
        self._before: tuple[Any, Any] | None = None  # spreads of values and gradients at the last observation
        # A sum that cancels is small, but its rounding is not: so differences are compared relative to the largest
        # values, and the largest gradients, that a group ever had.
        self._largest = np.zeros((2, len(sizes)))
        self._broken: dict[int, str] = {}

    def __repr__(self) -> str:
        """The number of observations, and the summary."""
        return f"<SymmetryTracker, {len(self.observations)} observations> {self.summary()}"

    def observe(self, step: int, params: object, grads: object) -> Observation:
        """Record the parameters and their gradients, before the optimiser's step.
        params, grads: arrays or Values, nested as the parameters of the ties; for a model, also the list of its
        parameters. Raises ValueError if the number of entries differs.
        """
        values, g = (self._entries(tree, what) for tree, what in ((params, "params"), (grads, "grads")))
        spreads = self._spread(values, 0), self._spread(g, 1, SMALL)
        if np.isfinite(spreads).all():
            self._judge(step, *spreads)
        self._before = spreads
        seen = Observation(
            step,
            self._width(values),
            self._independent(values),
            float(spreads[0][self._tied].max(initial=0)),
            self._distances(values),
        )
        self.observations.append(seen)
        return seen

    def summary(self) -> str:
        """The last observation in one line, then one line for each cause of a break."""
        if not self.observations:
            return "nothing observed yet"
        last = self.observations[-1]
        acts = f", hidden layers act as {' and '.join(map(str, last.width))}" if last.width else ""
        head = (
            f"step {last.step:,}: {last.independent:,} distinct parameters{acts}; spread in a tie {last.spread:.1e}"
        )
        causes = {b.cause: b for b in reversed(self.breaks)}
        return "\n".join([head, *(str(causes[c]) for c in (GRADIENTS, UPDATE, DRIFT) if c in causes)])

    def _up_to_sign(self) -> Any:
        """The group of each entry, where a group and its opposite have the lower of both numbers."""
        both = [k if other is None else min(k, other) for k, other in enumerate(self.ties.opposite)]
        return np.array(both, dtype=np.int64)[self.ties.numbers]

    @property
    def _rounding(self) -> float:
        return ROUNDING.get(self._bytes, 1e-2)

    @property
    def _equal(self) -> float:
        return EQUAL.get(self._bytes, 1e-2) if self.tolerance is None else self.tolerance

    def _entries(self, tree: Any, what: str) -> Any:
        found = [] if isinstance(tree, Module) else leaves(tree)
        arrays = [np.asarray(x._array if isinstance(x, Value) else x) for x in found]
        self._bytes = min([self._bytes, *(x.dtype.itemsize for x in arrays if x.dtype.kind not in "iub")])
        entries = flat(arrays)
        if entries.shape != self.ties.numbers.shape:
            raise ValueError(
                f"{what} has {entries.size} entries, the ties {self.ties.numbers.size}\n"
                "  write  observe(step, net.parameters(), [p.grad for p in net.parameters()])\n"
                "  after backward(), before the step and zero_grad()"
            )
        return entries

    def _spread(self, x: Any, which: int, share: float = 0.0) -> Any:
        """For each group up to sign, the range of its entries relative to the largest it ever had, or nan.

        which: 0 for values, 1 for gradients. share: compare with at least this share of the largest of all.
        """
        numbers, count, x = self._numbers, len(self.ties.evidence), x * self.ties.partition.signs
        low, high = np.full(count, np.inf), np.full(count, -np.inf)
        with np.errstate(invalid="ignore"):
            np.minimum.at(low, numbers, x)
            np.maximum.at(high, numbers, x)
            low[self._empty] = high[self._empty] = 0.0
            largest = self._largest[which]
            np.fmax(largest, np.maximum(np.abs(low), np.abs(high)), out=largest)
            size = np.maximum(largest, share * float(largest.max(initial=0)))
            return np.where(high == low, 0.0, (high - low) / np.where(size > 0, size, 1.0))

    def _judge(self, step: int, values: Any, grads: Any) -> None:
        """Record the cause when a tie first breaks; if it is rounding, another cause may replace it later."""
        largest = float(values[self._tied].max(initial=0))
        for k in self._tied.tolist():
            cause = self._cause(k, values[k], grads[k], largest)
            known = self._broken.get(k)
            if cause is None or known in (GRADIENTS, UPDATE):
                continue
            if cause == DRIFT and known == DRIFT:
                place = next(n for n, b in enumerate(self.breaks) if b.group == k and b.cause == DRIFT)
                if values[k] > self.breaks[place].spread:
                    self.breaks[place] = Break(self.breaks[place].step, k, DRIFT, float(values[k]))
                continue
            self._broken[k] = cause
            self.breaks.append(
                Break(step, k, cause, float(max(values[k], grads[k] if cause == GRADIENTS else 0.0)))
            )

    def _cause(self, k: int, value: float, grad: float, largest: float) -> str | None:
        """Why group k breaks; None if it does not. largest: the largest spread of any tie."""
        if grad > max(self._rounding, UNEXPLAINED * largest):
            return GRADIENTS
        if self._before is not None:
            explained = max(self._rounding, UNEXPLAINED * float(self._before[0][self._tied].max(initial=0)))
            if self._before[1][k] <= explained and value > explained:
                return UPDATE
        if value > self._rounding:  # if another tie broke before, this one follows it
            return next((b.cause for b in self.breaks if b.cause != DRIFT), DRIFT)
        return DRIFT if value > 0 else None

    def _independent(self, values: Any) -> int:
        """The number of different parameters; a broken tie counts as its parts."""
        order = np.lexsort((values, self.ties.numbers))
        numbers, x = self.ties.numbers[order], values[order]
        apart = np.abs(np.diff(x)) > self._equal * self._largest[0][self._numbers[order][1:]]
        frozen = -1 if self.ties.frozen is None else self.ties.frozen
        return int(np.count_nonzero((np.diff(numbers) != 0) | (apart & (numbers[1:] != frozen)))) + bool(len(x))

    def _neurons(self, values: Any) -> list[Any]:
        """For each hidden layer, one row per neuron: incoming weights, bias, outgoing weights."""
        model = self.ties.recording.model
        assert isinstance(model, MLP)
        p = by_name(model, values)
        return [
            np.vstack([p[f"W{k}"], *([p[f"b{k}"][None]] if f"b{k}" in p else []), p[f"W{k + 1}"].T]).T
            for k in range(1, len(model.sizes) - 1)
        ]

    def _distances(self, values: Any) -> tuple[Any, ...] | None:
        if not isinstance(self.ties.recording.model, MLP):
            return None
        return tuple(np.sqrt(np.square(n[:, None] - n[None]).sum(axis=-1)) for n in self._neurons(values))

    def _width(self, values: object) -> tuple[int, ...] | None:
        if not isinstance(self.ties.recording.model, MLP):
            return None
        return tuple(_distinct(neurons, self._equal) for neurons in self._neurons(values))


def _distinct(rows: Any, tolerance: float) -> int:
    """The number of rows that differ from all rows before them by more than the tolerance."""
    found: list[Any] = []
    for row in rows:
        if not any(np.abs(row - other).max() <= tolerance * np.abs(other).max(initial=0) for other in found):
            found.append(row)
    return len(found)
