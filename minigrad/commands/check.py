"""``python -m minigrad check``: the gradient of a function in a file, checked at a point, with the verdict as exit
status.

Finding the function stands in `locate`; the check itself in `minigrad.check`.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Callable
from typing import Any

from .locate import Misuse, function_at, point

STATUS = {"agree": 0, "disagree": 1, "unresolved": 2}
MISUSE = 3
GIVEN = {
    "grad": "the gradient of a function of one number: grad(*args)",
    "vjp": "its products with a cotangent: vjp(g, *args)",
    "jvp": "its products with tangents: jvp(args, tangents)",
    "jac": "all derivatives: jac(*args)",
    "hess": "the second derivatives of a function of one number: hess(*args)",
}
DESCRIPTION = """Check the derivatives of a function at a point, without a tolerance.

Without --grad, --vjp, --jvp, --jac or --hess, minigrad's own derivatives of f are checked, which is then to be
made of NumPy functions. Prints the report."""
EPILOG = """exit status:
  0  agree        1  disagree        2  unresolved: it cannot be told (0 with --allow-unresolved)
  3  there was nothing to check: a file, function, point or option that is wrong

example:
  python -m minigrad check model.py::loss --grad loss_gradient --at "[0.5, -1.2]" --at labels.npy"""


def add_to(commands: Any) -> None:
    """Tell the command line about it."""
    parser = commands.add_parser(
        "check",
        help="is the gradient of a function in a file right?",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("function", metavar="FILE.py::NAME", help="the function f")
    parser.add_argument(
        "--at",
        action="append",
        required=True,
        metavar="POINT",
        help="one argument of f, for several say it several times: a Python literal (a list of numbers is an array;"
        " numbers without a point are whole and not differentiated; write --at=-1e-3), an .npy file, or an .npz"
        " file, which is an argument per array",
    )
    which = parser.add_argument_group("what is checked, by name in the same file or as FILE.py::NAME")
    for kind, text in GIVEN.items():
        which.add_argument(f"--{kind}", metavar="NAME", help=text)
    parser.add_argument("--order", type=int, default=1, help="minigrad's own derivatives up to order 1, 2 or 3")
    parser.add_argument("--modes", default="rev,fwd", help="of minigrad's own derivatives: rev, fwd or rev,fwd")
    parser.add_argument("--budget", type=_budget, metavar="N|SECONDSs", help="end after 5000 evaluations, or 2.5s")
    parser.add_argument("--seed", type=int, default=0, help="of the random directions (default: 0)")
    parser.add_argument("--allow-unresolved", action="store_true", help="exit with 0 where it cannot be told")
    parser.misuse = MISUSE
    parser.set_defaults(run=run, parser=parser, failure=MISUSE)


def run(arguments: argparse.Namespace) -> int:
    """Check, print the report, and give the exit status."""
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
    args = point(arguments.at, _parameters(f))
    from tqdm import tqdm  # type: ignore[import-untyped]

    from ..check.gradients import gradient_report
    from ..errors import MinigradError

    total = arguments.budget if isinstance(arguments.budget, int) else None
    # disable=None: on a terminal only.
    with tqdm(unit=" evaluations", total=total, delay=1, disable=None, leave=False, file=sys.stderr) as bar:
        options: dict[str, Any] = {"progress": lambda amount: bar.update(amount) and None}
        options |= {"budget": arguments.budget, "seed": arguments.seed, "order": arguments.order}
        try:
            return gradient_report(f, args, modes=tuple(arguments.modes.split(",")), **given, **options)
        except MinigradError as error:  # asked for something that makes no sense, in words of its own
            raise Misuse(str(error)) from error


def _functions(arguments: argparse.Namespace) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The function, and what was given as its derivative."""
    path = arguments.function.rpartition("::")[0]
    f = function_at(arguments.function)
    named = {kind: getattr(arguments, kind) for kind in GIVEN if getattr(arguments, kind)}
    return f, {kind: function_at(name if "::" in name else f"{path}::{name}") for kind, name in named.items()}


def _parameters(f: Callable[..., Any]) -> list[str]:
    try:
        return [*inspect.signature(f).parameters]
    except (TypeError, ValueError):  # of some functions written in C nobody knows
        return []


def _budget(text: str) -> int | float:
    """5000 evaluations, or 2.5s."""
    try:
        return float(text.removesuffix("s")) if text.endswith("s") else int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected evaluations (5000) or seconds (2.5s), got {text!r}") from None
