"""Gradient functions that break their contract: state, mutation, shapes, types, nan, errors, the cotangent ignored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .algebra import DISTANCES, FROBENIUS, LOGDET, NORMALISED, OUTER, QUADRATIC, solve_vjp
from .algebra import PRODUCT as MATMUL
from .algebra import SOLVE as LINEAR_SOLVE
from .branches import HARD_SIGMOID, RELU
from .calculus import CHAIN, LENNARD_JONES, LOG, POLYNOMIAL, QUOTIENT, ROSENBROCK, SIGMOID, SQRT, TANH
from .case import Case, Function
from .layers import CONV1D, DENSE, DROPOUT, LAYER_NORM, dense_vjp
from .losses import COSINE, CROSS_ENTROPY, LOGISTIC, RIDGE, SOFTMAX, YPM, X, softmax
from .matrices import CUBIC, POLAR
from .matrices import PRODUCT as FORWARD_PRODUCT
from .matrices import TANH as FORWARD_TANH
from .recurrent import ATTENTION, GRU
from .shaping import CUMSUM, MEANS, SCALE, SORT, VARIANCE

# --------------------------------------------------------------------------------------------------- state


@dataclass
class Accumulating:
    """A gradient added into buffers that nobody clears: right when called for the first time."""

    derivative: Function
    buffers: list[Any] = field(default_factory=list)

    def __call__(self, *inputs: Any) -> Any:
        result = self.derivative(*inputs)
        parts = result if isinstance(result, tuple) else (result,)
        self.buffers = [a + b for a, b in zip(self.buffers, parts, strict=True)] if self.buffers else list(parts)
        copies = tuple(np.array(b) for b in self.buffers)
        return copies if isinstance(result, tuple) else copies[0]


STATE = [
    subject.wrong(
        "added into a buffer that is not cleared", "accumulated", Accumulating(subject.derivative), at=None
    )
    for subject in (DENSE, CROSS_ENTROPY, TANH, ROSENBROCK, CONV1D)
]


@dataclass
class Redrawn:
    """Dropout whose backward pass draws a mask of its own at every call."""

    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))

    def __call__(self, g: Any, x: Any) -> Any:
        return g * (self.generator.random(6) < 0.8) / 0.8


@dataclass
class Sampled:
    """The gradient of three rows drawn from the data at every call, for that of all."""

    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(6))

    def __call__(self, w: Any) -> Any:
        rows = self.generator.choice(7, 3, replace=False)
        return 2 * X[rows].T @ (X[rows] @ w - YPM[rows]) / 3 + 0.6 * w


@dataclass
class Popped:
    """What the forward pass left is used up by the first call; later ones see noise."""

    left: list[Any] = field(default_factory=lambda: [1.0, -0.7, 0.2, 1.9, -0.1])

    def __call__(self, g: Any, x: Any) -> Any:
        self.left = [*self.left[1:], self.left[0]]
        return TANH.derivative(g, x) * self.left[-1]


UNSTABLE = [
    DROPOUT.wrong("a new mask at every call", "unstable", Redrawn(), at=None),
    RIDGE.wrong("of a sample of the data", "unstable", Sampled(), at=None),
    TANH.wrong("what the forward pass left is used up", "unstable", Popped(), at=None),
]

# ------------------------------------------------------------------------------------------------ mutation


def negate_in_place(g: Any, x: Any) -> Any:
    g *= 1 - np.tanh(x) ** 2
    return g.copy()


def sorts_in_place(g: Any, x: Any) -> Any:
    order = np.argsort(x)
    x.sort()
    d = np.empty_like(x)
    d[order] = g
    return d


def centres_in_place(x: Any) -> Any:
    x -= x.mean()
    return 2 * x / 5


def residual_in_place(x: Any) -> Any:
    x[1:] -= x[:-1] ** 2
    x[1:] += x[:-1] ** 2  # put back, to rounding
    return ROSENBROCK.derivative(x)


def masks_the_cotangent(g: Any, x: Any) -> Any:
    g[x <= 0] = 0
    return g.copy()


def writes_into_the_tangent(args: Any, ts: Any) -> Any:
    ts[0][...] = (1 - np.tanh(args[0]) ** 2) * ts[0]
    return ts[0].copy()


def normalises_the_input(x: Any) -> Any:
    d = x / np.sqrt(np.sum(x * x))
    x[...] = d
    return d


MUTATED = [
    TANH.wrong("the cotangent multiplied in place", "mutated", negate_in_place, at=None),
    SORT.wrong("the input sorted in place", "mutated", sorts_in_place, at=None),
    VARIANCE.wrong("the input centred in place", "mutated", centres_in_place, at=None),
    ROSENBROCK.wrong("the input changed and put back, to rounding", "mutated", residual_in_place, at=None),
    RELU.wrong("the cotangent masked in place", "mutated", masks_the_cotangent, at=None),
    FORWARD_TANH.wrong("the tangent overwritten", "mutated", writes_into_the_tangent, at=None),
    FROBENIUS.wrong("the input overwritten by the result", "mutated", normalises_the_input, at=None),
]

# ------------------------------------------------------------------------------------------ shape and type

SHAPE = [
    CHAIN.slip("a column in place of a vector", "shape", lambda d: d[:, None]),
    ROSENBROCK.slip("a row in place of a vector", "shape", lambda d: d[None, :]),
    RIDGE.slip("the mean of the gradient", "shape", lambda d: d.mean()),
    LOGISTIC.slip("a vector of one for a number", "shape", lambda d: np.array([d]), at=1),
    CROSS_ENTROPY.slip("flat", "shape", lambda d: d.ravel()),
    CONV1D.slip("as long as the output", "shape", lambda d: d[:6]),
    MEANS.slip("a row where the matrix is wanted", "shape", lambda d: d[0]),
    DENSE.slip("the bias with the axis kept", "shape", lambda d: d[None, :], at=2),
    QUADRATIC.slip("its diagonal matrix", "shape", lambda d: np.diag(d)),
    POLAR.slip("flat", "shape", lambda j: j.ravel()),
]

DTYPE = [
    CHAIN.slip("in single precision", "dtype", lambda d: d.astype(np.float32)),
    SOFTMAX.slip("in single precision", "dtype", lambda d: d.astype(np.float32)),
    DENSE.slip("the weights' in half precision", "dtype", lambda d: d.astype(np.float16), at=1),
    ROSENBROCK.slip("cast to integers", "dtype", lambda d: d.astype(np.int64)),
    QUADRATIC.slip("complex", "dtype", lambda d: d.astype(np.complex128)),
    LAYER_NORM.slip("beta's complex", "dtype", lambda d: d + 0j, at=2),
    SCALE.slip("array's in single precision", "dtype", lambda d: d.astype(np.float32)),
]

STRUCTURE = [
    RIDGE.wrong("value and gradient", "structure", lambda w: (1.5, RIDGE.derivative(w)), at=None),
    LOGISTIC.wrong("the weights' gradient only", "structure", lambda w, b: LOGISTIC.derivative(w, b)[0], at=None),
    DENSE.wrong("one too many", "structure", lambda g, *a: (*dense_vjp(g, *a), None), at=None),
    DENSE.wrong("one short", "structure", lambda g, *a: dense_vjp(g, *a)[:2], at=None),
    COSINE.wrong(
        "in a dict", "structure", lambda a, b: dict(zip("ab", COSINE.derivative(a, b), strict=True)), at=None
    ),
    TANH.wrong("a string", "structure", lambda g, x: "1 - y²", at=None),
    CHAIN.wrong("a function in place of the array", "structure", lambda x: lambda: CHAIN.derivative(x), at=None),
]

# ------------------------------------------------------------------------------------------- nan and errors


def put(index: tuple[int, ...], value: float) -> Function:
    def change(d: Any) -> Any:
        d = np.array(d)
        d[index] = value
        return d

    return change


NAN = [
    SQRT.slip("nan in one place", "nan", put((2,), np.nan), index=(2,)),
    LAYER_NORM.slip("nan in one place", "nan", put((1, 3), np.nan), index=(1, 3)),
    LOG.slip("inf in one place", "nan", put((0,), np.inf), index=(0,)),
    SOFTMAX.wrong("infinity minus infinity", "nan", lambda g, z: g * np.nan),
    LOGDET.slip("nan everywhere", "nan", lambda d: d * np.nan),
    ATTENTION.slip("masked places nan", "nan", put((2, 0), np.nan), at=1, index=(2, 0)),
    CUBIC.slip("nan on the diagonal", "nan", put((1, 1), np.nan), index=(1, 1)),
    FORWARD_PRODUCT.wrong("minus infinity", "nan", lambda args, ts: put((0, 0), -np.inf)(ts[0] @ args[1])),
]


def with_too_few_names(g: Any, x: Any) -> Any:
    return g * (1 - x)


def not_invertible(g: Any, a: Any, b: Any) -> Any:
    return solve_vjp(g, np.zeros_like(a), b)


def of_shapes_that_do_not_fit(g: Any, a: Any, b: Any) -> Any:
    return g @ b, np.ones(7) @ g


def past_the_end(x: Any) -> Any:
    d = np.zeros_like(x)
    for i in range(len(x) + 1):
        d[i] += x[i]
    return d


def not_written_yet(*_: Any) -> Any:
    raise NotImplementedError("backward of the polynomial")


RAISED = [
    QUOTIENT.wrong("takes too few arguments", "raised", with_too_few_names, at=None),
    LINEAR_SOLVE.wrong("a singular matrix", "raised", not_invertible, at=None),
    MATMUL.wrong("shapes that do not fit", "raised", of_shapes_that_do_not_fit, at=None),
    ROSENBROCK.wrong("an index past the end", "raised", past_the_end, at=None),
    POLYNOMIAL.wrong("not written yet", "raised", not_written_yet, at=None),
    GRU.wrong("a division by zero", "raised", lambda g, h, w, u: 1 // int(g.size - 3), at=None),
]

# ------------------------------------------------------------------------------------------- the cotangent

IGNORED = [
    TANH.wrong("the cotangent left out", "cotangent ignored", lambda g, x: 1 - np.tanh(x) ** 2),
    LOG.wrong("the cotangent left out", "cotangent ignored", lambda g, x: 1 / x),
    DENSE.wrong("ones for the cotangent", "cotangent ignored", lambda g, *a: dense_vjp(np.ones_like(g), *a)),
    CUMSUM.wrong("the cotangent left out", "cotangent ignored", lambda g, x: np.arange(6.0, 0, -1)),
    MATMUL.wrong("of the sum of the output", "cotangent ignored",
                 lambda g, a, b: MATMUL.derivative(np.ones_like(g), a, b)),
    LAYER_NORM.slip("gamma's without the cotangent", "cotangent ignored",
                    lambda d, g, *a: LAYER_NORM.derivative(np.ones_like(g), *a)[1], at=1),
    POLYNOMIAL.wrong("the cotangent left out", "cotangent ignored",
                     lambda g, x: POLYNOMIAL.derivative(np.ones_like(g), x)),
    DISTANCES.wrong("of the sum of the output", "cotangent ignored",
                    lambda g, x, y: DISTANCES.derivative(np.ones_like(g), x, y)),
]  # fmt: skip

NONLINEAR = [
    TANH.wrong("the cotangent squared", "nonlinear", lambda g, x: g * g * (1 - np.tanh(x) ** 2)),
    SIGMOID.wrong("the cotangent's absolute value", "nonlinear", lambda g, x: SIGMOID.derivative(np.abs(g), x)),
    DENSE.wrong("clipped", "nonlinear", lambda g, *a: tuple(np.clip(d, -0.5, 0.5) for d in dense_vjp(g, *a))),
    NORMALISED.wrong("divided by the cotangent's norm", "nonlinear",
                     lambda g, x: NORMALISED.derivative(g / np.sqrt(g @ g), x)),
    SOFTMAX.wrong("y minus the cotangent", "nonlinear", lambda g, z: softmax(z) - g),
    OUTER.slip("a constant added", "nonlinear", lambda d: d + 0.1),
    HARD_SIGMOID.wrong("the sign of the cotangent", "nonlinear", lambda g, x: HARD_SIGMOID.derivative(np.sign(g), x)),
]  # fmt: skip

# Both modes given, one of them wrong: that is a wrong factor, and it is not the other's transpose.
ADJOINT = [
    TANH.wrong("not the transpose of the right forward mode", "adjoint",
               lambda g, x: 1.5 * TANH.derivative(g, x), at=None, jvp=FORWARD_TANH.derivative),
    CUMSUM.wrong("not the transpose of the right forward mode", "adjoint",
                 lambda g, x: np.cumsum(g), at=None, jvp=lambda args, ts: np.cumsum(ts[0])),
    MATMUL.wrong("not the transpose of the right forward mode", "adjoint",
                 lambda g, a, b: (g @ b, a @ g), at=None, jvp=FORWARD_PRODUCT.derivative),
]  # fmt: skip

WRONG = [
    LENNARD_JONES.wrong("made up", "wrong", lambda r: np.array([0.3, -1.9, 2.2, 0.7])),
    CONV1D.slip("made up", "wrong", lambda d, g, x, k: np.array([0.3, -1.9, 2.2, 0.7]) * g[0], at=1),
]

# ------------------------------------------------------------------------------------------------- memory


def raw(derivative: Function) -> Function:
    """A backward pass that reads the numbers of its cotangent in the order in which they lie in memory."""
    return lambda g, *args: derivative(np.ravel(g, order="K").reshape(g.shape), *args)


MEMORY = [
    subject.wrong("the cotangent's raw memory", "memory layout", raw(subject.derivative), at=None)
    for subject in (DENSE, LAYER_NORM, ATTENTION)
]

MISTAKES: list[Case] = [
    *STATE, *UNSTABLE, *MUTATED, *SHAPE, *DTYPE, *STRUCTURE, *NAN, *RAISED, *IGNORED, *NONLINEAR, *MEMORY, *ADJOINT, *WRONG,
]  # fmt: skip
