"""Draw calls of operations from their domains: the `Draw` protocol over any source of integers.

With integers from hypothesis (see `strategies`) a call shrinks to few dimensions, short sides, halves and integers.
With integers from a random generator it does not shrink, but is quick. This file does not import hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import floor, log10
from typing import Any, TypeVar

import numpy as np

from ...engine.op import Op
from ...engine.sampling import Domain, Shape
from .op_calls import OpCall

T = TypeVar("T")

CLEARANCE = 0.1  # distance from a kink (less in a short interval): far more than a rounding
COARSE, FINE = 40, 120  # steps in a domain: without, and with, distinct numbers
ROUGH = 0.2  # how far a rough number may lie from the nearest nice one, in steps


@cache
def grid(domain: Domain) -> tuple[float, ...]:
    """The nice numbers of a domain, the nicest first: integers, halves, then the rest by size."""
    steps = COARSE if domain.distinct else FINE
    width = domain.high - domain.low
    points = (domain.low + width * k / steps for k in range(steps + 1))
    away = clearance(domain)
    clear = [round(p, 12 - floor(log10(width))) for p in points if all(abs(p - k) > away for k in domain.avoid)]
    if not clear:
        raise ValueError(f"nothing in [{domain.low}, {domain.high}] lies {away:g} away from {domain.avoid}")
    return tuple(sorted(clear, key=lambda p: (p % 1 != 0, p % 0.5 != 0, p == 0, abs(p), p < 0)))


def clearance(domain: Domain) -> float:
    """How far drawn numbers stay away from the kinks of a domain."""
    return min(CLEARANCE, (domain.high - domain.low) / 20)


@dataclass
class OpCallDraw:
    """Draws one call.

    integer: the source of all choices. sides: shortest and longest side of a shape. size: largest size of an array.
    """

    integer: Callable[[int, int], int]
    sides: tuple[int, int] = (1, 3)
    size: int = 8
    max_dims: int = 3
    used: dict[Domain, set[float]] = field(default_factory=dict)

    def choice(self, options: Sequence[T]) -> T:
        """One of the options; the first is the simplest."""
        return options[self.integer(0, len(options) - 1)]

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 1) -> Shape:
        """A shape with min_dims to max_dims dimensions, within `sides` and `size`."""
        low, high = self.sides
        shape: Shape = ()
        for _ in range(self.integer(min_dims, max(min_dims, min(max_dims, self.max_dims)))):
            room = max(1, self.size // max(1, int(np.prod(shape))))
            shape += (self.integer(low, min(high, room)),)
        return shape

    def shapes(self, count: int) -> list[Shape]:
        """Shapes that broadcast together: the last sides of one shape, some of them 1."""
        whole = self.shape()
        shapes = []
        for _ in range(count):
            kept = whole[self.integer(0, len(whole)) :]
            shapes.append(tuple(self.choice((side, side, 1)) for side in kept))
        return shapes

    def array(self, domain: Domain, shape: Shape) -> Any:
        """An array of that shape: nice numbers of the domain, or numbers near them."""
        size = int(np.prod(shape))
        if domain.kind != "f":
            entries: Any = [self.integer(int(domain.low), int(domain.high)) for _ in range(size)]
            return np.array(entries, dtype=bool if domain.kind == "b" else np.int64).reshape(shape)
        entries = np.array([self._entry(domain) for _ in range(size)], dtype=np.float64)
        if size and self.choice((False, True)):
            entries = self._roughen(entries, domain)
        return entries.reshape(shape)[()]

    def _entry(self, domain: Domain) -> float:
        used = self.used.setdefault(domain, set())
        free = [p for p in grid(domain) if p not in used] if domain.distinct else grid(domain)
        entry = self.choice(free)
        used.add(entry)
        return entry

    def _roughen(self, entries: Any, domain: Domain) -> Any:
        step = (domain.high - domain.low) / (COARSE if domain.distinct else FINE)
        noise = np.random.default_rng(self.integer(0, 2**16)).uniform(-ROUGH, ROUGH, entries.size)
        return np.clip(entries + step * noise, domain.low, domain.high)


def draw_call(integer: Callable[[int, int], int], op: Op, **options: Any) -> OpCall:
    """Draw one call of an op. options: those of `OpCallDraw` (sides, size, max_dims)."""
    inputs, params = op.calls(OpCallDraw(integer, **options))
    return OpCall(op, inputs, params, integer(0, 2**16))


def random_calls(op: Op, count: int, start: int = 0, **options: Any) -> list[OpCall]:
    """Draw calls of an op, the same every time; fewer if some are impossible (an index into an empty array)."""
    found = []
    for seed in range(start, start + count):
        rng = np.random.default_rng(seed)

        def integer(low: int, high: int, rng: Any = rng) -> int:
            return int(rng.integers(low, high, endpoint=True))

        try:
            found.append(draw_call(integer, op, **options))
        except (ValueError, IndexError):
            if options.get("sides", (1, 3))[0]:
                raise
    return found
