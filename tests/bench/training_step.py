"""One training step of an MLP in minigrad, against the same step written by hand in NumPy.

python -m tests.bench.training_step [repetitions]
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad
from tests.bench.measure import clean_environment, in_turn, quartiles, warm_allocator
from tests.bench.workloads.network import hand as hand_written
from tests.bench.workloads.network import start
from tests.bench.workloads.workload import LR


@dataclass
class Case:
    """A network, a batch, how many rounds to time, and the most that minigrad may take, relative to the hand."""

    sizes: tuple[int, ...]
    batch: int
    bound: float
    rounds: int


CASES = (
    Case((2, 16, 16, 2), 100, 1.6, 1500),
    Case((64, 128, 64, 10), 64, 1.3, 600),
    Case((784, 512, 256, 10), 256, 1.1, 30),
)


def by_minigrad(x: Any, classes: Any, parameters: list[Any]) -> Callable[[], Any]:
    """The same step: only the forward pass is written."""
    weights, biases = parameters[::2], parameters[1::2]

    def step() -> Any:
        h = x
        for w, b in zip(weights[:-1], biases[:-1], strict=True):
            h = np.tanh(h @ w + b)
        loss = minigrad.cross_entropy(h @ weights[-1] + biases[-1], classes)
        loss.backward()
        for w in parameters:
            w.data -= LR * w.grad
            w.grad = None
        return loss.data

    return step


def sides_of(case: Case) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """Both steps, after a check that twenty of each lead to the same losses and the same parameters."""
    plain, (x, classes) = start(case.sizes, case.batch, "float64")
    values = [minigrad.Value(p) for p in plain]
    hand, ours = hand_written(plain, x, classes), by_minigrad(x, classes, values)
    for _ in range(20):
        np.testing.assert_allclose(ours(), hand(), rtol=1e-12)
    for p, v in zip(plain, values, strict=True):
        np.testing.assert_allclose(v.data, p, rtol=0, atol=1e-12)
    return hand, ours


def row(case: Case, repetitions: int) -> str:
    """Measure one network and say so in one line of the table."""
    hand_times, our_times, medians = [], [], []
    hand_faults = our_faults = 0.0
    for _ in range(repetitions):
        (hand, ours), missing = in_turn(sides_of(case), case.rounds)
        hand_times += hand
        our_times += ours
        medians.append(statistics.median(b / a for a, b in zip(hand, ours, strict=True)))
        hand_faults += missing[0] / repetitions
        our_faults += missing[1] / repetitions
    low, ratio, high = quartiles([b / a for a, b in zip(hand_times, our_times, strict=True)])
    sizes = "-".join(map(str, case.sizes))
    return (
        f"{sizes:>14} {case.batch:5} {statistics.median(hand_times):9.1f} {statistics.median(our_times):9.1f} "
        f"{ratio:6.2f} {low:5.2f}-{high:4.2f} {min(medians):5.2f}-{max(medians):4.2f} "
        f"{case.bound:5.1f}  {hand_faults:5.1f} {our_faults:5.1f}"
    )


def main() -> None:
    clean_environment()
    warm_allocator()
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print("         sizes batch   hand µs   ours µs  ratio  quartiles repetitions bound  faults: hand, ours")
    for case in CASES:
        print(row(case, repetitions), flush=True)


if __name__ == "__main__":
    main()
