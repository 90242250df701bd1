"""A call of an operation as a user types it: the public name of each row of the table, and how to call it.

`op_sampling` draws such calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.op import PAGES, Op, find
from ...engine.value import Value
from ...op_table import op_name


def user_name(op: Op) -> str:
    """The function's public name."""
    module, _, name = op_name(op).rpartition(".")
    return f"{module.rpartition('.')[2]}.{name}" if module in ("np.linalg", *PAGES) else name


def invoke(op: Op, inputs: Sequence[Any], params: dict[str, Any], key: Any = None) -> Any:
    """Call an op as a user does."""
    function = key or op.function
    if (
        isinstance(function, np.ufunc)
        and function is not op.forward
        and not any(isinstance(x, Value) for x in inputs)
    ):
        function = op.forward  # a ufunc of Python objects (np.frompyfunc): the op turns its results into floats
    if op.spelling is not None and function is op.function:
        return op.spelling(*inputs, **params)
    return function(list(inputs), **params) if op.variadic else function(*inputs, **params)


def find_op(of: Callable[..., Any] | Op) -> Op:
    """Find the record of an op by its function."""
    if isinstance(of, Op):
        return of
    if (found := find(of)) is not None:
        return found
    raise KeyError(f"{getattr(of, '__name__', of)} has no row in the table\n  write  minigrad.ops()   to see it")


def literal(x: object) -> str:
    """An array or a number of NumPy as source, anything else as its repr."""
    if isinstance(x, np.ndarray):
        kind = "" if x.dtype in (np.float64, np.int64, np.bool_) and x.size else f", dtype=np.{x.dtype}"
        return f"np.array({x.tolist()!r}{kind})"
    return repr(x)


@dataclass(repr=False)
class OpCall:
    """One call of an op. It is itself a function of the op's inputs: ``check_grads(call, call.args)``.

    inputs: in order, arrays or numbers. params: the rest of the call. seed: that of `directions`.
    """

    op: Op
    inputs: tuple[Any, ...]
    params: dict[str, Any]
    seed: int = 0

    @property
    def args(self) -> tuple[Any, ...]:
        """The inputs, as the tuple of positional arguments that a check takes."""
        return self.inputs

    @property
    def __name__(self) -> str:
        """The name in reports."""
        return user_name(self.op)

    def __call__(self, *inputs: Any) -> Any:
        """Apply the op to these inputs, with the parameters of this call."""
        return invoke(self.op, inputs, self.params)

    def __repr__(self) -> str:
        """The call in one line: inputs first, then parameters by name."""
        inputs = ", ".join(map(literal, self.inputs))
        if self.op.variadic and self.op.spelling is None:
            inputs = f"[{inputs}]"
        params = (f"{name}={literal(value)}" for name, value in self.params.items())
        return f"{op_name(self.op)}({', '.join([inputs, *params])})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the repr, in hypothesis and IPython."""
        printer.text(repr(self))

    def directions(self) -> Callable[[Any], Any]:
        """A function that draws a direction for an array: entries of different sizes, none small, of both signs."""
        rng = np.random.default_rng(self.seed)

        def direction(like: Any) -> Any:
            shape = np.shape(like)
            return (rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape))[()]

        return direction
