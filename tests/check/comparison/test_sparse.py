"""Sparse matrices of derivatives: compared as they are, and never made dense beyond memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from minigrad import gradient_report
from minigrad.check.comparison.sparse import add_sparse, as_sparse

sparse = pytest.importorskip("scipy.sparse", reason="SciPy makes the sparse matrices of these tests")

SMALL, LARGE = 40, 200_000
FORMATS = ["csr_array", "csc_array", "coo_array", "csr_matrix", "bsr_array", "dia_array"]


def difference(n: int) -> Any:
    return sparse.diags([np.ones(n), -np.ones(n - 1)], [0, 1])


def squares(n: int) -> Any:
    step = difference(n).tocsr()
    return lambda x: step @ (x * x)


def slopes(n: int, at: int | None = None, factor: float = 1.1) -> Any:
    """The matrix of derivatives; with a mistake in one column."""
    step = difference(n).tocsr()
    scale = np.full(n, 2.0)
    if at is not None:
        scale[at] *= factor
    return lambda x: step @ sparse.diags(scale * x)


def point(n: int) -> Any:
    return np.random.default_rng(0).uniform(0.5, 1.5, n)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_of_a_sparse_matrix_is_read(form: str) -> None:
    right = slopes(SMALL)
    assert gradient_report(squares(SMALL), point(SMALL), jac=lambda x: getattr(sparse, form)(right(x)))
    wrong = slopes(SMALL, at=7)
    report = gradient_report(squares(SMALL), point(SMALL), jac=lambda x: getattr(sparse, form)(wrong(x)))
    assert report.verdict == "disagree" and "7" in report.findings[0].place


def test_a_large_sparse_matrix_is_compared_within_the_memory_of_its_entries() -> None:
    f, right, x = squares(LARGE), slopes(LARGE), point(LARGE)
    tracemalloc.start()
    try:
        assert gradient_report(f, x, jac=right)
        assert tracemalloc.get_traced_memory()[1] < 2**31  # dense: 3·10¹¹ bytes
    finally:
        tracemalloc.stop()


def test_the_wrong_entry_of_a_large_sparse_matrix_is_found() -> None:
    report = gradient_report(squares(20_000), point(20_000), jac=slopes(20_000, at=777))
    assert report.verdict == "disagree" and report.findings[0].index == (777,)


def test_a_sparse_hessian_is_the_derivative_of_a_given_gradient_or_of_our_own() -> None:
    def f(x: Any) -> Any:
        return np.sum(x**4)

    for given in ({"grad": lambda x: 4 * x**3}, {}):
        assert gradient_report(f, point(20_000), hess=lambda x: sparse.diags(12 * x**2), **given)
        report = gradient_report(f, point(20_000), hess=lambda x: sparse.diags(12.12 * x**2), **given)
        assert report.verdict == "disagree"


def test_a_sparse_hessian_is_held_against_curvatures_where_nothing_else_is_known() -> None:
    def opaque(x: Any) -> float:
        return sum(float(number) ** 4 for number in x)

    def shifted(x: Any) -> Any:
        return sparse.diags(12 * x**2) + sparse.csr_array(([1.0], ([3], [5])), shape=(2000, 2000))

    assert gradient_report(opaque, point(2000), hess=lambda x: sparse.diags(12 * x**2))
    assert gradient_report(opaque, point(2000), hess=lambda x: sparse.diags(12.5 * x**2)).verdict == "disagree"
    kinds = {f.kind for f in gradient_report(opaque, point(2000), hess=shifted).findings}
    assert "asymmetric" in kinds


def test_blocks_of_several_arguments_may_be_sparse_dense_or_none() -> None:
    n = 1200
    scale = point(n)

    def f(a: Any, b: Any, c: Any) -> Any:
        return scale * a + b[0]

    def jac(a: Any, b: Any, c: Any) -> Any:
        return sparse.diags(scale), np.ones((n, 1)), None

    args = (point(n), np.ones(1), np.ones(2))
    assert gradient_report(f, args, jac=jac)
    assert gradient_report(
        f, args, jac=lambda a, b, c: (2 * sparse.diags(scale), np.ones((n, 1)), None)
    ).verdict == ("disagree")


def test_a_sparse_block_of_another_shape_is_named() -> None:
    report = gradient_report(squares(1200), point(1200), jac=lambda x: sparse.eye(1199).tocsr())
    assert report.findings[0].kind == "structure"
    assert (
        "expected a block of shape (1200, 1200) (results, entries), got one of shape (1199, 1199)"
        in report.findings[0].sentence
    )


def test_a_sparse_matrix_that_changes_between_calls_is_unstable() -> None:
    calls: list[int] = []

    def jac(x: Any) -> Any:
        calls.append(1)
        return slopes(1200)(x) * len(calls)

    assert "unstable" in {f.kind for f in gradient_report(squares(1200), point(1200), jac=jac).findings}


def test_a_gradient_of_few_rows_is_read_as_the_whole() -> None:
    def f(table: Any) -> Any:
        return np.sum(table[[2, 5]] ** 2)

    def rows(table: Any) -> Any:
        dense = np.zeros_like(table)
        dense[[2, 5]] = 2 * table[[2, 5]]
        return sparse.csr_array(dense)

    table = np.random.default_rng(1).normal(size=(9, 4))
    assert gradient_report(f, table, grad=rows)
    assert gradient_report(f, table, grad=lambda t: rows(t) * 1.5).verdict == "disagree"


def test_repeated_places_add_up() -> None:
    once = as_sparse(np.array([[0.0, 2.0], [3.0, 0.0]]))
    both = add_sparse([once, once], (2, 2))
    assert len(both.values) == 2 and np.array_equal(both.dense(), [[0, 4], [6, 0]])
    assert not np.any(both.minus(both).values)
    assert np.array_equal(both.from_left(np.array([1.0, 10.0])), [[60.0, 4.0]])
