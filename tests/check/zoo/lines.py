"""Functions of whole lines (softmax, normalisation), lookups by index, and mistakes of forward mode and of Hessians."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Subject, normal, positive
from .losses import softmax, softmax_vjp

# ---------------------------------------------------------------------------------------------------- softmax


def soft_layer(x: Any, w: Any, b: Any) -> Any:
    return softmax(x @ w + b)


def through_layer(dz: Any, x: Any, w: Any) -> Any:
    return dz @ w.T, x.T @ dz, dz.sum(0)


def soft_layer_vjp(g: Any, x: Any, w: Any, b: Any) -> Any:
    return through_layer(softmax_vjp(g, x @ w + b), x, w)


def soft_layer_without_sum(g: Any, x: Any, w: Any, b: Any) -> Any:
    return through_layer(softmax(x @ w + b) * g, x, w)


def soft_layer_diagonal(g: Any, x: Any, w: Any, b: Any) -> Any:
    y = softmax(x @ w + b)
    return through_layer(y * (1 - y) * g, x, w)


SOFT_LAYER = Subject("layer with softmax", soft_layer, (normal(871, 4, 3), normal(872, 3, 4), normal(873, 4)), "vjp",
                     soft_layer_vjp)  # fmt: skip


def log_softmax(z: Any) -> Any:
    c = z - np.max(z, axis=-1, keepdims=True)
    return c - np.log(np.sum(np.exp(c), axis=-1, keepdims=True))


LOG_SOFTMAX = Subject("log-softmax", log_softmax, (normal(874, 3, 4),), "vjp",
                      lambda g, z: g - softmax(z) * g.sum(-1, keepdims=True))  # fmt: skip
WEIGHTS = normal(875, 4, 5)


def soft_loss(z: Any) -> Any:
    """A number that depends on a softmax along the first axis."""
    e = np.exp(z - np.max(z, axis=0))
    return np.sum(np.sin(WEIGHTS * e / np.sum(e, axis=0)))


def columns(z: Any) -> Any:
    """The softmax of each column, and what flows back to it."""
    p = softmax(z.T).T
    return p, WEIGHTS * np.cos(WEIGHTS * p)


def soft_loss_grad(z: Any) -> Any:
    p, h = columns(z)
    return p * (h - (p * h).sum(0))


SOFT_LOSS = Subject("loss of a softmax", soft_loss, (normal(876, 4, 5),), "grad", soft_loss_grad)
CLASSES = np.array([2, 0, 1, 1])


def cross_entropy_layer(x: Any, w: Any, labels: Any) -> Any:
    return -np.mean(log_softmax(x @ w)[np.arange(4), labels])


def cross_entropy_layer_grad(x: Any, w: Any, labels: Any, ones: float = 1.0, shares: float = 1.0) -> Any:
    dz = (shares * softmax(x @ w) - ones * np.eye(3)[labels]) / 4
    return dz @ w.T, x.T @ dz, None


CROSS_LAYER = Subject("layer with cross entropy", cross_entropy_layer, (normal(877, 4, 3), normal(878, 3, 3), CLASSES),
                      "grad", cross_entropy_layer_grad)  # fmt: skip

# ----------------------------------------------------------------------------------------------- normalisation

EPS = 1e-3


def normalised(x: Any, axis: Any) -> Any:
    """x without its mean, divided by its deviation; the deviation as well."""
    c = x - np.mean(x, axis=axis, keepdims=True)
    s = np.sqrt(np.mean(c * c, axis=axis, keepdims=True) + EPS)
    return c / s, s


def norm_vjp(h: Any, x: Any, axis: Any, mean: bool = True, variance: bool = True) -> Any:
    n, s = normalised(x, axis)
    d = h - np.mean(h, axis=axis, keepdims=True) * mean
    return (d - n * np.mean(h * n, axis=axis, keepdims=True) * variance) / s


def batch_norm_loss(x: Any) -> Any:
    """A number that depends on normalised columns."""
    return np.sum(np.tanh(NORM_WEIGHTS * normalised(x, 0)[0]))


NORM_WEIGHTS = normal(880, 6, 3)


def batch_norm_loss_grad(x: Any, **wrong: Any) -> Any:
    n, _ = normalised(x, 0)
    return norm_vjp(NORM_WEIGHTS * (1 - np.tanh(NORM_WEIGHTS * n) ** 2), x, 0, **wrong)


BATCH_NORM_LOSS = Subject(
    "loss of a batch norm", batch_norm_loss, (normal(881, 6, 3),), "grad", batch_norm_loss_grad
)


def instance_norm(x: Any) -> Any:
    """Images of each channel normalised alone."""
    return normalised(x, (1, 2))[0]


INSTANCE_NORM = Subject("instance norm", instance_norm, (normal(882, 2, 3, 4),), "vjp",
                        lambda g, x, **wrong: norm_vjp(g, x, (1, 2), **wrong))  # fmt: skip


def rms_norm(x: Any, gamma: Any) -> Any:
    return x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + EPS) * gamma


def rms_norm_vjp(g: Any, x: Any, gamma: Any) -> Any:
    s = np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + EPS)
    h, n = g * gamma, x / s
    return (h - n * np.mean(h * n, -1, keepdims=True)) / s, (g * n).sum(0)


RMS_NORM = Subject("RMS norm", rms_norm, (normal(883, 3, 5), positive(884, 5)), "vjp", rms_norm_vjp)

# ------------------------------------------------------------------------------------------------------ lookups

ROWS, COLUMNS = np.array([0, 2, 2, 1, 0]), np.array([1, 3, 3, 0, 2])


def column_lookup(x: Any) -> Any:
    return x[:, COLUMNS]


def column_lookup_vjp(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    np.add.at(d.T, COLUMNS, g.T)
    return d


def columns_assigned(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d[:, COLUMNS] = g
    return d


COLUMN_LOOKUP = Subject("lookup of columns", column_lookup, (normal(885, 3, 4),), "vjp", column_lookup_vjp)


def entry_lookup(x: Any) -> Any:
    return x[ROWS, COLUMNS]


def entry_lookup_vjp(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    np.add.at(d, (ROWS, COLUMNS), g)
    return d


def first_entry_counts(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    for k in range(len(g) - 1, -1, -1):
        d[ROWS[k], COLUMNS[k]] = g[k]
    return d


ENTRY_LOOKUP = Subject("lookup of entries", entry_lookup, (normal(886, 3, 4),), "vjp", entry_lookup_vjp)


def windows(x: Any) -> Any:
    """All windows of three neighbours."""
    return np.stack([x[k : k + 3] for k in range(x.shape[0] - 2)])


def windows_vjp(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    for k in range(len(g)):
        d[k : k + 3] += g[k]
    return d


def windows_assigned(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    for k in range(len(g)):
        d[k : k + 3] = g[k]
    return d


WINDOWS = Subject("windows of neighbours", windows, (normal(887, 7),), "vjp", windows_vjp)

# ------------------------------------------------------------------------------------------------- forward mode


def weighted_sum(a: Any, b: Any) -> Any:
    return np.sum(a * b * b)


PAIR = Subject("sum of a b², forward", weighted_sum, (normal(888, 4), normal(889, 4)), "jvp",
               lambda args, ts: np.sum(ts[0] * args[1] ** 2 + 2 * ts[1] * args[0] * args[1]))  # fmt: skip


def ratio(a: Any, b: Any) -> Any:
    return a / b


RATIO = Subject("quotient, forward", ratio, (normal(890, 4), positive(891, 4)), "jvp",
                lambda args, ts: ts[0] / args[1] - args[0] / args[1] ** 2 * ts[1])  # fmt: skip

# --------------------------------------------------------------------------- a value and a gradient from one function


def penalised(x: Any, y: Any) -> Any:
    return np.sum((x - y) ** 2) + 0.1 * np.sum(x**2)


def penalised_both(x: Any, y: Any) -> Any:
    return penalised(x, y), (2 * (x - y) + 0.2 * x, 2 * (y - x))


OBJECTIVE = Subject("objective with its gradient", penalised, (normal(892, 4), normal(893, 4)), "value_and_grad",
                    penalised_both)  # fmt: skip


def another_value(value: Any) -> Any:
    """The gradient as it is, beside a value that is computed in another way."""
    return lambda x, y: (value(x, y), penalised_both(x, y)[1])


# ------------------------------------------------------------------------------------- Hessians of opaque functions


def transparent(x: Any) -> Any:
    a, b, c = x
    return a * a * b + np.sin(b) * c + c**3 + a * c


def opaque(x: Any) -> Any:
    """The same of Python's numbers: no engine sees through it."""
    return transparent([float(number) for number in x])


def opaque_hess(x: Any) -> Any:
    a, b, c = x
    return np.array([[2 * b, 2 * a, 1], [2 * a, -c * np.sin(b), np.cos(b)], [1, np.cos(b), 6 * c]])


OPAQUE = Subject("opaque function, Hessian", opaque, np.array([1.2, 0.7, -0.6]), "hess", opaque_hess)

SUBJECTS = [
    SOFT_LAYER, LOG_SOFTMAX, SOFT_LOSS, CROSS_LAYER, BATCH_NORM_LOSS, INSTANCE_NORM, RMS_NORM, COLUMN_LOOKUP,
    ENTRY_LOOKUP, WINDOWS, PAIR, RATIO, OBJECTIVE, OPAQUE,
]  # fmt: skip

MISTAKES: list[Case] = [
    SOFT_LAYER.wrong("softmax without its sum", "missing term", soft_layer_without_sum),
    SOFT_LAYER.slip("softmax without its sum, in w", "missing term", lambda d, *a: soft_layer_without_sum(*a)[1], at=1),
    SOFT_LAYER.slip("softmax without its sum, in b", "missing term", lambda d, *a: soft_layer_without_sum(*a)[2], at=2),
    SOFT_LAYER.slip("the diagonal of softmax", "missing term", lambda d, *a: soft_layer_diagonal(*a)[1], at=1),
    LOG_SOFTMAX.wrong("without its sum", "missing term", lambda g, z: g.copy()),
    LOG_SOFTMAX.wrong("the diagonal", "missing term", lambda g, z: g * (1 - softmax(z))),
    LOG_SOFTMAX.wrong("the mean in place of the sum", "missing term",
                      lambda g, z: g - softmax(z) * g.mean(-1, keepdims=True)),
    SOFT_LOSS.wrong("softmax without its sum", "missing term", lambda z: np.prod(columns(z), axis=0)),
    SOFT_LOSS.wrong("the diagonal of softmax", "missing term",
                    lambda z: (1 - columns(z)[0]) * np.prod(columns(z), axis=0)),
    CROSS_LAYER.slip("the label's one not subtracted", "missing term",
                     lambda d, *a: cross_entropy_layer_grad(*a, ones=0)[1], at=1),
    CROSS_LAYER.slip("the label's one not subtracted, in x", "missing term",
                     lambda d, *a: cross_entropy_layer_grad(*a, ones=0)[0]),
    CROSS_LAYER.slip("the labels alone", "missing term", lambda d, *a: cross_entropy_layer_grad(*a, shares=0)[1], at=1),
    BATCH_NORM_LOSS.wrong("without the mean's term", "missing term", lambda x: batch_norm_loss_grad(x, mean=False)),
    BATCH_NORM_LOSS.wrong("without the variance's term", "missing term",
                          lambda x: batch_norm_loss_grad(x, variance=False)),
    BATCH_NORM_LOSS.wrong("without both", "missing term",
                          lambda x: batch_norm_loss_grad(x, mean=False, variance=False)),
    INSTANCE_NORM.wrong("without the variance's term", "missing term",
                        lambda g, x: norm_vjp(g, x, (1, 2), variance=False)),
    INSTANCE_NORM.wrong("statistics held fixed", "missing term",
                        lambda g, x: norm_vjp(g, x, (1, 2), mean=False, variance=False)),
    RMS_NORM.slip("the norm held fixed", "missing term",
                  lambda d, g, x, gamma: g * gamma / np.sqrt(np.mean(x * x, -1, keepdims=True) + EPS)),
    COLUMN_LOOKUP.wrong("assigned", "overwritten", columns_assigned),
    ENTRY_LOOKUP.wrong("the first counts", "overwritten", first_entry_counts),
    WINDOWS.wrong("assigned", "overwritten", windows_assigned),
    PAIR.wrong("one tangent for both", "swapped",
               lambda args, ts: np.sum(ts[0] * args[1] ** 2 + 2 * ts[0] * args[0] * args[1])),
    PAIR.wrong("the other tangent for both", "swapped",
               lambda args, ts: np.sum(ts[1] * args[1] ** 2 + 2 * ts[1] * args[0] * args[1])),
    PAIR.wrong("tangents exchanged", "swapped",
               lambda args, ts: np.sum(ts[1] * args[1] ** 2 + 2 * ts[0] * args[0] * args[1])),
    RATIO.wrong("tangents exchanged", "swapped", lambda args, ts: ts[1] / args[1] - args[0] / args[1] ** 2 * ts[0]),
    RATIO.wrong("one tangent for both", "swapped", lambda args, ts: ts[0] / args[1] - args[0] / args[1] ** 2 * ts[0]),
    RATIO.wrong("points and tangents exchanged", "swapped",
                lambda ts, args: ts[0] / args[1] - args[0] / args[1] ** 2 * ts[1]),
    OBJECTIVE.wrong("without the penalty", "value", another_value(lambda x, y: np.sum((x - y) ** 2))),
    OBJECTIVE.wrong("its mean", "value", another_value(lambda x, y: penalised(x, y) / 4)),
    OBJECTIVE.wrong("at another point", "value", another_value(lambda x, y: penalised(x + 1e-3, y))),
    OPAQUE.slip("half of it", "factor", lambda h: h / 2),
    OPAQUE.slip("1 % too large", "factor", lambda h: h * 1.01),
    OPAQUE.slip("the negative", "sign", lambda h: -h),
    OPAQUE.slip("zero", "zero", lambda h: h * 0),
    OPAQUE.slip("mixed derivatives left out", "entries", lambda h: np.diag(np.diag(h))),
]  # fmt: skip
