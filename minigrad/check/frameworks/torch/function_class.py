"""A class of autograd's Function: its static forward and backward are called as they are written.

PyTorch sums a gradient to the shape of its input and casts it to its type before anyone sees it. Here the shape is
what backward returned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ....engine import tree
from .functions import FunctionOfTensors, copied_tensor, is_float_tensor


class Context:
    """What forward and backward share, as PyTorch's own ctx: attributes, saved tensors, and remarks on outputs."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Any, ...] = ()
        self.materialize_grads = True
        self.dirty: tuple[Any, ...] = ()
        self._without_gradient: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors, or None, for backward."""
        self.saved_tensors = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep tensors for jvp, which is not called with this context."""

    def mark_dirty(self, *tensors: Any) -> None:
        """Inputs that forward changed: they are copies."""
        self.dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Outputs whose cotangents are zeros."""
        self._without_gradient = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether the cotangents of such outputs are zeros; else they are None."""
        self.materialize_grads = value

    def cotangent(self, y: Any, v: Any) -> Any:
        """What backward gets for an output."""
        if not isinstance(y, torch.Tensor) or not y.is_floating_point():
            return torch.zeros_like(y) if isinstance(y, torch.Tensor) and self.materialize_grads else None
        if any(y is other for other in self._without_gradient):
            return torch.zeros_like(y) if self.materialize_grads else None
        return v.to(y.dtype)


@dataclass
class FunctionClass(FunctionOfTensors):
    """The class as a function of its arguments; `f` is the class."""

    @property
    def titles(self) -> tuple[str, str]:
        """What the derivatives are called where they raise an error."""
        return f"{self.__name__}.backward", f"{self.__name__}.jvp"

    def __call__(self, *args: Any) -> Any:
        """The result of forward."""
        return self._forward(args)[1]

    def vjp(self, g: Any, *args: Any) -> tuple[Any, ...]:
        """What backward returns, in the types of the inputs.

        Raises RuntimeError for another number of gradients than inputs, as PyTorch does.
        """
        context, ys = self._forward(args)
        cotangents = [context.cotangent(y, v) for y, v in zip(_outputs(ys), _outputs(g), strict=True)]
        with torch.inference_mode(False), torch.no_grad():
            found = self.f.backward(context, *cotangents)
        found = found if isinstance(found, tuple) else (found,)
        given = [*found, *[None] * (len(args) - len(found))]
        if len(found) < len(args) or any(g is not None for g in found[len(args) :]):
            what = f"{len(found)} gradient{'s' * (len(found) != 1)} for {len(args)} inputs of forward"
            raise RuntimeError(f"backward returned {what}")
        return tuple(_in_type_of(x, g) for x, g in zip(args, given, strict=False) if _holds_tensors(x))

    def jvp(self, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        """The tangent of `apply`, which calls the static jvp."""
        return self._applied().jvp(args, tangents)

    def gradient(self, weights: Any) -> Any:
        """The gradient of <weights, apply>, differentiated through backward."""
        return self._applied().gradient(weights)

    def _applied(self) -> FunctionOfTensors:
        return FunctionOfTensors(
            self.f.apply, self.args, self.argument_names, self.modes, self.narrow, self.remarks
        )

    def _forward(self, args: tuple[Any, ...]) -> tuple[Context, Any]:
        needs = tuple(_holds_tensors(x) for x in args)
        opened, context = self.opened(args), Context(needs)
        with torch.inference_mode(False), torch.no_grad():
            inputs = tuple(copied_tensor(x) if is_float_tensor(x) else x for x in opened)
            if self.f.setup_context is torch.autograd.Function.setup_context:
                outputs = self.f.forward(context, *inputs)
            else:
                outputs = self.f.forward(*inputs)
                self.f.setup_context(context, inputs, outputs)
            for x, used in zip(opened, inputs, strict=True):
                declared = x is used or any(used is other for other in context.dirty)
                if not declared and not torch.equal(x, used):
                    x.copy_(used)  # what forward changed without a word shows in the argument
        return context, outputs


def _outputs(result: Any) -> tuple[Any, ...]:
    """forward returns one output or a tuple of them."""
    return result if isinstance(result, tuple) else (result,)


def _holds_tensors(x: Any) -> bool:
    return any(map(is_float_tensor, tree.leaves(x)))


def _in_type_of(x: Any, gradient: Any) -> Any:
    same = isinstance(x, torch.Tensor) and isinstance(gradient, torch.Tensor) and gradient.is_floating_point()
    return gradient.to(x.dtype) if same else gradient
