"""A diagram as DOT text, the language of Graphviz, in the colours of a theme.

This module only writes: views give the content, `theme` the look, `node_label` the inside of nodes. The text needs
no engine; equal diagrams give equal bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from ..captions import cluster_label, is_leaf
from ..diagram import Diagram, DiagramNode, Edge, Group
from ..format import visible
from ..theme import FONT, LIGHT, Style, Theme
from . import Picture, output
from .card_layout import Columns, share_columns
from .cards_dot import card_label, ends, parting_label
from .legend import headline, is_crowded
from .letter_looks import Looks
from .links import link
from .markup import SMALL, label_text, quote, table
from .node_label import box, least_width
from .page import COLUMN, Page, arrange, fit_page

LAYOUT = {
    "ordering": "in",
    "newrank": "true",
    "nodesep": "0.2",
    "ranksep": "0.5",
    "pad": "0.2",
    "labelloc": "t",
    "labeljust": "l",
    "fontname": FONT,
    "fontsize": "11",
}
DOWN = {"nodesep": "0.15", "ranksep": "0.3"}  # from top to bottom, where arrows have their labels beside them
IN_BOXES = {"remincross": "false"}  # the engine's second look forgets the order of the inputs in boxes
HIDDEN = "style=invis, shape=point, width=0.01"
ROOMY, THIN = {"ranksep": "0.8"}, 0.25  # for a crowd of arrows: more room between ranks; a share of the usual width


def to_dot(diagram: Diagram, theme: Theme = LIGHT, dpi: int | None = None) -> str:
    """The DOT text of a diagram. dpi: pixels per inch, for pixel formats."""
    return "\n".join(_statements(diagram, theme, dpi)) + "\n"


@output(".dot", "DOT text, the language of Graphviz")
def write_dot(picture: Picture) -> str:
    """The DOT text of a picture."""
    return to_dot(picture.diagram, picture.colours)


def styles(groups: Sequence[Group], theme: Theme) -> Looks:
    """The style of each letter, and of nodes without one; gradients equal in separate places get colours."""
    return Looks(groups, theme)


def _statements(diagram: Diagram, theme: Theme, dpi: int | None) -> Iterator[str]:
    looks = styles(diagram.groups, theme)
    crowded, page = is_crowded(diagram), fit_page(diagram)
    diagram = arrange(diagram, page)
    inputs = Counter(edge.head for edge in diagram.edges if not crowded)
    yield "digraph minigrad {"
    yield from _of_the_graph(diagram, page, theme, dpi)
    yield f'  node [shape=box, height=0.3, width=0.3, fontname={FONT}, fontsize=11, fontcolor="{theme.ink}"]'
    yield f'  edge [color="{theme.arrow}", fontname={FONT}, arrowsize=0.5]'
    if "label" not in dict(diagram.attributes):
        yield f"  label=<{headline(diagram, looks, theme)}>"
    for line in _clusters(diagram, theme):
        yield f"  {line}"
    yield from _fences(diagram, page)
    calm = diagram.nodes if page.side in "we" else ()  # side by side, boxes of several widths look calm enough
    least = {leaf: least_width(node for node in calm if is_leaf(node) == leaf) for leaf in (True, False)}
    cards = {node.id: node for node in diagram.nodes if node.rows}
    columns = share_columns(list(cards.values()))
    for node in diagram.nodes:
        if node.rows:
            yield f"  {_card(node, columns[node.id], looks, theme)}"
            continue
        label = box(node, looks, theme, inputs[node.id], least[is_leaf(node)], page.side)
        yield f"  {_node(node, looks[node.group], theme, label)}"
    for edge in diagram.edges:
        if edge.tail in cards and edge.head in cards:
            yield f"  {_between(edge, cards[edge.tail], cards[edge.head], looks, theme)}"
        else:
            yield f"  {_in_a_crowd(edge, looks, page) if crowded else _edge(edge, theme, inputs, looks, page)}"
    yield "}"


def _fences(diagram: Diagram, page: Page) -> Iterator[str]:
    """Invisible arrows that keep the columns in order, and arrows from the column before to the left of each.

    The engine forgets the order of boxes, but a column that reaches below all others stays to the right.
    """
    if page.first:
        yield f"  {{ rank=same; {' -> '.join(page.first)} [style=invis] }}"
    if diagram.clusters:
        start = len(diagram.clusters) - len(page.first)
        for number, lowest, below in page.ends():
            end = f"end{number} [{HIDDEN}]; {lowest} -> end{number}"
            yield f"  subgraph cluster_{start + number} {{ {end} [style=invis, minlen={below}] }}"


def _of_the_graph(diagram: Diagram, page: Page, theme: Theme, dpi: int | None) -> Iterator[str]:
    """Attributes of the graph: those of every picture, overridden by the caller's."""
    usual = {"rankdir": page.rankdir} | LAYOUT | (DOWN if page.side == "n" else {})
    usual |= IN_BOXES if page.side == "n" and diagram.clusters else {}
    usual |= (ROOMY if is_crowded(diagram) else {}) | {"bgcolor": theme.paper}
    usual |= ({"dpi": str(dpi)} if dpi else {}) | dict(diagram.attributes)
    yield f"  graph [{', '.join(f'{name}={quote(value)}' for name, value in usual.items())}]"


def _node(node: DiagramNode, style: Style, theme: Theme, label: str) -> str:
    wrong = "wrong rule" in node.badges
    leaf = node.kind in ("parameter", "input", "constant")
    bordered = leaf or node.kind == "result" or theme.paper == style.fill
    look = ["filled"] + ["rounded"] * (node.kind == "parameter")
    line = theme.warning if wrong else theme.line if bordered else style.fill
    attributes = {
        "id": node.id,
        "class": quote(f"{node.kind}{' wrong' * wrong}"),
        "style": quote(",".join(look)),
        "fillcolor": quote(style.fill),
        "color": quote(line),
        "penwidth": "3" if wrong else "1",
        "peripheries": "2" if node.kind == "result" else "1",
        "margin": "0.04" if leaf else "0",
        **_place(node),
        **_link(node),
        "label": f"<{label}>",
    }
    return f"{node.id} [{', '.join(f'{name}={value}' for name, value in attributes.items())}]"


def _card(node: DiagramNode, columns: Columns, looks: Looks, theme: Theme) -> str:
    place = f"pos={quote(f'{node.at[0]:g},{node.at[1]:g}')}, " if node.at else ""
    look = f"id={node.id}, class={node.kind}, shape=plain"
    return f"{node.id} [{look}, {place}label=<{card_label(node, columns, looks, theme)}>]"


def _between(edge: Edge, tail: DiagramNode, head: DiagramNode, looks: Looks, theme: Theme) -> str:
    """An edge from card to card."""
    way, pos = ends(edge, tail, head)
    attributes = _line(edge, looks) | ({"pos": pos} if pos else {}) | parting_label(edge, tail, head, theme)
    return f"{way} [{', '.join(f'{name}={value}' for name, value in attributes.items())}]"


def _place(node: DiagramNode) -> dict[str, str]:
    """The place that a view gave a node, in points, and its size in inches, as Graphviz expects; {} if none."""
    if node.at is None:
        return {}
    x, y, width, height = node.at
    size = {"width": f"{width / 72:.4f}", "height": f"{height / 72:.4f}", "fixedsize": "true"}
    return {"pos": quote(f"{x:g},{y:g}"), **size}


def _link(node: DiagramNode) -> dict[str, str]:
    href = link(node.source)
    return {"URL": quote(href), "tooltip": quote(visible(node.source))} if href else {}


def _edge(edge: Edge, theme: Theme, inputs: Mapping[str, int], looks: Looks, page: Page) -> str:
    head = edge.head_port or (f"i{edge.place}:{page.side}" if inputs[edge.head] > 1 else "")
    attributes = _line(edge, looks)
    if edge.derivative not in ("", "1") or edge.count > 1 or edge.differs or edge.turn:
        attributes["label"] = f"<{_beside(edge, theme)}>"
    return _arrow(edge, edge.tail_port, head, attributes, page)


def _in_a_crowd(edge: Edge, looks: Looks, page: Page) -> str:
    """An edge in a crowd: thin and without a label."""
    return _arrow(edge, "", "", _line(edge, looks, share=THIN), page)


def _arrow(edge: Edge, tail_port: str, head_port: str, attributes: dict[str, str], page: Page) -> str:
    """An edge between ports. One to another column climbs between the columns, from side to side.

    It is written from head to tail, as the head is higher: else the engine would lead it around both boxes.
    """
    tail, head = edge.tail + f":{tail_port}" * bool(tail_port), edge.head + f":{head_port}" * bool(head_port)
    attributes |= {"minlen": str(page.length[edge.id])} if page.length.get(edge.id, 1) > 1 else {}
    way = f"{tail} -> {head}"
    if edge.is_back:
        side = "e" if page.rankdir in ("TB", "BT") else "n"
        way = f"{edge.head}:{side} -> {edge.tail}:{side}"
        attributes |= {"dir": "back"}
    elif page.leaves_its_column(edge):
        attributes |= {"constraint": "false"}
    elif edge.id in page.pull:
        attributes |= {"weight": str(page.pull[edge.id])}
    if page.climbs(edge):
        del attributes["constraint"]
        way = f"{edge.head}:w -> {edge.tail}:e"
        attributes |= {"dir": "back"}
    return f"{way} [{', '.join(f'{name}={value}' for name, value in attributes.items())}]"


def _line(edge: Edge, looks: Looks, share: float = 1.0) -> dict[str, str]:
    """The width, the colour and the dash pattern of an edge; one on no tied path has the colour of all."""
    attributes = {"id": edge.id, "penwidth": f"{edge.width * share:g}"}
    if edge.group in looks and looks[edge.group].path != looks[None].path:
        attributes["color"] = quote(looks[edge.group].path)
    if edge.flow is None:
        attributes["style"] = "dashed"
    elif edge.flow == 0:
        attributes["style"] = "dotted"
    return attributes


def _beside(edge: Edge, theme: Theme) -> str:
    """The local derivative and its number of uses; the wider the arrow, the farther from it."""
    many = f"×{edge.count:,}" if edge.count > 1 else ""
    label = "  ".join(filter(None, (edge.derivative, many, edge.turn)))
    words = label_text("≠  ", colour=theme.warning, bold=True, size=SMALL) if edge.differs else ""
    words += label_text(label, colour=theme.warning if edge.differs else theme.muted, size=SMALL)
    size = f'HEIGHT="{round(SMALL + 2 + edge.width)}" VALIGN="TOP"'
    return table([f"<TR><TD {size}>{words}</TD></TR>"], padding=0)


def _clusters(diagram: Diagram, theme: Theme) -> Iterator[str]:
    """Nested boxes around nodes, each opened and closed once; no recursion."""
    inside: dict[int | None, list[int]] = {}
    for number, cluster in enumerate(diagram.clusters):
        inside.setdefault(cluster.parent, []).append(number)
    members: dict[int, list[str]] = {}
    for node in diagram.nodes:
        if node.cluster is not None:
            members.setdefault(node.cluster, []).append(node.id)
    todo = [(number, False) for number in reversed(inside.get(None, []))]
    while todo:
        number, opened = todo.pop()
        if opened:
            yield "}"
            continue
        name = cluster_label(diagram.clusters[number])
        look = f'color="{theme.line}", style=rounded, penwidth=0.8, margin=10, peripheries=1'
        if diagram.clusters[number].kind == COLUMN:
            name, look = "", "peripheries=0, margin=0"
        yield f"subgraph cluster_{number} {{ graph [{look}]"
        yield f"  label=<{label_text(name, colour=theme.muted, bold=True)}>" if name else '  label=""'
        yield f"  {'; '.join(members.get(number, []))}"
        todo.append((number, True))
        todo += [(child, False) for child in reversed(inside.get(number, []))]
