"""Smooth functions with noise of a known kind and size, drawn again and again: bars beside true errors."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import minigrad

Real = Callable[[float], float]
LEVELS = (1e-10, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2)

SMOOTH: list[tuple[Real, Real]] = [
    (lambda x: math.sin(x) * math.exp(x / 2), lambda x: (math.cos(x) + math.sin(x) / 2) * math.exp(x / 2)),
    (math.exp, math.exp),
    (lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2),
    (lambda x: x**3 - x, lambda x: 3 * x * x - 1),
    (lambda x: math.log(1 + x), lambda x: 1 / (1 + x)),
    (math.tanh, lambda x: 1 / math.cosh(x) ** 2),
    (lambda x: math.sin(5 * x), lambda x: 5 * math.cos(5 * x)),
]


def chance(x: float, seed: int) -> float:
    """A number between 0 and 1 that depends on x and looks like chance."""
    digest = hashlib.blake2b(np.float64(x).tobytes() + seed.to_bytes(4, "little"), digest_size=8).digest()
    return (int.from_bytes(digest, "little") + 0.5) / 2.0**64


def uniform(value: float, x: float, level: float, seed: int) -> float:
    return value + level * (2 * chance(x, seed) - 1)


def normal(value: float, x: float, level: float, seed: int) -> float:
    radius = math.sqrt(-2 * math.log(chance(x, seed)))
    return value + level * radius * math.cos(2 * math.pi * chance(x, seed + 2**30))


def rounded(value: float, _: float, level: float, seed: int) -> float:
    """To a grid that begins anywhere."""
    start = level * chance(0.0, seed)
    return level * round((value - start) / level) + start


KINDS = {"uniform": uniform, "normal": normal, "rounded": rounded}


@dataclass(frozen=True)
class Draw:
    """What `derivative` said, and how far it was from the truth."""

    error: float
    bar: float
    evaluations: int


def draws(kind: str, level: float, count: int) -> list[Draw]:
    """So many draws of noise, of a function and of a point; the same each time."""
    rng, found = np.random.default_rng(round(-10 * math.log10(level))), list[Draw]()
    for seed in range(count):
        f, slope = SMOOTH[seed % len(SMOOTH)]
        x = float(rng.uniform(0.2, 2.0))
        estimate = minigrad.derivative(lambda t, f=f, n=seed: KINDS[kind](f(t), t, level, n), x)
        found.append(Draw(abs(float(estimate.value) - slope(x)), float(estimate.error), estimate.evaluations))
    return found
