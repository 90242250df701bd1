"""Name the libraries that lose the slope of an op as a wrong gradient does, at points where the function is smooth.

As `det` of a singular matrix, and `maximum(x, x)`: the op has one derivative there, but some rules return 0 or nan.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.value import Value, graph
from ..numeric.extrapolation import Array
from ..numeric.flattening import concatenate_flat
from .convention_data import INFINITE, LOST, VERSIONS
from .kinks import own_slopes
from .problem import Subject
from .recorded_graph import record_call

CLOSE = 1e-6  # relative to the largest entry: two gradients this close are the same
AXES = {"axis", "keepdims", "saved"}


def name_lost(subject: Subject, axes: Array, weights: Array, given: Array) -> str:
    """A sentence on a wrong gradient, of a weighted sum of the results along axes; "" if no library has it."""
    leaves, ys = record_call(subject)
    nodes = graph(*(y for y in ys if isinstance(y, Value)))
    for (name, condition), row in LOST.items():
        lost = {
            x.serial: mask
            for x in nodes
            if name_with_params(x) == name and (mask := where_holds(x, condition)).any()
        }
        if not lost:
            continue
        own, without = (_gradient(subject, leaves, ys, nodes, weights, cut)[axes] for cut in ({}, lost))
        bar, holes = CLOSE * np.max(np.abs(own), initial=0.0), np.isnan(given)
        if holes.any() and np.all((np.abs(given - own) <= bar) | holes):
            slope = "nan"
        elif np.all(np.abs(given - without) <= bar):
            slope = "0"
        else:
            continue
        known = zip(VERSIONS.items(), row, strict=True)
        libraries = [f"{library} {version}" for (library, version), one in known if one == slope]
        if libraries:
            return f"the slope of {name} counts as {slope} where {condition}, as in {', '.join(libraries)}"
    return ""


def name_infinite(subject: Subject, given: float) -> str:
    """A sentence on a slope of 0, inf or nan, where that of the one op without a finite slope is infinite."""
    slope = "nan" if np.isnan(given) else "inf" if np.isinf(given) else "" if given else "0"
    nodes = graph(*(y for y in record_call(subject)[1] if isinstance(y, Value)))
    steep = {name_with_params(x) for x in nodes if where_holds(x, STEEP).any()}
    row = INFINITE.get((min(steep), STEEP), ()) if len(steep) == 1 else ()
    if not (slope and row):
        return ""
    known = [*zip(VERSIONS.items(), row, strict=True)]
    agreeing = ", ".join(f"{library} {version}".rstrip() for (library, version), one in known if one == slope)
    others = ", ".join(library for (library, _), one in known if one == "inf" != slope)
    as_in = agreeing or "no library of docs/kinks.md"
    more = f" (inf in {others})" if others else ""
    return f"the slope of {min(steep)} counts as {slope}, as in {as_in}{more}"


def name_with_params(node: Value) -> str:
    """The name of a node's op, with its parameters, but for those that only say along which axes; "" of a leaf."""
    given = {name: p for name, p in (node.params or {}).items() if name not in AXES and p is not None}
    shown = ", ".join(f"{name}={p}" for name, p in sorted(given.items()))
    return "" if node.op is None else node.op.function.__name__ + (f"({shown})" if shown else "")


def _is_tied(node: Value) -> Any:
    """Where the two operands of an op such as `maximum` are equal."""
    operands = [x._array if isinstance(x, Value) else x for x in node.operands]
    return np.equal(*operands) if node.op is not None and node.op.commutative else False


def _is_steep(node: Value) -> Any:
    """Where an elementwise op has an infinite slope at a finite result."""
    if node.op is None or not node.op.elementwise or not node.has_gradient:
        return False
    slopes = own_slopes(node, np.ones(np.shape(node._array))[()]).values()
    return np.isfinite(node._array) & any(np.isinf(slope).any() for slope in slopes)


STEEP = "its slope is infinite"
# The entries of a result at which a rule may fail.
CONDITIONS: dict[str, Callable[[Value], Any]] = {
    "its operands are equal": _is_tied,
    "it is 0": lambda node: np.equal(node._array, 0),
    STEEP: _is_steep,
}


def where_holds(node: Value, condition: str) -> Array:
    """The entries of a node for which one of `CONDITIONS` holds."""
    return np.asarray(CONDITIONS[condition](node))


def _gradient(
    subject: Subject, leaves: list[Value], ys: list[Any], nodes: list[Value], weights: Array, lost: dict[int, Array]
) -> Array:
    """minigrad's gradient as a row, with some entries of nodes, by their serials, as constants."""
    assert subject.point is not None
    results = subject.point.results
    seeds = results.leaves(results.build(weights, subject.point.f.promote))
    found: dict[int, Array] = {}
    for y, g in zip(ys, seeds, strict=True):
        if isinstance(y, Value):
            found[y.serial] = found.get(y.serial, 0.0) + np.asarray(g)
    for node in reversed(nodes):
        if node.op is not None and node.serial in found:
            g = np.where(lost.get(node.serial, False), 0.0, found[node.serial])[()]
            for serial, c in own_slopes(node, g).items():
                found[serial] = found.get(serial, 0.0) + c
    return concatenate_flat([np.asarray(found.get(x.serial, np.zeros(np.shape(x._array)))) for x in leaves])
