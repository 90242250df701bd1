"""What going back through each op costs, against running it forward: the dearest first.

python -m tests.bench.ops [side]

The line of the last column is 5 times forward plus 10 µs: what lies above it wants a reason (a dense gradient of
a view; a sort that must be undone; a solve where forward only factorises).
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from minigrad.engine.op import TABLE, Op
from minigrad.engine.sampling import Domain, Shape
from minigrad.engine.value import Value, sweep_from
from tests.bench.measure import clean_environment, warm_allocator

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "support")]  # where pytest finds them too
from checking import invoke, parts

T = TypeVar("T")


@dataclass
class Large:
    """The `Draw` protocol with long sides: two axes where the op does not say how many."""

    rng: np.random.Generator
    side: int

    def array(self, domain: Domain, shape: Shape) -> Any:
        numbers = self.rng.uniform(domain.low, domain.high, shape)
        return numbers if domain.kind == "f" else numbers.round().astype(int if domain.kind == "i" else bool)

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 1) -> Shape:
        return (self.side,) * max(min_dims, min(2, max_dims))

    def shapes(self, count: int) -> Sequence[Shape]:
        return [self.shape()] * count

    def integer(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high, endpoint=True))

    def choice(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]


def microseconds(f: Callable[[], Any], least: float = 0.01) -> float:
    """The median time of one call, of at least seven."""
    times: list[float] = []
    end = perf_counter() + least
    f()
    while len(times) < 7 or perf_counter() < end:
        start = perf_counter()
        f()
        times.append(perf_counter() - start)
    return statistics.median(times) * 1e6


def costs(op: Op, side: int, seed: int) -> tuple[float, float] | None:
    """Forward and backward of one drawn call, in microseconds; None where the call cannot be made of Values."""
    inputs, params = op.calls(Large(np.random.default_rng(seed), side))
    values = [Value(x) if getattr(x, "dtype", np.dtype(int)).kind == "f" else x for x in inputs]
    seeds = [(y, np.ones_like(y.data)) for y in parts(invoke(op, values, params)) if y.inputs]
    if not seeds:
        return None
    forward = microseconds(lambda: invoke(op, inputs, params))
    return forward, microseconds(lambda: list(sweep_from(seeds)))


def main() -> None:
    clean_environment()
    warm_allocator()
    side = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rows = []
    with np.errstate(all="ignore"):
        for op in dict.fromkeys(TABLE.values()):
            found = [c for c in (costs(op, side, seed) for seed in range(3)) if c is not None] if op.vjps else []
            if found:  # the dearest of three calls
                rows.append((*max(found, key=lambda c: c[1] / (5 * c[0] + 10)), op))
    rows.sort(key=lambda row: -row[1] / (5 * row[0] + 10))
    print(f"{'op':24} {'forward µs':>11} {'backward µs':>12} {'of the line':>12}")
    for forward, backward, op in rows:
        print(f"{op.label:24} {forward:11.1f} {backward:12.1f} {backward / (5 * forward + 10):12.2f}")


if __name__ == "__main__":
    main()
