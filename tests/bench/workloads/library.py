"""What a library adds to NumPy's own spelling, and how it takes one call of a workload."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .workload import Call, Workload


class Library:
    """NumPy's spelling, and what it leaves open. Making one imports the library; ImportError says it is absent.

    Each kind of workload has a method of its name, ``(f, parameters, data)``, that returns the call.
    """

    xp: Any = np

    def __init__(self, compiled: bool = False) -> None:
        self.compiled = compiled

    def call(self, workload: Workload, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        """One call of a workload, ready to be timed."""
        make: Callable[..., Call] = getattr(self, workload.kind)
        return make(functools.partial(workload.f, self), parameters, data)

    def softmax(self, z: Any) -> Any:
        xp = self.xp
        e = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
        return e / xp.sum(e, axis=-1, keepdims=True)

    def layer_norm(self, x: Any, scale: Any, shift: Any) -> Any:
        xp = self.xp
        deviation = x - xp.mean(x, axis=1, keepdims=True)
        size = xp.sqrt(xp.mean(deviation * deviation, axis=1, keepdims=True) + 1e-5)
        return deviation / size * scale + shift

    def relu(self, z: Any) -> Any:
        return self.xp.maximum(z, 0.0)

    def softplus(self, z: Any) -> Any:
        return self.xp.logaddexp(z, 0.0)

    def cross_entropy(self, z: Any, classes: Any) -> Any:
        xp = self.xp
        shifted = z - xp.max(z, axis=1, keepdims=True)
        log_p = shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))
        return -xp.mean(log_p[np.arange(len(classes)), classes])

    def windows(self, x: Any, n: int) -> Any:
        """All windows of n x n along the last two axes: (..., rows, columns, n, n)."""
        return np.lib.stride_tricks.sliding_window_view(x, (n, n), axis=(-2, -1))

    def scan(self, f: Callable[[Any, Any], Any], state: Any, inputs: Iterable[Any]) -> Any:
        """The last state: f(state, x) for x in inputs, one after the other."""
        return functools.reduce(f, inputs, state)
