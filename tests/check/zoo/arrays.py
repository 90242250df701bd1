"""Right derivatives of functions of arrays that are hard on a checker: types, sizes, shapes, traps, and scales."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, definite, normal, positive
from .elementwise import AGREE, PERHAPS
from .losses import logsumexp, softmax

# --------------------------------------------------------------------------------------- single precision

W32 = normal(901, 3, 2).astype(np.float32)


def tanh32(x: Any) -> Any:
    return np.tanh(x @ W32)


def tanh32_vjp(g: Any, x: Any) -> Any:
    return (g * (1 - np.tanh(x @ W32) ** 2)) @ W32.T


def keeps_single(x: Any) -> Any:
    """Computes in single precision whatever it is given."""
    x = x.astype(np.float32)
    return np.sum(np.sin(x) * x)


def keeps_single_grad(x: Any) -> Any:
    y = x.astype(np.float32)
    return (np.cos(y) * y + np.sin(y)).astype(x.dtype)


SINGLE = [
    Case("squares in float32", lambda x: x * x, (normal(902, 4).astype(np.float32),), AGREE,
         vjp=lambda g, x: 2 * g * x, digits=1e-6),
    Case("sum of squares in float32", lambda x: np.sum(x * x), (normal(903, 5).astype(np.float32),), AGREE,
         grad=lambda x: 2 * x, digits=1e-6),
    Case("tanh layer in float32", tanh32, (normal(904, 4, 3).astype(np.float32),), AGREE, vjp=tanh32_vjp, digits=1e-5),
    Case("softmax in float32", softmax, (normal(905, 3, 4).astype(np.float32),), AGREE,
         vjp=lambda g, z: softmax(z) * (g - np.sum(g * softmax(z), -1, keepdims=True)), digits=1e-5),
    Case("float32 input, a function that insists on float32", keeps_single, (normal(906, 4).astype(np.float32),),
         PERHAPS, grad=keeps_single_grad, digits=1e-5),
    Case("a float32 number", lambda x: np.exp(x), np.float32(0.7), AGREE, grad=lambda x: np.exp(x), digits=1e-6),
    Case("one float32, one float64 argument", lambda a, b: np.sum(a * b),
         (normal(907, 3).astype(np.float32), normal(908, 3)), AGREE,
         grad=lambda a, b: (b.astype(np.float32), a.astype(np.float64)), digits=1e-6),
]  # fmt: skip

# ------------------------------------------------------------------------------------- sizes and structure


def ignores_one(a: Any, b: Any) -> Any:
    return np.sum(a**3)


def by_name(params: Any, kind: str, steps: int) -> Any:
    y = params["layers"][0]["w"] @ params["x"]
    for _ in range(steps):
        y = np.tanh(y) if kind == "tanh" else y * y
    return np.sum(y * params["layers"][1]["w"])


def by_name_grad(params: Any, kind: str, steps: int) -> Any:
    states = [params["layers"][0]["w"] @ params["x"]]
    for _ in range(steps):
        states.append(np.tanh(states[-1]))
    g = params["layers"][1]["w"]
    for y in states[:0:-1]:
        g = g * (1 - y * y)
    return (
        {
            "x": params["layers"][0]["w"].T @ g,
            "layers": [{"w": np.outer(g, params["x"])}, {"w": states[-1]}],
            "name": None,
            "units": None,
        },
        None,
        None,
    )


NESTED = {
    "x": normal(909, 3),
    "layers": [{"w": normal(910, 2, 3)}, {"w": normal(911, 2)}],
    "name": "net",
    "units": 2,
}

STRUCTURE = [
    Case("no entries at all", lambda x: np.sum(x * x), (np.zeros(0),), AGREE, grad=lambda x: 2 * x),
    Case("a matrix with no rows", lambda x: np.sum(x * x, axis=0), (np.zeros((0, 3)),), AGREE, vjp=lambda g, x: 2 * x * g),
    Case("an output of no entries", lambda x: x[:0], (normal(912, 3),), AGREE, vjp=lambda g, x: np.zeros_like(x)),
    Case("one argument of two without entries", lambda a, b: np.sum(a) * 2 + np.sum(b), (np.zeros(0), normal(913, 2)),
         AGREE, grad=lambda a, b: (np.zeros(0), np.ones(2))),
    Case("ignores one argument", ignores_one, (normal(914, 3), normal(915, 2)), AGREE,
         grad=lambda a, b: (3 * a * a, np.zeros(2))),
    Case("ignores one argument, answered by None", ignores_one, (normal(914, 3), normal(915, 2)), AGREE,
         grad=lambda a, b: (3 * a * a, None)),
    Case("an integer, a string and nested parameters", by_name, (NESTED, "tanh", 2), AGREE, grad=by_name_grad),
    Case("a tuple of one gradient", lambda x: np.sum(np.sin(x)), (normal(916, 3),), AGREE, grad=lambda x: (np.cos(x),)),
    Case("gradients in a list", lambda a, b: np.sum(a * b), (normal(917, 3), normal(918, 3)), AGREE,
         grad=lambda a, b: [b.copy(), a.copy()]),
    Case("one argument that is a list", lambda rows: rows[0] @ rows[1], [normal(919, 3), normal(920, 3)], AGREE,
         grad=lambda rows: [rows[1].copy(), rows[0].copy()]),
    Case("a Python float among arrays", lambda x, s: np.sum(np.sin(s * x)), (normal(921, 3), 0.7), AGREE,
         grad=lambda x, s: (s * np.cos(s * x), float(np.sum(x * np.cos(s * x))))),
    Case("three dimensions", lambda x: np.einsum("ijk,ijk->j", x, x), (normal(922, 2, 3, 2),), AGREE,
         vjp=lambda g, x: 2 * x * g[:, None]),
    Case("a boolean and None passed through", lambda x, flip, rest: np.sum(-x if flip else x) ** 3,
         (normal(923, 3), True, None), AGREE,
         grad=lambda x, flip, rest: (-3 * np.sum(x) ** 2 * np.ones(3), None, None)),
]  # fmt: skip

# --------------------------------------------------------------------------------- memory that is not plain


class Reused:
    """Answers in one buffer, overwritten by the next call."""

    def __init__(self, n: int) -> None:
        self.buffer = np.zeros(n)

    def __call__(self, g: Any, x: Any) -> Any:
        np.multiply(g, np.cos(x), out=self.buffer)
        return self.buffer


def frozen(x: np.ndarray) -> np.ndarray:
    x.flags.writeable = False
    return x


MEMORY = [
    Case("a buffer that the next call overwrites", np.sin, (normal(924, 5),), AGREE, vjp=Reused(5)),
    Case("a read-only broadcast view", lambda x: np.sum(x) * 2.0, (normal(925, 2, 3),), AGREE,
         grad=lambda x: np.broadcast_to(2.0, x.shape)),
    Case("a gradient in Fortran order", lambda x: np.sum(x**3), (normal(926, 3, 2),), AGREE,
         grad=lambda x: np.asfortranarray(3 * x * x)),
    Case("a view of the cotangent itself", lambda x: x.T, (normal(927, 3, 2),), AGREE, vjp=lambda g, x: g.T),
    Case("the cotangent handed back", lambda x: x + 1, (normal(928, 4),), AGREE, vjp=lambda g, x: g),
    Case("the input handed back", lambda x: 0.5 * np.sum(x * x), (normal(929, 4),), AGREE, grad=lambda x: x),
    Case("an input that is a strided view", lambda x: np.sum(np.exp(x)), (normal(930, 8)[::2],), AGREE, grad=np.exp),
    Case("an input in Fortran order", lambda x: np.sum(x[0] * x[1] ** 2), (np.asfortranarray(normal(931, 2, 3)),), AGREE,
         grad=lambda x: np.stack([x[1] ** 2, 2 * x[0] * x[1]])),
    Case("a read-only input", lambda x: np.sum(x**4), (frozen(normal(932, 3)),), AGREE, grad=lambda x: 4 * x**3),
    Case("a gradient as a list of numbers", lambda x: np.sum(x * x), (normal(933, 3),), AGREE,
         grad=lambda x: (2 * x).tolist()),
]  # fmt: skip

# ---------------------------------------------- functions that are wrong on complex numbers, right on real ones


def absolute(x: Any) -> Any:
    return np.sum(np.abs(x) ** 3)


def real_part(x: Any) -> Any:
    return np.sum(np.real(x) ** 2 * np.sin(x))


def ordered(x: Any) -> Any:
    return np.maximum(x, 0.3 * x) ** 2


def conjugate(x: Any) -> Any:
    return np.sum(np.conj(x) * x * x)


def squared_norm(x: Any) -> Any:
    return np.linalg.norm(x) ** 2 * 1.5


COMPLEX = [
    Case("np.abs inside", absolute, (normal(934, 4),), AGREE, grad=lambda x: 3 * x * np.abs(x)),
    Case("np.real inside", real_part, (normal(935, 4),), AGREE, grad=lambda x: 2 * x * np.sin(x) + x * x * np.cos(x)),
    Case("np.maximum inside", ordered, (normal(936, 4),), AGREE,
         vjp=lambda g, x: 2 * g * x * np.where(x > 0, 1, 0.09)),
    Case("np.conj inside", conjugate, (normal(937, 4),), AGREE, grad=lambda x: 3 * x * x),
    Case("np.linalg.norm inside", squared_norm, (normal(938, 4),), AGREE, grad=lambda x: 3 * x),
    Case("casts to float", lambda x: np.sum(x.astype(float) ** 2), (normal(939, 3),), AGREE, grad=lambda x: 2 * x),
    Case("a transposed conjugate product", lambda a: np.real(np.vdot(a, a)) * 2, (normal(940, 3),), AGREE,
         grad=lambda a: 4 * a),
]  # fmt: skip

# ---------------------------------------------------------------------------------------- scales and sums

MIXED = np.array([1e-5, 1.0, 1e5])


def cross_entropy_of(z: Any) -> Any:
    return logsumexp(z) - z[2]


def reciprocal_sum(x: Any) -> Any:
    return 1 / np.sum(x)


SCALES = [
    Case("cross entropy of confident logits", cross_entropy_of, (np.array([30.0, -5.0, 35.0, 2.0]),), AGREE,
         grad=lambda z: softmax(z) - np.eye(4)[2], digits=1e-9),
    Case("cross entropy of a confident mistake", cross_entropy_of, (np.array([40.0, -5.0, 1.0, 2.0]),), AGREE,
         grad=lambda z: softmax(z) - np.eye(4)[2]),
    Case("logsumexp of huge numbers", logsumexp, (np.array([1e4, 1e4 - 3, -1e4, 1e4 + 1]),), AGREE, grad=softmax),
    Case("slopes ten orders apart", lambda x: x * MIXED**2, (np.ones(3),), AGREE, vjp=lambda g, x: g * MIXED**2),
    Case("slopes ten orders apart, in one number", lambda x: np.sum(x * MIXED**2), (np.array([1.0, 2.0, 3.0]),), PERHAPS,
         grad=lambda x: MIXED**2),
    Case("inputs twelve orders apart, logs", lambda x: np.sum(np.log(x) * np.array([1.0, -2, 3])),
         (np.array([1e-6, 1.0, 1e6]),), AGREE, grad=lambda x: np.array([1.0, -2, 3]) / x),
    Case("two arguments twelve orders apart", lambda a, b: np.sum(a * b), (1e6 * normal(941, 3), 1e-6 * normal(942, 3)),
         AGREE, grad=lambda a, b: (b.copy(), a.copy())),
    Case("a long sum that nearly cancels", lambda x: np.sum(x * np.where(np.arange(200) % 2, 1.0, -1.0)),
         (1e3 + normal(943, 200),), AGREE, grad=lambda x: np.where(np.arange(200) % 2, 1.0, -1.0)),
    Case("a hilbert matrix solved", lambda b: np.linalg.solve(1 / (np.add.outer(np.arange(5), np.arange(5)) + 1.0), b),
         (positive(944, 5),), PERHAPS,
         vjp=lambda g, b: np.linalg.solve(1 / (np.add.outer(np.arange(5), np.arange(5)) + 1.0).T, g), digits=1e-8),
    Case("log-determinant of a matrix times 1e-8", lambda a: np.linalg.slogdet(1e-8 * a)[1], (definite(945, 3),), AGREE,
         grad=lambda a: np.linalg.inv(a).T),
    Case("3,000 inputs, all of one size", lambda x: np.sum(x**2) + np.sum(x[1:] * x[:-1]), (normal(946, 3000),), AGREE,
         grad=lambda x: 2 * x + np.append(x[1:], 0) + np.append(0, x[:-1])),
    Case("3,000 inputs, most of them without effect", lambda x: np.sum(x[::100] ** 3), (normal(947, 3000),), AGREE,
         grad=lambda x: np.where(np.arange(3000) % 100 == 0, 3 * x * x, 0)),
    Case("the reciprocal of a small sum", reciprocal_sum, (np.array([1.0, -0.5, -0.4999]),), PERHAPS,
         grad=lambda x: -np.ones(3) / np.sum(x) ** 2, digits=1e-9),
    Case("a constant vector", lambda x: np.ones(3) * 7 + 0 * x, (normal(948, 3),), AGREE, vjp=lambda g, x: np.zeros(3)),
    Case("a constant number, of a matrix", lambda x: 4.0, (normal(949, 2, 2),), AGREE, grad=np.zeros_like),
    Case("a step function away from its steps", lambda x: np.sum(np.floor(x) * 2.5), (np.array([0.5, 1.4, -2.3]),), AGREE,
         grad=np.zeros_like),
    Case("rounded away: an input that adds nothing", lambda x: 1e20 + x, 0.5, PERHAPS, grad=lambda x: 1.0),
]  # fmt: skip

# ------------------------------------------------------------------------------ forward, Jacobian, Hessian

MATRICES = [
    Case("Hessian of a function times 1e-12", lambda x: 1e-12 * np.sum(x**4), (normal(950, 3),), AGREE,
         hess=lambda x: 1e-12 * np.diag(12 * x * x)),
    Case("Hessian with an offset of 1e6", lambda x: 1e6 + np.sum(np.sin(x)), (normal(951, 3),), AGREE,
         hess=lambda x: -np.diag(np.sin(x))),
    Case("Hessian of a linear function", lambda x: np.sum(x * np.arange(3.0)), (normal(952, 3),), AGREE,
         hess=lambda x: np.zeros((3, 3))),
    Case("Hessian of a number", lambda x: x**5, 1.3, AGREE, hess=lambda x: 20 * x**3),
    Case("Hessian with entries eight orders apart", lambda x: np.sum(np.array([1e-4, 1, 1e4]) * x**2) + x[0] * x[1],
         (normal(953, 3),), PERHAPS, hess=lambda x: np.diag([2e-4, 2, 2e4]) + np.eye(3)[[1, 0, 2]] * [1, 1, 0]),
    Case("Hessian of logsumexp of large numbers", logsumexp, (100 + normal(954, 3),), AGREE,
         hess=lambda z: np.diag(softmax(z)) - np.outer(softmax(z), softmax(z))),
    Case("Jacobian of exp(20 x)", lambda x: np.exp(20 * x), (0.5 * normal(955, 3),), AGREE,
         jac=lambda x: np.diag(20 * np.exp(20 * x))),
    Case("Jacobian with rows twelve orders apart", lambda x: np.array([1e-6, 1e6]) * np.sum(np.sin(x)), (normal(956, 3),),
         AGREE, jac=lambda x: np.outer([1e-6, 1e6], np.cos(x))),
    Case("Jacobian, sparse", lambda x: x[1:] * x[:-1], (normal(957, 4),), AGREE,
         jac=lambda x: np.eye(3, 4, 1) * x[:-1, None] + np.eye(3, 4) * x[1:, None]),
    Case("Jacobian of a constant", lambda x: np.array([1.0, 2.0]) + 0 * x[:2], (normal(958, 3),), AGREE,
         jac=lambda x: np.zeros((2, 3))),
    Case("forward through a product of 1e-9 and 1e9", lambda a, b: a * b, (1e-9 * normal(959, 3), 1e9 * normal(960, 3)),
         AGREE, jvp=lambda args, ts: ts[0] * args[1] + args[0] * ts[1]),
    Case("forward through sin(300 x)", lambda x: np.sin(300 * x), (normal(961, 4),), AGREE,
         jvp=lambda args, ts: 300 * np.cos(300 * args[0]) * ts[0]),
    Case("forward through log at 1e-9", lambda x: np.log(x), (np.array([1e-9, 1.0]),), AGREE,
         jvp=lambda args, ts: ts[0] / args[0]),
    Case("forward through a constant", lambda x: np.ones(2), (normal(962, 3),), AGREE, jvp=lambda args, ts: np.zeros(2)),
]  # fmt: skip

CASES: list[Case] = [*SINGLE, *STRUCTURE, *MEMORY, *COMPLEX, *SCALES, *MATRICES]
