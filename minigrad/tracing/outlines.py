"""What stays of an array of the trace: its shape, type and strides, without its memory.

So the text of a program can be written at any time after the trace, and only if someone asks for it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SMALL = 64  # entries: arrays up to this size keep their numbers, for pictures


class Flags(NamedTuple):
    """The flags of an array that depend on its layout."""

    c_contiguous: bool
    f_contiguous: bool


class Outline(np.ndarray[Any, Any]):
    """An array that tells strides and flags of another one, of the same shape and type.

    Its own memory is a single zero, or a copy of a small array, so reading it is safe and costs no memory.
    """

    _strides: tuple[int, ...]
    _flags: Flags

    @property  # type: ignore[misc]
    def strides(self) -> tuple[int, ...]:
        """The strides of the other array."""
        return self._strides

    @property
    def flags(self) -> Flags:  # type: ignore[override]
        """The flags of the other array."""
        return self._flags


def outline(x: Any) -> Any:
    """An array without its memory; anything else as it is."""
    if not isinstance(x, np.ndarray):
        return x
    if x.size <= SMALL:
        copied: NDArray[Any] = x.copy("K")
        if type(copied) is np.ndarray and copied.strides == x.strides:
            return copied
        found = copied.view(Outline)
    else:
        found = np.ndarray.__new__(Outline, x.shape, x.dtype, bytes(x.itemsize), 0, (0,) * x.ndim)
    found._strides, found._flags = x.strides, Flags(x.flags.c_contiguous, x.flags.f_contiguous)
    return found
