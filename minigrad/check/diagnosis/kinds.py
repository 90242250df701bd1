"""The kinds of findings in a report: a fixed vocabulary, one line each.

`patterns`, `invariants` and `verdict` recognise them.
"""

from __future__ import annotations

from typing import Final

WRONG: Final[dict[str, str]] = {
    "sign": "the negative of the derivative",
    "factor": "a constant multiple of the derivative: 2, 1/2, N, 1/N, a unit such as π/180",
    "transposed": "the derivative, with two axes exchanged",
    "flipped": "the derivative, reversed along an axis",
    "rolled": "the derivative, shifted cyclically along an axis",
    "permuted": "the entries of the derivative, in another order",
    "swapped": "the derivatives of two arguments, exchanged",
    "not summed": "the gradient of a broadcast axis was not summed over it",
    "averaged": "the gradient of a broadcast or reduced axis was averaged instead of summed",
    "zero": "zero (or None) where the derivative is not zero: a detached input",
    "missing term": "an additive term of the derivative is missing, or one too many",
    "missing factor": "a factor that depends on the input is missing, or one too many",
    "branch": "right on one side of a branch, wrong on the other",
    "entries": "right except for some entries: one, a row, a column, repeated indices",
    "cotangent ignored": "right for a cotangent of ones only",
    "accumulated": "a different result when called again: it adds to the previous one",
    "unstable": "a different result when called again, without a pattern",
    "nan": "nan or inf where the derivative is finite",
    "shape": "another shape than the input",
    "dtype": "another number type than the input",
    "structure": "not nested like the arguments, or not an array of numbers",
    "mutated": "an input or the cotangent was changed in place",
    "nonlinear": "not linear in the cotangent or the tangent",
    "adjoint": "reverse and forward mode are not transposes of each other",
    "asymmetric": "a matrix of second derivatives that is not symmetric",
    "raised": "the gradient function raised an error",
    "wrong": "wrong, without a recognised pattern",
}

UNRESOLVED: Final[dict[str, str]] = {
    "noise": "the function is too noisy to resolve the difference",
    "random": "the function gives different values when called again",
    "not finite": "the function gives nan or inf, or raises an error, at the point itself",
    "jump": "the function jumps at the point: it has no derivative there",
    "infinite": "the slope grows without bound towards the point",
    "no neighbourhood": "the function is not finite on either side of the point",
    "budget": "the budget ran out before this was checked",
}

REMARKS: Final[dict[str, str]] = {
    "kink": "no unique derivative here; the given one lies between the slopes of the two sides",
    "below resolution": "too small beside its neighbours: the function's rounding errors hide it",
}

KINDS: Final = {**WRONG, **UNRESOLVED, **REMARKS}
