"""Given Jacobians, Hessians and tangents (forward mode), right and wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from .algebra import A4, quadratic
from .calculus import HORNER, euler, rosenbrock
from .case import Case, Subject, normal, positive
from .losses import logsumexp, softmax
from .recurrent import rnn
from .shaping import cumprod

# -------------------------------------------------------------------------------------------------- jac


def polar(p: Any) -> Any:
    """Radius and angle to x and y."""
    return np.stack([p[0] * np.cos(p[1]), p[0] * np.sin(p[1])])


def polar_jac(p: Any) -> Any:
    r, t = p
    return np.array([[np.cos(t), -r * np.sin(t)], [np.sin(t), r * np.cos(t)]])


POLAR = Subject("polar coordinates", polar, np.array([1.7, 0.6]), "jac", polar_jac)


def spherical(p: Any) -> Any:
    r, t, u = p[0], p[1], p[2]
    return np.stack([r * np.sin(t) * np.cos(u), r * np.sin(t) * np.sin(u), r * np.cos(t)])


def spherical_jac(p: Any) -> Any:
    r, t, u = p
    st, ct, su, cu = np.sin(t), np.cos(t), np.sin(u), np.cos(u)
    return np.array([[st * cu, r * ct * cu, -r * st * su], [st * su, r * ct * su, r * st * cu], [ct, -r * st, 0]])


SPHERICAL = Subject("spherical coordinates", spherical, np.array([1.3, 0.7, 2.1]), "jac", spherical_jac)


def softmax_jac(z: Any) -> Any:
    y = softmax(z)
    return np.diag(y) - np.outer(y, y)


SOFTMAX = Subject("softmax, whole Jacobian", softmax, normal(801, 4), "jac", softmax_jac)


def residuals(p: Any) -> Any:
    """Of an exponential decay fitted to five points."""
    return p[0] * np.exp(-p[1] * TIMES) - 0.5


TIMES = np.array([0.2, 0.7, 1.1, 1.9, 2.5])
RESIDUALS = Subject(
    "residuals of a fit",
    residuals,
    np.array([1.4, 0.8]),
    "jac",
    lambda p: np.stack([np.exp(-p[1] * TIMES), -p[0] * TIMES * np.exp(-p[1] * TIMES)], axis=1),
)


def affine(x: Any) -> Any:
    return A4 @ x + 1


AFFINE = Subject("affine map", affine, normal(802, 4), "jac", lambda x: A4.copy())


def lotka(s: Any) -> Any:
    """Right-hand side of the predator-prey equations."""
    return np.stack([1.1 * s[0] - 0.4 * s[0] * s[1], 0.1 * s[0] * s[1] - 0.4 * s[1]])


def lotka_jac(s: Any) -> Any:
    return np.array([[1.1 - 0.4 * s[1], -0.4 * s[0]], [0.1 * s[1], 0.1 * s[0] - 0.4]])


LOTKA = Subject("predator and prey", lotka, np.array([2.3, 1.4]), "jac", lotka_jac)

ROW = Subject("quadratic form, Jacobian", quadratic, normal(815, 4), "jac", lambda x: (A4 + A4.T) @ x)

# ------------------------------------------------------------------------------------------------- hess


def rosenbrock_hess(x: Any) -> Any:
    h = np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)
    h[np.arange(3), np.arange(3)] += 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    h[np.arange(1, 4), np.arange(1, 4)] += 200
    return h


ROSENBROCK = Subject("rosenbrock, Hessian", rosenbrock, normal(803, 4), "hess", rosenbrock_hess)
FORM = Subject("quadratic form, Hessian", quadratic, normal(804, 4), "hess", lambda x: A4 + A4.T)
LSE = Subject("logsumexp, Hessian", logsumexp, normal(805, 4), "hess", softmax_jac)


def cubic(x: Any) -> Any:
    return x[0] ** 2 * x[1] + np.sin(x[1]) * x[2] + x[2] ** 3


def cubic_hess(x: Any) -> Any:
    a, b, c = x
    return np.array([[2 * b, 2 * a, 0], [2 * a, -c * np.sin(b), np.cos(b)], [0, np.cos(b), 6 * c]])


CUBIC = Subject("x²y + z sin y + z³, Hessian", cubic, np.array([1.2, 0.7, -0.6]), "hess", cubic_hess)


def off(h: Any, i: int, j: int, factor: float) -> Any:
    h = np.array(h)
    h[i, j] *= factor
    return h


# -------------------------------------------------------------------------------------------------- jvp


def product(a: Any, b: Any) -> Any:
    return a @ b


PRODUCT = Subject("matrix product, forward", product, (normal(806, 3, 2), normal(807, 2, 3)), "jvp",
                  lambda args, ts: ts[0] @ args[1] + args[0] @ ts[1])  # fmt: skip


def tanh(x: Any) -> Any:
    return np.tanh(x)


TANH = Subject(
    "tanh, forward", tanh, (normal(808, 5),), "jvp", lambda args, ts: (1 - np.tanh(args[0]) ** 2) * ts[0]
)


def rnn_jvp(args: Any, ts: Any, weights: bool = True) -> Any:
    (h, w), (dh, dw) = args, ts
    for _ in range(3):
        y = np.tanh(w @ h)
        h, dh = y, (1 - y * y) * (w @ dh + (dw @ h if weights else 0))
    return dh


RNN = Subject("recurrent network, forward", rnn, (normal(809, 3), normal(810, 3, 3)), "jvp", rnn_jvp)


def euler_jvp(args: Any, ts: Any) -> Any:
    (y, k), (dy, dk) = args, ts
    for _ in range(10):
        y, dy = y - 0.1 * k * y * y, dy - 0.1 * dk * y * y - 0.2 * k * y * dy
    return dy


EULER = Subject("euler steps, forward", euler, (positive(811, 3), positive(812, 3)), "jvp", euler_jvp)


def cumprod_jvp(args: Any, ts: Any) -> Any:
    return np.cumprod(args[0]) * np.cumsum(ts[0] / args[0])


CUMPROD = Subject("running product, forward", cumprod, (positive(813, 5),), "jvp", cumprod_jvp)


def horner(x: Any, c: Any) -> Any:
    """A polynomial, with its coefficients as the second argument."""
    return ((c[0] * x + c[1]) * x + c[2]) * x + c[3]


def horner_jvp(args: Any, ts: Any) -> Any:
    (x, c), (dx, dc) = args, ts
    return np.polyval(np.polyder(c), x) * dx + np.polyval(dc, x)


POLYNOMIAL = Subject("polynomial, forward", horner, (normal(814, 4), HORNER[:4]), "jvp", horner_jvp)

SUBJECTS = [
    POLAR, SPHERICAL, SOFTMAX, RESIDUALS, AFFINE, LOTKA, ROW, ROSENBROCK, FORM, LSE, CUBIC, PRODUCT, TANH, RNN, EULER,
    CUMPROD, POLYNOMIAL,
]  # fmt: skip

MISTAKES: list[Case] = [
    POLAR.slip("transposed", "transposed", lambda j: j.T.copy()),
    POLAR.slip("angles in degrees", "entries", lambda j: j * [1, np.pi / 180]),
    POLAR.slip("a sign", "entries", lambda j: off(j, 0, 1, -1), index=(0, 1)),
    SPHERICAL.slip("transposed", "transposed", lambda j: j.T.copy()),
    SPHERICAL.slip("a column left out", "entries", lambda j: j * [1, 1, 0]),
    SPHERICAL.slip("the coordinates in another order", {"rolled", "permuted"},  # three rows, shifted: both
                   lambda j: np.roll(j, 1, axis=0)),
    SOFTMAX.slip("the diagonal only", "entries", lambda j: np.diag(np.diag(j))),
    SOFTMAX.slip("the outer product left out", "missing term", lambda j, z: np.diag(softmax(z))),
    SOFTMAX.slip("the sign", "sign", lambda j: -j),
    RESIDUALS.slip("the sign of the decay", "entries", lambda j: j * [1, -1]),
    RESIDUALS.slip("model minus data for data minus model", "sign", lambda j: -j),
    RESIDUALS.slip("transposed", "shape", lambda j: j.T.copy()),
    RESIDUALS.slip("a row of zeros", "entries", lambda j: j * (np.arange(5) != 2)[:, None]),
    AFFINE.slip("transposed", "transposed", lambda j: j.T.copy()),
    AFFINE.slip("reversed rows", "flipped", lambda j: j[::-1].copy()),
    AFFINE.slip("the constant's one added", "missing term", lambda j: j + 1),
    LOTKA.slip("transposed", "transposed", lambda j: j.T.copy()),
    LOTKA.slip("an entry", "entries", lambda j: off(j, 1, 0, 1.001), index=(1, 0)),
    ROSENBROCK.slip("the upper triangle only", "asymmetric", lambda h: np.triu(h)),
    ROSENBROCK.slip("halved", "factor", lambda h: h / 2),
    ROSENBROCK.slip("the diagonal only", "entries", lambda h: np.diag(np.diag(h))),
    ROSENBROCK.slip("the second contribution left out", "entries", lambda h: h - np.diag([0, 200, 200, 200])),
    FORM.slip("A alone", "asymmetric", lambda h: A4.copy()),
    FORM.slip("halved", "factor", lambda h: h / 2),
    FORM.slip("the sign", "sign", lambda h: -h),
    LSE.slip("the diagonal only", "entries", lambda h: np.diag(np.diag(h))),
    LSE.slip("one part in a million", "factor", lambda h: h * (1 + 1e-6)),
    CUBIC.slip("an entry in one triangle", "asymmetric", lambda h: off(h, 0, 1, 2)),
    CUBIC.slip("a mixed pair", "entries", lambda h: off(off(h, 1, 2, 1.1), 2, 1, 1.1)),
    CUBIC.slip("zero", "zero", lambda h: 0 * h),
    PRODUCT.wrong("the first term only: the second detached", "zero", lambda args, ts: ts[0] @ args[1]),
    PRODUCT.wrong("both tangents at once", "nonlinear", lambda args, ts: ts[0] @ ts[1]),
    PRODUCT.wrong("the sign", "sign", lambda args, ts: -(ts[0] @ args[1] + args[0] @ ts[1])),
    TANH.wrong("the slope left out", "missing factor", lambda args, ts: ts[0].copy()),
    TANH.wrong("zero", "zero", lambda args, ts: 0 * ts[0]),
    TANH.wrong("of the shifted input", "nonlinear", lambda args, ts: np.tanh(args[0] + ts[0]) - np.tanh(args[0])),
    TANH.wrong("one part in ten million", "factor",
               lambda args, ts: (1 - np.tanh(args[0]) ** 2) * ts[0] * (1 + 1e-7)),
    RNN.wrong("the weights' tangent left out", "zero", lambda args, ts: rnn_jvp(args, ts, weights=False)),
    RNN.wrong("doubled", "factor", lambda args, ts: 2 * rnn_jvp(args, ts)),
    EULER.wrong("the rate's tangent left out", "zero", lambda args, ts: euler_jvp(args, (ts[0], 0 * ts[1]))),
    EULER.wrong("the two tangents exchanged", "swapped", lambda args, ts: euler_jvp(args, ts[::-1])),
    CUMPROD.wrong("not summed up", "missing term", lambda args, ts: np.cumprod(args[0]) * ts[0] / args[0], deep=True),
    CUMPROD.wrong("reversed", "flipped", lambda args, ts: cumprod_jvp(args, ts)[::-1].copy()),
    POLYNOMIAL.wrong("the coefficients detached", "zero", lambda args, ts: horner_jvp(args, (ts[0], 0 * ts[1]))),
    POLYNOMIAL.wrong("the last entry of the result", "entries",
                     lambda args, ts: horner_jvp(args, ts) * (np.arange(4) != 3)),
    ROW.slip("A for its symmetric part", "wrong", lambda j, x: 2 * A4 @ x),
    ROW.slip("as a matrix of one row", "shape", lambda j: j[None, :]),
]  # fmt: skip
