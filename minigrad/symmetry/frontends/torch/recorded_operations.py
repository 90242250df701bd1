"""Records a traced loss with ops of the table: one row for each operation that depends on a parameter.

What depends on no parameter is a constant, and PyTorch computes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ....engine import modes
from ....engine.node import ARGUMENT
from ....engine.node import result_node as new_node
from ....engine.value import Value
from ....errors import ArgumentError, MinigradError, MissingRule
from ....tracing import trace
from .traced_loss import TracedLoss, name_of_operation, row_of

DENSE = """
  the shape of a result depends on numbers that are computed; ties needs one graph for all of them
  write  a mixture of experts in dense form: the sum of all experts, each times its gate"""
# What says how numbers lie in memory, and nothing about them.
STORAGE = ("layout", "device", "pin_memory", "memory_format", "generator", "non_blocking")


def record_operations(traced: TracedLoss, leaves: Mapping[Any, Value]) -> tuple[Any, list[Value]]:
    """The loss as a Value of these leaves, and the masks of dropout in it: nodes that stand for any mask.

    leaves: by name of the parameter, or by identity of the tensor for other data.
    Raises MissingRule that names all operations without a row, ArgumentError for a call that its row cannot take.
    """
    nodes = traced.needed()
    _refuse_unknown(nodes, [node for node in nodes if node.op == "placeholder" and _key(node, traced) in leaves])
    env: dict[Any, Any] = {}
    masks: list[Value] = []

    def draw(shape: Sequence[int], mean: float = 1.0) -> Value:
        masks.append(new_node(Value, np.full(shape, mean), ARGUMENT, ()))
        return masks[-1]

    with modes.recording(), trace(), torch.no_grad(), np.errstate(all="ignore"):
        for node in nodes:
            env[node] = _compute(node, env, traced, leaves, draw)
    return env[traced.output], masks


def _compute(node: Any, env: dict[Any, Any], traced: TracedLoss, leaves: Mapping[Any, Value], draw: Any) -> Any:
    if node.op == "placeholder":
        return leaves.get(_key(node, traced), traced.inputs.get(node.name))
    if node.op == "get_attr":
        return _attribute(traced.module, node.target)
    args, kwargs = torch.fx.node.map_arg((node.args, node.kwargs), env.__getitem__)
    drawing = {"draw": draw} if _draws(node) else {}
    if not drawing and not _holds_value((args, kwargs)):
        return node.target(*args, **kwargs)
    try:
        return apply_row(node.target, args, kwargs | drawing)
    except MinigradError as error:
        error.add_note(f"in {name_of_operation(node.target)[1]}{module_of_node(node)} of the module")
        raise


def apply_row(target: Any, args: Any, kwargs: Any) -> Any:
    """The result of the row of an operation on Values and tensors."""
    args, kwargs = torch.fx.node.map_aggregate(_positional(target, args, kwargs), _as_array)
    return row_of(target)(*args, **{k: v for k, v in kwargs.items() if k not in STORAGE})


def _positional(target: Any, args: Any, kwargs: Any) -> tuple[list[Any], dict[str, Any]]:
    """The arguments by position as far as ATen allows, so that a row may name its parameters as it likes."""
    args, kwargs = [*args], dict(kwargs)
    places = [a for a in target._schema.arguments if not a.kwarg_only] if hasattr(target, "_schema") else []
    for argument in places[len(args) :]:
        if not kwargs.keys() & {a.name for a in places}:
            break
        args.append(kwargs.pop(argument.name, argument.default_value))
    return args, kwargs


def _key(node: Any, traced: TracedLoss) -> Any:
    given = traced.inputs.get(node.name)
    return given if isinstance(given, str) else id(given)


def _attribute(graph: Any, path: str) -> Any:
    for name in path.split("."):
        graph = getattr(graph, name)
    return graph


def _holds_value(x: Any) -> bool:
    found: list[bool] = []
    torch.fx.node.map_aggregate(x, lambda leaf: found.append(isinstance(leaf, Value)))
    return any(found)


def _as_array(x: Any) -> Any:
    """A constant for an op of the table: floats are float64."""
    if isinstance(x, torch.dtype):
        return _DTYPES.get(x, np.float64 if x.is_floating_point else np.int64)
    if not isinstance(x, torch.Tensor):
        return x
    array = x.detach().numpy()
    return array.astype(np.float64) if array.dtype.kind == "f" else array


_DTYPES = {torch.bool: np.bool_}


def module_of_node(node: Any) -> str:
    """Where a node stands: the module that called it."""
    stack = [*(node.meta.get("nn_module_stack") or {}).values()]
    if not stack:
        return ""
    path, kind = stack[-1]
    path = str(path).removeprefix("module").removeprefix(".")
    kind = (kind if isinstance(kind, str) else kind.__name__).rpartition(".")[2]
    return f" in {path} ({kind})" if path else f" in {kind}"


def _refuse_unknown(nodes: list[Any], leaves: list[Any]) -> None:
    """Raise MissingRule for all operations of leaves without a row, ArgumentError for draws of random numbers."""
    depends = {*leaves}
    unknown: dict[str, None] = {}
    drawn: dict[str, None] = {}
    for node in nodes:
        if node.op != "call_function":
            continue
        if any(x in depends for x in node.all_input_nodes):
            depends.add(node)
        name = f"{name_of_operation(node.target)[0].removesuffix('.default')}{module_of_node(node)}"
        if _draws(node) and row_of(node.target) is None:
            drawn[name] = None
        elif node in depends and row_of(node.target) is None:
            unknown[name] = None
    if drawn:
        raise ArgumentError(
            "the module draws random numbers, anew at each step, which part what would stay tied:\n"
            + "\n".join(f"  {name}" for name in drawn)
            + "\n  write  module.eval()   if they are drawn in training alone"
            + "\n  or     module(x, noise)   with the numbers as data"
        )
    if unknown:
        rows = "".join(f"\n  {name}" for name in unknown)
        depending = any(name.startswith(("nonzero", "masked_select")) for name in unknown)
        raise MissingRule(f"these operations of the module have no counterpart here:{rows}{DENSE * depending}")


def _draws(node: Any) -> bool:
    """Whether an operation draws random numbers; those with a row do so only with a probability above 0."""
    if torch.Tag.nondeterministic_seeded not in getattr(node.target, "tags", ()):
        return False
    if row_of(node.target) is None:
        return True
    names = [argument.name for argument in node.target._schema.arguments]
    given = dict(zip(names, node.args, strict=False)) | dict(node.kwargs)
    return bool(given.get("p", given.get("dropout_p", 0))) and given.get("train", True) is not False


def computes_in_less(traced: TracedLoss) -> bool:
    """Whether the module rounds to fewer digits than float64 has, as by ``x.float()``."""
    short = (torch.float32, torch.float16, torch.bfloat16)
    return any(node.kwargs.get("dtype") in short for node in traced.needed())
