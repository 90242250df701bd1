"""A diagram as plain text: a tree for terminals, from the result down to its inputs.

A node with several uses is written out once; at its other uses, an arrow and its number refer to it. A branch
that would be indented too far continues below, in a separate tree.
"""

from __future__ import annotations

import textwrap
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .. import captions
from ..diagram import ArraySummary, CardRow, Diagram, DiagramNode, Edge
from ..format import cut, number_text, visible
from . import Picture, output

SEVERAL = ("chain", "cluster", "layer")  # kinds of nodes for several values
WIDTH = 110
DEEPEST = 14  # levels of a tree before it continues below
BELOW = {"": "", "├─ ": "│  ", "└─ ": "   "}  # continues under the end of a branch
LEFT = 56  # characters of the tree itself, beside its columns
COLUMNS = {"value": 22, "gradient": 18, "local": 14}  # maximum characters of each


def to_text(diagram: Diagram, width: int = WIDTH) -> str:
    """The tree of a diagram, no line wider than `width`: name and operation, value, gradient and letter.

    local: the derivative of the parent line by this one.
    """
    lines = list(textwrap.wrap(visible(diagram.title), width))
    for note in (*diagram.hidden, *_legend(diagram)):
        lines += textwrap.wrap(visible(note), width, initial_indent="  ", subsequent_indent="  ")
    rows = [_Row("", *COLUMNS), *_Forest(diagram).rows()]
    wide = [min(max(len(getattr(row, name)) for row in rows), most) for name, most in COLUMNS.items()]
    left = min(max(len(row.left) for row in rows), LEFT, max(width - sum(wide) - 2 * len(wide), 8))
    return "\n".join([*lines, "", *(_line(row, [left, *wide], width) for row in rows)]) + "\n"


@output(".txt", "a tree for terminals")
def write_text(picture: Picture) -> str:
    """The tree of a picture."""
    return to_text(picture.diagram)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: the tree's part, then the columns, then badges."""

    left: str
    value: str = ""
    gradient: str = ""
    local: str = ""
    marks: str = ""


def _line(row: _Row, widths: Sequence[int], width: int) -> str:
    columns = (row.left, row.value, row.gradient, row.local)
    cells = [_truncate(text, wide).ljust(wide) for text, wide in zip(columns, widths, strict=True)]
    return _truncate("  ".join((*cells, row.marks)).rstrip(), width)


def _truncate(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def _legend(diagram: Diagram) -> Iterator[str]:
    for group in diagram.groups[:12]:
        names = ", ".join(cut(name) for name in group.names[: captions.NAMED] if name)
        more = len(group.members) - min(len(group.names), captions.NAMED)
        rest = f"{names}{' and ' if names else ''}{more} more" if more > 0 else names
        yield f"({group.letter}) {'stays equal' if group.proved else 'equal now'}, {group.gradient}: {rest}"


class _Forest:
    """The trees of a diagram: every node once, roots first."""

    def __init__(self, diagram: Diagram) -> None:
        self.nodes = {node.id: node for node in diagram.nodes}
        self.inputs: dict[str, list[Edge]] = {}
        for edge in diagram.edges:
            self.inputs.setdefault(edge.head, []).append(edge)
        self.times = Counter(edge.tail for edge in diagram.edges)
        self.waiting = deque(node.id for node in reversed(diagram.nodes) if not self.times[node.id])
        self.met: set[str] = set()

    def rows(self) -> Iterator[_Row]:
        """All lines. A repeated node, or one too deep, appears by name only. No recursion."""
        while self.waiting:
            start = self.waiting.popleft()
            todo = [] if start in self.met else [(start, "", "", 0, "")]
            while todo:
                one, stem, branch, depth, local = todo.pop()
                branches = _branches(self.nodes[one], self.inputs.get(one, ()))
                if one in self.met or (depth >= DEEPEST and branches):
                    yield self._reference_row(one, f"{stem}{branch}", local)
                    continue
                self.met.add(one)
                yield self._node_row(one, f"{stem}{branch}", local, begins=not depth)
                stem += BELOW[branch]
                yield from (_card_row(row, stem) for row in self.nodes[one].rows)
                ends = ["├─ "] * (len(branches) - 1) + ["└─ "]
                below = zip(branches, ends, strict=False)
                todo += reversed([(edge.tail, stem, end, depth + 1, edge.derivative) for edge, end in below])

    def _reference_row(self, one: str, before: str, local: str) -> _Row:
        written = one in self.met
        self.waiting.extend([one] * (not written))
        return _Row(f"{before}{_node_text(self.nodes[one])}", local=local, marks=f"{'↑' if written else '↓'} {one}")

    def _node_row(self, one: str, before: str, local: str, *, begins: bool) -> _Row:
        node = self.nodes[one]
        number = f"  {one}" if self.times[one] > 1 or (begins and self.times[one]) else ""
        marks = ", ".join(filter(None, (*node.badges, visible(node.hides))))
        return _Row(
            f"{before}{_node_text(node)}{number}",
            _value(node.value),
            _grad(node.gradient, node.group),
            local,
            marks,
        )


def _branches(node: DiagramNode, edges: Sequence[Edge]) -> list[Edge]:
    """The inputs of a node; a card has each of its sources once."""
    return list({edge.tail: edge for edge in edges}.values()) if node.rows else sorted(edges, key=lambda e: e.place)


def _node_text(node: DiagramNode) -> str:
    many = f"×{node.times}" if node.times > 1 else f"{node.count:,} values" if node.kind in SEVERAL else ""
    parts = [cut(visible(node.name)), node.operation, captions.node_type(node), many]
    return "  ".join(filter(None, parts)) or "leaf"


def _card_row(row: CardRow, stem: str) -> _Row:
    return _Row(f"{stem}│ {cut(visible(row.name))}", _value(row.value), _grad(row.gradient, row.group))


def _value(numbers: ArraySummary | None) -> str:
    """A number or a short array; the range of a longer one."""
    shown = " ".join(numbers.lines) if numbers else ""
    if numbers is None or numbers.low is None or numbers.high is None or len(shown) <= COLUMNS["value"]:
        return shown
    return f"{number_text(numbers.low)} .. {number_text(numbers.high)}"


def _grad(numbers: ArraySummary | None, group: str | None) -> str:
    """A number or a short array; the norm of a longer one."""
    letter = f" ({group})" if group else ""
    shown = " ".join(numbers.lines) if numbers else ""
    if numbers is not None and numbers.norm is not None and len(shown) + len(letter) > COLUMNS["gradient"]:
        shown = f"norm {number_text(numbers.norm)}"
    return shown + letter
