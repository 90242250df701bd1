"""New arrays with the memory order of given ones: Fortran order, a transposed view, every second column.

A function that reads raw memory must get what the caller would give it. Strides count entries here, not bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def owns_entries(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether each entry has memory of its own; not so on a broadcast axis, or in windows that overlap."""
    reach = 0  # of the axes so far
    for stride, n in sorted((abs(stride), n) for stride, n in zip(strides, shape, strict=True) if n > 1):
        if stride <= reach:
            return False
        reach += stride * (n - 1)
    return True


def strides_of(array: NDArray[Any]) -> tuple[int, ...] | None:
    """The strides of an array; None if entries share memory, or lie between those of another type."""
    size = array.itemsize
    strides = tuple(stride // size for stride in array.strides)
    even = all(stride % size == 0 for stride in array.strides)
    return strides if even and owns_entries(array.shape, strides) else None


def strided(shape: Sequence[int], strides: Sequence[int], dtype: Any) -> NDArray[Any]:
    """A new array with these strides; nan lies in the gaps between its entries."""
    reaches = [stride * (n - 1) for stride, n in zip(strides, shape, strict=True)]
    below, above = (sum(min(0, reach) for reach in reaches), sum(max(0, reach) for reach in reaches))
    memory = np.full(above - below + 1, np.nan if np.dtype(dtype).kind == "f" else 0, dtype)
    in_bytes = tuple(stride * memory.itemsize for stride in strides)
    return np.lib.stride_tricks.as_strided(memory[-below:], tuple(shape), in_bytes)


def in_order_of(array: NDArray[Any], data: NDArray[Any], dtype: Any) -> NDArray[Any]:
    """The numbers in a new array that lies in memory as the given one does."""
    if array.flags.c_contiguous or not array.size:
        return np.array(data, dtype=dtype, order="C")
    strides = strides_of(array)
    made = (
        np.empty_like(array, dtype=dtype, subok=False) if strides is None else strided(array.shape, strides, dtype)
    )
    made[...] = data
    return made


def tensor_in_order_of(tensor: Any, dense: Any) -> Any:
    """The same for tensors of PyTorch: `dense` in a new tensor that lies in memory as the given one does."""
    if not hasattr(tensor, "is_contiguous") or tensor.is_contiguous() or not tensor.numel():
        return dense
    if not owns_entries(tensor.shape, tensor.stride()):
        return dense
    made = dense.new_empty_strided(tensor.shape, tensor.stride())
    return made.copy_(dense)


# -------------------------------------------------------------------------------------------- other orders


def _c_strides(shape: Sequence[int]) -> list[int]:
    return [int(np.prod(shape[k + 1 :])) for k in range(len(shape))]


def in_other_orders(array: Any) -> dict[str, Any]:
    """The same numbers in other memory orders, by what they are called: of NumPy's arrays and PyTorch's tensors.

    Whoever reads raw memory stays inside of it, and finds other numbers there.
    """
    if not (isinstance(array, np.ndarray) or hasattr(array, "as_strided")) or np.prod(array.shape) < 2:
        return {}
    shape = tuple(array.shape)
    found = {"with gaps between its entries": _laid_out(array, [2 * stride for stride in _c_strides(shape)])}
    if sum(n > 1 for n in shape) > 1:
        found["in Fortran order"] = _laid_out(array, _c_strides(shape[::-1])[::-1])
    return found


def _laid_out(array: Any, strides: Sequence[int]) -> Any:
    if isinstance(array, np.ndarray):
        made = strided(array.shape, strides, array.dtype)
        made[...] = array
        return made
    size = 1 + sum(stride * (n - 1) for stride, n in zip(strides, array.shape, strict=True))
    memory = array.new_full((size,), np.nan) if array.is_floating_point() else array.new_zeros((size,))
    return memory.as_strided(tuple(array.shape), tuple(strides)).copy_(array)


def broadcast_like(array: Any, number: float) -> Any:
    """One number, broadcast without a copy (strides of 0); None for what is neither an array nor a tensor.

    Its memory is as large as the array, with nan behind the number: whoever reads raw memory stays inside of it.
    """
    shape = tuple(array.shape) if hasattr(array, "shape") else ()
    if np.prod(shape) < 2:
        return None
    zeros = (0,) * len(shape)
    if isinstance(array, np.ndarray):
        memory = np.full(array.size, np.nan if array.dtype.kind == "f" else 0, array.dtype)
        memory[0] = number
        return np.lib.stride_tricks.as_strided(memory, shape, zeros, writeable=False)
    if not hasattr(array, "as_strided"):
        return None
    memory = array.new_full((array.numel(),), np.nan) if array.is_floating_point() else array.new_zeros(shape)
    memory.view(-1)[0] = number
    return memory.as_strided(shape, zeros)
