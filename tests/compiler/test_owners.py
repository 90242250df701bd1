"""Memory that the result of an unknown function may use, and the time that a plan takes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad
from minigrad.compiler import buffers, owners
from minigrad.compiler.passes import optimise
from minigrad.tracing.arguments import Describer
from minigrad.tracing.program import Program
from minigrad.tracing.tracer import trace_function

from .bits import check

X = np.linspace(0.5, 2.0, 8)


@pytest.fixture(scope="module")
def reverse() -> Iterator[Any]:
    """A function that returns a view of its argument, and says nothing of it."""

    def view(x: Any) -> Any:
        with np.errstate():  # so that it is not inlined
            return x[::-1]

    reverse = minigrad.custom(view, vjp=lambda g, y, x: view(g), name="reverse")
    yield reverse
    minigrad.forget(reverse)


def late(reverse: Any) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        view = reverse(np.sin(x))
        return [np.cos(np.exp(x) * 2.0) * 3.0, view + 1.0]

    return f


def through_two(reverse: Any) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        view = reverse(reverse(np.sin(x)))
        return [np.cos(np.exp(x) * 2.0) * 3.0, view + 1.0]

    return f


def beside(reverse: Any) -> Callable[..., Any]:
    def f(x: Any) -> Any:
        y = np.sin(x)
        return (y + reverse(y)) * 2.0

    return f


@pytest.mark.parametrize("program", [late, through_two, beside])
def test_memory_that_an_unknown_function_may_return_is_not_overwritten(reverse: Any, program: Any) -> None:
    f = program(reverse)
    compiled = check(f, [X], [X * 2])
    assert "reverse" in compiled.source
    check(minigrad.grad(lambda x: np.sum(np.concatenate(f(x)) if program is not beside else f(x))), [X], [X * 2])


def test_a_sum_is_not_written_over_an_operand_that_the_other_one_may_be_a_view_of(reverse: Any) -> None:
    """NumPy would copy first, but a loop over blocks, or a native one, does not."""
    program = program_of(beside(reverse), X)
    plan = buffers.plan_buffers(program, frozenset(), False)
    y, _, total = (step.out for step in program.steps[:3])
    assert plan.place[y] != plan.place[total]
    after = program_of(lambda x: reverse(np.sin(x)) + np.cos(x), X)  # made before, so no view of it
    assert [step.label for step in after.steps] == ["sin", "reverse", "cos", "+"]


# ------------------------------------------------------------------------------------------- linear time


def program_of(f: Callable[..., Any], *args: Any) -> Program:
    return optimise(trace_function(f, Describer(f, ()).describe(args, {})))


def lines_run(call: Callable[[], Any], package: str = "minigrad") -> int:
    """How many lines of Python the package runs: a measure that no load of the machine changes."""
    count = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        if package not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def rounds(n: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    def f(x: Any) -> Any:
        for _ in range(n):
            x = np.tanh(x * 1.5) - 0.1 * x
        return np.sum(x)

    return minigrad.value_and_grad(f), (X,)


def numbers(n: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    return rounds(n)[0], (np.float64(0.3),)


def solves(n: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A chain of functions whose results might be views of all before."""

    def f(x: Any) -> Any:
        for _ in range(n):
            x = np.linalg.solve(np.eye(2) * 2.0 + 0.0 * x[0], x)
        return np.sum(x)

    return minigrad.grad(f), (np.ones(2),)


def updates(n: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """Many results."""

    def loss(ws: Any, x: Any) -> Any:
        for w in ws:
            x = np.tanh(x * w)
        return np.sum(x)

    gradient = minigrad.grad(loss)
    return lambda ws, x: [w - 0.1 * g for w, g in zip(ws, gradient(ws, x), strict=True)], ([X] * n, X)


def wide(n: int) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """An op with many operands and, in its rule, many results."""
    return minigrad.grad(lambda x: np.sum(np.stack([x * float(i) for i in range(n)]) ** 2)), (np.float64(1.5),)


@pytest.mark.parametrize(
    "make", [wide, *(pytest.param(f, marks=pytest.mark.slow) for f in (rounds, numbers, solves, updates))]
)
def test_four_times_the_steps_take_four_times_the_work(make: Any) -> None:
    counts = []
    for n in (60, 240):
        f, args = make(n)
        f(*args)
        counts.append(lines_run(lambda f=f, args=args: minigrad.compile(f)(*args)))
    assert counts[1] < 4.4 * counts[0]


def test_many_gaps_are_not_searched_one_by_one() -> None:
    memory = buffers.Memory()
    starts = [memory.take(64 + 64 * (k % 3)) for k in range(10_000)]
    for start in starts[::2]:
        memory.put(start, 64)
    assert lines_run(lambda: memory.take(100)) < 20


def test_the_smallest_gap_is_taken_and_none_twice() -> None:
    memory = buffers.Memory()
    starts = [memory.take(size) for size in (512, 64, 64, 64, 128, 64)]
    assert starts == [0, 512, 576, 640, 704, 832] and memory.size == 896
    memory.put(0, 512), memory.put(576, 64), memory.put(704, 128)
    assert [memory.take(size) for size in (128, 64, 256, 256)] == [704, 576, 0, 256]
    assert memory.size == 896 and not memory.gaps


def test_gaps_that_touch_become_one_and_the_last_one_grows() -> None:
    memory = buffers.Memory()
    a, b, c = (memory.take(64) for _ in range(3))
    memory.put(a, 64), memory.put(c, 64), memory.put(b, 64)
    assert memory.gaps == [(192, 0)]
    assert memory.take(256) == 0 and memory.size == 256


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 5)), max_size=60))
def test_no_two_buffers_overlap(taken: list[tuple[int, int]]) -> None:
    """Each buffer lives for a number of turns."""
    memory, alive = buffers.Memory(), []
    for turn, (lines, turns) in enumerate(taken):
        for start, size, _ in [x for x in alive if x[2] <= turn]:
            memory.put(start, size)
        alive = [x for x in alive if x[2] > turn]
        size = 64 * lines
        start = memory.take(size)
        assert start + size <= memory.size
        assert all(start + size <= other or other + length <= start for other, length, _ in alive)
        alive.append((start, size, turn + 1 + turns))
        free = sum(length for length, _ in memory.gaps)
        assert free + sum(length for _, length, _ in alive) == memory.size


def test_an_unknown_function_keeps_its_operands_alone() -> None:
    """The sets of owners do not grow along a chain."""
    f, args = solves(50)
    program = program_of(f, *args)
    modes = {step.out: buffers.mode_of(program, step) for step in program.steps}
    found = owners.owners_of(program, modes)
    assert len(found.kept) >= 50
    assert max(map(len, (*found.of.values(), *found.kept.values()))) <= 4
