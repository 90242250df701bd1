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
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

from ...errors import ArgumentError
from ..diagram import Diagram
from ..marks import LetterMark
from ..theme import LIGHT, THEMES, Style, Theme, colour_map
from . import Picture, output
from .answer_text import answers
from .derivation import chain_rule_lines, steps, uses
from .dot import styles, to_dot
from .history import Snapshot, captions, chart, timeline
from .json_output import MARKUP, to_json
from .render import SECONDS
from .svg import NAMED, to_svg, xml
from .viewer_text import item_names, items, member_list

# Each file uses those before it.
SCRIPTS = "data stage words map light chain verdict answer boxes stepper training table search saving main"
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
    pages = _pages(views)
    every = [snapshots for snapshots, _ in pages]
    parts = {
        "views": "".join(f"<button>{xml(snapshots[0].diagram.view)}</button>" for snapshots in views),
        "single": " hidden" if len(views) == 1 else "",
        "title": xml(views[0][0].diagram.title),
        "hash": "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "css": _read("viewer.css"),
        "colours": "\n".join(_colours()),
        "pictures": "\n".join(_pictures(every, seconds)),
        "data": _json({"theme": theme, "themes": _themes(), "views": [_view(*page) for page in pages]}),
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
    return "\n" + "\n".join(_read(f"{name}.js") for name in SCRIPTS.split())


def _read(name: str) -> str:
    return (Path(__file__).parent.parent / "viewer" / name).read_text(encoding="utf-8").replace("\r\n", "\n")


Shown: TypeAlias = tuple[Sequence[Snapshot], dict[str, int]]  # a picture, and by name the numbers of those it opens


def _pages(views: Sequence[Sequence[Snapshot]]) -> list[Shown]:
    """Every picture of the page: the views, then those inside boxes, wherever they are."""
    places = {snapshots[0].diagram.view: number for number, snapshots in enumerate(views)}
    found: list[Shown] = [(snapshots, dict(places)) for snapshots in views]
    for snapshots, opens in found:  # it grows
        inside = [(name, replace(s, diagram=one)) for s in snapshots for name, one in s.diagram.inside]
        names = list(dict.fromkeys(name for name, _ in inside))
        opens.update((name, len(found) + place) for place, name in enumerate(names))
        found += [([one for other, one in inside if other == name], dict(opens)) for name in names]
    return found


def _view(snapshots: Sequence[Snapshot], opens: Mapping[str, int]) -> dict[str, object]:
    pairs = zip(snapshots, captions(snapshots), strict=True)
    return {"name": snapshots[0].diagram.view, "opens": opens, "shots": [_shot(*pair) for pair in pairs]}


def _shot(snapshot: Snapshot, caption: str) -> dict[str, object]:
    diagram = snapshot.diagram
    names = item_names(diagram)
    return {
        "caption": caption,
        "answers": answers(diagram, names),
        "items": items(diagram, names),
        "lines": chain_rule_lines(diagram, names),
        "edges": uses(diagram, names),
        "steps": steps(diagram, names),
        "json": to_json(replace(diagram, inside=())),  # they are pictures of their own here
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
    """A button for each letter, with a chip for each of its marks."""
    looks = styles(diagram.groups, LIGHT)
    ties = list(looks.marks.ties())
    for group in diagram.groups:
        mine = [tie for tie in ties if tie.group is group]
        parts = [(_chip(tie.mark, looks[group.letter]), xml(member_list(tie))) for tie in mine]
        (first, names), *rest = parts
        label = f"{first}<b>{xml(group.gradient)}</b> {' '.join([names, *(chip + who for chip, who in rest)])}"
        evidence = "; ".join(f"{tie.mark.text}: {tie.mark.evidence}" for tie in mine)
        yield f'<li><button title="{xml(evidence)}">{label}</button></li>'


def _chip(mark: LetterMark, look: Style) -> str:
    """A mark in its colour as SVG, so that a theme changes it as it changes the picture."""
    width = 11 + 9 * len(mark.text)
    border = "" if mark.proved else ' stroke-dasharray="3 2"'
    return (
        f'<svg class="chip" data-mark="{mark.framed}" width="{width}" height="20">'
        f'<rect x="1" y="1" width="{width - 2}" height="18" rx="5" '
        f'fill="{look.chip}" stroke="{look.chip_line}"{border}/>'
        f'<text x="{width / 2:g}" y="14" text-anchor="middle" fill="{look.chip_ink}">{mark.text}</text></svg>'
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
