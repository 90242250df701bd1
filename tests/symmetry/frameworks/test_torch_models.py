"""ties of PyTorch's modules: the groups of each kind of model, which hold in real steps of training."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from minigrad import SymmetryTracker, explain, ties
from minigrad.errors import ArgumentError, MissingRule

torch = pytest.importorskip("torch", reason="the ties of PyTorch's modules need PyTorch")
nn = torch.nn
CLASSES = nn.CrossEntropyLoss()
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def numbers(*shape: int, seed: int = 0) -> Any:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def inputs_and_targets(shape: tuple[int, ...], target: tuple[int, ...] | None = None) -> tuple[Any, Any]:
    return numbers(*shape), numbers(*(target or shape), seed=1)


def filled(module: Any, number: float = 0.3) -> Any:
    for p in module.parameters():
        nn.init.constant_(p, number)
    return module


def seeded(make: Callable[[], Any]) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make()


def trained(module: Any, data: Any, loss: Any, steps: int = 3) -> dict[str, Any]:
    """The parameters of a copy in float64 after real steps of PyTorch's own momentum."""
    module = copy.deepcopy(module).double()
    *inputs, target = data
    optimiser = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.05, momentum=0.9)
    for _ in range(steps):
        optimiser.zero_grad()
        loss(module(*inputs), target).backward()
        optimiser.step()
    return {name: p.detach().numpy() for name, p in module.named_parameters() if p.requires_grad}


def squared(outputs: Any, target: Any) -> Any:
    return ((outputs - target) ** 2).sum()


def first_output(outputs: Any, target: Any) -> Any:
    return nn.functional.mse_loss(outputs[0], target)


def found_and_held(module: Any, *data: Any, loss: Any = squared, **options: Any) -> Any:
    """The ties; entries of a group are equal after real steps, those of the frozen group are where they were."""
    found = ties(module, *data, loss=None if loss is squared else loss, **options)
    start = {name: p.detach().double().numpy() for name, p in module.named_parameters()}
    after = trained(module, data, loss)
    assert list(found.labels) == list(after), "each trained parameter once, by its name"
    labels = np.concatenate([found.labels[name].ravel() for name in after])
    values = np.concatenate([after[name].ravel() for name in after])
    before = np.concatenate([start[name].ravel() for name in after])
    assert np.abs(values - before).max() > 1e-4 or found.independent == 0, "the steps move nothing"
    for number in range(len(found.groups)):
        here = labels == number
        if number == found.frozen:
            np.testing.assert_allclose(values[here], before[here], atol=1e-12)
        else:
            np.testing.assert_allclose(values[here], values[here][0], atol=1e-10)
    return found


# ------------------------------------------------------------------------------------------------ models


def mlp() -> Any:
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def test_a_network_filled_with_one_number_has_the_ties_of_the_same_network_in_numpy() -> None:
    x, y = numbers(5, 3), numbers(5, 2)
    found = found_and_held(filled(mlp()), x, y)

    def f(p: Any, x: Any, y: Any) -> Any:
        hidden = np.tanh(x @ p["0.weight"].T + p["0.bias"])
        return np.sum((hidden @ p["2.weight"].T + p["2.bias"] - y) ** 2)

    params = {name: p.detach().double().numpy() for name, p in filled(mlp()).named_parameters()}
    same = ties(f, params, x.numpy(), y.numpy())
    assert found.summary() == same.summary() == "26 parameters move as 8"
    for name, labels in same.labels.items():
        np.testing.assert_array_equal(found.labels[name], labels)
    assert found.groups[0][:2] == (("0.weight", (0, 0)), ("0.weight", (1, 0)))


def test_gradients_are_explained_by_the_names_of_the_module() -> None:
    x, y = numbers(5, 3), numbers(5, 2)
    model = filled(mlp()).double()
    told = explain(ties(model, x, y), ("0.weight", 0, 0), ("0.weight", 1, 0))
    words = "dy/d0.weight[0,0] and dy/d0.weight[1,0] are equal and stay equal: all their factors match"
    assert told.sentence == f"{words} (proved for this data)" and told.proved
    squared(model(x), y).backward()
    assert told.gradients[0] == pytest.approx(model[0].weight.grad[0, 0].item(), rel=1e-9)
    model[2].weight.data[0, 1] = 0.7
    assert " ≠ " in explain(ties(model, x, y), ("0.weight", 0, 0), ("0.weight", 1, 0)).sentence


def test_the_rounding_of_a_module_in_float32_breaks_no_tie() -> None:
    x, y = numbers(64, 3).float(), numbers(64, 2).float()
    model = filled(nn.Sequential(nn.Linear(3, 50), nn.Tanh(), nn.Linear(50, 2)))
    tracker, optimiser = SymmetryTracker(ties(model, x, y)), torch.optim.SGD(model.parameters(), 1e-4)
    for step in range(50):
        optimiser.zero_grad()
        squared(model(x), y).backward()
        params = [*model.parameters()]
        tracker.observe(step, [p.detach() for p in params], [p.grad for p in params])
        optimiser.step()
    assert {b.cause for b in tracker.breaks} <= {"rounding"} and tracker.observations[-1].independent == 8


def test_a_random_network_has_no_ties() -> None:
    found = found_and_held(seeded(mlp), numbers(5, 3), torch.tensor([0, 1, 1, 0, 1]), loss=CLASSES)
    assert found.independent == 26


@pytest.mark.parametrize(("where", "independent"), [(0, 8), (2, 26)])
def test_dropout_parts_what_its_masks_part_and_nothing_else(where: int, independent: int) -> None:
    """Before a layer it multiplies inputs, which all its neurons share; behind it, each neuron has its own mask."""
    module = filled(mlp())
    module.insert(where, nn.Dropout(0.4))
    found = found_and_held(module, *inputs_and_targets((5, 3), (5, 2)))
    assert (found.independent, found.scope) == (independent, "for this data, whatever the masks of dropout")
    assert ties(module.eval(), *inputs_and_targets((5, 3), (5, 2))).summary() == "26 parameters move as 8"


class AlwaysDropping(nn.Module):  # type: ignore[misc,name-defined]
    def forward(self, x: Any) -> Any:
        return nn.functional.dropout(x, 0.4)


@pytest.mark.parametrize("make", [AlwaysDropping, lambda: nn.AlphaDropout(0.4), lambda: nn.Dropout1d(0.4)])
def test_other_forms_of_dropout_part_neurons_too(make: Any) -> None:
    module = filled(mlp())
    module.insert(2, nn.Sequential(nn.Unflatten(1, (4, 1)), make(), nn.Flatten()))
    found = found_and_held(module, *inputs_and_targets((5, 3), (5, 2)))
    assert (found.independent, found.scope) == (26, "for this data, whatever the masks of dropout")


class Attending(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.heads = nn.MultiheadAttention(4, 2, dropout=0.3, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.heads(x, x, x, need_weights=False)[0]


def test_the_masks_of_attention_and_of_channels() -> None:
    assert ties(seeded(Attending), *inputs_and_targets((2, 3, 4))).scope.endswith("whatever the masks of dropout")
    layer = encoder().train()
    for p in (layer.linear1.weight, layer.linear1.bias, layer.linear2.weight):
        nn.init.constant_(p, 0.1)
    assert found_and_held(layer, *inputs_and_targets((2, 3, 8))).scope.endswith("whatever the masks of dropout")
    layers = (nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    model = filled(nn.Sequential(nn.Dropout2d(0.3), *layers))
    channels = found_and_held(model, IMAGES, KINDS, loss=CLASSES).labels["1.weight"]
    assert (channels == channels[0]).all()


def cnn() -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, groups=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


IMAGES, KINDS = numbers(3, 1, 8, 8), torch.tensor([0, 2, 1])


@pytest.mark.parametrize("training", [True, False])
def test_equal_channels_stay_equal_and_a_bias_before_batch_norm_does_not_move(training: bool) -> None:
    found = found_and_held(filled(cnn().train(training)), IMAGES, KINDS, loss=CLASSES)
    channels = found.labels["0.weight"]
    assert (channels == channels[0]).all() and len(np.unique(channels)) == 9
    still = dict(zip(found.recording.paths, found.recording.split(found.zero_everywhere), strict=True))
    assert still["0.bias"].all() == training and not still["8.weight"].any()


@pytest.mark.parametrize("training", [True, False])
def test_random_channels_are_not_tied(training: bool) -> None:
    found = found_and_held(seeded(cnn).train(training), IMAGES, KINDS, loss=CLASSES)
    assert all(len(group) == 1 for number, group in enumerate(found.groups) if number != found.frozen)


@pytest.mark.parametrize("make", [nn.LSTM, nn.GRU, nn.RNN])
def test_the_units_of_a_recurrent_layer_filled_with_one_number_are_one(make: Any) -> None:
    x = numbers(2, 3, 3)
    found = found_and_held(
        filled(make(3, 4, batch_first=True), 0.1), x, torch.ones(2, 3, 4).double(), loss=first_output
    )
    gates = found.labels["weight_ih_l0"].reshape(-1, 4, 3)
    assert (gates == gates[:, :1]).all(), "the units of each gate"
    assert len(np.unique(gates)) == 3 * len(gates), "gates differ, and so do inputs"
    found = found_and_held(seeded(lambda: make(3, 4)), *inputs_and_targets((2, 3, 3), (2, 3, 4)), loss=first_output)
    assert all(len(group) == 1 for group in found.groups)


def encoder() -> Any:
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()


def test_the_neurons_of_an_encoder_layer_that_start_equal_are_one() -> None:
    layer = seeded(encoder)
    for p in (layer.linear1.weight, layer.linear1.bias, layer.linear2.weight):
        nn.init.constant_(p, 0.1)
    found = found_and_held(layer, *inputs_and_targets((2, 3, 8)))
    rows = found.labels["linear1.weight"]
    assert (rows == rows[0]).all() and len(np.unique(rows)) == 8
    assert found.independent < sum(p.numel() for p in layer.parameters()) - 16 * 8


class LoRA(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, base: Any, rank: int = 2) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.lora_A = nn.Parameter(torch.zeros(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Any) -> Any:
        return self.base(x) + x @ self.lora_A.T @ self.lora_B.T


def test_an_adapter_whose_factors_are_both_zero_never_moves() -> None:
    model = LoRA(nn.Linear(3, 3))
    found = found_and_held(model, *inputs_and_targets((5, 3)))
    assert found.summary() == "12 parameters move as 0, 12 never move"
    assert set(found.labels) == {"lora_A", "lora_B"}, "the frozen base is no parameter"
    with torch.no_grad():
        model.lora_A.copy_(numbers(2, 3))
    assert found_and_held(model, *inputs_and_targets((5, 3))).frozen is None


class Experts(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(3, 2)
        self.experts = nn.ModuleList(nn.Linear(3, 3) for _ in range(2))

    def forward(self, x: Any) -> Any:
        gates = self.gate(x).softmax(-1)
        return sum(gates[:, k : k + 1] * expert(x) for k, expert in enumerate(self.experts))


class ExpertsByMask(Experts):
    def forward(self, x: Any) -> Any:
        chosen, out = self.gate(x).argmax(-1), torch.zeros_like(x)
        for k, expert in enumerate(self.experts):
            out[chosen == k] = expert(x[chosen == k])
        return out


class ExpertsByRows(Experts):
    def forward(self, x: Any) -> Any:
        chosen, out = self.gate(x).argmax(-1), torch.zeros_like(x)
        for k, expert in enumerate(self.experts):
            rows = torch.where(chosen == k)[0]
            if rows.numel():
                out = out.index_add(0, rows, expert(x[rows]))
        return out


def test_equal_experts_stay_equal_and_their_gates_too() -> None:
    model = filled(Experts(), 0.1)
    found = found_and_held(model, *inputs_and_targets((5, 3)))
    np.testing.assert_array_equal(found.labels["experts.0.weight"], found.labels["experts.1.weight"])
    assert found_and_held(seeded(Experts), *inputs_and_targets((5, 3))).independent >= 28


@pytest.mark.parametrize("make", [ExpertsByMask, ExpertsByRows])
def test_experts_by_masks_are_refused_by_name(make: Any) -> None:
    with pytest.raises(
        (ArgumentError, MissingRule), match=r"shape depends on|shape of a result depends on"
    ) as caught:
        ties(seeded(make), *inputs_and_targets((5, 3)))
    assert "write  a mixture of experts in dense form" in str(caught.value)


class Residual(nn.Module):  # type: ignore[misc,name-defined]
    """A block whose last scale is 0, as ResNets start; `zero_before`: its last product, too."""

    def __init__(self, zero_before: bool) -> None:
        super().__init__()
        self.c1, self.c2, self.norm = nn.Linear(4, 4), nn.Linear(4, 4), nn.LayerNorm(4)
        nn.init.zeros_(self.norm.weight)
        for p in self.c2.parameters() if zero_before else ():
            nn.init.zeros_(p)

    def forward(self, x: Any) -> Any:
        return x + self.norm(self.c2(torch.relu(self.c1(x))))


def test_a_scale_of_zero_at_the_end_of_a_block_is_fine_and_two_zeros_are_not() -> None:
    assert found_and_held(seeded(lambda: Residual(False)), *inputs_and_targets((5, 4))).frozen is None
    found = found_and_held(seeded(lambda: Residual(True)), *inputs_and_targets((5, 4)))
    stuck = {path for path, _ in found.groups[found.frozen]}
    assert stuck == {"c1.weight", "c1.bias", "c2.weight", "norm.weight", "c2.bias"} and found.independent == 4


class Tower(nn.Module):  # type: ignore[misc,name-defined]
    """ResNet-18 at a width: 64 is its own, with 11.7 million parameters."""

    def __init__(self, width: int, kinds: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        self.pool = nn.MaxPool2d(3, 2, 1)
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        self.layers = nn.Sequential(
            *(
                nn.Sequential(Block(a, b, 1 if k == 0 else 2), Block(b, b, 1))
                for k, (a, b) in enumerate(pairwise(widths))
            )
        )
        self.fc = nn.Linear(8 * width, kinds)

    def forward(self, x: Any) -> Any:
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(nn.functional.adaptive_avg_pool2d(self.layers(x), 1), 1))


class Block(nn.Module):  # type: ignore[misc,name-defined]
    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.down = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b)) if stride > 1 else None

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + (x if self.down is None else self.down(x)))


def test_a_small_residual_network() -> None:
    model = seeded(lambda: Tower(2, 3))
    first = model.layers[0][0]
    with torch.no_grad():
        first.conv1.weight[1] = first.conv1.weight[0]
        first.conv2.weight[:, 1] = first.conv2.weight[:, 0]
    found = found_and_held(model, numbers(4, 3, 40, 40), torch.tensor([0, 2, 1, 1]), loss=CLASSES)
    tied = [group for number, group in enumerate(found.groups) if len(group) > 1 and number != found.frozen]
    assert all(len(group) == 2 for group in tied)
    names = {tuple(path.removeprefix("layers.") for path, _ in group) for group in tied}
    inside = {(f"0.0.{name}",) * 2 for name in ("conv1.weight", "bn1.weight", "bn1.bias", "conv2.weight")}
    assert names == inside | {(f"{k}.0.bn2.bias", f"{k}.0.down.1.bias") for k in (1, 2, 3)}, "both are 0 and added"


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_residual_network_of_eleven_million_parameters() -> None:
    model = seeded(lambda: Tower(64, 1000))
    nn.init.constant_(model.fc.weight, 0.0)
    nn.init.constant_(model.fc.bias, 0.0)
    found = ties(model, numbers(2, 3, 32, 32), torch.tensor([0, 2]), loss=CLASSES, method="prove")
    assert found.numbers.size == 11_689_512
    rows = found.labels["fc.weight"]
    assert (rows[3:] == rows[1]).all() and (rows[0] != rows[2]).any(), "classes that the data do not have"
