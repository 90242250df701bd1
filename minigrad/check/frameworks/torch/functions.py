"""Functions of tensors, with the derivatives that autograd computes.

Tensors of floats among the arguments are differentiated. What is not to be, is hidden in a `FixedLeaf` and copied
for each call, so that no call sees what another one changed. Those of JAX: `check/frameworks/jax/functions`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ....engine import tree
from ...numeric.memory import tensor_in_order_of
from ..framework import ArgumentsOfF, ModeMissing, name_of_call


class FixedLeaf:
    """A leaf of the arguments that is not differentiated: no dataclass, which would be a nesting."""

    def __init__(self, leaf: Any) -> None:
        self.leaf = leaf

    def copy(self, wide: bool) -> Any:
        """Its own copy for one call; wide: floats in float64."""
        if not isinstance(self.leaf, torch.Tensor):
            return self.leaf.copy() if isinstance(self.leaf, np.ndarray) else self.leaf
        copied = self.leaf.detach().clone()
        return copied.double() if wide and copied.is_floating_point() else copied


class Autograd:
    """A function of tensors that autograd differentiates."""

    args: tuple[Any, ...]
    argument_names: Sequence[str]
    modes: tuple[str, ...] = ("rev",)
    remarks: tuple[str, ...] = ()

    @property
    def titles(self) -> tuple[str, str]:
        """What the derivatives are called where they raise an error."""
        return "PyTorch's autograd", "PyTorch's forward mode"

    def __call__(self, *args: Any) -> Any:
        """The result of the function."""
        raise NotImplementedError

    def vjp(self, g: Any, *args: Any) -> tuple[Any, ...]:
        """The gradients by torch.autograd.grad; None where the result does not depend on a tensor."""
        with autograd_on():
            args, xs = tracked(args)
            grads = pulled(self(*args), tree.leaves(g), xs)
        return tensors_per_argument(args, grads)

    def jvp(self, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        """The tangent of the result by dual numbers."""
        forward = torch.autograd.forward_ad
        moves = iter([leaf for leaf in tree.leaves(tangents) if is_float_tensor(leaf)])

        def with_tangent(leaf: Any, _: str) -> Any:
            return forward.make_dual(leaf.detach(), next(moves).detach()) if is_float_tensor(leaf) else leaf

        def tangent_of(leaf: Any, _: str) -> Any:
            return forward.unpack_dual(leaf).tangent if isinstance(leaf, torch.Tensor) else None

        with torch.inference_mode(False), forward.dual_level():
            try:
                result = self(*tree.tree_map(with_tangent, args))
            except NotImplementedError as error:
                raise ModeMissing(f"PyTorch has no forward mode here: {error}\n  write  modes='rev'") from error
            return tree.tree_map(tangent_of, result)

    def gradient(self, weights: Sequence[Any]) -> AutogradGradient:
        """The gradient of <weights, f>, differentiated by double backward."""
        return AutogradGradient(self, tuple(weights))


@dataclass
class FunctionOfTensors(Autograd):
    """f, with what it does not differentiate hidden in args; narrow: none of what it does is in float64."""

    f: Any
    args: tuple[Any, ...]
    argument_names: Sequence[str]
    modes: tuple[str, ...] = ("rev",)
    narrow: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def __name__(self) -> str:
        owner = getattr(self.f, "__self__", None)
        return name_of_call(owner if is_autograd_function(owner) else self.f)

    def __call__(self, *args: Any) -> Any:
        """The result of f."""
        return self.f(*self.opened(args))

    def opened(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments as f takes them: in float64 throughout, if what is differentiated was widened to it."""
        wide = self.narrow and any(x.dtype == torch.float64 for x in tree.leaves(args) if is_float_tensor(x))
        found: tuple[Any, ...] = tree.tree_map(lambda x, _: x.copy(wide) if isinstance(x, FixedLeaf) else x, args)
        return found


@dataclass(frozen=True)
class AutogradGradient(ArgumentsOfF, Autograd):  # type: ignore[override]
    """The gradient of <weights, f>: one tensor per tensor that f differentiates."""

    f: Autograd
    weights: tuple[Any, ...]

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        """The gradient, which can be differentiated once more."""
        with autograd_on():
            args, xs = tracked(args)
            ys = self.f(*args)
            numbers = iter(self.weights)
            weights = [_weight(y, numbers) for y in tree.leaves(ys)]
            grads = pulled(ys, weights, xs, create_graph=True)
        return tuple(torch.zeros_like(x) if g is None else g for x, g in zip(xs, grads, strict=True))


def _weight(y: Any, numbers: Iterator[Any]) -> Any:
    """The next weight, as a tensor beside this result; None if the result is not made of numbers."""
    if not isinstance(y, (torch.Tensor, np.ndarray, float, int)):
        return None
    weight = next(numbers)
    return torch.as_tensor(weight, dtype=y.dtype, device=y.device) if isinstance(y, torch.Tensor) else weight


@dataclass(frozen=True)
class ModuleCall:
    """A module as a function of its parameters (by these names), its fixed state, and its inputs."""

    module: Any
    parameters: tuple[str, ...]

    @property
    def __name__(self) -> str:
        return type(self.module).__name__

    def __call__(self, *args: Any) -> Any:
        """The output; the module itself does not change."""
        count = len(self.parameters)
        state = dict(zip(self.parameters, args[:count], strict=True)) | args[count]
        inputs = tree.tree_map(lambda x, _: copied_tensor(x) if is_float_tensor(x) else x, args[count + 1 :])
        return torch.func.functional_call(self.module, state, inputs)


def copied_tensor(x: Any) -> Any:
    """A copy with the same memory order, which a function may change in place."""
    return tensor_in_order_of(x, x.clone(memory_format=torch.contiguous_format))


def is_autograd_function(x: Any) -> bool:
    """Whether this is a class of autograd's Function."""
    return isinstance(x, type) and issubclass(x, torch.autograd.Function)


def is_float_tensor(leaf: Any) -> bool:
    """Whether a leaf is a tensor of floats."""
    return isinstance(leaf, torch.Tensor) and leaf.is_floating_point()


@contextlib.contextmanager
def autograd_on() -> Iterator[None]:
    """Let autograd record, wherever the check was called."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def tracked(args: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[Any]]:
    """The arguments with their tensors recorded, and these tensors."""
    found: list[Any] = []

    def track(leaf: Any, _: str) -> Any:
        if not is_float_tensor(leaf):
            return leaf
        found.append(leaf if leaf.requires_grad else _usual(leaf).detach().requires_grad_())
        return found[-1]

    return tree.tree_map(track, args), found


def _usual(tensor: Any) -> Any:
    """A tensor that autograd can save, also of those made in inference mode."""
    return tensor.clone() if tensor.is_inference() else tensor


def pulled(result: Any, weights: Sequence[Any], xs: list[Any], create_graph: bool = False) -> list[Any]:
    """The gradients of <weights, result> for these tensors; None where there is none."""
    pairs = [
        (y, _usual(v).to(y.dtype))
        for y, v in zip(tree.leaves(result), weights, strict=True)
        if isinstance(y, torch.Tensor) and y.requires_grad
    ]
    if not pairs:
        return [None] * len(xs)
    ys, vs = zip(*pairs, strict=True)
    return list(torch.autograd.grad(ys, xs, vs, create_graph=create_graph, allow_unused=True))


def tensors_per_argument(args: tuple[Any, ...], grads: Sequence[Any]) -> tuple[Any, ...]:
    """Gradients, one per tensor, nested like the arguments that contain tensors."""
    rest, found = iter(grads), []
    for arg in args:
        mine, structure = tree.flatten(arg)
        if any(map(is_float_tensor, mine)):
            found.append(structure.unflatten([next(rest) if is_float_tensor(leaf) else None for leaf in mine]))
    return tuple(found)
