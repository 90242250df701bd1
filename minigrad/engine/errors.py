"""The errors of the engine, and how their messages are laid out.

An error shows the call, its operands (shape, type, name and maker of each), what was expected, and what to write
instead. Each class also derives from the built-in that a user of NumPy would catch.
No computation belongs here. `errors` has those of the whole package.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class MinigradError(Exception):
    """The base class of all errors of this package."""


class GradientLost(MinigradError, TypeError):
    """The call would have left the graph and lost a gradient."""


class ShapeError(MinigradError, ValueError):
    """Shapes that do not fit the operation."""


class AxisError(ShapeError, IndexError):
    """An axis that the value does not have."""


class IndexingError(MinigradError, IndexError):
    """An index that does not fit the value, or is not an index."""


class DTypeError(MinigradError, TypeError):
    """A type of data that has no gradient: complex numbers, objects, text."""


class MissingRule(MinigradError, TypeError):
    """A NumPy function that has no rule in the table."""


class ArgumentError(MinigradError, TypeError):
    """An argument that an operation does not take, refused by its name."""


class NameTaken(MinigradError, ValueError):
    """The table already has an op of that name."""


class NotALeaf(MinigradError, TypeError):
    """A computed value was used where only a leaf works."""


class InPlaceError(MinigradError, TypeError):
    """An operator in place that would change less than it seems to, or a use of a value after one."""


class NonFinite(MinigradError, FloatingPointError):
    """Under `debug`: the first nan or inf."""


class Mutated(MinigradError, RuntimeError):
    """Under `debug`: an array changed in place between its use and the backward sweep."""


def describe(x: Any) -> str:
    """One operand in a line: kind, shape, type, name and maker."""
    kind = type(x).__name__
    if not hasattr(x, "shape"):
        return f"{kind} {x!r}"[:60]
    text = f"{kind} {tuple(x.shape)} {x.dtype}"
    notes = []
    if getattr(x, "name", None):
        notes.append(f"named {x.name!r}")
    if getattr(x, "op", None) is not None:
        notes.append(f"made by {x.op.label}")
    return f"{text}   {', '.join(notes)}" if notes else text


def layout(headline: str, rows: dict[str, str], *remarks: str) -> str:
    """A message: the headline, a table of labelled rows, then remarks."""
    width = max((len(label) for label in rows), default=0)
    lines = [headline, *(f"  {label:<{width}}  {text}" for label, text in rows.items())]
    return "\n".join([*lines, *(f"  {remark}" for remark in remarks if remark)])


KINDS: tuple[tuple[type[Exception], type[Exception]], ...] = (
    (np.exceptions.AxisError, AxisError),
    (ValueError, ShapeError),
    (IndexError, IndexingError),
    (TypeError, ArgumentError),
)


call_text: Any = None  # the call of an op, as the user writes it: `failed_calls` defines it


def failure(
    op: Any, operands: Sequence[Any], params: dict[str, Any], error: Exception, kind: Any = None
) -> Exception:
    """Turn NumPy's error into one of ours that names the op and every operand."""
    letters = "abcdefgh"[: len(operands)] if len(operands) <= 8 else ""
    names = list(letters) or [f"x{i}" for i in range(len(operands))]
    headline = f"cannot compute {call_text(op, names, params)}"
    said = str(error) if kind or str(error).startswith("expected") else f"NumPy says: {error}"
    rows = {name: describe(x) for name, x in zip(names, operands, strict=True)}
    text = layout(headline, rows, *(_expected(op, operands, error) or said).splitlines())
    if kind is not None:
        return kind(text)  # type: ignore[no-any-return]
    for caught, ours in KINDS:
        if isinstance(error, caught) and type(error).__module__ != "numpy.linalg":
            return ours(text)
    error.add_note(text)
    return error


def _expected(op: Any, operands: Sequence[Any], error: Exception) -> str:
    """The problem with the types or the shapes, if the op can name it."""
    if odd := {str(x.dtype) for x in operands if hasattr(x, "shape") and x.dtype.kind not in "fiub"}:
        parts = (
            ", out of scope: np.cos(v), np.sin(v) are the parts of np.exp(1j * v)" if "complex" in str(odd) else ""
        )
        return f"expected real numbers, got {' and '.join(sorted(odd))}{parts}"
    shapes = [tuple(getattr(x, "shape", ())) for x in operands]
    proper = op.variadic or len(shapes) == len(op.domain)
    if not proper or not isinstance(error, (ValueError, TypeError)) or str(error).startswith("expected"):
        return ""
    if op.expects is not None:
        return str(op.expects(*shapes))
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return f"expected shapes that broadcast together, got {' and '.join(map(str, shapes))}"
    return ""
