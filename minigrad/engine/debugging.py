"""The debugger of `with minigrad.debug():` notes where nodes were made, and finds what goes wrong in silence.

That is: nan, inf and arrays that changed; a gradient that is added to an old one; a column that met a row. The
engine calls it at four moments: a node is made, ``backward()`` starts, a sweep reaches a node, a rule returns. It
reads a node's slots only, and never changes a result.
"""

from __future__ import annotations

import linecache
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import MinigradError, Mutated, NonFinite, describe, layout
from .modes import Block, debugging_by, notes
from .tree import leaves

_OURS = ("minigrad", "numpy", "contextlib")


class StaleGradient(MinigradError, RuntimeError):
    """Under `debug`: ``backward()`` would add to a gradient that should have been forgotten."""


class EveryPair(MinigradError, ValueError):
    """Under `debug`: an (n, 1) met an (n,), so that every pair was computed."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The line that made a node, and fingerprints of what its op was given. column: it is (n, 1) on purpose."""

    line: str
    fingerprints: tuple[int, ...]
    column: bool


class Debugger:
    """Watches each new node and each sweep."""

    def __init__(self) -> None:
        # By serial of a leaf: the serial of the value whose gradient it has, and a fingerprint of its data then.
        self._swept: dict[int, tuple[int, int]] = {}
        self._lost: NonFinite | None = None  # where a sweep first met nan or inf

    def remember(self, node: Any, operands: tuple[Any, ...]) -> None:
        """Note the user's line behind a new node; raise NonFinite if finite operands gave nan or inf."""
        if node.op is None:
            return
        notes.add("origin")
        fingerprints = tuple(map(_fingerprint, (*operands, *_arrays_in(node.params))))
        node.origin = Origin(_user_line(), fingerprints, _is_column_on_purpose(node, operands))
        if not _finite(node._array) and all(_finite(_data(x)) for x in operands):
            raise NonFinite(_message(f"{node.op.label} gave {_worst(node._array)}", node, operands))

        if node.op.elementwise and len(operands) == 2:
            _check_pairs(node, operands)

    def notice_effect(self, node: Any, what: str) -> None:
        """Raise StaleGradient if ``node.backward()`` would add its gradient again, or to one of an earlier step."""
        if what != "backward()":
            return
        for leaf in _leaves_of(node):
            root, before = self._swept.get(leaf.serial, (None, 0))
            now = _fingerprint(leaf)
            if leaf._grad is not None and root is not None and (root == node.serial or before != now):
                again = "backward() of the same value, called twice, would add the same gradient again to"
                old = "backward() would add to the gradient that an earlier step left behind in"
                raise StaleGradient(
                    f"{again if root == node.serial else old} {describe(leaf)}\n"
                    "  write  model.zero_grad()   (or w.grad = None) before backward()"
                )
            self._swept[leaf.serial] = node.serial, now

    def compare(self, node: Any) -> None:
        """Raise Mutated if an operand or a parameter of the node was changed since."""
        origin = getattr(node, "origin", None)
        if origin is None:
            return
        parts = (*node.operands, *_arrays_in(node.params))
        for i, (x, before) in enumerate(zip(parts, origin.fingerprints, strict=False)):
            if _fingerprint(x) != before:
                part = "an operand" if i < len(node.operands) else "a parameter"
                what = f"{describe(x)}, {part} of {node.op.label}, was changed in place after it was used"
                raise Mutated(_message(what, node, node.operands))

    def inspect(self, cotangent: Any, node: Any) -> None:
        """Note the first nan or inf that a rule gave: a selection may still leave it out."""
        if self._lost is None and not _finite(_data(cotangent)):
            what = f"the derivative of {node.op.label} is {_worst(_data(cotangent))}"
            self._lost = NonFinite(_message(what, node, node.operands))

    def conclude(self, found: dict[int, Any]) -> dict[int, Any]:
        """The results of a sweep; raises NonFinite if they hold nan or inf."""
        lost, self._lost = self._lost, None
        if lost is not None and not all(_finite(_data(x)) for x in found.values()):
            raise lost
        return found


def debug() -> Block:
    """Remember the line of code behind every node, and stop at the first nan, inf or changed array.

    Raises NonFinite at the first nan or inf, forwards or backwards; Mutated where an array was changed in place
    between the two; StaleGradient where ``backward()`` is called twice, or adds to the gradient of an earlier step;
    EveryPair where an (n, 1) met an (n,). They name the op, the line and the operands. Code runs several times
    slower.
    """
    return debugging_by(Debugger())


def _message(headline: str, node: Any, operands: tuple[Any, ...]) -> str:
    origin = getattr(node, "origin", None)
    rows = {"line": origin.line} if origin else {}
    return layout(headline, rows | {f"operand {i}": f"{describe(x)} {_data(x)}" for i, x in enumerate(operands)})


def _leaves_of(y: Any) -> list[Any]:
    """The leaves that a node depends on."""
    found, todo = {y.serial: y}, [y]
    while todo:
        new = {x.serial: x for x in todo.pop().inputs if x.serial not in found}
        found |= new
        todo += new.values()
    return [x for x in found.values() if x.op is None]


def _is_column(x: Any) -> bool:
    shape = np.shape(_data(x))
    return len(shape) == 2 and shape[1] == 1 < shape[0]


def _is_column_on_purpose(node: Any, operands: tuple[Any, ...]) -> bool:
    """Whether the last axis was made by an index, a new shape or keepdims=, here or in an operand."""
    if type(node._array) is tuple or not _is_column(node):
        return False
    made = node.op.moves or (node.params or {}).get("keepdims", False)
    return made or (node.op.elementwise and any(map(_comes_as_column, operands)))


def _comes_as_column(x: Any) -> bool:
    origin = getattr(x, "origin", None)
    return origin is not None and origin.column and _is_column(x)


def _check_pairs(node: Any, operands: tuple[Any, ...]) -> None:
    """Raise EveryPair where an (n, 1), not made on purpose, met an (n,)."""
    for column, row in (operands, operands[::-1]):
        if not _is_column(column) or _comes_as_column(column):
            continue
        n = len(_data(column))
        if np.shape(_data(row)) == (n,):
            what = f"{node.op.label} of shapes ({n}, 1) and ({n},) gave ({n}, {n}): every pair"
            by_row = f"write  y[:, None]   for y of shape ({n},), to go row by row"
            raise EveryPair(
                "\n  ".join([_message(what, node, operands), by_row, "or     y[None, :]   for every pair"])
            )


def _user_line() -> str:
    """File, number and text of the innermost line that is neither ours nor NumPy's."""
    frame = sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _OURS:
        frame = frame.f_back
    name, number = frame.f_code.co_filename, frame.f_lineno
    return f"{name}:{number}: {linecache.getline(name, number).strip()}"


def _data(x: Any) -> Any:
    return getattr(x, "_array", x)


def _fingerprint(x: object) -> int:
    """A fingerprint of an array or a Value, whose data may be replaced. A plain number cannot change."""
    data = _data(x)
    return hash(data.tobytes()) if isinstance(data, (np.ndarray, np.generic)) else 0


def _arrays_in(params: Any) -> list[Any]:
    """The plain arrays in the parameters of a node, such as an index."""
    return [x for x in leaves(params) if isinstance(x, np.ndarray)]


def _finite(data: Any) -> bool:
    parts = data if isinstance(data, tuple) else (data,)
    return all(bool(np.all(np.isfinite(part))) for part in parts if np.result_type(part).kind == "f")


def _worst(data: object) -> str:
    parts = data if isinstance(data, tuple) else (data,)
    return "nan" if any(np.isnan(part).any() for part in parts) else "inf"
