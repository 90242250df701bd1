#!/usr/bin/env bash
# A class may ask pandas to leave an operator to it: __pandas_priority__ above that of a DataFrame (4000). pandas heeds
# it for + - * / and comparisons, but not for @: DataFrame.__matmul__ goes straight to dot, which converts the other
# operand with np.asarray, so that the class's own __rmatmul__ is never called and its wrapper is lost in silence.
# What to do: convert the frame first, `frame.to_numpy() @ x`, and test each operator of such a class, @ too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pandas==3.1.1 numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np
import pandas as pd


class Traced:
    """An array with a note of where it has been."""

    __pandas_priority__ = 5000

    def __init__(self, x):
        self.x = np.asarray(x)
        self.shape = self.x.shape

    def __array__(self, dtype=None, copy=None):
        return self.x

    def __rmul__(self, other):
        return Traced(np.asarray(other) * self.x)

    def __rmatmul__(self, other):
        return Traced(np.asarray(other) @ self.x)


frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
times, product = frame * Traced(np.ones((2, 2))), frame @ Traced(np.ones((2, 1)))
print(f"pandas {pd.__version__}: frame * x is {type(times).__name__}, frame @ x is {type(product).__name__}")
assert type(times) is Traced, "the priority is no longer heeded for *"
assert type(product) is pd.DataFrame, "the priority is heeded for @ now"
PY
