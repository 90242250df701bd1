"""Records a jaxpr with ops of the table: one row for each primitive that depends on a parameter.

What depends on no parameter is a constant, and JAX computes it. Calls are opened, and loops unrolled.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import Literal

from ....engine.node import ARGUMENT
from ....engine.node import result_node as new_node
from ....engine.value import Value
from ....errors import ArgumentError, MinigradError, MissingRule
from .elementwise_primitives import CUSTOM, ELEMENTWISE
from .indexed_primitives import INDEXED
from .shape_primitives import SHAPES

ROWS = ELEMENTWISE | SHAPES  # by name of the primitive
INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")  # parameters that hold what a call opens
CUSTOM_CALLS = ("custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr")
# Parameters that say how to compute or to store, and nothing about the numbers.
HINTS = (
    "accuracy", "precision", "preferred_element_type", "weak_type", "out_sharding", "sharding", "is_stable",
    "index_dtype", "out_dtype", "exponent_bits", "mantissa_bits",
)  # fmt: skip
MOST_STEPS = 10_000  # of a loop that is unrolled


class Recorder:
    """Computes jaxprs on Values, and collects the primitives that have no counterpart."""

    def __init__(self) -> None:
        self.unknown: dict[str, None] = {}

    def refuse_unknown(self) -> None:
        """Raise MissingRule that names all primitives without a counterpart."""
        if self.unknown:
            raise MissingRule(
                "these operations of the function have no counterpart here:\n"
                + "\n".join(f"  {name}" for name in self.unknown)
            )

    def compute(self, closed: Any, args: Sequence[Any]) -> list[Any]:
        """The results of a jaxpr, or of a closed one, at Values and arrays."""
        jaxpr, consts = getattr(closed, "jaxpr", closed), getattr(closed, "consts", ())
        env: dict[Any, Any] = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*consts, *args], strict=True))
        for eqn in jaxpr.eqns:
            given = [_read(env, x) for x in eqn.invars]
            if any(isinstance(x, Value) for x in given):
                found = self._equation(eqn, given)
            else:
                found = _compute_constant(jaxpr, eqn, given)
            env.update(zip(eqn.outvars, found, strict=True))
        return [_read(env, x) for x in jaxpr.outvars]

    def _equation(self, eqn: Any, given: list[Any]) -> list[Any]:
        try:
            special = getattr(self, f"_{eqn.primitive.name}", None)
            return special(eqn, given) if special else self._row(eqn, [_as_array(x) for x in given])
        except MissingRule as error:
            self.unknown[f"{error}{_place_of(eqn)}"] = None
        except MinigradError as error:
            self.unknown[f"{eqn.primitive.name}{_place_of(eqn)}: {error}"] = None
        return [new_node(Value, np.ones(v.aval.shape), ARGUMENT, ()) for v in eqn.outvars]  # to find the others

    def _row(self, eqn: Any, given: list[Any]) -> list[Any]:
        """The results of the row of a primitive, or of what it calls."""
        found: list[Any] = _apply_row(eqn, given)
        if found is not NotImplemented:
            return found
        inner = next(
            (eqn.params[name] for name in ("jaxpr", "call_jaxpr", "fun_jaxpr") if name in eqn.params), None
        )
        if inner is None or len(getattr(inner, "jaxpr", inner).invars) != len(given):
            raise MissingRule(eqn.primitive.name)
        return self.compute(inner, given)

    def _scan(self, eqn: Any, given: list[Any]) -> list[Any]:
        """A scan, step by step. What is scanned has one axis more than what the step takes."""
        step = eqn.params["jaxpr"]
        inner = getattr(step, "jaxpr", step)
        scanned = [np.ndim(x) > len(v.aval.shape) for x, v in zip(given, inner.invars, strict=True)]
        stacked = [len(v.aval.shape) > len(w.aval.shape) for v, w in zip(eqn.outvars, inner.outvars, strict=True)]
        length = eqn.params["length"]
        _check_steps(length)
        first = scanned.index(True) if True in scanned else len(given)
        kept = len(stacked) - sum(stacked)
        consts, carry, xs = given[: first - kept], given[first - kept : first], given[first:]
        rows: list[list[Any]] = [[None] * length for _ in range(sum(stacked))]
        for k in reversed(range(length)) if eqn.params["reverse"] else range(length):
            out = self.compute(step, [*consts, *carry, *(x[k] for x in xs)])
            carry = out[:kept]
            for row, y in zip(rows, out[kept:], strict=True):
                row[k] = y
        return [*carry, *map(_stack, rows, [v.aval for v in eqn.outvars[kept:]])]

    def _while(self, eqn: Any, given: list[Any]) -> list[Any]:
        """A loop whose end depends on no parameter."""
        p = eqn.params
        of_test, of_body = p["cond_nconsts"], p["body_nconsts"]
        test, body, state = given[:of_test], given[of_test : of_test + of_body], given[of_test + of_body :]
        for steps in range(MOST_STEPS + 1):
            _check_steps(steps)
            (goes_on,) = self.compute(p["cond_jaxpr"], [*test, *state])
            if isinstance(goes_on, Value):
                raise ArgumentError("how often the loop runs depends on the parameters")
            if not goes_on:
                break
            state = self.compute(p["body_jaxpr"], [*body, *state])
        return state

    def _cond(self, eqn: Any, given: list[Any]) -> list[Any]:
        """The branch that is taken, if that depends on no parameter."""
        index, *rest = given
        if isinstance(index, Value):
            raise ArgumentError("which branch is taken depends on the parameters\n    write  jnp.where")
        branches = eqn.params["branches"]
        return self.compute(branches[min(max(int(index), 0), len(branches) - 1)], rest)


def _apply_row(eqn: Any, given: Sequence[Any]) -> Any:
    """The results of the row of a primitive on Values and arrays; NotImplemented without a row."""
    name = eqn.primitive.name
    if name in CUSTOM_CALLS:
        custom = CUSTOM.get(_name_of_function(eqn))
        return NotImplemented if custom is None else [custom(*given)]
    params = {key: x for key, x in eqn.params.items() if key not in HINTS}
    if name in INDEXED:
        found = INDEXED[name](eqn.primitive.bind, *given, **params)
    elif name in ROWS:
        found = ROWS[name](*given, **params)
    else:
        return NotImplemented
    return list(found) if eqn.primitive.multiple_results else [found]


def _name_of_function(eqn: Any) -> str:
    """The name of the function with a derivative of its own that is called."""
    inner = eqn.params.get("call_jaxpr", eqn.params.get("fun_jaxpr"))
    inner = getattr(inner, "jaxpr", inner)
    return str(eqn.params.get("name") or (len(inner.eqns) == 1 and inner.eqns[0].params.get("name")))


def _compute_constant(jaxpr: Any, eqn: Any, given: Sequence[Any]) -> list[Any]:
    """What JAX computes for one equation of a jaxpr."""
    inputs = {v: x for v, x in zip(eqn.invars, given, strict=True) if not isinstance(v, Literal)}
    alone = jaxpr.replace(eqns=[eqn], constvars=[], invars=[*inputs], outvars=[*eqn.outvars])
    return list(jax.core.eval_jaxpr(alone, [], *inputs.values()))


def _read(env: dict[Any, Any], x: Any) -> Any:
    return x.val if isinstance(x, Literal) else env[x]


def _as_array(x: Any) -> Any:
    """A constant for an op of the table: floats are float64."""
    if isinstance(x, Value):
        return x
    array = np.asarray(x)
    return array.astype(np.float64) if array.dtype.kind in "fV" else array


def _stack(rows: list[Any], aval: Any) -> Any:
    """The results of all steps of a loop as one array; of no step, an empty one."""
    if not rows:
        return np.zeros(aval.shape)
    return np.stack([_as_array(x) for x in rows])


def _check_steps(steps: int) -> None:
    if steps > MOST_STEPS:
        raise ArgumentError(f"a loop of more than {MOST_STEPS:,} steps is not unrolled")


def _place_of(eqn: Any) -> str:
    """Where the operation stands: the line of the user's file, if that is known."""
    frames = getattr(eqn.source_info.traceback, "frames", ())
    user = next((f for f in frames if f"{os.sep}jax{os.sep}" not in f.file_name), None)
    return f" in {os.path.basename(user.file_name)}, line {user.line_num}" if user else ""
