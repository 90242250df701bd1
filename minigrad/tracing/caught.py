"""Errors that a traced function catches.

``try: np.linalg.cholesky(a) except LinAlgError: ...`` is a branch on data that no placeholder can refuse, and
``except Exception`` hides a refusal. So a tape notes each error of an op and each error of ours, and a function
that returns although one was raised has caught it. If NumPy raised it about the data, other data can be traced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine import modes
from ..engine.op import Op
from ..engine.tree import leaves
from ..errors import ArgumentError, IndexingError, MinigradError, ShapeError, TracingError


class CaughtOnData(TracingError):
    """A traced function caught an error that it would catch on plain arrays as well."""


_OURS = __name__.partition(".")[0]
_REMEDY = "try: ... except ...   around the call, not inside the function"


def note_error(error: BaseException) -> None:
    """Let the current tape, if there is one, remember an error that is being raised."""
    raised = getattr(modes.interpreter(), "raised", None)
    if raised is not None:
        raised.append(error)


def may_depend_on_data(error: Exception, made_by: Op, args: Sequence[Any], params: object) -> bool:
    """Whether an op might not raise this error for other numbers in arrays of the same shapes and types."""
    function: Any = made_by.function
    of_numpy = isinstance(function, np.ufunc) or _package(function) in ("numpy", "_operator")
    if not of_numpy or isinstance(error, (MinigradError, np.linalg.LinAlgError)):
        return True
    if isinstance(error, (TypeError, np.exceptions.AxisError)):
        return False
    if isinstance(error, IndexError):  # the index may be data
        return any(isinstance(x, (np.ndarray, np.generic)) for x in leaves(params))
    if not isinstance(error, ValueError):
        return True
    if made_by.elementwise:  # integers to the power of -1 raise ValueError, too
        return _broadcast(args)
    return not (made_by.linear or made_by.bilinear or made_by.sums)


def _package(function: Any) -> str:
    return (getattr(function, "__module__", None) or "").partition(".")[0]


def _broadcast(args: Sequence[Any]) -> bool:
    try:
        np.broadcast_shapes(*map(np.shape, args))
    except ValueError:
        return False
    return True


def _made(self: MinigradError, *args: object, **named: Any) -> None:
    super(MinigradError, self).__init__(*args, **named)
    if modes.active_modes:
        note_error(self)


MinigradError.__init__ = _made  # type: ignore[method-assign, assignment]  # the engine knows no tapes


def refuse_caught(tape: Any) -> None:
    """Raise TracingError if an error was raised on this tape, although the function has returned."""
    raised = [*tape.raised]
    tape.raised.clear()  # tracebacks hold frames, and these hold Values
    caught = sorted((x for x in raised if _was_caught(x) and not _of_shapes(x, raised)), key=_is_of_data)
    for error in caught[:1]:  # a refusal, if there is one
        lines = [line for line in str(error).splitlines() if line.strip()] or [""]
        remedies = [line[9:] for line in lines if line.startswith(("  write  ", "  or     "))]
        remedies += [] if _REMEDY in remedies else [_REMEDY]
        text = "\n  or     ".join(remedies)
        raise (CaughtOnData if _is_of_data(error) else TracingError)(
            f"the function caught {type(error).__name__}: {lines[0]}\n"
            f"  It was raised {tape.setting}. On other data the function may go another way.\n  write  {text}"
        )


def _was_caught(error: BaseException) -> bool:
    """Whether other code than ours caught an error.

    A traceback starts at the frame that caught the error. If that is a frame of ours that catches nothing, or there
    is none, then C code caught the error: `hasattr`, for example.
    """
    trace = error.__traceback__
    if trace is None:
        return True
    frame = trace.tb_frame
    ours = frame.f_globals.get("__name__", "").partition(".")[0] == _OURS
    return not (ours and frame.f_code.co_exceptiontable)


def _is_of_data(error: BaseException) -> bool:
    """Whether NumPy raises the same error on plain arrays. A FloatingPointError needs an np.errstate inside."""
    if isinstance(error, np.linalg.LinAlgError):
        return True
    refusal = isinstance(error, (MinigradError, FloatingPointError)) and error.__cause__ is None
    return not refusal and isinstance(error, (ValueError, IndexError))


def _of_shapes(error: BaseException, raised: list[BaseException]) -> bool:
    """Whether it is our text for an error of NumPy that does not depend on data."""
    cause = error.__cause__
    converted = isinstance(error, (ShapeError, ArgumentError, IndexingError)) and cause is not None
    return converted and not isinstance(cause, MinigradError) and all(cause is not x for x in raised)


__all__ = ["CaughtOnData", "may_depend_on_data", "note_error", "refuse_caught"]
