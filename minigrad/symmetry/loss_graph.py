"""The loss as a graph: recorded from a function or a model, it can be computed again at other numbers.

The proof, the probe, the remedies and explanations all work on a `Recording`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine import modes
from ..engine.derivative_limits import all_gradients
from ..engine.node import ARGUMENT, record
from ..engine.node import result_node as new_node
from ..engine.tree import tree_map
from ..engine.tree_folds import is_nested_list
from ..engine.value import Value, argument, graph, seed
from ..errors import ArgumentError, GradientLost, describe
from ..nn.module import Module
from ..tracing import trace
from ..tracing.replay import Evaluate, own_params, replay
from ..transforms.grad import check_leaf


@dataclass(frozen=True)
class Recording:
    """A recorded loss y and its parameters.

    symbolic_data: nodes that stand for any data. paths: the names of the parameters. nest: puts one array per
    parameter into the structure of the parameters.
    """

    y: Any
    params: Sequence[Value]
    paths: Sequence[str]
    nest: Callable[[Sequence[Any]], Any]
    symbolic_data: Sequence[Value] = ()
    model: Module | None = None
    call: tuple[Any, ...] = ()  # x, y, loss for a model

    @property
    def values(self) -> Any:
        """The numbers of all entries of all parameters, in order."""
        return flat([p._array for p in self.params])

    def split(self, entries: Any) -> list[Any]:
        """Split one number per entry into one array per parameter."""
        ends = np.cumsum([p._array.size for p in self.params])[:-1]
        parts = np.split(np.asarray(entries), ends) if self.params else []
        return [part.reshape(np.shape(p._array)) for part, p in zip(parts, self.params, strict=True)]

    def gradient(self, values: Any) -> Any:
        """The gradient for every entry at these numbers."""
        y, leaves = self.at(values)
        found = dict.fromkeys((x.serial for x in leaves), None)
        with np.errstate(all="ignore"):
            found |= {x.serial: g for x, g in all_gradients(y, seed(y)) if x.serial in found}
        return flat([np.zeros(x.shape) if found[x.serial] is None else found[x.serial] for x in leaves])

    def loss(self, values: object) -> float:
        """The loss at these numbers."""
        return float(np.asarray(self.at(values)[0]._array))

    def at(self, values: object) -> tuple[Value, list[Value]]:
        """The loss recorded again at other numbers, and the leaves that hold them."""
        env = self.record_again(values)
        return env[self.y.serial], [env[p.serial] for p in self.params]

    def record_again(self, values: Any) -> dict[int, Any]:
        """All nodes, recorded again at these numbers, by the serial of the old node."""
        leaves = [
            argument(part.astype(p._array.dtype)) for part, p in zip(self.split(values), self.params, strict=True)
        ]
        env: dict[int, Any] = {p.serial: leaf for p, leaf in zip(self.params, leaves, strict=True)}
        with modes.recording(), np.errstate(all="ignore"):
            return replay(graph(self.y), env, _RecordAgain())

    @property
    def is_detached(self) -> bool:
        """Whether some node does not keep its inputs, so the graph cannot be computed again."""
        return any(v.op not in (None, ARGUMENT) and not v.operands for v in graph(self.y))


class _RecordAgain(Evaluate):
    """Records each node again."""

    def leaf(self, node: Any) -> Any:
        """Keep data, and nodes that no longer have their operands."""
        return node if node.op is None or not node.operands else NotImplemented

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """Record the same op with other operands."""
        return record(Value, node.op, tuple(operands), own_params(node) or None)

    alias = apply


def flat(arrays: Sequence[Any]) -> Any:
    """All entries of all arrays, in order, in the widest of their types and float64."""
    kind = np.result_type(np.float64, *(np.asarray(x).dtype for x in arrays))
    parts = [np.ravel(np.asarray(x, dtype=kind)) for x in arrays]
    return np.concatenate(parts) if parts else np.zeros(0)


def plain_outputs(outputs: Any) -> Any:
    """A network's outputs as plain numbers: the same nesting, with arrays in place of Values."""
    return tree_map(lambda x, _: x.data if isinstance(x, Value) else x, outputs)


def loss_graph_of(y: Value) -> Recording:
    """The recording of a given graph; the parameters are its leaves, in serial order."""
    leaves = [v for v in graph(y) if v.op is None]
    names = Counter(v.name for v in leaves)
    paths = [v.name if v.name and names[v.name] == 1 else f"[{k}]" for k, v in enumerate(leaves)]
    return Recording(_loss(y), leaves, paths, list)


def of_function(f: Callable[..., Any], params: Any, data: Sequence[Any], for_all_data: bool) -> Recording:
    """Record f(params, *data) as a graph that does not depend on these numbers."""
    leaves: list[Value] = []
    paths: list[str] = []

    def enter(x: object, path: str) -> Value:
        data = np.array(x._array if isinstance(x, Value) else x)
        check_leaf("params", path, x, data.dtype)
        leaves.append(argument(data))
        paths.append(path)
        return leaves[-1]

    entered = tree_map(enter, params)
    symbolic_data, given = _data(data, for_all_data, per_number=False)
    with modes.recording(), trace():
        y = f(entered, *given)

    def nest(arrays: Sequence[Any]) -> Any:
        rest = iter(arrays)
        return tree_map(lambda _, path: next(rest), params)

    return Recording(_loss(y), leaves, paths, nest, symbolic_data)


def record_model_loss(model: Any, x: Any, y: Any, loss: Callable[[Any, Any], Any], for_all_data: bool) -> Recording:
    """Record loss(model(x), y) as a graph that does not depend on these numbers."""
    named = model.named_parameters()
    symbolic_data, given = _data((x, y), for_all_data, per_number=bool(getattr(model, "per_neuron", False)))
    with modes.recording(), trace():
        result = loss(model(given[0]), given[1])
    names = [name for name, _ in named]
    return Recording(
        _loss(result),
        [value for _, value in named],
        names,
        lambda arrays: dict(zip(names, arrays, strict=True)),
        symbolic_data,
        model,
        (x, y, loss),
    )


def _data(data: Sequence[Any], for_all_data: bool, per_number: bool) -> tuple[list[Value], list[Any]]:
    """The data, unchanged; or for all data, nodes of the same shapes and types that stand for any data."""
    if not for_all_data:
        return [], list(data)
    symbolic_data: list[Value] = []

    def symbol(x: Any, _: str) -> Any:
        array = np.asarray(x._array if isinstance(x, Value) else x)
        if array.dtype.kind not in "fiub":  # a text or None stays as it is
            return x
        if per_number and array.ndim:
            return [symbol(part, "") for part in array]
        symbolic_data.append(new_node(Value, array, ARGUMENT, ()))
        return symbolic_data[-1]

    return symbolic_data, [tree_map(symbol, _stack(x)) for x in data]


def _stack(x: Any) -> Any:
    """Convert lists of numbers to arrays; named tuples, dicts and dataclasses stay."""
    if not isinstance(x, (list, tuple)) or not is_nested_list(x, lambda leaf: not isinstance(leaf, Value)):
        return x
    try:
        return np.asarray(x)
    except ValueError:  # arrays of several shapes
        return x


def _loss(y: Any) -> Any:
    """Check that a loss is a Value of one real number."""
    if not isinstance(y, Value):
        raise GradientLost(
            f"the loss must be a Value computed from the parameters, got {describe(y)}\n"
            "  write  ties(f, params, *data)   with f(params, *data) computed from its arguments"
        )
    if y._array.size != 1:
        raise ArgumentError(
            f"ties takes a loss of one number, got {describe(y)}\n  write  y.sum()   for the ties of the sum"
        )
    seed(y)
    return y
