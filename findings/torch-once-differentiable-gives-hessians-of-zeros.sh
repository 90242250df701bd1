#!/usr/bin/env bash
# PyTorch's notes on extending autograd say: a Function whose backward cannot be differentiated is to be decorated
# with @once_differentiable, and double backward through it then raises an error. It raises only where the *cotangent*
# requires grad. The cotangent of a sum does not, and so torch.autograd.functional.hessian returns zeros, in silence,
# and a second derivative of this function plus another one lacks its part: 2 here instead of 6x + 2.
# What to do: check with order=2 (or gradgradcheck), and raise an error in backward if torch.is_grad_enabled(), which
# holds there exactly where the graph of the gradient is asked for. hessian(..., strict=True) raises, too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy
"$work/venv/bin/python" - <<'PY'
import torch
from torch.autograd.function import once_differentiable


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * x * x * g


class Careful(Cube):
    @staticmethod
    def backward(ctx, g):
        if torch.is_grad_enabled():
            raise RuntimeError("no second derivative")
        return Cube.backward(ctx, g)


x = torch.tensor([1.0, 2.0])
alone = torch.autograd.functional.hessian(lambda x: Cube.apply(x).sum(), x)
summed = torch.autograd.functional.hessian(lambda x: Cube.apply(x).sum() + (x**2).sum(), x)
print(f"torch {torch.__version__}: of x**3: {alone.tolist()}, of x**3 + x**2: {summed.tolist()}, right: 6x and 6x + 2")
assert not alone.any() and torch.equal(summed, 2 * torch.eye(2)), "it raises an error now, or is right"
for f, options in ((Cube, {"strict": True}), (Careful, {})):
    try:
        torch.autograd.functional.hessian(lambda x: f.apply(x).sum(), x, **options)
    except RuntimeError as error:
        print(f"{f.__name__} {options}: {str(error)[:70]}")
    else:
        raise AssertionError(f"{f.__name__} {options} raises no error")
(once,) = torch.autograd.grad(Careful.apply(x.requires_grad_()).sum(), x)
assert torch.equal(once, 3 * x * x), "a first derivative needs no graph"
PY
