"""Recurrent networks and attention: backward passes through many steps, and over masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Subject, normal
from .losses import softmax, softmax_vjp

# ------------------------------------------------------------------------------- a network that gives its last state


def last_state(xs: Any, u: Any, w: Any, b: Any) -> Any:
    """The last state of h_t = tanh(u x_t + w h_{t-1} + b), from zeros."""
    h = np.zeros(w.shape[0])
    for t in range(xs.shape[0]):
        h = np.tanh(u @ xs[t] + w @ h + b)
    return h


def states(xs: Any, u: Any, w: Any, b: Any) -> Any:
    """All its states, one per row."""
    h, found = np.zeros(w.shape[0]), []
    for t in range(xs.shape[0]):
        h = np.tanh(u @ xs[t] + w @ h + b)
        found.append(h)
    return np.stack(found)


def states_vjp(
    g: Any,
    xs: Any,
    u: Any,
    w: Any,
    b: Any,
    reach: int = 99,
    late: bool = False,
    turned: bool = True,
    flat: bool = False,
) -> Any:
    """reach: how many steps a cotangent flows back. late, turned, flat: h_t for h_{t-1}, the transpose, no slope."""
    hs = np.concatenate([np.zeros((1, len(b))), states(xs, u, w, b)])
    dx, du, dw, db = (np.zeros_like(a) for a in (xs, u, w, b))
    for end in range(len(xs)):
        back = g[end]
        for t in range(end, max(end - reach, -1), -1):
            d = back * (1 if flat else 1 - hs[t + 1] ** 2)
            dx[t] += u.T @ d
            du += np.outer(d, xs[t])
            dw += np.outer(d, hs[t + 1 if late else t])
            db += d
            back = (w.T if turned else w) @ d
    return dx, du, dw, db


def last_state_vjp(g: Any, xs: Any, u: Any, w: Any, b: Any, **wrong: Any) -> Any:
    every = np.zeros((len(xs), len(b)))
    every[-1] = g
    return states_vjp(every, xs, u, w, b, **wrong)


ARGS = (normal(841, 4, 2), normal(842, 3, 2), 0.7 * normal(843, 3, 3), normal(844, 3))
LAST = Subject("recurrent network, last state", last_state, ARGS, "vjp", last_state_vjp)
STATES = Subject("recurrent network, all states", states, ARGS, "vjp", states_vjp)


def batch_states(xs: Any, u: Any, w: Any) -> Any:
    """The last states of a batch: h_t = sigmoid(x_t u + h_{t-1} w), states as rows, time first."""
    h = np.zeros((xs.shape[1], w.shape[0]))
    for t in range(xs.shape[0]):
        h = 1 / (1 + np.exp(-(xs[t] @ u + h @ w)))
    return h


def batch_vjp(g: Any, xs: Any, u: Any, w: Any, steps: int = 99, late: bool = False, turned: bool = True) -> Any:
    hs = [np.zeros((xs.shape[1], len(w)))]
    for t in range(len(xs)):
        hs.append(1 / (1 + np.exp(-(xs[t] @ u + hs[-1] @ w))))
    dx, du, dw = (np.zeros_like(a) for a in (xs, u, w))
    for t in range(len(xs) - 1, -1, -1):
        d = g * hs[t + 1] * (1 - hs[t + 1])
        dx[t] = d @ u.T
        if t >= len(xs) - steps:
            du += xs[t].T @ d
            dw += hs[t + 1 if late else t].T @ d
        g = d @ (w.T if turned else w)
    return dx, du, dw


BATCH = Subject("recurrent network, batch", batch_states, (normal(845, 3, 2, 2), normal(846, 2, 3), normal(847, 3, 3)),
                "vjp", batch_vjp)  # fmt: skip

# ------------------------------------------------------------------------------------------- attention with a mask


def causal_attention(q: Any, k: Any, v: Any) -> Any:
    s = np.where(np.tri(q.shape[0], dtype=bool), q @ k.T / np.sqrt(q.shape[1]), -np.inf)
    return softmax(s) @ v


def causal_vjp(g: Any, q: Any, k: Any, v: Any, masked: bool = True, kind: str = "right") -> Any:
    s = q @ k.T / np.sqrt(q.shape[1])
    p = softmax(np.where(np.tri(len(q), dtype=bool) | (not masked), s, -np.inf))
    ds = scores_vjp(g @ v.T, p, kind) / np.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, p.T @ g


def scores_vjp(dp: Any, p: Any, kind: str = "right") -> Any:
    """kind: without its sum, or of its diagonal alone."""
    if kind == "no sum":
        return p * dp
    return p * (1 - p) * dp if kind == "diagonal" else p * (dp - np.sum(p * dp, -1, keepdims=True))


CAUSAL = Subject("causal attention", causal_attention, (normal(850, 4, 3), normal(851, 4, 3), normal(852, 4, 2)), "vjp",
                 causal_vjp)  # fmt: skip

PADDED = np.array([[True, True, False, True], [True, True, True, False], [True, False, True, True]])


def padded_attention(q: Any, k: Any, v: Any, kept: Any) -> Any:
    """Attention to the keys that a mask keeps, for each query."""
    return softmax(np.where(kept, q @ k.T, -1e30)) @ v


def padded_vjp(g: Any, q: Any, k: Any, v: Any, kept: Any, masked: bool = True) -> Any:
    p = softmax(np.where(kept if masked else True, q @ k.T, -1e30))
    ds = scores_vjp(g @ v.T, p)
    return ds @ k, ds.T @ q, p.T @ g, None


PADDING = Subject("attention with padding", padded_attention,
                  (0.5 * normal(853, 3, 3), normal(854, 4, 3), normal(855, 4, 2), PADDED), "vjp", padded_vjp)  # fmt: skip


def masked_softmax(s: Any) -> Any:
    """Rows of a softmax over what stands left of the diagonal, or on it."""
    return softmax(np.where(np.tri(s.shape[0], dtype=bool), s, -np.inf))


CAUSAL_SOFTMAX = Subject("causal softmax", masked_softmax, (normal(856, 4, 4),), "vjp",
                         lambda g, s: scores_vjp(g, masked_softmax(s)))  # fmt: skip


def masked_sum(x: Any, dropped: Any) -> Any:
    return np.sum(np.where(dropped, 0.0, np.sin(x)), axis=1)


MASKED_SUM = Subject("sums with a mask", masked_sum, (normal(857, 3, 4), ~PADDED), "vjp",
                     lambda g, x, dropped: (np.where(dropped, 0.0, g[:, None] * np.cos(x)), None))  # fmt: skip


def layer_attention(x: Any, wq: Any, wk: Any, wv: Any) -> Any:
    """Self-attention of a layer with weights, over the past only."""
    return causal_attention(x @ wq, x @ wk, x @ wv)


def layer_attention_vjp(g: Any, x: Any, wq: Any, wk: Any, wv: Any, **wrong: Any) -> Any:
    dq, dk, dv = causal_vjp(g, x @ wq, x @ wk, x @ wv, **wrong)
    return dq @ wq.T + dk @ wk.T + dv @ wv.T, x.T @ dq, x.T @ dk, x.T @ dv


LAYER = Subject("layer of causal attention", layer_attention,
                (normal(858, 4, 3), normal(859, 3, 2), normal(860, 3, 2), normal(861, 3, 2)), "vjp",
                layer_attention_vjp)  # fmt: skip

SUBJECTS = [LAST, STATES, BATCH, CAUSAL, PADDING, CAUSAL_SOFTMAX, MASKED_SUM, LAYER]


def only(at: int, derivative: Any, **wrong: Any) -> Any:
    """A change of one argument's part: that of a derivative with a mistake."""
    return lambda d, *inputs: derivative(*inputs, **wrong)[at]


MISTAKES: list[Case] = [
    LAST.slip("the recurrent weights of the last two steps", "time step",
              lambda d, g, *a: d - last_state_vjp(g, *a)[2] + states_vjp(np.eye(4)[3][:, None] * g, *a, reach=2)[2], at=2),
    LAST.slip("the bias of the last step", "time step", only(3, last_state_vjp, reach=1), at=3),
    LAST.slip("h_t for h_{t-1}", "time step", only(2, last_state_vjp, late=True), at=2),
    LAST.slip("w not transposed", "transposed", only(2, last_state_vjp, turned=False), at=2),
    LAST.slip("w not transposed, to the inputs", "transposed", only(0, last_state_vjp, turned=False)),
    LAST.slip("the slope of tanh left out", "missing factor", only(2, last_state_vjp, flat=True), at=2),
    STATES.slip("no gradient through time", "time step", only(2, states_vjp, reach=1), at=2),
    STATES.slip("two steps through time", "time step", only(1, states_vjp, reach=2), at=1),
    STATES.slip("h_t for h_{t-1}", "time step", only(2, states_vjp, late=True), at=2),
    STATES.slip("w not transposed", "transposed", only(2, states_vjp, turned=False), at=2),
    STATES.slip("two steps through time, to the inputs", "time step", only(0, states_vjp, reach=2)),
    BATCH.slip("the last step only", "time step", only(2, batch_vjp, steps=1), at=2),
    BATCH.slip("the last two steps", "time step", only(1, batch_vjp, steps=2), at=1),
    BATCH.slip("h_t for h_{t-1}", "time step", only(2, batch_vjp, late=True), at=2),
    BATCH.slip("w not transposed", "transposed", only(1, batch_vjp, turned=False), at=1),
    CAUSAL.slip("the mask forgotten, for queries", "mask", only(0, causal_vjp, masked=False)),
    CAUSAL.slip("the mask forgotten, for keys", "mask", only(1, causal_vjp, masked=False), at=1),
    CAUSAL.slip("the mask forgotten, for values", "mask", only(2, causal_vjp, masked=False), at=2),
    CAUSAL.slip("softmax without its sum", "missing term", only(0, causal_vjp, kind="no sum")),
    CAUSAL.slip("the diagonal of softmax", "missing term", only(1, causal_vjp, kind="diagonal"), at=1),
    CAUSAL.slip("the scores' gradient not transposed", "transposed",
                lambda d, g, q, k, v: scores_vjp(g @ v.T, softmax(np.where(np.tri(len(q), dtype=bool), q @ k.T / 3**0.5, -np.inf)))
                @ q / 3**0.5, at=1),
    PADDING.slip("the mask forgotten, for keys", "mask", only(1, padded_vjp, masked=False), at=1),
    PADDING.slip("the mask forgotten, for values", "mask", only(2, padded_vjp, masked=False), at=2),
    PADDING.slip("the mask forgotten, for queries", "mask", only(0, padded_vjp, masked=False)),
    CAUSAL_SOFTMAX.slip("the mask forgotten", "mask", lambda d, g, s: softmax_vjp(g, s)),
    MASKED_SUM.slip("the mask forgotten", "mask", lambda d, g, x, dropped: g[:, None] * np.cos(x)),
    LAYER.slip("the mask forgotten", "mask", only(0, layer_attention_vjp, masked=False)),
    LAYER.slip("the mask forgotten, for the keys' weights", "mask", only(2, layer_attention_vjp, masked=False), at=2),
    LAYER.slip("softmax without its sum", "missing term", only(1, layer_attention_vjp, kind="no sum"), at=1),
    LAYER.slip("the values' path left out", "missing term",
               lambda d, g, x, wq, wk, wv: d - causal_vjp(g, x @ wq, x @ wk, x @ wv)[2] @ wv.T),
    LAYER.slip("the keys' path left out", "missing term",
               lambda d, g, x, wq, wk, wv: d - causal_vjp(g, x @ wq, x @ wk, x @ wv)[1] @ wk.T),
]  # fmt: skip
