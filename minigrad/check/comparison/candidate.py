"""The derivative to check: call a given gradient function and read its result.

A claim answers in rows of numbers (see `flattening`): a gradient for a cotangent, a tangent for a direction, a
whole matrix. It finds the mistakes that show without a slope: a wrong shape or type, arguments changed in place.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np

from ...engine.tree import kind_of, tree_map
from ...engine.tree_pairs import items_beside
from ...errors import DTypeError
from ..diagnosis.report import Finding
from ..numeric.derivative import Point, unit_of
from ..numeric.extrapolation import Array
from ..numeric.flattening import Layout, Slot, is_array, to_array


@dataclass
class Answer:
    """The answer of a claim: a row of numbers, and findings.

    missing: paths of the slots without numbers. unit: the unit roundoff of the numbers. odd: arrays of a wrong
    shape, by the path of their slot.
    """

    row: Array
    unit: float = 2.0**-53
    missing: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    odd: dict[str, Array] = field(default_factory=dict)


class ArgumentNames:
    """Names of arguments in reports: the parameters of the function."""

    def __init__(self, names: list[str]) -> None:
        self.names = names

    def __call__(self, path: str) -> str:
        """``[0]['w']`` as ``params['w']``."""
        found = re.match(r"\[(\d+)\]", path)
        if not found:
            return path
        return self.names[int(found[1])] + path[found.end() :]


def read(layout: Layout, given: object, names: ArgumentNames, promoted: bool, chosen: tuple[int, ...]) -> Answer:
    """Read one gradient per argument into a row; given: a tuple of gradients, or the only one."""
    answer = Answer(np.zeros(layout.size))
    parts = _per_argument(layout, given, chosen)
    if isinstance(parts, Finding):
        answer.findings.append(parts)
        answer.missing = {slot.path for slot in layout.slots}
        return answer
    beside = _arguments_beside(layout, parts)
    for slot in layout.slots:
        found = beside[slot.path]
        if isinstance(found, _Absent):
            answer.missing.add(slot.path)
            argument = names(slot.path[: slot.path.index("]") + 1])
            finding = Finding("structure", argument, sentence=str(found))
            answer.findings += [finding] * (finding not in answer.findings)
            continue
        _place(answer, slot, found, names(slot.path), promoted)
    return answer


def _arguments_beside(layout: Layout, parts: dict[int, Any]) -> dict[str, Any]:
    """The gradient given for each leaf of the arguments."""
    found: dict[str, Any] = {}
    for n, given in parts.items():
        found |= _beside(layout.tree[n], given, f"[{n}]")
    return found


class _Absent(str):
    """Why a gradient is missing."""


def _per_argument(layout: Layout, given: Any, chosen: tuple[int, ...]) -> dict[int, Any] | Finding:
    """The gradient given for each differentiated argument."""
    own = [n for n in chosen if any(slot.path.startswith(f"[{n}]") for slot in layout.slots)]
    if len(own) == 1 and not _wraps(given, layout.tree[own[0]]):
        return {own[0]: given}
    if isinstance(given, (tuple, list)):
        for numbers in (chosen, tuple(own), tuple(range(len(layout.tree)))):
            if len(given) == len(numbers):
                return dict(zip(numbers, given, strict=True))
    what = f"{len(given)} results" if isinstance(given, (tuple, list)) else f"one {type(given).__name__}"
    return Finding("structure", sentence=f"expected one gradient per argument ({len(own)}), got {what}")


def _wraps(given: Any, argument: Any) -> bool:
    """Whether the gradient of a single argument was given in a tuple around it."""
    if not isinstance(given, (tuple, list)) or (hasattr(given, "_fields") and type(given) is type(argument)):
        return False
    if isinstance(argument, (tuple, list)):
        inner = given[0] if len(given) == 1 else None
        return isinstance(inner, (tuple, list)) and len(inner) == len(argument)
    if isinstance(given, list) and is_array(argument) and np.ndim(to_array(argument)):
        return len(given) == 1 and np.ndim(given[0]) > 0 and np.shape(given) != np.shape(argument)
    return isinstance(given, tuple) or bool(kind_of(argument))


def _beside(tree: Any, given: Any, path: str = "") -> dict[str, Any]:
    """The gradient given for each leaf of a tree, by path; `_Absent` if the nesting differs.

    `tree_pairs` would refuse what differs; here the rest is still compared.
    """
    kind = kind_of(tree)
    if given is None or tree is None or not kind:
        return dict.fromkeys(_paths(tree, path), given)
    keys, items, _ = kind.split(tree)
    by_key = dict(enumerate(given)) if _answers_numbers(tree, given) else items_beside(tree, given)
    if by_key is None:
        reason = _Absent(f"not nested like the argument: a {type(given).__name__} for a {type(tree).__name__}")
        return dict.fromkeys(_paths(tree, path), reason)
    found: dict[str, Any] = {}
    for key, item in zip(keys, items, strict=True):
        here = path + kind.path % (key,)
        if key in by_key:
            found |= _beside(item, by_key[key], here)
        else:
            reason = _Absent(f"not nested like the argument: {key!r} is missing")
            found |= dict.fromkeys(_paths(item, here), reason)
    return found | _beyond(tree, keys, by_key, path)


def _beyond(tree: Any, keys: Sequence[Any], by_key: dict[Any, Any], path: str) -> dict[str, Any]:
    """Superfluous gradients, reported at the leaves beside them."""
    known = set(keys)
    extra = [key for key in by_key if key not in known]
    if not extra:
        return {}
    reason = f"{', '.join(map(repr, extra))} {'is' if len(extra) == 1 else 'are'} too many"
    if isinstance(keys, range):
        reason = f"{len(by_key)} items for {len(keys)}"
    return dict.fromkeys(_paths(tree, path), _Absent(f"not nested like the argument: {reason}"))


def _answers_numbers(tree: Any, given: Any) -> bool:
    """Whether an array was given for a list of as many numbers."""
    if not isinstance(tree, (list, tuple)) or not is_array(given):
        return False
    numbers = all(is_array(item) and not np.ndim(to_array(item)) for item in tree)
    return numbers and np.shape(to_array(given)) == (len(tree),)


def _paths(tree: object, path: str) -> list[str]:
    found: list[str] = []
    tree_map(lambda _, where: found.append(where), tree, path)
    return found


def _place(answer: Answer, slot: Slot, given: object, name: str, promoted: bool) -> None:
    """Put one array of an answer into its part of the row."""
    if given is None:  # engines give None where the result does not depend on the input
        return
    try:
        array = to_array(given) if is_array(given) else np.asarray(given)
    except (DTypeError, ValueError):
        array = np.empty(0, dtype=object)
    if array.dtype.kind == "c":
        answer.missing.add(slot.path)
        sentence = f"the gradient is made of complex numbers ({array.dtype}), the argument of {slot.dtype}"
        answer.findings.append(Finding("dtype", name, sentence=sentence))
        return
    if array.dtype.kind not in "fiub":
        answer.missing.add(slot.path)
        sentence = f"expected an array of real numbers of shape {slot.shape}, got {type(given).__name__}"
        answer.findings.append(Finding("structure", name, sentence=sentence))
        return
    if array.shape != slot.shape:
        answer.missing.add(slot.path)
        answer.odd[slot.path] = array
        sentence = f"the gradient has shape {array.shape}, the argument {slot.shape}"
        answer.findings.append(Finding("shape", name, sentence=sentence))
        return
    # The byte order does not change the numbers.
    wanted = np.dtype(np.float64) if promoted else np.dtype(slot.dtype).newbyteorder("=")
    if hasattr(given, "dtype") and array.dtype.newbyteorder("=") != wanted and array.ndim and not promoted:
        sentence = f"the gradient is made of {array.dtype}, the argument of {wanted}"
        answer.findings.append(Finding("dtype", name, sentence=sentence))
    answer.row[slot.stretch] = np.ravel(array).astype(np.float64)
    if array.dtype.kind == "f":
        answer.unit = max(answer.unit, unit_of(Layout(array)))


class Conventions(Protocol):
    """Names the libraries that return a given slope: see `conventions.ConventionNamer`."""

    def at_kink(self, axis: int, weights: Array, given: float, left: float, right: float) -> str:
        """Those whose convention a slope between those of the two sides follows."""

    def at_infinity(self, given: float) -> str:
        """Those that give this slope where that of an op is infinite."""

    def at_mistake(self, axes: Array, weights: Array, given: Array) -> str:
        """Those that lose the slope of an op as a wrong gradient does."""


class Claim:
    """A derivative to check, and the point at which to check it.

    kind: "grad" and "vjp" pull cotangents back, "jvp" pushes tangents forward, "jac" is a matrix.
    promote: whether to call it with float64, as the function itself is called.
    locate_kink: if the graph of the function is known: names the origin of a kink along a line, None without one.
    conventions: names the libraries that a given derivative agrees with.
    """

    locate_kink: Callable[[int | Array], str | None] | None = None
    conventions: Conventions | None = None

    def __init__(
        self, kind: str, call: Callable[..., Any], point: Point, names: ArgumentNames, chosen: tuple[int, ...]
    ) -> None:
        self.kind, self.function, self.point = kind, call, point
        self.names, self.chosen = names, chosen
        self.promote = point.f.promote
        self.mutated: list[Finding] = []

    def at(self, point: Point) -> Self:
        """The same claim at another point, away from kinks."""
        other = copy.copy(self)
        other.point, other.promote, other.mutated, other.locate_kink = point, point.f.promote, [], None
        return other

    def pull(self, v: Array, row: Array | None = None) -> Answer:
        """The gradient for a cotangent of the result."""
        given = self._call_function(lambda args: (self._cotangent(v), *args) if self.kind == "vjp" else args, row)
        return read(self.point.layout, given, self.names, self.promote, self.chosen)

    def push(self, u: Array, row: Array | None = None) -> Answer:
        """The tangent of the result for a direction."""
        layout = self.point.layout
        directed = layout.build(u, self.promote)
        sent = layout.row(directed)
        tangents = tuple(directed[n] for n in self.chosen)
        given = self._call_function(lambda args: (args, tangents), row)
        if not self.mutated and not np.array_equal(sent, layout.row(directed), equal_nan=True):
            self.mutated.append(Finding("mutated", sentence="the gradient function changed the tangent in place"))
        if isinstance(given, tuple) and len(given) == 2 and not isinstance(self.point.results.tree, tuple):
            given = given[1]  # (y, dy), as in many engines
        return read_like(self.point.results, given, self.promote)

    def matrix(self, row: Array | None = None) -> Answer:
        """The whole matrix of derivatives, (outputs, inputs), as a row."""
        given = self._call_function(lambda args: args, row)
        return read_matrix(self.point.results, self.point.layout, given, self.names, self.chosen)

    def hessian(self, row: Array | None = None) -> Answer:
        """The matrix of second derivatives of a scalar f, (inputs, inputs), as a row."""
        given = self._call_function(lambda args: args, row)
        tree = self.point.layout.tree
        rows = Layout(tree[0]) if len(tree) == 1 else self.point.layout
        return read_matrix(rows, self.point.layout, given, self.names, self.chosen)

    def _call_function(self, arguments: Callable[[Any], Any], row: Array | None) -> Any:
        layout = self.point.layout
        row = self.point.x if row is None else row
        args = layout.build(row, self.promote)
        call = arguments(args)
        before = layout.row(args)
        with np.errstate(all="ignore"):
            given = self.function(*call)
        if not self.mutated:
            self._compare(before, layout.row(args), call)
        return given

    def _compare(self, before: Array, after: Array, call: Any) -> None:
        changed = ~((before == after) | (np.isnan(before) & np.isnan(after)))
        if changed.any():
            slot = self.point.layout.slot_of(int(np.argmax(changed)))
            sentence = f"the gradient function changed {self.names(slot.path)} in place"
            self.mutated.append(Finding("mutated", self.names(slot.path), sentence=sentence))
        if self.kind == "vjp" and self._sent is not None:
            now = self.point.results.row(call[0])
            if not np.array_equal(now, self._sent, equal_nan=True):
                sentence = "the gradient function changed the cotangent in place"
                self.mutated.append(Finding("mutated", sentence=sentence))

    _sent: Array | None = None

    def _cotangent(self, v: Array) -> Any:
        made = self.point.results.build(v, self.promote)
        self._sent = self.point.results.row(made)
        return made


def read_like(layout: Layout, given: object, promoted: bool) -> Answer:
    """Read a tangent, nested like the result, into a row."""
    answer = Answer(np.zeros(layout.size))
    beside = _beside(layout.tree, given)
    for slot in layout.slots:
        found = beside[slot.path]
        if isinstance(found, _Absent):
            answer.missing.add(slot.path)
            answer.findings.append(Finding("structure", f"tangent{slot.path}", sentence=str(found)))
        else:
            _place(answer, slot, found, f"tangent{slot.path}", promoted or slot.dtype.kind != "f")
    return answer


def read_matrix(
    results: Layout, layout: Layout, given: object, names: ArgumentNames, chosen: tuple[int, ...]
) -> Answer:
    """Read a matrix of derivatives, nested as by `minigrad.jacobian`, into a row of (outputs x inputs) numbers."""
    outs, ins = results.slots, layout.slots
    answer = Answer(np.zeros(results.size * layout.size))
    matrix = answer.row.reshape(results.size, layout.size)
    blocks = _beside(results.tree, given)
    for out in outs:
        block = blocks[out.path]
        parts = block if isinstance(block, _Absent) else _per_argument(layout, block, chosen)
        beside = _arguments_beside(layout, parts) if isinstance(parts, dict) else {}
        for slot in ins:
            found = beside.get(slot.path, parts)
            shape = out.shape + slot.shape
            whole = Slot(slot.path, None, shape, np.dtype(np.float64), 0, int(np.prod(shape)))
            part = Answer(np.zeros(whole.stop))
            if isinstance(found, Finding):
                part.findings.append(found)
                part.missing.add(slot.path)
            elif isinstance(found, _Absent):
                part.findings.append(Finding("structure", names(slot.path), sentence=str(found)))
                part.missing.add(slot.path)
            else:
                _place(part, whole, found, names(slot.path), promoted=True)
            matrix[out.stretch, slot.stretch] = part.row.reshape(out.stop - out.start, slot.stop - slot.start)
            answer.findings += part.findings
            answer.missing |= part.missing
            answer.odd |= part.odd
            answer.unit = max(answer.unit, part.unit)
    return answer
