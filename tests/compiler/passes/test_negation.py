"""Negations move into sums and through products, and operands into one order, without changing a bit."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad.compiler.passes import eliminate_dead_code, merge_common_subexpressions
from minigrad.compiler.passes import negation as module
from minigrad.compiler.passes.negation import absorb_negations, sort_operands
from minigrad.tracing.arguments import Describer
from minigrad.tracing.program import Program, run_program, same_bits
from minigrad.tracing.tracer import trace_function

EDGES = np.array([0.0, -0.0, 1.0, -1.0, 2.5, np.inf, -np.inf, np.nan, 1e308])
SUMS: dict[str, tuple[Callable[..., Any], int]] = {
    "a + (-b)": (lambda a, b: a + (-b), 0),
    "(-a) + b": (lambda a, b: (-a) + b, 0),
    "(-a) + (-b)": (lambda a, b: (-a) + (-b), 1),
    "a - (-b)": (lambda a, b: a - (-b), 0),
    "(-a) - b": (lambda a, b: (-a) - b, 1),
    "(-a) - (-b)": (lambda a, b: (-a) - (-b), 0),
    "a + (-b) c": (lambda a, b: a + (-b) * 2.0, 0),
    "a - (-b) / c": (lambda a, b: a - (-b) / 3.0, 0),
    "(-a) (-b)": (lambda a, b: (-a) * (-b) + a, 0),
    "tanh(-a)": (lambda a, b: np.tanh(-a) + b, 1),
    "-a twice": (lambda a, b: np.exp(-a) + (b + (-a)), 1),
    "given back": (lambda a, b: (-a, b + (-a)), 1),
}


def recorded(f: Callable[..., Any], *args: Any) -> Program:
    return trace_function(f, Describer(f, ()).describe(args, {}))


def negations(program: Program) -> int:
    return sum(step.function is np.negative for step in program.steps)


def assert_same_bits(a: Any, b: Any) -> None:
    for x, y in zip(np.atleast_1d(a), np.atleast_1d(b), strict=True):
        assert same_bits(x, y)


@pytest.mark.parametrize("name", SUMS)
def test_a_negation_goes_where_it_changes_nothing_zeros_included(name: str) -> None:
    f, left = SUMS[name]
    a, b = (np.array(x) for x in zip(*itertools.product(EDGES, EDGES), strict=True))
    before = recorded(f, a, b)
    after = eliminate_dead_code(absorb_negations(before))
    assert negations(after) == left
    with np.errstate(all="ignore"):
        assert_same_bits(run_program(after, [a, b]), run_program(before, [a, b]))


def test_a_sign_that_would_lose_a_zero_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """(-a) + (-b) is not -(a + b) where a + b is 0: the comparison above sees it."""
    a = np.array([1.0])
    before = recorded(lambda a, b: (-a) + (-b), a, -a)
    assert not same_bits(run_program(before, [a, -a]), -(a + -a))


def test_a_small_operand_is_not_negated_after_it_was_spread() -> None:
    row, table = np.ones(3), np.ones((50, 3))
    program = absorb_negations(recorded(lambda x, y: np.tanh((-x) * y), row, table))
    assert [np.size(program.samples[s.out]) for s in program.steps if s.function is np.negative] == [3]


def test_one_negation_does_not_become_many() -> None:
    def f(a: Any, b: Any) -> Any:
        c = -a
        return [np.tanh(c * (b + k)) for k in range(5)]

    assert negations(absorb_negations(recorded(f, np.ones(3), np.ones(3)))) == 1


@pytest.mark.parametrize(
    ("f", "steps"),
    [
        (lambda a, b: (a + b) * (b + a), 2),
        (lambda a, b: a * 2.0 + 2.0 * a, 2),
        (lambda a, b: (a - b) * (b - a), 3),
    ],
)
def test_the_other_order_of_a_sum_or_product_is_found_to_be_the_same(f: Callable[..., Any], steps: int) -> None:
    a, b = np.arange(3.0), np.ones(3)
    program = merge_common_subexpressions(sort_operands(recorded(f, a, b)))
    assert len(program.steps) == steps
    assert_same_bits(run_program(program, [a, b]), f(a, b))


def test_operands_of_other_layouts_keep_their_places() -> None:
    """The layout of a sum is that of its first operand where they differ."""
    a, b = np.ones((3, 4)), np.ones((4, 3)).T
    program = recorded(lambda a, b: (b + 0.0) + a, a, b)
    assert [step.args for step in sort_operands(program).steps] == [step.args for step in program.steps]
    assert module._alike(a, a) and not module._alike(a, b)
