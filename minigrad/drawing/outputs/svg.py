"""A diagram as SVG: the output of the layout engine, with useful titles and descriptions.

The engine titles a node "n3"; this module gives it its name as typed, and a label for screen readers. The engine
does the layout.
"""

from __future__ import annotations

import re

from .. import card_text
from ..captions import alt_text, label, node_type
from ..diagram import Diagram, DiagramNode, Edge
from ..format import escape_direction_marks
from ..marks import Marks
from ..theme import DARK, LIGHT, THEMES, colour_map
from .answer_text import spoken_answers
from .dot import to_dot
from .render import SECONDS, render

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0
HEAD = re.compile(r"<svg\b[^>]*>")
SIZE = re.compile(r'width="([\d.]+)(?:pt)?" height="([\d.]+)(?:pt)?"')
GROUP = re.compile(r'<g id="(\w+)" (class="[^"]*"[^>]*)>\s*<title>[^<]*</title>')
COLOUR = re.compile(r' (fill|stroke)="(#\w+|white|black)"')
NAMED = {"white": "#ffffff", "black": "#000000"}  # the engine writes these colours by name


def to_svg(diagram: Diagram, theme: str = "auto", seconds: float = SECONDS) -> str:
    """The SVG text of a diagram. theme: light, dark, print; auto follows the reader's system.

    Raises RenderError if there is no layout engine.
    """
    source = to_dot(diagram, LIGHT if theme == "auto" else THEMES[theme])
    text = render(source, "svg", diagram.engine, placed=is_placed(diagram), seconds=seconds).decode()
    nodes = {node.id: node for node in diagram.nodes}
    marks = Marks(diagram.groups)
    titles = {node.id: node_title(node, marks) for node in diagram.nodes}
    titles |= {edge.id: edge_title(edge, nodes[edge.tail], nodes[edge.head], marks) for edge in diagram.edges}

    def retitle(match: re.Match[str]) -> str:
        title = titles.get(match[1])
        if title is None:
            return match[0]
        spoken = f'role="graphics-symbol" aria-label="{attribute(title)}"'
        return f'<g id="{match[1]}" {match[2]} {spoken}>\n<title>{xml(title)}</title>'

    text = GROUP.sub(retitle, text)
    described = alt_text(diagram, spoken_answers(diagram))
    head = f"<title>{xml(diagram.title)}</title>\n<desc>{xml(described)}</desc>"
    head += f"\n<style>{dark_style(text)}</style>" if theme == "auto" else ""
    return HEAD.sub(lambda match: f'{match[0][:-1]} role="graphics-document">\n{head}', text, count=1)


def fit_width(svg: str) -> str:
    """The same SVG, no wider than its container, such as a notebook's cell."""
    return SIZE.sub(r'width="100%" style="max-width:\1pt; max-height:90vh"', svg, count=1)


def is_placed(diagram: Diagram) -> bool:
    """Whether the view has placed its nodes."""
    return bool(diagram.nodes) and all(node.at is not None for node in diagram.nodes)


def dark_style(svg: str) -> str:
    """A style sheet that replaces each colour of the light theme in an SVG text if the reader's system is dark.

    Style overrides attributes; a renderer without style sheets shows the light picture.
    """
    dark = {light.lower(): colour for light, colour in colour_map(LIGHT, DARK).items()}
    rules = [
        f'[{attribute}="{written}"]{{{attribute}:{dark[code]}}}'
        for attribute, written in sorted(set(COLOUR.findall(svg)))
        if (code := NAMED.get(written, written.lower())) in dark
    ]
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


def node_title(node: DiagramNode, marks: Marks) -> str:
    """A node in words: name, operation and shape; value; gradient with its mark; badges; the line of code."""
    if node.rows:
        return "\n".join(f"{line}." for line in card_text.card_lines(node, marks))
    lines = [" ".join(filter(None, (node.name, node.operation, node_type(node)))) or "leaf"]
    if node.value:
        lines.append(f"value {' '.join(node.value.lines)}")
    if node.gradient:
        mark = marks.of(node.group, node.tie)
        lines.append(f"gradient {' '.join(node.gradient.lines)}" + (f" ({mark.words})" if mark else ""))
    lines += [text for text in (", ".join(node.badges), node.hides, node.source) if text]
    return "\n".join(lines)


def edge_title(edge: Edge, tail: DiagramNode, head: DiagramNode, marks: Marks) -> str:
    """An edge in words: which input of which node, the local derivative, the gradient passed back."""
    cards = tail.rows and head.rows
    place = (
        card_text.arrow(edge, tail, head) if cards else f"{label(tail)}, input {edge.place + 1} of {label(head)}"
    )
    lines = [place]
    lines += [f"local derivative {edge.exact or edge.derivative}"] if edge.derivative else []
    lines += [f"passes back {edge.exact_contribution or edge.contribution}"] if edge.contribution else []
    mark = marks.of(edge.group, edge.tie)
    lines += [f"on the path of {mark.words}"] if mark else []
    return "\n".join(lines)


def attribute(text: str) -> str:
    """Text as an attribute's value, on one line."""
    return xml(" ".join(text.split())).replace('"', "&quot;")


def xml(text: str) -> str:
    """Text that any XML parser returns unchanged.

    Escaped are characters that XML does not allow, and marks that would reverse the text beside them.
    """
    text = escape_direction_marks(ILLEGAL.sub("\ufffd", text))
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        text = text.replace(character, entity)
    return text
