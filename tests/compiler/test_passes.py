"""Each pass alone: what it takes away, and that the program gives the same bits. Planted mistakes are caught."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiler.bits import assert_same, check

import minigrad
from minigrad.compiler import passes
from minigrad.compiler.blocking import IN_PYTHON, chains
from minigrad.compiler.buffers import plan_buffers, room
from minigrad.compiler.passes.algebra import simplify_algebra
from minigrad.compiler.passes.cse import merge_common_subexpressions
from minigrad.compiler.passes.dce import eliminate_dead_code
from minigrad.compiler.passes.fuse_broadcasts import fuse_broadcasts
from minigrad.compiler.passes.inline import inline_composites
from minigrad.compiler.passes.tanh_slope import reuse_tanh
from minigrad.tracing.arguments import Describer
from minigrad.tracing.program import Program, Ref, Step, run_program
from minigrad.tracing.tracer import trace_function

X = np.array([[0.5, -1.25, 2.0], [3.0, 0.75, -0.5]])
Y = np.array([[1.5, 0.25, -2.0], [0.1, 1.75, 0.5]])


def recorded(f: Callable[..., Any], *args: Any) -> Program:
    return trace_function(f, Describer(f, ()).describe(args, {}))


def labels(program: Program) -> list[str]:
    return [step.label for step in program.steps]


def improved(each: Callable[[Program], Program], f: Callable[..., Any], *args: Any) -> tuple[Program, Program]:
    """A program before and after a pass, which give the same bits as f."""
    before = recorded(f, *args)
    after = each(before)
    with np.errstate(all="ignore"):
        want = f(*args)
        assert_same(run_program(before, [*args]), want, "before")
        assert_same(run_program(after, [*args]), want, each.__name__)
    return before, after


def test_what_nobody_uses_is_not_computed() -> None:
    def f(x: Any) -> Any:
        return (np.exp(x), np.sin(x))[1]

    program = recorded(f, X)
    dead = Step(program.fresh(X), np.cos, (program.inputs[0],), {}, "cos")
    program.steps.append(dead)
    assert labels(eliminate_dead_code(program)) == ["sin"]


def test_rules_of_tangents_are_inlined_too() -> None:
    """The code of np.sum, which such a rule calls, handles errors; but a Value records it as one step."""

    def product(x: Any, v: Any) -> Any:
        return minigrad.hvp(lambda x: np.sum(np.sum(np.tanh(x @ x.T), axis=0) ** 2), x, v)

    before, after = improved(inline_composites, product, X, Y)
    assert {"d sum", "d transpose"} <= {*labels(before)}
    assert not [label for label in labels(after) if label.startswith("d ")]


def test_draws_that_nobody_uses_are_made_all_the_same() -> None:
    def f(x: Any, rng: Any) -> Any:
        rng.normal(size=3)
        return x * rng.random(3)

    assert labels(eliminate_dead_code(recorded(f, X, np.random.default_rng(0)))) == [
        "rng.normal",
        "rng.random",
        "*",
    ]


def test_the_same_call_is_made_once() -> None:
    _, after = improved(merge_common_subexpressions, lambda x, y: np.exp(x) * y + np.exp(x) * y, X, Y)
    assert labels(after) == ["exp", "*", "+"]


def test_constants_that_differ_in_sign_alone_are_two() -> None:
    """0.0 == -0.0, and 1 / them is inf and -inf."""
    _, after = improved(merge_common_subexpressions, lambda x: (np.copysign(x, 0.0), np.copysign(x, -0.0)), X)
    assert len(after.steps) == 2


def test_two_draws_are_two() -> None:
    def f(rng: Any) -> Any:
        return rng.random(3) + rng.random(3)

    assert labels(merge_common_subexpressions(recorded(f, np.random.default_rng(0)))) == [
        "rng.random",
        "rng.random",
        "+",
    ]


@pytest.mark.parametrize(
    ("f", "left"),
    [
        (lambda x: x * 1.0, []),
        (lambda x: 1 * x, []),
        (lambda x: x / 1, []),
        (lambda x: x - 0.0, []),
        (lambda x: np.negative(-x), []),
        (lambda x: x.T.T, []),
        (lambda x: np.flip(np.flip(x)), []),
        (lambda x: np.flipud(np.flipud(np.fliplr(np.fliplr(x)))), []),
        (lambda x: np.matrix_transpose(np.matrix_transpose(x)), []),
        (lambda x: np.flip(np.flip(x, 0), 0), ["flip", "flip"]),  # of one axis: the other call may name another
        (lambda x: np.conjugate(np.real(np.real_if_close(x))), []),
        (lambda x: np.atleast_1d(np.atleast_2d(x)), []),
        (lambda x: np.atleast_3d(x), ["atleast_3d"]),
        (lambda x: np.where(np.isreal(x), x + np.imag(x), 0.0), ["+", "where"]),
        (lambda x: np.reshape(x, (2, 3)), []),
        (lambda x: np.astype(x, np.float64), []),
        (lambda x: x**1, []),
        (lambda x: x * np.ones_like(x), []),
        (lambda x: x + 0.0, ["+"]),  # -0 + 0 is 0
        (lambda x: x * 0.0, ["*"]),  # of inf, nan
        (lambda x: x - -0.0, ["-"]),
        (lambda x: x.T, ["transpose"]),
    ],
)
def test_algebra_takes_away_what_changes_no_bit_and_nothing_else(f: Any, left: list[str]) -> None:
    x = np.array([[0.0, -0.0, np.inf], [-np.inf, np.nan, 1e-320]])
    _, after = improved(lambda p: eliminate_dead_code(simplify_algebra(p)), f, x)
    assert labels(after) == left


def test_a_rule_becomes_what_it_calls_and_shares_it_with_the_forward_pass() -> None:
    f = minigrad.value_and_grad(lambda x: np.sum(minigrad.softmax(x) * Y))
    before, after = improved(lambda p: merge_common_subexpressions(inline_composites(p)), f, X)
    assert "softmax" in labels(before) and "d softmax" in labels(before)
    assert not {"softmax", "d softmax"} & {*labels(after)}
    assert labels(after).count("exp") == 1


def test_what_looks_at_its_data_stays_closed() -> None:
    f = minigrad.grad(lambda x: np.sum(np.arcsinh(x)))
    assert "bounded" in labels(inline_composites(recorded(f, X)))  # it asks whether all is finite


def test_a_rule_that_gives_other_bits_on_values_stays_closed(monkeypatch: Any) -> None:
    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * x if type(x) is np.ndarray else g * (x + 1e-9)  # isinstance would not tell

    rule.__module__ = "minigrad.rules.elementwise"
    odd = minigrad.custom(lambda x: x * x, vjp=rule, name="odd")
    try:
        f = minigrad.grad(lambda x: np.sum(odd(x)))
        assert "d odd" in labels(inline_composites(recorded(f, X)))
        check(f, [X], [Y])
    finally:
        minigrad.forget(odd)


def test_broadcasting_is_left_to_the_step_that_reads_it() -> None:
    f = minigrad.grad(lambda x, y: np.sum(np.sum(x * x, axis=1) * y))
    before = inline_composites(recorded(f, X, Y[:, 0].copy()))
    after = eliminate_dead_code(fuse_broadcasts(before))
    assert labels(before).count("broadcast_to") > labels(after).count("broadcast_to")
    check(f, [X, Y[:, 0].copy()])


def test_a_product_of_matrices_needs_what_was_broadcast_for_it() -> None:
    square = np.array([[1.0, 2.0], [3.0, 4.0]])
    check(lambda x, y: np.matmul(np.broadcast_to(x, (2, 2)), y), [square[0].copy(), square])


def test_the_slope_of_tanh_reads_tanh() -> None:
    f = minigrad.grad(lambda x: np.sum(np.tanh(x)))
    program = reuse_tanh(inline_composites(recorded(f, X)))
    (slope,) = (step for step in program.steps if step.label == "sech²")
    assert len(slope.args) == 2


# ------------------------------------------------------------------------------------------------ buffers

ROOM = room(X.nbytes)
SATURATED = X * np.array([1.0, 20.0, 300.0])  # there the slope of tanh is computed from x


def slope(x: Any) -> Any:
    return minigrad.grad(lambda x: np.sum(np.tanh(x * 3.0)))(x)


def test_the_slope_of_tanh_is_written_over_tanh() -> None:
    program = passes.optimise(recorded(slope, SATURATED))
    assert plan_buffers(program, frozenset(), False).size == 2 * ROOM  # of x * 3; of tanh and its slope
    check(slope, [SATURATED], [X])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: (slope(x), np.tanh(x * 3.0)),
        lambda x: slope(x) + np.tanh(x * 3.0),
        lambda x: slope(x) @ np.tanh(x * 3.0).T,
    ],
)
def test_tanh_that_is_read_after_its_slope_is_kept(f: Any) -> None:
    check(f, [SATURATED], [X])


def test_an_operand_that_dies_is_overwritten() -> None:
    program = passes.optimise(recorded(lambda x: np.sin(np.exp(np.cos(x) + x)) * x, X))
    assert plan_buffers(program, frozenset(), False).size == ROOM


def test_an_operand_that_is_read_later_is_not_overwritten() -> None:
    def f(x: Any) -> Any:
        a = np.exp(x)
        b = np.sin(a)
        return np.cos(b) + a

    program = passes.optimise(recorded(f, X))
    assert plan_buffers(program, frozenset(), False).size == 2 * ROOM
    check(f, [X], [Y])


def test_a_view_keeps_its_buffer_from_being_reused() -> None:
    def f(x: Any) -> Any:
        a = np.exp(x)
        view = a.T
        b = np.sin(x) * 2.0
        return view @ b

    check(f, [X], [Y])


def test_results_that_are_views_of_one_another_are_separate_arrays() -> None:
    def f(x: Any) -> Any:
        a = np.exp(x)
        return a, a.T, a[0], a.reshape(-1), x, x.T, np.broadcast_to(a, (2, 2, 3)), a

    check(f, [X], [Y])


def test_chains_are_found_where_arrays_are_large() -> None:
    big = np.zeros(1 << 18)

    def f(x: Any) -> Any:
        return np.exp(np.sin(x) * 2.0) + x

    for x, count in ((big, 1), (X, 0)):
        program = passes.optimise(recorded(f, x))
        plan = plan_buffers(program, frozenset(), False)
        assert len(chains(program, plan.modes, IN_PYTHON, plan.kinds)) == count


SLOW = [pytest.param(n, marks=pytest.mark.slow) for n in (1 << 18, 300_007)]


@pytest.mark.parametrize("size", [(1 << 17) + 1, *SLOW])
def test_blocks_give_the_bits_of_whole_arrays(size: int) -> None:
    x = np.random.default_rng(0).normal(size=size)
    x[:9] = np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-310, 25.0, -25.0, 1e300

    def loss(x: Any, y: Any) -> Any:
        return np.sum(np.where(x > 0, np.sqrt(np.abs(x)), np.tanh(x * y)) / (1 + y * y) + np.maximum(x, y))

    check(minigrad.value_and_grad(loss, (0, 1)), [x, np.flip(x).copy()])
    check(lambda x, y: np.exp(np.tanh(x) * y + 1) > y, [x, np.flip(x).copy()])


# ---------------------------------------------------------------------------------------- planted mistakes


def multiplies_wrongly(program: Program) -> Program:
    """a * b becomes (a + a) * b / 2 ... in all but the last bit."""
    steps = [
        Step(s.out, _off, s.args, s.kwargs, s.label, s.backward) if s.function in (operator.mul, np.multiply) else s
        for s in program.steps
    ]
    return program.with_steps(steps)


def _off(a: Any, b: Any) -> Any:
    return np.nextafter(a * b, np.inf)


def drops_a_zero(program: Program) -> Program:
    """x + 0 as x."""
    names: dict[Ref, Any] = {s.out: s.args[0] for s in program.steps if s.label == "+" and s.args[1:] == (0.0,)}
    return eliminate_dead_code(program.with_steps(program.steps, names))


def merges_draws(program: Program) -> Program:
    draws = [s.out for s in program.steps if s.draws]
    return program.with_steps(
        [s for s in program.steps if s.out not in draws[1:]], dict.fromkeys(draws[1:], draws[0])
    )


@pytest.mark.parametrize(
    ("mistake", "f", "args"),
    [
        (multiplies_wrongly, lambda x: x * X, [X]),
        (drops_a_zero, lambda x: x + 0.0, [np.array([-0.0, 1.0])]),
        (merges_draws, lambda rng: (rng.random(), rng.random()), [np.random.default_rng(0)]),
    ],
)
def test_a_pass_that_changes_a_bit_is_caught(monkeypatch: Any, mistake: Any, f: Any, args: Any) -> None:
    monkeypatch.setattr(passes, "PASSES", (*passes.PASSES, mistake))
    with pytest.raises(AssertionError):
        for rng in [x for x in args if isinstance(x, np.random.Generator)] or [None]:
            if rng is None:
                check(f, args)
            else:
                one, two = np.random.default_rng(3), np.random.default_rng(3)
                assert_same(minigrad.compile(f)(one), f(two), "draws")


def test_a_plan_that_frees_a_buffer_too_early_is_caught(monkeypatch: Any) -> None:
    from minigrad.compiler import buffers

    def careless(program: Any, owners: Any) -> Any:
        last = {}
        for i, step in enumerate(program.steps):
            last.update(dict.fromkeys(owners.get(step.out), i))
        return last

    monkeypatch.setattr(buffers, "last_uses", careless)

    def f(x: Any) -> Any:
        a = np.exp(x)
        b = np.sin(x) * x
        return (np.cos(b) + a) * 2.0

    with pytest.raises(AssertionError):
        check(f, [X], [Y])
