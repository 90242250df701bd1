"""What each pass of the compiler gains: the same step compiled with one pass more each time.

python -m tests.bench.passes [seconds]
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import minigrad
from minigrad.compiler import blocking, buffers, passes
from tests.bench.measure import warm_allocator
from tests.bench.workloads import WORKLOADS

CASES = ("2-16-16-2", "64-128-64-10", "layer norm, softmax", "20 of + - * /, 10^6")


def step_of(name: str) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A function to compile, and its arguments: the value and all gradients of a loss, or the value of a chain."""
    from tests.bench.workloads.libraries import LIBRARIES

    workload = WORKLOADS[name]
    parameters, data = workload.start("float64")
    library = LIBRARIES["eager"]()
    if not parameters:
        return (lambda *data: workload.f(library, [], *data)), data
    both = minigrad.value_and_grad(lambda ps, *data: workload.f(library, ps, *data))

    def step(ps: Any, *data: Any) -> Any:
        value, gradients = both(ps, *data)
        return value, [p - 0.01 * g for p, g in zip(ps, gradients, strict=True)]

    return step, (parameters, *data)


def stages() -> list[tuple[str, tuple[Any, ...], bool, bool]]:
    """Each with its name, its passes, and whether it writes in place and in blocks."""
    every, found = passes.PASSES, [("recorded", passes.PASSES[:1], False, False)]
    for n in range(2, len(every) + 1):
        found.append((f"+ {every[n - 1].__name__}", every[:n], False, False))
    found.append(("+ in place", every, True, False))
    return [*found, ("+ blocks", every, True, True)]


def compiled(f: Any, args: Any, chosen: Any, in_place: bool, in_blocks: bool) -> Callable[[], Any]:
    kept = passes.PASSES, buffers._reusable_operand, blocking.LEAST
    passes.PASSES = chosen
    buffers._reusable_operand = buffers._reusable_operand if in_place else lambda *_: None
    blocking.LEAST = blocking.LEAST if in_blocks else 1 << 60
    try:
        g = minigrad.compile(f)
        g(*args)
    finally:
        passes.PASSES, buffers._reusable_operand, blocking.LEAST = kept
    return lambda: g(*args)


def main() -> None:
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    warm_allocator()
    print(f"{'':28}" + "".join(f"{name:>22}" for name in CASES))
    columns = []
    for name in CASES:
        f, args = step_of(name)
        calls = [lambda f=f, args=args: f(*args), *(compiled(f, args, *stage[1:]) for stage in stages())]
        times: list[list[float]] = [[] for _ in calls]
        end = time.perf_counter() + share * len(calls)
        while time.perf_counter() < end:
            for call, t in zip(calls, times, strict=True):
                call()
                before = time.perf_counter()
                call()
                t.append(time.perf_counter() - before)
        columns.append([(statistics.quantiles(t, n=10)[0] if len(t) > 4 else min(t)) * 1e6 for t in times])
    for k, label in enumerate(["eager", *(stage[0] for stage in stages())]):
        print(f"{label:28}" + "".join(f"{column[k]:>19.1f} µs" for column in columns))


if __name__ == "__main__":
    main()
