"""A diagram as DOT text, the language of Graphviz.

Only the writing down: what is shown comes from `diagram`, how it looks from `theme`. The text needs no engine
and is the same, byte for byte, whenever the diagram is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .diagram import ZERO, Diagram, Edge, Group, Node
from .theme import FONT, INK, MUTED, PAPER, PLAIN, WRONG, Style, group_style, text_width
from .theme import ZERO as ZERO_STYLE
from .words import cut, visible

LEGEND_GROUPS = 36  # so many letters are explained one by one
LEGEND_MEMBERS = 6
COLUMNS, COLUMNS_OF_MANY, MANY = 4, 6, 60  # the columns of the legend, and from how many nodes on it has more
TEXT_SIZE, TITLE_SIZE = 11, 14
PORT_HEIGHT = 4  # points of a side that each of many arrows has to itself; few share the height of the text
# Graphviz puts the node's id in the place of \\N, the graph's in that of \\G, in HTML-like labels too.
ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\\", "\\\\"))
LINE_END = '<BR ALIGN="LEFT"/>'

HEAD = f"""\
digraph minigrad {{
  graph [rankdir=LR, ordering=in, nodesep=0.16, ranksep=0.4, pad=0.2, bgcolor="{PAPER}"]
  graph [labelloc=t, labeljust=l, fontname={FONT}, fontsize=11]
  node [shape=box, margin=0.01, height=0.3, width=0.3, fontname={FONT}, fontsize=11, fontcolor="{INK}"]
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
        yield f"  {_edge(number, edge, diagram.nodes[edge.head])}"
    yield "}"


def _node(node: Node, style: Style) -> str:
    kind = " ".join(["leaf"] * node.is_leaf + ["result"] * node.is_result) or "op"
    kind += " wrong" * node.is_wrong
    look = ["filled", style.outline] + ["rounded"] * node.is_leaf
    line, width = (WRONG, 3) if node.is_wrong else (style.line, 1.4 if node.is_leaf else 0.8)
    return (
        f'n{node.rank} [id=n{node.rank}, class="{kind}", style="{",".join(look)}", '
        f'fillcolor="{style.fill}", color="{line}", penwidth={width}, '
        f"peripheries={2 if node.is_result else 1}, margin={0.04 if node.is_leaf else 0.01}, "
        f"label=<{_card(node, style)}>]"
    )


def _edge(number: int, edge: Edge, head: Node) -> str:
    port = f":i{edge.place}:w" if head.inputs > 1 else ""
    return f"n{edge.tail} -> n{edge.head}{port} [id=e{number}]"


def _card(node: Node, style: Style) -> str:
    """The inside of a node: letter, name and operation; then value and gradient."""
    name = cut(visible(node.name))
    mark = "wrong rule" if node.is_wrong else ""
    words = [_text(name, bold=True), _text(node.operation, bold=not name), _text(node.kind, colour=MUTED)]
    words.append(_text(mark, bold=True, colour=WRONG))
    heading = "  ".join(filter(None, words))
    lines = [heading] if heading else []
    lines += [_text(line) for line in node.value]
    lines += [_text(line, colour=MUTED) for line in node.gradient]
    width = text_width("  ".join(filter(None, (name, node.operation, node.kind, mark))), TEXT_SIZE, bold=True)
    width = max(width, *(text_width(line, TEXT_SIZE) for line in node.value + node.gradient))
    chip = _chip(node.group, style) if node.group else ""
    return _table(_row([_ports(node.inputs), chip, _cell(LINE_END.join(lines) + LINE_END, width)]), spacing=3)


def _ports(inputs: int) -> str:
    """An invisible column on the left, where the arrows of several inputs enter one below the other."""
    if inputs < 2:
        return ""
    rows = (f'<TR><TD PORT="i{place}" WIDTH="1" HEIGHT="{PORT_HEIGHT}"></TD></TR>' for place in range(inputs))
    return f'<TD CELLPADDING="0">{_table("".join(rows), padding=0)}</TD>'


def _headline(diagram: Diagram, looks: dict[str | None, Style]) -> str:
    """Title, notes and letters."""
    hidden = len(diagram.groups) - LEGEND_GROUPS
    notes = [*diagram.notes, *([f"{hidden} more letters are not listed here."] if hidden > 0 else [])]
    title_width = text_width(diagram.title, TITLE_SIZE, bold=True)
    widths = [title_width, *(text_width(note, TEXT_SIZE) for note in notes)]
    cells = [_cell(_text(diagram.title, bold=True, size=TITLE_SIZE), title_width)]
    cells += [_cell(_text(note, colour=MUTED), width) for note, width in zip(notes, widths[1:], strict=True)]
    body = [_row([cell.replace("<TD", '<TD COLSPAN="2"')]) for cell in cells]
    return _table("".join(body) + _legend(diagram, looks, max(widths)))


def _legend(diagram: Diagram, looks: dict[str | None, Style], beside: int) -> str:
    """The letters, and a filler that keeps the engine from stretching them to the width of the lines beside."""
    shown = diagram.groups[:LEGEND_GROUPS]
    if not shown:
        return ""
    columns = COLUMNS if len(diagram.nodes) < MANY else COLUMNS_OF_MANY
    told = [_members(group, diagram.nodes) for group in shown]
    widths = [text_width(text, TEXT_SIZE) + 8 for text in told]
    chips = [_chip(group.letter, looks[group.letter]) for group in shown]
    cells = [c + _cell(_text(t), width) for c, t, width in zip(chips, told, widths, strict=True)]
    rows = [_row(cells[i : i + columns]) for i in range(0, len(cells), columns)]
    filler = max(beside - sum(width + 20 for width in widths[:columns]), 1)
    return _row([f"<TD>{_table(''.join(rows), spacing=3)}</TD>", _cell("", filler)])


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


def _cell(content: str, width: int) -> str:
    return f'<TD ALIGN="LEFT" WIDTH="{width}">{content}</TD>'


def _text(text: str, *, bold: bool = False, colour: str = INK, size: int = TEXT_SIZE) -> str:
    if not text:
        return ""
    inner = escape(text)
    inner = f"<B>{inner}</B>" if bold else inner
    return f'<FONT COLOR="{colour}" POINT-SIZE="{size}">{inner}</FONT>'


def escape(text: str) -> str:
    """Text for an HTML-like label; a label may not be empty, nor its spaces be dropped."""
    for character, entity in ENTITIES:
        text = text.replace(character, entity)
    return text if text.strip(" ") else "&#160;" * len(text)
