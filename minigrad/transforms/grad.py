"""grad, vjp, jvp: turn functions into their derivatives. Pure, nestable, and built from the two sweeps alone.

They write no `.grad`, free the graph as they go, and return plain arrays unless the result depends on a Value.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from io import StringIO
from typing import Any, NoReturn, TypeGuard

import numpy as np

from ..engine.forward import push
from ..engine.modes import interpreter, is_recording, recording
from ..engine.node import Node, live
from ..engine.tree import flatten, leaves, tree_map
from ..engine.tree_pairs import tree_pairs
from ..engine.value import Value, argument, graph, seed, sweep_from
from ..errors import ArgumentError, DTypeError, ShapeError, describe
from ..rules.spectra import OnlyBackward
from .gradient_types import Gradient, P

Function = Callable[..., Any]


def grad(f: Callable[P, Any], argnums: int | tuple[int, ...] = 0) -> Gradient[P, Any]:
    """The gradient of f, as a function of the same arguments.

    f: returns one number. argnums: the positional arguments to differentiate with respect to; a tuple gives a
    tuple. An argument may be a number, an array, a Value, or lists, tuples, dicts, dataclasses and Modules of
    them, nested; its gradient has the same nesting, shapes and types (integers count as float64). A field of a
    dataclass without a gradient, such as a text, is left out by ``field(metadata={"static": True})``. If f does
    not depend on an argument, its gradient is zeros. With ``cotangent=`` in a call, f may return an array.

    Nests to any order: ``grad(grad(f))``. Raises ShapeError, DTypeError, ArgumentError.
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def gradient(*args: Any, cotangent: Any = None, **kwargs: Any) -> Any:
        return both(*args, cotangent=cotangent, **kwargs)[1]

    return gradient  # type: ignore[return-value]  # functools.wraps hides that it is a function


def value_and_grad(f: Callable[P, Any], argnums: int | tuple[int, ...] = 0) -> Gradient[P, tuple[Any, Any]]:
    """The value of f and its gradient (value first), as a function of the same arguments. See `grad`."""
    chosen = argnums_tuple(argnums)

    @functools.wraps(f)
    def value_and_gradient(*args: Any, cotangent: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        level = Level(f, args, kwargs, chosen)
        if chosen and not level.nodes:
            _refuse_empty(args, chosen)
        if not isinstance(level.y, (Value, np.ndarray, np.generic, int, float)):
            inside = isinstance(getattr(level.y, "data", None), Value)  # in a DataArray of xarray
            remedy = "\n  write  f(x).data   for the Value in it" if inside else ""
            raise ArgumentError(f"grad needs a function that returns a number, got {describe(level.y)}{remedy}")
        y = _as_value(level.y)
        if cotangent is None and y.size != 1:
            raise ShapeError(
                f"grad needs a function that returns one number, got shape {y.shape}\n"
                "  write  grad(lambda x: f(x).sum())   for the gradient of the sum\n"
                "  or     vjp or jacobian              for a function that returns an array"
            )
        gradients = level.pull(seed(y, cotangent))
        return level.value(), gradients if isinstance(argnums, tuple) else gradients[0]

    return value_and_gradient  # type: ignore[return-value]


def vjp(f: Function, *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of f at args, and a function that pulls cotangents back: ``y, pull = vjp(f, *args)``.

    ``pull(g)``, with g nested and shaped like y, gives one gradient per argument, nested like it. It may be
    called any number of times; `pull` keeps the graph. Raises ShapeError, DTypeError.
    """
    level = Level(f, args, {}, tuple(range(len(args))))
    return level.value(), level.pull


def jvp(f: Function, args: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of f at args, and its derivative in the direction of the tangents: ``y, dy = jvp(f, args, ts)``.

    args: a tuple of all arguments; anything else is the one argument. tangents: one per argument, nested and shaped
    like it. A forward sweep over the recorded graph: one such sweep costs about one more evaluation, however many
    arguments there are. Raises ShapeError, DTypeError.
    """
    if not isinstance(args, tuple) or hasattr(args, "_fields"):
        args, tangents = (args,), (tangents,)
    level = Level(f, args, {}, tuple(range(len(args))))
    try:
        return level.value(), level.push(tangents)
    except OnlyBackward:
        return level.value(), level.push_by_pulls(tangents)


class Level:
    """One level of differentiation: the arguments that entered it, the result of f, and the nodes between them.

    Each argument enters through its own node, which separates nested levels.
    """

    def __init__(
        self, f: Function, args: tuple[Any, ...], kwargs: dict[str, Any], argnums: tuple[int, ...]
    ) -> None:
        self.start = argument(0.0).serial  # older nodes come from outside
        given = list(args)
        for n in argnums:
            if not -len(args) <= n < len(args):
                raise ArgumentError(f"argnums={argnums} does not fit a call with {len(args)} positional arguments")
            given[n] = tree_map(functools.partial(_enter, n), args[n])
        self.nodes, self.structure = flatten([given[n] for n in argnums])
        with recording():
            self.y = f(*given, **kwargs)
        self.nodes = [*map(live, self.nodes)]
        ys: list[Any] = [y for y in leaves(self.y) if isinstance(y, Node)]  # `graph` refuses superseded ones
        self.active, self.alive = _reach(ys, self.nodes, self.start)
        if not is_recording():  # outside of this level: the result is not differentiated
            self.alive = set()

    @property
    def inputs(self) -> Any:
        """The arguments as they entered: f may have changed the containers that it was given."""
        return self.structure.unflatten(self.nodes)

    def value(self) -> Any:
        """The result of f: Values where it depends on a Value from outside, else unshared arrays."""
        return tree_map(lambda y, _: self._plain(y), self.y)

    def _plain(self, y: Any) -> Any:
        return interpreter().copy(y) if type(y) is Value and y.serial not in self.alive else y

    def pull(self, g: Any) -> tuple[Any, ...]:
        """The gradient for each argument, pulled back from a cotangent nested like y."""
        cotangents = [seed(_as_value(y), c) for y, c, _ in tree_pairs(self.y, g)]
        ys = map(live, leaves(self.y))
        pairs = [(y, c) for y, c in zip(ys, cotangents, strict=True) if type(y) is Value]
        pairs = [(y, c) for y, c in pairs if y.serial in self.active]
        own, taken, noted = {x.serial for x in self.nodes}, {id(c) for c in cotangents}, StringIO()
        start = pairs, self.active, self.alive, own
        with interpreter().sweeping(noted):
            found = {x.serial: c for x, c in sweep_from(*start) if x.serial in own}
            found = interpreter().settle("gradients", found, *start, noted=noted.getvalue())

        finish = interpreter().finish

        def gradient(x: Value) -> Any:
            c = found.get(x.serial)
            return finish(np.zeros_like(x._array)[()] if c is None else c, taken)

        return tuple(self.structure.unflatten([gradient(x) for x in self.nodes]))

    def push(self, tangents: Any) -> Any:
        """The tangent of y, nested like it, pushed forward from tangents nested like the arguments."""
        given = {x.serial: seed(x, t, "the tangent") for x, t, _ in tree_pairs(self.inputs, tangents)}
        taken = {id(t) for t in given.values()}
        ys = [y for y in map(live, leaves(self.y)) if type(y) is Value and y.serial in self.active]
        noted = StringIO()
        with interpreter().sweeping(noted):
            moved = push(ys, given, self.alive) if ys else {}
            found = {y.serial: moved[y.serial] for y in ys if y.serial in moved}
            found = interpreter().settle("tangents", found, ys, given, self.alive, noted=noted.getvalue())

        finish = interpreter().finish

        def tangent(y: Any, _: str) -> Any:
            y = live(y)
            t = found.get(y.serial) if type(y) is Value else None
            return finish(np.zeros_like(_as_value(y)._array)[()] if t is None else t, taken)

        return tree_map(tangent, self.y)

    def push_by_pulls(self, tangents: Any) -> Any:
        """The result of `push` by two backward sweeps, without a jvp.

        Jᵀu is linear in u, with derivative Jᵀ: a backward sweep from the tangent t through u -> Jᵀu gives J t.
        (Townsend, A new trick for calculating Jacobian vector products, 2017.) Unlike Jᵀt, this is also right
        where a rule is not a true derivative, so that J is not symmetric. Any u will do; with one that is not 0,
        a rule sees what depends on its outputs.
        """
        draw = np.random.default_rng(0).uniform
        u = tree_map(lambda y, _: np.asarray(draw(0.5, 1.5, np.shape(y)), _as_value(y).dtype), self.y)
        return Level(self.pull, (u,), {}, (0,)).pull(tangents)[0]


def holds_arguments(x: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether x is a tuple of all arguments of a function. A named tuple is one argument."""
    return isinstance(x, tuple) and not hasattr(x, "_fields")


def argnums_tuple(argnums: object) -> tuple[int, ...]:
    """argnums as a tuple."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if not all(isinstance(n, (int, np.integer)) for n in chosen):
        raise ArgumentError(f"argnums must be an int or a tuple of ints, got {argnums!r}")
    return chosen


def _as_value(y: object) -> Value:
    """An output as a Value of real numbers; plain data, integers and booleans become a constant."""
    if type(y := live(y)) is Value:
        return y if y.dtype.kind == "f" else argument(y._array)
    return argument(y)


def _enter(n: int, x: object, path: str) -> Value:
    """The node through which one argument enters a level, and at which the level's sweep ends."""
    data = interpreter().enter(x) if type(x) is Value else np.asarray(x)
    check_leaf(f"argument {n}", path, x, data.dtype)
    return argument(data)


def check_leaf(argument: str, path: str, x: object, dtype: np.dtype[Any]) -> None:
    """Raise DTypeError for a leaf of an argument that has no gradient: a text, a function, complex numbers."""
    if dtype.kind in "fiub":
        return
    field = path.rpartition(".")[2]
    if dtype.kind == "c":
        remedy = "x.real, x.imag   as two arrays"
    elif "." in path and "]" not in field:
        remedy = f'{field}: ... = field(metadata={{"static": True}})   in the dataclass, to leave it out'
    elif path:
        remedy = "f(x, other)   with it as an argument of its own, or close over it"
    else:
        remedy = "lambda x: f(x, ...)   to close over it, or choose other arguments with argnums="
    raise DTypeError(f"{argument}{path} has no gradient: {describe(x)}\n  write  {remedy}")


def _refuse_empty(args: tuple[Any, ...], chosen: tuple[int, ...]) -> NoReturn:
    """Raise ArgumentError: the chosen arguments hold nothing to differentiate with respect to."""
    what = ", ".join(f"argument {n} is {describe(args[n])}" for n in chosen)
    raise ArgumentError(
        f"grad has nothing to differentiate: {what}, without a number or an array in it\n"
        "  write  grad(f, argnums=1)   for another argument\n"
        "  or     arrays, numbers or Values into the container that f is given"
    )


def _reach(ys: list[Value], arguments: list[Value], start: int) -> tuple[set[int], set[int]]:
    """Serials of the nodes under the ys that depend on the arguments, and of those that depend on other Values.

    The second kind is alive: a gradient computed from it can be differentiated again with respect to the other
    Value. In  grad(lambda w: grad(lambda x: w * x * x)(3.0))(2.0)  w is alive in the inner level, which receives
    plain numbers: if its rules ran on numbers, the outer level would see a constant.
    """
    active = {x.serial for x in arguments}
    alive = {x.serial for x in arguments if any(outer.has_gradient for outer in x.inputs)}
    for node in graph(*ys, since=start):
        if node.serial in active:
            continue
        inputs = [x.serial for x in node.inputs]
        if not active.isdisjoint(inputs):
            active.add(node.serial)
        foreign = node.has_gradient if node.serial < start else node.op is None
        if foreign or (not alive.isdisjoint(inputs) and node.has_gradient):  # not through what is held constant
            alive.add(node.serial)
    return active, alive
