"""Formulas as numbers: arithmetic in the integers modulo a prime, at several random points at once.

Two formulas that are equal as polynomials are equal at every point; two that are not agree at a random point with
probability at most degree / prime (Schwartz 1980, Zippel 1979). Here are that prime, what an entry of an array is
there (four independent residues, `LANES`), and a random function for whatever is no polynomial. What an op means
is said in `meaning`.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Residues = npt.NDArray[np.int64]  # (LANES, ...): the first axis are the points

P = 2**31 - 1  # a product of two residues fits into 64 bits
LANES = 4
# Above, a formula is replaced by a random function of itself. Two formulas below then agree by accident with
# probability under (2^12 / P)^4 < 2^-75. And no coefficient of their difference is a multiple of P: it is below it,
# also once both are multiplied by the whole numbers that stand below the line.
DEGREE, HEIGHT, BELOW = 2.0**12, 2.0**20 - 1, 2**10
WHOLE = 1024  # whole numbers up to here are themselves, others a random symbol for each number
HALF = 2**16


class Print(NamedTuple):
    """The residues of an array of formulas, and bounds on their degree and on the size of their coefficients.

    below: a whole number, by which all of them are divided. exponential: e to the power of this, where it is known.
    """

    x: Residues
    degree: float
    height: float
    below: int = 1
    exponential: Print | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the array, without the axis of the points."""
        return self.x.shape[1:]


@functools.lru_cache(maxsize=4096)
def salt(*words: Any) -> tuple[int, int]:
    """128 bits for a description of what is being done, the same in every run."""
    digest = hashlib.blake2b(repr(words).encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def mix(x: Residues, key: tuple[int, int]) -> Residues:
    """A random function of all residues of an entry together, another one for each key.

    The finalizer of SplitMix64 (Steele, Lea and Flood 2014), over the two words that four residues make.
    """
    u = x.astype(np.uint64)
    a, b = u[0:1] | u[1:2] << np.uint64(31), u[2:3] | u[3:4] << np.uint64(31)
    a = _scrambled(a + np.uint64(key[0]))
    b = _scrambled((b + np.uint64(key[1])) ^ a)
    a = _scrambled(a + b)
    words = np.concatenate([a, a >> np.uint64(31), b, b >> np.uint64(31)]) & np.uint64(P)
    return words.view(np.int64) % P


def _scrambled(z: Any) -> Any:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def symbols(count: int, *words: Any) -> Residues:
    """Independent random points, one for each symbol: (LANES, count)."""
    number = np.arange(count, dtype=np.int64)
    return mix(np.stack([number % P, number // P, number * 0, number * 0]), salt("symbol", *words))


def constant(data: Any) -> Print:
    """Numbers: small whole ones are themselves, and so is a single one that is whole in halves, quarters, ...

    Any other has a symbol of its own, and -c is minus that of c.
    """
    c = np.asarray(data)
    if c.dtype.kind == "b":
        c = c.astype(np.int64)
    if c.dtype.kind == "f" and c.ndim == 0 and np.isfinite(c):
        above, below = c.item().as_integer_ratio()
        if 1 < below <= BELOW and abs(above) <= WHOLE:  # 0.5, as a rule makes it out of x / 2
            return Print(np.full(LANES, above * pow(below, -1, P) % P), 0.0, float(abs(above)), below)
    with np.errstate(invalid="ignore", over="ignore"):
        exact = (np.abs(c) <= WHOLE) & (c == np.floor(c))
        whole = np.where(exact, c, 0).astype(np.int64)
        residues = np.broadcast_to(whole % P, (LANES, *c.shape))
        if exact.all():
            return Print(residues, 0.0, float(np.abs(whole).max(initial=1)))
        height = float(np.abs(whole).max(initial=1))
        sign = np.where(np.signbit(c), P - 1, 1)
        bits = np.abs(c).astype(np.float64).view(np.uint64) if c.dtype.kind == "f" else np.abs(c).astype(np.uint64)
    words = np.stack([bits & P, (bits >> np.uint64(31)) & P, bits >> np.uint64(62), bits * 0])
    symbol = mix(words.astype(np.int64), salt("constant", c.dtype.kind)) * sign % P
    return Print(np.where(exact, residues, symbol), 1.0, height)


def is_zero(x: Residues) -> npt.NDArray[np.bool_]:
    """Which entries are zero at every point: as formulas they are identically zero."""
    return np.asarray(~x.any(axis=0))


def opaque(p: Print, *words: Any) -> Print:
    """A random function of every entry, which keeps 0: for what has grown beyond the bounds."""
    return Print(np.where(is_zero(p.x), 0, mix(p.x, salt("opaque", *words))), 1.0, 1.0)


def bounded(x: Residues, degree: float, height: float, below: int = 1) -> Print:
    """The print, opaque where its bounds have been passed; x / 2^11 and 2^20 x have one residue, and part here."""
    p = Print(x, degree, height, below)
    return p if degree <= DEGREE and height <= HEIGHT and below <= BELOW else opaque(p, below)


def together(*prints: Print) -> tuple[float, list[float], int]:
    """The largest degree; and heights over one whole number below the line, and that number."""
    below = math.lcm(*(p.below for p in prints))
    return max(p.degree for p in prints), [p.height * (below // p.below) for p in prints], below


def aligned(*xs: Residues) -> list[Residues]:
    """Residues whose arrays broadcast together, with axes put in so that these do too."""
    ndim = max(x.ndim for x in xs)
    return [x if x.ndim == ndim else x.reshape(LANES, *(1,) * (ndim - x.ndim), *x.shape[1:]) for x in xs]


def added(a: Print, b: Print) -> Print:
    """The sum."""
    x, y = aligned(a.x, b.x)
    degree, heights, below = together(a, b)
    return bounded((x + y) % P, degree, sum(heights), below)


def subtracted(a: Print, b: Print) -> Print:
    """The difference."""
    x, y = aligned(a.x, b.x)
    degree, heights, below = together(a, b)
    return bounded((x - y) % P, degree, sum(heights), below)


def multiplied(a: Print, b: Print) -> Print:
    """The product, entry by entry."""
    x, y = aligned(a.x, b.x)
    return bounded(x * y % P, a.degree + b.degree, a.height * b.height, a.below * b.below)


def per_point(function: Callable[..., Any], *xs: Residues) -> Any:
    """A function of arrays, at each point; it may move and add entries, but neither divide nor multiply them."""
    return np.stack([function(*(x[k] for x in xs)) for k in range(LANES)]) % P


def bilinear(function: Callable[..., Any], a: Print, b: Print, terms: float) -> Print:
    """A function that adds products of an entry of a by one of b; terms: at most so many in a sum.

    Residues are cut into halves of 16 bits: their products are exact in float64, and BLAS can sum them.
    """
    points = [_product(function, x, y, exact=terms < 2**20) for x, y in zip(a.x, b.x, strict=True)]
    return bounded(np.stack(points), a.degree + b.degree, a.height * b.height * terms, a.below * b.below)


def _product(function: Callable[..., Any], x: Residues, y: Residues, exact: bool) -> Residues:
    kind = np.float64 if exact else np.int64
    (x1, x0), (y1, y0) = ([part.astype(kind) for part in np.divmod(z, HALF)] for z in (x, y))

    def residue(product: Any) -> Any:
        return np.asarray(product).astype(np.int64) % P

    high, low = residue(function(x1, y1)), residue(function(x0, y0))
    cross = residue(function(x1, y0)) + residue(function(x0, y1))
    return np.asarray(((high * HALF + cross) % P * HALF + low) % P)


def summed(p: Print, axis: Any, keepdims: bool) -> Print:
    """The sum over axes (None: all)."""
    x = per_point(lambda z: np.sum(z, axis=axis, keepdims=keepdims), p.x)
    return bounded(x, p.degree, p.height * (p.x.size / max(x.size, 1)), p.below)


def rows_in_common(x: Residues, *more: Sequence[Any]) -> tuple[Any, int]:
    """Class numbers of the entries of (LANES, n) residues, equal where all of an entry's residues, and more, are.

    Numbered in the order of first appearance; gives them and their count.
    """
    keys = [x[0] << 31 | x[1], x[2] << 31 | x[3], *(np.asarray(m, dtype=np.int64) for m in more)]
    numbers = np.zeros(x.shape[1], dtype=np.int64)
    for key in keys:
        found = np.unique(key, return_inverse=True)[1]
        numbers = np.unique(numbers * (found.max(initial=0) + 1) + found, return_inverse=True)[1]
    return by_appearance(numbers)


def by_appearance(numbers: Any) -> tuple[Any, int]:
    """Class numbers anew, in the order in which classes first appear; and how many there are."""
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse], len(first)
