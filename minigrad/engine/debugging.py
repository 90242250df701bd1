"""The debugger of `with minigrad.debug():` notes where nodes were made, and finds nan, inf and arrays that changed.

The engine calls it at three moments: a node is made, a sweep reaches it, a rule returns. It reads a node's slots
only, and never changes a result.
"""

from __future__ import annotations

import linecache
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import Mutated, NonFinite, describe, layout
from .modes import Block, debugging_by, notes

_OURS = ("minigrad", "numpy", "contextlib")


@dataclass(frozen=True, slots=True)
class Origin:
    """The line that made a node, and fingerprints of its operands."""

    line: str
    fingerprints: tuple[int, ...]


class Debugger:
    """Watches each new node and each sweep."""

    def remember(self, node: Any, operands: tuple[Any, ...]) -> None:
        """Note the user's line behind a new node; raise NonFinite if finite operands gave nan or inf."""
        if node.op is None:
            return
        notes.add("origin")
        node.origin = Origin(_user_line(), tuple(map(_fingerprint, operands)))
        if not _finite(node._array) and all(_finite(_data(x)) for x in operands):
            raise NonFinite(_message(f"{node.op.label} gave {_worst(node._array)}", node, operands))

    def compare(self, node: Any) -> None:
        """Raise Mutated if an operand of the node was changed in place since."""
        origin = getattr(node, "origin", None)
        if origin is None:
            return
        for x, before in zip(node.operands, origin.fingerprints, strict=False):
            if _fingerprint(x) != before:
                what = f"{describe(x)}, an operand of {node.op.label}, was changed in place after it was used"
                raise Mutated(_message(what, node, node.operands))

    def inspect(self, cotangent: Any, node: Any) -> None:
        """Raise NonFinite if a rule of the node's op gave nan or inf."""
        if not _finite(_data(cotangent)):
            what = f"the derivative of {node.op.label} is {_worst(_data(cotangent))}"
            raise NonFinite(_message(what, node, node.operands))


def debug() -> Block:
    """Remember the line of code behind every node, and stop at the first nan, inf or changed array.

    Raises NonFinite at the first nan or inf, forwards or backwards, and Mutated where an array was changed in
    place between the two; both name the op, the line and the operands. Code runs several times slower.
    """
    return debugging_by(Debugger())


def _message(headline: str, node: Any, operands: tuple[Any, ...]) -> str:
    origin = getattr(node, "origin", None)
    rows = {"line": origin.line} if origin else {}
    return layout(headline, rows | {f"operand {i}": f"{describe(x)} {_data(x)}" for i, x in enumerate(operands)})


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
    """A fingerprint of an array's bytes; numbers cannot change."""
    data = _data(x)
    return hash(data.tobytes()) if isinstance(data, np.ndarray) else 0


def _finite(data: Any) -> bool:
    parts = data if isinstance(data, tuple) else (data,)
    return all(bool(np.all(np.isfinite(part))) for part in parts if np.result_type(part).kind == "f")


def _worst(data: object) -> str:
    parts = data if isinstance(data, tuple) else (data,)
    return "nan" if any(np.isnan(part).any() for part in parts) else "inf"
