"""minigrad/check/comparison/convention_data.py: the part of the answers that a gradient check can recognise."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from math import nan

import numpy as np

from minigrad import Value
from minigrad.check.comparison.conventions import ConventionNamer, Situation
from minigrad.check.comparison.lost_slopes import CONDITIONS, STEEP, name_with_params, where_holds
from minigrad.check.comparison.problem import Subject
from minigrad.check.numeric.evaluation import Evaluator
from minigrad.engine.value import graph

from .libraries import LIBRARIES, Answer
from .points import EDGES, SECTIONS, SMOOTH, Point, points
from .results import Results

HEAD = '''"""The slopes of libraries at kinks, for `conventions`. docs/kinks.md shows them to readers, and more.

Made by `python -m tests.conventions`; do not edit.

SHARES: for each situation (op, operand, rank, tied, slope below, slope above) a row with an entry per library: how
far its slope lies on the way from the slope below to the slope above; nan if it gives nan. LOST: for ops and
conditions under which they have a slope, what a library returns that loses it: "0" or "nan". INFINITE: for ops with
an infinite slope somewhere, what a library returns there.
"""

from math import nan
'''
TYPE = "dict[tuple[str, int, int, int, float, float], tuple[float | None, ...]]"
LOST_TYPE = "dict[tuple[str, str], tuple[str, ...]]"
DIGITS = 4


def convention_data(results: Results, own: dict[str, Answer]) -> str:
    """The module's text."""
    found: dict[Situation, dict[str, set[float]]] = {}
    for point in points():
        for name, answer in {"minigrad": own[point.key], **results.answers[point.key]}.items():
            for situation, share in _shares(point, answer):
                found.setdefault(situation, {}).setdefault(name, set()).add(nan if share != share else share)
    versions = {"minigrad": "", **results.versions}
    rows = {situation: [_only(shares.get(name, set())) for name in versions] for situation, shares in found.items()}
    keys = dict.fromkeys(key for key in map(_lossy, SECTIONS[SMOOTH]) if key is not None)
    losses = {key: row for key in keys if any(row := _losses(key, versions, results, own))}
    steep: dict[str, list[set[str]]] = {}
    for point in SECTIONS[EDGES]:
        if name := _steep_op(point):
            given = {"minigrad": own[point.key], **results.answers[point.key]}
            for seen, library in zip(steep.setdefault(name, [set() for _ in versions]), versions, strict=True):
                seen.add(_size(given.get(library)))
    agreed = {name: [seen.pop() if len(seen) == 1 else "" for seen in row] for name, row in steep.items()}
    infinite = [f"    {_tuple((name, STEEP))}: {_tuple(row)}," for name, row in agreed.items() if any(row)]
    return "\n".join([
        HEAD, "# fmt: off",
        "VERSIONS = {", *(f'    "{name}": "{version}",' for name, version in versions.items()), "}",
        f"SHARES: {TYPE} = {{", *(f"    {_tuple(key)}: {_tuple(row)}," for key, row in sorted(rows.items())), "}",
        f"LOST: {LOST_TYPE} = {{", *(f"    {_tuple(key)}: {_tuple(row)}," for key, row in losses.items()), "}",
        f"INFINITE: {LOST_TYPE} = {{", *infinite, "}",
        "# fmt: on", "",
    ])  # fmt: skip


def _tuple(x: Iterable[object]) -> str:
    return repr(tuple(x)).replace("'", '"')


def _only(shares: set[float]) -> float | None:
    """What a library does not answer alike at two points of one situation is no convention."""
    return next(iter(shares)) if len(shares) == 1 else None


def _shares(point: Point, answer: Answer) -> Iterator[tuple[Situation, float]]:
    """What an answer says of an op, for each entry along which the point is its only kink."""
    for axis, situation, start, end in _kinks(point):
        if isinstance(answer, list):
            slope = np.concatenate([np.ravel(g) for g in answer])[axis]
            share = round(float((slope - start) / (end - start)), DIGITS) + 0.0
            # Any other share comes from the numbers of the point, such as the zeros of a norm that is 0.
            if np.isnan(share) or share in (0, 0.5, 1, round(1 / situation.tied, DIGITS)):
                yield situation, share


@functools.cache
def _kinks(point: Point) -> list[tuple[int, Situation, float, float]]:
    """Entries at a kink, and the slopes of the point's function below and above."""
    inputs = tuple(np.asarray(x) for x in point.inputs)
    with np.errstate(all="ignore"):
        subject = Subject(LIBRARIES["minigrad"].function(point), inputs, None, Evaluator(), 0)
        if subject.point is None:
            return []
        namer, found = ConventionNamer(subject), []
        for axis, measured in enumerate(subject.point.slopes().along([*range(subject.point.x.size)])):
            situation, _, grows = namer.situation(axis) or (None, "", True)
            if situation is not None and measured.kinked[0]:
                left, right = (float(side.value[0]) for side in (measured.left, measured.right))
                found.append((axis, situation, *((left, right) if grows else (right, left))))
    return found


def _steep_op(point: Point) -> str:
    """The only op of a point's function, if its slope there is infinite; else ""."""
    with np.errstate(all="ignore"):
        y = LIBRARIES["minigrad"].function(point)(*(Value(np.asarray(x)) for x in point.inputs))
    (node, *more) = [node for node in graph(y) if node.op is not None]
    return name_with_params(node) if not more and where_holds(node, STEEP).all() else ""


def _size(answer: Answer | None) -> str:
    """What an answer gives by the first argument: "0", "inf", "nan", or "" for all others."""
    slope = abs(float(np.ravel(answer[0])[0])) if isinstance(answer, list) else 1.0
    return "" if 0 < slope < np.inf else f"{slope:g}"


@functools.cache
def _lossy(point: Point) -> tuple[str, str] | None:
    """The op of a smooth point, and what makes its usual rule fail there."""
    with np.errstate(all="ignore"):
        y = LIBRARIES["minigrad"].function(point)(*(Value(np.asarray(x)) for x in point.inputs))
    nodes = [node for node in graph(y) if node.op is not None]
    held = (condition for condition in CONDITIONS if where_holds(nodes[0], condition).all())
    condition = next(held, None) if len(nodes) == 1 else None
    return (name_with_params(nodes[0]), condition) if condition else None


def _losses(key: tuple[str, str], names: Iterable[str], results: Results, own: dict[str, Answer]) -> list[str]:
    """0 or nan for each library that answers so instead of the derivative, at the points of an op and condition."""
    found: dict[str, str] = {}
    for point in SECTIONS[SMOOTH]:
        for name, answer in results.answers[point.key].items():
            if _lossy(point) == key and isinstance(answer, list):
                slopes, right = (np.concatenate([np.ravel(g) for g in a]) for a in (answer, own[point.key]))
                if np.isnan(slopes).any() or (right.any() and not slopes.any()):
                    found[name] = "nan" if np.isnan(slopes).any() else "0"
    return [found.get(name, "") for name in names]
