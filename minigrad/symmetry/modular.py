"""Formulas as numbers: arithmetic modulo four primes, at a random point for each.

Formulas that are equal as polynomials are equal at every point; different ones agree at a random point with
probability at most degree / prime (Schwartz 1980, Zippel 1979), if some coefficient of their difference is not 0
modulo the prime. Each entry of an array has one residue per prime (`residues`); a random function replaces anything
that is no polynomial. `semantics` has the rule of each op.

How often is a proof wrong? Two formulas p / b and q / c within the bounds below have the difference c p - b q. Its
coefficients are whole numbers up to 2 HEIGHT BELOW = 2^61, less than the product of any two of the primes: at most
one prime divides them all, and the lanes of the other three decide. Its degree is at most DEGREE. So two different
formulas agree in all lanes with probability at most (2^8 / 2^30.9)^3 < 2^-68. Operands are made to fit before a
step, so no formula is ever compared beyond the bounds. The values of random functions (124 bits) coincide with
probability 2^-123. A proof about n entries compares at most n (n - 1) / 2 pairs: it is wrong with probability below
n² / 2^69, which is 2e-9 for a million entries and 2e-7 for ten million, whatever the data are.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engine.array_methods import Axis
from .classes import first_entries, number_rows
from .residues import (
    BLOCK,
    LANES,
    PRIMES,
    Residues,
    inverse_residues,
    join_lanes,
    modulo,
    over_lanes,
    product,
    scramble,
)

# Beyond these bounds, a random function replaces the formula: see above.
DEGREE, HEIGHT, BELOW = 2.0**8, 2.0**36, 2**24
WHOLE = 2**12  # whole numbers up to this stay exact; every other number becomes a random symbol of its own
FEW = 8  # columns that are multiplied without asking whether they are equal
DYADIC = 8  # in arrays, whole numbers over 2, 4 and 8 stay exact, too


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
    # What `identities` knows of this: its square, that it is e to a power, 1 / x, a product, a difference, a sum.
    square: Fingerprint | None = None
    power: Fingerprint | None = None
    inverse: Fingerprint | None = None
    factors: tuple[Fingerprint, ...] = ()
    less: tuple[Fingerprint, ...] = ()
    terms: tuple[Fingerprint, ...] = ()
    poles: Any = None  # where it may be infinite or nan: see `poles`

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

    It mixes the bits of the two words that the residues form.
    """
    flat = np.ascontiguousarray(x).reshape(LANES, -1)
    out = np.empty(flat.shape, dtype=np.int64)
    for start in range(0, flat.shape[1], BLOCK):
        _random_block(flat[:, start : start + BLOCK].view(np.uint64), key, out[:, start : start + BLOCK])
    return modulo(out).reshape(x.shape)


def _random_block(u: Any, key: tuple[int, int], out: Any) -> None:
    a = scramble((u[0] | u[1] << np.uint64(31)) + np.uint64(key[0]))
    b = scramble((u[2] | u[3] << np.uint64(31)) + np.uint64(key[1]) ^ a)
    a = scramble(a + b)
    for lane, word in zip(out, (a, a >> np.uint64(31), b, b >> np.uint64(31)), strict=True):
        np.bitwise_and(word, np.uint64(2**31 - 1), out=lane.view(np.uint64))


def symbols(count: int, *words: object) -> Residues:
    """Independent random residues, one per symbol: (LANES, count)."""
    number = np.zeros((LANES, count), dtype=np.int64)
    number[0] = np.arange(count)
    return random_function(number, salt("symbol", *words))


def from_constant(data: object) -> Fingerprint:
    """Numbers as residues. Small whole numbers over 1, 2, 4 or 8 are exact; a single number also over up to 2^24.

    Any other number c gets its own symbol, equal for all types, and -c the negative of that.
    """
    c = np.asarray(data)
    c = c.astype(np.int64) if c.dtype.kind == "b" else c
    below = _denominator(c)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = c * c.dtype.type(below) if below > 1 else c
        exact = (np.abs(c) <= WHOLE) & (scaled == np.floor(scaled))
        if c.ndim == 0 and below > DYADIC:
            exact &= np.abs(scaled) <= WHOLE
        numbers = np.where(exact, scaled, 0).astype(np.int64)
    residues = modulo(np.stack([numbers] * LANES))
    if below > 1:
        residues = modulo(residues * over_lanes(inverse_residues(below), residues.ndim))
    height = float(np.abs(numbers).max(initial=1))
    if exact.all():
        return Fingerprint(residues, 0.0, height, below)
    return Fingerprint(np.where(exact, residues, _number_symbols(c)), 1.0, max(height, float(below)), below)


def _denominator(c: Any) -> int:
    """The power of two over which the numbers are whole: up to 8, or 2^24 for a single number; else 1."""
    if c.dtype.kind != "f":
        return 1
    if c.ndim == 0:
        below = int(c.item().as_integer_ratio()[1]) if np.isfinite(c) else 1
        return below if below <= BELOW and abs(float(c)) * below <= WHOLE else 1
    with np.errstate(invalid="ignore", over="ignore"):
        eighths = c[np.abs(c) <= WHOLE / DYADIC] * c.dtype.type(DYADIC)
        eighths = eighths[eighths == np.floor(eighths)].astype(np.int64)
    common = int(np.bitwise_or.reduce(eighths, axis=None)) | DYADIC if eighths.size else DYADIC
    return DYADIC // (common & -common)


def _number_symbols(c: Any) -> Residues:
    """A symbol for each number, by its value: the nearest float64, and what that leaves."""
    sign = np.where(np.signbit(c) if c.dtype.kind == "f" else c < 0, -1, 1)
    with np.errstate(invalid="ignore", over="ignore"):
        near = c.astype(np.float64)
        rest = _rest(c, near)
        near, rest = np.abs(near), rest * sign
    symbol = random_function(_words(near), salt("constant"))
    if rest.any():
        longer = random_function(modulo(symbol + _words(rest)), salt("longer constant"))
        symbol = np.where(rest != 0, longer, symbol)
    return modulo(symbol * sign)


def _rest(c: Any, near: Any) -> Any:
    """c - near, exactly: 0 unless c has more digits than a float64."""
    if c.dtype.kind == "f":
        rest = c - near.astype(c.dtype) if c.dtype.itemsize > 8 else near * 0.0
        return np.where(np.isfinite(rest), rest, 0).astype(np.float64)
    exact = [int(n) - int(m) for n, m in zip(c.flat, near.flat, strict=True)]
    return np.array(exact, dtype=np.float64).reshape(c.shape) if c.dtype.itemsize == 8 else near * 0.0


def _words(x: Any) -> Residues:
    """The 64 bits of each float64 as numbers below 2^31: (LANES, ...)."""
    bits = np.asarray(x, dtype=np.float64).view(np.uint64)
    mask = np.uint64(2**31 - 1)
    return np.stack([bits & mask, bits >> np.uint64(31) & mask, bits >> np.uint64(62), bits * 0]).astype(np.int64)


def identically_zero(x: Residues) -> npt.NDArray[np.bool_]:
    """Which entries are zero at every point: their formulas are identically zero."""
    return np.asarray(~x.any(axis=0))


def sign_of(x: Residues) -> Any:
    """1 or -1 for each entry, of which x and -x have one each; 0 where x is 0. The first residue not 0 decides."""
    sign = np.where(x[0] > PRIMES[0] // 2, np.int8(-1), np.int8(1))
    undecided = x[0] == 0
    for lane, p in zip(x[1:], PRIMES[1:], strict=True):
        if not undecided.any():
            return sign
        sign = np.where(undecided, np.where(lane > p // 2, np.int8(-1), np.int8(1)), sign)
        undecided &= lane == 0
    return np.where(undecided, np.int8(0), sign)


def times(x: Residues, signs: Any) -> Residues:
    """Residues times 1, -1 or 0."""
    return modulo(x * signs)


def opaque(p: Fingerprint) -> Fingerprint:
    """A random odd function of every entry: it replaces formulas beyond the bounds, and keeps their signs."""
    signs = sign_of(p.x)
    return Fingerprint(times(random_function(times(p.x, signs), salt("opaque")), signs), 1.0, 1.0)


def within_bounds(degree: float, height: float, below: int) -> bool:
    """Whether a formula is within the bounds."""
    return degree <= DEGREE and height <= HEIGHT and below <= BELOW


def bound(x: Residues, degree: float, height: float, below: int = 1) -> Fingerprint:
    """The fingerprint, opaque if it is beyond the bounds."""
    p = Fingerprint(x, degree, height, below)
    return p if within_bounds(degree, height, below) else opaque(p)


def simplify(*fingerprints: Fingerprint) -> list[Fingerprint]:
    """Replace every formula that is more than a symbol by a random function of it, so that the next step fits."""
    return [p if p.degree <= 1 and p.height <= 1 and p.below == 1 else opaque(p) for p in fingerprints]


def fit_sum(*fingerprints: Fingerprint, terms: float = 1) -> tuple[list[Fingerprint], float, float, int]:
    """Operands whose sum is within the bounds, and its degree, height and denominator. terms: of one operand."""
    degree, heights, below = common_denominator(*fingerprints)
    if within_bounds(degree, sum(heights) * terms, below):
        return list(fingerprints), degree, sum(heights) * terms, below
    simple = simplify(*fingerprints)
    return simple, max(p.degree for p in simple), len(simple) * terms, 1


def fit_product(
    a: Fingerprint, b: Fingerprint, terms: float = 1
) -> tuple[Fingerprint, Fingerprint, float, float, int]:
    """Operands whose product is within the bounds, and its degree, height and denominator."""
    if not within_bounds(a.degree + b.degree, a.height * b.height * terms, a.below * b.below):
        a, b = simplify(a, b)
    return a, b, a.degree + b.degree, a.height * b.height * terms, a.below * b.below


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
    (a, b), degree, height, below = fit_sum(a, b)
    x, y = align_axes(a.x, b.x)
    return bound(modulo(x + y), degree, height, below)


def subtract(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """The difference."""
    (a, b), degree, height, below = fit_sum(a, b)
    x, y = align_axes(a.x, b.x)
    return bound(modulo(x - y), degree, height, below)


def multiply(a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """The product, entry by entry."""
    a, b, degree, height, below = fit_product(a, b)
    x, y = align_axes(a.x, b.x)
    return bound(modulo(x * y), degree, height, below)


def per_point(function: Callable[..., Any], *xs: Residues) -> Residues:
    """Apply a function of arrays in each lane. It may move and add entries, but not multiply or divide them."""
    first = np.asarray(function(*(x[0] for x in xs)))
    if first.dtype.kind not in "iub":
        raise TypeError(f"a function that moves and adds entries gives whole numbers, got {first.dtype}")
    return modulo(join_lanes(first if k == 0 else function(*(x[k] for x in xs)) for k in range(LANES)))


def bilinear_product(function: Callable[..., Any], a: Fingerprint, b: Fingerprint, terms: int) -> Fingerprint:
    """Apply a function that sums products of an entry of a and an entry of b. terms: the most terms in a sum."""
    a, b, degree, height, below = fit_product(a, b, terms)
    return bound(product(function, a.x, b.x, terms), degree, height, below)


def matrix_product(function: Callable[..., Any], a: Fingerprint, b: Fingerprint) -> Fingerprint:
    """The product of two matrices. Equal rows of a, and equal columns of b, are multiplied once."""
    a, b, degree, height, below = fit_product(a, b, max(a.shape[1], 1))
    rows, columns = _repeated_columns(a.x.swapaxes(1, 2)), _repeated_columns(b.x)
    x = a.x if rows is None else a.x[:, rows[0]]
    y = b.x if columns is None else b.x[:, :, columns[0]]
    z = product(function, x, y, max(a.shape[1], 1))
    z = z if rows is None else z.take(rows[1], axis=1)
    return bound(z if columns is None else z.take(columns[1], axis=2), degree, height, below)


def _repeated_columns(x: Residues) -> tuple[Any, Any] | None:
    """The first of each kind of columns, and the kind of each; None unless most columns repeat others."""
    if not x.shape[1] or x.shape[2] < FEW:
        return None
    kinds, count = number_rows(np.ascontiguousarray(x[:, 0]), np.zeros(x.shape[2], dtype=np.int64))
    if 2 * count > x.shape[2]:
        return None
    firsts = first_entries(kinds, count)
    return (firsts, kinds) if (x == x[:, :, firsts].take(kinds, axis=2)).all() else None


def sum_over(p: Fingerprint, axis: Axis, keepdims: Any) -> Fingerprint:
    """The sum over axes (None: all)."""
    shape = np.sum(p.x[0], axis=axis, keepdims=keepdims).shape if axis is not None or keepdims else ()
    terms = p.x[0].size / max(math.prod(shape), 1)
    (p,), degree, height, below = fit_sum(p, terms=terms)
    return bound(per_point(lambda z: np.sum(z, axis=axis, keepdims=keepdims), p.x), degree, height, below)
