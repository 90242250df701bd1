"""Diagrams as one HTML page that a browser opens from the disk: the viewer.

The page holds the pictures as the engine laid them out, the diagrams as data, and the script and style of `viewer/`
as they stand there; it loads nothing. Any name may stand in it: text is escaped, and no script but ours may run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from .derivation import lines, steps, uses
from .diagram import Diagram
from .dot import styles, to_dot
from .jsontext import MARKUP, to_json
from .render import SECONDS
from .snapshots import Snapshot, captions, chart
from .svg import NAMED, to_svg, xml
from .telling import called, evidence, items, listed
from .theme import LIGHT, THEMES, Style, Theme, replaced

# In the order in which they build on each other.
SCRIPTS = ("data", "stage", "light", "chain", "stepper", "training", "table", "search", "saving", "main")
PLACE = re.compile(r"\{\{(\w+)\}\}")
PROLOGUE = re.compile(r"^.*?(?=<svg\b)", re.DOTALL)  # of an XML file; a page has its own
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
COLOURS = ("paper", "ground", "ink", "muted", "line", "warning")  # that the page around the picture wears


def to_html(views: Sequence[Sequence[Snapshot]], theme: str = "auto", seconds: float = SECONDS) -> str:
    """The page that shows some views, each at one or several steps of training. The first view is shown first.

    theme: auto, light, dark or print, to begin with. seconds: that the engine may take for each picture. Raises
    RenderError if there is no layout engine.
    """
    script = viewer_script()
    parts = {
        "views": "".join(f"<button>{xml(snapshots[0].diagram.view)}</button>" for snapshots in views),
        "single": " hidden" if len(views) == 1 else "",
        "title": xml(views[0][0].diagram.title),
        "hash": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "css": _read("viewer.css"),
        "colours": "\n".join(_colours()),
        "pictures": "\n".join(_pictures(views, seconds)),
        "data": _json({"theme": theme, "themes": _themes(), "views": [_view(snapshots) for snapshots in views]}),
        "script": script,
    }
    return PLACE.sub(lambda match: parts[match[1]], _read("page.html"))


@cache
def viewer_script() -> str:
    """The script of the page: the files of `viewer/`, one after the other."""
    return "\n" + "\n".join(_read(f"{name}.js") for name in SCRIPTS)


def _read(name: str) -> str:
    return (Path(__file__).parent / "viewer" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _view(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    pairs = zip(snapshots, captions(snapshots), strict=True)
    return {"name": snapshots[0].diagram.view, "shots": [_shot(*pair) for pair in pairs]}


def _shot(snapshot: Snapshot, caption: str) -> dict[str, Any]:
    diagram = snapshot.diagram
    names = called(diagram)
    return {
        "told": caption,
        "items": items(diagram, names),
        "lines": lines(diagram, names),
        "edges": uses(diagram, names),
        "steps": steps(diagram, names),
        "json": to_json(diagram),
        "dot": to_dot(diagram),
    }


def _pictures(views: Sequence[Sequence[Snapshot]], seconds: float) -> Iterator[str]:
    """What is laid out, in templates: none is part of the page before it is shown."""
    for number, snapshots in enumerate(views):
        yield f'<template id="chart-{number}">{chart(snapshots) if len(snapshots) > 1 else ""}</template>'
        for place, snapshot in enumerate(snapshots):
            yield f'<template id="svg-{number}-{place}">{_picture(snapshot.diagram, seconds)}</template>'
            yield f'<template id="legend-{number}-{place}">{"".join(_legend(snapshot.diagram))}</template>'


def _picture(diagram: Diagram, seconds: float) -> str:
    return COMMENT.sub("", PROLOGUE.sub("", to_svg(diagram, "light", seconds)))


def _legend(diagram: Diagram) -> Iterator[str]:
    looks = styles(diagram.groups, LIGHT)
    for group in diagram.groups:
        chip = _chip(group.letter, looks[group.letter], group.proved)
        told = f"{chip}<b>{xml(group.gradient)}</b> {xml(listed(group))}"
        yield f'<li><button title="{evidence(group)}">{told}</button></li>'


def _chip(letter: str, look: Style, proved: bool) -> str:
    """A letter in its colour, drawn: so that the themes change it as they change the picture."""
    width = 11 + 9 * len(letter)
    border = "" if proved else ' stroke-dasharray="3 2"'
    return (
        f'<svg class="chip" width="{width}" height="20"><rect x="1" y="1" width="{width - 2}" height="18" rx="5" '
        f'fill="{look.chip}" stroke="{look.chip_line}"{border}/>'
        f'<text x="{width / 2:g}" y="14" text-anchor="middle" fill="{look.chip_ink}">{letter}</text></svg>'
    )


def _themes() -> dict[str, dict[str, str]]:
    """What each colour of the light theme is in another."""
    found = {}
    for name, theme in THEMES.items():
        changed = replaced(LIGHT, theme)
        named = {word.upper(): changed[code.upper()] for word, code in NAMED.items() if code.upper() in changed}
        found[name] = changed | named
    return found


def _colours() -> Iterator[str]:
    """The colours of the themes as style: the page's own by name, the pictures' one in the place of another."""
    for name, theme in THEMES.items():
        where = f'[data-theme="{name}"]'
        yield f"{where} {{ color-scheme: {'dark' if name == 'dark' else 'light'}; {_variables(theme)} }}"
        for colour, other in _themes()[name].items():
            for kind in ("fill", "stroke"):
                yield f'{where} svg [{kind}="{colour}" i] {{ {kind}: {other} }}'


def _variables(theme: Theme) -> str:
    return " ".join(f"--{name}: {getattr(theme, name)};" for name in COLOURS)


def _json(data: Mapping[str, Any]) -> str:
    """JSON that may stand in a page: ASCII, and nothing in it closes the script."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, code in MARKUP.items():
        text = text.replace(character, code)
    return text
