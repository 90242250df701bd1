"""Linear algebra: determinants, inverses, solves, kernels, distances; transposes, halves and missing products."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import OF_INPUT, Case, Subject, definite, normal, positive, scaled_at

A4, B4 = normal(301, 4, 4), normal(302, 4)


def quadratic(x: Any) -> Any:
    """xᵀ A x with A not symmetric."""
    return x @ A4 @ x


QUADRATIC = Subject("quadratic form", quadratic, (normal(303, 4),), "grad", lambda x: (A4 + A4.T) @ x)


def logdet(a: Any) -> Any:
    return np.log(np.linalg.det(a))


SKEWED = definite(304, 3) + 0.5 * np.triu(normal(305, 3, 3), 1)
LOGDET = Subject("log-determinant", logdet, (SKEWED,), "grad", lambda a: np.linalg.inv(a).T)


def determinant(a: Any) -> Any:
    return np.linalg.det(a)


DETERMINANT = Subject(
    "determinant", determinant, (SKEWED / 3,), "grad", lambda a: np.linalg.det(a) * np.linalg.inv(a).T
)


def inverse(a: Any) -> Any:
    return np.linalg.inv(a)


def inverse_vjp(g: Any, a: Any) -> Any:
    i = np.linalg.inv(a).T
    return -i @ g @ i


INVERSE = Subject("matrix inverse", inverse, (SKEWED / 2,), "vjp", inverse_vjp)


def solve(a: Any, b: Any) -> Any:
    return np.linalg.solve(a, b)


def solve_vjp(g: Any, a: Any, b: Any) -> Any:
    u = np.linalg.solve(a.T, g)
    return -np.outer(u, np.linalg.solve(a, b)), u


SOLVE = Subject("linear solve", solve, (SKEWED, normal(306, 3)), "vjp", solve_vjp)


def cholesky_solve(low: Any, b: Any) -> Any:
    """(L Lᵀ)⁻¹ b."""
    return np.linalg.solve(low.T, np.linalg.solve(low, b))


def cholesky_solve_vjp(g: Any, low: Any, b: Any) -> Any:
    z, u = cholesky_solve(low, b), cholesky_solve(low, g)
    return -(np.outer(u, z) + np.outer(z, u)) @ low, u


LOWER = np.tril(normal(307, 3, 3)) + 2 * np.eye(3)
CHOLESKY = Subject("cholesky solve", cholesky_solve, (LOWER, normal(308, 3)), "vjp", cholesky_solve_vjp)


def distances(x: Any, y: Any) -> Any:
    """Squared distance of every row of x to every row of y."""
    return np.sum((x[:, None, :] - y[None, :, :]) ** 2, axis=2)


def distances_vjp(g: Any, x: Any, y: Any) -> Any:
    d = 2 * g[:, :, None] * (x[:, None, :] - y[None, :, :])
    return d.sum(1), -d.sum(0)


DISTANCES = Subject("distance matrix", distances, (normal(309, 4, 3), normal(310, 4, 3)), "vjp", distances_vjp)


def rbf(x: Any, s: Any) -> Any:
    """Sum of a gaussian kernel over all pairs, weighted."""
    d = np.sum((x[:, None, :] - x[None, :, :]) ** 2, axis=2)
    return np.sum(PAIRS * np.exp(-d / (2 * s * s)))


PAIRS = normal(311, 4, 4)


def rbf_grad(x: Any, s: Any) -> Any:
    diff = x[:, None, :] - x[None, :, :]
    d = np.sum(diff**2, axis=2)
    k = PAIRS * np.exp(-d / (2 * s * s))
    return -np.sum(((k + k.T)[:, :, None] * diff) / s**2, axis=1), np.sum(k * d) / s**3


def rbf_grad_of_one_side(x: Any, s: Any) -> Any:
    """Each point as the first of a pair, never as the second."""
    diff = x[:, None, :] - x[None, :, :]
    k = PAIRS * np.exp(-np.sum(diff**2, axis=2) / (2 * s * s))
    return -np.sum((k[:, :, None] * diff) / s**2, axis=1), rbf_grad(x, s)[1]


RBF = Subject("gaussian kernel", rbf, (normal(312, 4, 2), 1.3), "grad", rbf_grad)


def product(a: Any, b: Any) -> Any:
    return a @ b


PRODUCT = Subject("matrix product", product, (normal(313, 3, 3), normal(314, 3, 3)), "vjp",
                  lambda g, a, b: (g @ b.T, a.T @ g))  # fmt: skip


def gram(a: Any) -> Any:
    return a @ a.T


GRAM = Subject("gram matrix", gram, (normal(315, 3, 4),), "vjp", lambda g, a: (g + g.T) @ a)


def outer(a: Any, b: Any) -> Any:
    return a[:, None] * b[None, :]


OUTER = Subject("outer product", outer, (normal(316, 4), normal(317, 4)), "vjp", lambda g, a, b: (g @ b, a @ g))


def trace_of_product(a: Any, b: Any) -> Any:
    return np.trace(a @ b)


TRACE = Subject("trace of a product", trace_of_product, (normal(318, 3, 3), normal(319, 3, 3)), "grad",
                lambda a, b: (b.T, a.T))  # fmt: skip


def bilinear(a: Any, b: Any) -> Any:
    return np.sum(a * (A4 @ b))


BILINEAR = Subject("bilinear form", bilinear, (normal(320, 4), normal(321, 4)), "grad",
                   lambda a, b: (A4 @ b, A4.T @ a))  # fmt: skip


def contraction(t: Any, u: Any) -> Any:
    return np.einsum("ijk,kj->i", t, u)


CONTRACTION = Subject("tensor contraction", contraction, (normal(322, 2, 3, 3), normal(323, 3, 3)), "vjp",
                      lambda g, t, u: (np.einsum("i,kj->ijk", g, u), np.einsum("i,ijk->kj", g, t)))  # fmt: skip


def rayleigh(x: Any) -> Any:
    return (x @ A4 @ x) / (x @ x)


def rayleigh_grad(x: Any) -> Any:
    return ((A4 + A4.T) @ x - 2 * rayleigh(x) * x) / (x @ x)


RAYLEIGH = Subject("rayleigh quotient", rayleigh, (normal(324, 4),), "grad", rayleigh_grad)


def normalised(x: Any) -> Any:
    return x / np.sqrt(np.sum(x * x))


def normalised_vjp(g: Any, x: Any) -> Any:
    n = np.sqrt(np.sum(x * x))
    return g / n - x * (g @ x) / n**3


NORMALISED = Subject("normalised vector", normalised, (positive(325, 5),), "vjp", normalised_vjp)


def frobenius(a: Any) -> Any:
    return np.sqrt(np.sum(a * a))


FROBENIUS = Subject("frobenius norm", frobenius, (normal(326, 3, 3),), "grad", lambda a: a / np.sqrt(np.sum(a * a)))

SUBJECTS = [
    QUADRATIC, LOGDET, DETERMINANT, INVERSE, SOLVE, CHOLESKY, DISTANCES, RBF, PRODUCT, GRAM, OUTER, TRACE, BILINEAR,
    CONTRACTION, RAYLEIGH, NORMALISED, FROBENIUS,
]  # fmt: skip

MISTAKES: list[Case] = [
    QUADRATIC.wrong("A for its symmetric part", "wrong", lambda x: 2 * A4 @ x),
    QUADRATIC.wrong("the transposed half left out", "missing term", lambda x: A4 @ x, deep=True),
    QUADRATIC.slip("halved", "factor", lambda d: d / 2),
    LOGDET.slip("the transpose forgotten", "transposed", lambda d: d.T.copy()),
    LOGDET.slip("the determinant's", OF_INPUT, lambda d, a: d * np.linalg.det(a)),
    LOGDET.slip("of the diagonal only", "entries", lambda d: d * np.eye(3)),
    DETERMINANT.slip("the determinant left out", OF_INPUT, lambda d, a: d / np.linalg.det(a)),
    DETERMINANT.slip("the transpose forgotten", "transposed", lambda d: d.T.copy()),
    INVERSE.slip("the sign forgotten", "sign", lambda d: -d),
    INVERSE.slip("the transposes forgotten", "wrong", lambda d, g, a: -np.linalg.inv(a) @ g @ np.linalg.inv(a)),
    INVERSE.slip("one inverse left out", "wrong", lambda d, g, a: -np.linalg.inv(a).T @ g),
    INVERSE.slip("the result transposed", "transposed", lambda d: d.T.copy()),
    SOLVE.slip("solved with a, not its transpose", "wrong", lambda d, g, a, b: np.linalg.solve(a, g), at=1),
    SOLVE.slip("the outer product in the other order", "transposed", lambda d: d.T.copy()),
    SOLVE.slip("the matrix's sign forgotten", "sign", lambda d: -d),
    SOLVE.slip("the matrix taken for a constant", "zero", lambda d: None),
    CHOLESKY.wrong("one of the two solves taken for a constant", "missing term",
                   lambda g, low, b: (-np.outer(cholesky_solve(low, b), cholesky_solve(low, g)) @ low,
                                      cholesky_solve(low, g)), deep=True),
    CHOLESKY.slip("the triangle kept only, of a function of the whole matrix", "entries", lambda d: np.tril(d)),
    DISTANCES.slip("the two forgotten", "factor", lambda d: d / 2),
    DISTANCES.slip("the second's sign forgotten", "sign", lambda d: -d, at=1),
    DISTANCES.slip("the first point of the others only", "missing term",
                   lambda d, g, x, y: 2 * g[:, :1] * (x - y[0]), deep=True),
    DISTANCES.wrong("the two exchanged", "swapped", lambda g, x, y: distances_vjp(g, x, y)[::-1], at=None),
    RBF.wrong("each point as the first of a pair only", "missing term", rbf_grad_of_one_side, deep=True),
    RBF.slip("the width squared, not cubed", OF_INPUT, lambda d, x, s: d * s, at=1),
    RBF.slip("the sign of the exponent", "sign", lambda d: -d),
    PRODUCT.slip("b not transposed", "transposed", lambda d, g, a, b: g @ b),
    PRODUCT.slip("a on the wrong side", "wrong", lambda d, g, a, b: g @ a.T, at=1),
    PRODUCT.wrong("the two exchanged", "swapped", lambda g, a, b: (a.T @ g, g @ b.T), at=None),
    PRODUCT.slip("the gradient of b transposed", "transposed", lambda d: d.T.copy(), at=1),
    GRAM.slip("the second use of a left out", "missing term", lambda d, g, a: g @ a, deep=True),
    GRAM.slip("as for a symmetric cotangent", "wrong", lambda d, g, a: 2 * g @ a),
    OUTER.wrong("the two exchanged", "swapped", lambda g, a, b: (a @ g, g @ b), at=None),
    OUTER.slip("the cotangent transposed", "wrong", lambda d, g, a, b: b @ g),
    OUTER.slip("reversed", "flipped", lambda d: d[::-1].copy(), at=1),
    TRACE.slip("not transposed", "transposed", lambda d: d.T.copy()),
    TRACE.slip("not transposed, the second", "transposed", lambda d: d.T.copy(), at=1),
    TRACE.slip("an entry exchanged with its mirror", {"entries", "permuted"},
               lambda d: np.where(np.isin(np.arange(9).reshape(3, 3), (1, 3)), d.T, d)),  # two entries, in the other order: both
    BILINEAR.slip("the matrix not transposed", "wrong", lambda d, a, b: A4 @ a, at=1),
    BILINEAR.wrong("the two exchanged", "swapped", lambda a, b: (A4.T @ a, A4 @ b), at=None),
    CONTRACTION.slip("two axes exchanged", "transposed", lambda d: np.swapaxes(d, 1, 2).copy()),
    CONTRACTION.slip("the matrix's transposed", "transposed", lambda d: d.T.copy(), at=1),
    RAYLEIGH.slip("the denominator's term left out", "missing term", lambda d, x: d + 2 * rayleigh(x) * x / (x @ x)),
    RAYLEIGH.slip("the square of the norm left out", OF_INPUT, lambda d, x: d * (x @ x)),
    NORMALISED.slip("the norm taken for a constant", "missing term", lambda d, g, x: g / np.sqrt(x @ x)),
    NORMALISED.slip("divided by the norm once too often", OF_INPUT, lambda d, g, x: d / np.sqrt(x @ x)),
    FROBENIUS.slip("not divided by the norm", OF_INPUT, lambda d, a: a.copy()),
    FROBENIUS.slip("an entry's sign", "entries", scaled_at((1, 2), -1), index=(1, 2)),
    FROBENIUS.slip("a column left out", "entries", lambda d: d * (np.arange(3) != 1)),
]  # fmt: skip
