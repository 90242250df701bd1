"""Functions of neural networks that NumPy lacks, each as one op with a derivative that keeps its digits."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..engine.op import dispatched, elementwise, op
from ..engine.sampling import NONZERO, REAL, Call, Domain, Draw
from . import vmap_rules
from .draws import integers
from .reductions import reduction


@dispatched
def relu(x: Any) -> Any:
    """max(x, 0), elementwise; its derivative at 0 is 0."""
    return np.maximum(x, 0)


@dispatched
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), elementwise, with no overflow at either end."""
    e = np.exp(-np.abs(x))
    # e is at most 1: the larger is 1 for x ≥ 0, and e elsewhere; np.where does the same, six times slower.
    return np.maximum(e, np.greater_equal(x, 0)) / (1.0 + e)


@dispatched
def softplus(x: Any) -> Any:
    """ln(1 + exp(x)), elementwise: a smooth relu."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))  # np.logaddexp(x, 0), twenty times faster


@dispatched
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """ln Σ exp(x) over the axes (all by default), with no overflow.

    x: any shape. axis: None, int or tuple. keepdims: keep the reduced axes, with length 1.
    """
    top = np.max(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else np.squeeze(total, axis=axis)


@dispatched
def softmax(x: Any, axis: Any = -1) -> Any:
    """exp(x) / Σ exp(x) along the axis (the last by default); the shape stays."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@dispatched
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """ln softmax(x) along the axis (the last by default), exact also where softmax rounds to 0."""
    shifted = x - np.max(x, axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def _shares(x: Any, axis: Any = -1) -> Any:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def _softmax_rule(g: Any, y: Any, x: Any, axis: Any = -1) -> Any:
    """The Jacobian of softmax is symmetric: the rule is vjp and jvp."""
    return y * (g - np.sum(g * y, axis=axis, keepdims=True))


def _along_axis(draw: Draw) -> Call:
    x = draw.array(REAL, draw.shape(min_dims=1))
    return (x,), {"axis": draw.choice([*range(-x.ndim, x.ndim), tuple(range(x.ndim))])}


def _classes(logits: Any, targets: Any) -> Any:
    """Integer targets, checked: one class per row of logits."""
    classes = np.asarray(targets)
    if classes.dtype.kind not in "iu" or classes.shape != logits.shape[:-1]:
        raise ValueError(
            f"expected integer targets of shape {logits.shape[:-1]}, one class per row of logits, "
            f"got {classes.dtype} {classes.shape}"
        )
    return classes


def _are_shares(logits: Any, targets: Any) -> bool:
    """Whether the targets are probabilities for each class, not classes."""
    return np.shape(targets) == logits.shape and np.result_type(targets).kind == "f"


def _cross_entropy(logits: Any, targets: Any) -> tuple[Any, Any]:
    """The loss, and the derivative of its sum over rows, which its rule needs."""
    if not _are_shares(logits, targets):
        return _class_entropy(logits, _classes(logits, targets))
    shifted = logits - np.maximum.reduce(logits, axis=-1, keepdims=True)
    e = np.exp(shifted)
    total = np.add.reduce(e, axis=-1, keepdims=True)
    loss = np.sum(targets * (np.log(total) - shifted)) / _rows_of(logits)
    return loss, e / total * np.sum(targets, axis=-1, keepdims=True) - targets


def _class_entropy(logits: Any, classes: Any) -> tuple[Any, Any]:
    n, k = classes.size, logits.shape[-1]
    # Rows become columns: NumPy reduces along the first axis several times faster than along a short last one.
    x = np.ascontiguousarray(logits.reshape(n, k).T)
    x = x - np.maximum.reduce(x, axis=0)
    p = np.exp(x)
    total = np.add.reduce(p, axis=0)
    p /= total
    try:  # the place of each row's class in the columns laid end to end
        chosen = np.ravel_multi_index((classes.ravel().astype(np.intp, copy=False), _arange(n)), (k, n))
    except ValueError:
        raise ValueError(f"expected classes from 0 to {k - 1}, got {classes.min()} to {classes.max()}") from None
    p.reshape(-1)[chosen] -= 1
    return np.add.reduce(np.log(total) - x.reshape(-1)[chosen]) / max(n, 1), p.T.reshape(logits.shape)


@functools.lru_cache(maxsize=32)
def _arange(n: int) -> Any:
    """np.arange(n), which every training step needs."""
    counted = np.arange(n)
    counted.flags.writeable = False
    return counted


@dispatched
def cross_entropy(logits: Any, targets: Any) -> Any:
    """The mean over rows of -ln softmax(logits)[target], or of -Σ target · ln softmax(logits).

    logits: (…, k), unnormalised. targets: (…), integers from 0 to k - 1; or (…, k), a probability for each class.
    Gives a scalar. Where the target's probability rounds to 1, the loss rounds to 0 (its gradient to 1e-16).
    """
    return _cross_entropy(np.asarray(logits), np.asarray(targets))[0]


def _rows_of(logits: Any) -> int:
    rows: int = math.prod(logits.shape[:-1])
    return max(rows, 1)


def _cross_entropy_vjp(g: Any, y: Any, logits: Any, targets: Any, saved: Any = None) -> Any:
    if saved is None and _are_shares(logits, targets):
        saved = softmax(logits) * np.sum(targets, axis=-1, keepdims=True) - targets
    elif saved is None:
        saved = softmax(logits) - np.equal(np.expand_dims(targets, -1), np.arange(logits.shape[-1]))
    return saved * (g / _rows_of(logits))


def _cross_entropy_targets(g: Any, y: Any, logits: Any, targets: Any, saved: Any = None) -> Any:
    return -log_softmax(logits) * (g / _rows_of(logits))


def _cross_entropy_jvp(t: Any, y: Any, logits: Any, targets: Any, saved: Any = None) -> Any:
    return np.sum(_cross_entropy_vjp(1.0, y, logits, targets, saved) * t)


def _rows(draw: Draw) -> Call:
    shape = draw.shape(min_dims=1)
    classes = integers(draw, 0, shape[-1] - 1, shape[:-1])
    return (draw.array(REAL, shape), draw.choice([classes, draw.array(_SHARE, shape)])), {}


_SHARE = Domain("class, or from 0 to 1", 0.0, 1.0)


# fmt: off
elementwise(relu, "relu", "y = max(x, 0)", lambda y, x: np.greater(x, 0), domain=NONZERO, kink="at 0: 0",
    activation=True, meaning=lambda x: np.maximum(x, 0))
# y (1 - y) loses its digits where y is close to 1
elementwise(sigmoid, "sigmoid", "y = 1 / (1 + e^-x)", lambda y, x: y * sigmoid(-x), activation=True,
    meaning=lambda x: 1 / (1 + np.exp(-x)))
elementwise(softplus, "softplus", "y = ln(1 + e^x)", lambda y, x: sigmoid(x), activation=True,
    meaning=lambda x: np.log(1 + np.exp(x)))
reduction(logsumexp, "logsumexp", "y = ln Σ e^x", lambda y, x, axis: np.exp(x - np.where(np.isfinite(y), y, 0.0)),
    meaning=lambda x, axis=None, keepdims=False: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
    of_ufunc=(np.logaddexp, "reduce"))
op(softmax, "softmax", "y = e^x / Σ e^x", vjp=(_softmax_rule,), jvp=(_softmax_rule,), calls=_along_axis,
    activation=True, gives_new=True, meaning=_shares, vmap=vmap_rules.along_axis)
op(log_softmax, "log_softmax", "y = x - ln Σ e^x",
    vjp=(lambda g, y, x, axis=-1: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True),),
    jvp=(lambda t, y, x, axis=-1: t - np.sum(np.exp(y) * t, axis=axis, keepdims=True),), calls=_along_axis,
    activation=True, gives_new=True, meaning=lambda x, axis=-1: np.log(_shares(x, axis)),
    vmap=vmap_rules.along_axis)
op(cross_entropy, "cross_entropy", "y = mean of -ln softmax(x)[target]", domain=(REAL, _SHARE),
    forward=_cross_entropy, saves=True, vjp=(_cross_entropy_vjp, _cross_entropy_targets),
    jvp=(_cross_entropy_jvp, lambda t, y, logits, targets, saved=None: np.sum(_cross_entropy_targets(1.0, y,
    logits, targets) * t)), calls=_rows, gives_new=True)
