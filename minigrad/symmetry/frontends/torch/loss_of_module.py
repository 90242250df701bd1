"""A copy of a module in float64 with its loss, as one module of the data; the given module stays as it is."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from ....engine import tree
from ....errors import ArgumentError, MinigradError, ShapeError, describe
from .traced_loss import first_line

WRITE = "  write  ties(module, x, target)\n  or     ties(module, x, target, loss=torch.nn.CrossEntropyLoss())"


class LossOfModule(torch.nn.Module):  # type: ignore[misc]  # torch may not be installed
    """loss(module(*data)), or loss(module(*data[:-1]), data[-1]) with a target."""

    def __init__(self, module: Any, loss: Callable[..., Any], takes_target: bool) -> None:
        super().__init__()
        self.module = module
        self.loss = loss
        self.takes_target = takes_target

    def forward(self, *data: Any) -> Any:
        """The loss, one number."""
        data = _clones(data)
        if not self.takes_target:
            return self._checked(self.loss(self.module(*data)))
        return self._checked(self.loss(self.module(*data[:-1]), data[-1]))

    def _checked(self, loss: Any) -> Any:
        if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
            what = _described(loss)
            raise ArgumentError(
                f"the loss must be one number, got {what}\n  write  loss=lambda y, t: (y - t).pow(2).sum()"
            )
        return loss.reshape(())


class LossOfFunction(torch.nn.Module):  # type: ignore[misc]
    """f(params, *data), with the arrays of params as parameters."""

    def __init__(self, f: Callable[..., Any], params: Any) -> None:
        super().__init__()
        leaves, self.structure = tree.flatten(params)
        self.f = f
        self.leaves = torch.nn.ParameterList([torch.nn.Parameter(_wide(x)) for x in leaves])

    def forward(self, *data: Any) -> Any:
        """The loss."""
        return self.f(self.structure.unflatten([*self.leaves]), *_clones(data))


def _clones(data: tuple[Any, ...]) -> tuple[Any, ...]:
    """Copies of the data, which a module may change in place."""
    return tuple(pytree.tree_map(lambda x: x.clone() if isinstance(x, torch.Tensor) else x, data))


def as_loss_module(module: Any, data: Sequence[Any], loss: Callable[..., Any] | None) -> Any:
    """The copy with its loss, in float64 on the CPU. Raises ArgumentError without data, or for no loss of them."""
    takes_target = loss is None or _takes_target(loss)
    if len(data) < 1 + takes_target:
        got = "no data" if not data else "one array of data, which is the target"
        raise ArgumentError(f"ties follows a module on data: its inputs and the target, got {got}\n{WRITE}")
    if loss is None:
        _check_target(data[-1])
    elif not callable(loss):
        raise ArgumentError(f"loss= takes a function of outputs and target or a loss module, got {describe(loss)}")
    whole = LossOfModule(getattr(module, "_orig_mod", module), loss or squared_error_of_outputs, takes_target)
    try:
        copied = copy.deepcopy(whole)
    except Exception as error:
        raise ArgumentError(f"the module cannot be copied, and ties works on a copy: {error}") from error
    return copied.to("cpu", torch.float64)


def call_once(module: Any, data: Sequence[Any]) -> float:
    """The loss. Raises ShapeError with what PyTorch says of data that the module does not take."""
    try:
        with torch.inference_mode(False), torch.no_grad():
            return float(module(*data))
    except MinigradError:
        raise
    except Exception as error:
        got = ", ".join(_described(x) for x in data) or "none"
        what = "the function does not take these tensors"
        if isinstance(module, LossOfModule):
            what = "the module, or its loss, does not take these data"
        raise ShapeError(f"{what}\n  PyTorch says: {first_line(error)}\n  the data: {got}") from error


class MeanMasks(TorchDispatchMode):  # type: ignore[misc]
    """While it is open, PyTorch's dropout draws masks of its mean, which change nothing."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """The result of an operation."""
        if func is torch.ops.aten.bernoulli_.float:
            return args[0].fill_(args[1] if len(args) > 1 else 0.5)
        return func(*args, **(kwargs or {}))


def refuse_gradient_hooks(module: Any) -> None:
    """Raise ArgumentError for hooks on the gradient of a parameter: a copy of the module has none of them."""
    for name, p in module.named_parameters():
        if p._backward_hooks or getattr(p, "_post_accumulate_grad_hooks", None):
            raise ArgumentError(
                f"{name} has a hook, which may change its gradient, and ties does not see what it does"
                "\n  write  the change into the loss, or remove the hook"
            )


def refuse_lost_dropout(module: Any) -> None:
    """Raise ArgumentError for dropout between recurrent layers, which PyTorch's decompositions lose."""
    for name, part in module.named_modules():
        if isinstance(part, torch.nn.RNNBase) and part.training and part.dropout and part.num_layers > 1:
            raise ArgumentError(
                f"PyTorch's trace loses the dropout between the layers of {name.removeprefix('module.')} "
                f"({type(part).__name__})\n  write  module.eval()   for the ties without dropout"
            )


def _takes_target(loss: Callable[..., Any]) -> bool:
    """Whether a loss takes outputs and target, or outputs alone."""
    function = loss.forward if isinstance(loss, torch.nn.Module) else loss
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return True
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.KEYWORD_ONLY)]
    return len(needed) != 1 or needed[0].kind is inspect.Parameter.VAR_POSITIONAL


def _check_target(target: Any) -> None:
    kind = _described(target)
    if isinstance(target, torch.Tensor) and not target.is_floating_point():
        raise ArgumentError(
            f"the target is {kind}: whole numbers, which squared error would compare as numbers\n"
            "  write  loss=torch.nn.CrossEntropyLoss()   for classes\n  or     target.double()   for numbers"
        )


def squared_error_of_outputs(outputs: Any, target: Any) -> Any:
    """Σ (a − y)² of tensors of one shape: `nn/losses` has the same for Values."""
    if not isinstance(outputs, torch.Tensor):
        raise ArgumentError(
            f"the module returns {_described(outputs)}, and squared error takes one tensor\n"
            "  write  loss=lambda outputs, target: torch.nn.functional.mse_loss(outputs[0], target)"
        )
    if not isinstance(target, torch.Tensor) or outputs.shape != target.shape:
        raise ShapeError(
            f"the module returns {_described(outputs)}, and the target, the last of the data, is "
            f"{_described(target)}\n{WRITE}"
        )
    return ((outputs - target) ** 2).sum()


def _described(x: Any) -> str:
    if isinstance(x, torch.Tensor):
        return f"a tensor of shape {tuple(x.shape)}, {str(x.dtype).removeprefix('torch.')}"
    if isinstance(x, (tuple, list)):
        return f"a {type(x).__name__} of {len(x)}"
    if isinstance(x, dict):
        return f"a dict of {', '.join(map(repr, x))}"
    return describe(x)


def as_tensors(data: Sequence[Any]) -> tuple[Any, ...]:
    """The data as tensors on the CPU: floats in float64, whole numbers in int64; other objects as they are."""

    def convert(x: Any, path: str) -> Any:
        if isinstance(x, torch.Tensor):
            return _wide(x)
        if isinstance(x, (np.ndarray, np.generic)):
            if x.dtype.kind not in "fiub":
                raise ArgumentError(f"the data hold {describe(x)}, which is no array of numbers")
            return _wide(torch.from_numpy(np.array(x)))
        return x

    return tuple(tree.tree_map(convert, _array(x)) for x in data)


def _array(x: Any) -> Any:
    """A list of numbers, or of lists of numbers, as an array."""
    leaves = tree.leaves(x) if isinstance(x, (list, tuple)) else []
    return np.asarray(x) if leaves and all(isinstance(leaf, (int, float)) for leaf in leaves) else x


def _wide(x: Any) -> Any:
    """A tensor of the CPU: floats in float64, whole numbers in int64, True and False as they are."""
    tensor = torch.as_tensor(x).detach().cpu()
    if tensor.is_complex():
        raise ArgumentError("ties takes real numbers, got complex ones")
    kind = (
        torch.float64 if tensor.is_floating_point() else tensor.dtype if tensor.dtype == torch.bool else torch.int64
    )
    return tensor.to(kind, copy=True)
