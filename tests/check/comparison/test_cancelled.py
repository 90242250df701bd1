"""Derivatives of which rounding is all that is left, since their terms cancel: right, and told from wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import gradient_report
from minigrad.check.comparison.invariants import check_symmetry

A = np.random.default_rng(5).normal(size=(9, 6))


def matrix(x: Any) -> Any:
    """Some matrix that depends on x."""
    return np.diag(x + 4.0) + np.outer(x, A[:, 0])


# Each is a constant.
CONSTANT: dict[str, Callable[[Any], Any]] = {
    "probabilities": lambda x: np.sum(minigrad.softmax(x)),
    "scores": lambda x: 3.3 * np.sum(minigrad.layer_norm(x, eps=0.0) ** 2),
    "Pythagoras": lambda x: np.sin(x) ** 2 + np.cos(x) ** 2,
    "a direction": lambda x: np.linalg.norm(x / np.linalg.norm(x)),
    "signs": lambda x: np.sum(x / np.sqrt(x * x)),
    "a shift": lambda x: np.var(A + x[0]),
    "one product less the other": lambda x: np.sum(x @ A - A.T @ x),
    "an inverse": lambda x: np.linalg.inv(matrix(x)) @ matrix(x),
}


@pytest.mark.parametrize("name", CONSTANT)
def test_a_derivative_that_is_zero_but_for_rounding_is_not_called_wrong(name: str) -> None:
    """Roundings count of the terms: no two ways of adding them up leave the same rest."""
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=9)
        report = gradient_report(CONSTANT[name], x)
        assert report.verdict != "disagree", report


@pytest.mark.parametrize("name", CONSTANT)
def test_beside_rounding_a_small_mistake_is_still_seen(name: str) -> None:
    f, x = CONSTANT[name], np.random.default_rng(0).normal(size=9)

    def vjp(g: Any, x: Any) -> Any:
        wrong = minigrad.vjp(f, x)[1](g)
        return (wrong[0] if isinstance(wrong, tuple) else wrong) + 1e-9 * np.sum(g) * (np.arange(9) == 4)

    report = gradient_report(f, x, vjp=vjp)
    assert report.verdict == "disagree", report
    assert any(finding.index == (4,) for finding in report.findings), report


WIDE = np.random.default_rng(0).normal(size=(150, 7))


@pytest.mark.parametrize(
    ("f", "modes"),
    [
        (lambda x: np.sum(x @ WIDE - WIDE.T @ x) + 3.0, "rev"),
        (lambda x: np.sum(WIDE.T @ x) - np.sum(WIDE, axis=1) @ x, "fwd"),
    ],
)
def test_along_directions_too_rounding_is_no_mistake(f: Callable[[Any], Any], modes: str) -> None:
    """More entries than are looked at one by one."""
    x = np.random.default_rng(1).normal(size=150)
    report = gradient_report(f, x, modes=modes)
    assert report.verdict != "disagree", report
    wrong = gradient_report(f, x, grad=lambda x: 1e-9 * (np.arange(150) == 4))
    assert wrong.verdict == "disagree", wrong


def test_a_hessian_of_nothing_but_rounding_is_symmetric() -> None:
    f = CONSTANT["probabilities"]
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=5)
        hessians: list[dict[str, Any]] = [{"hess": minigrad.hessian(f)}]
        hessians.append({"grad": minigrad.grad(f), **hessians[0]})
        for given in hessians:
            report = gradient_report(f, x, **given)
            assert report.verdict != "disagree", report


def test_an_asymmetry_beyond_the_changes_nearby_is_a_mistake() -> None:
    noise = 1e-17 * np.random.default_rng(0).normal(size=(4, 3, 3))
    assert check_symmetry(noise[0], 2.0**-53, noise[1:]) == []
    assert check_symmetry(noise[0], 2.0**-53) != [] != check_symmetry(noise[0], 2.0**-53, [noise[0]])
    noise[:, 0, 1] += 1e-14
    (finding,) = check_symmetry(noise[0], 2.0**-53, noise[1:])
    assert finding.index in ((0, 1), (1, 0))


def test_single_precision_inside_of_a_function_is_rounding_and_no_mistake() -> None:
    """Only its answers show it: their numbers are double."""
    w = np.random.default_rng(1).normal(size=(30, 40)).astype(np.float32)
    x = np.random.default_rng(2).normal(size=(2, 30))

    def f(x: Any) -> Any:
        return np.tanh(np.astype(np.astype(x, np.float32) @ w, np.float64))

    report = gradient_report(f, x)
    assert not {"nonlinear", "adjoint"} & {finding.kind for finding in report.findings}, report
