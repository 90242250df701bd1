"""A diagram as SVG: what the layout engine gives, with titles and descriptions that a reader can use.

The engine titles a node "n3"; here it gets its name, as it was typed, and a label for screen readers. Where things
stand is the engine's work.
"""

from __future__ import annotations

import re

from . import cardwords
from .diagram import Diagram, Edge, Node
from .dot import to_dot
from .findings import describe, kind, label
from .render import SECONDS, render
from .theme import DARK, LIGHT, THEMES, replaced
from .words import undirected

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0
HEAD = re.compile(r"<svg\b[^>]*>")
SIZE = re.compile(r'width="([\d.]+)(?:pt)?" height="([\d.]+)(?:pt)?"')
GROUP = re.compile(r'<g id="(\w+)" (class="[^"]*"[^>]*)>\s*<title>[^<]*</title>')
COLOUR = re.compile(r' (fill|stroke)="(#\w+|white|black)"')
NAMED = {"white": "#ffffff", "black": "#000000"}  # colours that the engine writes by name


def to_svg(diagram: Diagram, theme: str = "auto", seconds: float = SECONDS) -> str:
    """The SVG text of a diagram. theme: light, dark, print; auto is light, and dark where the reader's system is.

    Raises RenderError if there is no layout engine.
    """
    source = to_dot(diagram, LIGHT if theme == "auto" else THEMES[theme])
    text = render(source, "svg", diagram.engine, placed=is_placed(diagram), seconds=seconds).decode()
    nodes = {node.id: node for node in diagram.nodes}
    titles = {node.id: node_title(node) for node in diagram.nodes}
    titles |= {edge.id: edge_title(edge, nodes[edge.tail], nodes[edge.head]) for edge in diagram.edges}

    def retitled(match: re.Match[str]) -> str:
        title = titles.get(match[1])
        if title is None:
            return match[0]
        spoken = f'role="graphics-symbol" aria-label="{attribute(title)}"'
        return f'<g id="{match[1]}" {match[2]} {spoken}>\n<title>{xml(title)}</title>'

    text = GROUP.sub(retitled, text)
    head = f"<title>{xml(diagram.title)}</title>\n<desc>{xml(describe(diagram))}</desc>"
    head += f"\n<style>{dark_style(text)}</style>" if theme == "auto" else ""
    return HEAD.sub(lambda match: f'{match[0][:-1]} role="graphics-document">\n{head}', text, count=1)


def fitted(svg: str) -> str:
    """The same SVG, no wider than what it stands in, such as a notebook's cell."""
    return SIZE.sub(r'width="100%" style="max-width:\1pt; max-height:90vh"', svg, count=1)


def is_placed(diagram: Diagram) -> bool:
    """Whether the view has given its nodes their places."""
    return bool(diagram.nodes) and all(node.at is not None for node in diagram.nodes)


def dark_style(svg: str) -> str:
    """A style sheet that replaces each colour of the light theme in an SVG text, where the reader's system is dark.

    Style beats attributes, and a renderer that knows no style sheets sees the light picture.
    """
    dark = {light.lower(): colour for light, colour in replaced(LIGHT, DARK).items()}
    rules = [
        f'[{attribute}="{written}"]{{{attribute}:{dark[code]}}}'
        for attribute, written in sorted(set(COLOUR.findall(svg)))
        if (code := NAMED.get(written, written.lower())) in dark
    ]
    return f"@media (prefers-color-scheme:dark){{{''.join(rules)}}}"


def node_title(node: Node) -> str:
    """A node in words: name, operation and shape; value; gradient with its letter; badges; the line of code."""
    if node.rows:
        return "\n".join(f"{line}." for line in cardwords.card(node))
    lines = [" ".join(filter(None, (node.name, node.operation, kind(node)))) or "leaf"]
    if node.value:
        lines.append(f"value {' '.join(node.value.lines)}")
    if node.gradient:
        lines.append(f"gradient {' '.join(node.gradient.lines)}" + (f" ({node.group})" if node.group else ""))
    lines += [text for text in (", ".join(node.badges), node.hides, node.source) if text]
    return "\n".join(lines)


def edge_title(edge: Edge, tail: Node, head: Node) -> str:
    """An edge in words: which input of what, the local derivative, what is handed back."""
    cards = tail.rows and head.rows
    place = (
        cardwords.arrow(edge, tail, head) if cards else f"{label(tail)}, input {edge.place + 1} of {label(head)}"
    )
    lines = [place]
    lines += [f"local derivative {edge.exact or edge.derivative}"] if edge.derivative else []
    lines += [f"hands back {edge.exact_contribution or edge.contribution}"] if edge.contribution else []
    return "\n".join(lines)


def attribute(text: str) -> str:
    """Text as an attribute's value, on one line."""
    return xml(" ".join(text.split())).replace('"', "&quot;")


def xml(text: str) -> str:
    """Text that any XML parser gives back as it was.

    But for characters that XML does not allow, and for marks that would turn around the text beside them.
    """
    text = undirected(ILLEGAL.sub("\ufffd", text))
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        text = text.replace(character, entity)
    return text
