"""Random networks of PyTorch with few distinct numbers: what is proved holds in real steps, whatever the layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import Generator

from minigrad import ties

torch = pytest.importorskip("torch", reason="the ties of PyTorch's modules need PyTorch")
nn = torch.nn
NETWORKS = 40
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


class Added(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, inside: Any) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Any) -> Any:
        return x + self.inside(x)


class Last(nn.Module):  # type: ignore[misc,name-defined]
    """The output of a recurrent layer that reads the features as a sequence of single numbers."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Any) -> Any:
        return self.layer(x[..., None])[0][:, -1]


def block(draw: Generator, width: int) -> tuple[Any, int]:
    """A layer or two for vectors of that width, and the width of the result."""
    out = int(draw.integers(2, 5))
    kinds = [
        lambda: (nn.Linear(width, out, bias=bool(draw.integers(2))), out),
        lambda: (Added(nn.Sequential(nn.Linear(width, out), nn.Tanh(), nn.Linear(out, width))), width),
        lambda: (
            nn.Sequential(nn.Unflatten(1, (1, width)), nn.Conv1d(1, 2, 2, padding=1), nn.Flatten()),
            2 * width + 2,
        ),
        lambda: (Last(nn.GRU(1, out, batch_first=True)), out),
        lambda: (Last(nn.LSTM(1, out, batch_first=True)), out),
        lambda: (nn.LayerNorm(width), width),
        lambda: (nn.BatchNorm1d(width), width),
    ]
    return kinds[draw.integers(len(kinds))]()


def network(draw: Generator) -> Any:
    """A few blocks with activations between them, all of whose numbers are of a small set."""
    smooth = [nn.Tanh, nn.Sigmoid, nn.GELU, nn.SiLU, nn.Softplus, nn.ReLU, nn.Identity, lambda: nn.Softmax(-1)]
    layers, width = [], 3
    for _ in range(draw.integers(1, 4)):
        layer, width = block(draw, width)
        layers += [layer, smooth[draw.integers(len(smooth))]()]
    model = nn.Sequential(*layers, nn.Linear(width, 2)).double()
    numbers = draw.choice([[0.5], [0.5, -0.5], [0.0, 0.4], [0.3, 0.7, 0.2]][draw.integers(4)], size=500)
    with torch.no_grad():
        for p in model.parameters():
            mixed = draw.choice(numbers, size=tuple(p.shape)) if draw.integers(2) else numbers[draw.integers(9)]
            p.copy_(torch.as_tensor(mixed + 0 * p.numpy()))
    return model.train(bool(draw.integers(2)))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(4))
def test_what_is_tied_holds_in_real_steps(part: int) -> None:
    tied = 0
    for seed in range(part, NETWORKS, 4):
        draw = np.random.default_rng(seed)
        model, x, y = network(draw), draw.normal(size=(6, 3)), draw.normal(size=(6, 2))
        found = ties(model, x, y)
        before = [p.detach().numpy().copy() for p in model.parameters()]
        optimiser = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, weight_decay=0.1 * (seed % 2))
        for _ in range(3):
            optimiser.zero_grad()
            ((model(torch.from_numpy(x)) - torch.from_numpy(y)) ** 2).sum().backward()
            optimiser.step()
        after = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
        start = np.concatenate([p.ravel() for p in before])
        for number, group in enumerate(found.groups):
            here = found.numbers == number
            tied += len(group) > 1
            if number != found.frozen:
                np.testing.assert_allclose(
                    after[here], after[here][0], rtol=1e-9, atol=1e-10, err_msg=f"{seed}: {model}"
                )
            elif seed % 2 == 0:  # decay moves what has no gradient
                np.testing.assert_allclose(after[here], start[here], atol=1e-10, err_msg=f"{seed}: {model}")
    assert tied > 20
