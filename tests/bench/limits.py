"""How far the engine goes, and whether its cost stays in proportion.

    python -m tests.bench.limits [name ...]

Each measurement is made in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import gc
import json
import resource
import statistics
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

import minigrad
from tests.bench.measure import clean_environment, in_own_process


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes, what it leaves behind being freed as well."""
    start = perf_counter()
    work()
    return perf_counter() - start


def peak_mb() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def held_mb() -> float:
    """The memory this process holds now."""
    with open("/proc/self/statm") as numbers:
        return int(numbers.read().split()[1]) * resource.getpagesize() / 2**20


def chain(n: int) -> None:
    """n operations, one after the other, there and back."""
    x = minigrad.Value(1.0)
    y = x
    for _ in range(n // 2):
        y = 0.5 * y + 1.0
    y.backward()
    assert y.data == 2.0 if n >= 200 else True
    assert x.grad == 0.5 ** (n // 2)


def million() -> str:
    """One million operations, with the collector as Python starts it."""
    taken = seconds(lambda: chain(1_000_000))
    return f"{taken:.2f} s, peak {peak_mb():.0f} MB (required: under 5 s, 1 GB)"


def per_node() -> str:
    """The cost of a node in a long chain against that in a short one, with the collector off."""
    gc.disable()
    chain(10_000)
    pairs = []
    for _ in range(5):
        short = statistics.median(seconds(lambda: chain(10_000)) for _ in range(30)) / 10_000
        pairs.append((short, seconds(lambda: chain(1_000_000)) / 1_000_000))
    short, long = (1e6 * statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    return f"{short:.2f} µs of 10,000, {long:.2f} µs of 1,000,000: {ratio:.2f} times (required: at most 1.5)"


def diamonds() -> str:
    """2⁶⁰ paths from y back to x."""
    x = minigrad.Value(1.0)

    def there_and_back() -> None:
        y = x
        for _ in range(60):
            y = y + y
        y.backward()

    taken = seconds(there_and_back)
    assert x.grad == 2.0**60
    return f"{1e3 * taken:.2f} ms"


def rows() -> str:
    """A loop over the rows of one array: the cost of a row must not grow with their number."""

    def loop(n: int) -> float:
        x = minigrad.Value(np.linspace(-1, 1, 10 * n).reshape(n, 10))

        def there_and_back() -> None:
            sum(np.tanh(x[i]).sum() for i in range(n)).backward()

        taken = statistics.median(seconds(there_and_back) for _ in range(7))
        np.testing.assert_allclose(x.grad, 7 / np.cosh(x.data) ** 2, rtol=1e-12)
        return 1e6 * taken / n

    loop(300)
    few, many = loop(300), loop(3_000)
    return f"{few:.2f} µs for a row of 300, {many:.2f} µs for a row of 3,000: {many / few:.2f} times"


def training() -> str:
    """10,000 training steps with the collector off: memory after 1,000 and at the end."""
    gc.disable()
    rng = np.random.default_rng(0)
    x, classes = rng.standard_normal((100, 2)), rng.integers(0, 2, 100)
    shapes = (2, 16), (16,), (16, 2), (2,)
    w, b, w2, b2 = parameters = [minigrad.Value(rng.standard_normal(shape)) for shape in shapes]

    def train(steps: int) -> tuple[float, int]:
        for _ in range(steps):
            minigrad.cross_entropy(np.tanh(x @ w + b) @ w2 + b2, classes).backward()
            for p in parameters:
                p.data -= 0.01 * p.grad
                p.grad = None
        return held_mb(), sys.getallocatedblocks()

    (early, few), (late, many) = train(1_000), train(9_000)
    return f"{early:.1f} MB, {late:.1f} MB: {late - early:+.1f} MB, {many - few:+d} blocks"


MEASUREMENTS = {f.__name__: f for f in (million, per_node, diamonds, rows, training)}


def main() -> None:
    clean_environment()
    if sys.argv[1:2] == ["--here"]:
        print(json.dumps(MEASUREMENTS[sys.argv[2]]()))
        return
    for name in sys.argv[1:] or MEASUREMENTS:
        print(f"{name:9}", in_own_process("tests.bench.limits", "--here", name), flush=True)


if __name__ == "__main__":
    main()
