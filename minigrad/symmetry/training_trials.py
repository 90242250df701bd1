"""Some steps of training, as they would be in exact arithmetic, for the trials of remedies.

Where training should keep ties, gradients are averaged within a tie, with their signs; so rounding parts nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.value import Value
from ..nn.mlp import MLP
from ..nn.optim import SGD, Optimiser
from .holding import class_means
from .loss_graph import flat
from .mlp_neurons import by_name
from .proof import Partition
from .trial_start import TrialStart
from .zero_gradients import gradient_without_rounding

STEPS, RATE, DECAY = 10, 0.01, 0.1
# Gradients in a tie agree in floats to this share of the largest; by bytes per number.
EQUAL = {8: 1e-9, 4: 1e-3}


class Training:
    """Training from a start. notes: what was noticed, in sentences."""

    def __init__(self, start: TrialStart, rng: np.random.Generator) -> None:
        self.start, self.rng = start, rng
        self.recording = start.found.recording
        self.notes: dict[str, str] = {}

    def train(
        self,
        make: Callable[..., Optimiser] = SGD,
        steps: int = STEPS,
        change: Callable[[Any], Any] | None = None,
        lr: float = RATE,
        **settings: Any,
    ) -> Any:
        """The numbers after some steps of an optimiser. change: applied to each gradient; without it, ties hold."""
        w = Value(self.start.values.copy())
        optimiser = make([w], lr=lr, **settings)
        for _ in range(steps):
            gradient = self._exact(w.data, self.start.before) if change is None else change(self._plain(w.data))
            w.grad = self._scale * gradient
            optimiser.step()
        return w.data

    def by_tensor(self, rule: Callable[[Any, Any], Any]) -> Any:
        """The numbers after some steps of a rule for each tensor. rule: (values, gradient) -> step."""
        values = self.start.values.copy()
        for _ in range(STEPS):
            values = values - RATE * rule(values, self._scale * self._exact(values, self.start.by_tensor))
        return values

    def decay_on_weights(self) -> Any:
        """The numbers after descent with a weight decay on parameters of two or more axes only."""
        weights = np.array([p._array.ndim > 1 for p in self.recording.params])[self.start.owner]
        return self.by_tensor(lambda values, g: g + DECAY * values * weights)

    def rate_by_tensor(self) -> Any:
        """The numbers after descent with another rate for each tensor."""
        rates = self.rng.uniform(0.5, 1.0, size=len(self.recording.params))[self.start.owner]
        return self.by_tensor(lambda values, g: rates * g)

    def noise(self) -> Any:
        """The numbers after a few steps with noise on each gradient."""
        size = 1e-3 / self._scale
        return self.train(SGD, 3, lambda g: g + size * self.rng.normal(size=g.shape))

    def masks(self) -> Any:
        """The numbers after some steps in each of which another mask leaves out half of the entries."""
        return self.train(SGD, change=lambda g: g * (self.rng.random(g.shape) < 0.5))

    def dropout(self) -> Any:
        """The numbers after some steps with dropout."""
        values = self.start.values.copy()
        for _ in range(STEPS):
            mask = self._dropout_mask()
            values -= RATE * self._scale * self._plain(values * mask) * mask
        return values

    def _dropout_mask(self) -> Any:
        """A mask of the entries in use: a network loses the weights out of dropped neurons; else a random half."""
        model = self.recording.model
        if not isinstance(model, MLP):
            return self.rng.random(self.start.values.shape) < 0.5
        masks = by_name(model, np.ones(self.start.values.shape))
        for k in range(2, len(model.sizes)):
            masks[f"W{k}"] = masks[f"W{k}"] * (self.rng.random(model.sizes[k - 1]) < 0.5)[:, None]
        return flat(list(masks.values()))

    def _plain(self, values: Any) -> Any:
        """The gradient; what is nan or infinite in it counts as 0."""
        g = gradient_without_rounding(self.recording, values)
        if not np.isfinite(g).all():
            self.notes["nan"] = "some gradients are nan or infinite at the numbers tried; they were taken for 0"
            g = np.where(np.isfinite(g), g, 0.0)
        return g

    def _exact(self, values: Any, partition: Partition) -> Any:
        """The gradient, exactly equal within ties, as it would be in exact arithmetic."""
        g = self._plain(values)
        mean = class_means(partition.signed, g * partition.signs)
        exact = np.where(partition.frozen, 0.0, mean[partition.signed] * partition.signs)
        apart, largest = np.abs(exact - g).max(initial=0), np.abs(g).max(initial=0)
        if apart > EQUAL.get(self.recording.width, 1e-1) * largest:
            self.notes.setdefault(
                "parted", f"{_PARTED} {apart:.3g} from their mean; training went on with the mean"
            )
        return exact

    @functools.cached_property
    def _scale(self) -> float:
        """A factor for the loss that makes its largest gradient at most 1, so that the rate fits."""
        return 1.0 / max(1.0, float(np.abs(self._plain(self.start.values)).max(initial=0)))


_PARTED = "gradients in a tie differ in floats, as at a kink, where one rounding decides: by up to"
