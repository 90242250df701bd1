"""A function of one number for arithmetic of any precision, the points to look at, and its derivative to 40 digits.

`formula(m, x)` is written for any module m of mathematics: `math` gives floats, `mpmath.mp` as many digits as are
asked for. Nothing here knows how a numerical derivative is found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
from mpmath import mp

DIGITS = 40
NOTHING = 1e-30
Formula = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Scalar:
    """A function, and where it is looked at.

    ordinary: where most points lie. domain: where it is defined (open). special: points to come close to, such as
    poles, edges, zeros of the derivative. largest: the size up to which points are drawn.
    """

    name: str
    formula: Formula
    ordinary: tuple[float, float] = (-3.0, 3.0)
    domain: tuple[float, float] = (-math.inf, math.inf)
    special: tuple[float, ...] = ()
    largest: float = 1e3

    def __call__(self, x: float) -> float:
        """Its value in floats; an error where it has none."""
        return float(self.formula(math, float(x)))

    def points(self) -> list[float]:
        """About 100 of them, the same in every run."""
        rng = np.random.default_rng(sum(map(ord, self.name)))
        low, high = self.ordinary
        special = (*self.special, *(edge for edge in self.domain if math.isfinite(edge)))
        tiny = 10.0 ** -rng.uniform(0, 14, 16) * rng.choice([-1.0, 1.0], 16)
        huge = 10.0 ** rng.uniform(0, math.log10(self.largest), 16) * rng.choice([-1.0, 1.0], 16)
        near = [
            p + side * 10.0**-k * rng.uniform(0.5, 2) for p in special for side in (-1, 1) for k in range(1, 12)
        ]
        few = rng.permutation(np.array(near))[:24] if near else rng.uniform(low, high, 12)
        drawn = [*rng.uniform(low, high, 60), 0.0, 1.0, *tiny, *huge, *few]
        return [float(x) for x in drawn if self._defined(float(x))]

    def _defined(self, x: float) -> bool:
        low, high = self.domain
        try:
            return low < x < high and math.isfinite(self(x))
        except (ArithmeticError, ValueError):
            return False

    def truth(self, x: float, closer: int = 0) -> Any:
        """The derivative to 40 digits: a difference over a step that is too short to matter, in enough digits.

        closer: how many powers of 10 shorter than usual.
        """
        exponent = DIGITS + 5 + closer - math.floor(math.log10(min(1.0, abs(x) or 1.0)))
        with mp.workdps(3 * exponent + 30 + max(0, int(math.log10(abs(x) or 1.0)))):
            at, h = mp.mpf(x), mp.mpf(10) ** -exponent
            slope = (self.formula(mp, at + h) - self.formula(mp, at - h)) / (2 * h)
            return +mp.mpf(slope)

    def loss(self, x: float) -> float:
        """How much wider than one rounding the best possible relative error of a derivative is, from values alone.

        A rounding of the value, or of the argument on its way through the formula, over the longest step on which
        the function is still like its Taylor polynomial: that is what no choice of steps can avoid.
        """
        with mp.workdps(60):
            terms = [abs(c) for c in mp.taylor(lambda t: self.formula(mp, t), mp.mpf(x), 5)]
            value, slope = terms[0], terms[1]
            if slope == 0:
                return math.inf
            lengths = [(slope / c) ** (mp.mpf(1) / (k - 1)) for k, c in enumerate(terms) if k >= 2 and c > 0]
            return float((value / slope + abs(mp.mpf(x))) / min([*lengths, mp.mpf(10) ** 6]))


@dataclass(frozen=True)
class Seen:
    """What a numerical derivative was at a point, beside the truth."""

    scalar: Scalar
    x: float
    value: float
    bar: float
    evaluations: int
    truth: Any

    @property
    def miss(self) -> float:
        """How far the value is from the truth."""
        return float(abs(mpmath.mpf(self.value) - self.truth)) if math.isfinite(self.value) else math.inf

    @property
    def honest(self) -> bool:
        """Whether the bar reaches the truth; a bar without end claims nothing.

        Where a function of floats does not change in a single bit its slope is 0 without a bar, by contract; a
        truth of less than NOTHING is what underflow and 1 + erf(-17) have made of it.
        """
        unseen = self.value == self.bar == 0 and abs(self.truth) < NOTHING
        return math.isinf(self.bar) or self.miss <= self.bar or bool(unseen)

    @property
    def relative(self) -> float:
        """The error as a share of the truth."""
        return self.miss / abs(float(self.truth)) if float(self.truth) else math.inf


def look(
    derivative: Callable[..., Any], scalars: Sequence[Scalar], step: int = 1, start: int = 0
) -> Iterator[Seen]:
    """A numerical derivative at the points of some functions, or every so-manieth of them."""
    for scalar in scalars:
        for x in scalar.points()[start::step]:
            found = derivative(scalar, x)
            value, bar = float(found.value), float(found.error)
            yield Seen(scalar, x, value, bar, found.evaluations, scalar.truth(x))
