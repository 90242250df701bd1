"""``python -m minigrad draw "sigmoid(w*x + b)" w=.1 x=1 b=0 -o net.svg``: the picture of an expression."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..drawing.choice import VIEWS
from ..drawing.picture import draw
from ..drawing.text import to_text
from ..drawing.theme import NAMES
from .expression import assignments, parse


def add_to(commands: Any) -> None:
    """Tell the command line about it."""
    parser = commands.add_parser(
        "draw",
        help="the picture of an expression and its gradients",
        description="Draws an expression, with every value and gradient in it. The expression is parsed, never run"
        " as code: numbers, names, operators, brackets and functions of the derivative table.",
        epilog="""python -m minigrad draw "sigmoid(w*x + b)" w=.1 x=1 b=0 -o net.svg""",
    )
    parser.add_argument("expression", help='such as "sigmoid(w*x + b)"; "(-x)", where a minus comes first')
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help="of each name: x=1, w=.1, x='[1, 2]'")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="its suffix decides: .svg, .html, .txt, ..."
    )
    parser.add_argument("--view", choices=VIEWS, help="one node per value (ops), or one for all alike (quotient)")
    parser.add_argument("--theme", choices=NAMES, default="auto", help="colours (default: auto)")
    parser.words = "values"
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    y = parse(arguments.expression).evaluate(assignments(arguments.values))
    drawing = draw(y, view=arguments.view, theme=arguments.theme)
    if arguments.output is None:
        print(to_text(drawing.diagram), end="")
    else:
        path = drawing.save(arguments.output)
        print(drawing.diagram.title)
        print(path)
