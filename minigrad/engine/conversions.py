"""Leaving the graph: the explicit ways out of a Value, and errors for conversions that would lose a gradient.

Nothing here records anything; each error names a remedy.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, NoReturn, TypeVar

import numpy as np

from . import modes
from .errors import GradientLost

if TYPE_CHECKING:
    import typing_extensions
    from numpy.typing import DTypeLike

MYPY = False  # mypy takes it for True
if MYPY:  # An Any because no S is given. One that is written out would not count where a user's alias contains it.
    S = TypeVar("S")
    Unknown = Annotated[S, "unknown"]
    DType = typing_extensions.TypeVar("DType", default=Unknown)  # type: ignore[type-arg]
elif TYPE_CHECKING:  # other checkers object to an Any that is not written out
    DType = typing_extensions.TypeVar("DType", default=Any)
else:
    DType = TypeVar("DType")

_ASSERTIONS = ("numpy.testing", "_pytest.")  # modules of tests: their assertions compare the data


class Conversions(Generic[DType]):
    """Methods that convert a Value to plain numbers, or refuse to.

    To a type checker, Value means Value[Any]. Where several overloads of a NumPy function fit an argument that
    contains Any, mypy calls the result Any. If Value were not generic, it would take the first: an array.
    """

    __slots__ = ()
    # What `isinstance` asks if the type does not fit: a Value may pass for the array that it stands for.
    __class__: Any = property(lambda self: modes.class_of(self), vars(object)["__class__"].__set__)
    _array: Any
    name: str | None
    op: Any

    # fmt: off
    @property
    def shape(self) -> tuple[int, ...]: return self._array.shape  # type: ignore[no-any-return]
    @property
    def ndim(self) -> int: return self._array.ndim  # type: ignore[no-any-return]
    @property
    def size(self) -> int: return self._array.size  # type: ignore[no-any-return]
    @property
    def dtype(self) -> np.dtype[Any]: return self._array.dtype  # type: ignore[no-any-return]
    # fmt: on

    def __len__(self) -> int:
        if not self._array.ndim:
            raise TypeError("a Value of one number has no length")
        return len(self._array)

    def item(self, *place: int) -> Any:
        """The number of a one-element value, or the entry at `place`; leaves the graph on purpose."""
        modes.check_read("item()")
        return self._array.item(*place)

    def tolist(self) -> Any:
        """The numbers as nested lists; leaves the graph on purpose."""
        modes.check_read("tolist()")
        return self._array.tolist()

    def __bool__(self) -> bool:
        modes.check_read("bool()")
        return bool(self._array)

    def __repr__(self) -> str:
        numbers = np.array2string(self._array, precision=7, separator=", ", threshold=20, prefix="Value(")
        name = f", name={self.name!r}" if self.name else ""
        made = f", op={self.op.label!r}" if self.op else ""
        dtype = "" if self._array.dtype == np.float64 else f", dtype={self._array.dtype}"
        return f"Value({numbers}{name}{made}{dtype})"

    def __format__(self, spec: str) -> str:
        return format(self._array, spec) if spec else repr(self)

    _gradient_lost: ClassVar[Callable[[Any, str], Exception]]  # the error for a conversion: see `refusals`

    def _plain(self, what: str) -> Any:
        """The data of integers and booleans, which have no gradient; GradientLost for floats."""
        loses = self._array.dtype.kind == "f"
        modes.check_read(what, loses)
        if loses:
            raise self._gradient_lost(what)
        return self._array

    def __float__(self) -> float:
        return float(self._plain("float() of a Value"))

    # fmt: off
    def as_integer_ratio(self) -> Any: return self._plain("an exact fraction of a Value").as_integer_ratio()
    def __int__(self) -> int: return int(self._plain("int() of a Value"))
    def __complex__(self) -> complex: return complex(self._plain("complex() of a Value"))
    def __index__(self) -> int: return operator.index(self._plain("a Value as an integer"))
    # fmt: on

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Any:
        if sys._getframe(1).f_globals.get("__name__", "").startswith(_ASSERTIONS):
            modes.check_read("an assertion", lost=True)
            return np.array(self._array, dtype=dtype)
        return np.array(self._plain("np.array() of a Value"), dtype=dtype)

    def __setitem__(self, index: object, new: object) -> NoReturn:
        raise GradientLost(
            "assigning into a Value would lose the gradient of its old entries\n"
            "  write  v = minigrad.put(v, index, values)   for v[index] = values"
        )
