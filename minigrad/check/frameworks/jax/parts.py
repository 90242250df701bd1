"""The parts of a function of JAX that have derivatives of their own: calls of custom_vjp and custom_jvp.

They are equations of its jaxpr, also inside of jitted functions and branches. In loops they are seen at the first
step. Those of PyTorch: `check/frameworks/torch/parts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ..framework import CalledPart, name_of_call
from . import adapt

UNSEEN = (
    "only functions with custom_vjp or custom_jvp can be told apart: "
    "the derivatives of JAX's own primitives come from no code of yours"
)


def parts(f: Any, args: tuple[Any, ...]) -> tuple[list[CalledPart], str]:
    """The parts of f, each after those inside of it, f itself last; and why there are no others."""
    function = adapt(f, args, None)
    call, *xs = function.of_leaves(function.args)
    closed = jax.make_jaxpr(call)(*xs)
    found: list[CalledPart] = []
    inside = _walk(closed.jaxpr, closed.consts, xs, found)
    return [*found, CalledPart(name_of_call(f), f, args, tuple(inside))], UNSEEN


@dataclass(frozen=True)
class Equation:
    """An equation of a jaxpr as a function of its operands, without constants of the call."""

    equation: Any
    constants: tuple[Any, ...] = ()

    @property
    def __name__(self) -> str:
        return _name(self.equation)

    def __call__(self, *operands: Any) -> Any:
        """Its results; the only one by itself."""
        found = _results(self.equation, [*self.constants, *operands])
        return found[0] if len(found) == 1 else found


def _walk(jaxpr: Any, constants: Sequence[Any], inputs: Sequence[Any], found: list[CalledPart]) -> list[int]:
    """Compute a jaxpr and collect its parts; returns the positions of those that are inside of no other."""
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*constants, *inputs], strict=True))
    outermost = []
    for equation in jaxpr.eqns:
        operands = [x.val if hasattr(x, "val") else values[x] for x in equation.invars]
        inside: list[int] = []
        for body, consts, given in _bodies(equation, operands):
            inside += _walk(body, consts, given, found)
        if equation.primitive.name.startswith(("custom_vjp_call", "custom_jvp_call")):
            count = equation.params.get("num_consts", 0)
            function = Equation(equation, tuple(operands[:count]))
            found.append(CalledPart(_name(equation), function, tuple(operands[count:]), tuple(inside)))
            inside = [len(found) - 1]
        outermost += inside
        values |= zip(equation.outvars, _results(equation, operands), strict=True)
    return outermost


def _bodies(equation: Any, operands: list[Any]) -> Iterator[tuple[Any, Sequence[Any], list[Any]]]:
    """The jaxprs that an equation runs: each with its constants, and its inputs at the first step."""
    params, name = equation.params, equation.primitive.name
    if name == "scan":
        if params["length"]:
            body, consts = _open(params["jaxpr"])
            first = -1 if params["reverse"] else 0
            # What has one axis more than the body takes is given step by step.
            given = zip(operands, body.invars, strict=True)
            yield body, consts, [x[first] if jnp.ndim(x) > len(v.aval.shape) else x for x, v in given]
    elif name == "while":
        start = params["cond_nconsts"]
        yield *_open(params["body_jaxpr"]), operands[start:]
    elif name == "cond":
        branches = params["branches"]
        yield *_open(branches[min(max(int(operands[0]), 0), len(branches) - 1)]), operands[1:]
    else:
        for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
            if key in params and len(_open(params[key])[0].invars) == len(operands):
                yield *_open(params[key]), operands


def _open(jaxpr: Any) -> tuple[Any, Sequence[Any]]:
    """A jaxpr, and the constants that came with it."""
    return getattr(jaxpr, "jaxpr", jaxpr), getattr(jaxpr, "consts", ())


def _results(equation: Any, operands: Sequence[Any]) -> list[Any]:
    bound = equation.primitive.get_bind_params(equation.params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)
    found = equation.primitive.bind(*functions, *operands, **params)
    return list(found) if equation.primitive.multiple_results else [found]


def _name(equation: Any) -> str:
    """The name of a function with a derivative of its own, and its line in the source."""
    inner = next((equation.params[key] for key in ("call_jaxpr", "fun_jaxpr") if key in equation.params), None)
    info = getattr(getattr(_open(inner)[0], "debug_info", None), "func_src_info", None)
    return str(info or equation.primitive.name)
