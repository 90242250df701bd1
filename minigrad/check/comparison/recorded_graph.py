"""Record the graph of a function at a point, to inspect its nodes."""

from __future__ import annotations

from typing import Any

from ...engine.debugging import debug
from ...engine.modes import recording
from ...engine.value import Value, graph
from ...errors import MinigradError
from ..numeric.extrapolation import Array
from .minigrad_candidate import result_arrays
from .problem import Subject


def record_graph(subject: Subject, row: Array | None = None) -> list[Value]:
    """The nodes of f at these numbers, in serial order; leaves have the names of the parameters.

    Records under `debug` if it accepts the numbers, so that nodes know their line of code.
    """
    try:
        with debug():
            return _nodes(subject, row)
    except MinigradError:
        return _nodes(subject, row)


def record_call(subject: Subject, row: Array | None = None) -> tuple[list[Value], list[Any]]:
    """The leaves of the arguments, with the names of the parameters, and the results of f at these numbers."""
    layout = subject.layout
    promote = subject.point is not None and subject.point.f.promote
    built = layout.leaves(layout.build(layout.row() if row is None else row, promote))
    leaves = [Value(x, subject.names(slot.path)) for x, slot in zip(built, layout.slots, strict=True)]
    with recording():
        return leaves, result_arrays(subject.f(*layout.fill(leaves)))


def _nodes(subject: Subject, row: Array | None) -> list[Value]:
    return graph(*(y for y in record_call(subject, row)[1] if isinstance(y, Value)))
