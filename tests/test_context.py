"""What holds for a block of code holds there alone: in this thread, in this task, until its end."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from minigrad import Value, context, errors
from minigrad.context import is_tracing as tracing
from minigrad.context import trace


def test_tracing_holds_inside_the_block_alone() -> None:
    assert not tracing()
    with trace():
        assert tracing()
    assert not tracing()


def test_tracing_nests() -> None:
    with trace():
        with trace():
            assert tracing()
        assert tracing()
    assert not tracing()


def test_tracing_ends_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), trace():
        _ = 1 / 0
    assert not tracing()


def test_tracing_in_one_thread_does_not_hold_in_another() -> None:
    seen: list[object] = []
    started, done = threading.Event(), threading.Event()

    def other() -> None:
        started.wait(10)
        seen.append(tracing())
        seen.append(bool(Value(1.0)))
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with trace():
        started.set()
        assert done.wait(10)
    thread.join()
    assert seen == [False, True]


def test_tracing_in_one_task_does_not_hold_in_another() -> None:
    async def traced(entered: asyncio.Event, leave: asyncio.Event) -> bool:
        with trace():
            entered.set()
            await leave.wait()
            return tracing()

    async def plain(entered: asyncio.Event, leave: asyncio.Event) -> bool:
        await entered.wait()
        result = tracing()
        leave.set()
        return result

    async def main() -> list[bool]:
        entered, leave = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(traced(entered, leave), plain(entered, leave))

    assert asyncio.run(main()) == [True, False]


def test_a_generator_does_not_leak_the_block_into_other_functions() -> None:
    def values() -> object:
        with context.trace():
            yield Value(1.0)

    generator = values()
    next(generator)  # type: ignore[call-overload]
    generator.close()  # type: ignore[attr-defined]
    assert not tracing()


def test_backward_works_while_tracing() -> None:
    with trace():
        x = Value([1.0, -2.0])
        y = (x * x * (x > 0)).sum()
        y.backward()
    assert x.grad.tolist() == [2, 0]


def test_a_step_function_in_a_graph_that_was_traced_has_no_gradient() -> None:
    for step in (np.sign, np.floor, np.isnan, np.argsort, np.zeros_like, lambda v: v // 2, lambda v: v > 1):
        with trace():
            x = Value([1.0, 2.0])
            y = (step(x) * x).sum()
        y.backward()
        assert x.grad.tolist() == step(np.array([1.0, 2.0])).astype(float).tolist()


def test_errors_while_tracing_name_the_remedy() -> None:
    with trace(), pytest.raises(errors.TracingError, match=r"np\.where\(condition, a, b\)  for a branch"):
        bool(Value(1.0))
