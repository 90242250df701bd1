"""Code written for NumPy alone, by someone who never heard of minigrad, differentiated as it stands.

Each function below uses NumPy and Python only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from differences import check

from minigrad.engine.value import Value


def test_the_reference_can_fail() -> None:
    def wrong(x: Any) -> Any:
        """The right value, and a gradient that is off by 1e-5."""
        return np.sum(x * x) + (1e-5 * np.sum(x - x.data) if isinstance(x, Value) else 0.0)

    with pytest.raises(AssertionError):
        check(wrong, np.array([1.0, 2.0]))

    def dropped(x: Any) -> Any:
        return np.sum(x * (x.data if isinstance(x, Value) else x))

    with pytest.raises(AssertionError):
        check(dropped, np.array([1.0, 2.0]))


RNG = np.random.default_rng(7)
A, B = RNG.normal(size=(5, 3)), RNG.normal(size=(3, 4))
V, W = RNG.normal(size=4), RNG.normal(size=4)
LABELS = np.array([0, 3, 1, 1, 2])
ONE_HOT = np.eye(4)[LABELS]

# ----------------------------------------------------------------------------------- functions of a stranger


def softmax_regression(w: Any, b: Any) -> Any:
    scores = np.dot(A, w) + b
    scores = scores - np.max(scores, axis=1, keepdims=True)
    probabilities = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    return -np.mean(np.log(probabilities[np.arange(len(LABELS)), LABELS]))


def logistic_regression(w: Any) -> Any:
    y = np.array([1, 0, 1, 1, 0])
    p = 1 / (1 + np.exp(-(A @ w)))
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean() + 0.01 * (w**2).sum()


def layer_norm(x: Any, gain: Any, bias: Any) -> Any:
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    y = (x - mean) / np.sqrt(variance + 1e-5) * gain + bias
    return np.sum(y**3)


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2.0) ** 2.0 + (1 - x[:-1]) ** 2.0)


def log_sum_exp(x: Any) -> Any:
    top = x.max()
    return top + np.log(np.exp(x - top).sum())


def rbf_kernel(x: Any, length: Any) -> Any:
    squares = np.sum((x[:, np.newaxis, :] - x[np.newaxis, :, :]) ** 2, axis=-1)
    return np.exp(-squares / (2 * length**2)).sum()


def kernel_by_dot(x: Any) -> Any:
    norms = np.sum(x * x, axis=1)
    d2 = norms[:, None] + norms[None, :] - 2 * x @ x.T
    return np.mean(1.0 / (1.0 + d2))


def pendulum(state: Any, length: Any) -> Any:
    def rate(s: Any) -> Any:
        return np.stack([s[1], -9.81 / length * np.sin(s[0]) - 0.1 * s[1]])

    dt = 0.05
    for _ in range(10):
        k1 = rate(state)
        k2 = rate(state + dt / 2 * k1)
        k3 = rate(state + dt / 2 * k2)
        k4 = rate(state + dt * k3)
        state = state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return state[0] ** 2 + 0.1 * state[1] ** 2


def k_means_loss(centres: Any) -> Any:
    distances = np.linalg.norm(A[:, None, :] - centres[None, :, :], axis=2)
    return np.mean(np.min(distances, axis=1) ** 2)


def cosine_similarity(a: Any, b: Any) -> Any:
    return np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))


def horner(coefficients: Any, x: Any) -> Any:
    y = 0.0
    for c in coefficients:
        y = y * x + c
    return y


def running_loop(x: Any) -> Any:
    total, state = 0.0, 0.0
    for i in range(len(x)):
        state = 0.9 * state + 0.1 * x[i]
        total += np.sum(state * x[: i + 1])
    return total


def attention(q: Any, k: Any, v: Any) -> Any:
    scores = q @ k.T / np.sqrt(q.shape[-1])
    mask = np.tril(np.ones(scores.shape, dtype=bool))
    scores = np.where(mask, scores, -1e9)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.sum(np.tanh(weights @ v))


def multi_head_attention(x: Any, wq: Any) -> Any:
    n, d = x.shape
    heads = np.transpose((x @ wq).reshape(n, 2, d // 2), (1, 0, 2))
    scores = heads @ np.swapaxes(heads, -1, -2)
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    joined = (weights @ heads).transpose(1, 0, 2).reshape(n, d)
    return (joined**2).mean()


def lstm(params: Any, h: Any, c: Any) -> Any:
    for x in A[:3]:
        gates = params["w"] @ np.concatenate([x, h]) + params["b"]
        i, f, o, g = np.split(gates, 4)
        i, f, o = (1 / (1 + np.exp(-z)) for z in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    return (h * h).sum() + c.sum()


def moving_average(x: Any) -> Any:
    totals = np.cumsum(np.concatenate([np.zeros(1), x]))
    window = (totals[3:] - totals[:-3]) / 3
    return np.sum((x[1:-1] - window) ** 2)


def mahalanobis(x: Any, root: Any) -> Any:
    return np.sqrt((x - 1.0) @ (root @ root.T + np.eye(len(x))) @ (x - 1.0))


def pairwise_loops(x: Any) -> Any:
    energy = 0
    for i in range(len(x)):
        for j in range(i):
            r2 = np.sum((x[i] - x[j]) ** 2)
            energy = energy + 1 / r2**6 - 1 / r2**3 + 0.01 * r2
    return energy


def huber(x: Any) -> Any:
    size = np.abs(x)
    return np.where(size < 0.8, 0.5 * x**2, 0.8 * (size - 0.4)).sum()


def clipped_ratio(x: Any, old: Any) -> Any:
    ratio = np.exp(x - old)
    return -np.mean(np.minimum(ratio * W, np.clip(ratio, 0.8, 1.2) * W))


def sorted_loss(x: Any) -> Any:
    ranked = np.sort(x)
    middle = 0.5 * (ranked[1] + ranked[2])
    return (ranked[-1] - middle) ** 2 + np.sum(np.arange(4) * ranked**2)


def rotation(angles: Any) -> Any:
    c, s = np.cos(angles), np.sin(angles)
    zero, one = np.zeros_like(c[0]), np.ones_like(c[0])
    rx = np.stack([np.stack([one, zero, zero]), np.stack([zero, c[0], -s[0]]), np.stack([zero, s[0], c[0]])])
    rz = np.vstack([np.hstack([c[1], -s[1], zero]), np.hstack([s[1], c[1], zero]), np.hstack([zero, zero, one])])
    return np.sum((A @ rz @ rx)[:, 0] ** 3)


def embedding(table: Any) -> Any:
    words = np.array([[0, 2], [1, 1], [2, 0]])
    return np.sum(np.tanh(table[words].mean(axis=1)) ** 2) + table[..., -1].sum()


def masked_mean(x: Any) -> Any:
    mask = A > 0
    return (x[mask] ** 2).sum() / mask.sum() + (x * mask).sum() ** 2


def own_mask(x: Any) -> Any:
    return np.sum(x[x > 0] ** 3) + np.sum(np.exp(x) * (x < 0))


def bilinear_form(x: Any, m: Any, y: Any) -> Any:
    return x @ m @ y + (x[:, None] * m * y[None, :]).max()


def total_variation(image: Any) -> Any:
    dx, dy = image[1:, :-1] - image[:-1, :-1], image[:-1, 1:] - image[:-1, :-1]
    return np.sqrt(dx**2 + dy**2 + 1e-3).sum()


def correlation(a: Any, b: Any) -> Any:
    a, b = a - a.mean(), b - b.mean()
    return (a * b).sum() / (np.std(a) * np.std(b) * len(a))


def gaussian_log_likelihood(mean: Any, log_std: Any) -> Any:
    z = (V - mean) / np.exp(log_std)
    return np.sum(-0.5 * z**2 - log_std - 0.5 * math.log(2 * math.pi))


def mixture_log_likelihood(p: Any) -> Any:
    log_weights = p["logits"] - np.log(np.sum(np.exp(p["logits"])))
    log_densities = -0.5 * (V[:, None] - p["means"]) ** 2 + log_weights
    return np.sum(np.logaddexp(log_densities[:, 0], log_densities[:, 1]))


def kl_divergence(p: Any, q: Any) -> Any:
    p, q = np.abs(p) / np.sum(np.abs(p)), np.abs(q) / np.sum(np.abs(q))
    return np.sum(p * (np.log(p) - np.log(q)))


def convolution_by_slices(image: Any, kernel: Any) -> Any:
    height, width = image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1
    result = np.zeros((height, width))
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            result = result + kernel[i, j] * image[i : i + height, j : j + width]
    return np.maximum(result, 0).sum() + (result**2).mean()


def heat_equation(u: Any, k: Any) -> Any:
    for _ in range(5):
        u = u + k * (np.roll(u, 1) - 2 * u + np.roll(u, -1))
    return np.sum(u**4)


def newton_root(a: Any) -> Any:
    x = a / 2
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def power_iteration(m: Any) -> Any:
    v = np.ones(len(m))
    for _ in range(6):
        v = m @ v
        v = v / np.linalg.norm(v)
    return v @ m @ v


def spring_energy(p: Any) -> Any:
    ends = np.array([[0, 1], [1, 2], [2, 3], [0, 3], [0, 2]])
    stretch = np.linalg.norm(p[ends[:, 0]] - p[ends[:, 1]], axis=1) - 1.0
    return 0.5 * np.sum(stretch**2)


def great_circle(a: Any, b: Any) -> Any:
    (lat1, lon1), (lat2, lon2) = np.radians(a), np.deg2rad(b)
    h = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371.0 * np.arcsin(np.sqrt(h))


def black_scholes_like(s: Any, t: Any) -> Any:
    d1 = (np.log(s / 100.0) + (0.01 + 0.5 * 0.2**2) * t) / (0.2 * t**0.5)
    cdf = 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (d1 + 0.044715 * d1**3)))
    return s * cdf - 100.0 * np.exp(-0.01 * t) * (1 - cdf) + np.hypot(s, t) + np.arctan2(s, t)


def network(params: Any) -> Any:
    h = A
    for w, b in params[:-1]:
        h = np.maximum(h @ w + b, 0)
    w, b = params[-1]
    return np.mean((h @ w + b - ONE_HOT) ** 2)


def hinge(w: Any) -> Any:
    y = np.where(np.arange(5) % 2 == 0, 1, -1)
    return np.sum(np.maximum(0, 1 - y * np.dot(A, w))) + 0.5 * np.dot(w, w)


def accumulate_in_a_list(x: Any) -> Any:
    rows = []
    h = np.zeros(4)
    for row in x:
        h = np.tanh(h + row)
        rows.append(h)
    return np.mean(np.stack(rows) ** 2) + np.concatenate(rows)[3]


def geometric_mean(x: Any) -> Any:
    return np.prod(np.abs(x)) ** (1.0 / x.size) + np.exp(np.mean(np.log(np.abs(x))))


def in_place_on_temporaries(x: Any) -> Any:
    y = x * 2
    y += 1
    y *= x
    y -= y.mean()
    y /= 3.0
    y **= 2
    return y.sum()


def weighted_median_like(x: Any) -> Any:
    order = np.argsort(x)
    return np.sum(x[order][:2] * np.array([1.0, 2.0])) + x[np.argmax(x)] ** 2


SQUARE = np.eye(3) * 3 + RNG.normal(size=(3, 3)) * 0.3
CASES: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (softmax_regression, (B, V)),
    (logistic_regression, (B[:, 0],)),
    (layer_norm, (A, np.array([1.0, 0.5, 2.0]), np.array([0.1, 0.2, -0.3]))),
    (rosenbrock, (np.array([0.5, -0.3, 1.2, 0.9]),)),
    (log_sum_exp, (V,)),
    (rbf_kernel, (A, 1.3)),
    (kernel_by_dot, (A,)),
    (pendulum, (np.array([0.7, 0.0]), 1.2)),
    (k_means_loss, (A[:2] + 0.3,)),
    (cosine_similarity, (V, W)),
    (horner, (np.array([1.0, -2.0, 0.5, 3.0]), 1.1)),
    (horner, ([1.0, -2.0, 0.5], 1.1)),
    (running_loop, (V,)),
    (attention, (A[:4], B.T, np.tanh(B.T))),
    (multi_head_attention, (RNG.normal(size=(3, 4)) / 2, RNG.normal(size=(4, 4)) / 2)),
    (lstm, ({"w": RNG.normal(size=(8, 5)) / 2, "b": np.ones(8) / 4}, np.ones(2) / 5, np.zeros(2))),
    (moving_average, (RNG.normal(size=7),)),
    (mahalanobis, (V[:3], SQUARE)),
    (pairwise_loops, (np.array([[0.0, 0.1], [1.2, 0.0], [0.3, 1.4], [1.5, 1.6]]),)),
    (huber, (np.array([-2.0, -0.5, 0.1, 1.5]),)),
    (clipped_ratio, (V / 3, V / 5 + 0.11)),
    (sorted_loss, (V,)),
    (rotation, (np.array([0.3, 1.1]),)),
    (embedding, (A[:3],)),
    (masked_mean, (A + 0.5,)),
    (own_mask, (V,)),
    (bilinear_form, (B[:, 0], SQUARE, A[0])),
    (total_variation, (A,)),
    (correlation, (V, W)),
    (gaussian_log_likelihood, (0.3, -0.2)),
    (mixture_log_likelihood, ({"logits": np.array([0.2, -0.5]), "means": np.array([-1.0, 1.0])},)),
    (kl_divergence, (V, W)),
    (convolution_by_slices, (A, SQUARE[:2, :2])),
    (heat_equation, (V, 0.1)),
    (newton_root, (2.0,)),
    (power_iteration, (SQUARE + SQUARE.T,)),
    (spring_energy, (A[:4],)),
    (great_circle, (np.array([48.1, 11.6]), np.array([40.7, -74.0]))),
    (black_scholes_like, (105.0, 0.8)),
    (network, ([(B, V), (RNG.normal(size=(4, 4)), W)],)),
    (hinge, (B[:, 1],)),
    (accumulate_in_a_list, (RNG.normal(size=(3, 4)),)),
    (geometric_mean, (V,)),
    (in_place_on_temporaries, (V,)),
    (weighted_median_like, (V,)),
]


@pytest.mark.parametrize(("f", "args"), CASES, ids=[f.__name__ for f, _ in CASES])
def test_numpy_code_is_differentiated_unchanged(f: Callable[..., Any], args: tuple[Any, ...]) -> None:
    check(f, *args)


def test_there_are_enough_of_them() -> None:
    assert len({f for f, _ in CASES}) >= 40
