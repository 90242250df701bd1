"""What holds for a block of code holds there alone: in this thread, in this task, until its end."""

from __future__ import annotations

import asyncio
import threading
import weakref
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors, grad
from minigrad.engine import modes
from minigrad.tracing import is_tracing as tracing
from minigrad.tracing import trace


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
        with trace():
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


def test_derivatives_can_be_taken_while_tracing() -> None:
    w = Value(np.ones(2))
    with trace():
        constant = grad(lambda x: (x * x).sum())(np.ones(2))
        value, unused = minigrad.value_and_grad(lambda a, b: (a * w).sum(), (0, 1))(np.ones(2), w)
        traced = grad(lambda x: (np.tanh(x) * w).sum())(w)
        second = grad(grad(lambda x: x * x * x))(2.0)
    for result, expected in (
        (constant, [2, 2]),
        (unused[0], [1, 1]),
        (unused[1], [0, 0]),
        (value, 2.0),
        (second, 12.0),
    ):
        np.testing.assert_array_equal(result, expected)
    assert type(traced) is Value


def test_a_step_function_in_a_graph_that_was_traced_has_no_gradient() -> None:
    for step in (np.sign, np.floor, np.isnan, np.argsort, np.zeros_like, lambda v: v // 2, lambda v: v > 1):
        with trace():
            x = Value([1.0, 2.0])
            y = (step(x) * x).sum()
        y.backward()
        assert x.grad.tolist() == step(np.array([1.0, 2.0])).astype(float).tolist()


def test_errors_while_tracing_name_the_remedy() -> None:
    with trace(), pytest.raises(errors.TracingError, match=r"np\.where\(condition, a, b\) +for a branch"):
        bool(Value(1.0))


# ------------------------------------------------------------------------------------------------ no_grad


def test_no_grad_records_nothing() -> None:
    x = Value([1.0, 2.0])
    with modes.no_grad():
        y = np.tanh(x * 2) + x
        assert type(y) is Value and y.inputs == () and y.operands == ()
        np.testing.assert_array_equal(y.data, np.tanh(2 * x.data) + x.data)
    z = (x * y).sum()
    z.backward()
    np.testing.assert_array_equal(x.grad, y.data)


def test_no_grad_keeps_no_graph_alive() -> None:
    x = Value(np.ones(3))
    with modes.no_grad():
        h = x * 2
        watch = weakref.ref(h)
        y = h + 1
        del h
    assert watch() is None and y.data.tolist() == [3, 3, 3]


def test_no_grad_covers_every_way_of_recording() -> None:
    x, w = Value([3.0, 1.0, 2.0]), Value([1.0, 0.0, 2.0])
    with modes.no_grad():
        results = [x + w, 2 * x, -x, x[0], x[w.argmax()], x @ w, np.sort(x), np.concatenate([x, w]), x.sum()]
        results += [np.where(x > 1, x, w), *np.split(x, 3), minigrad.softmax(x), minigrad.put(x, 0, w[1])]
    assert all(type(r) is Value and r.inputs == () for r in results)


def test_a_function_is_differentiated_inside_no_grad() -> None:
    with modes.no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0
        assert grad(grad(lambda x: x**3))(3.0) == 18.0
        assert (Value(2.0) * 3).inputs == (), "and the block holds again afterwards"


def test_no_grad_inside_a_differentiated_function_makes_a_constant() -> None:
    def f(x: Any) -> Any:
        with modes.no_grad():
            frozen = x * 1.0
        return frozen * x

    assert grad(f)(3.0) == 3.0


@pytest.mark.parametrize("part", [0, 1])
def test_what_value_and_grad_gives_inside_no_grad_is_a_constant(part: int) -> None:
    """d/dx [c x] with c = 4x = 12 computed inside the block: 12, not 24."""

    def f(x: Any) -> Any:
        with modes.no_grad():
            made = minigrad.value_and_grad(lambda y: x * y * y)(2.0)
        return made[part] * x

    assert grad(f)(3.0) == 12.0


def test_no_grad_ends_when_the_block_fails_and_stays_in_its_thread() -> None:
    with pytest.raises(ZeroDivisionError), modes.no_grad():
        _ = 1 / 0
    x = Value(2.0)
    assert (x * 2).inputs == (x,)
    seen: list[Any] = []
    with modes.no_grad():
        thread = threading.Thread(target=lambda: seen.append((x * 2).inputs))
        thread.start()
        thread.join()
    assert seen == [(x,)]


# -------------------------------------------------------------------------------------------------- debug


@pytest.mark.filterwarnings("ignore")
def test_debug_names_the_op_and_the_line_of_the_first_nan() -> None:
    with minigrad.debug(), pytest.raises(errors.NonFinite, match=r"^log gave (nan|-inf)") as caught:
        np.sqrt(np.log(Value(-1.0)))
    assert "test_modes.py:" in str(caught.value)
    assert isinstance(caught.value, FloatingPointError)


@pytest.mark.filterwarnings("ignore")
def test_debug_stops_at_a_gradient_that_is_not_finite() -> None:
    x = Value(0.0)
    with minigrad.debug():
        y = np.sqrt(x) * 2.0
        with pytest.raises(errors.NonFinite, match="sqrt"):
            y.backward()


def test_debug_catches_data_that_was_changed_before_the_sweep() -> None:
    w = Value([1.0, 2.0])
    with minigrad.debug():
        y = (w * w).sum()
        w.data *= 10.0
        with pytest.raises(errors.Mutated):
            y.backward()


def test_debug_lets_right_code_pass() -> None:
    x, w = Value(np.ones((2, 3))), Value(np.ones((3, 2)))
    with minigrad.debug():
        (np.tanh(x @ w) ** 2).sum().backward()
    expected = w.grad
    w.grad = None
    (np.tanh(x @ w) ** 2).sum().backward()
    np.testing.assert_array_equal(w.grad, expected)


def test_a_block_may_be_used_again_inside_itself_and_as_a_decorator() -> None:
    block = minigrad.no_grad()
    with block:
        with block:
            assert (Value(1.0) * 2.0).inputs == ()
        assert (Value(1.0) * 2.0).inputs == ()
    assert (Value(1.0) * 2.0).inputs != ()

    @block
    def twice(x: Value) -> Value:
        return x * 2.0

    assert twice(Value(1.0)).inputs == ()


# ------------------------------------------------------------------------------------------------ interpreters


class Logging(modes.Interpreter):
    """Does what the engine does, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getattribute__(self, name: str) -> object:
        if not name.startswith("_") and name != "asked":
            self.asked.add(name)
        return super().__getattribute__(name)


def everything(w: object) -> list[object]:
    """What reaches every method of an interpreter: each kind of op, derivative and refusal."""
    x = Value([[1.0, 2.0]] * 3)

    def loss(w: Any) -> Any:
        rows = np.concatenate([w * 2, x[0] + w])
        return minigrad.cross_entropy(np.linalg.eigh(np.outer(rows, rows) + np.eye(4))[0] + rows.mean(), 1)

    value, gradient = minigrad.value_and_grad(loss)(w)
    pull = minigrad.vjp(lambda w: x * w, w)[1](Value(np.ones((3, 2))))[0]
    v = Value(2.0)
    y = v * v
    y += 1
    y.backward()
    push = minigrad.jvp(lambda w: (minigrad.checkpoint(np.tanh)(w), x @ w), (Value(w),), (np.ones(2),))[1]
    plain = np.unique(Value(np.array([2.0, 2.0])).argsort())
    return [
        minigrad.value_and_grad(np.tanh)(0.5)[0],
        value,
        gradient,
        pull,
        v.grad,
        *push,
        float(y.argmax()),
        y.item(),
        plain,
    ]


def test_every_method_of_an_interpreter_is_asked_and_the_one_of_the_engine_changes_nothing() -> None:
    """A method that nobody asks would be one that a subclass overrides in vain."""
    w, logging = np.array([0.5, -1.0]), Logging()
    with modes.interpreting(logging):
        logged = everything(w)
    assert logging.asked == {name for name in vars(modes.Interpreter) if not name.startswith("_")}
    for x, y in zip(everything(w), logged, strict=True):
        x, y = (a._array if isinstance(a, Value) else a for a in (x, y))
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes()


def test_the_usual_step_asks_no_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look-up for the seed of a sweep, one for the sweep, one for its results, and none for a node."""
    asked = []
    monkeypatch.setattr(modes, "interpreter", lambda: asked.append(1) or modes.EAGER)
    w, b, x = Value(np.ones((2, 3))), Value(np.ones(3)), np.ones((5, 2))
    h = np.tanh(x @ w + b) * 2 - 1
    assert not asked
    h.backward(np.ones((5, 3)))
    assert len(asked) == 3 and w.grad is not None
