#!/usr/bin/env bash
# A jitted function with donate_argnums works when it is called, and when the gradient around it is jitted; the same
# gradient without jit raises "Array has been deleted". Reverse mode keeps the argument for the backward pass, and the
# call inside has donated it. It depends on what the backward pass needs: the gradient of 2·x does not raise.
# What to do: donate where the whole step (loss, gradient, update) is jitted, never in a function that is differentiated;
# or jit the gradient.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q jax==0.10.2 numpy
"$work/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp

square = jax.jit(lambda x: x * x, donate_argnums=0)
double = jax.jit(lambda x: 2 * x, donate_argnums=0)


def outcome(gradient):
    try:
        return gradient(jnp.ones(3)).tolist()
    except RuntimeError as error:
        return str(error)


def gradient_of(f):
    return jax.grad(lambda x: f(x).sum())


found = {
    "square(x)": outcome(square),
    "grad of double": outcome(gradient_of(double)),
    "jit(grad of square)": outcome(jax.jit(gradient_of(square))),
    "grad of square": outcome(gradient_of(square)),
}
for name, value in found.items():
    print(f"jax {jax.__version__} {name:20}: {value}")
assert "deleted" in found.pop("grad of square"), "an eager gradient keeps what it needs now"
assert all(isinstance(value, list) for value in found.values())
PY
