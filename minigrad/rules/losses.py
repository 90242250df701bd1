"""Losses of arrays: one number from predictions and targets. `nn/losses` has two that take lists of Values."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..engine.errors import ShapeError
from ..engine.op import dispatched, op
from ..engine.sampling import DISTINCT, REAL, UNIT, Call, Domain, Draw
from .activations import less_total, log_softmax, relu, sigmoid, softmax, softplus
from .axes import dispatches
from .composed import composed
from .draws import integers

_CLASS_OR_SHARE = Domain("class, or from 0 to 1", 0.0, 1.0)
_SHARE = Domain("from 0 to 1", 0.0, 1.0)
_PROBABLE = Domain("from 0 to 1", 0.1, 0.9)
_ODD_MARGIN = 0.37313  # not a difference of drawn numbers, so no term is at its kink


def _labels(scores: Any, targets: Any, what: str) -> Any:
    """Integer classes, one per row of scores, checked."""
    return _check_classes(targets, np.shape(scores)[:-1], np.shape(scores)[-1], what)


@dispatched  # so that compiled code checks them anew
def _check_classes(targets: Any, rows: tuple[int, ...], k: int, what: str) -> Any:
    """Targets that are integers from 0 to k - 1, of that shape; in a graph that is for all data, unread."""
    classes = targets if dispatches(targets) else np.asarray(targets)
    if classes.dtype.kind not in "iu" or classes.shape != rows:
        raise ShapeError(
            f"{what}: expected integer targets of shape {rows}, one class per row, "
            f"got {classes.dtype} {classes.shape}"
        )
    if not dispatches(classes) and classes.size and not (classes.min() >= 0 and classes.max() < k):
        raise ShapeError(f"{what}: expected classes from 0 to {k - 1}, got {classes.min()} to {classes.max()}")
    return classes


def _of_class(x: Any, classes: Any) -> Any:
    """The entry of each row of x for its class, on an axis of length 1."""
    return np.take_along_axis(x, classes[..., None], axis=-1)


def _scored(domain: Domain, draw: Draw) -> tuple[Any, Any]:
    shape = draw.shape(min_dims=1)
    return draw.array(domain, shape), integers(draw, 0, shape[-1] - 1, shape[:-1])


def _classes(logits: Any, targets: Any) -> Any:
    """Integer targets, checked: one class per row of logits."""
    classes = np.asarray(targets)
    if not np.ndim(logits):
        raise ValueError("expected logits of shape (..., classes), got one number")
    if classes.dtype.kind not in "iu" or classes.shape != logits.shape[:-1]:
        raise ValueError(
            f"expected integer targets of shape {logits.shape[:-1]}, one class per row of logits, "
            f"got {classes.dtype} {classes.shape}"
        )
    return classes


def _rows(shape: tuple[int, ...]) -> int:
    """The number of rows that a mean divides by: 1 if there are none, so that the mean is 0 and not nan."""
    return max(math.prod(shape[:-1]), 1)


def _are_shares(logits: Any, targets: Any) -> bool:
    """Whether the targets are probabilities for each class, not classes."""
    return np.shape(targets) == np.shape(logits) and np.result_type(targets).kind == "f"


def _cross_entropy(logits: Any, targets: Any) -> tuple[Any, Any]:
    """The loss, and the derivative of its sum over rows, which its rule needs."""
    if not _are_shares(logits, targets):
        return _class_entropy(logits, _classes(logits, targets))
    shifted = logits - np.maximum.reduce(logits, axis=-1, keepdims=True)
    e = np.exp(shifted)
    total = np.add.reduce(e, axis=-1, keepdims=True)
    loss = np.sum(targets * (np.log(total) - shifted)) / _rows(np.shape(logits))
    return loss, _less_targets(e / total, targets)


def _less_targets(p: Any, targets: Any) -> Any:
    """p Σ targets - targets, the derivative by logits; with all its digits also where a p rounds to 1."""
    return less_total(-less_total(targets, p, -1), p, -1)


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
    take_one(p, chosen)
    return np.add.reduce(np.log(total) - x.reshape(-1)[chosen]) / max(n, 1), p.T.reshape(logits.shape)


def take_one(p: Any, chosen: Any) -> None:
    """Take 1 from the entry at one place of each column of p, in place; the columns add up to 1.

    What is left is minus the sum of the others, which p - 1 may round away. A product with ones adds them fastest.
    """
    flat = p.reshape(-1)
    flat[chosen] = 0.0
    flat[chosen] = _minus_ones(len(p), p.dtype).dot(p)


@functools.lru_cache(maxsize=32)
def _minus_ones(k: int, dtype: Any) -> Any:
    """k times -1."""
    return np.full(k, -1, dtype=dtype)


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
    Gives a scalar. Where the target's probability rounds to 1, the loss rounds to 0, its gradient does not.
    """
    return _cross_entropy(np.asarray(logits), np.asarray(targets))[0]


def _cross_entropy_vjp(g: Any, y: Any, logits: Any, targets: Any, saved: Any = None) -> Any:
    if saved is None:
        shares = _are_shares(logits, targets)
        places = targets if shares else np.equal(np.expand_dims(targets, -1), np.arange(logits.shape[-1])) * 1.0
        saved = _less_targets(softmax(logits), places)
    return saved * (g / _rows(logits.shape))


def _cross_entropy_targets(g: Any, y: Any, logits: Any, targets: Any, saved: Any = None) -> Any:
    return -log_softmax(logits) * (g / _rows(logits.shape))


def _cross_entropy_jvp(t: Any, y: Any, logits: Any, targets: Any, saved: Any = None) -> Any:
    return np.sum(_cross_entropy_vjp(1.0, y, logits, targets, saved) * t)


def _mean_of_logarithms(logits: Any, targets: Any) -> Any:
    shares = _are_shares(logits, targets)
    places = targets if shares else np.equal(np.expand_dims(targets, -1), np.arange(logits.shape[-1])) * 1.0
    return -np.sum(places * log_softmax(logits)) / _rows(np.shape(logits))


def _cross_entropy_call(draw: Draw) -> Call:
    shape = draw.shape(min_dims=1)
    classes = integers(draw, 0, shape[-1] - 1, shape[:-1])
    return (draw.array(REAL, shape), draw.choice([classes, draw.array(_CLASS_OR_SHARE, shape)])), {}


@dispatched
def binary_cross_entropy_with_logits(logits: Any, targets: Any) -> Any:
    """The mean of -t ln sigmoid(z) - (1 - t) ln(1 - sigmoid(z)), exact also where the sigmoid rounds to 0 or 1.

    logits: any shape, unnormalised. targets: probabilities, of the same shape. Gives a scalar.
    """
    if np.shape(logits) != np.shape(targets):
        raise ValueError(f"expected targets of shape {np.shape(logits)}, got {np.shape(targets)}")
    return _mean_of_terms(logits, targets)


def _mean_of_terms(logits: Any, targets: Any) -> Any:
    terms = targets * softplus(-logits) + (1.0 - targets) * softplus(logits)
    return np.sum(terms) / max(np.size(logits), 1)


def _logits(g: Any, y: Any, z: Any, t: Any) -> Any:
    # sigmoid(z) - t, without the difference of nearly equal numbers
    return ((1.0 - t) * sigmoid(z) - t * sigmoid(-z)) * (g / max(z.size, 1))


def _targets(g: Any, y: Any, z: Any, t: Any) -> Any:
    return -z * (g / max(z.size, 1))


def _pairs(draw: Draw) -> Call:
    shape = draw.shape()
    return (draw.array(REAL, shape), draw.array(_SHARE, shape)), {}


def _nll_call(draw: Draw) -> Call:
    x, classes = _scored(REAL, draw)
    return (x, classes, draw.choice([None, draw.array(REAL, x.shape[-1:])])), {}


def negative_log_likelihood(log_probabilities: Any, targets: Any, weights: Any = None) -> Any:
    """The mean over rows of -weight[target] · log_probabilities[target].

    log_probabilities: (…, k), as `log_softmax` gives them. targets: (…), integers from 0 to k - 1.
    weights: (k,), one per class; the mean is over rows, not over their weights.
    Gives a scalar. ValueError for other targets.
    """
    classes = _labels(log_probabilities, targets, "negative_log_likelihood")
    chosen = _of_class(log_probabilities, classes)[..., 0]
    total = np.sum(chosen if weights is None else np.take(weights, classes) * chosen)
    return -total / max(np.size(classes), 1)


def _focal_call(draw: Draw) -> Call:
    return _scored(_PROBABLE, draw), draw.choice([{}, {"alpha": 0.25, "gamma": 2.0}, {"gamma": 0.5}])


def focal_loss(probabilities: Any, targets: Any, alpha: float = 1.0, gamma: float = 0.0) -> Any:
    """-alpha (1 - p)^gamma ln p for each row, where p is the target's probability: Lin and others (2017).

    probabilities: (…, k), as `softmax` gives them. targets: (…), integers from 0 to k - 1. Gives (…).
    gamma: 0 or more; ValueError for less. The loss is inf where p is 0, and 0 where p is 1.
    """
    if gamma < 0:
        raise ValueError(f"focal_loss: expected gamma of 0 or more, got {gamma}")
    p = _of_class(probabilities, _labels(probabilities, targets, "focal_loss"))[..., 0]
    return -alpha * (1.0 - p) ** gamma * np.log(p)


def _hinge_call(draw: Draw) -> Call:
    return _scored(DISTINCT, draw), {"hinge": _ODD_MARGIN}


def multiclass_hinge(scores: Any, targets: Any, hinge: float = 1.0) -> Any:
    """The mean over rows of Σ max(0, score - score[target] + hinge), over all classes but the target.

    scores: (…, k). targets: (…), integers from 0 to k - 1. Gives a scalar. At a kink: 0, as for relu.
    """
    classes = _labels(scores, targets, "multiclass_hinge")
    others = classes[..., None] != np.arange(np.shape(scores)[-1])
    terms = np.where(others, relu(scores - _of_class(scores, classes) + hinge), 0.0)
    return np.sum(terms) / max(np.size(classes), 1)


def _ranking_call(draw: Draw) -> Call:
    shape = draw.shape()
    signs = 2 * integers(draw, 0, 1, shape) - 1
    return (draw.array(UNIT, shape), draw.array(UNIT, shape), draw.choice([1, signs[()]])), {"margin": _ODD_MARGIN}


def margin_ranking_loss(first: Any, second: Any, order: Any, margin: float) -> Any:
    """The mean of max(0, margin - order · (first - second)).

    first, second: scores, of one shape. order: 1 where first should be the larger, -1 where second
    should; broadcast. Gives a scalar. ValueError for two shapes. At a kink: 0, as for relu.
    """
    if np.shape(first) != np.shape(second):
        raise ValueError(f"margin_ranking_loss: expected one shape, got {np.shape(first)} and {np.shape(second)}")
    return np.sum(relu(margin - order * (first - second))) / max(np.size(first), 1)


# fmt: off
op(cross_entropy, "cross_entropy", "y = mean of -ln softmax(x)[target]", domain=(REAL, _CLASS_OR_SHARE),
    forward=_cross_entropy, saves=True, vjp=(_cross_entropy_vjp, _cross_entropy_targets),
    jvp=(_cross_entropy_jvp, lambda t, y, logits, targets, saved=None: np.sum(_cross_entropy_targets(1.0, y,
    logits, targets) * t)), calls=_cross_entropy_call, gives_new=True, meaning=_mean_of_logarithms)
op(binary_cross_entropy_with_logits, "binary_cross_entropy", "y = mean of -t ln σ(z) - (1 - t) ln(1 - σ(z))",
    domain=(REAL, _SHARE), vjp=(_logits, _targets),
    jvp=(lambda t, y, z, p: np.sum(_logits(1.0, y, z, p) * t), lambda t, y, z, p: np.sum(_targets(1.0, y, z, p) *
    t)), calls=_pairs, gives_new=True, meaning=_mean_of_terms)
composed(negative_log_likelihood, "y = mean of -w[target] x[target]", _nll_call)(negative_log_likelihood)
composed(focal_loss, "y = -α (1 - p)^γ ln p, p = x[target]; at p = 1: 0", _focal_call)(focal_loss)
composed(multiclass_hinge, "y = mean of Σ max(0, x - x[target] + h); at a kink: 0", _hinge_call)(multiclass_hinge)
composed(margin_ranking_loss, "y = mean of max(0, m - s (a - b)); at a kink: 0", _ranking_call)(margin_ranking_loss)
