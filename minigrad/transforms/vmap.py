"""vmap: computes a function of one sample for a whole batch at once.

Records the function for one sample, gradients included, then computes the graph again with arrays of all samples.
`rules.vmap_rules` holds the rules of ops for a batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..engine import modes
from ..engine.broadcasting import has_nan
from ..engine.node import Node, record, serials
from ..engine.op import Op
from ..engine.tree import kind_of, leaves, tree_map
from ..engine.value import Value, graph
from ..errors import ArgumentError, ShapeError, describe
from ..rules.shaping import stack
from ..rules.vmap_rules import BatchedCall, rule_of
from ..tracing import Tape, current_tape, taping
from ..tracing.caught import refuse_caught
from ..tracing.looks import refuse_texts
from ..tracing.nan_checks import check_of
from ..tracing.replay import Evaluate, arguments, own_params, replay
from ..tracing.tape import call, is_call, saved_of
from .gradient_types import P

# Where the axis of samples is: a number, None where there is none, or a nesting of these.
Axes: TypeAlias = "int | Sequence[Axes] | Mapping[Any, Axes] | None"

# What errors say of the one call of f, and of what else helps.
_SETTING = (
    "inside vmap: an array stands for each of the samples",
    "\n  or     minigrad.stack([f(x) for x in xs])   for a function that does depend on them",
)


def vmap(f: Callable[P, Any], in_axes: Axes = 0) -> Callable[P, Any]:
    """Turn f of one sample into a function of a batch: every argument and every result gets an axis of samples.

    in_axes: the axis of samples in the arguments: one integer for all, or a tuple with one entry per argument: an
    integer, None for an argument that all samples share, or a nesting of these like the argument. In results that
    axis comes first. f is called once, for one sample, so it cannot branch on the data. It may be a gradient:
    ``vmap(grad(f))`` gives the gradient of each sample. The results equal those of a loop, up to rounding; an op
    without a rule for batches runs sample by sample. Raises ShapeError, ArgumentError, TracingError.
    """

    @functools.wraps(f)
    def of_batch(*args: P.args, **kwargs: P.kwargs) -> Any:
        batch = _Batch(args, _axes_of(args, in_axes))
        # The tape also records array work of the engine, so the graph does not depend on this one sample.
        onto = current_tape() or Tape(*_SETTING)
        before = len(onto.checks)
        with modes.recording(), taping(onto):
            y = f(*batch.samples, **kwargs)
            refuse_caught(onto)
            refuse_texts(onto)
        values = [x for x in leaves(y) if isinstance(x, Node)]
        replay(graph(*values, since=batch.start), batch.known, batch)
        if batch.needs_limits(onto, before):
            return one_by_one(f, args, kwargs, in_axes)
        return tree_map(lambda x, _: batch.result(x), y)

    return of_batch


class _Batch(Evaluate):
    """Computes each recorded node for all samples.

    start: nodes with a smaller serial were recorded before, and all samples share them. known: by serial, the
    result for all samples, and whether it has an axis of samples.
    """

    def __init__(self, args: tuple[object, ...], axes: list[int | None]) -> None:
        self.start = next(serials)
        self.size = _size_of(args, axes)
        self.known: dict[int, tuple[Any, bool]] = {}
        each = iter(axes)
        self.samples = tree_map(lambda x, _: self._enter(x, next(each)), args)

    def _enter(self, x: Any, axis: int | None) -> Any:
        """The leaf for one sample of an argument."""
        if axis is None:
            return x
        rows = x if axis == 0 and hasattr(x, "ndim") else np.moveaxis(x, axis, 0)
        data = np.asarray(rows._array if type(rows) is Value else rows)
        first = data[0] if self.size else np.ones(data.shape[1:], data.dtype)
        leaf = Value(0.0)
        leaf._array = first[()]  # integers keep their type: they may be an index
        self.known[leaf.serial] = (rows, True)
        return leaf

    def leaf(self, node: Any) -> Any:
        """A node recorded before: the same for all samples."""
        return (node, False) if node.serial < self.start else NotImplemented

    def plain(self, x: Any) -> Any:
        """A plain operand: the same for all samples."""
        return x, False

    def constant(self, node: Any, operands: list[Any]) -> Any:
        """A node without an axis of samples in its operands."""
        if any(batched for _, batched in operands):
            return NotImplemented
        depends = node.op is not None and any(type(x) is Value for x, _ in operands)
        return node if depends else node._array, False

    def alias(self, node: Any, operands: list[Any]) -> Any:
        """The same numbers for all samples, in the type that the node has."""
        return _as_dtype(operands[0][0], node.dtype), True

    def item(self, node: Any, operands: list[Any]) -> Any:
        """One of several outputs for all samples."""
        return operands[0][0][node.params["k"]], True

    def saved(self, node: Any) -> Any:
        """The data that the op of the operand saved for its rule, for each sample."""
        return self._saved(node.operands[0]), True

    def apply(self, node: Any, operands: list[Any]) -> Any:
        """An op for all samples."""
        return self._compute(node, [x for x, _ in operands], tuple(b for _, b in operands)), True

    def _operand(self, x: Any) -> tuple[Any, bool]:
        return self.known[x.serial] if type(x) is Value else (x, False)

    def _compute(self, node: Value, operands: list[Any], batched: tuple[bool, ...]) -> Any:
        made_by: Any = node.op
        params, several = own_params(node), type(node._array) is tuple
        rule = None if is_call(made_by) else rule_of(made_by, len(operands))
        if rule is not None and not several:
            shapes = tuple([x._array.shape if type(x) is Value else np.shape(x) for x in node.operands])
            step = BatchedCall(made_by, params, shapes, np.shape(node._array), batched, self.size)
            y = rule(step, operands)
            if y is not None:
                return _check_shape(y, step)
        each = [_apply_to_sample(made_by, sample, params) for sample in self._each(operands, batched)]
        if several:
            return tuple(stack([parts[k] for parts in each]) for k in range(len(node._array)))
        return stack(each) if each else np.zeros((0, *node.shape), node.dtype)

    def _each(self, operands: list[Any], batched: tuple[bool, ...]) -> Iterator[list[Any]]:
        for i in range(self.size):
            yield [_sample(x, i) if b else x for x, b in zip(operands, batched, strict=True)]

    def _saved(self, y: Any) -> list[Any]:
        """The data that an op saved for its rule, for each sample."""
        pairs = [self._operand(x) for x in y.operands]
        samples = self._each([x for x, _ in pairs], tuple(b for _, b in pairs))
        return [_saved_of(y.op, sample, own_params(y)) for sample in samples]

    def needs_limits(self, onto: Tape, before: int) -> bool:
        """Whether a derivative holds nan for some sample. Under an outer tape, the check is one of its steps.

        before: how many checks the tape held before the function ran for one sample.
        """
        checks, onto.checks[before:] = onto.checks[before:], []
        found = [self.known[x.serial][0] for check in checks for x in check.operands if x.serial in self.known]
        if current_tape() is onto:
            onto.checks += [check_of(found)] if found else []
            return False
        return any(map(has_nan, found))

    def result(self, x: Any) -> Any:
        """One result for all samples; a result that does not depend on them is repeated."""
        y, batched = self._operand(x)
        if type(x) is not Value and not isinstance(x, (np.ndarray, np.generic, int, float)):
            raise ArgumentError(f"a function under vmap must return arrays or numbers, got {describe(x)}")
        y = y if batched else np.broadcast_to(y, (self.size, *np.shape(y)))
        return y if type(y) is Value else np.array(y)


def one_by_one(f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], in_axes: object) -> Any:
    """What `vmap` computes, by a loop over the samples."""
    axes = _axes_of(args, in_axes)

    def sample(i: int) -> Any:
        each = iter(axes)
        return tree_map(lambda x, _: _take(x, i, next(each)), args)

    ys = [f(*sample(i), **kwargs) for i in range(_size_of(args, axes))]
    rows = [leaves(y) for y in ys]
    columns = iter([stack(list(column)) for column in zip(*rows, strict=True)])
    return tree_map(lambda x, _: next(columns), ys[0])


def _take(x: Any, i: int, axis: int | None) -> Any:
    return x if axis is None else np.moveaxis(x if hasattr(x, "ndim") else np.asarray(x), axis, 0)[i]


def _apply_to_sample(made_by: Op, operands: Sequence[Any], params: dict[str, Any]) -> Any:
    """Apply an op to one sample; record it if an operand is a Value."""
    recorded = any(type(x) is Value for x in operands)
    if recorded and not is_call(made_by):
        return record(Value, made_by, tuple(operands), params or None)
    args, given = arguments(made_by, list(operands), params)
    if is_call(made_by):
        function = made_by.function
        return call(Value, function, made_by.label, args, given) if recorded else function(*args, **given)
    y = made_by.forward(*args, **given)
    return y[0] if made_by.saves else y


def _sample(x: Any, i: int) -> Any:
    """One sample of a batch, or of each of several outputs."""
    return tuple(part[i] for part in x) if type(x) is tuple else x[i]


def _saved_of(made_by: Any, operands: list[Any], params: dict[str, Any]) -> Any:
    if any(type(x) is Value for x in operands):
        return saved_of(record(Value, made_by, tuple(operands), params or None))
    args, given = arguments(made_by, operands, params)
    return made_by.forward(*args, **given)[1]


def _check_shape(y: Any, step: BatchedCall) -> Any:
    """Check that the result of a batch rule has the shape of all samples."""
    if np.shape(y) != (step.size, *step.shape):
        raise ShapeError(
            f"the batch rule of {step.op.label} gave shape {np.shape(y)}, expected {(step.size, *step.shape)}\n"
            f"  operands of one sample  {', '.join(map(str, step.shapes))}"
        )
    return y


def _as_dtype(x: Any, dtype: Any) -> Any:
    return x if np.result_type(x) == dtype else np.astype(x, dtype)


# ------------------------------------------------------------------------------------------------ where samples are


def _axes_of(args: tuple[object, ...], in_axes: object) -> list[int | None]:
    """The axis of samples in each leaf of the arguments, from left to right. Raises ArgumentError."""
    given = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
    if len(given) != len(args):
        raise ArgumentError(
            f"in_axes has {len(given)} entries for {len(args)} arguments\n"
            "  write  one entry for each, None for an argument that all samples share"
        )
    return [axis for x, spec in zip(args, given, strict=True) for axis in _axes_in(x, spec)]


def _axes_in(x: object, axis: object) -> list[int | None]:
    if axis is None or (isinstance(axis, (int, np.integer)) and not isinstance(axis, bool)):
        return [None if axis is None else int(axis)] * len(leaves(x))
    kind: Any = kind_of(x) if type(axis) is type(x) else False
    keys, items, _ = kind.split(x) if kind else ((), (), None)
    specs: dict[Any, Any] = dict(zip(*kind.split(axis)[:2], strict=True)) if kind else {}
    if not kind or specs.keys() != dict.fromkeys(keys).keys():
        raise ArgumentError(f"in_axes={axis!r} is not nested like its argument, {describe(x)}")
    return [a for key, item in zip(keys, items, strict=True) for a in _axes_in(item, specs[key])]


def _size_of(args: tuple[object, ...], axes: list[int | None]) -> int:
    """The number of samples, which all named axes must share. Raises ShapeError, ArgumentError."""
    sizes: dict[int, tuple[Any, int]] = {}  # described only in an error: a text takes 5 µs
    for x, axis in zip(leaves(args), axes, strict=True):
        if axis is None:
            continue
        shape = np.shape(x)
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(f"{describe(x)} has no axis {axis} of samples\n  write  in_axes=(0, None, ...)")
        sizes.setdefault(shape[axis], (x, axis))
    if not sizes:
        raise ArgumentError("no argument has an axis of samples\n  write  in_axes=(0, None, ...)")
    if len(sizes) > 1:
        counts = "\n".join(f"  {n:>6} samples in {describe(x)}, axis {axis}" for n, (x, axis) in sizes.items())
        raise ShapeError(f"the arguments have different numbers of samples\n{counts}")
    (size,) = sizes
    return size
