"""Tracing: runs a function twice on Values that stand for all data, and reads the graph as a program."""

from __future__ import annotations

from collections.abc import Callable
from types import EllipsisType
from typing import Any

import numpy as np

from ..engine import modes
from ..engine.node import Node, live, new_node
from ..engine.tree import Split, kind_of, leaves
from ..engine.tree_folds import tree_fold
from ..engine.value import Value
from ..errors import TracingError
from . import Tape, taping
from .arguments import Described, fill_holes
from .lower import Reader
from .placeholders import WeakFloat
from .program import Kept, Program, Ref
from .rng import TracedGenerator
from .second_run import FirstRun, SecondRun
from .side_effects import Watch
from .tape import INPUT


def trace_function(f: Callable[..., Any], given: Described) -> Program:
    """Trace a call of f into a program. Raises TracingError if a second trace gives another program.

    It also raises TracingError if f does more than compute: see `side_effects`.
    """
    with Watch(f) as watch:
        program = _trace_twice(watch.run, given)
    program.settings, program.catches = watch.settings, watch.catches
    return program


def _trace_twice(f: Callable[..., Any], given: Described) -> Program:
    """The program of a call of f. Raises TracingError if a second run makes other steps."""
    first = FirstRun()
    inputs, result = _run(f, given, first)
    program, reader = _read(first, inputs, result)
    second, constants = SecondRun(first), _constants(program)
    _, again = _run(f, given, second)
    _refuse_changed(constants)
    second.finish_comparing()
    kept = _models(result) & _models(again)  # both runs return them, so f did not make them
    program.outputs = _outputs(result, kept, reader.result_of)
    others = _outputs(again, kept, lambda x: reader.names.get(second.twin_of(x), x) if isinstance(x, Node) else x)
    _refuse_made(program.outputs, others)
    second.compare_results(program.outputs, others)
    return program


def _constants(program: Program) -> list[tuple[Any, int]]:
    """The arrays from outside in the steps of a program, and what they hold now."""
    found = {id(x): x for step in program.steps for x in step.args if type(x) is np.ndarray}
    return [(x, hash(x.tobytes())) for x in found.values()]


def _refuse_changed(constants: list[tuple[Any, int]]) -> None:
    """Raise TracingError if a run has changed an array that the program takes for constant."""
    for x, before in constants:
        if hash(x.tobytes()) != before:
            raise TracingError(
                f"the function changes an array {x.shape} that it closes over, and compiled code would not\n"
                "  write  y, new = f(x, old)   to pass it as an argument and return what it becomes"
            )


# Results that are safe to return; any other object may hide a Value of the trace.
_NUMBERS = (np.ndarray, np.generic, int, float, complex)
_PLAIN = (Ref, Kept, *_NUMBERS, str, bytes, slice, range, np.dtype, type, EllipsisType)


def _refuse_made(first: Any, second: Any) -> None:
    """Raise TracingError for a result that f created and that is neither array nor number."""
    for x, y in zip(leaves(first), leaves(second), strict=False):
        if x is not y and not isinstance(x, _PLAIN):
            raise TracingError(
                f"a compiled function may return arrays and numbers (in lists, tuples, dicts), not a new "
                f"{type(x).__name__}\n  write  return a, b   for the arrays and numbers in it"
            )


def _stand_in(x: Any) -> Any:
    """The placeholder of an input while tracing."""
    if isinstance(x, np.random.Generator):
        return TracedGenerator(x)
    data = WeakFloat(x) if type(x) is float else x[()] if isinstance(x, np.ndarray) and not x.ndim else x
    return new_node(Value, data, INPUT, (), None)


def _run(f: Callable[..., Any], given: Described, tape: Tape) -> tuple[list[Node], Any]:
    """The placeholders of the inputs, and the result of f on them."""
    with modes.recording(), taping(tape), np.errstate(all="call", call=lambda *_: None):
        values = [_stand_in(x) for x in given.inputs]
        args, kwargs = fill_holes(given.template, values)
        result = f(*args, **kwargs)
        tape.note_errors()
    return [x.node if isinstance(x, TracedGenerator) else x for x in values], result


def _read(tape: Tape, inputs: list[Node], result: object) -> tuple[Program, Reader]:
    """The program of a run without its outputs, and the reader that knows its variables."""
    program = Program([], [], [], None)
    known: dict[int, Any] = {}
    for node in inputs:
        ref = program.fresh(node._array)
        program.inputs.append(ref)
        known[node.serial] = ref
    reader = Reader(program, tape.start, known, tape)
    reader.read([*leaves(result), *map(live, tape.draws), *tape.checks])
    return program, reader


def _models(x: object) -> set[int]:
    """The identities of the containers in a result, but for lists, tuples and dicts."""
    plain = (list, tuple, dict, type(None))
    return tree_fold(  # type: ignore[no-any-return]
        x,
        lambda _: set(),
        lambda part, _, inside: set().union(*inside, () if type(part) in plain else {id(part)}),
    )


def _outputs(result: object, kept: set[int], result_of: Callable[[Any], Any]) -> Any:
    """The result of f with variables in it. kept: models that it holds and that f did not make; they stay."""

    def of_leaf(x: object) -> object:
        return Kept(x) if id(x) in kept else result_of(x)

    def join(part: object, split: Split, items: list[Any]) -> Any:
        return kind_of(part).join(split[2], items)

    return tree_fold(result, of_leaf, join, lambda x: id(x) not in kept and kind_of(x))
