"""What a sweep gives where its rules meet 0·∞ or nan: a selection's 0, the limit, or nan; the same in all modes."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Value, grad, hessian, hvp, jacobian, jvp, no_grad, vmap
from minigrad.drawing.graph_data import survey
from minigrad.drawing.outputs.svg import to_svg
from minigrad.drawing.views.operations import ops_view
from minigrad.symmetry.loss_graph import loss_graph_of


def logistic(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def log_one_plus_exp(x: Any) -> Any:
    return np.log(1 + np.exp(x))


# f, the point, and its slope there: nan where it has none, or nobody knows.
CASES: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "a branch not taken": (lambda x: np.where(x > 0, np.log(x), 0), 0.0, 0.0),
    "a branch not taken, two ops away": (lambda x: np.where(x > 0, np.sin(np.log(x) * 2), 0), 0.0, 0.0),
    "nan in the branch not taken": (lambda x: np.where(x > 0, np.sqrt(x), 0), -1.0, 0.0),
    "an overflow in the branch not taken": (lambda x: np.where(x < 30, log_one_plus_exp(x), x), 800.0, 1.0),
    "a root of what a maximum hides": (lambda x: np.sqrt(np.maximum(x, 0)), -1.0, 0.0),
    "a logarithm of what a clip hides": (lambda x: np.log(np.clip(x, 0, 1)), -1.0, 0.0),
    "the number 1 over an overflow": (lambda x: 1 / (1 + np.exp(x)), 800.0, 0.0),
    "arctan of an overflow": (lambda x: np.arctan(np.exp(x)), 800.0, 0.0),
    "tanh of an overflow": (lambda x: np.tanh(np.exp(x)), 800.0, 0.0),
    "a logistic function, far left": (logistic, -800.0, 0.0),
    "x √x": (lambda x: x * np.sqrt(x), 0.0, 0.0),
    "√x √x": (lambda x: np.sqrt(x) * np.sqrt(x), 0.0, 1.0),
    "√(x²)": (lambda x: np.sqrt(x * x), 0.0, math.nan),  # |x|
    "arctan(1/x)": (lambda x: np.arctan(1 / x), 0.0, -1.0),
    "a pole behind a logarithm": (lambda x: np.arctan(np.log1p(x)), -1.0, math.inf),
    "a slope that rounds to 0, and a pole": (lambda x: np.arctan(np.log(mg.softplus(x))), -800.0, math.nan),
    "a product with a pole": (lambda x: x * np.log(x), 0.0, math.nan),
    "ln(1 + e^x), overflowed": (log_one_plus_exp, 800.0, math.nan),
    "a distance of 0": (lambda x: np.sqrt((x - 3.0) ** 2), 3.0, math.nan),
    "a kink beside a branch not taken": (lambda x: np.abs(x) + np.where(x > 0, np.log(x), 0), 0.0, 0.0),
}


def slopes(f: Callable[[Any], Any], x: float) -> dict[str, float]:
    """The slope of f at x by every way there is."""
    leaf = Value(x)
    with np.errstate(all="ignore"):
        f(leaf).backward()
        return {
            "grad": grad(f)(x),
            "backward": leaf.grad,
            "jvp": jvp(f, x, 1.0)[1],
            "jacobian of rows": jacobian(lambda x: f(x) * np.ones(3))(x)[1],
            "one entry of an array": grad(lambda v: np.sum(f(v)))(np.array([0.5, x, 2.0]))[1],
            "vmap": vmap(grad(f))(np.array([0.5, x, 2.0]))[1],
            "compiled": mg.compile(grad(f))(x),
            "compiled array": mg.compile(grad(lambda v: np.sum(f(v))))(np.array([0.5, x, 2.0]))[1],
            "compiled vmap": mg.compile(vmap(grad(f)))(np.array([0.5, x, 2.0]))[1],
            "checkpoint": grad(mg.checkpoint(f))(x),
            "recorded": grad(lambda w: w * grad(f)(x))(1.0),
        }


@pytest.mark.parametrize("name", CASES)
def test_the_slope_is_the_same_in_all_modes(name: str) -> None:
    f, x, slope = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for way, found in slopes(f, x).items():
            same = found == slope or abs(found - slope) <= 1e-15 * abs(slope)
            assert same or (math.isnan(slope) and math.isnan(found)), (way, found)


def test_missing_data_count_as_left_out() -> None:
    t, data = np.arange(5.0), np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    there = ~np.isnan(data)

    def f(p: Any) -> Any:
        return np.nansum((p[0] * t + p[1] - data) ** 2)

    def without(p: Any) -> Any:
        return np.sum((p[0] * t[there] + p[1] - data[there]) ** 2)

    p = np.array([1.0, 0.0])
    assert grad(f)(p).tolist() == [-16.0, -8.0] == mg.compile(grad(f))(p).tolist()
    assert jvp(f, p, np.array([1.0, 0.0]))[1] == -16.0
    assert hessian(f)(p).tolist() == hessian(without)(p).tolist()
    assert hvp(f, p, np.ones(2)).tolist() == hvp(without, p, np.ones(2)).tolist()


def test_rows_that_a_mask_leaves_out_may_hold_anything() -> None:
    """Through a matrix product, softmax, and a norm: ops that mix entries."""
    x = np.array([[1.0, np.nan], [2.0, 3.0], [-1.0, np.inf]])
    kept = np.array([False, True, False])
    for f in (
        lambda w: np.sum(np.where(kept, x @ w, 0)),
        lambda w: np.sum(np.where(kept[:, None], mg.softmax(np.log(x * w), axis=1), 0)[:, 0]),
        lambda w: np.sum(np.where(kept, np.linalg.norm(x * w, axis=1), 0)),
    ):
        with np.errstate(all="ignore"):
            whole = grad(f)(np.ones(2))

        def alone(w: Any, f: Any = f) -> Any:
            nonlocal x, kept
            x, kept, before = x[1:2], kept[1:2], (x, kept)
            try:
                return f(w)
            finally:
                x, kept = before

        np.testing.assert_allclose(whole, grad(alone)(np.ones(2)), rtol=1e-15)


def test_nan_of_the_value_stays_nan_in_the_gradient() -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(grad(lambda x: 0.0 * np.log(x))(0.0))
        found = grad(lambda x: np.sum(np.array([1.0, 0.0]) * np.log(x)))(np.array([1.0, 0.0]))
        assert found[0] == 1 and np.isnan(found[1])
        assert np.isnan(grad(lambda x: np.sum(x * np.nan) ** 2)(np.ones(2))).all()
        assert np.isnan(grad(lambda x: np.abs(x * np.nan))(1.0))
        assert np.isnan(grad(lambda v: np.log(np.sum(np.exp(v))))(np.array([800.0, 799.0]))).all()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.abs(x - 1)),
        lambda x: np.linalg.norm(x - 1),
        lambda x: np.var(x),
        lambda x: np.nanvar(x),
        lambda x: np.std(x),
    ],
    ids=["abs", "norm", "var", "nanvar", "std"],
)
def test_that_a_kink_or_a_minimum_counts_as_0_beats_no_infinite_slope(f: Callable[[Any], Any]) -> None:
    with np.errstate(all="ignore"):
        assert np.isnan(grad(lambda x: np.sqrt(f(x)))(np.ones(3))).all()
        assert np.isnan(jvp(lambda x: np.sqrt(f(x)), (np.ones(3),), (np.arange(3.0),))[1])


STEEP_AT_0 = [np.sqrt, np.cbrt, lambda x: x**0.5, lambda x: np.arcsin(1 - x), np.log, lambda x: 1 / x]


@pytest.mark.parametrize("f", STEEP_AT_0)
def test_a_kink_before_an_infinite_slope_is_nan_in_both_modes(f: Callable[[Any], Any]) -> None:
    """Not 0: √|x| at 0 has the slopes -∞ and ∞."""
    for size in (np.abs, lambda x: np.linalg.norm(x[None]), lambda x: np.hypot(x, 0.0 * x)):
        with np.errstate(all="ignore"):
            assert np.isnan(grad(lambda x, size=size: f(size(x)))(0.0))
            assert np.isnan(jvp(lambda x, size=size: f(size(x)), (0.0,), (1.0,))[1])
            assert np.isnan(jacobian(lambda x, size=size: f(size(x)) * np.ones(2))(0.0)).all()


def test_a_kink_beside_what_is_smooth_keeps_every_digit() -> None:
    def f(x: Any) -> Any:
        return 1e5 * np.abs(x) + 3.0 * x + np.where(x > 0, np.log(x), 0)

    with np.errstate(all="ignore"):
        assert grad(f)(0.0) == jvp(f, (0.0,), (1.0,))[1] == 3


def test_the_harmonic_mean_of_a_zero() -> None:
    def f(v: Any) -> Any:
        return 2 / np.sum(1 / v)

    with np.errstate(all="ignore"):
        assert grad(f)(np.array([0.0, 2.0])).tolist() == [2.0, 0.0]
        assert jacobian(lambda v: f(v) * np.ones(3))(np.array([0.0, 2.0])).tolist() == [[2.0, 0.0]] * 3


def test_second_derivatives_behind_a_mask_are_0() -> None:
    def entropy(p: Any) -> Any:
        return -np.sum(np.where(p > 0, p * np.log(p), 0))

    p = np.array([0.5, 0.5, 0.0])
    with np.errstate(all="ignore"):
        assert hessian(entropy)(p).tolist() == np.diag([-2.0, -2.0, 0.0]).tolist()
        assert grad(grad(lambda x: np.where(x > 0, np.log(x), 0)))(0.0) == 0
        assert grad(grad(grad(lambda x: np.where(x > 0, 1 / x, 0))))(0.0) == 0
        assert grad(grad(logistic))(-800.0) == 0
        assert mg.compile(hessian(entropy))(p).tolist() == np.diag([-2.0, -2.0, 0.0]).tolist()


def test_a_picture_shows_the_gradient_with_its_limits() -> None:
    x = Value(np.array([0.0, 2.0]), "x")
    with np.errstate(all="ignore"):
        drawing = mg.draw(np.sum(np.where(x.data > 0, np.log(x), 0)))
    assert "dy/dx = [0, 0.5]" in repr(drawing)


def arrows(y: Any) -> str:
    return to_svg(ops_view(survey(y), fold=False))


def test_an_arrow_shows_what_the_other_uses_leave_of_the_gradient() -> None:
    x = Value(np.array([0.0, 2.0]), "x")
    with np.errstate(all="ignore"):
        taken = np.where(x.data > 0, np.log(x), 0)
        once, more = np.sum(taken), np.sum(taken + 3 * x)
        both = np.sum(np.sqrt(x) * np.sqrt(x))  # √x · 1/√x twice, and nobody knows who passes back what
    assert "passes back [0, 0.5]" in arrows(once)
    assert "nan" not in arrows(once)
    assert "passes back [0, 0.5]" in arrows(more) and "passes back [3, 3]" in arrows(more)
    assert "passes back [nan, 0.5]" in arrows(both) and "[1, 1]" in arrows(both)


def test_explanations_and_gradients_at_other_points_have_limits() -> None:
    x = Value(np.array([0.0, 0.0, 2.0]), "x")
    with np.errstate(all="ignore"):
        y = np.sum(np.where(x.data > 0, np.log(x), 0))
    why = mg.explain(y, (x, 0), (x, 1))
    assert why.gradients == (0.0, 0.0) and why.equal
    assert loss_graph_of(y).gradient(np.array([0.0, 0.0, 2.0])).tolist() == [0.0, 0.0, 0.5]


def test_a_gradient_is_added_once_and_complete() -> None:
    w, b = Value(np.array([0.0, 2.0])), Value(1.0)
    w.grad = np.ones(2)
    with np.errstate(all="ignore"):
        np.sum(np.where(w.data > 0, np.log(w), 0) * b).backward()
    assert w.grad.tolist() == [1.0, 1.5] and b.grad == math.log(2)


def test_a_training_step_compiled_with_dropout_draws_once() -> None:
    """Compiled code that must give way to eager code leaves the generator as it found it."""

    def f(w: Any, rng: Any) -> Any:
        return np.sum(np.where(w > 0, np.log(w), 0) * rng.random(3))

    w = np.array([0.0, 1.0, 2.0])
    with np.errstate(all="ignore"):
        eager = [grad(f)(w, rng).tolist() for rng in [np.random.default_rng(3)] for _ in range(3)]
        compiled, rng = mg.compile(grad(f)), np.random.default_rng(3)
        assert [compiled(w, rng).tolist() for _ in range(3)] == eager
        assert compiled.traces == 1


def test_no_limit_is_sought_where_the_function_cannot_run_beside_the_point() -> None:
    """A custom op that refuses other numbers than those it was given."""

    def strict(x: Any) -> Any:
        if np.any(np.abs(x) > 0):
            raise ValueError("zeros only")
        return np.sqrt(x)

    f = mg.custom(strict, name="strict", vjp=lambda g, y, x: g * 0.5 / y)
    try:
        with np.errstate(all="ignore"):
            assert np.isnan(grad(lambda x: np.sum(f(x) * 0.0))(np.zeros(2))).all()
    finally:
        mg.forget(f)


def test_the_debugger_lets_pass_what_a_selection_hides() -> None:
    with np.errstate(all="ignore"), mg.debug():
        for f, x in (
            (lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0)), np.array([0.0, 2.0])),
            (lambda x: np.sum(np.sqrt(x[1:])), np.array([0.0, 2.0])),
        ):
            v = Value(x)
            f(v).backward()
            assert v.grad.tolist() == [0.0, 0.5 / math.sqrt(2)] == grad(f)(x).tolist()
        with pytest.raises(mg.errors.NonFinite, match="the derivative of sqrt is inf"):
            grad(lambda x: np.sqrt(x * x))(0.0)


def test_a_limit_is_sought_without_a_warning() -> None:
    x = Value([-1.0, 0.0, 4.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.sum(np.sqrt(np.maximum(x, 0))).backward()
    assert np.array_equal(x.grad, [0.0, np.inf, 0.25])


def test_nothing_is_recorded_and_no_mode_is_left() -> None:
    with np.errstate(all="ignore"), no_grad():
        assert grad(lambda x: np.where(x > 0, np.log(x), 0))(0.0) == 0
    y = Value(1.0) * 2
    assert y.has_gradient


# ---------------------------------------------------------------------------------------------- random functions

STEPS: dict[str, Callable[..., Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "1/x": lambda x: 1 / x,
    "tanh": np.tanh,
    "-x": lambda x: -x,
    "x²": lambda x: x * x,
    "x+1": lambda x: x + 1.0,
    "x-1": lambda x: x - 1.0,
    "arctan": np.arctan,
    "sin": np.sin,
    "arcsin": np.arcsin,
    "|x|": np.abs,
    "log1p": np.log1p,
    "expm1": np.expm1,
    "x³": lambda x: x**3,
    "x^1.5": lambda x: x**1.5,
    "where": lambda x: np.where(x > 0, x, 0.0),
    "maximum": lambda x: np.maximum(x, 0.0),
    "a*b": lambda a, b: a * b,
    "a+b": lambda a, b: a + b,
    "a-b": lambda a, b: a - b,
    "a/b": lambda a, b: a / b,
}
OF_TWO = {"a*b", "a+b", "a-b", "a/b"}
POINTS = (0.0, 1.0, -1.0, 2.0, -0.5, 40.0, 800.0, -800.0)


def random_function(draw: random.Random) -> tuple[Callable[[Any], Any], list[Any]]:
    """A function of two to five random steps, each of earlier results, and its text."""
    plan: list[Any] = []
    for n in range(1, draw.randint(3, 6)):
        name = draw.choice([*STEPS])
        places = [draw.randrange(max(0, n - 2), n) for _ in range(2 if name in OF_TWO else 1)]
        plan.append((name, places))

    def f(x: Any) -> Any:
        made = [x]
        for name, places in plan:
            made.append(STEPS[name](*[made[k] for k in places]))
        return made[-1]

    return f, plan


@pytest.mark.parametrize("seed", range(8))
def test_reverse_and_forward_agree_at_every_point_of_random_functions(seed: int) -> None:
    draw = random.Random(seed)
    with np.errstate(all="ignore"):
        for _ in range(60):
            f, plan = random_function(draw)
            for x in POINTS:
                if not np.isfinite(f(np.float64(x))):
                    continue
                reverse, forward = grad(f)(x), jvp(f, x, 1.0)[1]
                same = reverse == forward or abs(reverse - forward) <= 1e-6 * max(abs(reverse), abs(forward))
                lost = np.isnan(reverse) and np.isnan(forward)
                if any(name == "|x|" for name, _ in plan):  # the modes add its 0 before and after an infinite slope
                    lost = not np.isfinite(reverse) and not np.isfinite(forward)
                assert same or lost, (plan, x, reverse, forward)


def rows_of_the_page() -> list[tuple[str, str, str]]:
    page = (Path(__file__).parents[2] / "docs" / "nan-and-zero.md").read_text(encoding="utf-8")
    rows = [line.replace("\\|", "¦").split("|") for line in page.splitlines() if line.startswith("| `")]
    return [(row[1].strip().strip("`"), row[2].strip(), row[3].strip()) for row in rows]


@pytest.mark.parametrize("row", rows_of_the_page(), ids=lambda row: row[0])
def test_the_page_of_the_policy_is_right(row: tuple[str, str, str]) -> None:
    text, at, slope = row
    f = eval(f"lambda x: {text}", {"np": np})
    with np.errstate(all="ignore"):
        np.testing.assert_equal(float(grad(f)(float(at))), float(slope))
        np.testing.assert_equal(float(jvp(f, float(at), 1.0)[1]), float(slope))
