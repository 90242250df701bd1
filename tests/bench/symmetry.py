"""What ties cost, and what the proof misses: scalar graphs, tensor networks, the probe; completeness by kind.

python -m tests.bench.symmetry [scalar tensor probe completeness]
"""

from __future__ import annotations

import statistics
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from minigrad import nn, ties
from minigrad.engine.value import graph
from minigrad.symmetry import Ties
from minigrad.symmetry.probe import probe
from minigrad.tracing import trace

from .measure import clean_environment, warm_allocator

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "support")]  # where pytest finds them too
from symmetric_networks import network

REPEATS = 3


def timed(make: Callable[[], Ties]) -> tuple[float, float, Ties]:
    """Median seconds by the clock and of all cores together, and what was found."""
    runs = []
    for _ in range(REPEATS):
        wall, cores = perf_counter(), process_time()
        found = make()
        runs.append((perf_counter() - wall, process_time() - cores))
    return *(statistics.median(run[k] for run in runs) for k in (0, 1)), found


def line(what: str, size: int, make: Callable[[], Ties]) -> None:
    wall, cores, found = timed(make)
    print(
        f"{what:38}{size:>10,}{wall:>10.2f}{cores:>10.2f}{wall / size * 1e6:>12.2f}  {found.summary()}", flush=True
    )


def scalar() -> None:
    """A network of scalar nodes, recorded beforehand; then the same four and sixteen times as large."""
    rng = np.random.default_rng(0)
    for samples in (5, 20, 80):
        x, y = rng.normal(size=(samples, 10)), rng.normal(size=(samples, 2))
        net = nn.MLP((10, 30, 30, 2), init=0.5, per_neuron=True)
        with trace():
            loss = nn.squared_error(net(x), y)
        line("scalar graph, proved: nodes", len(graph(loss)), lambda loss=loss: ties(loss))


def tensor(method: str = "prove") -> None:
    """Networks of tensors, batch 32: recorded, and proved or probed."""
    rng = np.random.default_rng(0)
    for sizes in ((20, 80, 90, 10), (60, 250, 240, 10), (500, 1000, 490, 10)):
        x, y = rng.normal(size=(32, sizes[0])), rng.normal(size=(32, sizes[-1]))
        for init in (0.5, "normal"):
            net = nn.MLP(sizes, init=init, seed=0)
            size = sum(p.size for p in net.parameters())
            what = f"tensor MLP, {init}, {method}d: parameters"
            line(what, size, lambda n=net, x=x, y=y: ties(n, x, y, method=method))


def probed() -> None:
    """The same by the probe."""
    tensor("probe")


def completeness(cases: int = 400) -> None:
    """Random networks: where the probe sees more groups, or fewer, than the proof; by the op that explains it."""
    kinds: Counter[str] = Counter()
    for seed in range(cases):
        rng = np.random.default_rng(seed)

        def choose(low: int, high: int, rng: Any = rng) -> int:
            return int(rng.integers(low, high, endpoint=True))

        case = network(choose)
        found = ties(case.f, case.params, case.x, case.y, method="prove")
        seen = probe(found.recording)
        groups = np.unique(np.where(seen.frozen, -1, seen.classes)).size
        if groups == len(found.groups):
            kinds["the same"] += 1
        elif groups > len(found.groups):
            kinds["the probe parts what is proved (rounding)"] += 1
        else:
            names = ("log_softmax", "softmax", "layer_norm", "cross_entropy")
            kinds[f"the proof says less: {next((name for name in names if name in case.words), case.words)}"] += 1
    for kind, count in kinds.most_common():
        print(f"{count:>6}  {kind}")


PARTS = {"scalar": scalar, "tensor": tensor, "probe": probed, "completeness": completeness}


def main() -> None:
    clean_environment()
    warm_allocator()
    chosen = sys.argv[1:] or list(PARTS)
    if set(chosen) - {"completeness"}:
        print(f"{'':40}{'size':>10}{'s':>10}{'core s':>10}{'µs per one':>12}{'':2}found")
    for name in chosen:
        PARTS[name]()


if __name__ == "__main__":
    main()
