"""Formulas as numbers: arithmetic in the integers modulo a prime, at several random points at once.

Formulas that are equal as polynomials are equal at every point; different ones agree at a random point with
probability at most degree / prime (Schwartz 1980, Zippel 1979). Each entry of an array has four independent
residues (`LANES`); a random function replaces anything that is no polynomial. `semantics` has the rule of each op.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engine.array_methods import Axis

Residues = npt.NDArray[np.int64]  # (LANES, ...): the first axis counts the points

P = 2**31 - 1  # a product of two residues fits into 64 bits
LANES = 4
# Beyond these bounds, a random function replaces the formula. Two different formulas within them agree with
# probability under (2^12 / P)^4 < 2^-75: the coefficients of their difference, multiplied by both denominators, are
# smaller than P, so none is a multiple of P.
DEGREE, HEIGHT, BELOW = 2.0**12, 2.0**20 - 1, 2**10
WHOLE = 1024  # whole numbers up to this stay exact; every other number becomes a random symbol of its own
HALF = 2**16


class Fingerprint(NamedTuple):
    """The residues of an array of formulas, with bounds on their degree and the size of their coefficients.

    below: the common denominator, a whole number. exponential: e to the power of this, if known. logarithm: that of
    this, if this is known to be larger than 0.
    """

    x: Residues
    degree: float
    height: float
    below: int = 1
    exponential: Fingerprint | None = None
    logarithm: Fingerprint | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array, without the axis of points."""
        shape: tuple[int, ...] = self.x.shape[1:]
        return shape


@functools.lru_cache(maxsize=4096)
def salt(*words: object) -> tuple[int, int]:
    """128 bits from a description, equal in every run."""
    digest = hashlib.blake2b(repr(words).encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def random_function(x: Residues, key: tuple[int, int]) -> Residues:
    """A random function of the four residues of each entry; every key gives another function.

    It applies the finalizer of SplitMix64 (Steele, Lea and Flood 2014) to the two words that the residues form.
    """
    u = x.astype(np.uint64)
    a, b = u[0:1] | u[1:2] << np.uint64(31), u[2:3] | u[3:4] << np.uint64(31)
    a = _scramble(a + np.uint64(key[0]))
    b = _scramble((b + np.uint64(key[1])) ^ a)
    a = _scramble(a + b)
    words: Any = np.concatenate([a, a >> np.uint64(31), b, b >> np.uint64(31)]) & np.uint64(P)
    residues: Residues = words.view(np.int64) % P
    return residues


def _scramble(z: Any) -> Any:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def symbols(count: int, *words: object) -> Residues:
    """Independent random residues, one per symbol: (LANES, count)."""
    number = np.arange(count, dtype=np.int64)
    return random_function(np.stack([number % P, number // P, number * 0, number * 0]), salt("symbol", *words))


def from_constant(data: object) -> Fingerprint:
    """Numbers as residues. Small whole numbers are exact; so is a fraction such as 1/2 if it is the only number.

    Any other number c gets its own symbol, and -c the negative of that.
    """
    c = np.asarray(data)
    if c.dtype.kind == "b":
        c = c.astype(np.int64)
    if c.dtype.kind == "f" and c.ndim == 0 and np.isfinite(c):
        above, below = c.item().as_integer_ratio()
        if 1 < below <= BELOW and abs(above) <= WHOLE:  # such as 0.5, which a rule gives for x / 2
            return Fingerprint(np.full(LANES, above * pow(below, -1, P) % P), 0.0, float(abs(above)), below)
    with np.errstate(invalid="ignore", over="ignore"):
        exact = (np.abs(c) <= WHOLE) & (c == np.floor(c))
        whole = np.where(exact, c, 0).astype(np.int64)
        residues = np.broadcast_to(whole % P, (LANES, *c.shape))
        if exact.all():
            return Fingerprint(residues, 0.0, float(np.abs(whole).max(initial=1)))
        height = float(np.abs(whole).max(initial=1))
        sign = np.where(np.signbit(c), P - 1, 1)
        bits = np.abs(c).astype(np.float64).view(np.uint64) if c.dtype.kind == "f" else np.abs(c).astype(np.uint64)
    words = np.stack([bits & P, (bits >> np.uint64(31)) & P, bits >> np.uint64(62), bits * 0])
    symbol = random_function(words.astype(np.int64), salt("constant", c.dtype.kind)) * sign % P
    return Fingerprint(np.where(exact, residues, symbol), 1.0, height)


def identically_zero(x: Residues) -> npt.NDArray[np.bool_]:
    """Which entries are zero at every point: their formulas are identically zero."""
    return np.asarray(~x.any(axis=0))


def opaque(p: Fingerprint, *words: object) -> Fingerprint:
    """A random function of every entry that maps 0 to 0: it replaces formulas beyond the bounds."""
    return Fingerprint(np.where(identically_zero(p.x), 0, random_function(p.x, salt("opaque", *words))), 1.0, 1.0)


def bound(x: Residues, degree: float, height: float, below: int = 1) -> Fingerprint:
    """The fingerprint, opaque if it is beyond the bounds: so x / 2^11 and 2^20 x, with one residue, differ."""
    p = Fingerprint(x, degree, height, below)
    return p if degree <= DEGREE and height <= HEIGHT and below <= BELOW else opaque(p, below)


def common_denominator(*fingerprints: Fingerprint) -> tuple[float, list[float], int]:
    """The largest degree, the heights over a common denominator, and that denominator."""
    below = math.lcm(*(p.below for p in fingerprints))
    return max(p.degree for p in fingerprints), [p.height * (below // p.below) for p in fingerprints], below


def align_axes(*xs: Residues) -> list[Residues]:
    """Insert axes so that residues broadcast as their arrays do."""
    ndim = max(x.ndim for x in xs)
    return [x if x.ndim == ndim else x.reshape(LANES, *(1,) * (ndim - x.ndim), *x.shape[1:]) for x in xs]


def add(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """The sum."""
    x, y = align_axes(a.x, b.x)
    degree, heights, below = common_denominator(a, b)
    return bound((x + y) % P, degree, sum(heights), below)


def subtract(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """The difference."""
    x, y = align_axes(a.x, b.x)
    degree, heights, below = common_denominator(a, b)
    return bound((x - y) % P, degree, sum(heights), below)


def multiply(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """The product, entry by entry."""
    x, y = align_axes(a.x, b.x)
    return bound(x * y % P, a.degree + b.degree, a.height * b.height, a.below * b.below)


def per_point(function: Callable[..., Any], *xs: Residues) -> Any:
    """Apply a function of arrays at each point. It may move and add entries, but not multiply or divide them."""
    return np.stack([function(*(x[k] for x in xs)) for k in range(LANES)]) % P


def bilinear_product(function: Callable[..., Any], a: Fingerprint, b: Fingerprint, terms: float) -> Fingerprint:
    """Apply a function that sums products of an entry of a and an entry of b. terms: the most terms in a sum.

    It splits residues into halves of 16 bits: their products are exact in float64, so BLAS can sum them.
    """
    points = [_product(function, x, y, exact=terms < 2**20) for x, y in zip(a.x, b.x, strict=True)]
    return bound(np.stack(points), a.degree + b.degree, a.height * b.height * terms, a.below * b.below)


def _product(function: Callable[..., Any], x: Residues, y: Residues, exact: bool) -> Residues:
    kind = np.float64 if exact else np.int64
    (x1, x0), (y1, y0) = ([part.astype(kind) for part in np.divmod(z, HALF)] for z in (x, y))

    def residue(product: Any) -> Any:
        return np.asarray(product).astype(np.int64) % P

    high, low = residue(function(x1, y1)), residue(function(x0, y0))
    cross = residue(function(x1, y0)) + residue(function(x0, y1))
    return np.asarray(((high * HALF + cross) % P * HALF + low) % P)


def sum_over(p: Fingerprint, axis: Axis, keepdims: Any) -> Fingerprint:
    """The sum over axes (None: all)."""
    x = per_point(lambda z: np.sum(z, axis=axis, keepdims=keepdims), p.x)
    return bound(x, p.degree, p.height * (p.x.size / max(x.size, 1)), p.below)


def number_rows(x: Residues, *more: Sequence[Any]) -> tuple[Any, int]:
    """Number the classes of (LANES, n) residues: entries that agree in all residues and in `more` form a class.

    Numbers follow the order of first appearance. Returns the number of each entry, and how many classes there are.
    """
    keys = [x[0] << 31 | x[1], x[2] << 31 | x[3], *(np.asarray(m, dtype=np.int64) for m in more)]
    numbers = np.zeros(x.shape[1], dtype=np.int64)
    for key in keys:
        found = np.unique(key, return_inverse=True)[1]
        numbers = np.unique(numbers * (found.max(initial=0) + 1) + found, return_inverse=True)[1]
    return renumber(numbers)


def renumber(numbers: Any) -> tuple[Any, int]:
    """Renumber classes in order of first appearance; also returns how many there are."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse], len(first)
