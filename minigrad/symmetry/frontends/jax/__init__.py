"""JAX: a function f(params, *data) of its arrays as a recording.

    traced_function      parameters by path, data, keys of random numbers, and the jaxpr
    recorded_primitives  the jaxpr with ops of the table: elementwise_, shape_ and indexed_primitives

Its gradient is compared with that of jax.grad. The derivatives that JAX computes itself: `check/frameworks/jax`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun

from ....engine.node import ARGUMENT
from ....engine.node import result_node as new_node
from ....engine.value import Value, argument
from ....errors import ArgumentError, GradientLost
from ...every_draw import DRAWN, record_draws
from ...loss_graph import Recording, scope_of
from ..compare_gradients import check_gradients
from .recorded_primitives import Recorder
from .traced_function import TracedFunction


def record_jax_loss(f: Any, args: Sequence[Any], loss: Callable[..., Any] | None, for_all_data: bool) -> Recording:
    """The loss f(params, *data) as a graph; params and data: pytrees of JAX's or NumPy's arrays.

    A key of random numbers among the data stands for every key: its draws part what one draw would tie. Raises
    TracingError, MissingRule, ArgumentError, ShapeError.
    """
    if loss is not None:
        raise ArgumentError("loss= is for models; a function f(params, *data) returns the loss itself")
    if not callable(f) or not args:
        raise ArgumentError("write  ties(f, params, *data)   for a function of JAX's arrays")
    function = TracedFunction(f, args[0], args[1:], for_all_data)
    if not function.paths:
        raise ArgumentError("params hold no arrays\n  write  ties(f, params, *data)")
    leaves = [argument(x) for x in function.params]
    symbols = [new_node(Value, np.asarray(x, dtype=np.float64), ARGUMENT, ()) for x in function.symbols]
    draws: list[Any] = []

    def record() -> Any:
        draws.append(function.trace(len(draws)))
        return _record(draws[-1], [*leaves, *symbols])

    drawn = record_draws(record, {"f": f, "data": function.data}, DRAWN)
    given = Recording(drawn.one, leaves, function.paths, function.nest)
    gradients = _gradients(draws[0], function.symbols)
    check_gradients(given, gradients, _is_rounded(draws[0]), "JAX", "(jax.custom_jvp, jax.custom_vjp)", "jnp.max")
    return Recording(
        drawn.y,
        leaves,
        function.paths,
        function.nest,
        (*symbols, *drawn.symbols),
        scope=scope_of(for_all_data, drawn),
        draws=drawn.count,
    )


def _record(jaxpr: Any, leaves: Sequence[Value]) -> Any:
    """The loss as a Value of these leaves. Raises MissingRule that names all primitives without a counterpart."""
    recorder = Recorder()
    with np.errstate(all="ignore"):
        (y,) = recorder.compute(jaxpr, leaves)
    recorder.refuse_unknown()
    if not isinstance(y, Value):
        raise GradientLost("the loss does not depend on the parameters\n  write  ties(f, params, *data)")
    return y


def _is_rounded(jaxpr: Any) -> bool:
    """Whether it computes in less than float64 somewhere."""
    return any(name in str(jaxpr) for name in ("f32[", "f16["))  # also bf16[


def _gradients(jaxpr: Any, symbols: Sequence[Any]) -> Callable[[Sequence[Any]], list[Any]]:
    """The gradients by jax.grad, as a function of the parameters."""
    f = jaxpr_as_fun(jaxpr)
    grad = jax.jit(jax.grad(lambda params: f(*params, *symbols)[0]))
    kinds = [v.aval.dtype for v in jaxpr.jaxpr.invars]

    def gradients(arrays: Sequence[Any]) -> list[Any]:
        params = [jnp.asarray(x, kind) for x, kind in zip(arrays, kinds, strict=False)]
        return [np.asarray(g, dtype=np.float64) for g in grad(params)]

    return gradients
