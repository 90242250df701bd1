"""Runs the function itself where compiled code raised an error, as it has neither ``except`` nor limits.

So it does where the function catches an error at its first call: there is nothing to compile for these data.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias

from ..tracing.caught import CaughtOnData
from ..tracing.nan_checks import LimitNeeded
from .failing_step import name_step

Failed: TypeAlias = tuple[Exception, Exception | None]  # the error, and one that names the step


class Fallback:
    """What one compiled function does after an error. donates: whether its arrays may hold new numbers then."""

    def __init__(self, f: Callable[..., Any], donates: bool) -> None:
        self.f, self.donates = f, donates
        self._warned = False

    def enter(self, enter: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of compiled code, or of the function itself."""
        try:
            return enter(args, kwargs)
        except Exception as error:
            failed = self.catch(error)
        return self.run(failed, args, kwargs, stacklevel=5)

    def catch(self, error: Exception) -> Failed:
        """An error of compiled code, for `run`. It is raised if the function cannot run on the same arguments."""
        named = name_step(error)
        if self.donates and not isinstance(error, LimitNeeded):  # this one is raised before any array is written
            if named is None:
                raise error
            raise named from error
        return error.with_traceback(None), named

    def run(self, failed: Failed, args: tuple[Any, ...], kwargs: dict[str, Any], stacklevel: int) -> Any:
        """The result of the function: it may catch the error."""
        error, named = failed
        try:
            result = self.f(*args, **kwargs)
        except type(error) as again:
            if named is None:
                raise
            raise named from again
        if not isinstance(error, LimitNeeded):
            why = f"compiled code raised {type(error).__name__}: {str(error).partition(chr(10))[0]}"
            self._warn(f"{why}\n  The function itself returned a result: it may catch the error.", stacklevel + 1)
        return result

    def __enter__(self) -> None:
        """Trace inside: there is no trace afterwards if the function catches an error about the data."""

    def __exit__(self, kind: Any, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, CaughtOnData):
            self._warn(str(error).partition("\n")[0], stacklevel=5)
        return isinstance(error, CaughtOnData)

    def _warn(self, why: str, stacklevel: int) -> None:
        """Say once that some calls run without compiling."""
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"{why}\n  Calls on such data run without compiling.\n"
                "  write  try: ... except ...   around the call, not inside the function",
                RuntimeWarning,
                stacklevel=stacklevel,
            )
