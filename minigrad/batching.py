"""vmap: a function of one sample, computed for a whole batch at once.

The function is recorded for one sample, gradients in it included, and the graph is computed again with arrays of
all samples in place of that one. What an op is for a batch stands in `batched`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import context
from .batched import Sampled, rule_of
from .errors import ArgumentError, ShapeError, describe
from .node import ARGUMENT, ITEM, placed, record
from .op import Op
from .rules.shaping import stack
from .scopes import serials
from .taped import HELD, SAVED, call, is_call, put_back, saved_of
from .transforms import Function
from .tree import leaves, tree_map
from .value import Value, graph


def vmap(f: Function, in_axes: Any = 0) -> Function:
    """f of one sample as a function of a batch: every argument and every result gets an axis of samples.

    in_axes: where that axis is in the arguments: a whole number for all, or a tuple with one entry per argument: a
    number, None for an argument that is the same for all samples, or a nesting of these like the argument. In the
    results it comes first. f is called once, for one sample, so it cannot branch on the data; it may be a gradient:
    ``vmap(grad(f))`` gives the gradient of each sample. The results are those of a loop, to rounding; an op
    that has no rule for batches is computed sample by sample. Raises ShapeError, ArgumentError, TracingError.
    """

    @functools.wraps(f)
    def of_batch(*args: Any, **kwargs: Any) -> Any:
        batch = _Batch(args, _axes_of(args, in_axes))
        # On a tape, what the engine computes on arrays is recorded too: nothing of the one sample stays behind.
        with context.recording(), context.taping(context.tape() or context.Tape()):
            y = f(*batch.samples, **kwargs)
        values = [x for x in leaves(y) if type(x) is Value]
        for node in graph(*values, since=batch.start):
            batch.compute(node)
        return tree_map(lambda x, _: batch.result(x), y)

    return of_batch


class _Batch:
    """What each recorded node is for all samples.

    start: nodes with a smaller serial were there before, and are the same for all samples. known: by serial, what a
    node has become, and whether it has an axis of samples.
    """

    def __init__(self, args: tuple[Any, ...], axes: list[int | None]) -> None:
        self.start = next(serials)
        self.size = _size_of(args, axes)
        self.known: dict[int, tuple[Any, bool]] = {}
        each = iter(axes)
        self.samples = tree_map(lambda x, _: self._enter(x, next(each)), args)

    def _enter(self, x: Any, axis: int | None) -> Any:
        """The leaf that stands for one sample of an argument."""
        if axis is None:
            return x
        rows = x if axis == 0 and hasattr(x, "ndim") else np.moveaxis(x, axis, 0)
        data = np.asarray(rows._array if type(rows) is Value else rows)
        first = data[0] if self.size else np.ones(data.shape[1:], data.dtype)
        leaf = Value(0.0)
        leaf._array = first[()]  # whole numbers stay what they are: they may be an index
        self.known[leaf.serial] = (rows, True)
        return leaf

    def compute(self, node: Value) -> None:
        """Find out what a node is for all samples; its operands are known."""
        if node.serial in self.known:
            return
        if node.serial < self.start:
            self.known[node.serial] = (node, False)
            return
        made_by, pairs = node.op, [self._operand(x) for x in node.operands]
        operands, batched = [x for x, _ in pairs], tuple(b for _, b in pairs)
        if not any(batched):
            depends = made_by is not None and any(type(x) is Value for x in operands)
            self.known[node.serial] = (node if depends else node._array, False)
        elif made_by is ARGUMENT or made_by is HELD:
            self.known[node.serial] = (_as_dtype(operands[0], node.dtype), True)
        elif made_by is SAVED:
            self.known[node.serial] = (self._saved(node.operands[0]), True)
        elif made_by is ITEM:
            self.known[node.serial] = (operands[0][node.params["k"]], True)  # type: ignore[index]
        else:
            self.known[node.serial] = (self._computed(node, operands, batched), True)

    def _operand(self, x: Any) -> tuple[Any, bool]:
        return self.known[x.serial] if type(x) is Value else (x, False)

    def _computed(self, node: Value, operands: list[Any], batched: tuple[bool, ...]) -> Any:
        made_by: Any = node.op
        params, several = _params(node), type(node._array) is tuple
        rule = None if is_call(made_by) else rule_of(made_by, len(operands))
        if rule is not None and not several:
            shapes = tuple(np.shape(x._array if type(x) is Value else x) for x in node.operands)
            step = Sampled(made_by, params, shapes, np.shape(node._array), batched, self.size)
            y = rule(step, operands)
            if y is not None:
                return _checked(y, step)
        each = [_applied(made_by, sample, params) for sample in self._each(operands, batched)]
        if several:
            return tuple(stack([parts[k] for parts in each]) for k in range(len(node._array)))
        return stack(each) if each else np.zeros((0, *node.shape), node.dtype)

    def _each(self, operands: list[Any], batched: tuple[bool, ...]) -> Iterator[list[Any]]:
        for i in range(self.size):
            yield [_sample(x, i) if b else x for x, b in zip(operands, batched, strict=True)]

    def _saved(self, y: Any) -> list[Any]:
        """What an op handed over to its rule, for each sample."""
        pairs = [self._operand(x) for x in y.operands]
        samples = self._each([x for x, _ in pairs], tuple(b for _, b in pairs))
        return [_saved_of(y.op, sample, _params(y)) for sample in samples]

    def result(self, x: Any) -> Any:
        """One result for all samples; of one that does not depend on them, a copy for each."""
        y, batched = self._operand(x)
        if type(x) is not Value and not isinstance(x, (np.ndarray, np.generic, int, float)):
            raise ArgumentError(f"what vmap computes is made of arrays, and the function gave {describe(x)}")
        y = y if batched else np.broadcast_to(y, (self.size, *np.shape(y)))
        return y if type(y) is Value else np.array(y)


def _applied(made_by: Op, operands: Sequence[Any], params: dict[str, Any]) -> Any:
    """An op on one sample: recorded, if there is a Value among its operands."""
    recorded = any(type(x) is Value for x in operands)
    if is_call(made_by):
        args, kwargs = put_back(params["call"], operands)
        function = made_by.function
        return call(Value, function, made_by.label, args, kwargs) if recorded else function(*args, **kwargs)
    if recorded:
        return record(Value, made_by, tuple(operands), params or None)
    args, given = placed(made_by, list(operands), params)
    y = made_by.forward(*args, **given)
    return y[0] if made_by.saves else y


def _sample(x: Any, i: int) -> Any:
    """One sample of a batch, or of each of several outputs."""
    return tuple(part[i] for part in x) if type(x) is tuple else x[i]


def _params(node: Value) -> dict[str, Any]:
    """The parameters of a node, without what its op handed over to its rule."""
    return {name: p for name, p in (node.params or {}).items() if name != "saved"}


def _saved_of(made_by: Any, operands: list[Any], params: dict[str, Any]) -> Any:
    if any(type(x) is Value for x in operands):
        return saved_of(record(Value, made_by, tuple(operands), params or None))
    args, given = placed(made_by, operands, params)
    return made_by.forward(*args, **given)[1]


def _checked(y: Any, step: Sampled) -> Any:
    """What a rule gave, which must have the shape of all samples: no wrong axis goes unnoticed."""
    if np.shape(y) != (step.size, *step.shape):
        raise ShapeError(
            f"the batch of {step.op.label} has shape {np.shape(y)}, and {(step.size, *step.shape)} was expected\n"
            f"  operands of one sample  {', '.join(map(str, step.shapes))}"
        )
    return y


def _as_dtype(x: Any, dtype: Any) -> Any:
    return x if np.result_type(x) == dtype else np.astype(x, dtype)


# ------------------------------------------------------------------------------------------------ where samples are


def _axes_of(args: tuple[Any, ...], in_axes: Any) -> list[int | None]:
    """The axis of samples in each leaf of the arguments, from left to right. Raises ArgumentError."""
    given = in_axes if isinstance(in_axes, tuple) else (in_axes,) * len(args)
    if len(given) != len(args):
        raise ArgumentError(
            f"in_axes has {len(given)} entries for {len(args)} arguments\n"
            "  write  one entry for each, None for what all samples share"
        )
    return [axis for x, spec in zip(args, given, strict=True) for axis in _axes_in(x, spec)]


def _axes_in(x: Any, axis: Any) -> list[int | None]:
    if axis is None or (isinstance(axis, (int, np.integer)) and not isinstance(axis, bool)):
        return [None if axis is None else int(axis)] * len(leaves(x))
    same = type(axis) is type(x) and isinstance(x, (list, tuple, dict)) and len(axis) == len(x)
    if not same or (isinstance(x, dict) and x.keys() != axis.keys()):
        raise ArgumentError(f"in_axes={axis!r} is nested unlike the argument that it is for, {describe(x)}")
    keys = [*x] if isinstance(x, dict) else range(len(x))
    return [a for key in keys for a in _axes_in(x[key], axis[key])]


def _size_of(args: tuple[Any, ...], axes: list[int | None]) -> int:
    """How many samples there are: the same along every axis that is named. Raises ShapeError, ArgumentError."""
    sizes: dict[int, str] = {}
    for x, axis in zip(leaves(args), axes, strict=True):
        if axis is None:
            continue
        shape = np.shape(x)
        if not -len(shape) <= axis < len(shape):
            raise ShapeError(
                f"there is no axis {axis} of samples in {describe(x)}\n  write  in_axes=(0, None, ...)"
            )
        sizes.setdefault(shape[axis], f"{describe(x)}, axis {axis}")
    if not sizes:
        raise ArgumentError("no argument has an axis of samples\n  write  in_axes=(0, None, ...)")
    if len(sizes) > 1:
        told = "\n".join(f"  {n:>6} samples in {where}" for n, where in sizes.items())
        raise ShapeError(f"the arguments have different numbers of samples\n{told}")
    return next(iter(sizes))
