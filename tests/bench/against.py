"""This checkout against another one: steps, scalar graphs, compiling, checks and import, side by side.

    python -m tests.bench.against PATH [rounds [part of a row's name]]

PATH: another checkout of the repository. Each side runs the code of these benchmarks in a process of its own; they
take turns, row by row, several times a second. A row shows the fastest call on either side, their ratio (less
than 1: this checkout is faster), and the median of the ratios of all turns.
"""

from __future__ import annotations

import itertools
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from tests.bench.measure import clean_environment, warm_allocator

HERE = Path(__file__).resolve().parents[2]
SLICE = 0.1  # seconds that a side measures before it is the other's turn

# What starts a side: the package comes from the checkout, the benchmarks from here.
PROGRAM = """
import sys
sys.path[0] = {checkout!r}
import minigrad
assert minigrad.__file__.startswith(sys.path[0]), minigrad.__file__
sys.path[0] = {here!r}
from tests.bench.against import serve
serve()
"""
IMPORT = """
import sys, time, numpy
sys.path[0] = {checkout!r}
begun = time.process_time()
import minigrad
print(time.process_time() - begun)
"""


def through_nn(sizes: tuple[int, ...], x: Any, classes: Any, kind: str, **settings: float) -> Callable[[], Any]:
    """A training step with a network, a loss and an optimiser of `minigrad.nn`."""
    import minigrad

    net = minigrad.nn.MLP(sizes, seed=0)
    optimiser = getattr(minigrad.nn.optim, kind)(net.parameters(), **settings)

    def step() -> Any:
        loss = minigrad.cross_entropy(net(x), classes)
        net.zero_grad()
        loss.backward()
        optimiser.step()
        return loss.data

    return step


def networks() -> dict[str, Callable[[], Any]]:
    """Eager steps: on Values, and through nn."""
    import minigrad
    from tests.bench.training_step import CASES, by_minigrad
    from tests.bench.workloads.network import start

    rows = {}
    for case in CASES:
        plain, (x, classes) = start(case.sizes, case.batch, "float64")
        name = "-".join(map(str, case.sizes))
        rows[f"step {name}"] = by_minigrad(x, classes, [minigrad.Value(p) for p in plain])
        rows[f"step {name}, through nn"] = through_nn(case.sizes, x, classes, "SGD", lr=0.1)
    case = CASES[0]
    _, (x, classes) = start(case.sizes, case.batch, "float64")
    rows["the first, with momentum"] = through_nn(case.sizes, x, classes, "SGD", lr=0.1, momentum=0.9)
    rows["the first, with Adam"] = through_nn(case.sizes, x, classes, "Adam", lr=0.001)
    return rows


def functions() -> dict[str, Callable[[], Any]]:
    """A step as a function: its gradient, tracing and compiling it, what is compiled, and a batch of gradients."""
    import minigrad
    from tests.bench.workloads.network import loss, start

    plain, (x, classes) = start((2, 16, 16, 2), 100, "float64")

    class Library:
        xp, cross_entropy = np, staticmethod(minigrad.cross_entropy)

    both = minigrad.value_and_grad(lambda parameters, x: loss(Library, parameters, x, classes))
    compiled = minigrad.compile(both)
    batch = minigrad.vmap(minigrad.grad(lambda x: np.tanh(x @ plain[0]).sum()))
    return {
        "value_and_grad": lambda: both(plain, x),
        "trace and compile": lambda: minigrad.compile(both)(plain, x),
        "compiled value_and_grad": lambda: compiled(plain, x),
        "vmap of grad": lambda: batch(x),
    }


def scalars_and_checks() -> dict[str, Callable[[], Any]]:
    """A step of the scalar graph of two moons, and a check of gradients."""
    import minigrad
    from tests.bench.scalars import steps

    moons = itertools.chain.from_iterable(steps(minigrad.Value) for _ in itertools.count())
    a = np.linspace(-1.0, 1.0, 12).reshape(3, 4)
    return {
        "scalar graph, two moons": lambda: next(moons),
        "check_grads": lambda: minigrad.check_grads(lambda a: np.tanh(a @ a.T).sum(), a),
    }


def serve() -> None:
    """Answer each line, the name of a row, with the seconds of its fastest call in a slice of time."""
    warm_allocator()
    rows = networks() | functions() | scalars_and_checks()
    for row in rows.values():
        row(), row(), row()
    print(*rows, sep="\t", flush=True)
    for line in sys.stdin:
        print(fastest(rows[line.strip()]), flush=True)


def fastest(call: Callable[[], Any]) -> float:
    """The seconds of the fastest call in a slice of time."""
    best, end = float("inf"), perf_counter() + SLICE
    call()
    while True:
        begun = perf_counter()
        call()
        now = perf_counter()
        best = min(best, now - begun)
        if now > end:
            return best


class Side:
    """A process that measures one checkout."""

    def __init__(self, checkout: Path) -> None:
        names = {"checkout": str(checkout), "here": str(HERE)}
        self.environment = {name: x for name, x in os.environ.items() if name != "PYTHONPATH"}
        self.importing = [sys.executable, "-c", IMPORT.format(**names)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(**names)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=HERE,
            env=self.environment,
        )
        self.rows = self._answer().split("\t")

    def measure(self, row: str) -> float:
        """The seconds of one call of that row."""
        if row == "import":
            done = subprocess.run(
                self.importing, check=True, stdout=subprocess.PIPE, text=True, env=self.environment
            )
            return float(done.stdout)
        assert self.process.stdin is not None
        print(row, file=self.process.stdin, flush=True)
        return float(self._answer())

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")


def compare(sides: tuple[Side, Side], rows: list[str], rounds: int) -> Iterator[str]:
    """The lines of the table."""
    yield f"{'µs':32} {'this':>10} {'that':>10}   ratio  median"
    for row in rows:
        pairs = []
        for k in range(rounds):
            turn = {which: sides[which].measure(row) for which in ((0, 1) if k % 2 else (1, 0))}
            pairs.append((turn[0], turn[1]))
        ours, theirs = (min(times) for times in zip(*pairs, strict=True))
        middle = statistics.median(a / b for a, b in pairs)
        yield f"{row:32} {1e6 * ours:10.1f} {1e6 * theirs:10.1f} {ours / theirs:7.3f} {middle:7.3f}"


def main() -> None:
    clean_environment()
    sides = (Side(HERE), Side(Path(sys.argv[1]).resolve()))
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    chosen = [row for row in ["import", *sides[0].rows] if len(sys.argv) < 4 or sys.argv[3] in row]
    for line in compare(sides, chosen, rounds):
        print(line, flush=True)
    for side in sides:
        side.process.communicate()


if __name__ == "__main__":
    main()
