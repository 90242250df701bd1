"""The two-moons step of micrograd's demo, a neuron at a time, in minigrad and in micrograd.

    python -m tests.bench.scalars [repetitions]

Each engine runs in processes of its own, with the garbage collector as Python starts it. "minigrad" computes a
scalar Value at a time; "batched" traces one sample, and runs it on all at once: compile(value_and_grad(vmap(...)));
"compiled" is the whole step as it is written for micrograd, compiled.
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

from .measure import clean_environment, environment, in_own_process, quartiles

ENGINES = {"minigrad": "minigrad", "micrograd": "micrograd.engine"}
BATCHED, COMPILED = "batched", "compiled"
REQUIRED = {"minigrad": 5, BATCHED: 300, COMPILED: 5000}
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


class CompiledSteps:
    """The same training, compiled: by one neuron's code for one sample, batched, or as it stands."""

    def __init__(self, batched: bool) -> None:
        import minigrad

        self.m = minigrad
        rng = np.random.default_rng(1337)
        (points, classes), self.layers = two_moons(rng), network(float, rng)
        self.parameters = [np.float64(p) for layer in self.layers for w, b in layer for p in (*w, b)]
        self.data: tuple[Any, Any] = points, [float(y) for y in classes]
        if batched:
            self.data = [np.array(column) for column in zip(*points, strict=True)], np.array(classes, dtype=float)
        self.step = minigrad.compile(self.step_of(self.batched_loss if batched else self.loss))

    def step_of(self, loss: Any) -> Any:
        both = self.m.value_and_grad(loss)

        def step(parameters: list[Any], x: Any, y: Any) -> Any:
            total, gradients = both(parameters, x, y)
            return total, [p - LR * g for p, g in zip(parameters, gradients, strict=True)]

        return step

    def nested(self, parameters: list[Any]) -> list[list[Neuron]]:
        each = iter(parameters)
        return [[([next(each) for _ in w], next(each)) for w, _ in layer] for layer in self.layers]

    def loss(self, parameters: list[Any], points: Any, classes: Any) -> Any:
        return loss_of(lambda x: x, self.nested(parameters), parameters, points, classes)

    def batched_loss(self, parameters: list[Any], x: Any, y: Any) -> Any:
        margins = self.m.vmap(self.margin, (None, 0, 0))(self.nested(parameters), x, y)
        return np.sum(margins) * (1.0 / SAMPLES) + ALPHA * sum(p * p for p in parameters)

    def margin(self, layers: Any, x: Any, y: Any) -> Any:
        return self.m.relu(1 + -y * score(layers, x))

    def __iter__(self) -> Iterator[tuple[float, list[float]]]:
        """Of each step, the loss and the seconds."""
        parameters = self.parameters
        for _ in range(STEPS + 50):
            begun = perf_counter()
            total, parameters = self.step(parameters, *self.data)
            yield float(total), [0.0, 0.0, perf_counter() - begun]


def run(engine: str) -> None:
    """One engine, in this process: the losses, and for each part the median over all steps but the first."""
    native = False
    if engine in (BATCHED, COMPILED):
        training = CompiledSteps(engine == BATCHED)
        found = [*training]
        native = bool(getattr(training.step, "native", False))
    else:
        found = [*steps(importlib.import_module(ENGINES[engine]).Value)]
    losses, seconds = zip(*found, strict=True)
    answer = {
        "losses": losses[:STEPS],
        "seconds": [statistics.median(part) for part in zip(*seconds[1:], strict=True)],
        "step": statistics.median(map(sum, seconds[1:])),
        "first": sum(seconds[0]),
        "native": native,
    }
    print(json.dumps(answer))


def measured(engine: str, threads: int = 1, **variables: str) -> dict[str, Any]:
    """What one engine measures in a process of its own."""
    found: dict[str, Any] = in_own_process("tests.bench.scalars", engine, env=environment(threads, **variables))
    return found


def compare(repetitions: int) -> None:
    """All engines in turn, and the table."""
    rounds: list[dict[str, Any]] = []
    engines = [*ENGINES, BATCHED, COMPILED]
    for k in range(repetitions):
        order = engines if k % 2 else engines[::-1]
        rounds.append({engine: measured(engine) for engine in order})
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
    for engine in (BATCHED, COMPILED):
        first = statistics.median(r[engine]["first"] / r["minigrad"]["step"] for r in rounds)
        print(f"tracing and compiling the {engine} step: {first:.1f} eager steps")


def main() -> None:
    clean_environment()
    argument = sys.argv[1] if len(sys.argv) > 1 else "5"
    if argument in (*ENGINES, BATCHED, COMPILED):
        run(argument)
    else:
        compare(int(argument))


if __name__ == "__main__":
    main()
