"""f and its gradient get tensors as the caller's are: type, memory order, class, and whether they require grad."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import gradient_report as report
from minigrad.check.numeric.flattening import Layout, to_array

torch = pytest.importorskip("torch", reason="the checks of PyTorch's functions need PyTorch")

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]
ORDERS = {
    "channels last": lambda: torch.arange(24.0).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
    "transposed": lambda: torch.arange(6.0).reshape(2, 3).T,
    "every second": lambda: torch.arange(12.0).reshape(2, 6)[:, ::2],
    "one axis of many": lambda: torch.arange(24.0).reshape(2, 3, 4).movedim(0, 2),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("promote", [False, True])
def test_a_tensor_is_rebuilt_with_its_strides(order: str, dtype: Any, promote: bool) -> None:
    base = ORDERS[order]()
    given = torch.empty_strided(base.shape, base.stride(), dtype=dtype).copy_(base)
    layout = Layout((given,))
    (built,) = layout.build(layout.row(), promote)
    assert built.stride() == given.stride() and torch.equal(built.double(), given.double())
    assert built.dtype == (torch.float64 if promote else dtype) and built.data_ptr() != given.data_ptr()


def test_an_expanded_tensor_gets_entries_of_its_own() -> None:
    layout = Layout((torch.arange(3.0).expand(2, 3),))
    (built,) = layout.build(np.arange(6.0))
    assert built.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_parameters_stay_parameters() -> None:
    kinds: set[tuple[type, bool]] = set()

    def f(w: Any, x: Any) -> Any:
        kinds.update((type(leaf), leaf.requires_grad) for leaf in (w, x))
        return (w * x).sum()

    w, x = torch.nn.Parameter(torch.arange(3.0)), torch.ones(3)
    assert report(f, (w, x), vjp=lambda g, w, x: (g * x, g * w)).ok
    assert kinds == {(torch.nn.Parameter, True), (torch.Tensor, False)}


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_of_floats_is_checked(dtype: Any) -> None:
    x = torch.tensor([0.5, -0.75, 1.25], dtype=dtype)
    assert to_array(x).tolist() == [0.5, -0.75, 1.25]
    given: Any
    for given in ({}, {"vjp": lambda g, x: g * torch.cos(x)}):
        assert report(torch.sin, x, **given).ok
    found = report(torch.sin, x, vjp=lambda g, x: g * torch.cos(x) * 1.5)
    assert found.verdict == "disagree" and {f.kind for f in found.findings} == {"factor"}, found


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_function_of_half_precision_alone_is_judged_by_its_rounding(dtype: Any) -> None:
    """Here it cannot be run in float64. A right gradient is not called wrong for what f rounds."""
    x = torch.tensor([0.5, -0.75, 1.25], dtype=dtype)
    for f in (lambda x: x.to(dtype) * 2, lambda x: (x.to(dtype) * 2).float()):
        found = report(f, x, vjp=lambda g, x: (2 * g).to(x.dtype))
        assert found.verdict != "disagree", found


def test_a_gradient_of_a_coarser_type_is_named() -> None:
    x = torch.ones(3)

    def f(x: Any) -> Any:
        assert x.dtype == torch.float32, "it cannot run in float64"
        return x * 2

    found = report(f, x, vjp=lambda g, x: (2 * g).bfloat16())
    assert "the gradient is made of bfloat16, the argument of float32" in str(found)


def reading(read: Any) -> Any:
    class Sine(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return read(g).reshape(x.shape) * x.cos()

    return Sine


def raw(g: Any) -> Any:
    """What a kernel sees that takes contiguous memory for granted."""
    return torch.as_strided(g, (g.numel(),), (1,))


@pytest.mark.parametrize("form", ["apply", "class"])
def test_a_backward_that_reads_raw_memory_or_takes_no_view_is_wrong(form: str) -> None:
    """A sum above it is enough in practice: its cotangent has strides of 0."""
    x = torch.linspace(0.1, 1.0, 6).reshape(2, 3)
    for read, right in ((torch.clone, True), (raw, False), (lambda g: g.view(-1), False)):
        f = reading(read)
        found = report(f.apply if form == "apply" else f, x)
        assert found.ok == right, found
        assert right or {finding.kind for finding in found.findings} == {"memory layout"}
