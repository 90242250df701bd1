"""ATen's operations that move, join and reduce entries: one row for each, as a function of arrays or Values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....errors import ArgumentError
from ....rules.discrete import stop_gradient
from ....rules.indexing import put, scatter
from ....rules.reductions import logsumexp
from ..dtypes import as_dtype


def _axis(dim: Any) -> Any:
    """The axes of a reduction; ATen's empty list means all."""
    return tuple(dim) or None if isinstance(dim, (list, tuple)) else dim


def _at(x: Any, dim: int, index: Any) -> tuple[Any, ...]:
    """The index of x that reads one axis."""
    return (*[slice(None)] * (dim % np.ndim(x)), index)


def _along(index: Any, dim: int) -> tuple[Any, ...]:
    """The index of all entries that `index` names along one axis, at their own places on the others."""
    grid: list[Any] = list(np.indices(np.shape(index), sparse=True))
    grid[dim] = index
    return tuple(grid)


def _expand(x: Any, size: Sequence[int], implicit: bool = False) -> Any:
    shape = (1,) * (len(size) - np.ndim(x)) + np.shape(x)
    return np.broadcast_to(x, [n if k == -1 else k for n, k in zip(shape, size, strict=True)])


def _squeeze(x: Any, dim: Any = None) -> Any:
    dims = range(np.ndim(x)) if dim is None else [dim] if isinstance(dim, int) else dim
    return np.squeeze(x, axis=tuple({d % np.ndim(x) for d in dims if np.ndim(x) and np.shape(x)[d] == 1}))


def _concatenate(xs: Sequence[Any], dim: int = 0) -> Any:
    return np.concatenate([x for x in xs if np.shape(x) != (0,)], axis=dim)


def _split(x: Any, size: Any, dim: int = 0) -> list[Any]:
    """The parts of x along an axis, of these sizes, or all of one size."""
    n = np.shape(x)[dim]
    sizes = [min(size, n - k) for k in range(0, n, size)] if isinstance(size, int) else size
    ends = np.cumsum(sizes).tolist()
    return [x[_at(x, dim, slice(end - k, end))] for end, k in zip(ends, sizes, strict=True)]


def _slice(x: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    return x[_at(x, dim, slice(start, end, step))]


def _permute(x: Any, dims: Sequence[int]) -> Any:
    return np.transpose(x, tuple(dims))


def _index_of(indices: Sequence[Any]) -> tuple[Any, ...]:
    """ATen's list of indices, with None for a whole axis. Raises ArgumentError for a computed mask."""
    for index in indices:
        if hasattr(index, "has_gradient") and index.dtype.kind == "b":
            raise ArgumentError(
                "an index is a mask that depends on the parameters, so a shape depends on them\n"
                "  write  a mixture of experts in dense form: the sum of all experts, each times its gate"
            )
    return tuple(slice(None) if index is None else index for index in indices)


def _index_put(x: Any, indices: Sequence[Any], values: Any, accumulate: bool = False) -> Any:
    index = _index_of(indices)
    if not accumulate:
        return put(x, index, values)
    shape = np.zeros(np.shape(x), dtype=bool)[index].shape
    return x + scatter(np.broadcast_to(values, shape), index, np.shape(x))


def _gather(x: Any, dim: int, index: Any, sparse_grad: bool = False) -> Any:
    return x[_along(index, dim)]


def _scatter(x: Any, dim: int, index: Any, values: Any) -> Any:
    if np.ndim(values):
        values = values[tuple(map(slice, np.shape(index)))]
    return put(x, _along(index, dim), values)


def _scatter_add(x: Any, dim: int, index: Any, values: Any) -> Any:
    return x + scatter(values[tuple(map(slice, np.shape(index)))], _along(index, dim), np.shape(x))


def _pad(x: Any, pad: Sequence[int], value: Any = 0.0) -> Any:
    """A border of one value; the widths begin with the last axis, and negative ones cut."""
    pairs = [(0, 0)] * (np.ndim(x) - len(pad) // 2) + list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    kept = tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(pairs, np.shape(x), strict=True))
    return np.pad(x[kept], [(max(a, 0), max(b, 0)) for a, b in pairs], constant_values=value)


def _embedding(table: Any, indices: Any, padding_idx: int = -1, *_: Any) -> Any:
    rows = table[indices]
    if padding_idx < 0:
        return rows
    return np.where(np.equal(indices, padding_idx)[..., None], stop_gradient(rows), rows)


def _sort(x: Any, dim: int = -1, descending: bool = False) -> tuple[Any, Any]:
    order = np.argsort(-x if descending else x, axis=dim, kind="stable")
    values = np.sort(x, axis=dim)
    return np.flip(values, axis=dim) if descending else values, order


def _largest(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Any, Any]:
    values, order = _sort(x, dim, largest)
    return _slice(values, dim, 0, k), _slice(order, dim, 0, k)


def _reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(x: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        return as_dtype(function(x, axis=_axis(dim), keepdims=keepdim), dtype)

    return reduce


def _best(values: Callable[..., Any], places: Callable[..., Any]) -> Callable[..., Any]:
    """The largest or smallest along an axis, and where they are."""

    def find(x: Any, dim: int, keepdim: bool = False) -> tuple[Any, Any]:
        return values(x, axis=dim, keepdims=keepdim), places(x, axis=dim, keepdims=keepdim)

    return find


def _variance(x: Any, dim: Any = None, correction: Any = 1, keepdim: bool = False) -> Any:
    return np.var(x, axis=_axis(dim), ddof=1 if correction is None else correction, keepdims=keepdim)


def _vector_norm(x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    return np.linalg.vector_norm(x, ord=ord, axis=_axis(dim), keepdims=keepdim)


# fmt: off
SHAPES: dict[str, Callable[..., Any]] = {
    "getitem": operator.getitem,
    "view": lambda x, size: np.reshape(x, tuple(size)),
    "reshape": lambda x, size: np.reshape(x, tuple(size)),
    "_unsafe_view": lambda x, size: np.reshape(x, tuple(size)),
    "permute": _permute,
    "transpose.int": lambda x, a, b: np.swapaxes(x, a, b) if np.ndim(x) else x,
    "t": np.transpose,
    "unsqueeze": lambda x, dim: np.expand_dims(x, dim),
    "squeeze": _squeeze,
    "expand": _expand,
    "repeat": lambda x, repeats: np.tile(x, tuple(repeats)),
    "cat": _concatenate,
    "stack": lambda xs, dim=0: np.stack(xs, axis=dim),
    "split.Tensor": _split,
    "split_with_sizes": _split,
    "unbind.int": lambda x, dim=0: [x[_at(x, dim, k)] for k in range(np.shape(x)[dim])],
    "slice.Tensor": _slice,
    "select.int": lambda x, dim, index: x[_at(x, dim, index)],
    "index.Tensor": lambda x, indices: x[_index_of(indices)],
    "_unsafe_index.Tensor": lambda x, indices: x[_index_of(indices)],
    "index_select": lambda x, dim, index: x[_at(x, dim, index)],
    "index_put": _index_put,
    "_unsafe_index_put": _index_put,
    "gather": _gather,
    "scatter.src": _scatter,
    "scatter.value": _scatter,
    "scatter_add": _scatter_add,
    "select_scatter": lambda x, part, dim, index: put(x, _at(x, dim, index), part),
    "slice_scatter": lambda x, part, dim=0, start=None, end=None, step=1:
        put(x, _at(x, dim, slice(start, end, step)), part),
    "diagonal": lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
    "tril": lambda x, diagonal=0: np.tril(x, diagonal),
    "triu": lambda x, diagonal=0: np.triu(x, diagonal),
    "flip": lambda x, dims: np.flip(x, tuple(dims)),
    "roll": lambda x, shifts, dims=(): np.roll(x, tuple(shifts), _axis(dims)),
    "constant_pad_nd": _pad,
    "embedding": _embedding,
    "sort": _sort,
    "topk": _largest,
    "cumsum": lambda x, dim, dtype=None: np.cumsum(x, axis=dim),
    "cumprod": lambda x, dim, dtype=None: np.cumprod(x, axis=dim),
    "sum": _reduction(np.sum),
    "mean": _reduction(np.mean),
    "amax": _reduction(np.max),
    "amin": _reduction(np.min),
    "any": _reduction(np.any),
    "all": _reduction(np.all),
    "argmax": _reduction(np.argmax),
    "argmin": _reduction(np.argmin),
    "prod": _reduction(np.prod),
    "max.dim": _best(np.max, np.argmax),
    "min.dim": _best(np.min, np.argmin),
    "max.default": np.max,
    "min.default": np.min,
    "var.correction": _variance,
    "var_mean.correction": lambda x, dim=None, **how:
        (_variance(x, dim, **how), np.mean(x, axis=_axis(dim), keepdims=how.get("keepdim", False))),
    "logsumexp": lambda x, dim, keepdim=False: logsumexp(x, _axis(dim), keepdim),
    "linalg_vector_norm": _vector_norm,
    "_cdist_forward": lambda a, b, p, mode:
        np.linalg.vector_norm(np.expand_dims(a, -2) - np.expand_dims(b, -3), ord=p, axis=-1),
    "full_like": lambda x, value, dtype=np.float64: np.full(np.shape(x), value, dtype),
}
