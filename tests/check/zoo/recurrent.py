"""Cells, attention and filters: functions with many paths from an input to the output."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Subject, definite, normal
from .losses import sigmoid, softmax, softmax_vjp

# --------------------------------------------------------------------------------------------------- lstm


def lstm(x: Any, h: Any, c: Any, w: Any) -> Any:
    """The next hidden state of 2 units from 3 inputs; w is (5, 8): gates i, f, o and the candidate."""
    z = np.concatenate([x, h]) @ w
    i, f, o, a = sigmoid(z[:2]), sigmoid(z[2:4]), sigmoid(z[4:6]), np.tanh(z[6:])
    return o * np.tanh(f * c + i * a)


def lstm_backward(
    g: Any, x: Any, h: Any, c: Any, w: Any, forget_slope: bool = True, cell_slope: bool = True
) -> Any:
    z = np.concatenate([x, h]) @ w
    i, f, o, a = sigmoid(z[:2]), sigmoid(z[2:4]), sigmoid(z[4:6]), np.tanh(z[6:])
    t = np.tanh(f * c + i * a)
    dc = g * o * ((1 - t * t) if cell_slope else 1)
    df = dc * c * (f * (1 - f) if forget_slope else 1)
    dz = np.concatenate([dc * a * i * (1 - i), df, g * t * o * (1 - o), dc * i * (1 - a * a)])
    dxh = w @ dz
    return dxh[:3], dxh[3:], dc * f, np.outer(np.concatenate([x, h]), dz)


LSTM = Subject(
    "LSTM cell", lstm, (normal(201, 3), normal(202, 2), normal(203, 2), normal(204, 5, 8)), "vjp", lstm_backward
)

# ---------------------------------------------------------------------------------------------------- gru


def gru(h: Any, w: Any, u: Any) -> Any:
    """One step of a gated unit without an input: z = sigmoid(w h), h' = (1 - z) h + z tanh(u h)."""
    z = sigmoid(w @ h)
    return (1 - z) * h + z * np.tanh(u @ h)


def gru_vjp(g: Any, h: Any, w: Any, u: Any) -> Any:
    z, n = sigmoid(w @ h), np.tanh(u @ h)
    dz, dn = g * (n - h) * z * (1 - z), g * z * (1 - n * n)
    return g * (1 - z) + w.T @ dz + u.T @ dn, np.outer(dz, h), np.outer(dn, h)


def gru_vjp_without_the_gate(g: Any, h: Any, w: Any, u: Any) -> Any:
    dh, dw, du = gru_vjp(g, h, w, u)
    z, n = sigmoid(w @ h), np.tanh(u @ h)
    return dh - w.T @ (g * (n - h) * z * (1 - z)), dw, du


GRU = Subject("GRU step", gru, (normal(205, 3), normal(206, 3, 3), normal(207, 3, 3)), "vjp", gru_vjp)


def rnn(h: Any, w: Any) -> Any:
    """Three steps with the same weights."""
    for _ in range(3):
        h = np.tanh(w @ h)
    return h


def rnn_vjp(g: Any, h: Any, w: Any, through: int = 3) -> Any:
    """through: how many of the steps, from the last, the weights' gradient is collected over."""
    states = [h]
    for _ in range(3):
        states.append(np.tanh(w @ states[-1]))
    dw = np.zeros_like(w)
    for step in (2, 1, 0):
        d = g * (1 - states[step + 1] ** 2)
        dw += np.outer(d, states[step]) if step >= 3 - through else 0
        g = w.T @ d
    return g, dw


RNN = Subject("recurrent network", rnn, (normal(208, 3), normal(209, 3, 3)), "vjp", rnn_vjp)

# ---------------------------------------------------------------------------------------------- attention


def attention(q: Any, k: Any, v: Any) -> Any:
    return softmax(q @ k.T / np.sqrt(q.shape[1])) @ v


def attention_vjp(g: Any, q: Any, k: Any, v: Any) -> Any:
    scale = np.sqrt(q.shape[1])
    s = q @ k.T / scale
    ds = softmax_vjp(g @ v.T, s) / scale
    return ds @ k, ds.T @ q, softmax(s).T @ g


ATTENTION = Subject(
    "attention", attention, (normal(210, 3, 4), normal(211, 3, 4), normal(212, 3, 4)), "vjp", attention_vjp
)


def self_attention(x: Any) -> Any:
    return softmax(x @ x.T) @ x


def self_attention_vjp(g: Any, x: Any) -> Any:
    ds = softmax_vjp(g @ x.T, x @ x.T)
    return ds @ x + ds.T @ x + softmax(x @ x.T).T @ g


SELF_ATTENTION = Subject("self attention", self_attention, (0.6 * normal(213, 3, 2),), "vjp", self_attention_vjp)

# ----------------------------------------------------------------------------------------- kalman, markov

H, R = normal(214, 2, 3), np.array([[0.7, 0.2], [0.2, 0.9]])
SEEN = normal(215, 2)


def kalman(m: Any, p: Any) -> Any:
    """The mean after one observation: m + K (SEEN - H m), K = P Hᵀ (H P Hᵀ + R)⁻¹."""
    return m + p @ H.T @ np.linalg.solve(H @ p @ H.T + R, SEEN - H @ m)


def kalman_vjp(g: Any, m: Any, p: Any) -> Any:
    s = H @ p @ H.T + R
    e = np.linalg.solve(s, SEEN - H @ m)
    a = np.linalg.solve(s.T, H @ p.T @ g)
    return g - H.T @ a, np.outer(g - H.T @ a, H.T @ e)


KALMAN = Subject("kalman step", kalman, (normal(216, 3), definite(217, 3)), "vjp", kalman_vjp)


def markov(p: Any) -> Any:
    """Where a start in state 0 is after 3 steps of the matrix p."""
    return (p @ p @ p)[0]


def markov_vjp(g: Any, p: Any) -> Any:
    e = np.array([1.0, 0, 0])
    return np.outer(e, p @ p @ g) + np.outer(p.T @ e, p @ g) + np.outer(p.T @ p.T @ e, g)


MARKOV = Subject("markov chain", markov, (normal(218, 3, 3),), "vjp", markov_vjp)

SUBJECTS = [LSTM, GRU, RNN, ATTENTION, SELF_ATTENTION, KALMAN, MARKOV]

MISTAKES: list[Case] = [
    LSTM.wrong("the slope of the forget gate left out", "missing factor",
               lambda g, *a: lstm_backward(g, *a, forget_slope=False), at=3, deep=True),
    LSTM.wrong("the slope of the cell's tanh left out", "missing factor",
               lambda g, *a: lstm_backward(g, *a, cell_slope=False), at=2),
    LSTM.slip("the cell state detached", "zero", lambda d: np.zeros_like(d), at=2),
    LSTM.slip("gates of the weights in another order", "rolled", lambda d: np.roll(d, 2, axis=1), at=3),
    LSTM.slip("the last gate's columns left out", "entries", lambda d: d * (np.arange(8) < 6), at=3),
    GRU.slip("the direct path left out", "missing term", lambda d, g, h, w, u: d - g * (1 - sigmoid(w @ h)), deep=True),
    GRU.wrong("the gate's path left out", "missing term", gru_vjp_without_the_gate, deep=True),
    GRU.wrong("w and u exchanged", "swapped", lambda *a: (lambda d: (d[0], d[2], d[1]))(gru_vjp(*a)), at=None),
    GRU.slip("the gate's weights transposed", "transposed", lambda d: d.T.copy(), at=1),
    RNN.wrong("the weights of the last step only", "time step",
              lambda g, h, w: rnn_vjp(g, h, w, through=1), at=1),
    RNN.wrong("the weights of the last two steps only", "time step",
              lambda g, h, w: rnn_vjp(g, h, w, through=2), at=1),
    RNN.slip("the weights' gradient averaged over the steps", "factor", lambda d: d / 3, at=1),
    ATTENTION.slip("queries not scaled", "factor", lambda d: d * 2),
    ATTENTION.wrong("keys and queries exchanged", "swapped",
                    lambda g, q, k, v: (lambda a: (a[1], a[0], a[2]))(attention_vjp(g, q, k, v)), at=None),
    ATTENTION.slip("values not weighted", "wrong", lambda d, g, q, k, v: g.copy(), at=2),
    ATTENTION.slip("the weights of the values transposed", "transposed",
                   lambda d, g, q, k, v: softmax(q @ k.T / 2) @ g, at=2),
    SELF_ATTENTION.slip("the keys' path left out", "missing term",
                        lambda d, g, x: d - softmax_vjp(g @ x.T, x @ x.T).T @ x),
    SELF_ATTENTION.slip("the values' path left out", "missing term",
                        lambda d, g, x: d - softmax(x @ x.T).T @ g),
    KALMAN.slip("the innovation's path left out", "missing term", lambda d, g, m, p: g.copy(), deep=True),
    KALMAN.slip("the covariance's transposed", "transposed", lambda d: d.T.copy(), at=1),
    KALMAN.slip("the gain taken for a constant", "zero", lambda d: np.zeros_like(d), at=1),
    MARKOV.slip("the first step only", "missing term",
                lambda d, g, p: np.outer([1.0, 0, 0], p @ p @ g), deep=True),
    MARKOV.slip("only the row of the start", "entries", lambda d: d * np.array([[1.0], [0], [0]])),
]  # fmt: skip
