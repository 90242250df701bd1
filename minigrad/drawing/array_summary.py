"""Arrays as `ArraySummary`: their text and statistics, in full for a node, in one short line for a row of a card.

In full, a small array becomes a table of cells, a larger one a grid of means. An array with more than two axes gets
rows and columns: the last axis across, all the others down. `format` has the text alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import format
from .diagram import ArraySummary

ROWS, CELLS = 4, 8  # maximum rows and columns of an array shown cell by cell
FEW = 16  # its maximum entries
GRID = 12  # maximum rows and columns of a thumbnail
NOT_FINITE = 2.0  # marks nan and inf in a thumbnail, whose numbers are from -1 to 1


def summarize_value(data: object) -> ArraySummary:
    """The value of a node; data: an array, or a tuple for an op with several outputs."""
    return ArraySummary(tuple(format.value_lines(data)), **_details(data))


def summarize_gradient(g: object) -> ArraySummary:
    """A gradient."""
    return ArraySummary(tuple(format.gradient_lines(g)), **_details(g))


def brief_value(data: object) -> ArraySummary:
    """The value in a row of a card: a number; for an array its smallest and largest."""
    array = np.asarray(data)
    if array.ndim == 0:
        return ArraySummary((format.number_text(array[()]),), format.exact(array[()]))
    return ArraySummary((_span(array),), **_statistics(array))


def brief_gradient(g: object) -> ArraySummary:
    """The gradient in a row of a card: a number; for an array its Euclidean norm between bars, to three digits."""
    array = np.asarray(g)
    if array.ndim == 0:
        return ArraySummary((format.number_text(array[()]),), format.exact(array[()]))
    norm = format.euclidean_norm(array)
    return ArraySummary((f"|{norm:.3g}|" if norm else "0",), **_statistics(array))


def rows_and_columns(array: Any) -> Any:
    """An array reshaped to two axes."""
    return array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)


def has_cells(shape: tuple[int, ...]) -> bool:
    """Whether an array of that shape is shown cell by cell: 2 to 16 numbers, at most 4 rows of 8."""
    rows = int(np.prod(shape[:-1]))
    return bool(shape) and 1 < rows * shape[-1] <= FEW and rows <= ROWS and shape[-1] <= CELLS


def is_table(numbers: ArraySummary) -> bool:
    """Whether there are cells or a thumbnail, not only lines."""
    return bool(numbers.cells or numbers.thumbnail)


def summary(numbers: ArraySummary) -> str:
    """The range, norm and share of zeros of an array in a line."""
    if numbers.low is None or numbers.high is None:
        return " ".join(numbers.lines)
    parts = [f"{format.number_text(numbers.low)} .. {format.number_text(numbers.high)}"]
    parts += [] if numbers.norm is None else [f"norm {format.number_text(numbers.norm)}"]
    parts += [f"{max(round(100 * numbers.zeros), 1)}% zeros"] if numbers.zeros else []
    return ", ".join(parts)


def _details(data: Any) -> dict[str, Any]:
    """All fields of an ArraySummary but the lines."""
    if isinstance(data, tuple):
        return {}
    array = np.asarray(data)
    if array.size == 1:
        return {"exact": format.exact(array.ravel()[0])}
    if not array.size:
        return {}
    shown: dict[str, object] = {"zeros": float(np.mean(array == 0))}
    numbers = array.astype(np.float64)
    if not np.isnan(numbers).all():
        shown |= {"low": format.end_of(float(np.nanmin(numbers))), "high": format.end_of(float(np.nanmax(numbers)))}
    norm = format.euclidean_norm(numbers)
    shown["norm"] = None if np.isnan(norm) else norm
    table = rows_and_columns(array)
    if has_cells(array.shape):
        shown["cells"] = tuple(tuple(map(format.number_text, row)) for row in table)
    else:
        shown["thumbnail"], shown["scale"] = _thumbnail(rows_and_columns(numbers))
    return shown


def _thumbnail(table: Any) -> tuple[tuple[tuple[float, ...], ...], float]:
    """The mean of each block, divided by the largest, and that one.

    NOT_FINITE stands for a block with a nan or an infinity.
    """
    finite = np.isfinite(table)
    largest = np.max(np.abs(table), where=finite, initial=0.0)
    starts = [np.unique(np.arange(min(n, GRID)) * n // min(n, GRID)) for n in table.shape]

    def blocks(x: Any) -> Any:
        return np.add.reduceat(np.add.reduceat(x, starts[0], axis=0), starts[1], axis=1)

    means = blocks(np.where(finite, table, 0.0) / (largest or 1.0)) / blocks(np.ones(table.shape))
    peak = float(np.max(np.abs(means)))
    means = np.where(blocks(~finite * 1.0) > 0, NOT_FINITE, means / (peak or 1.0))
    return tuple(tuple(round(float(x), 3) + 0.0 for x in row) for row in means), peak * float(largest)


def _statistics(array: Any) -> dict[str, Any]:
    if not array.size or array.dtype.kind != "f":
        return {}
    return {
        "low": format.end_of(float(array.min())),
        "high": format.end_of(float(array.max())),
        "norm": float(format.euclidean_norm(array)),
        "zeros": float(np.mean(array == 0)),
    }


def _span(array: Any) -> str:
    """The smallest and largest number in three digits; one number if they are equal."""
    known = array[~np.isnan(array)] if array.dtype.kind == "f" else array
    if not known.size:
        return "nan" if array.size else "empty"
    low, high = format.derivative_text(known.min()), format.derivative_text(known.max())
    return low if low == high else f"{low} .. {high}"
