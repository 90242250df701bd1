#!/usr/bin/env bash
# scipy.special.kl_div(x, y) computes x ln(x / y) - x + y with the quotient as it is. Where x / y underflows, the result
# is -inf, although the divergence is never negative; where it overflows, inf. rel_entr, which has the same logarithm,
# is right at the same numbers.
# What to do: `rel_entr(x, y) - x + y`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q scipy==1.17.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np
import scipy
from scipy.special import kl_div, rel_entr

x, y = 1e-200, 1e200
print(f"SciPy {scipy.__version__}: kl_div is {kl_div(x, y)}, rel_entr - x + y is {rel_entr(x, y) - x + y}")
assert kl_div(x, y) == -np.inf, "it is right now"
assert rel_entr(x, y) - x + y == 1e200
PY
