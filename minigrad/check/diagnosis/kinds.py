"""The kinds of findings in a report: a fixed vocabulary, one line each.

`patterns`, `invariants` and `verdict` recognise them.
"""

from __future__ import annotations

from typing import Final

WRONG: Final[dict[str, str]] = {
    "sign": "the negative of the derivative",
    "factor": "a constant multiple of the derivative: 2, 1/2, N, 1/N, a unit such as π/180",
    "transposed": "two axes exchanged, of the derivative or of a matrix that it is a product with",
    "flipped": "the derivative, reversed along an axis",
    "rolled": "the derivative, shifted cyclically along an axis",
    "permuted": "the entries of the derivative, in another order",
    "swapped": "two arguments exchanged: their derivatives, their tangents, or in the call",
    "not summed": "the gradient of a broadcast axis was not summed over it",
    "averaged": "the gradient of a broadcast or reduced axis was averaged instead of summed",
    "zero": "zero (or None) where the derivative is not zero: a detached input",
    "missing term": "an additive term is missing, or one too many: a path, a mean, the sum of a softmax",
    "missing factor": "a factor that depends on the input is missing, or one too many",
    "branch": "right on one side of a branch, wrong on the other",
    "entries": "right except for some entries: one, a row, a column, repeated indices",
    "overwritten": "assigned where an index repeats, and should be added: one contribution counts",
    "mask": "a mask was forgotten: what the function does not use gets a gradient",
    "time step": "in a recurrence: steps are left out, or the state of another step is used",
    "cotangent ignored": "right for a cotangent of ones only",
    "accumulated": "a different result when called again: it adds to the previous one",
    "unstable": "a different result when called again, without a pattern",
    "no subgradient": "at a kink or tie: no subgradient, though each entry lies between its two slopes",
    "nan": "nan or inf where the derivative is finite",
    "shape": "another shape than the input",
    "value": "the value beside the gradient is not that of the function",
    "dtype": "another number type than the input",
    "precision": "right in float64, wrong in the number type of the input",
    "structure": "not nested like the arguments, or not an array of numbers",
    "mutated": "an input or the cotangent was changed in place",
    "nonlinear": "not linear in the cotangent or the tangent",
    "memory layout": "another result for a cotangent of another memory layout: it reads raw memory",
    "adjoint": "reverse and forward mode are not transposes of each other",
    "asymmetric": "a matrix of second derivatives that is not symmetric",
    "raised": "the gradient function raised an error",
    "wrong": "wrong, without a recognised pattern",
}

UNRESOLVED: Final[dict[str, str]] = {
    "noise": "the function is too noisy to resolve the difference",
    "random": "the function gives different values when called again",
    "impure": "the function itself writes into its arguments; gradients are compared at fresh ones",
    "not finite": "the function gives nan or inf, or raises an error, at the point itself",
    "jump": "the function jumps at the point: it has no derivative there",
    "open kink": "kinks of both signs meet here: whether the gradient is a subgradient was not settled",
    "infinite": "the slope grows without bound towards the point",
    "no neighbourhood": "the function is not finite on either side of the point",
    "budget": "the budget ran out before this was checked",
}

REMARKS: Final[dict[str, str]] = {
    "kink": "no unique derivative here; the given one is a subgradient",
    "below resolution": "too small beside its neighbours: the function's rounding errors hide it",
}

KINDS: Final = {**WRONG, **UNRESOLVED, **REMARKS}
