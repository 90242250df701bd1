"""A diagram as Mermaid text, the flowchart that Markdown pages show.

Mermaid does the layout. The text has the nodes with name, operation, value and gradient, the edges with local
derivatives, the boxes, and the colour of each group. Mermaid refuses more than 500 edges or 50,000 characters
unless the page raises the limits: a larger diagram is condensed until it fits, and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ...errors import RenderError
from .. import captions
from ..colours import contrast
from ..condense import first_that_fits
from ..diagram import Diagram, DiagramNode, Edge
from ..format import cut, visible
from ..marks import LetterMark, Marks
from ..samples import samples
from ..theme import DARK_INK, LIGHT, LIGHT_INK, Style, Theme
from . import Picture, output
from .dot import styles

# Besides letters and digits, these mean nothing to Mermaid in quotes. (A "+ " or "- " or "1. " begins a list.)
PLAIN = set(" ,:=()!?^/")
K = TypeVar("K")
T = TypeVar("T")
OTHERS = {";": ",", "#": "№", "%": "％", "{": "(", "}": ")", "<": "‹", ">": "›", "\\": "/"}
SHAPES = {"parameter": ("(", ")"), "input": ("[", "]"), "result": ("[[", "]]")}
SHAPE = ("[", "]")
EDGES, CHARACTERS = 500, 50_000  # that Mermaid takes by default
FRAMES = "[A]: proved to stay equal; (A): equal now."
INKS = (DARK_INK, LIGHT_INK)


def to_mermaid(diagram: Diagram, theme: Theme = LIGHT) -> str:
    """The Mermaid text of a diagram, within Mermaid's limits; equal diagrams give equal bytes."""
    remark = (
        f"Mermaid takes {EDGES} arrows and {CHARACTERS:,} characters, and the whole picture has more: save .svg"
    )
    found = first_that_fits(diagram, lambda one: _within_limits(one, theme), remark)
    if found is None:
        raise RenderError(f"the picture has too many boxes for Mermaid\n  {remark}")
    return found


def _within_limits(diagram: Diagram, theme: Theme) -> str | None:
    """The text; None if Mermaid would refuse it."""
    text = "\n".join(_statements(diagram, theme)) + "\n"
    return text if len(diagram.edges) <= EDGES and len(text) <= CHARACTERS else None


@output(".mmd", "a Mermaid flowchart, for Markdown pages")
def write_mermaid(picture: Picture) -> str:
    """The Mermaid text of a picture."""
    return to_mermaid(picture.diagram, picture.colours)


def escape_mermaid(text: str) -> str:
    """Text for a quoted label: on one line, with a code for each character that could have a meaning."""
    return "".join(c if c.isalnum() or c in PLAIN or ord(c) > 127 else f"#{ord(c)};" for c in visible(text))


def _statements(diagram: Diagram, theme: Theme) -> Iterator[str]:
    yield f"flowchart {dict(diagram.attributes).get('rankdir', 'LR')}"
    yield f"  accTitle: {_sentence(diagram.title)}"
    badges = [f"{sample.sentence}." for sample in samples(diagram) if sample.kind == "badge"]
    told = (*diagram.notes, *diagram.hidden, *[FRAMES] * bool(diagram.groups), *badges)
    yield f"  accDescr: {_sentence(' '.join(told))}"
    yield from _boxes(diagram)
    for edge in diagram.edges:
        yield f"  {_edge(edge)}"
    looks = styles(diagram.groups, theme)
    members = _sorted_by([*((node.group, node.id) for node in diagram.nodes if node.group), *_twins(diagram.nodes)])
    for number, group in enumerate(group for group in looks if group in members):
        yield f"  classDef g{number} {_look(looks[group])}"
        yield f"  class {','.join(members[group])} g{number}"
    for width, numbers in _sorted_by((edge.width, str(k)) for k, edge in enumerate(diagram.edges)).items():
        yield f"  linkStyle {','.join(numbers)} stroke-width:{width:g}px"


def _twins(nodes: Sequence[DiagramNode]) -> Iterator[tuple[str | None, str]]:
    """Cards whose parameters have the same letters as those of another card, by the first of these letters."""
    letters = {node.id: tuple(row.group for row in node.rows if row.kind == "parameter") for node in nodes}
    times = Counter(letters.values())
    for one, mine in letters.items():
        if mine and times[mine] > 1 and all(mine):
            yield mine[0], one


def _boxes(diagram: Diagram) -> Iterator[str]:
    """Nodes, in the boxes around them; without recursion."""
    inside = _sorted_by((cluster.parent, number) for number, cluster in enumerate(diagram.clusters))
    members = _sorted_by((node.cluster, node) for node in diagram.nodes)
    marks = Marks(diagram.groups)
    todo: list[tuple[int | None, bool]] = [(None, False)]
    while todo:
        cluster, is_over = todo.pop()
        if is_over:
            yield "  end"
            continue
        if cluster is not None:
            name = escape_mermaid(captions.cluster_label(diagram.clusters[cluster]))
            yield f'  subgraph c{cluster}["{name or " "}"]'
            todo.append((cluster, True))
        yield from (f"  {_node(node, marks)}" for node in members.get(cluster, ()))
        todo += [(child, False) for child in reversed(inside.get(cluster, []))]


def _node(node: DiagramNode, marks: Marks) -> str:
    opening, closing = SHAPES.get(node.kind, SHAPE)
    heading = (
        cut(visible(node.name)),
        node.operation,
        captions.node_type(node),
        *([f"×{node.times}"] * (node.times > 1)),
    )
    lines = [" ".join(filter(None, heading))]
    lines += node.value.lines if node.value else ()
    lines += [f"∂ {' '.join(node.gradient.lines)}"] if node.gradient else []
    found = marks.of(node.group, node.tie)
    lines += [found.framed] if found else []
    lines += [*node.badges, node.hides]
    lines += [
        _row(row.name, row.value.lines, row.gradient.lines if row.gradient else (), marks.of(row.group, row.tie))
        for row in node.rows
    ]
    return f'{node.id}{opening}"{"<br/>".join(escape_mermaid(line) for line in lines if line) or " "}"{closing}'


def _row(name: str, value: Sequence[str], gradient: Sequence[str], mark: LetterMark | None) -> str:
    line = f"{cut(visible(name))} = {' '.join(value)}"
    return line + (f", ∂ {' '.join(gradient)}" if gradient else "") + (f" {mark.framed}" if mark else "")


def _edge(edge: Edge) -> str:
    line, tip, bare = ("--", "-->", "-->") if edge.flow else ("-.", ".->", "-.->")
    many = f"×{edge.count:,}" if edge.count > 1 else ""
    derivative = edge.derivative if edge.derivative != "1" else ""
    label = escape_mermaid("  ".join(filter(None, (derivative, many, edge.turn))))
    arrow = f'{line} "{label}" {tip}' if label else bare
    return f"{edge.tail} {arrow} {edge.head}"


def _sorted_by(pairs: Iterable[tuple[K, T]]) -> dict[K, list[T]]:
    """The second of each pair, by the first."""
    found: dict[K, list[T]] = {}
    for key, x in pairs:
        found.setdefault(key, []).append(x)
    return found


def _look(style: Style) -> str:
    return (
        f"fill:{style.fill},stroke:{style.chip_line},color:{max(INKS, key=lambda ink: contrast(ink, style.fill))}"
    )


def _sentence(text: str) -> str:
    """Text for the rest of a line, where Mermaid reads no codes; characters that would end it are replaced."""
    return "".join(OTHERS.get(c, c) for c in visible(text)).strip() or "diagram"
