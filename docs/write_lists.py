"""Rewrite the lists in the documentation that are made from the code: ``python docs/write_lists.py``.

A view, format, command, activation, optimiser, op or kind of mistake that was added then has its line. The tests
fail if a list is older than the code.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from minigrad.check.diagnosis.kinds import REMARKS, UNRESOLVED, WRONG
from minigrad.cli.main import commands
from minigrad.drawing.outputs import OUTPUTS
from minigrad.drawing.views import VIEWS
from minigrad.engine.op import TABLE
from minigrad.nn import optim
from minigrad.nn.mlp import activations
from minigrad.op_table import markdown
from minigrad.symmetry.semantics import has_formula

ROOT = Path(__file__).resolve().parents[1]
VERDICTS = {"disagree": WRONG, "unresolved": UNRESOLVED, "remarks, which change no verdict": REMARKS}


def lists_page() -> str:
    """docs/lists.md: what can be added and chosen by name."""
    commands_ = ((f"`python -m minigrad {name}`", command.help) for name, command in commands().items())
    tables = {
        "Views": table("draw(..., view=...)", "shows", "of", rows=_views()),
        "Formats": table("suffix", "file", rows=((f"`{suffix}`", form.help) for suffix, form in OUTPUTS.items())),
        "Commands": table("command", "help", rows=commands_),
        "Activations": table("nn.MLP(..., activation=...)", rows=((f'`"{name}"`',) for name in activations())),
        "Optimisers": table("class", "step", rows=_optimisers()),
        "Ops without a formula": table("page of rules", "ops that a proof of ties does not know", rows=_left()),
    }
    parts = [f"# {', '.join(tables).capitalize()}", "Made by `python docs/write_lists.py`; do not edit."]
    parts += [f"## {title}\n\n{text}" for title, text in tables.items()]
    return "\n\n".join(parts) + "\n"


def table(*heads: str, rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [heads, ("---",) * len(heads), *rows])


def kinds(page: str) -> str:
    """docs/checking.md with the kinds of findings."""
    tables = [table(verdict, "", rows=words.items()) for verdict, words in VERDICTS.items()]
    made = "\n\n".join(tables).replace("| --- | --- |", "|---|---|").replace("|  |", "| |")
    place = re.compile(r"(<!-- kinds: .*? -->\n).*?(<!-- end of kinds -->)", flags=re.DOTALL)
    return place.sub(lambda found: f"{found[1]}\n{made}\n\n{found[2]}", page)


def pages() -> dict[Path, str]:
    """The path and the text of each page that has such a list."""
    checking = ROOT / "docs" / "checking.md"
    return {
        ROOT / "docs" / "lists.md": lists_page(),
        ROOT / "minigrad" / "rules" / "README.md": markdown() + "\n",
        checking: kinds(checking.read_text(encoding="utf-8")),
    }


def _views() -> Iterator[tuple[str, ...]]:
    subjects = {"value": "a Value", "model": "a model"}
    for name, view in VIEWS.items():
        yield f'`"{name}"`', view.help, ", ".join(subjects[kind] for kind in view.draws)


def _left() -> Iterator[tuple[str, ...]]:
    for path in sorted((ROOT / "minigrad" / "rules").glob("*.py")):
        of_page = dict.fromkeys(op for op in TABLE.values() if op.page == path.stem)
        names = sorted(f"`{op.function.__name__}`" for op in of_page if not has_formula(op))
        if names:
            yield path.stem, ", ".join(names)


def _optimisers() -> Iterator[tuple[str, ...]]:
    for name, kind in sorted(vars(optim).items()):
        if inspect.isclass(kind) and issubclass(kind, optim.Optimiser) and kind is not optim.Optimiser:
            yield f"`nn.optim.{name}`", (kind.__doc__ or "").partition("\n")[0].rstrip(".").replace("``", "`")


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8", newline="\n")
