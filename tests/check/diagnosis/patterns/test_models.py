"""Layers, recurrent networks and attention are recognised in every form in which people write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from planting import draw, planted

from minigrad.check.diagnosis.diagnosis import Diagnosis, diagnose

Array = np.ndarray


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def said(given: Any, right: Any, x: Any, y: Array, g: Any = None, constants: Any = ()) -> Diagnosis:
    cotangent = None if g is None else g.ravel()
    return diagnose(
        planted(given, right, x, y=y.ravel(), y_shape=y.shape, cotangent=cotangent, constants=constants)
    )


# ------------------------------------------------------------------------------------------------- attention

T = 4
Q, K, V, G = draw(T, 3), draw(T, 3, seed=1), draw(T, 2, seed=2), draw(T, 2, seed=3)
KEEP = np.array([[1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0], [1, 1, 1, 0]], dtype=bool)
MASKS: dict[str, tuple[Any, Array]] = {
    "causal": (None, np.tri(T, dtype=bool)),
    "true where kept": (KEEP, KEEP),
    "true where dropped": (~KEEP, KEEP),
    "ones and zeros": (KEEP.astype(float), KEEP),
    "added": (np.where(KEEP, 0.0, -1e9), KEEP),
    "of the keys alone": (KEEP[0], np.broadcast_to(KEEP[0], (T, T))),
}


def attend(q: Array, k: Array, kept: Array) -> Array:
    return softmax(np.where(kept, q @ k.T / np.sqrt(3), -np.inf))


def of_queries(q: Array, k: Array, v: Array, g: Array, p: Array) -> Array:
    dp = g @ v.T
    return (p * (dp - (p * dp).sum(-1, keepdims=True))) @ k / np.sqrt(3)


@pytest.mark.parametrize("mask", MASKS)
def test_a_mask_that_attention_has_and_its_gradient_has_not(mask: str) -> None:
    given, kept = MASKS[mask]
    p, everything = attend(Q, K, kept), attend(Q, K, np.ones((T, T), dtype=bool))
    constants = [V, K] if given is None else [V, K, given]
    right, wrong = (of_queries(Q, K, V, G, weights) for weights in (p, everything))
    found = said(wrong, right, Q, p @ V, G, constants)
    assert (found.kind, found.sentence.startswith("the mask of attention is forgotten")) == ("mask", True)


def test_heads_are_axes_in_front() -> None:
    q, k, v, g = (draw(2, T, n, seed=s) for s, n in enumerate((3, 3, 2, 2)))
    p = softmax(q @ k.swapaxes(1, 2))
    right = p.swapaxes(1, 2) @ g
    assert said(p @ g, right, v, p @ v, g, [q, k]).kind == "transposed"


# ----------------------------------------------------------------------------------------------- recurrent networks

FORMS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "tanh": (np.tanh, lambda h: 1 - h * h),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda h: h * (1 - h)),
    "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0).astype(float)),
    "identity": (lambda z: z, np.ones_like),
}
XS, U, W = draw(4, 2, seed=5), draw(2, 3, seed=6), 0.6 * draw(3, 3, seed=7)
START, BIAS, LAST = draw(3, seed=8), np.abs(draw(3, seed=9)), draw(3, seed=10)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("parts", ["inputs", "inputs and bias", "start", "start and bias", "everything"])
@pytest.mark.parametrize("through", [1, 3])
def test_backpropagation_through_the_last_steps_alone(form: str, parts: str, through: int) -> None:
    function, slope = FORMS[form]
    has_inputs, has_bias = "inputs" in parts or parts == "everything", "bias" in parts or parts == "everything"
    starts = "start" in parts or parts == "everything"
    states = [START if starts else np.zeros(3)]
    for x in XS:
        states.append(function(states[-1] @ W + (x @ U if has_inputs else 0) + (BIAS if has_bias else 0)))
    steps, back = [np.zeros((3, 3))] * 4, LAST
    for t in (3, 2, 1, 0):
        delta = back * slope(states[t + 1])
        steps[t] = np.outer(states[t], delta)
        back = W @ delta
    constants = [XS, U] * has_inputs + [BIAS] * has_bias + [START] * starts
    found = said(sum(steps[4 - through :]), sum(steps), W, states[-1], LAST, constants)
    truncated = f"backpropagation through time is truncated: only the last {through} of 4 steps count"
    if np.allclose(sum(steps[4 - through :]), sum(steps)):  # no state flows further back, as through a dead relu
        assert found.kind == "wrong"
    else:
        assert (found.kind, found.sentence) == ("time step", truncated)


def test_the_first_state_of_a_network_gets_its_gradient_through_all_steps() -> None:
    one = np.tanh(W.T @ START)
    two = np.tanh(W.T @ one)
    right = W @ ((W @ (LAST * (1 - two**2))) * (1 - one**2))
    wrong = W.T @ ((W.T @ (LAST * (1 - two**2))) * (1 - one**2))
    assert said(wrong, right, START, two, LAST, [W]).kind == "transposed"


# --------------------------------------------------------------------------------------------------- one layer

X, A, GL = draw(4, 3, seed=11), draw(3, 5, seed=12), draw(4, 5, seed=13)
Z = X @ A
SLOPES: dict[str, tuple[Array, Array, str]] = {
    "tanh": (np.tanh(Z), 1 - np.tanh(Z) ** 2, "the slope of tanh"),
    "sigmoid": (1 / (1 + np.exp(-Z)), np.exp(-Z) / (1 + np.exp(-Z)) ** 2, "the slope of the sigmoid"),
    "relu": (np.maximum(Z, 0), (Z > 0).astype(float), "the mask of relu"),
}


@pytest.mark.parametrize("name", SLOPES)
@pytest.mark.parametrize("turned", [False, True])
def test_the_slope_of_a_layer_is_missing(name: str, turned: bool) -> None:
    y, slope, words = SLOPES[name]
    weights = A.T.copy() if turned else A
    for wrong, right, x, other in (
        (X.T @ GL, X.T @ (GL * slope), A, X),
        (GL @ A.T, (GL * slope) @ A.T, X, weights),
        (GL.sum(0), (GL * slope).sum(0), draw(5, seed=14), X),
    ):
        found = said(wrong, right, x, y, GL, [other])
        assert (found.kind, found.sentence.startswith(words)) == ("missing factor", True), found


@pytest.mark.parametrize("labels", [np.array([2, 0, 4, 1]), np.eye(5)[[2, 0, 4, 1]], softmax(draw(4, 5, seed=15))])
@pytest.mark.parametrize("mean", [True, False])
def test_a_cross_entropy_of_labels_and_of_shares(labels: Array, mean: bool) -> None:
    target = np.eye(5)[labels] if labels.ndim == 1 else labels
    share, bias = 1 / 4 if mean else 1.0, draw(5, seed=16)
    p = softmax(Z + bias)
    y = np.array(-share * np.sum(target * np.log(p)))
    for part, x, others in (
        (lambda d: X.T @ d, A, [X, bias]),
        (lambda d: d.sum(0), bias, [X, A]),
        (lambda d: d @ A.T, X, [A, bias]),
    ):
        found = said(share * part(p), share * part(p - target), x, y, None, [*others, labels])
        assert (found.kind, "the labels are" in found.sentence) == ("missing term", True), found


# ---------------------------------------------------------------------------------------------------- lookups


@pytest.mark.parametrize("which", ["first", "last"])
@pytest.mark.parametrize(
    "index", [np.array([1, 1, 0]), np.array([[2, 0], [2, 1]]), (np.array([0, 0]), np.array([3, 3]))]
)
def test_the_contribution_that_an_assignment_keeps(which: str, index: Any) -> None:
    x = draw(3, 4, seed=17)
    y = x[index]
    g, right, wrong = draw(*y.shape, seed=18), np.zeros_like(x), np.zeros_like(x)
    np.add.at(right, index, g)
    places = np.arange(x.size).reshape(x.shape)[index].ravel()
    for k in range(len(places))[:: 1 if which == "last" else -1]:
        wrong.flat[places[k]] = g.flat[k]
    found = said(wrong, right, x, y, g)
    assert (found.kind, f"only its {which} cotangent" in found.sentence) == ("overwritten", True)
    assert said(0.5 * right, right, x, y, g).kind == "factor"


def test_a_term_exp_x_is_no_softmax_where_the_derivative_does_not_sum_to_zero() -> None:
    x, d = draw(3, 4, seed=19), draw(3, 4, seed=20)
    missing = d + 0.1 * np.exp(x)
    assert "exp x" in diagnose(planted(missing, d, x)).sentence
    centred = d - d.mean(axis=1, keepdims=True)
    found = diagnose(planted(centred + 0.1 * softmax(x), centred, x))
    assert "a softmax subtracts" in found.sentence
