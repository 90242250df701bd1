#!/usr/bin/env bash
# torch.export keeps the dropout between the layers of an LSTM, a GRU or an RNN in training: it exports one operation
# with its probability. ExportedProgram.run_decompositions() then writes that operation with simpler ones, and the
# dropout is gone, in silence: the helper that all three share sets it to 0 unless `num_layers < i - 1`, for i below
# num_layers, which never holds. The decomposed program gives one result, that of evaluation.
# What to do: call the module and the decomposed program twice each, and compare, before you believe the second.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q torch==2.13.0 numpy
"$work/venv/bin/python" -W ignore - <<'PY'
import torch

x = torch.randn(4, 2, 3)
for kind in (torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN):
    module = kind(3, 3, num_layers=2, dropout=0.5).train()
    exported = torch.export.export(module, (x,))
    simpler = exported.run_decompositions()
    draws = {}
    for name, call in (("module", module), ("exported", exported.module()), ("decomposed", simpler.module())):
        draws[name] = not torch.equal(call(x)[0], call(x)[0])
    print(f"torch {torch.__version__}: {kind.__name__}: draws a new mask at each call: {draws}")
    assert draws == {"module": True, "exported": True, "decomposed": False}, "it keeps the dropout now"
    torch.testing.assert_close(simpler.module()(x)[0], module.eval()(x)[0])
PY
