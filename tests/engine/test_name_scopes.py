"""scope: the name reaches the graph that was computed inside, no other, and goes with it."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors, scope
from minigrad.engine import name_scopes
from minigrad.engine.value import graph


def marks(y: Value) -> list[str]:
    """The names of the scopes that the graph of y knows of."""
    return [v.mark.scope.name for v in graph(y) if hasattr(v, "mark")]


def holds(y: Value, name: str) -> bool:
    """Whether the serial of y is within a scope of that name that its graph knows of."""
    found = [v.mark.scope for v in graph(y) if hasattr(v, "mark")]
    every = []
    for s in found:
        while s is not None:
            every.append(s)
            s = s.parent
    return any(s.name == name and s.start <= y.serial and (s.end is None or y.serial < s.end) for s in every)


def test_what_is_computed_inside_is_known_by_the_name_and_the_rest_is_not() -> None:
    x = Value([1.0, 2.0])
    before = x * 2
    with scope("inside"):
        h = before * 3
        y = np.tanh(h)
    z = y + 1
    assert holds(h, "inside") and holds(y, "inside")
    assert not holds(z, "inside") and not holds(before, "inside")


def test_only_the_first_node_takes_the_slow_road() -> None:
    x = Value(1.0)
    with scope("many"):
        y = x * x
        assert not name_scopes.waiting
        for _ in range(100):
            y = y * x
    assert marks(y) == ["many"]
    assert not name_scopes.waiting


def test_nested_scopes_are_both_known_by_one_mark() -> None:
    x = Value(1.0)
    with scope("outer"), scope("inner"):
        y = x * x
        assert not name_scopes.waiting
    assert marks(y) == ["inner"] and holds(y, "inner") and holds(y, "outer")


def test_an_outer_scope_goes_on_after_an_inner_one() -> None:
    x = Value(1.0)
    with scope("outer"):
        with scope("inner"):
            h = x * x
        y = h * x
    assert holds(y, "outer") and not holds(y, "inner")


def test_a_graph_that_goes_while_the_scope_is_open_takes_its_mark_along_and_the_next_is_marked() -> None:
    """A loop over steps inside one scope: each step's graph dies before the next is made."""
    x = Value(1.0)
    with scope("epoch"):
        for _ in range(3):
            y = x * 2 + x
            del y
        y = x * 3 + x
    assert holds(y, "epoch")


def test_a_result_without_gradient_that_comes_first_is_not_the_only_mark() -> None:
    x = Value([1.0, 2.0])
    with scope("layer"):
        _kept = (x > 1.0).mean()
        _leaf = Value(5.0)
        y = x * 2
    assert holds(y, "layer")


def test_leaves_made_inside_are_known() -> None:
    with scope("parameters"):
        w = Value(1.0)
    assert holds(w, "parameters")


def test_nothing_is_kept_when_the_graph_is_gone() -> None:
    def alive() -> int:
        return sum(type(thing).__name__ in ("scope", "Mark") for thing in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        x, before = Value(np.ones(3)), alive()
        with scope("gone"):
            y = np.tanh(x * 2)
        watch = weakref.ref(y.inputs[0])
        assert watch() is not None and alive() > before
        del y
        assert watch() is None and alive() == before
        assert not name_scopes.waiting
    finally:
        gc.enable()


def test_a_scope_ends_when_its_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), scope("fails"):
        _ = 1 / 0
    assert not name_scopes.waiting
    x = Value(1.0)
    assert not holds(x * x, "fails")


def test_threads_do_not_share_scopes() -> None:
    x = Value(1.0)
    results: dict[str, Any] = {}
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        assert inside.wait(10)
        results["other"] = x * 5
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with scope("here"):
        first = x * 2
        inside.set()
        assert done.wait(10)
        y = first * x
    thread.join()
    assert holds(y, "here")
    assert marks(results["other"]) == []


def test_many_threads_leave_no_block_open() -> None:
    x = Value(np.ones(3))

    @scope("worker")
    def work() -> None:
        for k in range(300):
            with scope(f"step {k}"):
                y = np.tanh(x * k) + k
            assert holds(y.inputs[0], "worker")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not name_scopes.waiting


def test_a_decorated_function_is_a_scope_each_time_it_runs_also_within_itself() -> None:
    @scope("power")
    def power(x: Value, n: int) -> Value:
        """x to the n."""
        return x if n == 0 else power(x * 2.0, n - 1)

    y = power(Value(1.0), 3)
    assert marks(y) == ["power"] * 3 and power.__doc__ == "x to the n."


def test_an_open_scope_is_not_entered_twice() -> None:
    s = scope("once")
    with s, pytest.raises(errors.ArgumentError, match=r"open already\n.*with minigrad\.scope\('once'\)"), s:
        pass
    with s:
        assert holds(Value(1.0) * 2, "once")


def test_a_generator_that_ends_late_does_not_leave_its_scope_behind() -> None:
    def values() -> Any:
        with scope("generator"):
            yield

    generator = values()
    next(generator)
    with scope("outside"):
        generator.close()
        y = Value(1.0) * 2
    z = Value(1.0) * 2
    assert holds(y, "outside") and marks(z) == []
    assert not name_scopes.waiting


def test_scopes_work_beside_the_other_blocks() -> None:
    x = Value([1.0, 2.0])
    with scope("a"), minigrad.no_grad():
        assert (x * 2).inputs == ()
    with minigrad.debug(), scope("b"):
        y = x * 2
    assert holds(y, "b") and y.origin.line
    with scope("c"):
        assert minigrad.grad(lambda v: (v * v).sum())(np.ones(2)).tolist() == [2, 2]


def test_a_name_is_a_text() -> None:
    with pytest.raises(errors.ArgumentError, match=r"a scope needs a name, got .*\n  write  with minigrad\.scope"):
        scope(3)  # type: ignore[arg-type]
