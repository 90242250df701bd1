"""A diagram as DOT text, the language of Graphviz.

Only the writing down: what is shown comes from `diagram`, how it looks from `theme`. The text needs no engine
and is the same, byte for byte, whenever the diagram is.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from .diagram import ZERO, Diagram, Edge, Group, Node
from .theme import FONT, INK, MUTED, PAPER, PLAIN, Style, group_style
from .theme import ZERO as ZERO_STYLE
from .words import cut, visible

LEGEND_GROUPS = 24  # so many letters are explained one by one
LEGEND_MEMBERS = 6
COLUMNS, COLUMNS_OF_MANY, MANY = 4, 6, 60  # the columns of the legend, and from how many nodes on it has more
TEXT_SIZE, TITLE_SIZE = 11, 14
NARROW = " .,:;!|'()[]{}fijlrt1/-"
# Graphviz puts the node's id in the place of \\N, the graph's in that of \\G, in HTML-like labels too.
ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\\", "\\\\"))
LINE_END = '<BR ALIGN="LEFT"/>'

HEAD = f"""\
digraph minigrad {{
  graph [rankdir=LR, ordering=in, nodesep=0.16, ranksep=0.4, pad=0.2, bgcolor="{PAPER}"]
  graph [labelloc=t, labeljust=l, fontname={FONT}, fontsize=11]
  node [shape=box, margin="0.03,0.01", height=0.3, width=0.3, fontname={FONT}, fontsize=11, fontcolor="{INK}"]
  edge [color="{MUTED}", penwidth=0.9, arrowsize=0.6]"""


def to_dot(diagram: Diagram, dpi: int | None = None) -> str:
    """The DOT text of a diagram. dpi: pixels per inch, for pictures made of pixels."""
    return "\n".join(_statements(diagram, dpi)) + "\n"


def styles(groups: Sequence[Group]) -> dict[str | None, Style]:
    """The style of each letter, and of nodes without one."""
    coloured = [group for group in groups if group.letter != ZERO]
    looks: dict[str | None, Style] = {None: PLAIN, ZERO: ZERO_STYLE}
    looks.update((group.letter, group_style(i, quiet=not group.apart)) for i, group in enumerate(coloured))
    return looks


def _statements(diagram: Diagram, dpi: int | None) -> Iterator[str]:
    looks = styles(diagram.groups)
    yield HEAD
    if dpi is not None:
        yield f"  dpi={dpi}"
    yield f"  label=<{_headline(diagram, looks)}>"
    for node in diagram.nodes:
        yield f"  {_node(node, looks[node.group])}"
    for number, edge in enumerate(diagram.edges):
        yield f"  {_edge(number, edge)}"
    yield "}"


def _node(node: Node, style: Style) -> str:
    kind = " ".join(["leaf"] * node.is_leaf + ["result"] * node.is_result) or "op"
    look = ["filled", style.outline] + ["rounded"] * node.is_leaf
    return (
        f'n{node.rank} [id=n{node.rank}, class="{kind}", style="{",".join(look)}", '
        f'fillcolor="{style.fill}", color="{style.line}", penwidth={1.4 if node.is_leaf else 0.8}, '
        f"peripheries={2 if node.is_result else 1}, label=<{_card(node, style)}>]"
    )


def _edge(number: int, edge: Edge) -> str:
    return f"n{edge.tail} -> n{edge.head} [id=e{number}]"


def _card(node: Node, style: Style) -> str:
    """The inside of a node: letter, name and operation; then value and gradient."""
    name = cut(visible(node.name))
    words = [_text(name, bold=True), _text(node.operation, bold=not name), _text(node.kind, colour=MUTED)]
    heading = " ".join(filter(None, words))
    lines = [heading] if heading else []
    lines += [_text(line) for line in node.value]
    lines += [_text(line, colour=MUTED) for line in node.gradient]
    width = _unknown_width(f"{name} {node.operation} {node.kind}")
    chip = _chip(node.group, style) if node.group else ""
    return _table(_row([chip, _cell(LINE_END.join(lines) + LINE_END, width)]), spacing=3)


def _headline(diagram: Diagram, looks: dict[str | None, Style]) -> str:
    """Title, letters and notes. A filler beside the letters keeps the engine from stretching them."""
    shown = diagram.groups[:LEGEND_GROUPS]
    columns = COLUMNS if len(diagram.nodes) < MANY else COLUMNS_OF_MANY
    told = [_members(group, diagram.nodes) + "   " for group in shown]
    cells = [_chip(g.letter, looks[g.letter]) + _cell(_text(t)) for g, t in zip(shown, told, strict=True)]
    rows = [_row(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    hidden = len(diagram.groups) - len(shown)
    notes = [*diagram.notes, *([f"{hidden} more letters are not listed here."] if hidden else [])]
    title_width = _width(diagram.title, TITLE_SIZE)
    filler = max(title_width, *map(_width, notes)) - sum(_width(t) + 30 for t in told[:columns])
    body = [_wide(_text(diagram.title, bold=True, size=TITLE_SIZE), title_width)]
    body += [_wide(_text(note, colour=MUTED)) for note in notes]
    if rows:
        body.append(_row([f"<TD>{_table(''.join(rows), spacing=3)}</TD>", _cell("", max(filler, 1))]))
    return _table("".join(body))


def _wide(content: str, width: int = 0) -> str:
    return _row([_cell(content, width).replace("<TD", '<TD COLSPAN="2"')])


def _members(group: Group, nodes: Sequence[Node]) -> str:
    """The gradient of a group and the names of its members, leaves first."""
    ordered = sorted(group.members, key=lambda member: (not nodes[member].is_leaf, member))
    names = [cut(visible(nodes[member].name)) for member in ordered if nodes[member].name][:LEGEND_MEMBERS]
    more = len(ordered) - len(names)
    if more:
        names.append(f"{more} more" if names else f"{more} values")
    return f"{group.gradient}:  {', '.join(names)}"


def _chip(letter: str, style: Style) -> str:
    return (
        f'<TD BGCOLOR="{style.chip}" COLOR="{style.line}" BORDER="1" STYLE="rounded" CELLPADDING="2">'
        f"{_text(letter, bold=True, colour=style.chip_ink)}</TD>"
    )


def _table(rows: str, *, spacing: int = 0, padding: int = 1) -> str:
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="{padding}">{rows}</TABLE>'


def _row(cells: Sequence[str]) -> str:
    return f"<TR>{''.join(cells)}</TR>"


def _cell(content: str, width: int = 0) -> str:
    wide = f' WIDTH="{width}"' if width else ""
    return f'<TD ALIGN="LEFT"{wide}>{content}</TD>'


def _text(text: str, *, bold: bool = False, colour: str = INK, size: int = TEXT_SIZE) -> str:
    if not text:
        return ""
    inner = escape(text)
    inner = f"<B>{inner}</B>" if bold else inner
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{inner}</FONT>'


def _unknown_width(text: str) -> int:
    """Points to reserve for a text with letters whose width the engine does not know, else 0."""
    return 0 if text.isascii() else _width(text)


def _width(text: str, size: int = TEXT_SIZE) -> int:
    """Points that a text may take: about right for Latin and Greek, one em for a Chinese character."""
    return round(sum(map(_ems, text)) * size) + 4


def _ems(character: str) -> float:
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF":
        return 1
    return 0.3 if character in NARROW else 0.58


def escape(text: str) -> str:
    """Text for an HTML-like label; a label may not be empty, nor its spaces be dropped."""
    for character, entity in ENTITIES:
        text = text.replace(character, entity)
    return text if text.strip(" ") else "&#160;" * len(text)
