"""Reads formulas again where a few of the given symbols changed: only the entries that depend on them.

How a node follows a change depends on its op. An elementwise op is applied to the changed entries alone. A move is
an index map, found by moving numbers once. A sum gets the differences. Any other op is applied as a whole and
compared with before; so are formulas with bounds that change, or of which an identity is known.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.node import live
from ..engine.op import TABLE, Op
from ..engine.value import Value
from ..rules.indexing import scatter
from ..tracing.replay import own_params
from .fingerprints import Formulas
from .identities import ALGEBRA
from .modular import Fingerprint, add, multiply, opaque, subtract
from .primitives import where
from .residues import LANES, modulo
from .semantics import meaning

SMALL = 16  # with fewer entries, a node is read as a whole
EVERY = None  # in place of a change: all entries, and the bounds, may have changed
NOTHING = np.zeros(0, dtype=np.int64), np.zeros((LANES, 0), dtype=np.int64)

Change = tuple[Any, Any] | None  # positions, and the differences of their residues: (k,) and (LANES, k)
Env = dict[int, Any]
Follow = Callable[[dict[int, Change]], tuple[Any, Any] | None]  # positions and new residues; None: read the whole


class Changes:
    """The fingerprints of all nodes of some formulas, kept up to date."""

    def __init__(self, formulas: Formulas, given: dict[int, Fingerprint]) -> None:
        self.formulas = formulas
        self.env: Env = {**formulas.fixed, **{serial: _own(p) for serial, p in given.items()}}
        self.operands = {node.serial: [live(x) for x in node.operands] for node in formulas.nodes}
        self.ways: dict[int, Follow | None] = {}
        with np.errstate(over="ignore"):
            for node in formulas.nodes:
                self._read(node)

    def update(self, given: dict[int, Any]) -> dict[int, Change]:
        """Take new residues for some entries of given nodes, (positions, residues), and return what changed."""
        changed: dict[int, Change] = {}
        for serial, (at, x) in given.items():
            self._write(serial, at, x, changed)
        with np.errstate(over="ignore"):
            for node in self.formulas.nodes:
                changes = [
                    changed[x.serial]
                    for x in self.operands[node.serial]
                    if isinstance(x, Value) and x.serial in changed
                ]
                if not changes:
                    continue
                way = None if any(c is EVERY for c in changes) else self.ways[node.serial]
                found = way(changed) if way else None
                if found is not None:
                    self._write(node.serial, *found, changed)
                    if self.env[node.serial].factors:  # what is known of it changed, if not its numbers
                        changed.setdefault(node.serial, NOTHING)
                else:
                    self._compare(node, changed, bounds=any(c is EVERY for c in changes))
        return changed

    def _write(self, serial: int, at: Any, x: Any, changed: dict[int, Change]) -> None:
        """Write residues at positions and note the differences."""
        flat = self.env[serial].x.reshape(LANES, -1)
        differences = x - flat[:, at]
        differ = differences.any(axis=0)
        if not differ.all():
            at, x, differences = at[differ], x[:, differ], differences[:, differ]
        if len(at):
            flat[:, at] = x
            changed[serial] = at, differences

    def _compare(self, node: Any, changed: dict[int, Change], bounds: bool) -> None:
        """Read the whole node and note what differs. bounds: whether those of an operand may have changed."""
        before = self.env[node.serial]
        after = self.formulas.read_node(node, self.env)
        if bounds or isinstance(before, list) or _bounds(before) != _bounds(after):
            self._read(node, after)
            changed[node.serial] = EVERY
            return
        differences = (after.x - before.x).reshape(LANES, -1)
        at = np.flatnonzero(differences.any(axis=0))
        if len(at) or not (_is_plain(before) and _is_plain(after)):
            changed[node.serial] = at, differences[:, at]
        self._keep(node, after)

    def _read(self, node: Any, found: Any = None) -> None:
        self._keep(node, self.formulas.read_node(node, self.env) if found is None else found)
        self.ways[node.serial] = self._way(node)

    def _keep(self, node: Any, found: Any) -> None:
        """Keep the residues of a node in one array for ever: factors of products refer to it."""
        before = self.env.get(node.serial)
        if isinstance(found, list) or before is None:
            self.env[node.serial] = _own(found)
        else:
            before.x[...] = found.x
            self.env[node.serial] = found._replace(x=before.x)

    def _way(self, node: Any) -> Follow | None:
        """How the node follows changes of its operands; None if it must be read as a whole."""
        found, op = self.env[node.serial], node.op
        operands = [self.env[x.serial] if isinstance(x, Value) else x for x in self.operands[node.serial]]
        if isinstance(found, list) or found.x[0].size <= SMALL or any(isinstance(p, list) for p in operands):
            return None
        if len(operands) > len(op.domain) and not op.variadic:  # a Value inside a parameter
            return None
        function = _entry_function(node) if op.elementwise else None
        if function is not None:
            return self._entries(node, function)
        if all(isinstance(p, Fingerprint) for p in operands) and _is_plain(found):
            if op.moves:
                return self._moved(node, operands)
            if op.function in TARGETS:
                return self._summed(node, operands[0])
        return None

    def _entries(self, node: Any, function: Callable[..., Fingerprint]) -> Follow:
        """Apply an elementwise op to the changed entries."""
        xs = self.operands[node.serial]
        shape = self.env[node.serial].shape
        plain = [None if isinstance(x, Value) else self.formulas.plain(x) for x in xs]
        maps = [_spread(self.env[x.serial] if p is None else p, shape) for x, p in zip(xs, plain, strict=True)]

        def follow(changed: dict[int, Change]) -> tuple[Any, Any] | None:
            found, touched = self.env[node.serial], []
            for x, way in zip(xs, maps, strict=True):
                change = changed.get(x.serial) if isinstance(x, Value) else None
                if change is not None:
                    if way is ONE:
                        return None
                    touched.append(change[0] if way is SAME else way.images(change[0]))
            at = touched[0] if len(touched) == 1 else np.unique(np.concatenate(touched))
            operands = [self.env[x.serial] if p is None else p for x, p in zip(xs, plain, strict=True)]
            if 2 * len(at) > found.x[0].size or not all(map(_is_plain, (found, *operands))):
                return None
            parts = [_pick(p, way, at) for p, way in zip(operands, maps, strict=True)]
            y = function(*parts)
            return (at, y.x) if _bounds(y) == _bounds(found) else None

        return follow

    def _moved(self, node: Any, operands: Sequence[Fingerprint]) -> Follow | None:
        """Move the changed entries."""
        ends = np.cumsum([0, *(p.x[0].size for p in operands)]).tolist()
        numbers = [
            np.arange(a + 1, b + 1).reshape(p.shape) for p, a, b in zip(operands, ends, ends[1:], strict=False)
        ]
        source = np.asarray(node.op.forward(*numbers, **own_params(node))) - 1  # -1: an entry that stays 0
        if source.dtype.kind != "i":
            return None
        joined = np.concatenate(
            [*(p.x.reshape(LANES, -1) for p in operands), np.zeros((LANES, 1), np.int64)], axis=1
        )
        if not np.array_equal(joined[:, source], self.env[node.serial].x):
            return None
        way, starts = _IndexMap(source.ravel(), ends[-1]), list(zip(self.operands[node.serial], ends, strict=False))

        def follow(changed: dict[int, Change]) -> tuple[Any, Any] | None:
            places, residues = [], []
            for x, begin in starts:
                change = changed.get(x.serial)
                if change is not None:
                    places.append(way.images(change[0] + begin))
                    residues.append(self.env[x.serial].x.reshape(LANES, -1)[:, way.source[places[-1]] - begin])
            return np.concatenate(places), np.concatenate(residues, axis=1)

        return follow

    def _summed(self, node: Any, operand: Fingerprint) -> Follow | None:
        """Add the differences to the sums they are in."""
        found = self.env[node.serial]
        target = np.ravel(TARGETS[node.op.function](operand.shape, found.shape, **own_params(node)))
        for terms in (operand, opaque(operand)):  # these, if the sum would be beyond the bounds
            summed = terms.x.reshape(LANES, -1)
            sums = np.zeros((LANES, found.x[0].size), dtype=np.int64)
            _add_at(sums, target, summed)
            if np.array_equal(modulo(sums).reshape(found.x.shape), found.x):
                break
        else:
            return None
        (x,) = self.operands[node.serial]

        def follow(changed: dict[int, Change]) -> tuple[Any, Any] | None:
            change = changed[x.serial]
            assert change is not EVERY
            positions, differences = change
            if terms is not operand:
                new = opaque(_pick(self.env[x.serial], SAME, positions)).x
                differences = new - summed[:, positions]
                summed[:, positions] = new
            at, whose = np.unique(target[positions], return_inverse=True)
            sums = self.env[node.serial].x.reshape(LANES, -1)[:, at]
            _add_at(sums, whose, differences)
            return at, modulo(sums)

        return follow


class _IndexMap:
    """source: for each entry of an output, which entry of the input it is; -1 for none."""

    def __init__(self, source: Any, count: int) -> None:
        self.source = source
        self.order = np.argsort(source, kind="stable")
        self.starts = np.searchsorted(source[self.order], np.arange(count + 1))

    def images(self, at: Any) -> Any:
        """The entries of the output that are one of these entries of the input."""
        first, last = self.starts[at], self.starts[at + 1]
        ends = np.cumsum(last - first)
        if not len(ends) or ends[-1] == 0:
            return self.order[:0]
        return self.order[np.repeat(last - ends, last - first) + np.arange(ends[-1])]


SAME, ONE = object(), object()  # an operand with the shape of the output, and one number


def _spread(p: Fingerprint, shape: tuple[int, ...]) -> Any:
    """Which entry of an operand belongs to each entry of the output."""
    if p.shape == shape:
        return SAME
    size = p.x[0].size
    return ONE if size == 1 else _IndexMap(np.broadcast_to(np.arange(size).reshape(p.shape), shape).ravel(), size)


def _pick(p: Fingerprint, way: Any, at: Any) -> Fingerprint:
    """The entries of an operand for these entries of the output."""
    flat = p.x.reshape(LANES, -1)
    x = flat[:, 0] if way is ONE else flat[:, at] if way is SAME else flat[:, way.source[at]]
    return p._replace(x=x)


def _add_at(sums: Any, target: Any, x: Any) -> None:
    for total, lane in zip(sums, x, strict=True):
        np.add.at(total, target, lane)


def _sum_target(shape: tuple[int, ...], out: tuple[int, ...], axis: Any = None, keepdims: bool = False) -> Any:
    """The sum that each entry is added to."""
    axes = range(len(shape)) if axis is None else [a % len(shape) for a in np.atleast_1d(axis)]
    kept = tuple(1 if k in axes else n for k, n in enumerate(shape))
    return np.broadcast_to(np.arange(np.prod(kept, dtype=int)).reshape(kept), shape)


def _scatter_target(given: tuple[int, ...], out: tuple[int, ...], index: Any, shape: tuple[int, ...]) -> Any:
    return np.broadcast_to(np.arange(np.prod(out, dtype=int)).reshape(out)[index], given)


# Without identities, these look at each entry alone.
APART: dict[object, Callable[..., Fingerprint]] = {
    np.add: add,
    np.subtract: subtract,
    np.multiply: multiply,
    np.where: where,
}
TARGETS: dict[object, Callable[..., Any]] = {np.sum: _sum_target, scatter: _scatter_target}


def _own(found: Any) -> Any:
    """Fingerprints whose residues no other array shares, as they are overwritten."""
    return found if isinstance(found, list) else found._replace(x=np.array(found.x, order="C"))


def _bounds(p: Any) -> Any:
    """What else the next step depends on; never equal where an entry may have no value."""
    return object() if isinstance(p, list) or p.poles is not None else (p.degree, p.height, p.below)


def _is_plain(p: Fingerprint) -> bool:
    """Whether no identity of `identities` may make something of a product of it."""
    return p.poles is None and not p.less and not any(map(_is_special, (p, *p.factors)))


def _is_special(p: Fingerprint) -> bool:
    return p.power is not None or p.square is not None or p.inverse is not None


def _entry_function(node: Any) -> Callable[..., Fingerprint] | None:
    """The meaning of an elementwise op of plain operands, if it looks at each entry alone; else None."""
    op, params, logical = node.op, own_params(node), node._array.dtype.kind == "b"
    if op.function in APART and not logical:
        return APART[op.function]
    apart = logical or _looks_at_entries(op, params)
    if op.function is np.power and _is_number(node.operands[1]):
        apart = node.operands[1] >= 0  # else it is 1 / x, and fractions are simplified as a whole
    return functools.partial(_of_entries, op, params, logical) if apart else None


def _looks_at_entries(op: Op, params: dict[str, Any]) -> bool:
    """Whether the meaning is a random function of each entry, or composed of functions that look at each alone."""
    if op.function in APART or op.function in ALGEBRA or op.meaning is None:
        return op.elementwise and (op.function in APART or op.function not in ALGEBRA)
    listener = _Listener()
    try:
        found = op.meaning(*[listener] * len(op.domain), **params)
    except (TypeError, ValueError, AttributeError):  # it asks for more than an array of functions can say
        return False
    return listener.apart and found is listener


class _Listener(np.lib.mixins.NDArrayOperatorsMixin):
    """An argument for a meaning, which notes whether all functions of it look at each entry alone."""

    apart = True

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return self.__array_function__(ufunc, (), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        self.apart = self.apart and function in TABLE and not kwargs and _looks_at_entries(TABLE[function], {})
        return self


def _is_number(x: Any) -> bool:
    return not isinstance(x, Value) and np.ndim(x) == 0


def _of_entries(op: Any, params: Any, logical: bool, *operands: Fingerprint) -> Any:
    return meaning(op, operands, params, logical)
