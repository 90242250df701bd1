"""Losses and layers written with other functions, from which derivatives of any order follow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.op import dispatched
from ..engine.sampling import DISTINCT, REAL, UNIT, Call, Domain, Draw
from .composed import composed
from .draws import integers
from .layers import layer_norm
from .limits import times
from .nn import relu, sigmoid

_PROBABLE = Domain("from 0 to 1", 0.1, 0.9)
_ODD_MARGIN = 0.37313  # not a difference of drawn numbers, so no term is at its kink


def _labels(scores: Any, targets: Any, what: str) -> Any:
    """Integer classes, one per row of scores, checked."""
    return _check_classes(targets, np.shape(scores)[:-1], np.shape(scores)[-1], what)


@dispatched  # so that compiled code checks them anew
def _check_classes(targets: Any, rows: tuple[int, ...], k: int, what: str) -> Any:
    """Targets that are integers from 0 to k - 1, of that shape."""
    classes = np.asarray(targets)
    if classes.dtype.kind not in "iu" or classes.shape != rows:
        raise ValueError(
            f"{what}: expected integer targets of shape {rows}, one class per row, "
            f"got {classes.dtype} {classes.shape}"
        )
    if classes.size and not (classes.min() >= 0 and classes.max() < k):
        raise ValueError(f"{what}: expected classes from 0 to {k - 1}, got {classes.min()} to {classes.max()}")
    return classes


def _of_class(x: Any, classes: Any) -> Any:
    """The entry of each row of x for its class, on an axis of length 1."""
    return np.take_along_axis(x, classes[..., None], axis=-1)


def _rows(x: Any) -> int:
    """The number of rows that a mean divides by: 1 if there are none, so that the mean is 0 and not nan."""
    rows: int = math.prod(np.shape(x)[:-1])
    return max(rows, 1)


def _scored(domain: Domain, draw: Draw) -> tuple[Any, Any]:
    shape = draw.shape(min_dims=1)
    return draw.array(domain, shape), integers(draw, 0, shape[-1] - 1, shape[:-1])


def _glu_call(draw: Draw) -> Call:
    shape = [*draw.shape(min_dims=1)]
    axis = draw.integer(-len(shape), len(shape) - 1)
    shape[axis] = 2
    return (draw.array(REAL, tuple(shape)),), {"axis": axis}


def glu(x: Any, axis: int = -1) -> Any:
    """a · sigmoid(b), where a and b are the two halves of x along the axis: Dauphin and others (2017).

    x: any shape, of even length along the axis. ValueError for an odd one.
    """
    if np.shape(x)[axis] % 2:
        raise ValueError(f"glu: expected an even length along axis {axis}, got shape {np.shape(x)}")
    a, b = np.split(x, 2, axis=axis)
    return a * sigmoid(b)


def _batch_norm_call(draw: Draw) -> Call:
    n, channels = draw.integer(2, 3), draw.integer(1, 2)
    x = draw.array(REAL, (n, channels, *draw.choice([(), (2,)])))
    scale, shift = (draw.array(REAL, (channels,)) for _ in range(2))
    return (x, scale, shift), {"eps": draw.choice([0.5, 1.0])}


def batch_norm(x: Any, scale: Any = 1.0, shift: Any = 0.0, eps: float = 1e-5) -> Any:
    """(x - mean) / √(variance + eps) · scale + shift, per channel, over the batch: Ioffe and Szegedy (2015).

    x: (n, channels, …). scale, shift: (channels,) or a number. eps: added to the variance.
    The statistics are those of x itself; none are stored. ValueError for a vector.
    """
    if np.ndim(x) < 2:
        raise ValueError(f"batch_norm: expected shape (n, channels, …), got {np.shape(x)}")
    columns = (-1, *(1,) * (np.ndim(x) - 2))
    scale, shift = (np.reshape(c, columns) if np.ndim(c) else c for c in (scale, shift))
    return layer_norm(x, scale, shift, axis=(0, *range(2, np.ndim(x))), eps=eps)


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
    return -np.sum(chosen if weights is None else np.take(weights, classes) * chosen) / _rows(log_probabilities)


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
    return -alpha * times((1.0 - p) ** gamma, np.log(p))


def _hinge_call(draw: Draw) -> Call:
    return _scored(DISTINCT, draw), {"hinge": _ODD_MARGIN}


def multiclass_hinge(scores: Any, targets: Any, hinge: float = 1.0) -> Any:
    """The mean over rows of Σ max(0, score - score[target] + hinge), over all classes but the target.

    scores: (…, k). targets: (…), integers from 0 to k - 1. Gives a scalar. At a kink: 0, as for relu.
    """
    classes = _labels(scores, targets, "multiclass_hinge")
    others = classes[..., None] != np.arange(np.shape(scores)[-1])
    return np.sum(np.where(others, relu(scores - _of_class(scores, classes) + hinge), 0.0)) / _rows(scores)


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


composed(glu, "y = a σ(b), a and b the halves of x", _glu_call)(glu)
composed(batch_norm, "y = a (x - mean) / √(var + ε) + b, per channel", _batch_norm_call)(batch_norm)
composed(negative_log_likelihood, "y = mean of -w[target] x[target]", _nll_call)(negative_log_likelihood)
composed(focal_loss, "y = -α (1 - p)^γ ln p, p = x[target]; at p = 1: 0", _focal_call)(focal_loss)
composed(multiclass_hinge, "y = mean of Σ max(0, x - x[target] + h); at a kink: 0", _hinge_call)(multiclass_hinge)
composed(margin_ranking_loss, "y = mean of max(0, m - s (a - b)); at a kink: 0", _ranking_call)(margin_ranking_loss)
