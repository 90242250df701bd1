"""What `with minigrad.debug():` watches: where nodes were made, numbers that are none, arrays that changed.

Called by the engine at three moments (a node was made, a sweep comes to it, a rule has answered); it knows a
node by its slots alone and never changes what is computed.
"""

from __future__ import annotations

import linecache
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import Mutated, NonFinite, describe, layout

_OURS = ("minigrad", "numpy", "contextlib")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a node was made, and what the arrays it was made from looked like."""

    line: str
    prints: tuple[int, ...]


def remember(node: Any, operands: tuple[Any, ...]) -> None:
    """Note the user's line behind a new node, and refuse it if its numbers are not finite."""
    node.origin = Origin(_user_line(), tuple(map(_print, operands)))
    if not _finite(node._array) and all(_finite(_data(x)) for x in operands):
        raise NonFinite(_told(f"{node.op.label} gave {_worst(node._array)}", node, operands))


def compare(node: Any, operands: tuple[Any, ...]) -> None:
    """Refuse a node whose operands were changed in place since it was made from them."""
    origin = getattr(node, "origin", None)
    if origin is None:
        return
    for x, before in zip(operands, origin.prints, strict=False):
        if _print(x) != before:
            what = f"{describe(x)}, an operand of {node.op.label}, was changed in place after it was used"
            raise Mutated(_told(what, node, operands))


def inspect(cotangent: Any, node: Any, operands: tuple[Any, ...]) -> None:
    """Refuse what a rule gave back for one operand of a node, if it is not finite."""
    if not _finite(_data(cotangent)):
        raise NonFinite(_told(f"the derivative of {node.op.label} is {_worst(_data(cotangent))}", node, operands))


def _told(headline: str, node: Any, operands: tuple[Any, ...]) -> str:
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


def _print(x: Any) -> int:
    """A fingerprint of an array's bytes; numbers cannot change."""
    data = _data(x)
    return hash(data.tobytes()) if isinstance(data, np.ndarray) else 0


def _finite(data: Any) -> bool:
    if isinstance(data, tuple):
        return all(map(_finite, data))
    return bool(np.all(np.isfinite(data))) if np.result_type(data).kind == "f" else True


def _worst(data: Any) -> str:
    parts = data if isinstance(data, tuple) else (data,)
    return "nan" if any(np.isnan(part).any() for part in parts) else "inf"
