"""A check imports no framework that its caller does not use."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import numpy as np
import minigrad

x = np.array([0.5, -0.7])
assert minigrad.gradient_report(np.sin, x).ok
assert minigrad.gradient_report(lambda x: np.sum(x * x), x, grad=lambda x: 2 * x).ok
assert minigrad.check_op(np.exp).ok and minigrad.check_graph(np.sin(minigrad.Value(0.5))).ok
loaded = {"torch", "jax", "jaxlib"} & {name.partition(".")[0] for name in sys.modules}
assert not loaded, loaded
"""


def test_a_check_of_numpy_functions_imports_neither_torch_nor_jax() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
