"""The loss as a graph: recorded from a function or a model, it can be computed again at other numbers.

The proof, the probe, the remedies and explanations all work on a `Recording`.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle, repeat
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
from ..tracing.replay import Evaluate, own_params, replay
from ..transforms.grad import check_leaf
from .every_draw import CALLS, DRAWN, Draws, record_draws

WHATEVER = {DRAWN: "whatever is drawn", CALLS: "whatever changes from call to call"}


@dataclass(frozen=True)
class Recording:
    """A recorded loss y and its parameters.

    symbolic_data: nodes that stand for any data. paths: the names of the parameters. nest: puts one array per
    parameter into the structure of the parameters. scope: the data that ties are stated for. draws: how many draws
    of the random numbers of the loss it holds, where these could not be made symbolic.
    """

    y: Any
    params: Sequence[Value]
    paths: Sequence[str]
    nest: Callable[[Sequence[Any]], Any]
    symbolic_data: Sequence[Value] = ()
    model: Module | None = None
    call: tuple[Any, ...] = ()  # x, y, loss for a model
    scope: str = "for this data"
    draws: int = 1

    @property
    def holds_for_all_draws(self) -> bool:
        """Whether it draws random numbers, and they stand for any."""
        return self.scope.endswith((*WHATEVER.values(),))

    @property
    def is_sampled(self) -> bool:
        """Whether it holds some draws of random numbers, and not all of them."""
        return self.draws > 1

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
        return flat_gradient(*self.at(values))

    def gradient_now(self) -> Any:
        """The gradient for every entry at the numbers of the recording."""
        return flat_gradient(self.y, self.params)

    @property
    def width(self) -> int:
        """The bytes per number of the coarsest parameter; 8 for types that are longer, too."""
        return min([8, *(int(p._array.dtype.itemsize) for p in self.params)])

    @property
    def eps(self) -> float:
        """The rounding of the coarsest parameter."""
        return max((float(np.finfo(p._array.dtype).eps) for p in self.params), default=0.0)

    def loss(self, values: object) -> float:
        """The loss at these numbers."""
        return float(np.asarray(self.at(values)[0]._array))

    def at(self, values: object) -> tuple[Value, list[Value]]:
        """The loss recorded again at other numbers, and the leaves that hold them."""
        env = self.record_again(values)
        return env[self.y.serial], [env[p.serial] for p in self.params]

    def record_again(self, values: Any) -> dict[int, Any]:
        """All nodes, recorded again at these numbers, by the serial of the old node."""
        return self.record(values, RecordAgain())

    def record(self, values: Any, evaluate: Evaluate, data: dict[int, Any] | None = None) -> dict[int, Any]:
        """As `record_again`. evaluate: how to record a node. data: nodes to use in place of those with a serial."""
        leaves = [
            argument(part.astype(p._array.dtype)) for part, p in zip(self.split(values), self.params, strict=True)
        ]
        env = (data or {}) | {p.serial: leaf for p, leaf in zip(self.params, leaves, strict=True)}
        with modes.recording(), np.errstate(all="ignore"):
            return replay(graph(self.y), env, evaluate)

    @property
    def is_detached(self) -> bool:
        """Whether some node does not keep its inputs, so the graph cannot be computed again."""
        return any(v.op not in (None, ARGUMENT) and not v.operands for v in graph(self.y))


@dataclass(frozen=True)
class AnyData(Recording):
    """A recording whose symbolic data are drawn anew, with the shapes and types they have, at each computation.

    sizes: what the spread of the data is multiplied by, in turn. last: the data that were drawn last, by serial.
    """

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    sizes: Iterator[float] = field(default_factory=lambda: repeat(1.0))
    last: dict[int, Any] = field(default_factory=dict)
    waiting: dict[int, Any] = field(default_factory=dict)  # indices that the next draws take, by serial

    def record_again(self, values: Any) -> dict[int, Any]:
        """All nodes, recorded again at these numbers and other data."""
        size = next(self.sizes)
        for p in self.symbolic_data:
            self.last[p.serial] = new_node(Value, self.draw_like(p, size), ARGUMENT, ())
        return self.record(values, RecordAgain())

    def record(self, values: Any, evaluate: Evaluate, data: dict[int, Any] | None = None) -> dict[int, Any]:
        """As for a `Recording`; without data, at those that were drawn last."""
        return super().record(values, evaluate, self.last if data is None else data)

    def draw_like(self, p: Value, size: float = 1.0) -> Any:
        """Random numbers like those of p: classes stay classes, indices become any valid ones, and what is positive
        stays positive."""
        x = p._array
        if x.dtype.kind == "b":
            return self.rng.random(x.shape) < 0.5
        if x.dtype.kind in "iu":
            return self._draw_indices(p)
        spread = size * (x.std() or np.abs(x).max(initial=0) / 2 or 1.0)
        drawn = (x.mean() + spread * self.rng.normal(size=x.shape)).astype(x.dtype)
        return np.abs(drawn) if (x >= 0).all() else drawn

    def _draw_indices(self, p: Value) -> Any:
        """Whole numbers in their range; where these are more than one draw takes, each of them in turn."""
        low, high = self.ranges[p.serial]
        shape, count = p._array.shape, p._array.size
        if count >= high - low:
            return self.rng.integers(low, high, shape, dtype=p._array.dtype)
        waiting = self.waiting.get(p.serial, np.zeros(0, dtype=np.int64))
        if len(waiting) < count:
            waiting = np.append(waiting, low + self.rng.permutation(high - low))
        self.waiting[p.serial] = waiting[count:]
        return waiting[:count].reshape(shape).astype(p._array.dtype)

    @functools.cached_property
    def ranges(self) -> dict[int, tuple[int, int]]:
        """The lowest whole number, and the one after the highest, for each of the data that hold whole numbers."""
        return {p.serial: self._range(p) for p in self.symbolic_data if p._array.dtype.kind in "iu"}

    @property
    def draws_of_all_indices(self) -> int:
        """How many draws it takes until each index was drawn."""
        sizes = {p.serial: max(1, p._array.size) for p in self.symbolic_data}
        return max((-(-(high - low) // sizes[serial]) for serial, (low, high) in self.ranges.items()), default=0)

    def _range(self, p: Value) -> tuple[int, int]:
        x = p._array
        low, high = int(x.min(initial=0)), int(x.max(initial=0)) + 1
        return low, next((n for n in axes_indexed_by(p, graph(self.y)) if n > high and self._takes(p, n - 1)), high)

    def _takes(self, p: Value, number: int) -> bool:
        """Whether the loss can be computed if this whole number is in p."""
        data = {p.serial: new_node(Value, np.full_like(p._array, number), ARGUMENT, ())}
        try:
            self.record(self.values, RecordAgain(), data)
        except (IndexError, ValueError):
            return False
        return True


WIDE = (1.0, 1.0, 30.0, 1000.0)  # what is 0 for data of one size may not be for larger ones


def with_any_data(recording: Recording, sizes: Sequence[float] = (1.0,)) -> Any:
    """The recording at other data for each computation; itself if none of its data are symbolic."""
    return AnyData(**vars(recording), sizes=cycle(sizes)) if recording.symbolic_data else recording


def axes_indexed_by(p: Value, nodes: Sequence[Value]) -> list[int]:
    """The lengths of all axes that p, or whole numbers computed from it, may index; longest first."""
    whole, lengths = {p.serial}, set()
    for v in nodes:
        operands = [x for x in v.operands if isinstance(x, Value)]
        if not any(x.serial in whole for x in operands):
            continue
        if type(v._array) is not tuple and v._array.dtype.kind in "iu":
            whole.add(v.serial)
        lengths |= {n for x in operands if x.serial not in whole for n in np.shape(x._array)}
    return sorted(lengths, reverse=True)


class RecordAgain(Evaluate):
    """Records each node again."""

    def leaf(self, node: Any) -> Any:
        """Keep data, and nodes that no longer have their operands."""
        return node if node.op is None or not node.operands else NotImplemented

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """Record the same op with other operands."""
        return record(Value, node.op, tuple(operands), own_params(node) or None)

    alias = apply


def flat_gradient(y: Value, leaves: Sequence[Value]) -> Any:
    """The gradient of y for every entry of the leaves."""
    own = {x.serial for x in leaves}
    with np.errstate(all="ignore"):
        found = {x.serial: g for x, g in all_gradients(y, seed(y)) if x.serial in own}
    return flat([found.get(x.serial, np.zeros(x.shape)) for x in leaves])


def flat(arrays: Sequence[Any]) -> Any:
    """All entries of all arrays, in order; of float64, or of a longer type that an array has."""
    parts = [np.ravel(np.asarray(x)) for x in arrays]
    return np.concatenate(parts, dtype=np.result_type(np.float64, *parts)) if parts else np.zeros(0)


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
    drawn = record_draws(lambda: f(entered, *given), {"f": f, "data": data})

    def nest(arrays: Sequence[Any]) -> Any:
        rest = iter(arrays)
        return tree_map(lambda _, path: next(rest), params)

    return Recording(
        _loss(drawn.y),
        leaves,
        paths,
        nest,
        (*symbolic_data, *drawn.symbols),
        scope=scope_of(for_all_data, drawn),
        draws=drawn.count,
    )


def record_model_loss(model: Any, x: Any, y: Any, loss: Callable[[Any, Any], Any], for_all_data: bool) -> Recording:
    """Record loss(model(x), y) as a graph that does not depend on these numbers."""
    named = model.named_parameters()
    symbolic_data, given = _data((x, y), for_all_data, per_number=bool(getattr(model, "per_neuron", False)))
    drawn = record_draws(lambda: loss(model(given[0]), given[1]), {"model": model, "loss": loss, "data": (x, y)})
    names = [name for name, _ in named]
    return Recording(
        _loss(drawn.y),
        [value for _, value in named],
        names,
        lambda arrays: dict(zip(names, arrays, strict=True)),
        (*symbolic_data, *drawn.symbols),
        model,
        (x, y, loss),
        scope_of(for_all_data, drawn),
        drawn.count,
    )


def scope_of(for_all_data: bool, drawn: Draws) -> str:
    """The data, and the draws of random numbers, that ties are stated for."""
    data = "for all data" if for_all_data else "for this data"
    if not drawn.varies:
        return data
    return f"{data}, in {drawn.count} {drawn.varies}" if drawn.count > 1 else f"{data}, {WHATEVER[drawn.varies]}"


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
