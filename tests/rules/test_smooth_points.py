"""Slopes at ordinary points: formulas over ordinary numbers, their slopes against hundreds of digits.

The value is right in that type at every point, and every slope is an ordinary number of it. Yet slopes are off
where an intermediate cotangent or tangent is no ordinary number: those that remain are listed by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mpmath")
from smooth_formulas import Point, points

from minigrad import grad, jvp

KINDS = (np.float64, np.float32)
TOLERANCE = 1e-3
ROUNDING = 1e3  # of second derivatives: what is left of slopes that cancel, in units of their rounding

# The cotangent of an inner quotient or square is smaller than 1e-308 or larger than 1e308, or 1 was taken from 1.
BACKWARD: dict[str, set[str]] = {
    "float64": {
        "Bernoulli's function at 600.0", "Bose's law at 600.0", "Cauchy's density at 1e+100",
        "Fermi's law at 600.0", "Hill's curve at 100000.0", "Hill's curve at 1000000000.0",
        "Hill's curve at 1e+40", "Planck's law at 600.0", "a share at [0.0, -40.0]", "a share at [30.0, -30.0]",
        "a share at [300.0, -300.0]", "an angle at 400.0", "arctan of a reciprocal at 1e-200",
        "arctan of an exponential at 600.0", "harmonic mean of two at 1e-200", "inverse square at 1e-100",
        "reciprocal of a reciprocal at 1e+300", "reciprocal of a reciprocal at 1e-300",
        "resistors side by side at 1000000000000000.0", "resistors side by side at 1e+100", "saturation at 1.0",
        "secant of a hyperbola at -600.0", "sigmoid at -600.0", "sigmoid, the other way at 40.0",
        "sigmoid, the other way at 60.0", "squashing an exponential at 300.0", "squashing an exponential at 60.0",
        "squashing an exponential at 80.0", "squashing by a root at 1000000000000.0",
        "squashing by a root at 1e+100", "tanh by exponentials at 40.0", "tanh by one exponential at 300.0",
        "weight of a mixture at -30.0",
    },
    "float32": {
        "Bernoulli's function at 60.0", "Bernoulli's function at 80.0", "Bose's law at 60.0", "Bose's law at 80.0",
        "Fermi's law at 60.0", "Fermi's law at 80.0", "Hill's curve at 100000.0", "Planck's law at 60.0",
        "Planck's law at 80.0", "a share at [0.0, -40.0]", "a share at [30.0, -30.0]", "an angle at 60.0",
        "an angle at 80.0", "arctan of a reciprocal at 1.0000000031710769e-30", "arctan of an exponential at 60.0",
        "arctan of an exponential at 80.0", "harmonic mean at [9.999999562023526e+24, 1.0000000150474662e+30]",
        "harmonic mean of two at 1.0000000195414814e-25",
        "inverse distance at [1.000000045813705e-18, 1.000000045813705e-18]",
        "inverse distance at [999999986991104.0, 100000000376832.0]", "inverse square at 999999995904.0",
        "log of a product of three at [1.0000000031710769e-30, 1.0000000200408773e+20, 1.0000000200408773e+20]",
        "log of a share at [0.0, -90.0]", "reciprocal of a reciprocal at 1.0000000031710769e-30",
        "reciprocal of a reciprocal at 1.0000000150474662e+30", "resistors side by side at 999999986991104.0",
        "saturation at 1.0", "saturation at 9.999999682655225e-21", "secant of a hyperbola at -60.0",
        "secant of a hyperbola at 80.0", "sigmoid at -50.0", "sigmoid at -80.0", "sigmoid, the other way at 40.0",
        "sigmoid, the other way at 60.0", "squashing an exponential at 60.0", "squashing an exponential at 80.0",
        "squashing by a root at 100000.0", "squashing by a root at 999999995904.0", "tanh by exponentials at 40.0",
        "tanh by its argument at 0.009999999776482582", "tanh by one exponential at 30.0",
        "tanh by one exponential at 43.0", "weight of a mixture at -12.0",
    },
}  # fmt: skip
FORWARD: dict[str, set[str]] = {
    "float64": {
        "Hill's curve at 100000.0", "Hill's curve at 1000000000.0", "Hill's curve at 1e+40",
        "a share at [0.0, -40.0]", "a share at [30.0, -30.0]", "a share at [300.0, -300.0]",
        "arctan of a reciprocal at 1e-200", "harmonic mean of two at 1e-200", "its logarithm (2) at 1e+150",
        "log of a negative power at 1e+150", "log of a negative power at 1e-150",
        "log of a ratio at [1e+200, 1e-100]", "log of a ratio at [1e-200, 1e+100]",
        "log of a reciprocal at 1e+300", "log of a reciprocal at 1e-300", "log of an inverse square at 1e+150",
        "log of an inverse square at 1e-150", "reciprocal of a reciprocal at 1e+300",
        "reciprocal of a reciprocal at 1e-300", "resistors side by side at 1000000000000000.0",
        "resistors side by side at 1e+100", "saturation at 1.0", "sigmoid, the other way at 40.0",
        "sigmoid, the other way at 60.0", "squashing an exponential at 300.0", "squashing an exponential at 60.0",
        "squashing an exponential at 80.0", "squashing by a root at 1000000000000.0",
        "squashing by a root at 1e+100", "tanh by exponentials at 40.0", "weight of a mixture at -30.0",
    },
    "float32": {
        "Hill's curve at 100000.0", "a share at [0.0, -40.0]", "a share at [30.0, -30.0]",
        "arctan of a reciprocal at 1.0000000031710769e-30",
        "cross ratio at [1.0000000150474662e+30, 9.999999747378752e-06, 1.0000000031710769e-30, 100000.0]",
        "harmonic mean at [9.999999562023526e+24, 1.0000000150474662e+30]",
        "harmonic mean of two at 1.0000000195414814e-25", "its logarithm (2) at 9.999999843067494e+17",
        "its logarithm (2) at 999999986991104.0", "log of a negative power at 1.000000045813705e-18",
        "log of a negative power at 9.999999843067494e+17",
        "log of a product of three at [1.0000000031710769e-30, 1.0000000200408773e+20, 1.0000000200408773e+20]",
        "log of a ratio at [1.0000000031710769e-30, 10000000.0]", "log of a reciprocal at 1.0000000031710769e-30",
        "log of a reciprocal at 1.0000000150474662e+30", "log of an inverse square at 1.000000045813705e-18",
        "log of an inverse square at 9.999999843067494e+17",
        "reciprocal of a reciprocal at 1.0000000031710769e-30",
        "reciprocal of a reciprocal at 1.0000000150474662e+30", "resistors side by side at 999999986991104.0",
        "saturation at 1.0", "saturation at 9.999999682655225e-21", "sigmoid, the other way at 40.0",
        "sigmoid, the other way at 60.0", "squashing an exponential at 60.0", "squashing an exponential at 80.0",
        "squashing by a root at 100000.0", "squashing by a root at 999999995904.0", "tanh by exponentials at 40.0",
        "tanh by its argument at 0.009999999776482582", "weight of a mixture at -12.0",
    },
}  # fmt: skip
SECOND: dict[str, set[str]] = {
    "float64": {
        "Bernoulli's function at 600.0", "Bose's law at 600.0", "Cauchy's density at 1e+100",
        "Fermi's law at 600.0", "Hill's curve at 100000.0", "Hill's curve at 1000000000.0",
        "Hill's curve at 1e+40", "Planck's law at 600.0", "a share at [30.0, -30.0]", "a share at [300.0, -300.0]",
        "an angle at 400.0", "arctan of an exponential at 600.0", "inverse square at 1e-100",
        "resistors side by side at 1000000000000000.0", "resistors side by side at 1e+100", "saturation at 1.0",
        "secant of a hyperbola at -600.0", "sigmoid at -600.0", "sigmoid, the other way at 40.0",
        "sigmoid, the other way at 60.0", "squashing an exponential at 300.0", "squashing an exponential at 60.0",
        "squashing an exponential at 80.0", "squashing by a root at 1000000000000.0",
        "squashing by a root at 1e+100", "tanh by exponentials at 40.0", "tanh by one exponential at 300.0",
        "weight of a mixture at -30.0", "x to the x at 1e-300",
    },
    "float32": {
        "Bernoulli's function at 60.0", "Bernoulli's function at 80.0", "Bose's law at 60.0", "Bose's law at 80.0",
        "Fermi's law at 60.0", "Fermi's law at 80.0", "Hill's curve at 100000.0", "Planck's law at 60.0",
        "Planck's law at 80.0", "a share at [30.0, -30.0]", "an angle at 60.0", "an angle at 80.0",
        "arctan of an exponential at 60.0", "arctan of an exponential at 80.0",
        "inverse distance at [1.000000045813705e-18, 1.000000045813705e-18]",
        "inverse distance at [999999986991104.0, 100000000376832.0]", "inverse square at 999999995904.0",
        "log of a normal density at -13.0", "log of a normal density at 13.0",
        "log of a product of three at [1.0000000031710769e-30, 1.0000000200408773e+20, 1.0000000200408773e+20]",
        "log of a share at [0.0, -90.0]", "resistors side by side at 999999986991104.0", "saturation at 1.0",
        "saturation at 9.999999682655225e-21", "secant of a hyperbola at -60.0", "secant of a hyperbola at 80.0",
        "sigmoid at -80.0", "sigmoid, the other way at 40.0", "sigmoid, the other way at 60.0",
        "squashing an exponential at 60.0", "squashing an exponential at 80.0", "squashing by a root at 100000.0",
        "squashing by a root at 999999995904.0", "tanh by exponentials at 40.0",
        "tanh by its argument at 0.009999999776482582", "tanh by one exponential at 30.0",
        "tanh by one exponential at 43.0", "weight of a mixture at -12.0", "x to the x at 1.0000000031710769e-30",
    },
}  # fmt: skip


@cache
def all_points(kind: type) -> list[Point]:
    return [*points(kind)]


def slopes_back(f: Callable[[Any], Any], x: Any) -> Any:
    return np.atleast_1d(grad(f)(x))


def slopes_along(f: Callable[[Any], Any], x: Any) -> Any:
    eye = np.eye(np.size(x), dtype=x.dtype)
    return np.array([jvp(f, (x,), (np.reshape(e, np.shape(x))[()],))[1] for e in eye])


def off(got: Any, want: Sequence[float], rounding: float = 0.0) -> Any:
    """Which slopes are wrong; nan in `want` is not asked."""
    distance = np.abs(np.asarray(got, dtype=np.float64) - want)
    return ~(distance <= TOLERANCE * np.abs(want) + rounding) & ~np.isnan(want)


def wrong(kind: type, slopes: Callable[..., Any]) -> dict[str, int]:
    """The points with wrong slopes, and how many are wrong there."""
    found = {}
    with np.errstate(all="ignore"):
        for p in all_points(kind):
            count = int(np.sum(off(slopes(lambda x, p=p: p.formula(np, x), p.x), p.slopes)))
            if count:
                found[str(p)] = count
    return found


def wrong_curves(kind: type) -> dict[str, int]:
    """The same for the derivatives of the slopes along x."""
    found = {}
    with np.errstate(all="ignore"):
        for p in all_points(kind):

            def along(x: Any, p: Point = p) -> Any:
                return np.sum(grad(lambda x: p.formula(np, x))(x) * p.x)

            size = np.max(np.abs(p.slopes)) * np.finfo(kind).eps * ROUNDING
            count = int(np.sum(off(slopes_back(along, p.x), p.second, size)))
            if count:
                found[str(p)] = count
    return found


def check(found: dict[str, int], known: set[str]) -> None:
    assert not found.keys() - known, "wrong at ordinary points"
    stale = known - found.keys()
    assert len(stale) <= len(known) // 4, f"right by now: {sorted(stale)}"  # a few depend on the processor


def test_the_points_are_many() -> None:
    """The formulas that each type has points for, and their slopes."""
    for kind, formulas, slopes in ((np.float64, 85, 470), (np.float32, 85, 320)):
        found = all_points(kind)
        assert len({p.name for p in found}) >= formulas
        assert sum(len(p.slopes) for p in found) >= slopes


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_slopes_by_reverse_mode(kind: type) -> None:
    check(wrong(kind, slopes_back), BACKWARD[kind.__name__])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_slopes_by_forward_mode(kind: type) -> None:
    check(wrong(kind, slopes_along), FORWARD[kind.__name__])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_second_derivatives(kind: type) -> None:
    check(wrong_curves(kind), SECOND[kind.__name__])
