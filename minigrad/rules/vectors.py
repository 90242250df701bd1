"""Products of the vectors along one axis of a stack: dot products, with matrices, cross products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import bilinear, op, refuse
from ..engine.sampling import REAL, Call, Draw
from .products import last_alike, side


def _last(x: Any, axis: int) -> Any:
    """x with the axis that holds its vectors at the end."""
    return x if axis == -1 else np.moveaxis(x, axis, -1)


def _back(c: Any, x: Any, axis: int) -> Any:
    """A cotangent that has its vectors at the end, in the layout of x; counted from the end: x may be broadcast."""
    return c if axis == -1 else np.moveaxis(c, -1, axis % x.ndim - x.ndim)


def _vectors(draw: Draw, length: int) -> tuple[Any, Any, int]:
    """Two stacks of vectors, and an axis that both have."""
    lead = draw.shapes(2)
    axis = draw.integer(-1 - min(map(len, lead)), -1)
    a, b = (draw.array(REAL, (*shape, length)) for shape in lead)
    return np.moveaxis(a, -1, axis), np.moveaxis(b, -1, axis), axis


def _vecdot(draw: Draw) -> Call:
    a, b, axis = _vectors(draw, side(draw))
    return (a, b), {"axis": axis}


# np.matvec and np.vecmat: from NumPy 2.2 on.
if hasattr(np, "matvec"):

    def _matvec(draw: Draw) -> Call:
        n, k, lead = side(draw), side(draw), draw.shapes(2)
        return (draw.array(REAL, (*lead[0], n, k)), draw.array(REAL, (*lead[1], k))), {}

    def _vecmat(draw: Draw) -> Call:
        n, k, lead = side(draw), side(draw), draw.shapes(2)
        return (draw.array(REAL, (*lead[0], k)), draw.array(REAL, (*lead[1], k, n))), {}

    bilinear(np.matvec, "matvec", "y[…,i] = Σ a[…,i,k] b[…,k]",
        lambda g, y, a, b: np.expand_dims(g, -1) * np.expand_dims(b, -2), lambda g, y, a, b: np.vecmat(g, a),
        domain=(REAL, REAL), calls=_matvec,
        expects=lambda a, b: f"the columns of a do not match the vectors of b: shapes {a} and {b}")  # fmt: skip
    bilinear(np.vecmat, "vecmat", "y[…,j] = Σ a[…,k] b[…,k,j]", lambda g, y, a, b: np.matvec(b, g),
        lambda g, y, a, b: np.expand_dims(a, -1) * np.expand_dims(g, -2), domain=(REAL, REAL), calls=_vecmat,
        expects=lambda a, b: f"the vectors of a do not match the rows of b: shapes {a} and {b}")  # fmt: skip


# The product of two vectors in a plane is perpendicular to it: only the third entry counts.
_OUT = np.array([0.0, 0.0, 1.0])


def _forward(a: Any, b: Any, *, flat: Any = (), axisc: int = -1, **axes: Any) -> Any:
    """NumPy's product. flat: whether a and b have two entries; a third one of 0, times ∞, would not be 0."""
    if not flat:
        return np.cross(a, b, axisc=axisc, **axes)
    a, b = _last(a, axes["axisa"]), _last(b, axes["axisb"])
    return np.cross(a[..., :2] if flat[0] else a, b[..., :2] if flat[1] else b, axisc=axisc)


def _along(a: Any, b: Any, *, flat: Any = (), axisc: int = -1, **axes: Any) -> Any:
    """The product of vectors of three entries; only the third entry of it in a plane."""
    return np.cross(a, b, **axes)[..., 2] if flat and all(flat) else np.cross(a, b, axisc=axisc, **axes)


def _product(g: Any, axisc: int, flat: Any) -> Any:
    """The cotangent of the whole product, its vectors at the end."""
    return np.expand_dims(g, -1) * _OUT if flat and all(flat) else _last(g, axisc)


def _cross_left(
    g: Any, y: Any, a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, flat: Any = ()
) -> Any:
    return _back(np.cross(_last(b, axisb), _product(g, axisc, flat)), a, axisa)


def _cross_right(
    g: Any, y: Any, a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1, flat: Any = ()
) -> Any:
    return _back(np.cross(_product(g, axisc, flat), _last(a, axisa)), b, axisb)


# Vectors of two entries: NumPy takes them before 2.5, with a warning.
_PLANES = np.lib.NumpyVersion(np.__version__) < "2.5.0"


def _as_3d(x: Any, axis: int) -> Any:
    """Vectors of two entries with a third that is 0, where NumPy takes them."""
    entries = np.shape(x)[axis]
    if entries == 3:
        return x
    if entries != 2 or not _PLANES:
        sizes = "2 or 3" if _PLANES else "3"
        refuse(f"cross takes vectors of {sizes} entries, got shape {np.shape(x)} with its vectors on axis {axis}")
    beside = [1 if i == axis % np.ndim(x) else side for i, side in enumerate(np.shape(x))]
    return np.concatenate([x, np.zeros(beside, dtype=getattr(x, "dtype", None))], axis=axis)


def _cross_call(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Call:
    """One axis argument for each array."""
    if not (np.ndim(a) and np.ndim(b)):
        refuse("cross takes vectors of 2 or 3 entries, got a number\n  write  a * b   for a product of numbers")
    if axis is not None:
        axisa = axisb = axisc = axis
    flat = np.shape(a)[axisa] == 2, np.shape(b)[axisb] == 2
    axes = {"axisa": axisa, "axisb": axisb, "axisc": axisc}
    return (_as_3d(a, axisa), _as_3d(b, axisb)), axes | ({"flat": flat} if any(flat) else {})


def _cross(draw: Draw) -> Call:
    a, b, axis = _vectors(draw, 3)
    return (a, b), {} if axis == -1 else {"axis": axis}


# fmt: off
bilinear(np.vecdot, "vecdot", "y = Σ a[…,k] b[…,k]",
    lambda g, y, a, b, axis=-1: _back(np.expand_dims(g, -1) * _last(b, axis), a, axis),
    lambda g, y, a, b, axis=-1: _back(np.expand_dims(g, -1) * _last(a, axis), b, axis), aliases=(np.linalg.vecdot,),
    calls=_vecdot, expects=last_alike)
op(np.cross, "×", "y = a × b", forward=_forward, vjp=(_cross_left, _cross_right),
    jvp=(lambda t, y, a, b, **params: _along(t, b, **params), lambda t, y, a, b, **params: _along(a, t,
    **params)), aliases=(np.linalg.cross,), bind=_cross_call, calls=_cross, bilinear=True, sums=True,
    gives_new=True)
