"""The two ways to trace, as interpreters of the engine: a trace records values, a tape gradients as well.

Eager code calls rules on arrays and adds up their results. On a tape each of these calls is a node too (see
`tape`), so the graph can be computed again on other arrays, bit for bit, derivatives included.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TextIO

import numpy as np

from ..engine import modes
from ..engine.backward import graph, outputs
from ..engine.broadcasting import reduce_to_shape, unaliased
from ..engine.modes import Block, Interpreter, ignoring_fp_warnings, interpreting
from ..engine.node import ARGUMENT, Node, new_node, serials
from ..engine.op import COMPOSED, TABLE, TWINS, UNDIFFERENTIATED, UNKNOWN
from ..engine.refusals import refused_call
from ..engine.steepness import needs_limits
from ..errors import InPlaceError, TracingError
from .caught import may_depend_on_data
from .nan_checks import check_of
from .placeholders import WeakFloat, apply_operator, by_operator, without_rules
from .tape import (
    INPUT,
    add_in_place,
    another_than_the_op,
    any_gradient,
    as_constant,
    beside_values,
    call,
    call_wanted,
    copy,
    copy_in_rows,
    cotangent_of_type,
    lift_values,
    saved_of,
    sum_to_shape,
)

_COUNTS = ("a Value as an integer", "int() of a Value")  # conversions for a size, a count or an index
_STATIC = "f(int(n))   for an argument n of f that is a size or a count: Python's integers are static"
_OUTSIDE = "{}   outside of the function, and pass the result as an argument"
_READING = ("int(v.item())", "v.argmax()", "v.data")  # remedies that read data, or need what is refused


class Trace(Interpreter):
    """Records a graph to compute again on other data: see `trace`."""

    remark = ""
    setting = "while tracing: a Value stands for all data"

    def keep(self, made_by: Any, operands: tuple[Any, ...], differentiable: Any) -> tuple[Any, tuple[Any, ...]]:
        """The op and all operands: nodes without a gradient are computed again, too."""
        return made_by, operands

    def check_read(self, what: str, lost: bool) -> None:
        """Raise TracingError, unless the engine has a more specific error."""
        if not lost:
            self._refuse_reading(what)

    def _refuse_reading(self, what: str) -> NoReturn:
        """Raise TracingError; for a conversion, it names the call that converts, and no remedy that reads data."""
        if what == "an assertion":
            self.refuse(what, "the assertion outside of the function, about its arguments and results")
        if what.startswith("v."):  # an attribute that only arrays have
            self.refuse(what, TWINS.get(f"Value.{what[2:]}", _OUTSIDE.format(what)).replace("\n", "\n  or     "))
        if "a Value" not in what:
            self.refuse(what)
        found = refused_call(what)
        remedies = [text for text in found.remedies if not text.startswith(_READING)] or [TWINS["a[v]"]]
        if what in _COUNTS and "static=" in self.remark:
            remedies.insert(0, _STATIC)
        self.refuse(found.what, "\n  or     ".join(remedies))

    def refuse(self, what: str, remedy: str = "np.where(condition, a, b)   for a branch") -> NoReturn:
        """Raise TracingError: the data of one run would be frozen into a graph that stands for all data."""
        raise TracingError(
            f"{self.reword(what)} {self.setting}, so code cannot depend on its data\n"
            f"  write  {self.reword(remedy)}{self.remark}"
        )

    def reword(self, text: str) -> str:
        """A text about Values in the user's words."""
        return text


class Tape(Trace):
    """Also records the engine's work on plain arrays, so gradients become part of the graph.

    sweeps: the first and the last serial of each sweep, and of what runs without warnings as a sweep does. draws:
    nodes to compute even if unused, because each advances a random generator. checks: nodes that raise
    `LimitNeeded` where a derivative holds nan. checkpoints: the open ones, each with its first serial and its nodes
    for Values from outside. raised: errors of ops, and of ours (see `caught`). looks: texts of numbers (see
    `looks`). sets_errors: whether the function may set np.errstate. setting, remark: what an error says of where
    it happened, and of what else helps.
    """

    on_arrays = False
    setting = "while tracing: an array stands for all data"
    remark = "\n  or     minigrad.compile(f, static=...)   for an argument that selects a branch"

    def __init__(self, setting: str = setting, remark: str = remark) -> None:
        self.setting, self.remark = setting, remark
        self.start = next(serials)
        self.sweeps: list[tuple[int, int]] = []
        self.draws: list[Any] = []
        self.checks: list[Any] = []
        self.constants: dict[int, Any] = {}  # of this sweep: what stands for a node in rules, by its serial
        self.raised: list[BaseException] = []
        self.looks: list[str] = []
        self.sets_errors = False
        self._quiet_since: int | None = None
        self.checkpoints: list[tuple[int, dict[int, Any]]] = []

    def reword(self, text: str) -> str:
        """The same for a user who passed arrays, and knows of no Value."""
        return re.sub(r"(?<![.\w])Value(?=s?\b)(?![.(])", "array", text.replace("a Value", "an array"))

    def compute(self, made_by: Any, args: Any, params: dict[str, Any]) -> Any:
        """The output of an op; NumPy receives a Python float as such."""
        try:
            return made_by.forward(*[float(x) if type(x) is WeakFloat else x for x in args], **params)
        except Exception as error:
            self._note_error(error, made_by, args, params)
            raise

    def operate(self, made_by: Any, compute: Callable[..., Any], *data: Any) -> tuple[Any, Any]:
        """The output of an operator, and an op that runs the same operator."""
        try:
            if len(data) == 1 and type(data[0]) is not WeakFloat:
                return compute(*data), made_by  # on arrays, -x is the ufunc itself
            return apply_operator(compute, *data), by_operator(made_by, compute)
        except Exception as error:
            self._note_error(error, made_by, data, ())
            raise

    def _note_error(self, error: Exception, made_by: Any, args: Any, params: Any) -> None:
        if may_depend_on_data(error, made_by, args, params):
            self.raised.append(error)

    def note_errors(self) -> None:
        """Note where the function ignores warnings by np.errstate; refuse to raise them, as compiled code cannot.

        Elsewhere the tracer lets NumPy call a function for each warning.
        """
        handled = np.geterr()
        if "raise" in handled.values():
            self.refuse(
                'np.errstate(...="raise")', 'with np.errstate(all="raise"): ...   around the call, not inside'
            )
        quiet = "ignore" in (handled["divide"], handled["over"], handled["invalid"])
        if quiet and self._quiet_since is None:
            self._quiet_since = next(serials)
        elif not quiet and self._quiet_since is not None:
            self.sweeps.append((self._quiet_since, next(serials)))
            self._quiet_since = None

    def as_array(self, data: Any, made_by: Any) -> Any:
        """An array; a Python float stays one until it enters a level."""
        if type(data) is np.ndarray:  # nearly always
            return data
        stays = type(data) in (float, WeakFloat) and made_by.label != "argument"
        return WeakFloat(data) if stays else np.asarray(data)

    def keep(self, made_by: Any, operands: tuple[Any, ...], differentiable: Any) -> tuple[Any, tuple[Any, ...]]:
        """All operands, and an op without rules if no gradient can arrive. Refuses ops without a fixed shape."""
        if self.sets_errors:
            self.note_errors()
        if made_by.shape_depends_on_data:
            self._refuse_dynamic_shape(made_by.function)
        if made_by.function is operator.getitem and any(x._array.dtype == bool for x in operands[1:]):
            self.refuse("x[mask], whose shape depends on the data,", "np.where(mask, x, 0.0)   to keep the shape")
        if self.checkpoints:
            operands = tuple(map(self._inside, operands))
        return without_rules(made_by, operands, differentiable), operands

    @contextmanager
    def checkpointing(self, inputs: list[Any]) -> Iterator[list[Any]]:
        """Let all that is computed inside read a Value from outside through one node, which adds up its shares.

        A tape keeps all nodes, so checkpoints free nothing. These nodes pass their sums on in the order of eager
        code: by input, then those that f closes over.
        """
        inside = {x.serial: _entry(self._inside(x)) for x in inputs}
        entered = [_entry(self._inside(x)) for x in reversed(inputs)]
        self.checkpoints.append((next(serials), inside))
        try:
            yield entered[::-1]
        finally:
            self.checkpoints.pop()

    def _inside(self, x: Any) -> Any:
        """An operand as the open checkpoints see it: one from outside of them through a node of theirs."""
        if not isinstance(x, Node) or not x.has_gradient:
            return x
        serial = x.serial
        for start, inside in self.checkpoints:
            if serial < start:
                x = inside[serial] = inside[serial] if serial in inside else _entry(x)
        return x

    def record_opaque(self, kind: Any, function: Any, args: Any, kwargs: Any) -> Any:
        """Record a NumPy call without a rule as one step, if no gradient flows through its Values.

        Returns None if a gradient flows, or if the call fills a given array, or a part of one. Raises TracingError.
        """
        if self.sets_errors:
            self.note_errors()
        known = UNDIFFERENTIATED.get(function, UNKNOWN)
        found: list[Node] = []
        lift_values((list(args), dict(kwargs)), found)
        if known.of_fixed_shape and (y := known.of_fixed_shape(*args, **kwargs)) is not NotImplemented:
            return y
        flows = any(x.has_gradient and x._array.dtype.kind == "f" for x in found)
        if flows or not found or known.writes or _fills(function, kwargs):
            return None
        if known.shape_depends_on_data and not self._shape_is_known(function, args):
            self._refuse_dynamic_shape(function, known)
        stated = function in TABLE or isinstance(getattr(function, "__self__", None), np.ufunc)
        step = another_than_the_op(function) if stated else function
        return call(kind, step, function.__name__, args, kwargs)

    def _shape_is_known(self, function: Any, args: Any) -> bool:
        """Whether it is composed and its first argument is plain: that one alone decides the shape."""
        deciding: list[Node] = []
        lift_values(list(args[:1]), deciding)
        return function in COMPOSED and bool(args) and not deciding

    def _refuse_dynamic_shape(self, function: Any, known: Any = UNKNOWN) -> NoReturn:
        name: str = function.__name__
        room = "np." if getattr(np, name, None) is function else ""
        self.refuse(
            f"{room}{name}, whose result has a shape that depends on the data,",
            "np.bincount(x, minlength=n)   for numbers below n"
            if known.of_fixed_shape
            else "np.where(mask, x, 0.0)   to keep the shape, or compute it before and pass it as an argument",
        )

    def enter(self, x: Any) -> Any:
        """The node itself, as float64 if it holds integers or booleans."""
        return x.astype(np.float64) if x._array.dtype.kind in "iub" else x

    def check_read(self, what: str, lost: bool) -> None:
        """Raise TracingError."""
        self._refuse_reading(what)

    def check_effect(self, node: Any, what: str) -> None:
        """Refuse to write gradients, and to change an argument of the traced function."""
        if what == "backward()":
            self.refuse(what, "minigrad.value_and_grad(f)   and return the gradients")
        if node.op is INPUT or node.serial < self.start:
            new = "return the new numbers   and assign them outside of the function"
            remedy = new if what == "data =" else f"x = x {what[:-1]} ...   to compute a new value"
            raise InPlaceError(
                f"{what} on an argument, or a Value from outside, would change it for others: compiled code and "
                f"vmap must not\n  write  {remedy}"
            )

    @contextmanager
    def sweeping(self, noted: TextIO) -> Iterator[None]:
        """Note the range of serials of the sweep's nodes."""
        first = next(serials)
        with ignoring_fp_warnings(noted):
            yield
        self.constants.clear()
        self.sweeps.append((first, next(serials)))

    def seed(self, g: Any, data: Any, what: str) -> Any:
        """As in eager code; a Value that stands for an array is shaped and cast in one step."""
        if not isinstance(g, Node) or g.has_gradient:
            return super().seed(g, data, what)
        return call(type(g), cotangent_of_type, "cotangent", (g, data.shape, data.dtype, what), {})

    def constant(self, node: Any) -> Any:
        """A Value through which no gradient flows: one for all rules of a sweep."""
        found = self.constants.get(node.serial)
        if found is None or found._array is not node._array:
            self.constants[node.serial] = found = as_constant(node)
        return found

    def output(self, node: Any, params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The output, and the data saved for the rule, as Values through which no gradient flows."""
        if "saved" in params:
            params = {**params, "saved": saved_of(node)}
        several = type(node._array) is tuple
        return tuple(map(as_constant, outputs(node))) if several else self.constant(node), params

    def call_rule(self, made_by: Any, rule: Callable[..., Any], args: Any, params: dict[str, Any]) -> Any:
        """Call a rule: as one step if eager code would call it on arrays."""
        if any_gradient(args):
            return rule(*(beside_values(args, params) if params else args), **params)
        return call(None, rule, f"d {made_by.label}", args, params)

    def call_joint_rule(self, made_by: Any, wanted: tuple[bool, ...], args: Any, params: dict[str, Any]) -> Any:
        """The wanted cotangents, in one step."""
        return self.call_rule(made_by, call_wanted(made_by.vjps[0], wanted), args, params)

    def accumulate(self, pending: Any, x: Any, made_by: Any, rule: Any, args: Any, params: dict[str, Any]) -> None:
        """Add a rule's result to the gradient of x as eager code does: in place, if the op adds in place."""
        before = pending.so_far(x)
        if made_by.add is None or (after := self._add_in_place(made_by, before, x, args, params)) is None:
            pending.add(x, self.call_rule(made_by, rule, args, params), made_by.label)
        elif before is None:
            pending.add(x, after, made_by.label)
        else:
            pending.replace(x, after)

    def _add_in_place(self, made_by: Any, before: Any, x: Any, args: Any, params: dict[str, Any]) -> Any:
        """The gradient so far plus the share of an op that adds in place; None where it adds a Value."""
        if not isinstance(x._array, np.ndarray) or any_gradient((before, *args)):
            return None
        args = (before, as_constant(x), *args)
        return call(type(x), add_in_place(made_by.add), f"d {made_by.label}", args, params)

    def reduce_to_shape(self, c: Any, data: Any, label: str) -> Any:
        """The sum over broadcast axes, as one step if eager code would compute it on arrays."""
        if isinstance(c, Node) and (c._array.shape, c._array.dtype) == (data.shape, data.dtype):  # nearly always
            return c
        if isinstance(c, Node) and c._array.shape != data.shape and not c.has_gradient:
            c = call(type(c), sum_to_shape, "sum", (c, data.shape, label), {})
        return reduce_to_shape(c, data, label)

    def finish(self, g: Any, taken: set[int]) -> Any:
        """A gradient as eager code returns it: a view becomes a C-contiguous copy."""
        if not isinstance(g, Node):
            return unaliased(g, taken)
        data = g._array
        view = type(data) is np.ndarray and data.base is not None and not data.flags.c_contiguous
        return call(type(g), copy_in_rows, "copy", (g,), {}) if view and not g.has_gradient else g

    def settle(self, what: str, found: dict[int, Any], *start: Any, noted: str = "") -> dict[int, Any]:
        """What a sweep found, as it is. It is checked for nan when the graph is computed again."""
        ys = start[0] if what == "tangents" else [y for y, _ in start[0]]
        self.check([x for x in found.values() if isinstance(x, Node)], ys)
        return found

    def check(self, derivatives: list[Any], ys: Iterable[Any]) -> None:
        """Let nan in derivatives of the ys raise `LimitNeeded`, if their graph may need limits."""
        if derivatives and any(map(needs_limits, graph(*ys))):
            self.checks.append(check_of(derivatives))

    def copy(self, y: Any) -> Any:
        """A Value with an unshared array."""
        return call(type(y), copy, "copy", (as_constant(y),), {})


def _entry(x: Any) -> Any:
    """A node with the data and the gradient of x."""
    return new_node(type(x), x._array, ARGUMENT, (x,), None)


def _fills(function: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a call writes into an array that it is given, or returns a new one of which it fills a part."""
    part = isinstance(function, np.ufunc) and kwargs.get("where", True) is not True
    return part or kwargs.get("out") is not None


_TRACE = Trace()


def trace() -> Block:
    """Record a graph to run again on other data.

    Inside, a Value stands for all the data it may ever hold: reading its data, branching on it or indexing by it
    raises TracingError, and comparisons keep their inputs.
    """
    return interpreting(_TRACE)


def taping(onto: Tape) -> Block:
    """Trace, and also record the engine's work on plain arrays."""
    return interpreting(onto)


def current_tape() -> Tape | None:
    """The current tape, or None."""
    onto = modes.interpreter()
    return onto if isinstance(onto, Tape) else None


def is_tracing() -> bool:
    """Whether the graph is being recorded to run again on other data."""
    return isinstance(modes.interpreter(), Trace)
