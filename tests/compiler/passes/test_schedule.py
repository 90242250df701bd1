"""Updates go ahead to where their gradients are ready: never before a reader of what they replace."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from compiler.bits import assert_same

import minigrad
from minigrad.compiler import Compiled, buffers, passes
from minigrad.compiler.buffers import plan_buffers
from minigrad.compiler.passes import schedule
from minigrad.compiler.passes.schedule import schedule_updates
from minigrad.tracing.arguments import Describer
from minigrad.tracing.program import Program, refs, run_program
from minigrad.tracing.tracer import trace_function

RATE = 0.1
RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 4))
WEIGHTS = [RNG.normal(size=(4, 4)) for _ in range(3)]


@pytest.fixture(autouse=True)
def small_parameters_too(monkeypatch: Any) -> None:
    monkeypatch.setattr(schedule, "LEAST", 0)


def layers(x: Any, *weights: Any) -> Any:
    for w in weights:
        x = np.tanh(x @ w)
    return np.sum(x * x)


def tied(x: Any, a: Any, b: Any, c: Any) -> Any:
    """The first weights again in the last layer, as embeddings are."""
    return layers(x, a, b, c, a.T)


def moved(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The loss, and where gradient descent moves the weights."""
    gradients = minigrad.value_and_grad(loss, (1, 2, 3))

    def step(x: Any, *weights: Any) -> Any:
        value, found = gradients(x, *weights)
        return value, [w - RATE * g for w, g in zip(weights, found, strict=True)]

    return step


def decayed(x: Any, *weights: Any) -> Any:
    """Weight decay and momentum, and a number that all updates share."""
    value, found = minigrad.value_and_grad(layers, (1, 2, 3))(x, *weights)
    size = value * 0.5 + 1.0
    pairs = zip(weights, found, strict=True)
    return value, [w - (g + 0.01 * w) * RATE / size for w, g in pairs]


def crossed(x: Any, *weights: Any) -> Any:
    """Each update reads other weights as they were, too: those that move before it, and those that move after."""
    value, found = minigrad.value_and_grad(layers, (1, 2, 3))(x, *weights)
    others = (*weights[1:], weights[0])
    return value, [w - RATE * (g + v) for w, g, v in zip(weights, found, others, strict=True)]


def measured(x: Any, *weights: Any) -> Any:
    """The size of the last weights before they move, computed after all gradients."""
    value, found = minigrad.value_and_grad(layers, (1, 2, 3))(x, *weights)
    new = [w - RATE * g for w, g in zip(weights, found, strict=True)]
    return value, new, np.sum(weights[2].T * 3.0, axis=0)


def shared(x: Any, *weights: Any) -> Any:
    """The gradient of the first weights is ready while the sweep to the second still has to go through them."""
    a, b, c = weights
    one, back = minigrad.vjp(lambda a: np.sum(np.tanh(x @ a)), a)
    two, back_too = minigrad.vjp(lambda b, c: layers(x, b, c, a), b, c)
    found = (*back(1.0), *back_too(1.0))
    return one + two, [w - RATE * g for w, g in zip(weights, found, strict=True)]


def turned(x: Any) -> Any:
    """A view, by a function of which nothing is known."""
    with np.errstate():  # so that it is not inlined
        return x.T


TURNED = minigrad.custom(turned, vjp=lambda g, y, x: turned(g), name="turned")
minigrad.forget(TURNED)


def kept_to_the_end(x: Any, *weights: Any) -> Any:
    """What an unknown function returned for the last weights is read after all gradients, before they move."""
    view = TURNED(weights[2])
    value, found = minigrad.value_and_grad(layers, (1, 2, 3))(x, *weights)
    total = np.sum(view * 3.0, axis=0)
    return value, [w - RATE * g for w, g in zip(weights, found, strict=True)], total


def kept_within(x: Any, *weights: Any) -> Any:
    """What an unknown function returned for the last weights is read when their gradient is ready."""
    a, b, c = weights
    view = TURNED(c)
    one, back = minigrad.vjp(lambda c: np.sum(np.tanh(x @ c)), c)
    two, back_too = minigrad.vjp(lambda a, b: layers(x, a, b, view), a, b)
    found = (*back(1.0)[::-1], *back_too(1.0))
    return one + two, [w - RATE * g for w, g in zip(weights, (found[1], found[2], found[0]), strict=True)]


STEPS = {
    "plain": moved(layers),
    "tied": moved(tied),
    "decayed": decayed,
    "crossed": crossed,
    "measured": measured,
    "shared": shared,
    "kept to the end": kept_to_the_end,
    "kept within": kept_within,
}


def recorded(f: Callable[..., Any]) -> Program:
    arguments = (X, *WEIGHTS)
    program = trace_function(f, Describer(f, ()).describe(arguments, {}))
    for each in passes.PASSES[:-1]:
        program = each(program)
    return program


def in_place(program: Program) -> set[int]:
    """Which arguments are overwritten, by number."""
    taken = plan_buffers(program, frozenset(program.inputs[1:]), False).in_place.values()
    return {program.inputs.index(x) for x in taken}


def backward_after(program: Program, argument: int) -> int:
    """How many steps of the backward sweep come after the update of an argument."""
    found = plan_buffers(program, frozenset(program.inputs[1:]), False)
    (at,) = [i for i, s in enumerate(program.steps) if found.in_place.get(s.out) == program.inputs[argument]]
    return sum(step.backward for step in program.steps[at:])


def trained(f: Callable[..., Any], steps: int = 4) -> tuple[Any, Any]:
    """What some steps compute, each from the weights of the one before: compiled in place, and eager."""
    compiled = Compiled(f, donate=(1, 2, 3))
    ours, eager, got, want = [w.copy() for w in WEIGHTS], [w.copy() for w in WEIGHTS], [], []
    for _ in range(steps):
        a, b = compiled(X, *ours), f(X, *eager)
        ours, eager = list(a[1]), list(b[1])
        got.append([a[0], [w.copy() for w in ours], *a[2:]])
        want.append([b[0], eager, *b[2:]])
    return got, want


def test_the_pass_is_the_last() -> None:
    assert passes.PASSES[-1] is schedule_updates


@pytest.mark.parametrize("name", STEPS)
def test_the_same_steps_in_an_order_in_which_they_can_be_computed(name: str) -> None:
    before = recorded(STEPS[name])
    after = schedule_updates(before)
    assert sorted(map(id, after.steps)) == sorted(map(id, before.steps))
    assert_same(run_program(after, [X, *WEIGHTS]), run_program(before, [X, *WEIGHTS]), name)


@pytest.mark.parametrize("name", STEPS)
def test_the_memory_that_is_written_into_is_the_same_as_before(name: str) -> None:
    before = recorded(STEPS[name])
    assert in_place(schedule_updates(before)) == in_place(before)


@pytest.mark.parametrize("name", STEPS)
def test_no_update_is_seen_by_a_reader_of_what_it_replaces(name: str) -> None:
    got, want = trained(STEPS[name])
    assert_same(got, want, name)


def test_an_update_stands_behind_its_gradient() -> None:
    before = recorded(STEPS["plain"])
    after = schedule_updates(before)
    assert [backward_after(before, k) for k in (1, 2, 3)] == [0, 0, 0]
    assert backward_after(after, 1) == 0 < backward_after(after, 2) < backward_after(after, 3)


def test_weights_of_two_layers_wait_for_both() -> None:
    after = schedule_updates(recorded(STEPS["tied"]))
    assert backward_after(after, 1) == 0 < backward_after(after, 3)


def test_what_all_updates_share_holds_none_of_them_up() -> None:
    after = schedule_updates(recorded(STEPS["decayed"]))
    assert 0 < backward_after(after, 2) < backward_after(after, 3)


def test_small_parameters_stay_at_the_end(monkeypatch: Any) -> None:
    monkeypatch.setattr(schedule, "LEAST", WEIGHTS[0].nbytes + 1)
    before = recorded(STEPS["plain"])
    assert [s.out for s in schedule_updates(before).steps] == [s.out for s in before.steps]


def test_no_parameter_moves_before_a_step_that_may_raise() -> None:
    """A rule that is called as it is, in the backward sweep of the first layer."""
    allowed = [np.inf]

    def refuse(g: Any, y: Any, x: Any) -> Any:
        return refusing(g, x)

    def refusing(g: Any, x: Any) -> Any:
        if np.max(x) > allowed[0]:
            raise OverflowError("too large")
        return g * 2.0

    refusing = minigrad.custom(refusing, vjp=(lambda g, y, a, b: g * 2.0, None), name="refusing")
    odd = minigrad.custom(lambda x: x * 2.0, vjp=refuse, name="odd")
    try:
        step = moved(lambda x, a, b, c: layers(odd(x @ a), b, c))
        compiled, weights = Compiled(step, donate=(1, 2, 3)), [w.copy() for w in WEIGHTS]
        compiled(X, *weights)
        before = [w.copy() for w in weights]
        allowed[0] = -np.inf
        with pytest.raises(OverflowError, match="too large"):
            compiled(X, *weights)
        assert_same(weights, before, "moved by a call that raised")
    finally:
        minigrad.forget(odd)
        minigrad.forget(refusing)


@pytest.mark.parametrize("name", ["crossed", "shared"])
def test_a_pass_that_forgets_other_readers_is_noticed(monkeypatch: Any, name: str) -> None:
    """Then what was overwritten in place no longer can be, and the comparison above sees it."""
    monkeypatch.setattr(schedule, "_readers", lambda *_: defaultdict(list))
    before = recorded(STEPS[name])
    assert in_place(schedule_updates(before)) != in_place(before)


def test_a_plan_that_overwrites_what_is_still_read_is_noticed(monkeypatch: Any) -> None:
    """Updates before other readers, and written in place all the same: wrong numbers, which the training sees."""

    def careless(program: Program, owners: Any) -> Any:
        last = schedule.last_uses(program, owners)
        made = {step.out: i for i, step in enumerate(program.steps)}
        ends = {x: made[out] for x, out in zip(program.inputs[1:], refs(program.outputs[1]), strict=True)}
        return {**last, **ends}

    monkeypatch.setattr(schedule, "_readers", lambda *_: defaultdict(list))
    monkeypatch.setattr(buffers, "last_uses", careless)
    got, want = trained(STEPS["shared"])
    with pytest.raises(AssertionError):
        assert_same(got, want, "shared")
