"""Check the gradient of a function in a file, at a point; there is no tolerance to choose.

Give the gradient as --grad, --vjp, --jvp, --jac or --hess. Without any of them, the command checks the derivatives
of the framework that f belongs to (PyTorch, JAX; --framework names it where nothing tells), or else minigrad's own
derivatives of f, which must then consist of NumPy functions. Prints the report.
In Python: `minigrad.gradient_report`.

    python -m minigrad check model.py::loss --grad loss_gradient --at "[0.5, -1.2]" --at labels.npy
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable
from typing import Any

from ..framework_arrays import FRAMEWORKS, arguments_of
from ..locate import Misuse, function_at, point

STATUS = {"agree": 0, "disagree": 1, "unresolved": 2}
MISUSE = 3
DERIVATIVES = {
    "grad": "the gradient, if f returns one number: grad(*args)",
    "value_and_grad": "the value and the gradient together: value_and_grad(*args)",
    "vjp": "a backward pass for a cotangent g: vjp(g, *args)",
    "jvp": "a forward pass: jvp(args, tangents)",
    "jac": "the whole matrix of derivatives: jac(*args)",
    "hess": "the second derivatives, if f returns one number: hess(*args)",
}
EPILOG = """exit status:
  0  agree        1  disagree        2  unresolved: the check could not decide (0 with --allow-unresolved)
  3  nothing to check: a wrong file, function, point or option"""


def add_options(parser: Any) -> None:
    """Add the options of the command."""
    parser.epilog = EPILOG
    parser.add_argument("function", metavar="FILE.py::NAME", help="the function f")
    parser.add_argument(
        "--at",
        action="append",
        required=True,
        metavar="POINT",
        help="one argument of f; repeat --at for each argument. A Python literal (a list of numbers becomes an"
        " array; numbers without a decimal point are integers, and not differentiated; write --at=-1e-3 for a"
        " negative number), an .npy file, or an .npz file (one argument per array)",
    )
    parser.add_argument(
        "--framework",
        choices=(*FRAMEWORKS, "numpy"),
        help="make the points arrays of it (default: of the framework that f, its code or the imports of its file"
        " show); without a derivative below, its own are checked",
    )
    which = parser.add_argument_group("the derivative to check: a function in the same file, or FILE.py::NAME")
    for kind, text in DERIVATIVES.items():
        which.add_argument(f"--{kind.replace('_', '-')}", metavar="NAME", help=text)
    own = "derivatives of minigrad or of the framework"
    parser.add_argument("--order", type=int, default=1, help=f"check {own} up to order 1, 2 or 3")
    parser.add_argument("--modes", help=f"modes of the {own} to check: rev, fwd or rev,fwd (default: all it has)")
    parser.add_argument("--need", type=float, metavar="ERROR", help="the relative error that must be visible")
    parser.add_argument("--evaluations", type=int, metavar="N", help="stop after N calls of f")
    parser.add_argument("--seconds", type=float, metavar="S", help="stop after S seconds")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random directions (default: 0)")
    parser.add_argument("--allow-unresolved", action="store_true", help="exit with 0 if the check could not decide")
    parser.misuse = MISUSE
    parser.set_defaults(failure=MISUSE)


def run(arguments: argparse.Namespace) -> int:
    """Check, print the report, and return the exit status."""
    try:
        report = _report(arguments)
    except Misuse as error:
        print(f"minigrad check: {error}", file=sys.stderr)
        return MISUSE
    print(report)
    if report.verdict == "unresolved" and arguments.allow_unresolved:
        return 0
    return STATUS[report.verdict]


def _report(arguments: argparse.Namespace) -> Any:
    f, given = _functions(arguments)
    args = arguments_of(f, point(arguments.at, _parameters(f)), arguments.framework)
    from tqdm import tqdm  # type: ignore[import-untyped]

    from ...check.gradients import gradient_report
    from ...errors import MinigradError

    modes = arguments.modes
    # disable=None: on a terminal only.
    shown: dict[str, Any] = {"delay": 1, "disable": None, "leave": False, "file": sys.stderr}
    with tqdm(unit=" evaluations", total=arguments.evaluations, **shown) as bar:
        options: dict[str, Any] = {"progress": lambda amount: bar.update(amount) and None}
        options |= {name: getattr(arguments, name) for name in ("need", "evaluations", "seconds", "seed", "order")}
        try:
            return gradient_report(f, args, modes=modes and tuple(modes.split(",")), **given, **options)
        except MinigradError as error:  # an option that makes no sense: the error explains it
            raise Misuse(str(error)) from error


def _functions(arguments: argparse.Namespace) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The function, and the given derivatives by kind."""
    path = arguments.function.rpartition("::")[0]
    f = function_at(arguments.function)
    named = {kind: getattr(arguments, kind) for kind in DERIVATIVES if getattr(arguments, kind)}
    return f, {kind: function_at(name if "::" in name else f"{path}::{name}") for kind, name in named.items()}


def _parameters(f: Callable[..., Any]) -> list[str]:
    try:
        return [*inspect.signature(f).parameters]
    except (TypeError, ValueError):  # some functions written in C have no signature
        return []
