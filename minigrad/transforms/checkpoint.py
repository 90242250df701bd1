"""checkpoint: compute a function again in the backward sweep instead of keeping its graph."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.forward import push
from ..engine.modes import interpreter, is_recording
from ..engine.node import ITEM, live, new_node, record, result_node
from ..engine.op import TABLE, op
from ..engine.sampling import REAL
from ..engine.tree import leaves, tree_map
from ..engine.value import Value, graph, sweep_from
from ..errors import ArgumentError
from .grad import Function, Level
from .gradient_types import P, R


def checkpoint(f: Callable[P, R]) -> Callable[P, R]:
    """f with the same values and derivatives, but its graph is freed, and recorded again when a sweep arrives.

    f: must return the same for the same arguments; both may be nested lists, tuples and dicts of arrays. Values
    that it closes over (the parameters of a model) get their gradients too. With n steps in √n blocks of √n steps
    each, memory grows like √n, at the cost of one more evaluation. Raises ArgumentError.
    (Chen, Xu, Zhang, Guestrin, Training deep nets with sublinear memory cost, 2016.)
    """

    @functools.wraps(f)
    def recompute(*args: P.args, **kwargs: P.kwargs) -> Any:
        run = _Run(f, args, kwargs)
        if interpreter().checkpointing:
            return run.record()
        level = run.level([x._array for x in run.inputs])
        if not (ys := _outputs(level)):
            return level.y
        run.outside, run.fingerprints = _outer_values(level), _fingerprints(level)
        operands = (*run.inputs, *run.outside)
        if len(ys) == 1:
            outputs = [result_node(Value, ys[0]._array, _CHECKPOINT, operands, {"run": run})]
        else:
            operands = operands if is_recording() else ()
            hidden = new_node(Value, tuple(y._array for y in ys), _CHECKPOINT, operands, {"run": run})
            outputs = [record(Value, ITEM, (hidden,), {"k": k}) for k in range(len(ys))]
        by_serial = {y.serial: output for y, output in zip(ys, outputs, strict=True)}
        return tree_map(lambda y, _: by_serial[y.serial] if _is_differentiable(y) else y, level.y)

    return recompute


def open_checkpoint(x: Value) -> tuple[Function, tuple[Any, ...], list[Value]] | None:
    """For a checkpointed value: the function of its inputs, their data, and the nodes of a new recording."""
    if x.op is not _CHECKPOINT or x.params is None:
        return None
    run, data = x.params["run"], tuple(live(v)._array for v in x.params["run"].inputs)
    level = run.level(data)
    made = [v for v in graph(level.y, since=level.start) if v.serial >= level.start]
    return checkpoint(run.rerun), data, made


class _Run:
    """One call of a checkpointed function, with all that is needed to repeat it."""

    def __init__(self, f: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.f, self.call = f, [args, kwargs]
        self.inputs = [x for x in leaves(self.call) if _is_differentiable(x)]
        self.outside: list[Value] = []
        self.fingerprints: list[int] = []

    def level(self, inputs: Any) -> Level:
        """Run the function again on other inputs, in a new level."""
        return Level(self.rerun, tuple(inputs), {}, tuple(range(len(inputs))))

    def rerun(self, *inputs: Any) -> Any:
        """The function's result for other inputs."""
        given = iter(inputs)
        args, kwargs = tree_map(lambda x, _: next(given) if _is_differentiable(live(x)) else live(x), self.call)
        return self.f(*args, **kwargs)

    def record(self) -> Any:
        """The function's result, its graph kept; gradients add up inside before they reach its inputs, as here."""
        with interpreter().checkpointing(self.inputs) as inputs:
            return self.rerun(*inputs)

    def rebuild(self, y: Any, inputs: tuple[Any, ...], directions: Any) -> tuple[Level, list[Value], Any]:
        """The new level, its nodes for the inputs and outside values, and the serials that rules must record."""
        level = self.level(inputs[: len(self.inputs)])
        before, after = y if isinstance(y, tuple) else (y,), _outputs(level)
        same = len(before) == len(after) and all(
            np.array_equal(new._array, getattr(old, "_array", old), equal_nan=True)
            for old, new in zip(before, after, strict=True)
        )
        if not same or self.fingerprints != _fingerprints(level):
            raise ArgumentError(
                "checkpoint: the function gave other numbers when it ran again: it may draw random numbers\n"
                "  write  f(x, noise)   with the random numbers as an argument"
            )
        recorded = any(isinstance(x, Value) for x in (*inputs, *directions))
        return level, [*level.nodes, *map(live, self.outside)], level.alive if recorded else ()


def _is_differentiable(x: object) -> bool:
    return type(x) is Value and x.has_gradient


def _outputs(level: Level) -> list[Value]:
    """The Values that the function returned, each once; the rest of its result is constant."""
    return [*{y.serial: y for y in leaves(level.y) if _is_differentiable(y)}.values()]


def _outer_values(level: Level) -> list[Value]:
    """The outside Values that the function used without receiving them as arguments."""
    return [x for x in graph(*_outputs(level), since=level.start) if x.serial < level.start and x.has_gradient]


def _fingerprints(level: Level) -> list[int]:
    """Fingerprints of the plain arrays the function used, such as masks: they must be the same next time."""
    made = (x for x in graph(*_outputs(level), since=level.start) if x.serial >= level.start)
    return [hash(x.tobytes()) for v in made for x in v.operands if type(x) is np.ndarray]


def _pull(g: Any, y: Any, *inputs: Any, run: Any) -> list[Any]:
    gs = g if isinstance(y, tuple) else (g,)
    level, own, alive = run.rebuild(y, inputs, gs)
    ys = _outputs(level)
    made = [x.serial for x in graph(*ys, since=level.start) if x.serial >= level.start]
    active = {*made, *(x.serial for x in own)}
    ends = {x.serial for x in level.nodes}
    seeds, wanted = [*zip(ys, gs, strict=True)], {x.serial for x in own}
    swept = {x.serial: c for x, c in sweep_from(seeds, active, alive, ends) if x.serial in wanted}
    swept = interpreter().settle("gradients", swept, seeds, active, alive, ends)
    return [swept.get(x.serial, np.zeros(x.shape)) for x in own]


def _push(ts: Any, y: Any, *inputs: Any, run: Any) -> Any:
    level, own, alive = run.rebuild(y, inputs, ts)
    ys, tangents = _outputs(level), {x.serial: t for x, t in zip(own, ts, strict=True)}
    found = push(ys, tangents, alive)
    found = {x.serial: found[x.serial] for x in ys if x.serial in found}
    found = interpreter().settle("tangents", found, ys, tangents, alive)
    moved = tuple(found.get(x.serial, np.zeros(x.shape)) for x in ys)
    return moved if isinstance(y, tuple) else moved[0]


def _recompute(*inputs: Any, run: Any) -> Any:
    """A function that runs again when its derivative is needed."""
    return run.level(inputs[: len(run.inputs)]).value()


op(_recompute, "checkpoint", "y = f(x), computed again on the way back", domain=(REAL,), vjp=_pull, jvp=_push)
_CHECKPOINT = TABLE.pop(_recompute)  # each call has its own function, so it is not in the table
