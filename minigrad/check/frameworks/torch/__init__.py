"""PyTorch: functions of tensors, modules and autograd functions, with the derivatives that PyTorch computes.

Only tensors of floats are differentiated: those that require grad, or all if none does.

As recordings, for `ties`: `symmetry/frontends/torch`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ....engine import tree
from ....errors import ArgumentError, DTypeError
from ..framework import chosen_arguments, parameter_names
from .function_class import FunctionClass
from .functions import Autograd, FixedLeaf, FunctionOfTensors, ModuleCall, is_autograd_function, is_float_tensor


def adapt(f: Any, args: tuple[Any, ...], argnums: int | Sequence[int] | None) -> Autograd:
    """f with the derivatives of PyTorch; args: its positional arguments, of tensors or of NumPy's arrays."""
    args = args if any(isinstance(x, torch.Tensor) for x in tree.leaves(args)) else as_arrays(f, args)
    hidden = _hide(args, argnums)
    args = args if argnums is None else hidden  # a choice needs no remark
    if isinstance(f, torch.nn.Module):
        return _adapt_module(f, args, hidden)
    _refuse_empty(hidden)
    cls: Any = f if is_autograd_function(f) else getattr(f, "__self__", None)  # of f = cls.apply
    if not is_autograd_function(cls):
        return _function(f, args, hidden, parameter_names(f, len(args)))
    with_ctx = cls.setup_context is torch.autograd.Function.setup_context
    names = parameter_names(functools.partial(cls.forward, *[None] * with_ctx), len(args))
    kind = FunctionClass if f is cls else FunctionOfTensors
    function = _function(f, args, hidden, names, kind)
    function.modes = ("rev",) if cls.jvp is torch.autograd.Function.jvp else ("rev", "fwd")
    return function


def _adapt_module(module: Any, inputs: tuple[Any, ...], hidden: tuple[Any, ...]) -> FunctionOfTensors:
    """A module: its parameters are arguments by their names, before its inputs; buffers stay fixed."""
    parameters = {name: p for name, p in module.named_parameters() if p.requires_grad and p.is_floating_point()}
    tensors = (*module.named_parameters(), *module.named_buffers())
    state = {name: FixedLeaf(x) for name, x in tensors if name not in parameters}
    start = (*parameters.values(), state)
    _refuse_empty((*start, *hidden))
    names = [*parameters, "buffers", *parameter_names(module.forward, len(inputs))]
    call = ModuleCall(module, tuple(parameters))
    return _function(call, (*start, *inputs), (*start, *hidden), names)


def _function(
    f: Any, given: tuple[Any, ...], args: tuple[Any, ...], names: list[str], kind: Any = FunctionOfTensors
) -> FunctionOfTensors:
    """f with these arguments; a remark names those that are not differentiated, as they do not require grad."""
    narrow = not any(x.dtype == torch.float64 for x in tree.leaves(args) if is_float_tensor(x))
    left = [
        name
        for name, before, after in zip(names, given, args, strict=True)
        if any(map(is_float_tensor, tree.leaves(before))) and not any(map(is_float_tensor, tree.leaves(after)))
    ]
    what = (
        f"not differentiated: {', '.join(left)} (argnums= chooses; by default, those that require grad if any does)"
    )
    found: FunctionOfTensors = kind(f, args, names, narrow=narrow, remarks=(what,) if left else ())
    return found


def _refuse_empty(args: tuple[Any, ...]) -> None:
    if not any(map(is_float_tensor, tree.leaves(args))):
        raise ArgumentError(
            "nothing to differentiate: no argument contains a tensor of floats\n"
            "  write  torch.tensor([1.0, 2.0]) instead of integers"
        )


def as_arrays(f: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arrays and floats of Python and NumPy as tensors, for a function that takes nothing else.

    Those for a module have the type of its parameters.
    """
    own = [p.dtype for p in f.parameters() if p.is_floating_point()] if isinstance(f, torch.nn.Module) else []

    def convert(x: Any, _: str) -> Any:
        floats = isinstance(x, (float, np.ndarray, np.generic)) and np.asarray(x).dtype.kind == "f"
        made = torch.from_numpy(np.array(x)) if floats or isinstance(x, np.ndarray) else x
        return made.to(own[0]) if floats and own else made

    found: tuple[Any, ...] = tree.tree_map(convert, args)
    return found


def _hide(args: tuple[Any, ...], argnums: int | Sequence[int] | None) -> tuple[Any, ...]:
    """The arguments, with all in a `FixedLeaf` that is not differentiated."""
    chosen = chosen_arguments(argnums, len(args))
    tensors = [x for n in chosen for x in tree.leaves(args[n]) if isinstance(x, torch.Tensor)]
    if any(x.is_complex() for x in tensors):
        raise DTypeError("complex numbers have no gradient here\n  write  a function of torch.view_as_real(z)")
    marked = argnums is None and any(x.requires_grad for x in tensors)

    def hide(x: Any, n: int) -> Any:
        keep = n in chosen and is_float_tensor(x) and (x.requires_grad or not marked)
        return x if keep else _fixed(x)

    return tuple(tree.tree_map(lambda x, _: hide(x, n), arg) for n, arg in enumerate(args))  # noqa: B023


def _fixed(x: Any) -> Any:
    return FixedLeaf(x) if isinstance(x, (torch.Tensor, np.ndarray, np.generic, float)) else x
