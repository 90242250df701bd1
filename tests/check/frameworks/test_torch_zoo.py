"""RMS norm, attention and an LSTM cell: right ones agree in each dtype, and each of six mistakes is found."""

from __future__ import annotations

from typing import Any

import pytest
from everyday import thinned

from minigrad import gradient_report as report

torch = pytest.importorskip("torch", reason="the checks of PyTorch's functions need PyTorch")

from check.frameworks.torch_zoo import LAYERS, RMS_NORM, Layer  # noqa: E402

DTYPES = [torch.float64, torch.float32, torch.bfloat16]
BY_TORCH = {"the weight's gradient not summed", "the bias not summed"}  # it sums them itself, after backward


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_backward_of_the_zoo_is_right_and_its_mistakes_are_wrong(layer: Layer) -> None:
    leaves = [x.requires_grad_() for x in layer.tensors(torch.float64)]
    ys = layer.forward(*leaves)
    ys = ys if isinstance(ys, tuple) else (ys,)
    gs = tuple(torch.linspace(0.5, 1.5, y.numel(), dtype=torch.float64).reshape(y.shape) for y in ys)
    truth = torch.autograd.grad(ys, leaves, gs)
    with torch.no_grad():
        for mistake in ["", *layer.mistakes]:
            found = layer.backward(gs, leaves, mistake)
            same = [a.shape == b.shape and torch.allclose(a, b) for a, b in zip(found, truth, strict=True)]
            assert all(same) == (mistake == ""), mistake


CASES = [(layer, dtype, mistake) for layer in LAYERS for dtype in DTYPES for mistake in ["", *layer.mistakes]]


@pytest.mark.parametrize(
    "case", thinned(CASES, 5), ids=lambda case: f"{case[0].name} {case[1]} {case[2] or 'right'}"
)
def test_each_mistake_of_a_backward_is_found(case: tuple[Layer, Any, str]) -> None:
    layer, dtype, mistake = case
    function, args = layer.function(mistake), layer.tensors(dtype)
    found = report(function, args)
    assert found.verdict == ("disagree" if mistake else "agree"), found
    if mistake:
        kinds, name = layer.mistakes[mistake]
        assert name in {finding.path for finding in found.findings}, found
        assert not kinds or kinds & {finding.kind for finding in found.findings}, found
    if not mistake or mistake in BY_TORCH:
        assert report(function.apply, args).ok


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_a_kernel_of_float32_alone_is_judged_by_its_rounding(layer: Layer) -> None:
    args = layer.tensors(torch.float32)
    assert report(layer.function(only=torch.float32), args).ok
    mistake = next(iter(layer.mistakes))
    assert report(layer.function(mistake, only=torch.float32), args).verdict == "disagree"


def test_a_kernel_of_bfloat16_alone_is_never_called_wrong_for_its_rounding() -> None:
    for layer in LAYERS:
        assert report(layer.function(only=torch.bfloat16), layer.tensors(torch.bfloat16)).verdict != "disagree"


def test_a_wrong_kernel_of_bfloat16_alone_never_agrees() -> None:
    """Its bars are wider than its slopes: a claim within them is not 0, though the function stands still."""
    for mistake in ("without the term of the norm", "sum for mean"):
        function = RMS_NORM.function(mistake, only=torch.bfloat16)
        assert report(function, RMS_NORM.tensors(torch.bfloat16)).verdict != "agree"
