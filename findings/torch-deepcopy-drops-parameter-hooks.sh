#!/usr/bin/env bash
# copy.deepcopy of a torch module keeps the hooks of the module and drops those of its parameters, in silence: a mask
# that Tensor.register_hook puts on a gradient, as in pruning or frozen rows, is gone in the copy, which then trains
# what its original does not. Copies are common: moving averages of weights, restarts, tools that trace a model.
# What to do: register such hooks again on the copy, or compute the mask in forward; before you trace a copy, look
# whether any parameter of the original has `_backward_hooks`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy
"$work/venv/bin/python" -W ignore - <<'PY'
import copy

import torch

module = torch.nn.Linear(2, 1, bias=False)
module.weight.register_hook(lambda g: g * torch.tensor([[1.0, 0.0]]))  # the second weight is frozen
calls = []
module.register_forward_hook(lambda *of: calls.append("module"))
found = {}
for name, one in (("module", module), ("copy", copy.deepcopy(module))):
    one(torch.ones(1, 2)).sum().backward()
    found[name] = one.weight.grad.tolist()
print(f"torch {torch.__version__}: gradients {found}, the hook of the module called {len(calls)} times")
assert found == {"module": [[1.0, 0.0]], "copy": [[1.0, 1.0]]}, "the copy keeps the hook of the parameter now"
assert len(calls) == 2, "the copy drops the hook of the module, too"
PY
