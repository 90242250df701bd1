"""The graph of a function at a point, recorded anew so that it can be looked into."""

from __future__ import annotations

from ..context import debug, recording
from ..errors import MinigradError
from ..value import Value, graph
from .ladder import Array
from .own import parts
from .subject import Subject


def traced(subject: Subject, row: Array | None = None) -> list[Value]:
    """The nodes of f where its arguments have these numbers, in serial order; leaves are named as parameters.

    Under `debug` where it lets the numbers pass, so that nodes know their line.
    """
    try:
        with debug():
            return _nodes(subject, row)
    except MinigradError:
        return _nodes(subject, row)


def _nodes(subject: Subject, row: Array | None) -> list[Value]:
    layout = subject.layout
    promote = subject.point is not None and subject.point.f.promote
    built = layout.leaves(layout.build(layout.row() if row is None else row, promote))
    leaves = [Value(x, subject.names(slot.path)) for x, slot in zip(built, layout.slots, strict=True)]
    with recording():
        ys = parts(subject.f(*layout.fill(leaves)))
    return graph(*(y for y in ys if isinstance(y, Value)))
