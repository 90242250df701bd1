#!/usr/bin/env bash
# np.sum adds a contiguous float64 array in pairs, which keeps the rounding error near that of one addition. Before NumPy
# 2.3 it does so only within each buffer of np.getbufsize() = 8192 entries, and adds the buffers one after another,
# although nothing is converted and nothing needs a buffer. So np.setbufsize changes the sum of plain arrays, and the
# same array has another sum, by its last bits, from 2.3 on.
# What to do: expect other bits of sums over more than 8192 entries between versions; fix no golden number from them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for version in 2.2.6 2.3.5; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q "numpy==$version"
  "$work/$version/bin/python" - <<'PY'
import numpy as np

x = np.full(100_000, 0.1)
usual = np.sum(x)
np.setbufsize(16)
small = np.sum(x)
print(f"NumPy {np.__version__}: {usual!r}, with buffers of 16 entries {small!r}")
assert bool(usual != small) is np.__version__.startswith("2.2.")
PY
done
