"""Boxes around values: the scopes that they were computed in, the layers and neurons that they are part of.

Scopes are told by serials. What an op of a model is part of is told by its parameters: it belongs where these
belong, and so does what is made of it, up to the named result of the layer. Linear in the size of the graph.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeAlias

from ..scopes import Mark, Part, scope
from .diagram import Cluster
from .survey import Survey

Around: TypeAlias = scope | Part
Path: TypeAlias = tuple[Around, ...]  # from the outermost box to the innermost

RESULT = re.compile(r"[za]\d+(\[.*\])?")  # what `nn` calls weighted sums and activations
ACTIVATION = re.compile(r"a\d+(\[.*\])?")


def clusters(found: Survey) -> tuple[tuple[Cluster, ...], list[int | None]]:
    """All boxes, outer before inner, and for each value the number of the innermost it stands in, or None."""
    marks = [getattr(v, "mark", None) for v in found.values]
    if not any(marks):
        return (), [None] * len(marks)
    paths = _paths(found, marks)
    numbers: dict[int, int] = {}
    boxes: list[Cluster] = []
    places: list[int | None] = []
    for path in paths:
        parent: int | None = None
        for around in path:
            key = id(around)
            if key not in numbers:
                numbers[key] = len(boxes)
                kind = around.kind if isinstance(around, Part) else "scope"
                boxes.append(Cluster(around.name, kind, parent))
            parent = numbers[key]
        places.append(parent)
    return tuple(boxes), places


def path_of(boxes: Sequence[Cluster], number: int) -> str:
    """What a box is called where those around it cannot be seen: ``layer 1 / neuron 0``."""
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
            if isinstance(marks[tail], Part):
                users.setdefault(tail, []).append(head)
    for leaf, heads in users.items():  # a parameter stands where it is used, if that is one place
        around = _common([paths[head] for head in heads])
        if around[len(around) - len(inner[leaf]) :] == inner[leaf]:
            paths[leaf] = around
    return paths


def _scopes(found: Survey, marks: Sequence[object]) -> list[Path]:
    """The scopes that each value was made in."""
    known: dict[int, scope] = {}
    for mark in marks:
        around = mark.scope if isinstance(mark, Mark) else None
        while around is not None and id(around) not in known:
            known[id(around)] = around
            around = around.parent
    coming = sorted(known.values(), key=lambda around: around.start, reverse=True)
    still_open: list[scope] = []
    around_here: Path = ()
    paths = []
    for v, mark in zip(found.values, marks, strict=True):
        before = len(still_open)
        while coming and coming[-1].start <= v.serial:
            still_open.append(coming.pop())
        ended = any(around.end is not None and around.end <= v.serial for around in still_open)
        if ended:
            still_open = [around for around in still_open if around.end is None or v.serial < around.end]
        if ended or len(still_open) > before:
            around_here = _common([_chain(around) for around in _innermost(still_open)])
        paths.append(_chain(mark.scope) if isinstance(mark, Mark) else around_here)
    return paths


def _innermost(still_open: Sequence[scope]) -> list[scope]:
    """Those with no other inside; of two that ran in two threads, serials do not tell which a value was made in."""
    outer = {id(around) for innermost in still_open for around in _chain(innermost)[:-1]}
    return [around for around in still_open if id(around) not in outer]


def _chain(innermost: scope) -> Path:
    path: list[Around] = []
    around: scope | None = innermost
    while around is not None:
        path.append(around)
        around = around.parent
    return tuple(reversed(path))


def _parts(found: Survey, marks: Sequence[object]) -> list[Path]:
    """The layer, or layer and neuron, that each value is part of."""
    paths: list[Path] = []
    for k, (v, tails) in enumerate(zip(found.values, found.uses, strict=True)):
        mark = marks[k]
        if isinstance(mark, Part):
            paths.append((mark,) if mark.parent is None else (mark.parent, mark))
        elif v.op is None:
            paths.append(())
        else:
            owners = [tail for tail in tails if isinstance(marks[tail], Part)]
            ends = bool(ACTIVATION.fullmatch(found.names[k]))
            inherited = owners or [t for t in tails if paths[t] and (ends or not RESULT.fullmatch(found.names[t]))]
            paths.append(_common([paths[tail] for tail in inherited]))
    return paths


def _common(paths: Sequence[Path]) -> Path:
    """The boxes that all paths have in common."""
    if not paths:
        return ()
    first, length = paths[0], min(map(len, paths))
    for other in paths[1:]:
        length = next((k for k in range(length) if first[k] is not other[k]), length)
    return first[:length]
