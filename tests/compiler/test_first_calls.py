"""First calls: what they trace and keep, what they warn of, and that several threads trace once."""

from __future__ import annotations

import functools
import gc
import threading
import time
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, compile, errors
from minigrad.compiler import first_calls
from minigrad.tracing import tracer
from minigrad.tracing.arguments import Describer
from minigrad.tracing.program import Program

X = np.array([0.5, -1.5, 2.0])


def in_threads(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run all calls at the same time, and return their results; an exception counts as one."""
    results: list[Any] = [None] * len(calls)
    start = threading.Barrier(len(calls))

    def run(k: int) -> None:
        start.wait()
        try:
            results[k] = calls[k]()
        except Exception as error:
            results[k] = error

    threads = [threading.Thread(target=run, args=(k,)) for k in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a deadlock"
    return results


# ----------------------------------------------------------------------------------------------- warnings


def warnings_of(calls: list[Callable[[], Any]]) -> list[str]:
    with pytest.warns(RuntimeWarning) as told:
        for call in calls:
            call()
    assert all(w.filename == __file__ for w in told)
    return [str(w.message) for w in told]


@pytest.mark.parametrize("make", [lambda k: lambda z: z * k, lambda k: functools.partial(np.multiply, float(k))])
def test_a_new_function_at_each_call_is_told_once(make: Any) -> None:
    f = compile(lambda x, g: g(x), cache=3)
    for k in range(3):
        f(X, make(k))  # a warning would be an error
    (text,) = warnings_of([lambda k=k: f(X, make(k)) for k in range(3, 12)])
    assert text.startswith(
        "traced again for each of 4 functions as argument g: functions are static, and each lambda"
    )
    assert "\n  write  g = ...   once, before the calls" in text


def test_many_shapes_are_told_once() -> None:
    f = compile(lambda x, k: x["a"] * k, cache=3)
    calls = [lambda n=n: f({"a": np.ones(n)}, n) for n in range(1, 9)]
    (text,) = warnings_of(calls)
    assert text.startswith("traced again for each of 4 shapes as argument x, k: each shape is compiled separately")
    assert "\n  write  minigrad.compile(f, cache=16)   to keep more traces\n  or     np.pad(x, ...)" in text


def test_functions_that_are_declared_static_are_asked_for() -> None:
    f = compile(lambda x, g: g(x), cache=2, static="g")
    for k in range(5):
        f(X, lambda z, k=k: z * k)


def test_a_value_whose_gradient_must_flow_is_told_of_once_and_traced_once() -> None:
    runs, read = [0], {"w": Value(2.0)}

    @compile
    def f(x: Any) -> Any:
        runs[0] += 1
        return np.sum(x * read["w"])

    def outer(w: Any) -> Any:
        read["w"] = w
        return f(X)

    (text,) = warnings_of([lambda: minigrad.grad(outer)(2.0) for _ in range(20)])
    assert "closes over a Value with a gradient runs as it is" in text
    assert (
        "\n  write  f(x, w)   to pass the Value as an argument\n  or     minigrad.compile(minigrad.grad(g))" in text
    )
    assert runs[0] == 2 + 20  # the first call traces, then each runs
    assert minigrad.grad(outer)(2.0) == np.sum(X)
    assert f.traces == 0


# ------------------------------------------------------------------------------------------------ threads


def test_eight_threads_trace_once_for_each_shape() -> None:
    runs: list[int] = []

    @compile
    def f(x: Any) -> Any:
        runs.append(x.size)
        time.sleep(0.05)
        return np.tanh(x) * 2

    sizes = [3, 4] * 4
    results = in_threads([lambda n=n: f(np.ones(n)) for n in sizes])
    for n, y in zip(sizes, results, strict=True):
        np.testing.assert_array_equal(y, np.tanh(np.ones(n)) * 2)
    assert sorted(runs) == [3, 3, 4, 4]
    assert f.traces == 2


def test_threads_that_wait_for_a_function_that_raises_hear_of_it() -> None:
    @compile
    def f(x: Any) -> Any:
        time.sleep(0.01)
        return x if x.sum() > 0 else -x

    results = in_threads([lambda: f(X)] * 8)
    assert [type(y) for y in results] == [errors.TracingError] * 8
    assert not f._turns.locks


def test_a_function_that_calls_itself_or_another_one_does_not_wait_for_itself() -> None:
    @compile
    def f(x: Any, n: int) -> Any:
        return x if n == 0 else g(x * 2.0, n - 1)

    @compile
    def g(x: Any, n: int) -> Any:
        return f(np.sin(x), n)

    wanted = np.sin(2.0 * np.sin(2.0 * X))
    for y in in_threads([lambda: f(X, 2), lambda: f(X, 2), lambda: g(2.0 * X, 1), lambda: g(2.0 * X, 1)]):
        np.testing.assert_array_equal(y, wanted)


def test_a_function_that_waits_for_a_thread_with_the_same_call_ends(monkeypatch: Any) -> None:
    monkeypatch.setattr(first_calls, "PATIENCE", 0.1)
    inside = threading.Event()

    @compile
    def f(x: Any) -> Any:
        if not inside.is_set():
            inside.set()
            thread = threading.Thread(target=f, args=(X,))
            thread.start()
            thread.join(30)
            assert not thread.is_alive(), "a deadlock"
        return x * 2

    np.testing.assert_array_equal(f(X), X * 2)


# ------------------------------------------------------------------------------------- memory of the trace


def test_the_second_run_makes_no_program() -> None:
    made: list[Any] = []

    class Counted(Program):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracer, "Program", Counted)
        tracer.trace_function(minigrad.grad(lambda x: np.sum(np.sin(x))), Describer(np.sin, ()).describe((X,), {}))
    assert len(made) == 1


def test_no_node_of_either_run_is_alive_after_the_trace() -> None:
    nodes: list[weakref.ref[Any]] = []

    def f(x: Any) -> Any:
        y = x
        for _ in range(10):
            y = np.sin(y) * x
            nodes.append(weakref.ref(y))
        return np.sum(y)

    gc.disable()
    try:
        compile(minigrad.grad(f))(X)
        assert len(nodes) == 20
        assert not any(node() is not None for node in nodes)
    finally:
        gc.enable()


def test_collection_is_paused_while_a_function_is_traced_and_never_left_off() -> None:
    seen = []

    @compile
    def f(x: Any) -> Any:
        seen.append(gc.isenabled())
        if x.size > 3:
            raise ValueError
        return x * 2

    f(X)
    assert seen == [False, False]
    assert gc.isenabled()
    with pytest.raises(ValueError):
        f(np.ones(4))
    assert gc.isenabled()
    gc.disable()
    try:
        f(np.ones(2))
        assert not gc.isenabled()
    finally:
        gc.enable()


def _remade(make: Callable[[int], Any], times: int = 30) -> list[str]:
    """The warnings of so many compiled functions, each called once."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for k in range(times):
            make(k)(np.ones(3))
    return [str(one.message) for one in told]


def test_a_function_that_is_compiled_anew_at_each_call_says_so_once() -> None:
    w = np.ones(3)
    (text,) = _remade(lambda k: minigrad.compile(lambda x: x * w))
    assert "10 times" in text and "write  g = minigrad.compile(f)   once" in text
    assert len(_remade(lambda k: minigrad.compile(minigrad.grad(lambda x: np.sum(x * w))))) == 1
    assert len(_remade(lambda k: minigrad.compile(lambda x: x + w), 9)) == 0


def test_functions_that_differ_may_share_their_code() -> None:
    assert _remade(lambda k: minigrad.compile(lambda x: x * np.full(3, k))) == []
    assert _remade(lambda k: minigrad.compile(lambda x, k=float(k): x * k)) == []
    assert _remade(lambda k: minigrad.compile(minigrad.grad(lambda x: np.sum(x * np.float64(k))))) == []

    def scaled(w: Any) -> Any:
        return minigrad.compile(minigrad.grad(lambda x: np.sum(x * w)))

    assert _remade(lambda k: scaled(np.full(3, k))) == []  # each array may have the address of the one before

    class Model:
        def call(self, x: Any) -> Any:
            return x * 2.0

    assert _remade(lambda k: minigrad.compile(Model().call)) == []


def test_what_is_known_of_compiled_functions_keeps_nothing_alive() -> None:
    w = np.ones(3)
    alive = weakref.ref(w)
    compiled = minigrad.compile(lambda x, w=w: x * w)
    compiled(np.ones(3))
    del w, compiled
    gc.collect()
    assert alive() is None
