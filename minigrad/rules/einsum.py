"""Sums of products by their subscripts: np.einsum, in every form it takes.

Its derivative is einsum again. For  y = einsum("ij,jk->ik", a, b)  the cotangent of a is
einsum("ik,jk->ij", g, b): the output takes the place of the factor, and the factor that of the output.
A summed index that only one factor has gets a factor of ones. An index that a factor has twice reads a diagonal,
and an identity matrix writes it: for  einsum("ii", a)  the cotangent is  einsum(",iI->iI", g, eye).

BLAS multiplies two factors that are matrices (or stacks of them) with several axes each, as np.tensordot does:
some ten times faster than NumPy's own loops, which round in another order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache, partial
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any, NamedTuple

import numpy as np

from ..engine.op import op
from ..engine.sampling import REAL, Call, Draw, Shape
from .axes import dispatches


def spell_out(subscripts: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """The subscripts of each factor and of the output, with an ellipsis and an implicit output as letters."""
    left, arrow, out = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    hidden = [ndim - len(term.replace("...", "")) for term, ndim in zip(terms, ndims, strict=True)]
    unused = [letter for letter in ascii_letters if letter not in subscripts]
    dots = "".join(unused[: max(hidden)])
    if not arrow:
        named = left.replace(",", "").replace("...", "")
        out = "..." + "".join(sorted(letter for letter in named if named.count(letter) == 1))
    # Axes under an ellipsis are counted from the last, as in broadcasting.
    terms = [term.replace("...", dots[len(dots) - n :]) for term, n in zip(terms, hidden, strict=True)]
    return terms, out.replace("...", dots)


Order = tuple[int, ...] | None  # of axes; None: as they are


class _Matrices(NamedTuple):
    """How to write a sum of products as one of matrices: for each factor and the result, an order and a shape."""

    first: int  # the factor on the left
    left: tuple[Order, Shape]
    right: tuple[Order, Shape]
    result: tuple[Order, Shape]


@lru_cache(maxsize=1024)
def _as_matrices(subscripts: str, *shapes: Shape) -> _Matrices | None:
    """The product of matrices that a sum of products is; None for any other, and where factors are broadcast."""
    try:
        terms, out = spell_out(subscripts, [*map(len, shapes)])
        of_a, of_b = (dict(zip(term, shape, strict=True)) for term, shape in zip(terms, shapes, strict=True))
    except ValueError:  # NumPy says what is wrong
        return None
    a, b = terms
    stacked = [i for i in a if i in b and i in out]
    large = a if math.prod(shapes[0]) >= math.prod(shapes[1]) else b  # whose axes stay in order, to save a copy
    summed = [i for i in large if i in a and i in b and i not in out]
    rows, columns = [i for i in a if i not in b], [i for i in b if i not in a]
    repeated = any(len(set(term)) < len(term) for term in (a, b, out))
    plain = not repeated and all(of_a[i] == of_b[i] for i in (*stacked, *summed))
    if not plain or not summed or not (rows or columns) or {*rows, *columns} - set(out):
        return None
    first = 0
    if columns and next(i for i in out if i not in stacked) in columns:
        first, a, b, rows, columns = 1, b, a, columns, rows
    length = of_a | of_b

    def place(term: str, *parts: list[str]) -> tuple[Order, Shape]:
        sides = [math.prod([length[i] for i in part]) for part in (stacked, *parts)]
        return _order("".join([*stacked, *parts[0], *parts[1]]), term), tuple(sides if stacked else sides[1:])

    made = "".join([*stacked, *rows, *columns])
    result = _order(out, made), tuple(length[i] for i in made)
    return _Matrices(first, place(a, rows, summed), place(b, summed, columns), result)


def _order(wanted: str, given: str) -> Order:
    return None if wanted == given else tuple(map(given.index, wanted))


def _in_order(x: Any, order: Order) -> Any:
    return x if order is None else x.transpose(order)


def _forward(*xs: Any, subscripts: str, optimize: Any = False) -> Any:
    """np.einsum, by BLAS where it is a product of matrices of floats."""
    alike = len(xs) == 2 and xs[0].dtype == xs[1].dtype and xs[0].dtype.char in "fd"
    found = _as_matrices(subscripts, xs[0].shape, xs[1].shape) if alike else None
    if found is None:
        return np.einsum(subscripts, *xs, optimize=optimize)
    first, (order, shape), (other, beside), (back, result) = found
    left, right = _in_order(xs[first], order).reshape(shape), _in_order(xs[1 - first], other).reshape(beside)
    return _in_order((left @ right).reshape(result), back)


def _in_pairs(*xs: Any, subscripts: str, optimize: Any = False) -> Any:
    """The factors, multiplied one by one: each product keeps the axes that are still asked for."""
    (term, *terms), out = spell_out(subscripts, [np.ndim(x) for x in xs])
    y = xs[0]
    for k, other in enumerate(terms):
        later = "".join([out, *terms[k + 1 :]])
        kept = "".join(dict.fromkeys(i for i in term + other if i in later)) if k + 1 < len(terms) else out
        y, term = _of_two(y, term, xs[k + 1], other, kept), kept
        if y is NotImplemented:
            return y
    return y if terms else NotImplemented


def _of_two(a: Any, term: str, b: Any, other: str, out: str) -> Any:
    """einsum of two factors: a product of matrices, or the sum of a product in which each letter has an axis."""
    found = _as_matrices(f"{term},{other}->{out}", a.shape, b.shape)
    if found is not None:
        xs = (a, b)
        first, (order, shape), (turned, beside), (back, result) = found
        left, right = _turned(xs[first], order), _turned(xs[1 - first], turned)
        return _turned(np.reshape(np.reshape(left, shape) @ np.reshape(right, beside), result), back)
    a, term = _summed_alone(a, term, other + out)
    b, other = _summed_alone(b, other, term + out)
    letters = "".join(dict.fromkeys(out + term + other))
    if math.prod(a.shape) * math.prod(b.shape) > _LARGE:
        return NotImplemented
    y = _spread(a, term, letters) * _spread(b, other, letters)
    return np.sum(y, axis=tuple(range(len(out), len(letters)))) if len(letters) > len(out) else y


_LARGE = 2**22


def _turned(x: Any, order: Order) -> Any:
    """`_in_order`, also for what has no methods."""
    return x if order is None else np.transpose(x, order)


def _summed_alone(x: Any, term: str, needed: str) -> tuple[Any, str]:
    """A factor without the axes that only it has, and on the diagonal of those that it has twice."""
    kept = "".join(dict.fromkeys(i for i in term if i in needed))
    return (x if kept == term else np.einsum(f"{term}->{kept}", x)), kept


def _spread(x: Any, term: str, letters: str) -> Any:
    """x with an axis for each letter, of length 1 where x has none."""
    x = np.transpose(x, [term.index(i) for i in letters if i in term])
    return np.expand_dims(x, tuple(k for k, i in enumerate(letters) if i not in term))


def _einsum(subscripts: str, *xs: Any, optimize: Any = False) -> Any:
    """The sum of products of factors of which some may be Values."""
    if any(map(dispatches, xs)):
        return np.einsum(subscripts, *xs, optimize=optimize)
    return _forward(*xs, subscripts=subscripts, optimize=optimize)


def _share(k: int, g: Any, xs: Sequence[Any], terms: list[str], out: str, optimize: Any) -> Any:
    """The cotangent of factor k."""
    factors, labels = [g, *xs[:k], *xs[k + 1 :]], [out, *terms[:k], *terms[k + 1 :]]
    lengths: dict[str, int] = {}
    for x, label in zip(factors, labels, strict=True):
        for letter, n in zip(label, np.shape(x), strict=True):
            lengths[letter] = n if lengths.get(letter, 1) == 1 else lengths[letter]
    unused = (letter for letter in ascii_letters if letter not in "".join([out, *terms]))
    target = ""
    for letter, n in zip(terms[k], np.shape(xs[k]), strict=True):
        if letter in target:
            target += next(unused)
            factors.append(np.eye(n, dtype=g.dtype))
            labels.append(letter + target[-1])
            continue
        target += letter
        if letter not in lengths or n not in (1, lengths[letter]):
            factors.append(np.ones(n, dtype=g.dtype))
            labels.append(letter)
    return _einsum(f"{','.join(labels)}->{target}", *factors, optimize=optimize)


def _back(g: Any, y: Any, *xs: Any, subscripts: str = "", optimize: Any = False) -> list[Any]:
    terms, out = spell_out(subscripts, [np.ndim(x) for x in xs])
    # The caller's order of contraction fits other factors.
    return [partial(_share, k, g, xs, terms, out, bool(optimize)) for k in range(len(xs))]


def _along(ts: Any, y: Any, *xs: Any, subscripts: str = "", optimize: Any = False) -> Any:
    terms = [
        _einsum(subscripts, *xs[:k], t, *xs[k + 1 :], optimize=optimize)  #
        for k, t in enumerate(ts)
    ]
    return sum(terms[1:], start=terms[0])


def _call(operands: tuple[Any, ...], optimize: Any = False) -> Call:
    """Both ways to write a call, as one: einsum("ij,j", a, b) and einsum(a, [0, 1], b, [1])."""
    if isinstance(operands[0], str):
        return operands[1:], {"subscripts": operands[0], "optimize": optimize}
    letters = ascii_uppercase + ascii_lowercase  # their sorted order is that of the numbers

    def word(places: Sequence[Any]) -> str:
        return "".join("..." if i is Ellipsis else letters[i] for i in places)

    n = len(operands) // 2 * 2
    subscripts = ",".join(map(word, operands[1:n:2]))
    if len(operands) > n:
        subscripts += "->" + word(operands[n])
    return operands[:n:2], {"subscripts": subscripts, "optimize": optimize}


# Products, traces, diagonals, sums; with and without an output; an index alone, repeated, hidden, in every factor.
_FORMS = (
    *("i->i", "ij->ji", "ba", "ij->", "ii", "ii->i", "iji->j", "iii->i", "i...->...", "...ii->...i", "..."),
    *("i,i", "i,j->ji", "ij,j", "ij,jk", "ij,kj->ik", "ii,i", "ij,ij->j", "ij,kk->i", ",i->i", "iij,ji->i"),
    *("bij,bjk->bik", "...ij,...jk->...ik", "...i,i...", "i...,...->i...", "a...,...b", "i,...->..."),
    *("i,i,i", "ij,jk,kl->il", "ij,j,k", "i...,ij,j...->..."),
)


def _draw(draw: Draw) -> Call:
    subscripts = draw.choice(_FORMS)
    terms = subscripts.partition("->")[0].split(",")
    lengths = {letter: draw.shape(1, 1)[0] for letter in sorted(set(subscripts) & set(ascii_letters))}
    hidden = draw.shapes(len(terms))
    factors = []
    for term, dots in zip(terms, hidden, strict=True):
        before, has_dots, after = term.partition("...")
        shape = (*map(lengths.get, before), *(dots[-1:] if has_dots else ()), *map(lengths.get, after))
        factors.append(draw.array(REAL, shape))  # type: ignore[arg-type]
    return tuple(factors), {"subscripts": subscripts, "optimize": draw.choice([False, True])}


# fmt: off
op(np.einsum, "einsum", "y = Σ of products by subscripts, as in ij,jk->ik; two matrices are rounded as by @",
    domain=(REAL,), forward=_forward, vjp=_back, jvp=_along, bind=_call, calls=_draw,
    expects=lambda *shapes: f"expected shapes that fit the subscripts, got {', '.join(map(str, shapes))}",
    bilinear=True, sums=True, is_view=True, meaning=_in_pairs,
    spelling=lambda *factors, subscripts, **how: np.einsum(subscripts, *factors, **how))
