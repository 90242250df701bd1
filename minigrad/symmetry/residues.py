"""Residues: whole numbers modulo four primes at once, with exact sums and products.

Each lane has its own prime. So a whole number that is 0 modulo all of them is a multiple of their product, which is
larger than 2^123: no data, however large, have a sum that is 0 in all lanes and is not 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Residues = npt.NDArray[np.int64]  # (LANES, ...): the first axis counts the lanes

PRIMES = (2**31 - 1, 2**31 - 19, 2**31 - 61, 2**31 - 69)  # a product of two residues fits into 63 bits
LANES = len(PRIMES)
FLOAT, INTEGER = 2**53, 2**63  # below these, sums are exact in float64 and int64
BLOCK = 2**15  # numbers per step: they stay in the cache
FEW = 256  # up to so many numbers, one call for all lanes takes less time than one per lane


_PRIMES = np.array(PRIMES)


def modulo(x: Any) -> Residues:
    """Reduce whole numbers of either sign in each lane; overwrites x."""
    if x.size <= FEW:
        few: Residues = np.remainder(x, over_lanes(_PRIMES, x.ndim), out=x)
        return few
    for k, p in enumerate(PRIMES):
        _reduce(x[k : k + 1], p)
    residues: Residues = x
    return residues


def _reduce(x: Any, p: int) -> None:
    """Reduce one lane in place. NumPy divides by a number much faster than it takes a remainder."""
    if not x.flags.c_contiguous:
        x[...] = np.mod(x, p)
        return
    flat = x.reshape(-1)
    for start in range(0, flat.size, BLOCK):
        part = flat[start : start + BLOCK]
        part -= part // p * p


def negate(x: Residues) -> Residues:
    """-x."""
    return modulo(-x)


def scramble(z: Any) -> Any:
    """Mix the bits of each word, overwriting it: the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def whole(number: int) -> Residues:
    """The residues of a whole number: (LANES,)."""
    return np.array([number % p for p in PRIMES], dtype=np.int64)


def inverse_residues(number: int) -> Residues:
    """The residues of 1 / number, which must not be 0: (LANES,)."""
    return np.array([pow(number, -1, p) for p in PRIMES], dtype=np.int64)


def over_lanes(lanes: Any, ndim: int) -> Any:
    """One number per lane, in a shape that broadcasts against residues of so many axes (with that of the lanes)."""
    return lanes.reshape(LANES, *(1,) * (ndim - 1))


def product(function: Callable[..., Any], x: Residues, y: Residues, terms: int) -> Residues:
    """Apply a function that sums at most `terms` products of an entry of x and an entry of y.

    It cuts the residues of the larger operand into pieces of a few bits, so that float64 holds the sums: x is
    x₁ 2^b + x₀, and the product is x₁ (2^b y) + x₀ y. Each piece is one call of the function, by BLAS for matrices.
    """
    swap = x.size < y.size
    large, small = (y, x) if swap else (x, y)
    pieces, kind = _pieces(terms)
    bits = -(-31 // pieces)
    cut, number = np.empty(large.shape[1:], dtype=kind), np.empty(large.shape[1:], dtype=np.int64)

    def lane(one: Any, other: Any, p: int) -> Any:
        total: Any = 0
        for k in range(pieces):
            np.right_shift(one, k * bits, out=number)
            np.bitwise_and(number, (1 << bits) - 1, out=number)
            cut[...] = number
            scaled = (other * (2 ** (k * bits) % p) % p).astype(kind)
            term = function(scaled, cut) if swap else function(cut, scaled)
            if k:
                total += term
            else:
                total = term
        return total

    lanes = (lane(*operands) for operands in zip(large, small, PRIMES, strict=True))
    return modulo(join_lanes(lanes))


def join_lanes(lanes: Iterable[Any]) -> Residues:
    """One array of the whole numbers of all lanes; only one lane exists beside it."""
    out: Any = None
    for k, lane in enumerate(lanes):
        if out is None:
            out = np.empty((LANES, *np.shape(lane)), dtype=np.int64)
        out[k] = lane
    joined: Residues = out
    return joined


def _pieces(terms: int) -> tuple[int, Any]:
    """Into how many pieces a factor is cut, and the type that holds the sum of all products exactly."""
    for kind, limit in ((np.float64, FLOAT), (np.int64, INTEGER)):
        for pieces in (2, 3, 4, 8):
            if pieces * terms * 2 ** (31 + -(-31 // pieces)) < limit:
                return pieces, kind
    raise OverflowError(f"a sum of {terms:,} products is too long for a proof")
