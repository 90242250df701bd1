"""Print the compiled Python code of an expression and its gradients.

minigrad.compile turns the expression and its gradients into straight-line Python (without gradients if the result
is not one number). Names without a value count as numbers.

    python -m minigrad compile "sum((x @ w - y)**2)" x="[[1, 2], [3, 4]]" w="[1, 2]" y="[0, 1]"
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...engine.value import Value
from ...transforms.grad import value_and_grad
from ..expression import Expression, assignments, parse


def add_options(parser: Any) -> None:
    """Add the options of the command."""
    help = 'an expression, such as "sigmoid(w*x + b)"; write "(-x)" if it starts with a minus'
    parser.add_argument("expression", help=help)
    parser.add_argument(
        "values", nargs="*", metavar="NAME=VALUE", help="the value of a name (only its shape matters): x='[1, 2]'"
    )
    parser.words = "values"


def run(arguments: argparse.Namespace) -> None:
    """Print the source."""
    expression = parse(arguments.expression)
    print(source(expression, assignments(arguments.values)).rstrip())


def source(expression: Expression, given: Mapping[str, Value]) -> str:
    """The source of an expression and its gradients, at values of these shapes. Raises ExpressionError."""
    from ...compiler import compile as compiled

    values = {name: given[name] if name in given else Value(1.0, name=name) for name in expression.names}
    y = expression.evaluate({**values, **given})
    f = _function(expression)
    if y.size == 1 and y.dtype.kind == "f" and values:
        f = value_and_grad(f, tuple(range(len(values))))
    call = compiled(f)
    with np.errstate(all="ignore"):
        call(*(v.data for v in values.values()))
    return str(call.source)


def _function(expression: Expression) -> Callable[..., Any]:
    """The expression as a function of its names."""

    def f(*args: Any) -> Any:
        return expression.evaluate(dict(zip(expression.names, args, strict=True)))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    f.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in expression.names])  # type: ignore
    return f
