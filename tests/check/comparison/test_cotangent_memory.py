"""A gradient function that reads raw memory is found out by cotangents that are not contiguous."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import gradient_report as report

X = np.random.default_rng(0).normal(size=(3, 4))


def raw(g: Any) -> Any:
    """What C code sees that takes an array of C order for granted."""
    strides = np.empty(g.shape).strides
    return np.lib.stride_tricks.as_strided(g, g.shape, strides)


def kinds(found: Any) -> set[str]:
    return {finding.kind for finding in found.findings}


def test_a_backward_that_reads_raw_memory_is_wrong() -> None:
    assert report(np.sin, X, vjp=lambda g, x: g * np.cos(x)).ok
    found = report(np.sin, X, vjp=lambda g, x: raw(g) * np.cos(x))
    assert kinds(found) == {"memory layout"} and "it reads raw memory" in found.findings[0].sentence


@pytest.mark.parametrize("shape", [(5,), (1, 5, 1), (2, 1, 3)])
def test_every_shape_has_another_order(shape: tuple[int, ...]) -> None:
    x = np.linspace(0.1, 1.0, int(np.prod(shape))).reshape(shape)
    assert kinds(report(np.sin, x, vjp=lambda g, x: raw(g) * np.cos(x))) == {"memory layout"}


def test_numbers_have_none() -> None:
    for x in (0.5, np.array([0.5]), np.array(0.5)):
        assert report(lambda x: np.sum(np.sin(x)), x, vjp=lambda g, x: g * np.cos(x)).ok


def test_one_output_of_many_that_is_read_raw_is_found() -> None:
    def both(x: Any) -> Any:
        return {"s": np.sin(x), "t": (x * 2, float(x[0, 0]))}

    def vjp(g: Any, x: Any, read: Any) -> Any:
        d = g["s"] * np.cos(x) + 2 * read(g["t"][0])
        d[0, 0] += g["t"][1]
        return d

    assert report(both, X, vjp=lambda g, x: vjp(g, x, np.asarray)).ok
    assert kinds(report(both, X, vjp=lambda g, x: vjp(g, x, raw))) == {"memory layout"}


def test_broadcast_alone_is_tried() -> None:
    """It knows strided cotangents, but takes no stride for one of 1."""

    def vjp(g: Any, x: Any) -> Any:
        return (g if all(g.strides) else raw(g)) * np.cos(x)

    found = report(np.sin, X, vjp=vjp)
    assert kinds(found) == {"memory layout"} and "broadcast" in str(found)


def test_a_function_that_refuses_such_a_cotangent_is_not_wrong_and_the_report_says_so() -> None:
    def vjp(g: Any, x: Any) -> Any:
        if not g.flags.c_contiguous:
            raise TypeError("array must be contiguous")
        return raw(g) * np.cos(x)

    found = report(np.sin, X, vjp=vjp)
    assert found.ok and any("raised TypeError for a cotangent" in remark for remark in found.remarks)


def test_another_order_of_summation_is_no_mistake() -> None:
    w = np.random.default_rng(1).normal(size=(4, 300))
    for x in (X, X.astype(np.float32)):
        assert report(lambda x: x @ w.astype(x.dtype), x, vjp=lambda g, x: g @ w.T.astype(x.dtype)).ok
    softmax = lambda x: np.exp(x) / np.exp(x).sum()  # noqa: E731
    x = np.array([12.0, 0.0, -1.0])
    found = report(softmax, x, vjp=lambda g, x: softmax(x) * (g - np.sum(g * softmax(x))))
    assert "memory layout" not in kinds(found)


def test_arguments_keep_their_order() -> None:
    seen = []

    def f(a: Any) -> Any:
        seen.append(a.flags.f_contiguous)
        return np.sum(a * a)

    assert report(f, np.asfortranarray(X), grad=lambda a: seen.append(a.flags.f_contiguous) or 2 * a).ok
    assert seen and all(seen)
    transposed = np.ones((4, 3)).T
    found = report(lambda a: np.sum(a**3), transposed + 0.0, grad=lambda a: 3 * raw(a) ** 2)
    assert found.ok, "equal numbers lie in any order"
    found = report(lambda a: np.sum(a**3), np.asfortranarray(X), grad=lambda a: 3 * raw(a) ** 2)
    assert found.verdict == "disagree"
