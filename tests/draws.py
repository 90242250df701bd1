"""Calls of operations, drawn from their domains: the `Draw` protocol over any source of integers.

Over hypothesis's integers a call shrinks: to few dimensions, short sides, halves and whole numbers. Over a random
generator's it is quick, for what needs many calls and no shrinking.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from minigrad.domain import Call, Domain, Shape
from minigrad.op import Op

T = TypeVar("T")

CLEARANCE = 0.1  # from a kink; more than ten times the longest step of a finite difference
COARSE, FINE = 40, 120  # steps in a domain: with no two numbers alike, and with no such wish
ROUGH = 0.2  # of a step: how far a number that is not nice may lie from the nearest that is


@cache
def grid(domain: Domain) -> tuple[float, ...]:
    """The nice numbers of a domain, the nicest first: whole ones, halves, then the rest by size."""
    steps = COARSE if domain.distinct else FINE
    points = (domain.low + (domain.high - domain.low) * k / steps for k in range(steps + 1))
    clear = [round(p, 12) for p in points if all(abs(p - kink) > CLEARANCE for kink in domain.avoid)]
    return tuple(sorted(clear, key=lambda p: (p % 1 != 0, p % 0.5 != 0, p == 0, abs(p), p)))


@dataclass
class Drawing:
    """One call being drawn.

    integer: the source of all choices. sides: shortest and longest side of a shape. size: most entries of an array.
    """

    integer: Callable[[int, int], int]
    sides: tuple[int, int] = (1, 3)
    size: int = 8
    max_dims: int = 3
    used: dict[Domain, set[float]] = field(default_factory=dict)

    def choice(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 1) -> Shape:
        low, high = self.sides
        shape: Shape = ()
        for _ in range(self.integer(min_dims, max(min_dims, min(max_dims, self.max_dims)))):
            room = max(1, self.size // max(1, int(np.prod(shape))))
            shape += (self.integer(low, min(high, room)),)
        return shape

    def shapes(self, count: int) -> list[Shape]:
        whole = self.shape()
        shapes = []
        for _ in range(count):
            kept = whole[self.integer(0, len(whole)) :]
            shapes.append(tuple(self.choice((side, side, 1)) for side in kept))
        return shapes

    def array(self, domain: Domain, shape: Shape) -> Any:
        size = int(np.prod(shape))
        if domain.kind != "f":
            entries: Any = [self.integer(int(domain.low), int(domain.high)) for _ in range(size)]
            return np.array(entries, dtype=bool if domain.kind == "b" else np.int64).reshape(shape)
        entries = np.array([self._entry(domain) for _ in range(size)], dtype=np.float64)
        if size and self.choice((False, True)):
            entries = self._roughened(entries, domain)
        return entries.reshape(shape)[()]

    def _entry(self, domain: Domain) -> float:
        used = self.used.setdefault(domain, set())
        free = [p for p in grid(domain) if p not in used] if domain.distinct else grid(domain)
        entry = self.choice(free)
        used.add(entry)
        return entry

    def _roughened(self, entries: Any, domain: Domain) -> Any:
        step = (domain.high - domain.low) / (COARSE if domain.distinct else FINE)
        noise = np.random.default_rng(self.integer(0, 2**16)).uniform(-ROUGH, ROUGH, entries.size)
        return np.clip(entries + step * noise, domain.low, domain.high)


@dataclass
class Example:
    """A call, and a source of directions in general position (cotangents, tangents) that goes with it."""

    inputs: tuple[Any, ...]
    params: dict[str, Any]
    seed: int

    def directions(self) -> Callable[[Any], Any]:
        """For each array asked about, another of its shape: neither even, nor small, nor of one sign."""
        rng = np.random.default_rng(self.seed)

        def direction(like: Any) -> Any:
            shape = np.shape(like)
            return (rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))[()]

        return direction


def _example(integer: Callable[[int, int], int], calls: Callable[[Any], Call], options: Any) -> Example:
    inputs, params = calls(Drawing(integer, **options))
    return Example(inputs, params, integer(0, 2**16))


@st.composite
def examples(draw: Any, op: Op, **options: Any) -> Example:
    """Calls of an op, for hypothesis."""

    def integer(low: int, high: int) -> int:
        return draw(st.integers(low, high)) if low <= high else reject()

    return _example(integer, op.calls, options)


def random_examples(op: Op, count: int, start: int = 0, **options: Any) -> list[Example]:
    """Calls of an op, the same ones every time; fewer where some cannot be made (an index into no entries)."""
    found = []
    for seed in range(start, start + count):
        rng = np.random.default_rng(seed)

        def integer(low: int, high: int, rng: Any = rng) -> int:
            return int(rng.integers(low, high, endpoint=True))

        try:
            found.append(_example(integer, op.calls, options))
        except (ValueError, IndexError):
            if options.get("sides", (1, 3))[0]:
                raise
    return found
