"""Small trials for findings: whether another start parts what is tied, and gives a gradient to what has none.

`remedies` tries changes of the whole training on all ties together; here one finding is looked at.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from .loss_graph import Recording, with_any_data
from .now import APART, Now, clearly_moves
from .zero_gradients import gradient_without_rounding

STARTS, STEPS = 4, 3  # random starts, and steps of descent, that are tried
RANDOM_START, SOON = "random start", "steps of descent"


class Trials:
    """Gradients of a loss at other starts; nothing is tried before it is asked for."""

    def __init__(self, recording: Recording, now: Now) -> None:
        self.now = now
        self.recording = with_any_data(recording)
        self.rng = np.random.default_rng(0)
        self.possible = not recording.is_detached

    @functools.cached_property
    def random_starts(self) -> list[Any]:
        """The gradients at some random starts."""
        values = self.now.values
        starts = (values + self.rng.normal(size=values.shape) for _ in range(STARTS))
        return [gradient_without_rounding(self.recording, start) for start in starts]

    @functools.cached_property
    def moved(self) -> Any:
        """Which entries have a gradient within a few steps of descent."""
        values, g, awake = self.now.values, self.now.gradient, np.zeros(len(self.now.values), dtype=bool)
        for _ in range(STEPS):
            values = values - 0.01 * np.nan_to_num(g) / max(1.0, np.abs(np.nan_to_num(g)).max(initial=0))
            g = gradient_without_rounding(self.recording, values)
            awake |= self._moves(g)
        return awake

    def parts(self, ours: Any, theirs: Any, sign: int = 1) -> str | None:
        """The remedy that parts entries, tried; None if none does. sign: -1 where they are opposite."""
        if not self.possible:
            return None
        share, least = APART.get(self.recording.width, (1e-1, 1e-2))
        for g in self.random_starts:
            a, b = g[ours], sign * g[theirs]
            large = np.maximum(share * np.maximum(np.abs(a), np.abs(b)), least * np.abs(g).max(initial=0))
            if (np.abs(a - b) > large).any():
                return RANDOM_START
        return None

    def wakes(self, entries: Any) -> str | None:
        """The remedy that gives each of these entries a gradient, tried; None if none does."""
        if self.possible and np.logical_or.reduce([self._moves(g)[entries] for g in self.random_starts]).all():
            return RANDOM_START
        return None

    def moves_soon(self, entries: Any) -> str | None:
        """The words for some steps of descent if these entries have a gradient after them, else None."""
        return SOON if self.possible and self.moved[entries].all() else None

    def woken_by(self, own: Any) -> Any:
        """Which entries have a gradient after a nudge of some entries."""
        values = self.now.values.copy()
        values[own] += 0.1 * self.rng.normal(size=len(own))
        return self._moves(gradient_without_rounding(self.recording, values))

    def nudge(self, tensors: Sequence[Any]) -> int | None:
        """The number of a tensor, given as its entries, that gives the others a gradient if it is not 0."""
        for k, own in enumerate(tensors if self.possible else ()):
            others = np.concatenate([other for n, other in enumerate(tensors) if n != k])
            if any(self.woken_by(own)[others].all() for _ in range(STARTS)):
                return k
        return None

    def _moves(self, gradient: Any) -> Any:
        return clearly_moves(self.recording, gradient)
