"""The strategies: that they draw what they promise, all of it, and shrink to the smallest example that fails."""

from __future__ import annotations

import ast
import math
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import hypothesis
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad
from minigrad.check.diagnosis.report import GradientMismatch
from minigrad.check.gradients import check_grads
from minigrad.check.testing import strategies
from minigrad.check.testing.op_calls import OpCall
from minigrad.check.testing.op_sampling import CLEARANCE, random_calls
from minigrad.check.testing.programs import SourceProgram, _templates
from minigrad.check.testing.strategies import (
    broadcastable_arrays,
    broadcastable_shapes,
    kink_arrays,
    magnitudes,
    op_calls,
    programs,
    shapes,
    smooth_arrays,
)
from minigrad.engine.op import TABLE
from minigrad.engine.sampling import DISTINCT, NONZERO, POSITIVE, REAL, UNEVEN, UNIT, Domain

FIXED = settings(derandomize=True, database=None, deadline=None, suppress_health_check=[*hypothesis.HealthCheck])


def drawn(strategy: st.SearchStrategy[Any], count: int = 100) -> list[Any]:
    """So many examples, the same ones every time."""
    found: list[Any] = []

    @settings(FIXED, max_examples=count, phases=[hypothesis.Phase.generate])
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found


def smallest(strategy: st.SearchStrategy[Any], condition: Callable[[Any], bool]) -> Any:
    return hypothesis.find(strategy, condition, settings=settings(FIXED, max_examples=2000))


# ----------------------------------------------------------------------------------------- arrays and shapes


@pytest.mark.parametrize("domain", [REAL, POSITIVE, NONZERO, UNIT, UNEVEN, DISTINCT], ids=lambda d: d.name)
@given(data=st.data())
def test_smooth_arrays_stay_in_the_domain_and_away_from_its_kinks(domain: Domain, data: st.DataObject) -> None:
    x = np.ravel(data.draw(smooth_arrays(domain)))
    assert x.dtype == np.float64
    assert np.all((domain.low <= x) & (x <= domain.high))
    # What a number may be moved by, to be less round, is a fifth of a step.
    nearest = CLEARANCE - 0.2 * (domain.high - domain.low) / 40
    assert all(np.abs(x - kink).min() >= nearest for kink in domain.avoid)
    if domain.distinct:
        assert np.diff(np.sort(x)).min(initial=np.inf) > 0.05


@given(smooth_arrays(low=0.0, high=1e-6, kinks=[5e-7]))
def test_a_short_interval_has_smooth_numbers_too(x: Any) -> None:
    x = np.ravel(x)
    assert np.all((x >= 0) & (x <= 1e-6) & (np.abs(x - 5e-7) > 4e-8))


def test_an_interval_that_is_all_kinks_is_refused_in_words() -> None:
    everywhere = [k / 100 for k in range(101)]
    with pytest.raises(ValueError, match=r"nothing in \[0.0, 1.0\] lies 0.05 away from"):
        smallest(smooth_arrays(low=0.0, high=1.0, kinks=everywhere), lambda x: True)


@given(smooth_arrays(shape=(2, 0, 3)), smooth_arrays(shape=st.just((4,))))
def test_the_shape_may_be_given_as_one_or_as_a_strategy(a: Any, b: Any) -> None:
    assert a.shape == (2, 0, 3) and b.shape == (4,)


@given(kink_arrays(kinks=[-1.0, 2.0]))
def test_kink_arrays_have_an_entry_exactly_at_a_kink(x: Any) -> None:
    assert np.isin(x, [-1.0, 2.0]).any()


@given(kink_arrays(DISTINCT))
def test_where_ties_are_kinks_two_entries_are_equal(x: Any) -> None:
    assert np.size(x) > np.size(np.unique(x))


def test_kink_arrays_also_have_smooth_entries_and_more_than_one_at_the_kink() -> None:
    examples = drawn(kink_arrays())
    assert any(0 < np.sum(x == 0) < np.size(x) for x in examples)
    assert any(np.sum(x == 0) > 1 for x in examples)


def test_a_domain_without_kinks_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"the domain positive has no kink"):
        smallest(kink_arrays(POSITIVE), lambda x: True)


def test_magnitudes_reach_every_decade_with_both_signs() -> None:
    x = np.concatenate([np.ravel(x) for x in drawn(magnitudes(), 300)])
    assert np.all((np.abs(x) >= 1e-8) & (np.abs(x) <= 1e8))
    counts, _ = np.histogram(np.log10(np.abs(x)), bins=np.arange(-8, 9))
    assert counts.min() > 0.25 * counts.sum() / len(counts), "log-uniform, roughly"
    assert 0.2 < np.mean(x < 0) < 0.8


@given(magnitudes((2, 3), shape=(5,)))
def test_magnitudes_of_other_decades(x: Any) -> None:
    assert x.shape == (5,) and np.all((np.abs(x) >= 100) & (np.abs(x) <= 1000))


@given(broadcastable_shapes(3), broadcastable_arrays(REAL, POSITIVE))
def test_broadcastable_shapes_and_arrays_broadcast(many: Any, arrays: Any) -> None:
    assert len(many) == 3 and np.broadcast_shapes(*many) is not None
    assert len(arrays) == 2 and np.all(arrays[1] > 0) and np.broadcast(*arrays) is not None


def test_broadcastable_shapes_differ_in_dimensions_and_in_sides_of_1() -> None:
    examples = drawn(broadcastable_shapes())
    assert any(len(a) != len(b) for a, b in examples)
    assert any(len(a) == len(b) and a != b and 1 in (*a, *b) for a, b in examples)


def test_shapes_reach_all_sides_asked_for_and_none_else() -> None:
    examples = drawn(shapes(max_dims=2, max_side=4, min_side=0))
    assert {side for shape in examples for side in shape} == {0, 1, 2, 3, 4}
    assert {len(shape) for shape in examples} == {0, 1, 2}


# -------------------------------------------------------------------------------------- calls and programs


@pytest.mark.parametrize("function", [np.matmul, np.sum, np.stack, minigrad.softmax, np.einsum])
def test_a_call_is_a_function_of_its_inputs_and_prints_as_code(function: Any) -> None:
    for call in drawn(op_calls(function), 20):
        y = call(*call.args)
        text = repr(call)
        assert text.startswith(("np.", "minigrad.")) and function.__name__ in text
        ast.parse(text, mode="eval")
        if function is not np.einsum:  # whose subscripts come first
            again = eval(text, {"np": np, "minigrad": minigrad})
            np.testing.assert_array_equal(again, y)


def test_a_function_without_a_row_is_named() -> None:
    with pytest.raises(KeyError, match="fix has no row in the table"):
        smallest(op_calls(np.fix), lambda call: True)


def test_the_same_calls_come_from_a_random_generator() -> None:
    first, again = (random_calls(TABLE[np.matmul], 5) for _ in range(2))
    assert list(map(repr, first)) == list(map(repr, again))
    assert len(set(map(repr, first))) == 5


@given(programs())
def test_a_printed_program_runs_and_is_the_program(program: SourceProgram) -> None:
    space: dict[str, Any] = {}
    exec(repr(program), space)
    f, args = program
    y = f(*args)
    np.testing.assert_array_equal(space["f"](*space["args"]), y)
    np.testing.assert_array_equal(program(*args), y)
    copied = pickle.loads(pickle.dumps(program))
    assert copied.source == program.source
    np.testing.assert_array_equal(copied(*copied.args), y)
    assert np.all(np.isfinite(y)) and np.size(y)


def operands(line: str) -> list[str]:
    return re.findall(r"\b(?:v\d+|[xyz])\b", line.split(" = ")[-1].removeprefix("return"))


@given(programs())
def test_every_argument_and_every_line_of_a_program_is_used(program: SourceProgram) -> None:
    head, *lines = program.source.splitlines()
    made = [line.split(" = ")[0].strip() for line in lines[:-1]] + operands(head.split("(")[1])
    assert set(made) == {name for line in lines for name in operands(line)}


@given(programs(most=4, scalar=True))
def test_a_scalar_program_gives_one_number(program: SourceProgram) -> None:
    assert np.ndim(program(*program.args)) == 0
    assert len(program.source.splitlines()) <= 1 + 4 + 1


def test_programs_share_nodes_grow_deep_and_use_many_ops() -> None:
    examples = drawn(programs(), 120)
    uses = [[name for line in p.source.splitlines()[1:] for name in operands(line)] for p in examples]
    shared = [max(map(names.count, names)) > 1 for names in uses]
    assert np.mean(shared) > 0.3
    assert max(len(p.source.splitlines()) for p in examples) >= 8
    assert len({name for p in examples for name in re.findall(r"(?:np|minigrad)\.\w+", p.source)}) > 30
    assert {np.ndim(p(*p.args)) for p in examples} >= {0, 1, 2}


def test_an_op_of_ones_own_without_a_public_name_is_left_out() -> None:
    own = minigrad.custom(lambda x: 2 * x, vjp=lambda g, y, x: 2 * g, name="doubled_for_a_test")
    try:
        assert "doubled" not in str(_templates())
        assert "np.tanh({})" in str(_templates())
    finally:
        minigrad.forget(own)


# ------------------------------------------------------------------------------------------------ shrinking


def shrunk(strategy: st.SearchStrategy[Any], check: Callable[[Any], Any]) -> Any:
    """What hypothesis reports of a check that fails somewhere: the last example that it runs."""
    last: list[Any] = []

    @settings(FIXED, max_examples=1000, phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink])
    @given(strategy)
    def test(example: Any) -> None:
        try:
            check(example)
        except GradientMismatch:
            last.append(example)
            raise

    with pytest.raises(GradientMismatch):
        test()
    return last[-1]


def planted(function: Any, **wrong: Any) -> Any:
    return patch.dict(TABLE, {function: replace(TABLE[function], **wrong)})


def doubled(rule: Any) -> Any:
    return lambda g, y, x, **params: 2 * rule(g, y, x, **params)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "wrong", "line"),
    [
        (np.tanh, (lambda g, y, x: g * (1 + y * y),), "return np.tanh(x)"),
        (np.exp, (lambda g, y, x: -g * y,), "return np.exp(x)"),
        pytest.param(
            *(np.arctan2, TABLE[np.arctan2].vjps[::-1], "return np.arctan2(y, x)"), marks=pytest.mark.slow
        ),
        (np.sum, (doubled(TABLE[np.sum].vjps[0]),), "return np.sum(x)"),
    ],
    ids=["tanh", "exp", "operands swapped", "sum"],
)
def test_a_wrong_rule_shrinks_to_one_op_of_one_number(function: Any, wrong: Any, line: str) -> None:

    def check(program: SourceProgram) -> None:
        # Without the op nothing is wrong, and a check takes its time.
        if f"np.{function.__name__}(" in program.source:
            check_grads(program, program.args, modes="rev")

    with planted(function, vjps=wrong):
        program = shrunk(programs(), check)
    lines = program.source.splitlines()[1:]
    # An input that is made of a drawn one is as small as another that is drawn.
    name = line.partition("(")[0]
    assert lines == [f"    {line}"] or (len(lines) == 2 and lines[-1].startswith(f"    {name}("))
    most = 3 if "," in line else 1  # shapes of two inputs shrink together, and not always all the way
    assert all(np.size(x) <= most for x in program.args), program


def repeats(program: SourceProgram) -> bool:
    return any(len(names) > len(set(names)) for names in map(operands, program.source.splitlines()[1:]))


def test_a_mistake_that_needs_a_value_used_twice_shrinks_to_that() -> None:
    """An engine that loses one of two equal contributions."""

    def check(program: SourceProgram) -> None:
        def pulled(g: Any, *args: Any) -> Any:
            found = minigrad.vjp(program.f, *args)[1](g)
            return tuple(part / 2 for part in found) if isinstance(found, tuple) else found / 2

        if repeats(program):
            check_grads(program, program.args, vjp=pulled)

    program = shrunk(programs(), check)
    assert repeats(program) and len(program.source.splitlines()) == 2, program
    assert all(np.size(x) == 1 for x in program.args)


def test_a_wrong_rule_shrinks_to_the_smallest_call_of_the_op() -> None:
    left, right = TABLE[np.matmul].vjps
    with planted(np.matmul, vjps=(lambda g, y, a, b: -left(g, y, a, b), right)):  # type: ignore[misc]
        call = shrunk(op_calls(np.matmul), lambda call: check_grads(call, call.args, modes="rev"))
    assert isinstance(call, OpCall)
    assert all(np.size(x) == 1 for x in call.inputs), call


@settings(FIXED, max_examples=15)
@given(programs())
def test_programs_are_differentiated_rightly(program: SourceProgram) -> None:
    """So far from kinks, and of such sizes, that a check never has to leave it open."""
    assert check_grads(program, program.args).verdict == "agree"


def test_a_mistake_beyond_a_size_shrinks_to_that_size() -> None:
    x = smallest(magnitudes(), lambda x: bool(np.any(np.abs(x) > 1e4)))
    assert np.size(x) == 1 and 1e4 < x < 1.03e4


def test_a_mistake_at_a_kink_shrinks_to_one_entry() -> None:
    x = smallest(kink_arrays(kinks=[0.5]), lambda x: bool(np.any(x == 0.5)))
    assert x == 0.5 and np.ndim(x) == 0


# ------------------------------------------------------------------- mistakes at ties, which kink_arrays() finds


def rows(x: Any) -> tuple[Any, Any]:
    """Two arrays of one shape: the first and the last row."""
    x = np.atleast_1d(x)
    return x[0], x[-1]


def winners(x: Any) -> Any:
    return 1.0 * (x == np.max(x))


def isotropic(x: Any) -> Any:
    """Total variation by the length of each difference, of an array as a row of pairs."""
    x = np.resize(x, (np.size(x) + 1, 2))
    return np.sum(np.sqrt(np.sum(np.diff(x, axis=0) ** 2, axis=1)))


def on_flat(x: Any, sign: Callable[[Any], Any], double: float = 1.0) -> Any:
    """The gradient of the total variation of a row."""
    d, found = np.diff(np.ravel(x)), np.zeros(np.size(x))
    found[1:] += sign(d) * np.where(d == 0, double, 1.0)
    found[:-1] -= sign(d)
    return found.reshape(np.shape(x))


def side(d: Any) -> Any:
    return np.where(d >= 0, 1.0, -1.0)


def top(x: Any, k: int = 2) -> Any:
    return np.sum(np.sort(np.ravel(x))[-k:])


AT_TIES: dict[str, tuple[Callable[..., Any], dict[str, Callable[..., Any]]]] = {
    "max, every winner": (np.max, {"grad": winners}),
    "max, no winner": (np.max, {"grad": lambda x: winners(x) * (winners(x).sum() == 1)}),
    "norm, ones at 0": (
        lambda x: np.sqrt(np.sum(x * x)),
        {"grad": lambda x: x / np.sqrt(np.sum(x * x)) if np.any(x) else np.ones(np.shape(x))},
    ),
    "maximum, both": (
        lambda x: np.maximum(*rows(x)),
        {"vjp": lambda g, x: scatter(x, g * (rows(x)[0] >= rows(x)[1]), g * (rows(x)[1] >= rows(x)[0]))},
    ),
    "total variation, a neighbour twice": (
        lambda x: np.sum(np.abs(np.diff(np.ravel(x)))),
        {"grad": lambda x: on_flat(x, side, 0.0)},
    ),
    "top two, all that are as large": (
        top,
        {"grad": lambda x: 1.0 * (x >= np.sort(np.ravel(x))[max(-2, -np.size(x))])},
    ),
    "max-pool, every winner": (
        lambda x: np.max(np.atleast_1d(x), axis=0),
        {"vjp": lambda g, x: np.reshape(g * (np.atleast_1d(x) == np.max(np.atleast_1d(x), axis=0)), np.shape(x))},
    ),
    "distance, without a sign": (
        lambda x: np.sum(np.abs(np.subtract(*rows(x)))),
        {"grad": lambda x: scatter(x, side(np.subtract(*rows(x))), side(np.subtract(*rows(x)[::-1])))},
    ),
    "hinges, not counted at the margin": (
        lambda x: np.sum(np.maximum(0.0, np.ravel(x) - np.ravel(x)[0])),
        {"grad": lambda x: hinges(np.ravel(x)).reshape(np.shape(x))},
    ),
    "sort, every one that ties": (
        lambda x: np.sort(np.ravel(x)),
        {"vjp": lambda g, x: (np.equal.outer(np.ravel(x), np.sort(np.ravel(x))) @ g).reshape(np.shape(x))},
    ),
    "median, every one that ties": (
        lambda x: np.sort(np.ravel(x))[np.size(x) // 2],
        {"grad": lambda x: 1.0 * (x == np.sort(np.ravel(x))[np.size(x) // 2])},
    ),
    "relu of a sum, on for one input": (
        lambda x: np.maximum(np.sum(x), 0.0),
        {"grad": lambda x: first_on(x)},
    ),
}


def scatter(x: Any, first: Any, last: Any) -> Any:
    """The gradient of the first and the last row, as that of the array."""
    found = np.zeros(np.shape(np.atleast_1d(x)))
    found[0] += first
    found[-1] += last
    return found.reshape(np.shape(x))


def hinges(x: Any) -> Any:
    found = 1.0 * (x >= x[0])
    found[0] = -np.sum(x > x[0])
    return found


def first_on(x: Any) -> Any:
    found = np.full(np.shape(x), 1.0 * (np.sum(x) > 0))
    found.flat[0] = 1.0 * (np.sum(x) >= 0)
    return found


BY_ENTRY = {"sort, every one that ties"}  # its weights are random: some entry lies outside of its own two slopes


@pytest.mark.parametrize("name", AT_TIES)
def test_kink_arrays_find_what_is_wrong_at_ties(name: str) -> None:
    """Within the number of examples that hypothesis tries by default."""
    f, claims = AT_TIES[name]

    @settings(FIXED, max_examples=100, phases=[hypothesis.Phase.generate])
    @given(kink_arrays())
    def test(x: Any) -> None:
        hypothesis.assume(len(np.atleast_1d(x)) > 1)
        check_grads(f, x, allow_unresolved=True, **claims)

    with pytest.raises(GradientMismatch, match="wrong in" if name in BY_ENTRY else "no subgradient"):
        test()


# ------------------------------------------------------------------------------------------------- the room


def test_all_strategies_have_docstrings_that_begin_with_a_line() -> None:
    for name in strategies.__all__:
        text = getattr(strategies, name).__doc__
        assert text and len(text.splitlines()[0]) > 15, name


def test_sizes_stay_small() -> None:
    """A check costs evaluations per entry: strategies are for many small examples."""
    assert max(math.prod(shape) for shape in drawn(shapes())) <= 27
    assert max(np.size(p(*p.args)) for p in drawn(programs(), 100)) <= 64
