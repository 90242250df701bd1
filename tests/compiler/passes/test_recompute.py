"""Small arrays are computed a second time in the sweep: the same bits in less memory, and nothing else twice."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiler.bits import check
from compiler.test_random_graphs import PLANS, SHAPES, Plan, grown, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.compiler import passes
from minigrad.compiler.passes import recompute
from minigrad.compiler.passes.recompute import recompute_small
from minigrad.tracing.arguments import Describer
from minigrad.tracing.program import Program, operands
from minigrad.tracing.tracer import trace_function

RNG = np.random.default_rng(0)
X, W, FACTOR = RNG.normal(size=(30, 4, 3)), 0.3 * RNG.normal(size=(3, 3)), RNG.normal(size=(4, 3))


@pytest.fixture
def everywhere(monkeypatch: Any) -> None:
    """Small programs too, and whatever they gain."""
    monkeypatch.setattr(recompute, "MANY", 0)
    monkeypatch.setattr(recompute, "GAIN", np.inf)


def recurrent(w: Any, x: Any) -> Any:
    h = np.tanh(x[0] @ w)
    for row in x[1:]:
        h = np.tanh(row + h @ w)
    return np.sum(h * h)


def before_and_after(f: Callable[..., Any], *args: Any) -> tuple[Program, Program]:
    """A program before the pass, and after it."""
    program = trace_function(f, Describer(f, ()).describe(args, {}))
    for each in passes.PASSES[: passes.PASSES.index(recompute_small)]:
        program = each(program)
    return program, recompute_small(program)


def added(before: Program, after: Program) -> Counter[str]:
    """The labels of the steps that run twice."""
    known = {step.out for step in before.steps}
    return Counter(step.label for step in after.steps if step.out not in known)


def kept(program: Program, *of: str) -> int:
    """How many variables with these labels the sweep reads that were made before it."""
    start = next(i for i, step in enumerate(program.steps) if step.backward)
    made = {step.out for step in program.steps[:start] if step.label in of}
    return len(made & {x for step in program.steps[start:] for x in operands(step)})


def peak(program: Program) -> int:
    modes = {step.out: recompute.mode_of(program, step) for step in program.steps}
    return recompute._peak(program, recompute.owners_of(program, modes))


def test_a_recurrent_network_keeps_few_states(monkeypatch: Any) -> None:
    monkeypatch.setattr(recompute, "MANY", 20 * X[0].nbytes)
    f = minigrad.value_and_grad(recurrent)
    before, after = before_and_after(f, W, X)
    chain = ("tanh", "+", "@")
    assert kept(before, *chain) == 2 * len(X) == 5 * kept(after, *chain)
    assert peak(after) < 0.3 * peak(before)
    twice = added(before, after)
    assert 10 < twice["tanh"] < len(X) and set(twice) == set(chain)
    check(f, [W, X], [2 * W, X], what="recurrent")


@pytest.mark.parametrize(
    ("name", "limit"), [("MANY", 1 << 20), ("SMALL", X[0].nbytes - 1), ("GAIN", 0.0), ("IN_A_ROW", 0)]
)
def test_where_it_would_not_pay_nothing_runs_twice(
    everywhere: None, monkeypatch: Any, name: str, limit: int
) -> None:
    monkeypatch.setattr(recompute, name, limit)
    before, after = before_and_after(minigrad.grad(recurrent), W, X)
    assert after.steps == before.steps


def test_long_products_run_once(everywhere: None, monkeypatch: Any) -> None:
    f = minigrad.grad(recurrent)
    before, after = before_and_after(f, W, X)
    assert added(before, after)["@"]
    monkeypatch.setattr(recompute, "ADDED", 2)
    before, after = before_and_after(f, W, X)
    assert "@" not in added(before, after) and "tanh" in added(before, after)


def test_draws_and_sums_run_once(everywhere: None) -> None:
    def f(x: Any, rng: Any) -> Any:
        y = np.exp(x * rng.normal(size=x.shape))
        return np.sum(np.sin(y) * np.exp(np.sum(y, axis=0)))

    before, after = before_and_after(minigrad.grad(f), FACTOR, np.random.default_rng(0))
    twice = added(before, after)
    assert twice["exp"] == 1 and not {"rng.normal", "sum"} & set(twice)
    got = minigrad.compile(minigrad.grad(f))(FACTOR, np.random.default_rng(0))
    assert np.array_equal(got, minigrad.grad(f)(FACTOR, np.random.default_rng(0)))


def test_a_returned_array_is_computed_once(everywhere: None) -> None:
    """Its memory is needed to the end anyway."""

    def f(x: Any) -> Any:
        y, back = minigrad.vjp(np.exp, x)
        return y.T, back(x)

    before, after = before_and_after(f, FACTOR)
    assert "exp" not in added(before, after)
    check(f, [FACTOR], what="a view of what the sweep reads")


def test_an_array_and_its_view_stay_one(everywhere: None) -> None:
    """BLAS multiplies a matrix with its own transpose by another routine: the sweep reads both from one array."""
    x = RNG.normal(size=(37, 50))

    def f(x: Any) -> Any:
        y = np.exp(x)
        return np.sum(np.tanh(y @ y.T)) + np.sum(np.sin(y.T))

    before, after = before_and_after(minigrad.grad(f), x)
    assert kept(before, "transpose", "exp") == 2 and kept(after, "transpose", "exp") == 0
    check(minigrad.grad(f), [x], what="y @ y.T")


def test_a_warning_is_given_once(everywhere: None) -> None:
    def f(x: Any) -> Any:
        positive = minigrad.stop_gradient(np.sqrt(x)) > 0
        return np.sum(np.where(positive, np.sin(x), x))

    before, after = before_and_after(minigrad.value_and_grad(f), FACTOR)
    assert added(before, after)["sqrt"]
    found = []
    compiled = minigrad.compile(minigrad.value_and_grad(f))
    for g in (minigrad.value_and_grad(f), compiled, compiled):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            g(FACTOR)
        found.append([str(w.message) for w in caught])
    assert found[0] == found[1] == found[2] and any("sqrt" in text for text in found[0])


def test_a_donated_argument_is_read_before_it_is_overwritten(everywhere: None) -> None:
    def step(w: Any, x: Any) -> Any:
        value, g = minigrad.value_and_grad(recurrent)(w, x)
        return value, w - 0.1 * g

    compiled, ours, want = minigrad.compile(step, donate="w"), W.copy(), W.copy()
    for _ in range(3):
        a, ours = compiled(ours, X)
        b, want = step(want, X)
        assert a == b and np.array_equal(ours, want)


@given(PLANS, SHAPES, SHAPES, st.sampled_from("CF"), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_random_graphs_give_the_bits_of_eager_code(
    plan: Plan, shape: Any, other: Any, order: str, row: int
) -> None:
    def loss(x: Any, y: Any) -> Any:
        return sum(np.sum(np.cos(v)) for v in grown(plan, [x, y])[-6:])

    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("MANY", 0), ("GAIN", np.inf), ("IN_A_ROW", row)):
            patch.setattr(recompute, name, value)
        f = minigrad.value_and_grad(loss, (0, 1))
        check(f, *([numbers(shape, k, order), numbers(other, k + 9, "C")] for k in (0, 1)))
