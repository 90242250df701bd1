"""Boxes around values: the scopes they were computed in, the layers and neurons they are part of.

The serial of a value shows in which scope it was made. An op of a model belongs to the box of its parameters; so do
the values computed from it, up to the named result of the layer. Linear in the size of the graph.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from ..engine.name_scopes import Mark, ModelPart, scope
from .diagram import Cluster
from .graph_data import Survey

Enclosing: TypeAlias = scope | ModelPart
Path: TypeAlias = tuple[Enclosing, ...]  # from the outermost box to the innermost

RESULT = re.compile(r"[za]\d+(\[.*\])?")  # the names that `nn` gives weighted sums and activations
ACTIVATION = re.compile(r"a\d+(\[.*\])?")


def clusters(found: Survey) -> tuple[tuple[Cluster, ...], list[int | None]]:
    """All boxes, outer before inner, and for each value the number of its innermost box, or None."""
    marks = [getattr(v, "mark", None) for v in found.values]
    if not any(marks):
        return (), [None] * len(marks)
    paths = _paths(found, marks)
    numbers: dict[int, int] = {}
    boxes: list[Cluster] = []
    places: list[int | None] = []
    for path in paths:
        parent: int | None = None
        for enclosing in path:
            key = id(enclosing)
            if key not in numbers:
                numbers[key] = len(boxes)
                kind = enclosing.kind if isinstance(enclosing, ModelPart) else "scope"
                boxes.append(Cluster(enclosing.name, kind, parent))
            parent = numbers[key]
        places.append(parent)
    return tuple(boxes), places


def path_of(boxes: Sequence[Cluster], number: int) -> str:
    """The name of a box together with those around it: ``layer 1 / neuron 0``."""
    names = [boxes[number].name]
    while (parent := boxes[number].parent) is not None:
        number = parent
        names.append(boxes[number].name)
    return " / ".join(reversed(names))


def _paths(found: Survey, marks: Sequence[object]) -> list[Path]:
    """Scopes first, parts inside them."""
    outer = _scopes(found, marks)
    inner = _parts(found, marks)
    paths = [one + other for one, other in zip(outer, inner, strict=True)]
    users: dict[int, list[int]] = {}
    for head, tails in enumerate(found.uses):
        for tail in tails:
            if isinstance(marks[tail], ModelPart):
                users.setdefault(tail, []).append(head)
    for leaf, heads in users.items():  # a parameter that is used in one place belongs there
        path = _common([paths[head] for head in heads])
        if path[len(path) - len(inner[leaf]) :] == inner[leaf]:
            paths[leaf] = path
    return paths


def _scopes(found: Survey, marks: Sequence[object]) -> list[Path]:
    """The scopes each value was made in."""
    known: dict[int, scope] = {}
    for mark in marks:
        enclosing = mark.scope if isinstance(mark, Mark) else None
        while enclosing is not None and id(enclosing) not in known:
            known[id(enclosing)] = enclosing
            enclosing = enclosing.parent
    upcoming = sorted(known.values(), key=lambda enclosing: enclosing.start, reverse=True)
    open_scopes: list[scope] = []
    path_here: Path = ()
    paths = []
    for v, mark in zip(found.values, marks, strict=True):
        before = len(open_scopes)
        while upcoming and upcoming[-1].start <= v.serial:
            open_scopes.append(upcoming.pop())
        ended = any(enclosing.end is not None and enclosing.end <= v.serial for enclosing in open_scopes)
        if ended:
            open_scopes = [
                enclosing for enclosing in open_scopes if enclosing.end is None or v.serial < enclosing.end
            ]
        if ended or len(open_scopes) > before:
            path_here = _common([_chain(enclosing) for enclosing in _innermost(open_scopes)])
        paths.append(_chain(mark.scope) if isinstance(mark, Mark) else path_here)
    return paths


def _innermost(open_scopes: Sequence[scope]) -> list[scope]:
    """Scopes with no other inside. If two ran in two threads, serials do not show which one made a value."""
    outer = {id(enclosing) for innermost in open_scopes for enclosing in _chain(innermost)[:-1]}
    return [enclosing for enclosing in open_scopes if id(enclosing) not in outer]


def _chain(innermost: scope) -> Path:
    path: list[Enclosing] = []
    enclosing: scope | None = innermost
    while enclosing is not None:
        path.append(enclosing)
        enclosing = enclosing.parent
    return tuple(reversed(path))


def _parts(found: Survey, marks: Sequence[object]) -> list[Path]:
    """The layer, or layer and neuron, that each value belongs to."""
    paths: list[Path] = []
    for k, (v, tails) in enumerate(zip(found.values, found.uses, strict=True)):
        mark = marks[k]
        if isinstance(mark, ModelPart):
            paths.append((mark,) if mark.parent is None else (mark.parent, mark))
        elif v.op is None:
            paths.append(())
        else:
            owners = [tail for tail in tails if isinstance(marks[tail], ModelPart)]
            ends = bool(ACTIVATION.fullmatch(found.names[k]))
            inherited = owners or [t for t in tails if paths[t] and (ends or not RESULT.fullmatch(found.names[t]))]
            paths.append(_common([paths[tail] for tail in inherited]))
    return paths


def _common(paths: Sequence[Path]) -> Path:
    """The outer boxes that all paths share."""
    if not paths:
        return ()
    first, length = paths[0], min(map(len, paths))
    for other in paths[1:]:
        length = next((k for k in range(length) if first[k] is not other[k]), length)
    return first[:length]
