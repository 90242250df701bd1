"""The zoo's claims, proved without any checker: what is said to be right is right, what is wrong is wrong as said.

Right: to any number of digits where f is a formula of one number, else by the engine, else by differences.
Wrong: each differs from the truth in the way that its kind says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest
from check import zoo
from check.flat import (
    cotangent,
    direction,
    evaluate,
    fresh_given,
    is_number,
    leaves,
    per_argument,
    rebuilt,
)
from check.proofs import PROOFS, close, parts, some
from check.zoo.case import Case
from check.zoo.noise import SCENARIOS, Scenario
from everyday import thinned

import minigrad
from minigrad.check.diagnosis import kinds

mp = mpmath.mp


def named(cases: list[Any]) -> Any:
    return pytest.mark.parametrize("case", thinned(cases, 8), ids=lambda case: case.name)


# ------------------------------------------------------------------------------------------ what is in it


def test_every_case_has_a_name_of_its_own() -> None:
    assert [name for name, n in Counter(case.name for case in zoo.CASES).items() if n > 1] == []


def test_every_kind_of_mistake_is_planted_several_times() -> None:
    planted = Counter(kind for case in zoo.MISTAKES for kind in case.kinds)
    assert set(planted) == set(kinds.WRONG)
    assert {kind for kind, n in planted.items() if n < 3} == set()


def test_mistakes_have_one_name_but_for_a_few() -> None:
    assert all(1 <= len(case.kinds) <= 2 for case in zoo.MISTAKES)
    assert sum(len(case.kinds) == 2 for case in zoo.MISTAKES) < len(zoo.MISTAKES) / 12


def test_the_zoo_is_broad() -> None:
    assert len(zoo.MISTAKES) >= 150 and len(zoo.RIGHT) >= 100
    assert len({id(case.f) for case in zoo.MISTAKES}) >= 50
    assert {case.flavour for case in zoo.MISTAKES} == {case.flavour for case in zoo.RIGHT} == set(zoo.case.FLAVOURS)


def test_no_file_of_the_zoo_is_longer_than_400_lines() -> None:
    for path in Path(zoo.__file__).parent.glob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path.name


def test_a_case_is_fresh_each_time() -> None:
    """Some gradients keep a state and some write into their arguments: a second run must not see it."""
    for case in zoo.MISTAKES:
        if "accumulated" in case.kinds:
            first, again = evaluate(case, fresh_given(case)), evaluate(case, fresh_given(case))
            assert all(map(np.array_equal, first, again)), case.name


# -------------------------------------------------------------------------------- right, to any number of digits


# A module of mathematics in as many digits as mpmath is set to.
PRECISE = SimpleNamespace(
    **{
        name: getattr(mp, name)
        for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "cosh", "sign", "pi")
    },
    arctan=mp.atan,
    arcsin=mp.asin,
    arccosh=mp.acosh,
    arctanh=mp.atanh,
    abs=mp.fabs,
    maximum=max,
    minimum=min,
)


def one_sided(formula: Callable[..., Any], x: float) -> tuple[Any, Any]:
    """The slopes on the left and on the right of x, to more digits than a double has."""
    with mp.workdps(400):
        at = mp.mpf(float(x))
        h = mp.mpf(10) ** -80 * (abs(at) or 1)
        y = formula(PRECISE, at)
        return (y - formula(PRECISE, at - h)) / h, (formula(PRECISE, at + h) - y) / h


def outside(slope: float, sides: tuple[Any, Any], digits: float) -> bool:
    low, high = min(sides), max(sides)
    room = digits * max(abs(low), abs(high)) + mp.mpf(5e-324)  # below which a double is 0
    return not low - room <= mp.mpf(float(slope)) <= high + room


def slopes_of(case: Case) -> np.ndarray:
    x = case.positional()
    return np.ravel(
        per_argument(x, fresh_given(case)(*([np.ones(np.shape(x[0]))] * (case.flavour == "vjp")), *x))[0]
    )


@named([case for case in zoo.RIGHT if case.formula])
def test_a_right_slope_is_that_of_mpmath(case: Case) -> None:
    assert case.formula is not None
    for x, slope in zip(np.ravel(case.positional()[0]), slopes_of(case), strict=True):
        assert not outside(slope, one_sided(case.formula, x), case.digits), (x, slope)


@named(zoo.KINKS_WRONG)
def test_a_wrong_slope_at_a_kink_lies_outside(case: Case) -> None:
    assert case.formula is not None
    for x, slope in zip(np.ravel(case.positional()[0]), slopes_of(case), strict=True):
        assert outside(slope, one_sided(case.formula, x), 1e-3)


# --------------------------------------------------------------------- right, by the engine or by differences


def flat_function(case: Case) -> tuple[Callable[..., Any], list[Any]]:
    """f as a function of its numbers alone, and these."""
    args = case.positional()
    xs = [x for x in leaves(args) if is_number(x)]
    return lambda *numbers: case.f(*rebuilt(args, list(numbers))), xs


def by_engine(case: Case) -> list[Any]:
    f, xs = flat_function(replace(case, f=TRANSPARENT.get(case.name, case.f)))
    if case.flavour == "grad":
        return list(minigrad.grad(f, tuple(range(len(xs))))(*xs))
    if case.flavour == "value_and_grad":
        return [f(*xs), *minigrad.grad(f, tuple(range(len(xs))))(*xs)]
    if case.flavour == "vjp":
        return list(minigrad.vjp(f, *xs)[1](cotangent(case, 1)))
    if case.flavour == "jvp":
        return [minigrad.jvp(f, tuple(xs), tuple(direction(case.positional(), 1)))[1]]
    return [minigrad.jacobian(f)(*xs) if case.flavour == "jac" else minigrad.hessian(f)(*xs)]


# The same functions for the engine, which does not see through these.
TRANSPARENT = {"opaque function, Hessian": zoo.lines.transparent}
# f has no rule in the engine, or leaves it on purpose: these are proved by differences.
BEYOND_THE_ENGINE: set[str] = set()


def differences(case: Case, side: int = 0) -> list[Any]:
    """Difference quotients of five points, or of one side, with the cotangent of the seed where there is one."""
    f, xs = flat_function(case)
    g = cotangent(case, 1) if case.flavour == "vjp" else 1.0
    xs = [np.array(x, dtype=float) for x in xs]
    found = []
    for k, x in enumerate(xs):
        d = np.zeros(np.shape(x))
        for i in np.ndindex(x.shape):
            h = 1e-3 if not side else 1e-7 * side

            def at(t: float, k: int = k, x: Any = x, i: Any = i) -> Any:
                moved = np.array(x)
                moved[i] += t
                return np.sum(g * np.asarray(f(*xs[:k], moved[()], *xs[k + 1 :])))

            near = at(h) - at(-h)
            d[i] = (at(h) - at(0)) / h if side else (8 * near - at(2 * h) + at(-2 * h)) / (12 * h)
        found.append(d)
    return found


AT_KINKS = {case.name for case in zoo.kinks.CASES}
SMOOTH = [case for case in zoo.RIGHT if not case.formula and case.name not in AT_KINKS]


@named(SMOOTH)
def test_a_right_derivative_is_the_engines(case: Case) -> None:
    beyond = case.name in BEYOND_THE_ENGINE
    given = evaluate(case, fresh_given(case))
    truth = differences(case) if beyond else by_engine(case)
    assert len(given) == len(truth)
    for a, b in zip(given, truth, strict=True):
        assert close(a, b, max(1e-9, case.digits) if beyond else case.digits), (a, b)


@named(zoo.kinks.TIED_CASES)
def test_a_subgradient_of_an_array_lies_between_the_sides(case: Case) -> None:
    for d, left, right in zip(
        evaluate(case, fresh_given(case)), differences(case, -1), differences(case, 1), strict=True
    ):
        assert np.all(d >= np.minimum(left, right) - 1e-6) and np.all(d <= np.maximum(left, right) + 1e-6)


# ----------------------------------------------------------------------------------------- wrong, as it says


def test_there_is_a_proof_for_every_kind() -> None:
    assert set(PROOFS) == set(kinds.WRONG)


@named(zoo.MISTAKES)
def test_a_mistake_is_one_as_its_kind_says(case: Case) -> None:
    for kind in case.kinds:
        proof = some(lambda a, b: True) if case.deep else PROOFS[kind]
        assert proof(case), kind


@named([case for case in zoo.MISTAKES if case.index is not None and case.verdict == "disagree"])
def test_the_entry_said_to_be_wrong_is_the_only_one(case: Case) -> None:
    assert case.index is not None
    wrong = [(a, b) for a, b in parts(case) if not close(a, b, 1e-12)]
    assert len(wrong) == 1
    (a, b) = wrong[0]
    assert np.argwhere(~np.isclose(a, b, rtol=1e-8, atol=0)).tolist() == [list(case.index)]


@named(zoo.MISTAKES)
def test_the_truth_of_a_mistake_is_a_right_case(case: Case) -> None:
    assert any(getattr(right, right.flavour) is case.truth for right in zoo.RIGHT if right.f is case.f)


# ------------------------------------------------------------------------------------------------- noise


def near(x: float) -> np.ndarray:
    return x + np.linspace(-0.01, 0.01, 201)


@named(SCENARIOS)
def test_a_noisy_function_is_near_the_smooth_one(case: Scenario) -> None:
    gaps = [float(case.noisy(x)) - float(case.smooth(x)) for x in near(case.x)]
    assert np.max(np.abs(gaps)) <= case.amplitude


@named([scenario for scenario in SCENARIOS if scenario.amplitude])
def test_the_noise_is_there(case: Scenario) -> None:
    gaps = [float(case.noisy(x)) - float(case.smooth(x)) for x in near(case.x)]
    assert np.ptp(gaps) >= case.amplitude / 1000


@named(SCENARIOS)
def test_the_slope_of_a_noisy_function_is_that_of_the_smooth_one(case: Scenario) -> None:
    f, x, h = case.smooth, case.x, 1e-3
    numeric = (8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h)
    assert float(case.slope(x)) == pytest.approx(float(numeric), rel=1e-8)


@named([scenario for scenario in SCENARIOS if scenario.own])
def test_the_slope_of_a_piece_is_that_of_the_function_itself(case: Scenario) -> None:
    assert case.own is not None
    x, h = case.x, 1e-4  # within the piece
    numeric = (case.noisy(x + h) - case.noisy(x - h)) / (2 * h)
    assert float(case.own(x)) == pytest.approx(float(numeric), rel=1e-8)
    assert float(case.own(x)) != pytest.approx(float(case.slope(x)), rel=1e-8)
