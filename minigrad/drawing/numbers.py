"""Arrays as `Numbers`: what of them is shown, and what can be asked for.

A small array is a table of cells, a larger one a grid of means. More than two axes are laid out as rows and
columns: the last axis across, all the others down.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import words
from .diagram import Numbers

CELLS = 8  # rows and columns of an array that is shown cell by cell
GRID = 16  # rows and columns of a thumbnail, at most
NOT_FINITE = 2.0  # in a thumbnail, where its numbers are from -1 to 1


def of_value(data: Any) -> Numbers:
    """What a node holds; of an op with several outputs, a tuple."""
    return Numbers(tuple(words.value_lines(data)), **_told(data))


def of_gradient(g: Any) -> Numbers:
    """A gradient."""
    return Numbers(tuple(words.gradient_lines(g)), **_told(g))


def rows_and_columns(array: Any) -> Any:
    """An array of any number of axes as one of two."""
    return array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)


def has_cells(shape: tuple[int, ...]) -> bool:
    """Whether an array of that shape is shown cell by cell: more than one number, at most 8 rows of 8."""
    rows = int(np.prod(shape[:-1]))
    return bool(shape) and rows * shape[-1] > 1 and rows <= CELLS and shape[-1] <= CELLS


def is_table(numbers: Numbers) -> bool:
    """Whether there is more to be shown than lines."""
    return bool(numbers.cells or numbers.thumbnail)


def summary(numbers: Numbers) -> str:
    """The range, the norm and the share of zeros of an array in a line."""
    if numbers.low is None or numbers.high is None:
        return " ".join(numbers.lines)
    told = [f"{words.number(numbers.low)} .. {words.number(numbers.high)}"]
    told += [] if numbers.norm is None else [f"norm {words.number(numbers.norm)}"]
    told += [f"{max(round(100 * numbers.zeros), 1)}% zeros"] if numbers.zeros else []
    return ", ".join(told)


def _told(data: Any) -> dict[str, Any]:
    """All but the lines."""
    if isinstance(data, tuple):
        return {}
    array = np.asarray(data)
    if array.size == 1:
        return {"exact": words.exact(array.ravel()[0])}
    if not array.size:
        return {}
    shown: dict[str, Any] = {"zeros": float(np.mean(array == 0))}
    numbers = array.astype(np.float64)
    if not np.isnan(numbers).all():
        shown |= {"low": float(np.nanmin(numbers)), "high": float(np.nanmax(numbers))}
    norm = words.norm(numbers)
    shown["norm"] = None if np.isnan(norm) else norm
    table = rows_and_columns(array)
    if has_cells(array.shape):
        shown["cells"] = tuple(tuple(map(words.number, row)) for row in table)
    else:
        shown["thumbnail"] = _thumbnail(rows_and_columns(numbers))
    return shown


def _thumbnail(table: Any) -> tuple[tuple[float, ...], ...]:
    """The mean of each block, relative to the largest; NOT_FINITE where a block has a nan or an infinity."""
    finite = np.isfinite(table)
    largest = np.max(np.abs(table), where=finite, initial=0.0)
    starts = [np.unique(np.arange(min(n, GRID)) * n // min(n, GRID)) for n in table.shape]

    def blocks(x: Any) -> Any:
        return np.add.reduceat(np.add.reduceat(x, starts[0], axis=0), starts[1], axis=1)

    means = blocks(np.where(finite, table, 0.0) / (largest or 1.0)) / blocks(np.ones(table.shape))
    means /= np.max(np.abs(means)) or 1.0
    means = np.where(blocks(~finite * 1.0) > 0, NOT_FINITE, means)
    return tuple(tuple(round(float(x), 3) + 0.0 for x in row) for row in means)
