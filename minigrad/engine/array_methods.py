"""The usual methods of an array, one typed line each, so that editors and type checkers see them.

Each line names its function; `rules/` defines and differentiates it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .errors import ArgumentError
from .op import lookup

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

Axis = int | tuple[int, ...] | None


class ArrayMethods:
    """The methods of an array, for a Value."""

    __slots__ = ()

    def _call(self, function: Callable[..., Any], *more: Any, **params: Any) -> Self:
        """Record the function with this value as its first input."""
        raise NotImplementedError

    def _reduce(self, function: Callable[..., Any], other: dict[str, Any], **params: Any) -> Self:
        """Record a reduction; other: where=, initial= and further parameters of NumPy's function."""
        return function(self, **params, **other) if other else self._call(function, **params)

    # fmt: off
    # Elementwise.
    def abs(self) -> Self: return abs(self)  # type: ignore[arg-type]
    def exp(self) -> Self: return self._call(np.exp)
    def log(self) -> Self: return self._call(np.log)
    def sqrt(self) -> Self: return self._call(np.sqrt)
    def square(self) -> Self: return self._call(np.square)
    def sin(self) -> Self: return self._call(np.sin)
    def cos(self) -> Self: return self._call(np.cos)
    def tanh(self) -> Self: return self._call(np.tanh)
    def relu(self) -> Self: return self._call(lookup("relu"))
    def sigmoid(self) -> Self: return self._call(lookup("sigmoid"))
    def softplus(self) -> Self: return self._call(lookup("softplus"))
    def softmax(self, axis: int = -1) -> Self: return self._call(lookup("softmax"), axis=axis)
    def clip(self, min: ArrayLike | None = None, max: ArrayLike | None = None) -> Self: return np.clip(self, min, max)  # type: ignore
    def round(self, decimals: int = 0) -> Self: return self._call(np.round, decimals=decimals)
    def astype(self, dtype: DTypeLike, copy: bool = True) -> Self: return self._call(np.astype, dtype=dtype) if copy or self.dtype != dtype else self  # type: ignore
    def copy(self, order: str = "C") -> Self: return self._call(np.copy, order=order)

    # Reductions.
    def sum(self, axis: Axis = None, *, keepdims: bool = False, **other: Any) -> Self: return self._reduce(np.sum, other, axis=axis, keepdims=keepdims)
    def mean(self, axis: Axis = None, *, keepdims: bool = False, **other: Any) -> Self: return self._reduce(np.mean, other, axis=axis, keepdims=keepdims)
    def prod(self, axis: Axis = None, *, keepdims: bool = False, **other: Any) -> Self: return self._reduce(np.prod, other, axis=axis, keepdims=keepdims)
    def max(self, axis: Axis = None, *, keepdims: bool = False, **other: Any) -> Self: return self._reduce(np.max, other, axis=axis, keepdims=keepdims)
    def min(self, axis: Axis = None, *, keepdims: bool = False, **other: Any) -> Self: return self._reduce(np.min, other, axis=axis, keepdims=keepdims)
    def var(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, **other: Any) -> Self: return self._reduce(np.var, other, axis=axis, ddof=ddof, keepdims=keepdims)
    def std(self, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False, **other: Any) -> Self: return self._reduce(np.std, other, axis=axis, ddof=ddof, keepdims=keepdims)
    def any(self, axis: Axis = None, *, keepdims: bool = False, **other: Any) -> Self: return self._reduce(np.any, other, axis=axis, keepdims=keepdims)
    def all(self, axis: Axis = None, *, keepdims: bool = False, **other: Any) -> Self: return self._reduce(np.all, other, axis=axis, keepdims=keepdims)
    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Self: return self._call(np.argmax, axis=axis, keepdims=keepdims)
    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Self: return self._call(np.argmin, axis=axis, keepdims=keepdims)
    def argsort(self, axis: int | None = -1, kind: str | None = None) -> Self: return self._call(np.argsort, axis=axis, kind=kind)
    def cumsum(self, axis: int | None = None, **other: Any) -> Self: return self._reduce(np.cumsum, other, axis=axis)
    def cumprod(self, axis: int | None = None, **other: Any) -> Self: return self._reduce(np.cumprod, other, axis=axis)
    def nonzero(self) -> tuple[Self, ...]: return self._call(np.nonzero)  # type: ignore
    def conj(self) -> Self: return self._call(np.conjugate)
    conjugate = conj

    # Shapes and products.
    def reshape(self, *shape: int | Sequence[int], order: str = "C") -> Self: return self._call(np.reshape, shape=_unpack(shape), order=order)
    def ravel(self, order: str = "C") -> Self: return self._call(np.ravel, order=order)
    def flatten(self, order: str = "C") -> Self: return self.ravel(order)._call(np.copy)
    def transpose(self, *axes: int | Sequence[int] | None) -> Self: return self._call(np.transpose, axes=_unpack(axes) if axes else None)
    def swapaxes(self, axis1: int, axis2: int) -> Self: return self._call(np.swapaxes, axis1=axis1, axis2=axis2)
    def squeeze(self, axis: Axis = None) -> Self: return self._call(np.squeeze, axis=axis)
    def repeat(self, repeats: ArrayLike, axis: int | None = None) -> Self: return np.repeat(self, repeats, axis)  # type: ignore
    def take(self, indices: ArrayLike, axis: int | None = None) -> Self: return np.take(self, indices, axis)  # type: ignore
    def compress(self, condition: ArrayLike, axis: int | None = None) -> Self: return np.compress(condition, self, axis)  # type: ignore
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self: return np.diagonal(self, offset, axis1, axis2)  # type: ignore
    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, **other: Any) -> Self: return np.trace(self, offset, axis1, axis2, **other)  # type: ignore
    def searchsorted(self, v: ArrayLike, side: str = "left") -> Self: return np.searchsorted(self, v, side)  # type: ignore
    def dot(self, other: ArrayLike) -> Self: return self._call(np.dot, other)

    @property
    def T(self) -> Self: return self._call(np.transpose)
    @property
    def mT(self) -> Self: return self._call(np.swapaxes, axis1=-1, axis2=-2)
    @property
    def real(self) -> Self: return self._call(np.real)
    @property
    def imag(self) -> Self: return self._call(np.imag)
    # fmt: on

    def sort(self, *args: object, **kwargs: object) -> None:
        """Refused: an array's own method sorts in place."""
        raise ArgumentError("a Value is not sorted in place\n  write  np.sort(v)")


def _unpack(args: tuple[Any, ...]) -> Any:
    """reshape(2, 3) and reshape((2, 3)) mean the same."""
    return args[0] if len(args) == 1 else args
