"""Peak memory of a chain of n steps: its whole graph kept, and cut into √n checkpointed blocks of √n steps.

python -m tests.bench.checkpointing
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import checkpoint, grad


def steps(x: Any, n: int) -> Any:
    """n steps, each of which keeps an array."""
    for _ in range(n):
        x = np.sin(x)
    return x


def blocks(x: Any, n: int) -> Any:
    """The same steps, recomputed block by block on the way back."""
    root = round(n**0.5)
    block = checkpoint(lambda x: steps(x, root))
    for _ in range(root):
        x = block(x)
    return x


def peak(f: Callable[[Any, int], Any], n: int) -> float:
    """The most that one gradient holds at a time, in arrays of the input's size."""
    x = np.linspace(0.0, 1.0, 10_000)
    tracemalloc.start()
    grad(lambda x: f(x, n).sum())(x)
    top: int = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return top / x.nbytes


def main() -> None:
    print("steps  arrays kept: all  in blocks")
    for n in (16, 64, 256, 1024, 4096):
        print(f"{n:5} {peak(steps, n):17.1f} {peak(blocks, n):10.1f}")


if __name__ == "__main__":
    main()
