"""The call that failed, as text for errors: as the user would write it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from . import errors
from .call_names import running_text
from .node import restore_parameters

_OURS = __name__.partition(".")[0]


def call_text(op: Any, names: Sequence[str], params: dict[str, Any]) -> str:
    """The call of an op. names: those of its operands; some of these stand in parameters.

    Some ops are only called by other functions and by rules: for these, the expression that the user is running.
    """
    inputs, params = restore_parameters(op, [*map(_Name, names)], params)
    if _is_internal(op.function):
        return _users_expression() or "a derivative"
    if len(inputs) == 2 and not any(map(str.isalnum, op.label)):
        return f"{inputs[0]} {op.label} {inputs[1]}"
    if "index" in params and "…" in op.label:
        return f"{inputs[0]}{op.label.replace('…', _index_text(params['index']))}"
    return f"{op.label}({', '.join([*inputs, *(f'{key}={x!r}' for key, x in params.items())])})"


class _Name(str):
    """The name of an operand, which stands in a parameter without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def _index_text(index: object) -> str:
    """What stands between the brackets of ``a[...]``."""
    return ", ".join(map(_part_text, index)) if type(index) is tuple and index else _part_text(index)


def _part_text(part: Any) -> str:
    if part is ...:
        return "..."
    if not isinstance(part, slice):
        return repr(part)
    ends = ["" if x is None else repr(x) for x in (part.start, part.stop, part.step)]
    return ":".join(ends if ends[2] else ends[:2])


def _is_internal(function: Any) -> bool:
    """Whether a function is ours, but has no public name."""
    name = getattr(function, "__name__", "")
    ours = (getattr(function, "__module__", None) or "").startswith(f"{_OURS}.rules.")
    return ours and getattr(sys.modules[_OURS], name, None) is not function


def _users_expression() -> str:
    """The expression that the nearest code of other packages is running; "" if its source is not known."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] in (_OURS, "numpy"):
        frame = frame.f_back
    try:
        text = running_text(frame) if frame is not None else ""
    except Exception:  # a stack that nobody thought of must not hide the error
        text = ""
    return text if len(text) <= 80 else ""


errors.call_text = call_text
