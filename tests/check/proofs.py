"""What it means to be wrong in a certain way: a proof for every kind of mistake, with the truth beside.

Nothing here measures a derivative: given and right answers are compared, entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from check.flat import (
    Misfit,
    cotangent,
    direction,
    evaluate,
    fresh_given,
    fresh_truth,
    is_number,
    leaves,
    rebuilt,
)
from check.zoo.case import Case


def close(a: Any, b: Any, digits: float) -> bool:
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= digits * np.max(np.abs(b), initial=0)))


def parts(case: Case) -> list[tuple[Any, Any]]:
    """(given, true) for every number of the arguments."""
    return list(zip(evaluate(case, fresh_given(case)), evaluate(case, fresh_truth(case)), strict=True))


def some(test: Callable[[Any, Any], bool]) -> Callable[[Case], bool]:
    """A proof: the parts that are not right pass the test, and there are such."""

    def proof(case: Case) -> bool:
        wrong = [(a, b) for a, b in parts(case) if not (a.shape == b.shape and close(a, b, 1e-12))]
        return bool(wrong) and all(test(a, b) for a, b in wrong)

    return proof


def ratio(a: Any, b: Any) -> Any:
    return np.ravel(a)[np.ravel(b) != 0] / np.ravel(b)[np.ravel(b) != 0]


def is_factor(a: Any, b: Any) -> bool:
    r = ratio(a, b)
    return np.ptp(r) <= 1e-9 * abs(r[0]) and abs(r[0] - 1) > 5e-8 and close(a, b * r[0], 1e-9)


def same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and close(a, b, 1e-10)


def is_reordered(a: Any, b: Any) -> bool:
    return same(np.sort(np.ravel(a)), np.sort(np.ravel(b)))


def is_transposed(a: Any, b: Any) -> bool:
    """Two axes exchanged, or entries written by rows and read by columns."""
    return any(same(a, np.swapaxes(b, i, j)) for i in range(b.ndim) for j in range(i)) or (
        b.ndim == 2 and same(a, b.reshape(b.shape[::-1]).T)
    )


def of_a_transpose(case: Case) -> bool:
    """It is transposed, or right where the matrix inside is symmetric: a square argument, or weights of one row."""
    numbers = [np.array(x) for x in leaves(case.args) if is_number(x)]
    symmetric = [x + x.T if x.ndim == 2 and x.shape[0] == x.shape[1] else x for x in numbers]
    cases = [
        replace(case, args=rebuilt(case.args, part)) for part in (symmetric, [x[:1] for x in numbers if x.ndim])
    ]
    return some(is_transposed)(case) or any(all(same(a, b) for a, b in parts(c)) for c in runnable(cases))


def runnable(cases: list[Case]) -> list[Case]:
    """Those whose function takes its arguments."""
    found = []
    for case in cases:
        try:
            parts(case)
        except (ValueError, IndexError):
            continue
        found.append(case)
    return found


def is_flipped(a: Any, b: Any) -> bool:
    return any(same(a, np.flip(b, axis)) for axis in range(b.ndim))


def is_rolled(a: Any, b: Any) -> bool:
    return any(same(a, np.roll(b, k, axis)) for axis in range(b.ndim) for k in range(1, b.shape[axis]))


def some_entries(a: Any, b: Any) -> bool:
    right = np.isclose(a, b, rtol=1e-10, atol=1e-12 * np.max(np.abs(b)))
    return a.shape == b.shape and bool(np.any(right)) and not np.all(right)


def is_unlike(a: Any, b: Any) -> bool:
    """No simpler word fits: not a factor, not a reordering."""
    return a.shape == b.shape and not is_factor(a, b) and not is_reordered(a, b)


def has_a_varying_factor(a: Any, b: Any) -> bool:
    return bool(np.ptp(ratio(a, b)) > 1e-6)


def of_the_input(case: Case) -> bool:
    """The factor varies between the entries, or from one point to the next."""
    if some(has_a_varying_factor)(case):
        return True
    elsewhere = rebuilt(case.args, [1.1 * x for x in leaves(case.args) if is_number(x)])
    factors = [
        [ratio(a, b)[0] for a, b in parts(c) if not same(a, b)] for c in (case, replace(case, args=elsewhere))
    ]
    return some(is_factor)(case) and not np.allclose(*factors, rtol=1e-6)


def of_wrong_shape_or_less_than_all(a: Any, b: Any) -> bool:
    return a.shape != b.shape or not is_factor(a, b)


def is_an_average(a: Any, b: Any) -> bool:
    n = 1 / ratio(a, b)[0]
    return is_factor(a, b) and abs(n - round(n)) < 1e-9 and n > 1.5


def is_swapped(case: Case) -> bool:
    if case.flavour == "jvp":
        return not all(same(a, b) for a, b in parts(case))
    given, truth = zip(*parts(case), strict=True)
    moved = [k for k, (a, b) in enumerate(zip(given, truth, strict=True)) if not same(a, b)]
    return len(moved) == 2 and same(given[moved[0]], truth[moved[1]]) and same(given[moved[1]], truth[moved[0]])


def is_zero(case: Case) -> bool:
    """Zero as a whole or for one argument; forward, whatever the tangent of one argument is."""
    if case.flavour != "jvp":
        return some(lambda a, b: not np.any(a))(case)
    args = case.positional()
    tangents = direction(args, 1)
    for k in range(len(tangents)):
        alone = rebuilt(args, [t if n == k else 0 * t for n, t in enumerate(tangents)])
        if not np.any(fresh_given(case)(args, tuple(alone))):
            return bool(np.any(fresh_truth(case)(args, tuple(alone))))
    return False


def is_accumulated(case: Case) -> bool:
    given, truth = fresh_given(case), evaluate(case, fresh_truth(case))
    first, again = evaluate(case, given), evaluate(case, given)
    return all(map(same, first, truth)) and not all(map(same, again, truth))


def is_unstable(case: Case) -> bool:
    given = fresh_given(case)
    answers = [evaluate(case, given) for _ in range(3)]
    return not any(all(map(same, a, b)) for a, b in zip(answers, [*answers[1:], answers[0]], strict=True))


def is_mutating(case: Case) -> bool:
    """One of what it was handed has other bits afterwards."""
    args = case.positional()
    extra: list[Any] = [cotangent(case, 1)] if case.flavour == "vjp" else []
    tangents = tuple(rebuilt(args, direction(args, 1)))
    handed = [args, tangents] if case.flavour == "jvp" else [*extra, *args]
    before = [np.array(x).tobytes() for x in leaves(handed)]
    fresh_given(case)(*handed)
    return before != [np.array(x).tobytes() for x in leaves(handed)]


def is_raising(case: Case) -> bool:
    try:
        evaluate(case, fresh_given(case))
    except Misfit:
        return False
    except Exception:
        return True
    return False


def is_of_another_structure(case: Case) -> bool:
    try:
        evaluate(case, fresh_given(case))
    except Misfit:
        return True
    return False


def is_of_another_type(case: Case) -> bool:
    numbers = [x for x in leaves(case.positional()) if is_number(x)]
    return any(
        a.dtype != np.asarray(x).dtype for a, x in zip(evaluate(case, fresh_given(case)), numbers, strict=True)
    )


def is_wrong_in_its_type_alone(case: Case) -> bool:
    """Right for double numbers, and wrong by far more than rounding for the single ones that the case gives."""
    numbers = [np.asarray(x, dtype=np.float64) for x in leaves(case.args) if is_number(x)]
    wide = replace(case, args=rebuilt(case.args, numbers))
    return all(same(a, b) for a, b in parts(wide)) and not all(close(a, b, 1e-4) for a, b in parts(case))


def is_nonlinear(case: Case) -> bool:
    args = case.positional()
    if case.flavour == "jvp":
        u = tuple(rebuilt(args, direction(args, 1)))
        twice = tuple(rebuilt(args, [2 * t for t in direction(args, 1)]))
        return not same(np.array(fresh_given(case)(args, twice)), 2 * np.array(fresh_given(case)(args, u)))
    v, w = cotangent(case, 1), cotangent(case, 5)
    b = [evaluate(case, fresh_given(case), g=g) for g in (v, w, v + w, -2 * v)]
    return not all(same(x + y, z) and same(-2 * x, t) for x, y, z, t in zip(*b, strict=True))


def ignores_the_cotangent(case: Case) -> bool:
    ones = np.ones_like(cotangent(case, 1))
    right = evaluate(case, fresh_truth(case), g=ones)
    return all(map(same, evaluate(case, fresh_given(case), g=ones), right)) and some(lambda a, b: True)(case)


def is_no_adjoint(case: Case) -> bool:
    assert case.jvp is not None
    args, v = case.positional(), cotangent(case, 1)
    u = direction(args, 50)
    forward = np.sum(v * case.jvp(args, tuple(rebuilt(args, list(u)))))
    back = sum(np.sum(a * b) for a, b in zip(evaluate(case, fresh_given(case)), u, strict=True))
    return abs(forward - back) > 1e-3 * max(abs(forward), abs(back))


def is_no_subgradient(case: Case) -> bool:
    """Along a direction it claims more than the function grows by, or less than it falls by, over short steps."""
    x, rng = case.positional(), np.random.default_rng(0)
    given = evaluate(case, fresh_given(case), g=np.ones_like(np.asarray(case.f(*x), dtype=float)))

    def slope(u: Any, t: float) -> float:
        return float(np.sum(case.f(*(a + t * b for a, b in zip(x, u, strict=True))) - case.f(*x))) / t

    for u in ([np.ones(np.shape(a)) for a in x], *([rng.normal(size=np.shape(a)) for a in x] for _ in range(200))):
        claimed, ends = (
            sum(float(np.sum(a * b)) for a, b in zip(given, u, strict=True)),
            [slope(u, 1e-6), slope(u, -1e-6)],
        )
        if not min(ends) - 1e-3 <= claimed <= max(ends) + 1e-3:
            return True
    return False


def is_another_value(case: Case) -> bool:
    """The gradient is right, and the value beside it is not."""
    (given, true), *rest = parts(case)
    return not same(given, true) and all(same(a, b) for a, b in rest)


def reads_memory(case: Case) -> bool:
    """Right for a cotangent in the order of C, and another one for the same numbers in the order of Fortran."""
    g = cotangent(case, 1)
    c, fortran = (
        evaluate(case, fresh_given(case), g=make(g)) for make in (np.ascontiguousarray, np.asfortranarray)
    )
    right = evaluate(case, fresh_truth(case), g=g)
    return all(map(same, c, right)) and not all(map(same, fortran, right))


PROOFS: dict[str, Callable[[Case], bool]] = {
    "sign": some(lambda a, b: same(a, -b)),
    "factor": some(is_factor),
    "transposed": of_a_transpose,
    "flipped": some(is_flipped),
    "rolled": some(is_rolled),
    "permuted": some(is_reordered),
    "swapped": is_swapped,
    "not summed": some(of_wrong_shape_or_less_than_all),
    "averaged": some(is_an_average),
    "zero": is_zero,
    "missing term": some(is_unlike),
    "missing factor": of_the_input,
    "branch": some(some_entries),
    "entries": some(some_entries),
    "overwritten": some(some_entries),
    "mask": some(is_unlike),
    "time step": some(is_unlike),
    "cotangent ignored": ignores_the_cotangent,
    "accumulated": is_accumulated,
    "unstable": is_unstable,
    "no subgradient": is_no_subgradient,
    "nan": some(lambda a, b: not np.all(np.isfinite(a)) and bool(np.all(np.isfinite(b)))),
    "shape": some(lambda a, b: a.shape != b.shape),
    "value": is_another_value,
    "dtype": is_of_another_type,
    "precision": is_wrong_in_its_type_alone,
    "structure": is_of_another_structure,
    "mutated": is_mutating,
    "nonlinear": is_nonlinear,
    "memory layout": reads_memory,
    "adjoint": is_no_adjoint,
    "asymmetric": some(lambda a, b: same(b, b.T) and not same(a, a.T)),
    "raised": is_raising,
    "wrong": some(is_unlike),
}
