"""How the benchmarks measure: a clean process, sides in turn, medians. No benchmark's own subject belongs here."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from time import perf_counter_ns
from typing import Any

import numpy as np

_BLAS_OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # they would slow down both sides, unevenly


def clean_environment() -> None:
    """Start this process again if its environment changes how fast NumPy's products of matrices are."""
    if any(name in os.environ for name in _BLAS_OVERRIDES):
        clean = {name: x for name, x in os.environ.items() if name not in _BLAS_OVERRIDES}
        os.execve(sys.executable, sys.orig_argv, clean)


def warm_allocator() -> None:
    """Allocate and free 32 MB: glibc then keeps freed memory in place of giving it back after each step.

    It learns from a freed block of up to 32 MiB, its own header included; a larger one would change nothing.
    """
    np.ones(4_000_000)


def in_own_process(module: str, *args: str) -> Any:
    """What `python -m module args...` prints as its last line, in JSON."""
    done = subprocess.run([sys.executable, "-m", module, *args], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def quartiles(numbers: Sequence[float]) -> tuple[float, float, float]:
    """The first quartile, the median, the third; a single number is all three."""
    low, middle, high = statistics.quantiles(numbers, n=4) if len(numbers) > 1 else [*numbers] * 3
    return low, middle, high


def faults() -> int:
    """Pages this process has had to ask the system for."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def in_turn(sides: Sequence[Callable[[], Any]], rounds: int) -> tuple[list[list[float]], list[float]]:
    """Microseconds of one call, per side and round, and page faults per call, per side.

    Sides take turns at going first; three untimed calls stand before each timed one, so that no side pays for what
    the other left in the caches.
    """
    times: list[list[float]] = [[] for _ in sides]
    missing = [0.0 for _ in sides]
    for k in range(rounds):
        for n in range(len(sides)):
            which = (n + k) % len(sides)
            call = sides[which]
            call(), call(), call()
            before = faults()
            start = perf_counter_ns()
            call()
            times[which].append((perf_counter_ns() - start) / 1e3)
            missing[which] += (faults() - before) / rounds
    return times, missing
