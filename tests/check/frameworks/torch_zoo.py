"""RMS norm, attention and an LSTM cell with backward passes as people write them, right and with six mistakes each.

Each layer is a class of autograd's Function; `mistake` names what is wrong in its backward ("" if nothing is).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

EPS = 1e-3


@dataclass(frozen=True)
class Layer:
    """A layer: its forward on plain tensors, its backward (g, args, mistake), and its arguments in float64.

    mistakes: the kinds that a finding may have for each, and the argument whose gradient is wrong.
    """

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    args: tuple[Any, ...]
    mistakes: dict[str, tuple[set[str], str]]

    def function(self, mistake: str = "", only: Any = None) -> Any:
        """The class; only: it refuses any other dtype, as a kernel does."""
        layer = self

        class Function(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *args: Any) -> Any:
                assert only is None or args[0].dtype == only, "no kernel for this dtype"
                ctx.save_for_backward(*args)
                return layer.forward(*args)

            @staticmethod
            def backward(ctx: Any, *g: Any) -> Any:
                return layer.backward(g, ctx.saved_tensors, mistake)

        return Function

    def tensors(self, dtype: Any) -> tuple[Any, ...]:
        """The arguments in another dtype."""
        return tuple(x.to(dtype) for x in self.args)


def normal(seed: int, *shape: int) -> Any:
    x = np.random.default_rng(seed).normal(size=shape)
    return torch.from_numpy(np.where(np.abs(x) < 0.05, 0.3, x))


# ------------------------------------------------------------------------------------------------- RMS norm


def rms_norm(x: Any, w: Any) -> Any:
    return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS) * w


def rms_norm_backward(gs: Any, args: Any, mistake: str) -> Any:
    (g,), (x, w) = gs, args
    r = torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS)
    n, h = x * r, g if mistake == "the weight forgotten" else g * w
    along = (h * n).sum(-1, keepdim=True) if mistake == "sum for mean" else (h * n).mean(-1, keepdim=True)
    inner = h - n * along
    if mistake == "without the term of the norm":
        inner = h
    if mistake == "sign of the term of the norm":
        inner = h + n * along
    dx = inner if mistake == "not divided by the norm" else inner * r
    return dx, g * n if mistake == "the weight's gradient not summed" else (g * n).sum(0)


RMS_NORM = Layer(
    "RMS norm",
    rms_norm,
    rms_norm_backward,
    (normal(1, 4, 5), normal(2, 5)),
    {
        "without the term of the norm": ({"missing term"}, "args[0]"),
        "sign of the term of the norm": ({"missing term"}, "args[0]"),
        "sum for mean": ({"missing term"}, "args[0]"),
        "the weight forgotten": (set(), "args[0]"),
        "not divided by the norm": ({"missing factor"}, "args[0]"),
        "the weight's gradient not summed": ({"not summed"}, "args[1]"),
    },
)

# ------------------------------------------------------------------------------------------------ attention


def weights_of(q: Any, k: Any, masked: bool = True) -> Any:
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    return torch.softmax(scores.masked_fill(later, -torch.inf) if masked else scores, -1)


def attention(q: Any, k: Any, v: Any) -> Any:
    return weights_of(q, k) @ v


def attention_backward(gs: Any, args: Any, mistake: str) -> Any:
    (g,), (q, k, v) = gs, args
    p, scale = weights_of(q, k, mistake != "the mask forgotten"), 1 / math.sqrt(q.shape[-1])
    dp = g @ v.mT
    ds = p * (dp - (0 if mistake == "softmax without its -1 term" else (dp * p).sum(-1, keepdim=True)))
    dq = ds @ k * (1 if mistake == "the scale forgotten" else scale)
    dk = (ds if mistake == "scores not transposed" else ds.mT) @ q * scale
    dv = (p if mistake == "weights not transposed" else p.mT) @ g
    return (dk, dq, dv) if mistake == "q and k exchanged" else (dq, dk, dv)


ATTENTION = Layer(
    "attention",
    attention,
    attention_backward,
    (normal(3, 4, 3), normal(4, 4, 3), normal(5, 4, 3)),
    {
        "softmax without its -1 term": ({"missing term", "wrong"}, "args[0]"),
        "the scale forgotten": ({"factor"}, "args[0]"),
        "scores not transposed": (set(), "args[1]"),
        "weights not transposed": (set(), "args[2]"),
        "the mask forgotten": (set(), "args[2]"),
        "q and k exchanged": ({"swapped"}, "args[0]"),
    },
)

# ------------------------------------------------------------------------------------------------ LSTM cell


def gates_of(x: Any, h: Any, c: Any, w: Any, u: Any, b: Any) -> Any:
    i, f, g, o = (x @ w.T + h @ u.T + b).chunk(4, -1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    return i, f, g, o, f * c + i * g


def lstm_cell(x: Any, h: Any, c: Any, w: Any, u: Any, b: Any) -> Any:
    *_, o, after = gates_of(x, h, c, w, u, b)
    return o * after.tanh(), after


def lstm_cell_backward(gs: Any, args: Any, mistake: str) -> Any:
    (gh, gc), (x, h, c, w, u, _) = gs, args
    i, f, g, o, after = gates_of(*args)
    t = after.tanh()
    dc = gh * o * (1 if mistake == "tanh without its slope" else 1 - t * t)
    dc = dc if mistake == "the cotangent of the cell ignored" else dc + gc
    df = dc * c if mistake == "sigmoid without its slope" else dc * c * f * (1 - f)
    di, dg, do = dc * g * i * (1 - i), dc * i * (1 - g * g), gh * t * o * (1 - o)
    parts = (df, di, dg, do) if mistake == "gates exchanged" else (di, df, dg, do)
    d = torch.cat(parts, -1)
    used = o * t if mistake == "h after for h before" else h
    db = d if mistake == "the bias not summed" else d.sum(0)
    return d @ w, d @ u, dc * f, d.T @ x, d.T @ used, db


LSTM_CELL = Layer(
    "LSTM cell",
    lstm_cell,
    lstm_cell_backward,
    (normal(6, 3, 2), normal(7, 3, 2), normal(8, 3, 2), normal(9, 8, 2), normal(10, 8, 2), normal(11, 8)),
    {
        "tanh without its slope": (set(), "args[2]"),
        "the cotangent of the cell ignored": (set(), "args[2]"),
        "sigmoid without its slope": (set(), "args[5]"),
        "gates exchanged": (set(), "args[5]"),
        "h after for h before": (set(), "args[4]"),
        "the bias not summed": ({"not summed"}, "args[5]"),
    },
)

LAYERS = [RMS_NORM, ATTENTION, LSTM_CELL]
