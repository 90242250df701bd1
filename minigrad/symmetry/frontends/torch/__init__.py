"""PyTorch: a module and its loss, or a function of tensors, as a recording.

    loss_of_module       a copy in float64, with its loss, and what newcomers get wrong
    traced_loss          PyTorch's own trace of it, as a graph of ATen operations
    recorded_operations  the graph with ops of the table: aten_elementwise, aten_shapes, aten_layers
    agreement            compares the gradient with PyTorch's

The given module, its buffers and the state of the random generator stay as they are.
The derivatives that PyTorch computes itself: `check/frameworks/torch`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree

from ....engine import tree
from ....engine.node import ARGUMENT
from ....engine.node import result_node as new_node
from ....engine.value import Value, argument
from ....errors import ArgumentError
from ...loss_graph import Recording
from .agreement import check_agreement, refuse_changing, refuse_drawing
from .loss_of_module import (
    LossOfFunction,
    MeanMasks,
    as_loss_module,
    as_tensors,
    call_once,
    refuse_gradient_hooks,
    refuse_lost_dropout,
)
from .recorded_operations import computes_in_less, record_operations
from .traced_loss import trace_loss


def record_torch_loss(
    f: Any, args: Sequence[Any], loss: Callable[..., Any] | None, for_all_data: bool
) -> Recording:
    """The loss of a module on these data, or of a function f(params, *data), as a graph.

    Parameters that require no grad are constants. Raises TracingError, MissingRule, ArgumentError, ShapeError.
    """
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.enable_grad():
        if isinstance(f, torch.nn.Module):
            refuse_gradient_hooks(f)
            if loss is None and args and callable(args[-1]):  # ties(module, x, y, loss), as for models of `nn`
                *args, loss = args
            data = as_tensors(args)
            module = as_loss_module(f, data, loss)
            nest = None
        else:
            module, data, nest = _function(f, args, loss)
        return _record(module, data, nest, for_all_data)


def _function(f: Any, args: Sequence[Any], loss: Any) -> tuple[Any, tuple[Any, ...], Any]:
    """A function of tensors as a module, its data, and what nests arrays as its parameters."""
    if loss is not None:
        raise ArgumentError("loss= is for modules; a function f(params, *data) returns the loss itself")
    if isinstance(f, type):
        raise ArgumentError(f"ties takes a module, got the class {f.__name__}\n  write  {f.__name__}(...)")
    if not callable(f) or not args:
        raise ArgumentError("write  ties(f, params, *data)   for a function of tensors")
    params, *data = args
    structure = tree.flatten(params)[1]
    paths: list[str] = []
    tree.tree_map(lambda _, path: paths.append(path), params)
    return LossOfFunction(f, params), as_tensors(data), (paths, structure.unflatten)


def _record(module: Any, data: tuple[Any, ...], nest: Any, for_all_data: bool) -> Recording:
    refuse_lost_dropout(module)
    _refuse_empty(data)
    with refuse_drawing():
        first = call_once(module, data)
    traced = trace_loss(module, data)
    trained = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if not trained:
        raise ArgumentError(
            "no parameter of the module requires grad, so none is trained\n  write  p.requires_grad_()"
        )
    leaves: dict[Any, Value] = {name: argument(p.detach().numpy().copy()) for name, p in trained.items()}
    params = [*leaves.values()]
    symbols = _symbols(data) if for_all_data else {}
    y, masks = record_operations(traced, leaves | symbols)
    names = [name.removeprefix("module.") for name in trained]
    paths, unflatten = nest or (names, lambda arrays: dict(zip(names, arrays, strict=True)))
    scope = ("for all data" if for_all_data else "for this data") + (
        ", whatever the masks of dropout" if masks else ""
    )
    recording = Recording(y, params, paths, unflatten, [*symbols.values(), *masks], scope=scope)
    loss = functools.partial(module, *data)
    with MeanMasks() if masks else contextlib.nullcontext():
        refuse_changing(call_once(module, data) if masks else first, loss)
        check_agreement(recording, loss, [*trained.values()], computes_in_less(traced))
    return recording


def _refuse_empty(data: tuple[Any, ...]) -> None:
    for x in pytree.tree_leaves(data):
        if isinstance(x, torch.Tensor) and not x.numel():
            shape = tuple(x.shape)
            raise ArgumentError(f"the data are empty: a tensor of shape {shape}\n  write  data with samples")


def _symbols(data: tuple[Any, ...]) -> dict[int, Value]:
    """Nodes that stand for any data, by identity of the tensors."""
    tensors = [x for x in pytree.tree_leaves(data) if isinstance(x, torch.Tensor)]
    if not all(x.is_floating_point() for x in tensors):
        raise ArgumentError(
            "for_all_data= takes data of floats: whole numbers, such as classes, decide which entries are read\n"
            "  write  ties(module, *data)   for these data"
        )
    return {id(x): new_node(Value, np.array(x.numpy()), ARGUMENT, ()) for x in tensors}
