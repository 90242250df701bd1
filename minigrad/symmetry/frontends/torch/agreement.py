"""The gradient that PyTorch computes, to compare a recorded loss with, and modules that change when called."""

from __future__ import annotations

import contextlib
import functools
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from ....errors import TracingError
from ...loss_graph import Recording
from ..compare_gradients import check_gradients


def check_agreement(recording: Recording, module: Any, parameters: Sequence[Any], rounded: bool) -> None:
    """Raise TracingError if the module gives other gradients, and name the first tensor that differs.

    module: a function of no arguments that returns its loss. rounded: whether it computes in less than float64.
    """
    own = "(autograd.Function, hooks)"
    gradients = functools.partial(autograd_gradient, module, parameters)
    check_gradients(recording, gradients, rounded, "PyTorch", own, even="torch.amax")


def autograd_gradient(module: Any, parameters: Sequence[Any], arrays: Sequence[Any]) -> list[Any]:
    """The gradients by autograd at these numbers."""
    with torch.inference_mode(False), torch.enable_grad():
        for p, array in zip(parameters, arrays, strict=True):
            p.data.copy_(torch.from_numpy(np.ascontiguousarray(array)))
        loss = module()
        if not loss.requires_grad:
            return [np.zeros(array.shape) for array in arrays]
        grads = torch.autograd.grad(loss, list(parameters), allow_unused=True)
    return [
        np.zeros(x.shape) if g is None else g.detach().numpy().astype(np.float64)
        for g, x in zip(grads, arrays, strict=True)
    ]


@contextlib.contextmanager
def refuse_drawing() -> Iterator[None]:
    """Raise TracingError if the module draws from the generators of Python or NumPy; they are put back.

    PyTorch's own draws are seen in the trace. A coin of Python decides which program is traced.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # the module may draw from it
    yield
    moved = random.getstate() != python or _position(np.random.get_state()) != _position(numpy)  # noqa: NPY002
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002
    if moved:
        raise TracingError(
            "the module draws random numbers of Python or NumPy, so a trace shows one draw of many\n"
            "  write  module.eval()   or pass what is drawn as data"
        )


def _position(state: Any) -> tuple[bytes, int]:
    return np.asarray(state[1]).tobytes(), int(state[2])


def refuse_changing(first: float, module: Any) -> None:
    """Raise TracingError if the module gives another loss when it is called again on the same data."""
    with torch.no_grad():
        second = float(module())
    if not np.isclose(first, second, rtol=1e-13, atol=0, equal_nan=True):
        raise TracingError(
            f"the module gives another loss when it is called again, on the same data: {first!r}, then {second!r}\n"
            "  it draws random numbers or changes a buffer that it reads, so it has no ties of its own\n"
            "  write  module.eval()"
        )
