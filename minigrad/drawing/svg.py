"""A diagram as SVG: what the layout engine gives, with titles and descriptions that a reader can use.

The engine titles a node "n3"; here it gets its name, as it was typed. Where things stand is the engine's
work.
"""

from __future__ import annotations

import re

from .diagram import Diagram, Edge, Node, label
from .dot import to_dot
from .render import render

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0
HEAD = re.compile(r"<svg\b[^>]*>")
GROUP = re.compile(r'(<g id="(\w+)" class="[^"]*"[^>]*>)\s*<title>[^<]*</title>')


def to_svg(diagram: Diagram) -> str:
    """The SVG text of a diagram. Raises RenderError if there is no layout engine."""
    titles = {f"n{node.rank}": _node_title(node) for node in diagram.nodes}
    titles |= {f"e{number}": _edge_title(edge, diagram) for number, edge in enumerate(diagram.edges)}

    def retitled(match: re.Match[str]) -> str:
        title = titles.get(match[2])
        return match[1] if title is None else f"{match[1]}\n<title>{xml(title)}</title>"

    text = GROUP.sub(retitled, render(to_dot(diagram), "svg").decode())
    head = f"<title>{xml(diagram.title)}</title>\n<desc>{xml(describe(diagram))}</desc>"
    return HEAD.sub(lambda match: f'{match[0][:-1]} role="graphics-document">\n{head}', text, count=1)


def describe(diagram: Diagram) -> str:
    """The picture in a paragraph, for those who cannot see it."""
    size = f"{len(diagram.nodes)} values and {len(diagram.edges)} uses"
    sentences = [f"{diagram.title}.", f"A graph of {size}."]
    for group in diagram.groups:
        names = ", ".join(label(diagram.nodes[member]) for member in group.members)
        sentences.append(f"{group.letter}, gradient {group.gradient}: {names}.")
    return " ".join([*sentences, *diagram.notes])


def xml(text: str) -> str:
    """Text that any XML parser gives back as it was, but for characters that XML does not allow."""
    text = ILLEGAL.sub("\ufffd", text)
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;")):
        text = text.replace(character, entity)
    return text


def _node_title(node: Node) -> str:
    lines = [" ".join(filter(None, (node.name, node.operation, node.kind))) or "leaf"]
    lines.append(f"value {' '.join(node.value)}")
    if node.gradient:
        lines.append(f"gradient {' '.join(node.gradient)}" + (f" ({node.group})" if node.group else ""))
    return "\n".join(lines)


def _edge_title(edge: Edge, diagram: Diagram) -> str:
    tail, head = diagram.nodes[edge.tail], diagram.nodes[edge.head]
    return f"{label(tail)}, input {edge.place + 1} of {label(head)}"
