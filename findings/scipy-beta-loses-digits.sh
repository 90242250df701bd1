#!/usr/bin/env bash
# scipy.special.beta and betaln lose up to 7 of their 16 digits where one argument is large (1e4 to 2e6) and the other
# is not: they subtract logarithms of Γ that are almost equal. For still larger arguments an asymptotic series takes
# over, and the digits are back.
# What to do: for large a, `gamma(b) / poch(a, b)` and `gammaln(b) - log(poch(a, b))`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q scipy==1.17.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
from fractions import Fraction

import scipy
from scipy.special import beta


def off(a):
    """The relative error of beta(a, 3) = 2 / (a (a + 1) (a + 2))."""
    exact = Fraction(2, a * (a + 1) * (a + 2))
    return abs(float((Fraction(beta(float(a), 3.0)) - exact) / exact))


errors = {a: off(a) for a in (10, 1000, 100_000, 1_000_000, 100_000_000)}
print(f"SciPy {scipy.__version__}: the relative error of beta(a, 3)", {a: f"{e:.0e}" for a, e in errors.items()})
assert errors[10] < 1e-15 and errors[100_000_000] < 1e-13
assert errors[1_000_000] > 1e-11, "it keeps its digits now"
PY
