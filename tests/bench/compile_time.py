"""What tracing and compiling cost, in eager calls, for programs of 10^3, 10^4 and 10^5 steps.

    python -m tests.bench.compile_time [PATH [LARGEST]]

PATH: another checkout of the repository, to compare with. LARGEST: steps of the largest programs (100000).
Each row is measured in a process of its own. Steps are those of the recorded program, gradients included.
Seconds are those of the processor. A compile is a first call, an eager call the fastest of several. "Without"
leaves out Python's own compile(), which a program that runs natively does not need. Memory is counted in another
process, because counting slows down Python: kept is what a compiled function holds, peak what compiling it needs.
"""

from __future__ import annotations

import builtins
import functools
import gc
import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from tests.bench.measure import clean_environment

HERE = Path(__file__).resolve().parents[2]
STEPS = (1_000, 10_000, 100_000)
PER_ROUND = 17  # recorded steps in a round of `value`, gradients included
REQUIRED = {"scalars": 45, "arrays": 25}
PROGRAM = """
import sys
sys.path[:1] = [{checkout!r}]
import minigrad
assert minigrad.__file__.startswith(sys.path[0]), minigrad.__file__
sys.path[0] = {here!r}
sys.modules.pop("tests", None)
from tests.bench.compile_time import measure
measure({kind!r}, {steps}, {memory})
"""


def value(rounds: int, x: Any, y: Any) -> Any:
    """Some rounds of arithmetic and a function; the numbers stay between -2 and 2."""
    for _ in range(rounds):
        x = np.tanh(x * y + 0.5)
        y = y - 0.1 * x
        x = x / (1.0 + y * y)
    return np.sum(x * y)


def subject(kind: str, steps: int) -> tuple[Callable[..., Any], tuple[Any, Any]]:
    """The value and gradients of a function of so many steps, and its arguments."""
    import minigrad

    rounds = steps // PER_ROUND
    both = minigrad.value_and_grad(lambda x, y: value(rounds, x, y), argnums=(0, 1))
    numbers = (0.3, 0.7) if kind == "scalars" else (np.linspace(0.1, 0.9, 8), np.linspace(-0.5, 0.5, 8))
    return both, numbers


def measure(kind: str, steps: int, memory: bool) -> None:
    """Print one row in JSON: steps, seconds of an eager call and of a compile, and bytes kept and at the peak."""
    import minigrad

    small, numbers = subject(kind, 100)
    minigrad.compile(small)(*numbers)  # what the first compile of a process reads and caches
    f, numbers = subject(kind, steps)
    f(*numbers)
    gc.collect()
    if memory:
        tracemalloc.start()
    compiled = minigrad.compile(f)
    with time_of_python() as python:
        seconds = seconds_of(functools.partial(compiled, *numbers))
    row: dict[str, Any] = {"compile": seconds, "python": sum(python)}
    if memory:
        gc.collect()
        row["kept"], row["peak"] = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    entry = compiled._entry()
    row["steps"] = len(entry.recorded.steps)
    del compiled, entry
    gc.collect()
    row["eager"] = min(seconds_of(lambda: f(*numbers)) for _ in range(3 if steps > 20_000 else 10))
    print(json.dumps(row))


@contextmanager
def time_of_python() -> Iterator[list[float]]:
    """The seconds of each call of Python's own compile inside."""
    found: list[float] = []
    real = builtins.compile

    def timed(*args: Any, **kwargs: Any) -> Any:
        begun = process_time()
        try:
            return real(*args, **kwargs)
        finally:
            found.append(process_time() - begun)

    builtins.compile = timed  # type: ignore[assignment]
    try:
        yield found
    finally:
        builtins.compile = real


def seconds_of(call: Callable[[], Any]) -> float:
    """The seconds of one call."""
    begun = process_time()
    call()
    return process_time() - begun


def row_of(checkout: Path, kind: str, steps: int, memory: bool = False) -> dict[str, Any]:
    """One row for one checkout, from a process of its own."""
    text = PROGRAM.format(checkout=str(checkout), here=str(HERE), kind=kind, steps=steps, memory=memory)
    environment = {name: x for name, x in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", text], check=True, stdout=subprocess.PIPE, text=True, cwd=HERE, env=environment
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(checkout: Path, largest: int, rounds: int = 3) -> Iterator[str]:
    """The lines of the table for one checkout; the median of several processes."""
    names = ("steps", "compile", "a step", "eager calls", "without", "kept", "peak")
    yield f"{'':10}" + "".join(f"{name:>12}" for name in names)
    for kind, required in REQUIRED.items():
        for steps in (n for n in STEPS if n <= largest):
            rows = [row_of(checkout, kind, steps) for _ in range(rounds if steps < 50_000 else 1)]
            row = sorted(rows, key=lambda r: r["compile"] / r["eager"])[len(rows) // 2]
            n, seconds = row["steps"], row["compile"]
            memory = row_of(checkout, kind, steps, memory=True)
            cells = [
                f"{n:,}",
                f"{seconds:.2f} s",
                f"{1e6 * seconds / n:.0f} µs",
                f"{seconds / row['eager']:.0f}",
                f"{(seconds - row['python']) / row['eager']:.0f} (of {required})",
                f"{memory['kept'] / n / 1e3:.1f} kB",
                f"{memory['peak'] / n / 1e3:.1f} kB",
            ]
            yield f"{kind:10}" + "".join(f"{cell:>12}" for cell in cells)


def main() -> None:
    clean_environment()
    other = [Path(sys.argv[1]).resolve()] if len(sys.argv) > 1 else []
    largest = int(sys.argv[2]) if len(sys.argv) > 2 else STEPS[-1]
    for checkout in (HERE, *other):
        print(checkout)
        for line in table(checkout, largest):
            print(line, flush=True)


if __name__ == "__main__":
    main()
