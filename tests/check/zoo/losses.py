"""Losses and likelihoods, one number each: sums that are means, means that are sums, and signs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Subject, definite, normal, positive, scaled_at

# ------------------------------------------------------------------------------ softmax and cross-entropy


def softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_vjp(g: Any, z: Any) -> Any:
    y = softmax(z)
    return y * (g - np.sum(g * y, -1, keepdims=True))


SOFTMAX = Subject("softmax", softmax, (normal(101, 3, 4),), "vjp", softmax_vjp)

LABELS = np.array([1, 0, 3, 1])


def cross_entropy(z: Any) -> Any:
    """Mean over the samples of -log softmax(z)[label]."""
    shifted = z - np.max(z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - shifted[np.arange(4), LABELS])


def cross_entropy_grad(z: Any) -> Any:
    return (softmax(z) - np.eye(5)[LABELS]) / 4


CROSS_ENTROPY = Subject("cross entropy", cross_entropy, (normal(102, 4, 5),), "grad", cross_entropy_grad)


def logsumexp(z: Any) -> Any:
    m = np.max(z)
    return m + np.log(np.sum(np.exp(z - m)))


LOGSUMEXP = Subject("logsumexp", logsumexp, (normal(103, 6),), "grad", softmax)

# ------------------------------------------------------------------------------------ regression, margins

X, Y01, YPM = normal(104, 7, 3), np.array([1.0, 0, 0, 1, 1, 0, 1]), np.array([1.0, -1, -1, 1, 1, -1, 1])


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def logistic(w: Any, b: Any) -> Any:
    p = sigmoid(X @ w + b)
    return -np.sum(Y01 * np.log(p) + (1 - Y01) * np.log(1 - p))


def logistic_grad(w: Any, b: Any) -> Any:
    r = sigmoid(X @ w + b) - Y01
    return X.T @ r, r.sum()


LOGISTIC = Subject("logistic regression", logistic, (normal(105, 3), 0.25), "grad", logistic_grad)


def ridge(w: Any) -> Any:
    r = X @ w - YPM
    return np.mean(r * r) + 0.3 * np.sum(w * w)


RIDGE = Subject("ridge regression", ridge, (normal(106, 3),), "grad",
                lambda w: 2 * X.T @ (X @ w - YPM) / 7 + 0.6 * w)  # fmt: skip


def squared_error(y: Any) -> Any:
    return 0.5 * np.sum((y - YPM) ** 2)


SQUARED = Subject("half the squared error", squared_error, (normal(107, 7),), "grad", lambda y: y - YPM)


def mean_squared_error(y: Any) -> Any:
    return np.mean((y - YPM) ** 2)


MSE = Subject("mean squared error", mean_squared_error, (normal(108, 7),), "grad", lambda y: 2 * (y - YPM) / 7)


def hinge(w: Any) -> Any:
    return np.sum(np.maximum(0, 1 - YPM * (X @ w)))


def hinge_grad(w: Any) -> Any:
    active = YPM * (X @ w) < 1
    return -X.T @ (YPM * active)


HINGE = Subject("hinge loss", hinge, (0.8 * normal(109, 3),), "grad", hinge_grad)

RESIDUALS = np.array([-2.5, -0.4, 0.3, 0.7, 1.8, 3.1, -1.6])


def huber(r: Any) -> Any:
    a = np.abs(r)
    return np.sum(np.where(a <= 1, 0.5 * r * r, a - 0.5))


HUBER = Subject("huber loss", huber, (RESIDUALS,), "grad", lambda r: np.clip(r, -1, 1))


def poisson(a: Any) -> Any:
    """Negative log likelihood of counts, log rate linear in a."""
    eta = X @ a
    return np.sum(np.exp(eta) - np.arange(7.0) * eta)


POISSON = Subject("poisson likelihood", poisson, (normal(110, 3),), "grad",
                  lambda a: X.T @ (np.exp(X @ a) - np.arange(7.0)))  # fmt: skip

# ----------------------------------------------------------------------------------------- gaussian, kl

DATA = normal(111, 8, 3)


def gaussian(mu: Any, cov: Any) -> Any:
    """Log likelihood of DATA, without the constant."""
    d = DATA - mu
    return -0.5 * np.sum(d * np.linalg.solve(cov, d.T).T) - 4 * np.log(np.linalg.det(cov))


def gaussian_grad(mu: Any, cov: Any) -> Any:
    d, inv = DATA - mu, np.linalg.inv(cov)
    return 0.5 * (inv + inv.T) @ d.sum(0), 0.5 * inv.T @ (d.T @ d) @ inv.T - 4 * inv.T


SKEWED = definite(112, 3) + 0.4 * np.triu(normal(113, 3, 3), 1)  # not symmetric: a transpose shows
GAUSSIAN = Subject("gaussian log likelihood", gaussian, (normal(114, 3), SKEWED), "grad", gaussian_grad)


def scale_likelihood(mu: Any, s: Any) -> Any:
    return np.sum(-np.log(s) - 0.5 * ((DATA - mu) / s) ** 2)


def scale_likelihood_grad(mu: Any, s: Any) -> Any:
    d = (DATA - mu) / s
    return (d / s).sum(0), ((d * d - 1) / s).sum(0)


SCALES = Subject(
    "gaussian with scales", scale_likelihood, (normal(115, 3), positive(116, 3)), "grad", scale_likelihood_grad
)


def kl(p: Any, q: Any) -> Any:
    return np.sum(p * np.log(p / q))


KL = Subject("relative entropy", kl, (positive(117, 4), positive(118, 4)), "grad",
             lambda p, q: (np.log(p / q) + 1, -p / q))  # fmt: skip


def triplet(a: Any, b: Any, c: Any) -> Any:
    return np.sum((a - b) ** 2) - np.sum((a - c) ** 2)


TRIPLET = Subject("triplet loss", triplet, (normal(119, 4), normal(120, 4), normal(121, 4)), "grad",
                  lambda a, b, c: (2 * (c - b), -2 * (a - b), 2 * (a - c)))  # fmt: skip


def cosine(a: Any, b: Any) -> Any:
    return np.sum(a * b) / np.sqrt(np.sum(a * a) * np.sum(b * b))


def cosine_grad(a: Any, b: Any) -> Any:
    c, aa, bb = cosine(a, b), np.sum(a * a), np.sum(b * b)
    n = np.sqrt(aa * bb)
    return b / n - c * a / aa, a / n - c * b / bb


COSINE = Subject("cosine similarity", cosine, (normal(122, 5), normal(123, 5)), "grad", cosine_grad)

SUBJECTS = [
    SOFTMAX, CROSS_ENTROPY, LOGSUMEXP, LOGISTIC, RIDGE, SQUARED, MSE, HINGE, HUBER, POISSON, GAUSSIAN, SCALES, KL,
    TRIPLET, COSINE,
]  # fmt: skip

# A sum where the function has a mean is a factor N; it is also a reduced axis that was averaged.
MEAN_OF_SUM = {"averaged", "factor"}

MISTAKES: list[Case] = [
    SOFTMAX.wrong("only the diagonal of its Jacobian", "missing term", lambda g, z: g * softmax(z) * (1 - softmax(z))),
    SOFTMAX.wrong("the sum over the row left out", "missing term", lambda g, z: g * softmax(z)),
    SOFTMAX.wrong("the mean in place of the weighted sum", "missing term",
                  lambda g, z: softmax(z) * (g - np.mean(g, -1, keepdims=True))),
    SOFTMAX.wrong("normalised along the other axis", "wrong", lambda g, z: softmax_vjp(g.T, z.T).T),
    CROSS_ENTROPY.slip("summed over the samples", "factor", lambda d: d * 4),
    CROSS_ENTROPY.slip("divided by the samples twice", MEAN_OF_SUM, lambda d: d / 4),
    CROSS_ENTROPY.wrong("the label's one not subtracted", "entries", lambda z: softmax(z) / 4),
    CROSS_ENTROPY.slip("label minus prediction", "sign", lambda d: -d),
    CROSS_ENTROPY.slip("prediction in one column only", "entries", lambda d: d * (np.arange(5) != 2)),
    LOGSUMEXP.wrong("not normalised", "factor", lambda z: np.exp(z - z.max())),
    LOGSUMEXP.wrong("of the shifted numbers: the largest has none", "entries",
                    lambda z: softmax(z) - (z == z.max())),
    LOGISTIC.slip("averaged over the samples", MEAN_OF_SUM, lambda d: d / 7),
    LOGISTIC.slip("the bias averaged", MEAN_OF_SUM, lambda d: d / 7, at=1),
    LOGISTIC.slip("target minus prediction", "sign", lambda d: -d),
    LOGISTIC.slip("the bias detached", "zero", lambda d: d * 0, at=1),
    RIDGE.slip("the penalty left out", "missing term", lambda d, w: d - 0.6 * w),
    RIDGE.slip("the penalty's half", "missing term", lambda d, w: d - 0.3 * w),
    RIDGE.slip("the data's part left out", "wrong", lambda d, w: 0.6 * w),
    SQUARED.slip("the half forgotten", "factor", lambda d: 2 * d),
    SQUARED.slip("the target left out", "missing term", lambda d, y: y.copy(), deep=True),
    MSE.slip("not divided by the number of entries", "factor", lambda d: 7 * d),
    MSE.slip("divided by it twice", MEAN_OF_SUM, lambda d: d / 7),
    MSE.slip("one part in ten million too large", "factor", lambda d: d * (1 + 1e-7)),
    HINGE.wrong("every sample active", "branch", lambda w: -X.T @ YPM, deep=True),
    HINGE.slip("the sign of the margin", "sign", lambda d: -d),
    HUBER.wrong("as if all were small", "entries", lambda r: r.copy()),
    HUBER.wrong("not clipped from below", {"branch", "entries"},  # wrong below -1, of which the entries alone tell
               lambda r: np.minimum(r, 1)),
    HUBER.wrong("the sign alone", "entries", lambda r: np.sign(r)),
    POISSON.wrong("the counts left out", "missing term", lambda a: X.T @ np.exp(X @ a), deep=True),
    POISSON.wrong("the rate left out", "wrong", lambda a: X.T @ (X @ a - np.arange(7.0))),
    GAUSSIAN.slip("the determinant's term left out", "missing term", lambda d, mu, cov: d + 4 * np.linalg.inv(cov).T,
                  at=1, deep=True),
    GAUSSIAN.slip("the covariance's transposed", "transposed", lambda d: d.T.copy(), at=1),
    GAUSSIAN.slip("the mean's negative", "sign", lambda d: -d),
    GAUSSIAN.slip("the mean of the samples", {"averaged", "factor"}, lambda d: d / 8),  # see MEAN_OF_SUM
    GAUSSIAN.slip("an entry of the covariance", "entries", scaled_at((2, 0), -1), at=1, index=(2, 0)),
    SCALES.slip("the log's term left out", "missing term", lambda d, mu, s: d + 8 / s, at=1),
    SCALES.slip("divided by the scale once", "missing factor", lambda d, mu, s: d * s),
    KL.slip("the one left out", "missing term", lambda d: d - 1),
    KL.slip("the second argument's sign", "sign", lambda d: -d, at=1),
    KL.wrong("the arguments' gradients exchanged", "swapped", lambda p, q: (-p / q, np.log(p / q) + 1), at=None),
    TRIPLET.wrong("positive and negative exchanged", "swapped",
                  lambda a, b, c: (2 * (c - b), 2 * (a - c), -2 * (a - b)), at=None),
    TRIPLET.slip("the anchor's second term left out", "missing term", lambda d, a, b, c: d + 2 * (a - c), deep=True),
    TRIPLET.slip("the negative detached", "zero", lambda d: None, at=2),
    COSINE.slip("the norm's term left out", "missing term", lambda d, a, b: d + cosine(a, b) * a / np.sum(a * a)),
    COSINE.wrong("the two exchanged", "swapped", lambda a, b: cosine_grad(a, b)[::-1], at=None),
]  # fmt: skip
