"""A loss traced by PyTorch into a graph of ATen operations, none of which changes a tensor in place.

`torch.export` traces modules whole, with recurrent and attention layers. What it refuses, `make_fx` tries: it
records the operations of one call, and also refuses code that branches on the numbers of a tensor.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._decomp import decomposition_table
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils import _pytree as pytree

from ....errors import TracingError
from .aten_elementwise import ELEMENTWISE
from .aten_layers import LAYERS
from .aten_shapes import SHAPES

ROWS = ELEMENTWISE | SHAPES | LAYERS  # by name of the operation, with its overload where the others differ
# What `torch.export` cannot follow, in the names of its own exceptions.
BRANCHES = ("DataDependent", "Unbacked", "UserError", "dynamic", "Could not guard")


@dataclass(frozen=True)
class TracedLoss:
    """The graph, and what each of its inputs is: the name of a parameter, or a tensor."""

    module: Any
    inputs: Mapping[str, Any]
    output: Any

    def needed(self) -> list[Any]:
        """The nodes that the loss depends on, in order."""
        found = {self.output}
        for node in reversed(self.module.graph.nodes):
            if node in found:
                found.update(node.all_input_nodes)
        return [node for node in self.module.graph.nodes if node in found]


def name_of_operation(target: Any) -> tuple[str, str]:
    """The name of an operation with and without its overload, as in add.Tensor and add."""
    packet = getattr(target, "overloadpacket", None)
    if packet is None:
        return (name := getattr(target, "__name__", str(target))), name
    return f"{packet.__name__}.{target._overloadname}", packet.__name__


def row_of(target: Any) -> Any:
    """The row of the table for an operation; None without one."""
    full, short = name_of_operation(target)
    return ROWS.get(full, ROWS.get(short))


def trace_loss(module: Any, data: Sequence[Any]) -> TracedLoss:
    """The graph of module(*data), which returns a loss. Raises TracingError where neither way can trace it."""
    with _quiet():
        try:
            return _exported(module, data)
        except Exception as error:
            reason = error
        try:
            return _recorded(module, data)
        except Exception:
            raise TracingError(_refusal(reason)) from reason


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """PyTorch's remarks on its own workings are not for who asks for ties."""
    aside = contextlib.redirect_stderr(io.StringIO())  # the whole graph, where a trace fails
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        with aside, warnings.catch_warnings(), torch.inference_mode(False), torch.enable_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _decompositions() -> Any:
    """How PyTorch writes operations with simpler ones, for those without a row here."""
    table = torch.export.default_decompositions()
    known = {**decomposition_table, **dict(table.items())}
    return {operation: simpler for operation, simpler in known.items() if row_of(operation) is None}


def _exported(module: Any, data: Sequence[Any]) -> TracedLoss:
    program = torch.export.export(module, tuple(data))
    _detach_what_is_computed_without_grad(program.graph)
    program = program.run_decompositions(_decompositions())
    signature = program.graph_signature
    given = iter(pytree.tree_leaves(tuple(data)))
    parameters = _names_of_parameters(module)
    tensors = {**dict(module.named_buffers(remove_duplicate=False)), **program.constants}
    tensors |= dict(module.named_parameters(remove_duplicate=False))
    inputs: dict[str, Any] = {}
    for spec in signature.input_specs:
        if spec.kind.name == "USER_INPUT":
            inputs[spec.arg.name] = next(given)
        elif spec.target is not None:  # not a token, which orders what has effects
            tensor = tensors[spec.target]
            inputs[spec.arg.name] = parameters.get(id(tensor), tensor)
    outputs = [arg for node in program.graph.nodes if node.op == "output" for arg in node.args[0]]
    names = [spec.arg.name for spec in signature.output_specs if spec.kind.name == "USER_OUTPUT"]
    return TracedLoss(program.graph_module, inputs, next(node for node in outputs if node.name == names[0]))


def _detach_what_is_computed_without_grad(graph: Any) -> None:
    """Mark the results of blocks under ``torch.no_grad()``: simpler operations would lose that."""
    for block in [*graph.nodes]:
        if block.target is not torch.ops.higher_order.wrap_with_set_grad_enabled or block.args[0]:
            continue
        for result in [*block.users]:
            with graph.inserting_after(result):
                detached = graph.call_function(torch.ops.aten.detach.default, (result,))
            detached.meta = dict(result.meta)
            result.replace_all_uses_with(detached, lambda user, detached=detached: user is not detached)


def _names_of_parameters(module: Any) -> dict[int, str]:
    """The names of the parameters that are trained, by identity: a shared one has the first of its names."""
    return {id(p): name for name, p in module.named_parameters() if p.requires_grad}


def _recorded(module: Any, data: Sequence[Any]) -> TracedLoss:
    state = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    leaves, structure = pytree.tree_flatten(tuple(data))

    def loss(tensors: Any, *leaves: Any) -> Any:
        return torch.func.functional_call(module, tensors, pytree.tree_unflatten(leaves, structure))

    pure = torch.func.functionalize(loss, remove="mutations")
    traced = make_fx(pure, decomposition_table=_decompositions())(state, *leaves)
    parameters = _names_of_parameters(module)
    given = [parameters.get(id(x), x) for x in (*state.values(), *leaves)]
    places = [node.name for node in traced.graph.nodes if node.op == "placeholder"]
    (output,) = (node.args[0] for node in traced.graph.nodes if node.op == "output")
    return TracedLoss(traced, dict(zip(places, given, strict=True)), *pytree.tree_leaves(output))


def first_line(error: Exception) -> str:
    """The kind of an error, and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).strip() or '?').splitlines()[0]}"


def _refusal(error: Exception) -> str:
    text = f"PyTorch cannot trace this module: {first_line(error)}"
    if any(word in type(error).__name__ + str(error) for word in BRANCHES):
        text += "\n  a shape or a branch depends on numbers that are computed; ties needs one graph for all of them"
        text += "\n  write  torch.where   for a branch"
        text += "\n  or     a mixture of experts in dense form: the sum of all experts, each times its gate"
    return text
