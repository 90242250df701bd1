"""The two-moons step of micrograd's demo, a neuron at a time, in minigrad and in micrograd.

    python -m tests.bench.scalars [repetitions]

Each engine runs in processes of its own, with the garbage collector as Python starts it. "minigrad" computes a
scalar Value at a time; "batched" traces one sample, and runs it on all at once: compile(value_and_grad(vmap(...))).
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from tests.bench.measure import clean_environment, in_own_process, quartiles

ENGINES = {"minigrad": "minigrad", "micrograd": "micrograd.engine"}
BATCHED = "batched"
REQUIRED = {"minigrad": 5, BATCHED: 300}
SIZES = (2, 16, 16, 1)
SAMPLES, STEPS, LR, ALPHA = 100, 6, 0.1, 1e-4
PARTS = ("forward", "backward", "update")

Neuron = tuple[list[Any], Any]


def two_moons(rng: np.random.Generator) -> tuple[list[list[float]], list[int]]:
    """Two half circles that reach into each other, with some noise; classes 1 and -1."""
    angle = rng.uniform(0, np.pi, SAMPLES)
    upper = np.arange(SAMPLES) % 2 == 0
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    points = np.stack([x, y], axis=1) + 0.1 * rng.standard_normal((SAMPLES, 2))
    return points.tolist(), np.where(upper, 1, -1).tolist()


def network(value: Callable[[float], Any], rng: np.random.Generator) -> list[list[Neuron]]:
    """Layers of neurons, each its weights and its bias."""
    return [
        [([value(w) for w in rng.uniform(-1, 1, n).tolist()], value(0.0)) for _ in range(m)]
        for n, m in pairwise(SIZES)
    ]


def score(layers: list[list[Neuron]], x: list[Any]) -> Any:
    """The output for one sample; a neuron as micrograd's nn writes it."""
    for layer in layers:
        sums = [sum((wi * xi for wi, xi in zip(w, x, strict=True)), b) for w, b in layer]
        x = sums if layer is layers[-1] else [s.relu() for s in sums]
    return x[0]


def loss_of(value: Callable[[float], Any], layers: Any, parameters: Any, points: Any, classes: Any) -> Any:
    """Max-margin loss, and L2 regularisation."""
    scores = [score(layers, [value(xi) for xi in x]) for x in points]
    losses = [(1 + -y * s).relu() for y, s in zip(classes, scores, strict=True)]
    return sum(losses) * (1.0 / len(losses)) + ALPHA * sum(p * p for p in parameters)


def steps(value: Callable[[float], Any]) -> Iterator[tuple[float, list[float]]]:
    """Train: of each step, the loss and the seconds of forward, backward and update (with zeroing)."""
    rng = np.random.default_rng(1337)
    (points, classes), layers = two_moons(rng), network(value, rng)
    parameters = [p for layer in layers for w, b in layer for p in (*w, b)]
    for _ in range(STEPS):
        marks = [perf_counter()]
        total = loss_of(value, layers, parameters, points, classes)
        marks.append(perf_counter())
        for p in parameters:
            p.grad = 0
        total.backward()
        marks.append(perf_counter())
        for p in parameters:
            p.data -= LR * p.grad
        marks.append(perf_counter())
        yield float(total.data), [b - a for a, b in pairwise(marks)]


def batched_steps() -> Iterator[tuple[float, list[float]]]:
    """The same training, with one neuron's code traced for one sample and compiled for all: loss and seconds."""
    import minigrad

    rng = np.random.default_rng(1337)
    (points, classes), layers = two_moons(rng), network(float, rng)
    x, y = [np.array(column) for column in zip(*points, strict=True)], np.array(classes, dtype=float)
    start = [p for layer in layers for w, b in layer for p in (*w, b)]

    def nested(parameters: list[Any]) -> list[list[Neuron]]:
        each = iter(parameters)
        return [[([next(each) for _ in w], next(each)) for w, _ in layer] for layer in layers]

    def margin(layers: Any, x: Any, y: Any) -> Any:
        return minigrad.relu(1 + -y * score(layers, x))

    def loss(parameters: list[Any], x: Any, y: Any) -> Any:
        losses = minigrad.vmap(margin, (None, 0, 0))(nested(parameters), x, y)
        return np.sum(losses) * (1.0 / SAMPLES) + ALPHA * sum(p * p for p in parameters)

    both = minigrad.value_and_grad(loss)

    @minigrad.compile
    def step(parameters: list[Any], x: Any, y: Any) -> Any:
        total, gradients = both(parameters, x, y)
        return total, [p - LR * g for p, g in zip(parameters, gradients, strict=True)]

    parameters = [np.float64(p) for p in start]
    for _ in range(STEPS + 50):
        begun = perf_counter()
        total, parameters = step(parameters, x, y)
        yield float(total), [0.0, 0.0, perf_counter() - begun]


def run(engine: str) -> None:
    """One engine, in this process: the losses, and for each part the median over all steps but the first."""
    found = batched_steps() if engine == BATCHED else steps(importlib.import_module(ENGINES[engine]).Value)
    losses, seconds = zip(*found, strict=True)
    medians = [statistics.median(part) for part in zip(*seconds[1:], strict=True)]
    step = statistics.median(map(sum, seconds[1:]))
    print(json.dumps({"losses": losses[:STEPS], "seconds": medians, "step": step, "first": sum(seconds[0])}))


def compare(repetitions: int) -> None:
    """Both engines in turn, and the table."""
    rounds: list[dict[str, Any]] = []
    engines = [*ENGINES, BATCHED]
    for k in range(repetitions):
        order = engines if k % 2 else engines[::-1]
        rounds.append({engine: in_own_process("tests.bench.scalars", engine) for engine in order})
    for r in rounds:
        for engine in REQUIRED:
            np.testing.assert_allclose(r[engine]["losses"], r["micrograd"]["losses"], rtol=1e-9)
    print("           " + "".join(f"{part:>10}" for part in PARTS) + "   step, ms")
    for engine in engines:
        parts = [statistics.median(times) for times in zip(*(r[engine]["seconds"] for r in rounds), strict=True)]
        step = statistics.median(r[engine]["step"] for r in rounds)
        print(f"{engine:11}" + "".join(f"{1e3 * t:10.1f}" for t in parts) + f"{1e3 * step:11.2f}")
    for engine, required in REQUIRED.items():
        low, ratio, high = quartiles([r["micrograd"]["step"] / r[engine]["step"] for r in rounds])
        print(f"micrograd / {engine}: {ratio:.1f} (quartiles {low:.1f}-{high:.1f}); required: {required}")
    first = statistics.median(r[BATCHED]["first"] / r["minigrad"]["step"] for r in rounds)
    print(f"tracing and compiling the batched step: {first:.1f} eager steps")


def main() -> None:
    clean_environment()
    argument = sys.argv[1] if len(sys.argv) > 1 else "5"
    if argument in (*ENGINES, BATCHED):
        run(argument)
    else:
        compare(int(argument))


if __name__ == "__main__":
    main()
