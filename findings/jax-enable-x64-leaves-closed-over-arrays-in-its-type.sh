#!/usr/bin/env bash
# A function that closes over an array of NumPy and hands it to a jitted function, as jnp.resize is, keeps the type that
# the array had when it was first traced. Trace it once under `jax.enable_x64(True)`, and it cannot be compiled in
# float32 any more, after the block: the constant is float64, and the call expects float32. The other order fails too.
# What to do: a tool that looks at a function of somebody else traces it in the types that JAX is set to. In one's own
# code, a copy of the array is traced anew.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q jax==0.12.0.1 numpy
"$work/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp
import numpy as np

weights = np.ones(3)


def f(p):
    return jnp.sum(p * jnp.resize(weights, (3,)))


with jax.enable_x64(True):
    jax.make_jaxpr(f)(np.ones(3))
try:
    print(jax.jit(f)(jnp.ones(3)))
except ValueError as error:
    print(f"jax {jax.__version__}:", str(error).splitlines()[1].strip()[:90], "...")
else:
    raise AssertionError("the types of closed-over arrays are those of each trace now")
weights = weights.copy()
print("with a copy of the array:", jax.jit(lambda p: f(p))(jnp.ones(3)))
PY
