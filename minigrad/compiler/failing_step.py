"""Names the step of compiled code in which NumPy raised an error, as eager code names the op.

Eager code turns NumPy's errors into errors of this package. Compiled code calls NumPy directly; the line of its
source that was running tells the step.
"""

from __future__ import annotations

from types import TracebackType

from ..engine.errors import KINDS, MinigradError

SOURCE = "<compiled by minigrad>"  # the file name of compiled code, in tracebacks
TEXT = "the source"  # its text, among its names: no variable can be called that


def name_step(error: Exception) -> Exception | None:
    """The error of this package for one that a step raised; None for any other error."""
    kind = next((ours for caught, ours in KINDS if isinstance(error, caught)), None)
    traceback = _compiled_frame(error.__traceback__)
    known = isinstance(error, MinigradError) or type(error).__module__ == "numpy.linalg"
    if kind is None or traceback is None or known:
        return None
    line: str = traceback.tb_frame.f_globals[TEXT].splitlines()[traceback.tb_lineno - 1]
    label = line.rpartition("  # ")[2].strip()
    return kind(
        f"cannot compute {label} in a compiled function\n"
        f"  NumPy says: {error}\n"
        "  write  f(...)   without compile, for the operands"
    )


def _compiled_frame(traceback: TracebackType | None) -> TracebackType | None:
    """The place in compiled code that was running."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename != SOURCE:
        traceback = traceback.tb_next
    return traceback
