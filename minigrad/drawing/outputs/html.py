"""Diagrams as one HTML page that a browser opens from the disk: the viewer.

The page holds the pictures as the engine laid them out, the diagrams as data, and the script and style of `viewer/`
unchanged; it loads nothing. Names may contain anything: text is escaped, and only our script may run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from ...errors import ArgumentError
from ..diagram import Diagram
from ..theme import LIGHT, THEMES, Style, Theme, colour_map
from . import Picture, output
from .derivation import chain_rule_lines, steps, uses
from .dot import styles, to_dot
from .history import Snapshot, captions, chart, timeline
from .json_output import MARKUP, to_json
from .render import SECONDS
from .svg import NAMED, to_svg, xml
from .viewer_text import evidence, item_names, items, member_list

# Each file uses those before it.
SCRIPTS = ("data", "stage", "light", "chain", "stepper", "training", "table", "search", "saving", "main")
PLACE = re.compile(r"\{\{(\w+)\}\}")
PROLOGUE = re.compile(r"^.*?(?=<svg\b)", re.DOTALL)  # the head of an XML file; a page has its own
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
COLOURS = ("paper", "ground", "ink", "muted", "line", "warning")  # of the page around the picture


def to_html(views: Sequence[Sequence[Snapshot]], theme: str = "auto", seconds: float = SECONDS) -> str:
    """The page for some views, each at one or several steps of training. It opens with the first view.

    theme: the first theme: auto, light, dark or print. seconds: time limit of the engine for each picture. Raises
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


@output(".html", "an interactive page that needs no server and no network")
def write_html(picture: Picture) -> str:
    """The page of a picture: all its views, each at all steps of training that have the same structure."""
    views = [timeline(picture.diagram, picture.history)]
    for shown in picture.others:
        try:
            views.append(timeline(shown, picture.history))
        except ArgumentError:  # a quotient may have other nodes at another step
            views.append(timeline(shown, {}))
    return to_html(views, picture.theme, picture.seconds)


@cache
def viewer_script() -> str:
    """The script of the page: the files of `viewer/`, one after the other."""
    return "\n" + "\n".join(_read(f"{name}.js") for name in SCRIPTS)


def _read(name: str) -> str:
    return (Path(__file__).parent.parent / "viewer" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


def _view(snapshots: Sequence[Snapshot]) -> dict[str, object]:
    pairs = zip(snapshots, captions(snapshots), strict=True)
    return {"name": snapshots[0].diagram.view, "shots": [_shot(*pair) for pair in pairs]}


def _shot(snapshot: Snapshot, caption: str) -> dict[str, object]:
    diagram = snapshot.diagram
    names = item_names(diagram)
    return {
        "caption": caption,
        "items": items(diagram, names),
        "lines": chain_rule_lines(diagram, names),
        "edges": uses(diagram, names),
        "steps": steps(diagram, names),
        "json": to_json(diagram),
        "dot": to_dot(diagram),
    }


def _pictures(views: Sequence[Sequence[Snapshot]], seconds: float) -> Iterator[str]:
    """The laid-out pictures as templates, which join the page only when shown."""
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
        label = f"{chip}<b>{xml(group.gradient)}</b> {xml(member_list(group))}"
        yield f'<li><button title="{evidence(group)}">{label}</button></li>'


def _chip(letter: str, look: Style, proved: bool) -> str:
    """A letter in its colour as SVG, so that a theme changes it as it changes the picture."""
    width = 11 + 9 * len(letter)
    border = "" if proved else ' stroke-dasharray="3 2"'
    return (
        f'<svg class="chip" width="{width}" height="20"><rect x="1" y="1" width="{width - 2}" height="18" rx="5" '
        f'fill="{look.chip}" stroke="{look.chip_line}"{border}/>'
        f'<text x="{width / 2:g}" y="14" text-anchor="middle" fill="{look.chip_ink}">{letter}</text></svg>'
    )


def _themes() -> dict[str, dict[str, str]]:
    """The colours of another theme by those of the light theme."""
    found = {}
    for name, theme in THEMES.items():
        changed = colour_map(LIGHT, theme)
        named = {word.upper(): changed[code.upper()] for word, code in NAMED.items() if code.upper() in changed}
        found[name] = changed | named
    return found


def _colours() -> Iterator[str]:
    """The themes as style: the page's colours as variables; in pictures, each light colour replaced."""
    for name, theme in THEMES.items():
        where = f'[data-theme="{name}"]'
        yield f"{where} {{ color-scheme: {'dark' if name == 'dark' else 'light'}; {_variables(theme)} }}"
        for colour, other in _themes()[name].items():
            for kind in ("fill", "stroke"):
                yield f'{where} svg [{kind}="{colour}" i] {{ {kind}: {other} }}'


def _variables(theme: Theme) -> str:
    return " ".join(f"--{name}: {getattr(theme, name)};" for name in COLOURS)


def _json(data: Mapping[str, object]) -> str:
    """JSON that is safe in a page: ASCII, and nothing in it closes the script."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, code in MARKUP.items():
        text = text.replace(character, code)
    return text
