#!/usr/bin/env bash
# The backward rule of a custom_vjp may return a gradient of another float type than its argument: jax.vjp and jax.grad
# hand out bfloat16 for an argument of float32, without an error, though a wrong shape is refused with one. And forward
# mode through a custom_vjp, which has none, is refused only when it is computed: jax.eval_shape and jax.make_jaxpr
# trace the jvp and return types as if there were one.
# What to do: cast in the rule, `g.astype(x.dtype)`, and compare types of gradients in a test; ask for forward mode by
# computing it once, not by tracing it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q jax==0.10.2 numpy
"$work/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp


def with_backward(backward):
    f = jax.custom_vjp(lambda x: x * x)
    f.defvjp(lambda x: (x * x, x), backward)
    return f


x = jnp.ones(3)
narrow = with_backward(lambda x, g: ((2 * x * g).astype(jnp.bfloat16),))
shaped = with_backward(lambda x, g: ((2 * x * g)[:2],))
gradient = jax.grad(lambda x: narrow(x).sum())(x)
print(f"jax {jax.__version__}: a gradient of {gradient.dtype} for an argument of {x.dtype}")
assert gradient.dtype == jnp.bfloat16, "another type is cast or refused now"
try:
    jax.grad(lambda x: shaped(x).sum())(x)
except ValueError as error:
    print("another shape:", str(error).partition("\n")[0][:70], "...")
else:
    raise AssertionError("another shape passes now")


def tangent(x):
    return jax.jvp(narrow, (x,), (x,))[1]


print("traced:", jax.eval_shape(tangent, x))
try:
    tangent(x)
except TypeError as error:
    print("computed:", error)
else:
    raise AssertionError("a custom_vjp has a forward mode now")
PY
