#!/usr/bin/env bash
# At a singular matrix, the determinant is smooth: its gradient is the matrix of cofactors. torch.linalg.det returns 0
# there, in silence, from backward(), from autograd.grad and in forward mode; with create_graph=True, and so from
# torch.func.grad, it returns the cofactors. Without create_graph it solves with an LU factorisation whose zeros on the
# diagonal are replaced by a rounding unit, and multiplies by the determinant, which is exactly 0.
# What to do: where a determinant may be exactly 0 (rank one, repeated rows), ask with create_graph=True, or multiply
# out small matrices by hand; a loss that looks stationary there need not be.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy
"$work/venv/bin/python" - <<'PY'
import torch

A = torch.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=torch.float64, requires_grad=True)
cofactors = torch.tensor([[4.0, -2.0], [-2.0, 1.0]], dtype=torch.float64)
(plain,) = torch.autograd.grad(torch.linalg.det(A), A)
(graph,) = torch.autograd.grad(torch.linalg.det(A), A, create_graph=True)
forward = torch.func.jacfwd(torch.linalg.det)(A.detach())
functional = torch.func.grad(torch.linalg.det)(A.detach())
for name, g in dict(plain=plain, forward=forward, create_graph=graph, func_grad=functional).items():
    print(f"torch {torch.__version__} {name:12}: {g.tolist()}, right: {torch.allclose(g, cofactors)}")
assert not plain.any() and not forward.any(), "det has its gradient at singular matrices now"
assert torch.allclose(graph, cofactors) and torch.allclose(functional, cofactors), "create_graph=True is wrong now"
PY
