"""Functions with noise inside, each the same at the same point, and the slope that they stand for.

Not here: an iteration that ends after the same number of steps all around the point. Its error is smooth, and its
slope is that of what was computed; no differences of values can tell it from that of what was meant.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Real = Callable[[float], float]


@dataclass(frozen=True)
class Noisy:
    """f as it is computed, and the slope of what it is meant to be."""

    name: str
    f: Real
    slope: Real
    low: float = 0.2
    high: float = 2.0

    def points(self, count: int) -> list[float]:
        """Points in general position, the same in every run."""
        rng = np.random.default_rng(sum(map(ord, self.name)))
        return [float(x) for x in rng.uniform(self.low, self.high, count)]


def hashed(x: float) -> float:
    """A number between -1 and 1 that looks like chance."""
    digest = hashlib.blake2b(np.float64(x).tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2.0**63 - 1


def shaken(level: float) -> Real:
    return lambda x: math.sin(x) * math.exp(x / 2) + level * hashed(x)


def solved(x: float) -> float:
    """The root of y³ + y = x by bisection, to 1e-8."""
    low, high = -2.0, 2.0
    while high - low > 1e-8:
        middle = (low + high) / 2
        low, high = (middle, high) if middle**3 + middle < x else (low, middle)
    return low


def root_slope(x: float) -> float:
    y = 1.0
    for _ in range(60):
        y -= (y**3 + y - x) / (3 * y * y + 1)
    return 1 / (3 * y * y + 1)


TABLE = np.sin(np.linspace(0, 3, 1025))


def nearest(x: float) -> float:
    return float(TABLE[round(x / 3 * 1024)])


def linear(x: float) -> float:
    return float(np.interp(x, np.linspace(0, 3, 1025), TABLE))


def linear_slope(x: float) -> float:
    """That of the piece that x lies on."""
    k = int(x / 3 * 1024)
    return float(TABLE[k + 1] - TABLE[k]) / 3 * 1024


def long_sum(x: float) -> float:
    total = 0.0
    for k in range(300):
        total += math.sin(x * ((k * 7919) % 300) / 100) * 10.0 ** ((k * 31) % 7)
    return total


def long_sum_slope(x: float) -> float:
    terms = [(((k * 7919) % 300) / 100, 10.0 ** ((k * 31) % 7)) for k in range(300)]
    return math.fsum(a * b * math.cos(x * a) for a, b in terms)


def shaken_slope(x: float) -> float:
    return (math.cos(x) + math.sin(x) / 2) * math.exp(x / 2)


NOISY = [
    *(Noisy(f"noise {level:g}", shaken(level), shaken_slope) for level in (0.0, 1e-14, 1e-12, 1e-10, 1e-8, 1e-6)),
    Noisy("bisection to 1e-8", solved, root_slope),
    Noisy(
        "float32 inside",
        lambda x: float(np.sin(np.float32(x)) * np.exp(np.float32(x / 2))),
        shaken_slope,
    ),
    Noisy("rounded to 1e-6", lambda x: round(math.sin(x), 6), math.cos),
    Noisy("1e10 cancelling", lambda x: (1e10 + math.sin(x)) - 1e10, math.cos),
    Noisy("1e4 cancelling", lambda x: (1e4 + math.exp(x)) - 1e4, math.exp),
    Noisy("nearest in a table", nearest, math.cos),
    Noisy("line in a table", linear, linear_slope),
    Noisy("sum in no order", long_sum, long_sum_slope),
]
