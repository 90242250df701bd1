"""The same models in PyTorch, drawn by torchviz (the graph of the loss) and by torchview (the modules)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .picture_sizes import BATCH, HEADS, STEPS, TOKENS, WIDTH

Loss = Callable[[Any], Any]  # of the output


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))

    def forward(self, x: Any) -> Any:
        q, k, v = (f(x).view(BATCH, TOKENS, HEADS, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        p = functional.softmax(q @ k.transpose(2, 3) * (WIDTH // HEADS) ** -0.5, dim=-1)
        return self.o((p @ v).transpose(1, 2).reshape(BATCH, TOKENS, WIDTH))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.attention, self.norm2 = nn.LayerNorm(WIDTH), Attention(), nn.LayerNorm(WIDTH)
        self.layers = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.ReLU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Any) -> Any:
        x = x + self.attention(self.norm1(x))
        return x + self.layers(self.norm2(x))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.RNNCell(2, 3, bias=False)

    def forward(self, inputs: Any) -> Any:
        h = torch.zeros(1, 3)
        for x in inputs:
            h = self.cell(x[None], h)
        return h


def squared(y: Any) -> Any:
    return (y * y).sum()


def transformer() -> tuple[nn.Module, Any, Loss]:
    return Block(), torch.randn(BATCH, TOKENS, WIDTH), torch.sum


def recurrent(steps: int) -> tuple[nn.Module, Any, Loss]:
    return Recurrent(), torch.randn(steps, 2), squared


def convolution() -> tuple[nn.Module, Any, Loss]:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), torch.randn(BATCH, 3, 18, 18), squared


def digits() -> tuple[nn.Module, Any, Loss]:
    target = torch.randint(0, 10, (32,))
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    return model, torch.randn(32, 784), lambda y: functional.cross_entropy(y, target)


def all_ones() -> tuple[nn.Module, Any, Loss]:
    layers = [module for n, m in ((2, 3), (3, 3), (3, 2)) for module in (nn.Linear(n, m), nn.Sigmoid())]
    model, target = nn.Sequential(*layers), torch.tensor([[0.2, 0.4], [1.0, 0.0]])
    for parameter in model.parameters():
        nn.init.ones_(parameter)
    return model, torch.tensor([[0.8, 0.4], [0.3, 0.3]]), lambda y: squared(y - target)


MODELS: dict[str, Callable[[], tuple[nn.Module, Any, Loss]]] = {
    "transformer": transformer,
    **{f"recurrent-{steps}": lambda steps=steps: recurrent(steps) for steps in STEPS},
    "convolution": convolution,
    "784-128-10": digits,
    "2-3-3-2": all_ones,
}


def by_torchviz(model: nn.Module, x: Any, loss: Loss) -> bytes:
    """The SVG of the graph of the loss, with the names of the parameters."""
    from torchviz import make_dot

    return make_dot(loss(model(x)), params=dict(model.named_parameters())).pipe(format="svg", quiet=True)  # type: ignore[no-any-return]


def by_torchview(model: nn.Module, x: Any, loss: Loss) -> bytes:
    """The SVG of the modules, loops rolled up."""
    from torchview import draw_graph

    return draw_graph(model, input_data=x, roll=True).visual_graph.pipe(format="svg", quiet=True)  # type: ignore[no-any-return]


SIDES = {"torchviz": by_torchviz, "torchview": by_torchview}
