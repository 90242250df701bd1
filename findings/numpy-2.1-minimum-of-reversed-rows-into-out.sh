#!/usr/bin/env bash
# In NumPy 2.1.0 to 2.1.3 np.min and np.max along the last axis of reversed rows, x[:, ::-1], return a wrong number if
# they are given out=: the first entry that is compared is not copied from where the iteration starts. Without out= the
# answer is right, sums are right with and without it, and 2.2 is right. A library that writes into buffers of its own,
# as compiled code does, meets it where its user, who never writes out=, does not.
# What to do: give a reduction without an identity no out= where its operand has a negative stride.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 - <<'PY' || { echo "needs Python 3.10 to 3.13, for which NumPy 2.1 has wheels"; exit 2; }
import sys
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PY
for version in 2.1.3 2.2.6; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q "numpy==$version"
  "$work/$version/bin/python" - <<'PY'
import numpy as np

x = np.array([[3.0, 5.0, 4.0], [7.0, 2.0, 6.0]])[:, ::-1]
into = np.min(x, axis=1, out=np.empty(2))
print(f"NumPy {np.__version__}: np.min {np.min(x, axis=1)}, with out= {into}")
assert np.min(x, axis=1).tolist() == [3, 2]
wrong = np.__version__.startswith("2.1.")
assert (into.tolist() != [3, 2]) is wrong
assert np.sum(x, axis=1, out=np.empty(2)).tolist() == [12, 15]
PY
done
