"""Records a loss that draws random numbers, or that changes from call to call, so that ties hold for every draw.

One recording holds one draw: a dropout mask that kept both neurons would tie them for ever. So the loss is recorded
several times. Numbers that differ between the recordings become nodes that stand for any numbers. Where the
recordings are different programs (a branch on a random number), they are added up with weights that stand for any
numbers: a sum of that kind has equal gradients only where each of its terms has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine import modes
from ..engine.node import ARGUMENT, Node, record
from ..engine.node import result_node as new_node
from ..engine.value import Value, graph
from ..errors import MinigradError, TracingError
from ..tracing import trace
from ..tracing.program import same_bits
from ..tracing.replay import Evaluate, own_params, replay
from ..tracing.second_run import same_function, unlike
from ..tracing.state import ModelState

DRAWN, CALLS = "draws of its random numbers", "calls, which differ"
DRAWS = 16  # recordings of a loss that draws: an entry of a mask is nearly never the same in all of them


@dataclass(frozen=True)
class Draws:
    """A recorded loss. symbols: the nodes in it that stand for random numbers. count: see `Recording.draws`.

    one: the loss of the first draw alone. varies: what differs from call to call, DRAWN or CALLS; "" for nothing.
    """

    y: Any
    one: Any
    symbols: tuple[Value, ...] = ()
    count: int = 1
    varies: str = ""


def record_draws(run: Callable[[], Any], roots: dict[str, Any], varies: str = "") -> Draws:
    """Record a loss for every draw of its random numbers.

    run: computes the loss from leaves that are the same at each call. roots: by name, what it can reach; models and
    generators in there stay as they are. varies: what differs if `run` itself makes it differ. Raises TracingError
    if the loss cannot be computed twice.
    """
    state = ModelState(roots)
    try:
        first = _run(run)
        if not isinstance(first, Value):
            return Draws(first, first)  # the caller refuses it
        if not state.has_own_code and not state.moved_generators():
            return Draws(first, first)
        every = [first, _again(run)]
        if not state.moved_generators() and _differences(*every) == set():
            return Draws(first, first)
        every += [_again(run) for _ in range(DRAWS - 2)]
        varies = varies or (DRAWN if state.moved_generators() else CALLS)
    finally:
        state.restore()
    places: set[_Place] = set()
    for other in every[1:]:
        differing = _differences(first, other)
        if differing is None:
            return replace(_sum(every), varies=varies)
        places |= differing
    if not places:  # it draws, and these draws happened to be alike: others may not be
        return Draws(first, first, count=len(every), varies=varies)
    return replace(_with_symbols(every, places), varies=varies)


def _run(run: Callable[[], Any]) -> Any:
    with modes.recording(), trace():
        return run()


def _again(run: Callable[[], Any]) -> Any:
    try:
        return _run(run)
    except MinigradError:
        raise
    except Exception as error:
        raise TracingError(
            f"ties calls the function twice, to notice random numbers, and the second call failed: {error}\n"
            "  write  ties(f, params, *data)   with a function that gives the same each time"
        ) from error


_Place = tuple[int, int]  # a node by its position in the graph, and the place of an operand; -1: the node itself


def _differences(first: Any, second: Any) -> set[_Place] | None:
    """Where two recordings hold different numbers; None if they are different programs."""
    if not isinstance(second, Value):
        return None
    ours, theirs = graph(first), graph(second)
    if len(ours) != len(theirs):
        return None
    twins: dict[int, int] = {}
    found: set[_Place] = set()
    for position, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        twins[b.serial] = a.serial
        if a is b:
            continue
        if (
            a.op is b.op
            and a.params is b.params
            and _same_node(a._a, b._a, twins)
            and _same_node(a._b, b._b, twins)
        ):
            continue  # nearly always
        if not _same_op(a.op, b.op) or np.shape(a._array) != np.shape(b._array):
            return None
        if a.op is None or not a.operands:
            if not same_bits(a._array, b._array):
                found.add((position, -1))
            continue
        if len(a.operands) != len(b.operands) or unlike(own_params(a), own_params(b)):
            return None
        for k, (x, y) in enumerate(zip(a.operands, b.operands, strict=True)):
            if isinstance(x, Node) and isinstance(y, Node):
                if twins.get(y.serial, y.serial) != x.serial:
                    return None
            elif x is not y and unlike(x, y):
                if not (_is_number(x) and _is_number(y) and np.shape(x) == np.shape(y)):
                    return None
                found.add((position, k))
    return found


def _same_node(x: Any, y: Any, twins: dict[int, int]) -> bool:
    return type(x) is type(y) is Value and twins.get(y.serial, y.serial) == x.serial


def _same_op(a: Any, b: Any) -> bool:
    return a is b or bool(a is not None and b is not None and same_function(a.forward, b.forward))


def _is_number(x: object) -> bool:
    return isinstance(x, (float, int, np.ndarray, np.generic)) and np.asarray(x).dtype.kind in "fiub"


class _Symbols(Evaluate):
    """Records the nodes again, with symbols in the places of random numbers.

    symbols: by the serial of the node and the place of the operand.
    """

    def __init__(self, symbols: dict[tuple[int, int], Value]) -> None:
        self.symbols = symbols

    def leaf(self, node: Any) -> Any:
        """Keep data; a Value that the loss makes of random numbers is a symbol."""
        return self.symbols.get((node.serial, -1), node if node.op is None or not node.operands else NotImplemented)

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """Record the same op with symbols among its operands."""
        given = [self.symbols.get((node.serial, k), x) for k, x in enumerate(operands)]
        return record(Value, node.op, tuple(given), own_params(node) or None)

    alias = apply


def _with_symbols(every: Sequence[Any], places: set[_Place]) -> Draws:
    """The first recording with one symbol for each array of random numbers, wherever it is used."""
    graphs = [graph(y) for y in every]
    by_identity: dict[tuple[int, ...], Value] = {}
    symbols: dict[tuple[int, int], Value] = {}
    with modes.recording(), trace(), np.errstate(all="ignore"):
        for position, k in sorted(places):
            numbers = [g[position]._array if k < 0 else g[position].operands[k] for g in graphs]
            key = tuple(map(id, numbers))  # an array that is used twice is one array in each recording
            if key not in by_identity:
                by_identity[key] = new_node(Value, np.asarray(numbers[0]), ARGUMENT, ())
            symbols[graphs[0][position].serial, k] = by_identity[key]
        env = replay(graphs[0], {}, _Symbols(symbols))
    return Draws(env[every[0].serial], every[0], tuple(by_identity.values()))


def _sum(every: Sequence[Any]) -> Draws:
    """The recordings added up, each times a number of its own that may be any number."""
    weights = np.random.default_rng(0).uniform(0.5, 2.0, size=len(every))
    with modes.recording(), trace(), np.errstate(all="ignore"):
        symbols = [new_node(Value, np.float64(w), ARGUMENT, ()) for w in weights]
        total = sum(s * y for s, y in zip(symbols, every, strict=True))
    return Draws(total, every[0], tuple(symbols), len(every))
