"""Print the table of operations: formulas, domains, kinks.

Prints one line for each operation, page by page.

    python -m minigrad ops --markdown
"""

from __future__ import annotations

import argparse

from ...op_table import markdown, table_text


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "--markdown", action="store_true", help="print it as Markdown, as in minigrad/rules/README.md"
    )


def run(arguments: argparse.Namespace) -> None:
    """Print the table."""
    print(markdown() if arguments.markdown else table_text())
