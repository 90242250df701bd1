"""Draw an expression and its gradients.

The expression is parsed, never run as code. It may contain numbers, names, operators, brackets and functions of the
derivative table. Without -o, the command prints the picture as text. In Python: `minigrad.draw`.

    python -m minigrad draw "sigmoid(w*x + b)" w=.1 x=1 b=0 -o net.svg
"""

from __future__ import annotations

import argparse
from pathlib import Path
from textwrap import indent
from typing import Any

from ...drawing.draw import draw
from ...drawing.outputs import OUTPUTS
from ...drawing.outputs.text import to_text
from ...drawing.theme import NAMES
from ...drawing.views import VIEWS
from ..expression import assignments, parse


def add_options(parser: Any) -> None:
    """Add the options of the command, and list the views and formats."""
    help = 'an expression, such as "sigmoid(w*x + b)"; write "(-x)" if it starts with a minus'
    parser.add_argument("expression", help=help)
    help = "the value of each name: x=1, w=.1, x='[1, 2]'"
    parser.add_argument("values", nargs="*", metavar="NAME=VALUE", help=help)
    help = "the file to write; its suffix sets the format, see below"
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=help)
    parser.add_argument("--view", choices=[*VIEWS], help="a view, listed below (default: ops)")
    parser.add_argument("--theme", choices=NAMES, default="auto", help="colours (default: auto)")
    views, suffixes = (indent(found, "  ") for found in (VIEWS.help(), OUTPUTS.help()))
    models = ", ".join(name for name, view in VIEWS.items() if "value" not in view.draws)
    parser.epilog = f"views (for models only: {models}):\n{views}\n\nsuffixes:\n{suffixes}"
    parser.words = "values"


def run(arguments: argparse.Namespace) -> None:
    """Draw, and print the text or write the file."""
    y = parse(arguments.expression).evaluate(assignments(arguments.values))
    drawing = draw(y, view=arguments.view, theme=arguments.theme)
    if arguments.output is None:
        print(to_text(drawing.diagram), end="")
    else:
        path = drawing.save(arguments.output)
        print(drawing.diagram.title)
        print(path)
