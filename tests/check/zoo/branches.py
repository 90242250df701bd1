"""Functions with branches, on both sides of which they are smooth: a gradient that knows one side only."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import OF_INPUT, Case, Subject, normal

X = np.array([-1.7, 0.6, -0.3, 1.2, -0.8, 2.1, 0.25, -2.4])


def relu(x: Any) -> Any:
    return np.maximum(x, 0)


RELU = Subject("relu", relu, (X,), "vjp", lambda g, x: g * (x > 0))


def leaky(x: Any) -> Any:
    return np.where(x > 0, x, 0.1 * x)


LEAKY = Subject("leaky relu", leaky, (X,), "vjp", lambda g, x: g * np.where(x > 0, 1, 0.1))


def elu(x: Any) -> Any:
    return np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)


ELU = Subject("elu", elu, (X,), "vjp", lambda g, x: g * np.where(x > 0, 1, np.exp(np.minimum(x, 0))))


def absolute(x: Any) -> Any:
    return np.sum(np.abs(x) * np.arange(1.0, 9.0))


ABSOLUTE = Subject("weighted absolute values", absolute, (X,), "grad", lambda x: np.sign(x) * np.arange(1.0, 9.0))


def hard_sigmoid(x: Any) -> Any:
    return np.clip(0.5 * x + 0.5, 0, 1)


HARD_SIGMOID = Subject("hard sigmoid", hard_sigmoid, (X,), "vjp", lambda g, x: g * 0.5 * (np.abs(x) < 1))


def quantile_loss(r: Any) -> Any:
    """Pinball loss of the upper decile."""
    return np.sum(np.where(r > 0, 0.9 * r, -0.1 * r) * np.arange(1.0, 9.0))


PINBALL = Subject("pinball loss", quantile_loss, (X,), "grad",
                  lambda r: np.where(r > 0, 0.9, -0.1) * np.arange(1.0, 9.0))  # fmt: skip


def safe_log(x: Any) -> Any:
    """log above zero, a parabola below."""
    return np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), x * x)


SAFE_LOG = Subject("log above, square below", safe_log, (X,), "vjp",
                   lambda g, x: g * np.where(x > 0, 1 / np.where(x > 0, x, 1), 2 * x))  # fmt: skip


def larger(a: Any, b: Any) -> Any:
    return np.maximum(a, b)


LARGER = Subject("larger of two", larger, (X, normal(601, 8)), "vjp",
                 lambda g, a, b: (g * (a > b), g * (b > a)))  # fmt: skip


def largest(x: Any) -> Any:
    return np.max(x) ** 2


LARGEST = Subject("square of the largest", largest, (X,), "grad", lambda x: 2 * x * (x == x.max()))


def relu_layer(x: Any, w: Any) -> Any:
    return np.maximum(x @ w, 0)


def relu_layer_vjp(g: Any, x: Any, w: Any) -> Any:
    h = g * (x @ w > 0)
    return h @ w.T, x.T @ h


RELU_LAYER = Subject("relu layer", relu_layer, (normal(602, 4, 3), normal(603, 3, 4)), "vjp", relu_layer_vjp)


def soft_threshold(x: Any) -> Any:
    return np.sign(x) * np.maximum(np.abs(x) - 0.5, 0)


SOFT = Subject("soft threshold", soft_threshold, (X,), "vjp", lambda g, x: g * (np.abs(x) > 0.5))


SUBJECTS = [
    RELU, LEAKY, ELU, ABSOLUTE, HARD_SIGMOID, PINBALL, SAFE_LOG, LARGER, LARGEST, RELU_LAYER, SOFT,
]  # fmt: skip

# A branch elsewhere than at 0: nothing but the entries themselves shows where.
BRANCH_OR_ENTRIES = {"branch", "entries"}

MISTAKES: list[Case] = [
    RELU.wrong("passes everything", "branch", lambda g, x: g.copy()),
    RELU.wrong("passes below in place of above", "wrong", lambda g, x: g * (x < 0), deep=True),
    RELU.wrong("masks by the cotangent, not by the input", "nonlinear", lambda g, x: g * (g > 0)),
    LEAKY.wrong("the leak forgotten", "branch", lambda g, x: g * (x > 0)),
    LEAKY.wrong("the leak's sign", "branch", lambda g, x: g * np.where(x > 0, 1, -0.1)),
    LEAKY.wrong("passes everything", {"branch", "missing factor"}, lambda g, x: g.copy()),
    ELU.wrong("y in place of y + 1 below", "branch", lambda g, x: g * np.where(x > 0, 1, elu(x))),
    ELU.wrong("the exponential on both sides", "branch", lambda g, x: g * np.exp(x)),
    ABSOLUTE.wrong("one on both sides", "branch", lambda x: np.arange(1.0, 9.0)),
    ABSOLUTE.wrong("zero below", "branch", lambda x: (x > 0) * np.arange(1.0, 9.0)),
    HARD_SIGMOID.wrong("not cut off", "entries", lambda g, x: g * 0.5),
    HARD_SIGMOID.wrong("not cut off above", BRANCH_OR_ENTRIES, lambda g, x: g * 0.5 * (x > -1)),
    HARD_SIGMOID.slip("the slope left out", "factor", lambda d: 2 * d),
    PINBALL.wrong("0.9 on both sides", "branch", lambda r: 0.9 * np.arange(1.0, 9.0)),
    PINBALL.wrong("the sides exchanged", "wrong", lambda r: np.where(r > 0, -0.1, 0.9) * np.arange(1.0, 9.0)),
    PINBALL.wrong("the sign below", "branch", lambda r: np.where(r > 0, 0.9, 0.1) * np.arange(1.0, 9.0)),
    SAFE_LOG.wrong("zero below", "branch", lambda g, x: g * (x > 0) / x),
    SAFE_LOG.wrong("the slope of log on both sides", "branch", lambda g, x: g / x),
    SAFE_LOG.wrong("the square on both sides", "branch", lambda g, x: g * 2 * x),
    SAFE_LOG.wrong("nan where the branch is not taken", "nan", lambda g, x: g * np.where(x > 0, 1 / x, np.nan)),
    LARGER.slip("passes to both", "entries", lambda d, g, a, b: g.copy()),
    LARGER.wrong("the two exchanged", "swapped", lambda g, a, b: (g * (b > a), g * (a > b)), at=None),
    LARGEST.wrong("to all entries", "entries", lambda x: np.full_like(x, 2 * x.max())),
    LARGEST.wrong("to the smallest", "permuted", lambda x: 2 * x.max() * (x == x.min())),
    LARGEST.slip("the square's factor", OF_INPUT, lambda d, x: d / (2 * x.max())),
    RELU_LAYER.wrong("the mask forgotten", "missing factor", lambda g, x, w: (g @ w.T, x.T @ g)),
    RELU_LAYER.wrong("masked by the input's sign", "wrong",
                     lambda g, x, w: ((g @ w.T) * (x > 0), relu_layer_vjp(g, x, w)[1])),
    SOFT.wrong("not shrunk to zero", "entries", lambda g, x: g.copy()),
    SOFT.wrong("only above", BRANCH_OR_ENTRIES, lambda g, x: g * (x > 0.5)),
]  # fmt: skip
