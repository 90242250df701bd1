"""Sparse matrices of derivatives, of SciPy, PyTorch or JAX: compared by their products, never made dense.

A matrix with ten entries in each of a million rows has no dense form that fits into memory. Its product with a
direction, or with a cotangent, is a row like any other. Nothing is imported: whoever gives such a matrix has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..numeric.extrapolation import Array
from ..numeric.flattening import to_array


@dataclass(frozen=True)
class SparseMatrix:
    """The entries of a matrix that are not 0: values[k] stands at (rows[k], columns[k]); repeated places add up."""

    rows: Array
    columns: Array
    values: Array
    shape: tuple[int, int]

    def from_left(self, weights: Array) -> Array:
        """weights @ matrix, for rows of weights."""
        taken = np.atleast_2d(weights)[:, self.rows] * self.values
        return np.stack([np.bincount(self.columns, row, self.shape[1]) for row in taken])

    def moved(self, row: int, column: int, shape: tuple[int, int]) -> SparseMatrix:
        """The same entries in a larger matrix, from this row and column on."""
        return SparseMatrix(self.rows + row, self.columns + column, self.values, shape)

    def transpose(self) -> SparseMatrix:
        """Rows as columns."""
        return SparseMatrix(self.columns, self.rows, self.values, self.shape[::-1])

    def summed(self) -> SparseMatrix:
        """Each place once, in order; two matrices are equal if these are."""
        flat, back = np.unique(self.rows * self.shape[1] + self.columns, return_inverse=True)
        values = np.bincount(back.ravel(), self.values, len(flat))
        return SparseMatrix(flat // self.shape[1], flat % self.shape[1], values, self.shape)

    def minus(self, other: SparseMatrix) -> SparseMatrix:
        """The difference of two matrices."""
        return add_sparse([self, SparseMatrix(other.rows, other.columns, -other.values, other.shape)], self.shape)

    def dense(self) -> Array:
        """The whole matrix."""
        made = np.zeros(self.shape)
        np.add.at(made, (self.rows, self.columns), self.values)
        return made


def add_sparse(parts: Sequence[SparseMatrix], shape: tuple[int, int]) -> SparseMatrix:
    """The sum of matrices of one shape."""
    rows, columns, values = (
        np.concatenate([np.zeros(0, kind), *(getattr(part, name) for part in parts)])
        for name, kind in (("rows", np.int64), ("columns", np.int64), ("values", np.float64))
    )
    return SparseMatrix(rows, columns, values, shape).summed()


def is_sparse(x: object) -> bool:
    """Whether an object is a sparse array: of SciPy (tocoo), PyTorch (to_sparse_coo, not strided) or JAX (BCOO)."""
    if hasattr(x, "tocoo") or (hasattr(x, "todense") and hasattr(x, "indices")):
        return True
    return hasattr(x, "to_sparse_coo") and "strided" not in str(getattr(x, "layout", "strided"))


def to_dense(x: Any) -> Any:
    """A sparse array that is small enough, dense."""
    return x.to_dense() if hasattr(x, "to_dense") else x.todense()


def read_sparse(x: Any) -> SparseMatrix | None:
    """The entries of a sparse matrix; None if it has not two axes."""
    if len(x.shape) != 2:
        return None
    if hasattr(x, "tocoo"):
        whole = x.tocoo()
        rows, columns, values = whole.row, whole.col, whole.data
    elif hasattr(x, "to_sparse_coo"):
        whole = x.detach().to_sparse_coo().coalesce()
        (rows, columns), values = to_array(whole.indices()), to_array(whole.values())
    else:
        (rows, columns), values = to_array(x.indices).T, to_array(x.data)
    shape = (int(x.shape[0]), int(x.shape[1]))
    inside = (rows < shape[0]) & (columns < shape[1])  # JAX pads with places outside of the matrix
    numbers = (rows[inside].astype(np.int64), columns[inside].astype(np.int64), values[inside].astype(np.float64))
    return SparseMatrix(*numbers, shape)


def as_sparse(matrix: Array) -> SparseMatrix:
    """The entries of a dense matrix that are not 0."""
    rows, columns = np.nonzero(matrix)
    return SparseMatrix(rows, columns, matrix[rows, columns].astype(np.float64), matrix.shape)
