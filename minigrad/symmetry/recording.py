"""The loss as a graph: recorded from a function or a model, and computed anew at other numbers.

`Recording` is what the proof, the probe, the remedies and the explanation all work on, whichever way the loss came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import context
from ..errors import ArgumentError, GradientLost, describe
from ..nn.module import Module
from ..node import ARGUMENT, ITEM, record
from ..node import node as new_node
from ..tree import tree_map
from ..value import Value, argument, graph, seed, sweep


@dataclass(frozen=True)
class Recording:
    """A loss y, the parameters it depends on (or might), and how to put numbers for all entries in their nesting.

    free: nodes that stand for any data. paths: what each parameter is called. nested: takes an array for each.
    """

    y: Any
    params: Sequence[Value]
    paths: Sequence[str]
    nested: Callable[[Sequence[Any]], Any]
    free: Sequence[Value] = ()
    model: Module | None = None
    call: tuple[Any, ...] = ()  # of a model: x, y, loss

    @property
    def values(self) -> Any:
        """The numbers of all entries of all parameters, in order."""
        return flat([p._array for p in self.params])

    def split(self, entries: Any) -> list[Any]:
        """One array per parameter, out of one number per entry."""
        ends = np.cumsum([p._array.size for p in self.params])[:-1]
        parts = np.split(np.asarray(entries), ends) if self.params else []
        return [part.reshape(np.shape(p._array)) for part, p in zip(parts, self.params, strict=True)]

    def gradient(self, values: Any) -> Any:
        """The gradient for every entry, where the entries are these numbers."""
        y, leaves = self.at(values)
        found = dict.fromkeys((x.serial for x in leaves), None)
        with np.errstate(all="ignore"):
            found |= {x.serial: g for x, g in sweep(y, seed(y)) if x.serial in found}
        return flat([np.zeros(x.shape) if found[x.serial] is None else found[x.serial] for x in leaves])

    def loss(self, values: Any) -> float:
        """The loss, where the entries are these numbers."""
        return float(np.asarray(self.at(values)[0]._array))

    def at(self, values: Any) -> tuple[Value, list[Value]]:
        """The loss recorded anew with other numbers, and the leaves that hold them."""
        env = self.again(values)
        return env[self.y.serial], [env[p.serial] for p in self.params]

    def again(self, values: Any) -> dict[int, Any]:
        """Every node recorded anew, by the serial of the old one."""
        leaves = [
            argument(part.astype(p._array.dtype)) for part, p in zip(self.split(values), self.params, strict=True)
        ]
        env: dict[int, Any] = {p.serial: leaf for p, leaf in zip(self.params, leaves, strict=True)}
        with context.recording(), np.errstate(all="ignore"):
            for old in graph(self.y):
                if old.serial not in env:
                    env[old.serial] = _again(old, env)
        return env

    @property
    def masks(self) -> bool:
        """Whether some node let its inputs go when it was recorded, so that the graph cannot be computed anew."""
        return any(v.op not in (None, ARGUMENT) and not v.operands for v in graph(self.y))


def _again(old: Any, env: dict[int, Any]) -> Any:
    if old.op is None or not old.operands:
        return old
    if old.op is ITEM:
        return env[old._a.serial][old.params["k"]]
    operands = tuple(env[x.serial] if isinstance(x, Value) else x for x in old.operands)
    params = {name: p for name, p in (old.params or {}).items() if name != "saved"}
    return record(Value, old.op, operands, params or None)


def flat(arrays: Sequence[Any]) -> Any:
    """All entries of all arrays, in order."""
    parts = [np.ravel(np.asarray(x, dtype=np.float64)) for x in arrays]
    return np.concatenate(parts) if parts else np.zeros(0)


def plain_outputs(outputs: Any) -> Any:
    """A network's outputs as plain numbers, in either form: an array, or lists of numbers for lists of Values."""
    if isinstance(outputs, (list, tuple)):
        return [plain_outputs(part) for part in outputs]
    return outputs.data if isinstance(outputs, Value) else outputs


def of_graph(y: Value) -> Recording:
    """A loss that has been recorded; its parameters are its leaves, in serial order."""
    leaves = [v for v in graph(y) if v.op is None]
    names = Counter(v.name for v in leaves)
    paths = [v.name if v.name and names[v.name] == 1 else f"[{k}]" for k, v in enumerate(leaves)]
    return Recording(_loss(y), leaves, paths, list)


def of_function(f: Callable[..., Any], params: Any, data: Sequence[Any], for_all_data: bool) -> Recording:
    """f(params, *data), recorded so that nothing in the graph depends on these very numbers."""
    leaves: list[Value] = []
    paths: list[str] = []

    def enter(x: Any, path: str) -> Value:
        leaves.append(argument(np.array(x._array if isinstance(x, Value) else x)))
        paths.append(path)
        return leaves[-1]

    entered = tree_map(enter, params)
    free, given = _data(data, for_all_data, per_number=False)
    with context.recording(), context.trace():
        y = f(entered, *given)

    def nested(arrays: Sequence[Any]) -> Any:
        rest = iter(arrays)
        return tree_map(lambda _, path: next(rest), params)

    return Recording(_loss(y), leaves, paths, nested, free)


def of_model(model: Any, x: Any, y: Any, loss: Callable[[Any, Any], Any], for_all_data: bool) -> Recording:
    """loss(model(x), y), recorded in the same way."""
    named = model.named_parameters()
    free, given = _data((x, y), for_all_data, per_number=bool(getattr(model, "per_neuron", False)))
    with context.recording(), context.trace():
        result = loss(model(given[0]), given[1])
    names = [name for name, _ in named]
    return Recording(
        _loss(result),
        [value for _, value in named],
        names,
        lambda arrays: dict(zip(names, arrays, strict=True)),
        free,
        model,
        (x, y, loss),
    )


def _data(data: Sequence[Any], for_all_data: bool, per_number: bool) -> tuple[list[Value], list[Any]]:
    """Data as they are; or, for all data, as nodes that stand for any: of the same shapes and types."""
    if not for_all_data:
        return [], list(data)
    free: list[Value] = []

    def symbol(x: Any, _: str) -> Any:
        array = np.asarray(x._array if isinstance(x, Value) else x)
        if array.dtype.kind not in "fiub":  # a word, None: what is no number stands for itself
            return x
        if per_number and array.ndim:
            return [symbol(part, "") for part in array]
        free.append(new_node(Value, array, ARGUMENT, ()))
        return free[-1]

    return free, [tree_map(symbol, _stacked(x)) for x in data]


def _stacked(x: Any) -> Any:
    """Lists of numbers as the array they are."""
    if isinstance(x, (list, tuple)) and not any(isinstance(part, (Value, dict)) for part in x):
        return np.asarray(x)
    return x


def _loss(y: Any) -> Any:
    """A loss: a Value of one real number."""
    if not isinstance(y, Value):
        raise GradientLost(
            f"a loss that depends on the parameters is a Value, got {describe(y)}\n"
            "  write  ties(f, params, *data)   with f(params, *data) computed from its arguments"
        )
    if y._array.size != 1:
        raise ArgumentError(f"ties are those of one loss, got {describe(y)}\n  write  y.sum()   for that of a sum")
    seed(y)
    return y
