"""Boxes, discs and words at their places, as SVG text and as DOT: for charts, which need no layout.

The SVG needs no engine. The DOT text gives the engine every place, so that it can write pixels of the same picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .outputs.markup import label_text, quote
from .outputs.svg import xml
from .theme import FONT, LIGHT, text_width


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its left top corner. Lengths in points, y downwards."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Disc:
    """A disc by its middle and its radius."""

    x: float
    y: float
    radius: float
    fill: str
    line: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text. (x, y): where its base line begins, or has its "middle" or its "end"."""

    x: float
    y: float
    text: str
    size: int = 11
    anchor: str = "start"
    ink: str = LIGHT.ink


Shape = Box | Disc | Words


def svg_of(shapes: Sequence[Shape], width: float, height: float, title: str, description: str) -> str:
    """The shapes, in their order, as an SVG text."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="graphics-document" font-family="{FONT}, Arial, sans-serif">'
    )
    texts = f"<title>{xml(title)}</title>", f"<desc>{xml(description)}</desc>"
    ground = Box(0, 0, width, height, LIGHT.paper)
    return "\n".join([head, *texts, *map(_element, (ground, *shapes)), "</svg>", ""])


def _element(shape: Shape) -> str:
    if isinstance(shape, Words):
        return (
            f'<text x="{shape.x:g}" y="{shape.y:g}" font-size="{shape.size}" text-anchor="{shape.anchor}" '
            f'fill="{shape.ink}">{xml(shape.text)}</text>'
        )
    look = f'fill="{shape.fill}"' + (f' stroke="{shape.line}"' if shape.line else "")
    if isinstance(shape, Disc):
        return f'<circle cx="{shape.x:g}" cy="{shape.y:g}" r="{shape.radius:g}" {look}/>'
    return f'<rect x="{shape.x:g}" y="{shape.y:g}" width="{shape.width:g}" height="{shape.height:g}" {look}/>'


def dot_of(shapes: Sequence[Shape], width: float, height: float, dpi: int) -> str:
    """The shapes as DOT text, for an engine that places nothing."""
    return "\n".join(_statements((Box(0, 0, width, height, LIGHT.paper), *shapes), height, dpi)) + "\n"


def _statements(shapes: Sequence[Shape], height: float, dpi: int) -> Iterator[str]:
    yield "digraph minigrad {"
    yield f'  graph [dpi={dpi}, pad=0, outputorder=nodesfirst, bgcolor="{LIGHT.paper}"]'
    yield f'  node [fixedsize=true, label="", style=filled, penwidth=1, fontname={FONT}]'
    for number, shape in enumerate(shapes):
        yield f"  s{number} [{_node(shape, height)}]"
    yield "}"


def _node(shape: Shape, height: float) -> str:
    if isinstance(shape, Words):
        return _words(shape, height)
    if isinstance(shape, Disc):
        kind, x, y = "circle", shape.x, shape.y
        wide = high = 2 * shape.radius
    else:
        kind, wide, high = "box", shape.width, shape.height
        x, y = shape.x + wide / 2, shape.y + high / 2
    size = f"width={wide / 72:.5f}, height={high / 72:.5f}, pos={quote(f'{x:g},{height - y:g}')}"
    return f'shape={kind}, {size}, fillcolor="{shape.fill}", color="{shape.line or shape.fill}"'


def _words(shape: Words, height: float) -> str:
    """A text in a cell as wide as it may be: the engine's font decides how much of it the text takes."""
    wide = text_width(shape.text, shape.size) + shape.size
    middle = shape.x + wide * {"start": 0.5, "middle": 0.0, "end": -0.5}[shape.anchor]
    align = {"start": "LEFT", "middle": "CENTER", "end": "RIGHT"}[shape.anchor]
    words = label_text(shape.text, colour=shape.ink, size=shape.size)
    cell = f'<TD FIXEDSIZE="TRUE" WIDTH="{wide}" HEIGHT="{shape.size + 2}" ALIGN="{align}">{words}</TD>'
    table = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR>{cell}</TR></TABLE>'
    place = quote(f"{middle:g},{height - shape.y + shape.size / 3:g}")
    return f"shape=plain, style=solid, fixedsize=false, pos={place}, label=<{table}>"
