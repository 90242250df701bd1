"""How the benchmarks measure: a clean process, sides in turn, medians. No benchmark's own subject belongs here."""

from __future__ import annotations

import ctypes
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

# How many threads OpenBLAS, OpenMP, MKL, Accelerate and jax use; read when they are loaded.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NPROC")
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's mallopt
_BLAS_OVERRIDES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # they would slow down both sides, unevenly


def clean_environment() -> None:
    """Start this process again if its environment changes how fast NumPy's products of matrices are."""
    if any(name in os.environ for name in _BLAS_OVERRIDES):
        clean = {name: x for name, x in os.environ.items() if name not in _BLAS_OVERRIDES}
        os.execve(sys.executable, sys.orig_argv, clean)


def environment(threads: int, **more: str) -> dict[str, str]:
    """This process's variables for another one, whose libraries then use so many threads."""
    kept = {name: x for name, x in os.environ.items() if name not in _BLAS_OVERRIDES}
    return kept | dict.fromkeys(_THREADS, str(threads)) | more


def warm_allocator() -> None:
    """Let the C library keep freed memory in place of giving it back: no step then waits for new pages.

    glibc is told so. Otherwise 32 MB are allocated and freed, from which some allocators learn the same.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)  # also large arrays come from the heap
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
    np.ones(4_000_000)


def in_own_process(
    module: str, *args: str, python: str = sys.executable, env: dict[str, str] | None = None, seconds: float = 3600
) -> Any:
    """What `python -m module args...` prints as its last line, in JSON; TimeoutExpired after so many seconds."""
    done = subprocess.run(
        [python, "-m", module, *args], check=True, stdout=subprocess.PIPE, text=True, env=env, timeout=seconds
    )
    return json.loads(done.stdout.splitlines()[-1])


def quartiles(numbers: Sequence[float]) -> tuple[float, float, float]:
    """The first quartile, the median, the third; a single number is all three."""
    low, middle, high = statistics.quantiles(numbers, n=4) if len(numbers) > 1 else [*numbers] * 3
    return low, middle, high


def faults() -> int:
    """Pages this process has had to ask the system for."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def in_turn(
    sides: Sequence[Callable[[], Any]], rounds: int, untimed: int = 3
) -> tuple[list[list[float]], list[float]]:
    """Microseconds of one call, per side and round, and page faults per call, per side.

    Sides take turns at going first; untimed calls stand before each timed one, so that no side pays for what the
    other left in the caches.
    """
    times: list[list[float]] = [[] for _ in sides]
    missing = [0.0 for _ in sides]
    for k in range(rounds):
        for n in range(len(sides)):
            which = (n + k) % len(sides)
            call = sides[which]
            for _ in range(untimed):
                call()
            before = faults()
            start = perf_counter_ns()
            call()
            times[which].append((perf_counter_ns() - start) / 1e3)
            missing[which] += (faults() - before) / rounds
    return times, missing
