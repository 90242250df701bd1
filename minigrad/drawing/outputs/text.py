"""A diagram as plain text: a tree for terminals, from the result down to its inputs.

A node with several uses is written out once; at its other uses, an arrow and its number refer to it. A branch
that would be indented too far continues below, in a separate tree.
"""

from __future__ import annotations

import textwrap
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from .. import captions
from ..diagram import ArraySummary, CardRow, Diagram, DiagramNode, Edge
from ..format import cut, number_text, visible
from ..marks import LetterMark, Marks
from . import Picture, output

SEVERAL = ("chain", "cluster", "layer")  # kinds of nodes for several values
WIDTH = 110
LISTED = 12  # maximum marks that the legend explains
DEEPEST = 14  # levels of a tree before it continues below
BELOW = {"": "", "├─ ": "│  ", "└─ ": "   "}  # continues under the end of a branch
LEFT = 56  # characters of the tree itself, beside its columns
COLUMNS = {"value": 22, "gradient": 18, "local": 14}  # maximum characters of each


def to_text(diagram: Diagram, width: int = WIDTH) -> str:
    """The tree of a diagram, no line wider than `width`: name and operation, value, gradient and mark.

    A mark is in square brackets if what the legend says of it is proved, else in round ones.

    local: the derivative of the parent line by this one.
    """
    lines = list(textwrap.wrap(visible(diagram.title), width))
    marks = Marks(diagram.groups)
    for note in (*diagram.hidden, *_legend(marks)):
        lines += textwrap.wrap(visible(note), width, initial_indent="  ", subsequent_indent="  ")
    rows = [_Row("", *COLUMNS), *_Forest(diagram, marks).rows()]
    wide = [min(max(len(getattr(row, name)) for row in rows), most) for name, most in COLUMNS.items()]
    left = min(max(len(row.left + row.number) for row in rows), LEFT, max(width - sum(wide) - 2 * len(wide), 8))
    return "\n".join([*lines, "", *(line for row in rows for line in _lines(row, [left, *wide], width))]) + "\n"


@output(".txt", "a tree for terminals")
def write_text(picture: Picture) -> str:
    """The tree of a picture."""
    return to_text(picture.diagram)


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: the tree's part and the node's number, then the columns, then badges."""

    left: str
    value: str = ""
    gradient: str = ""
    local: str = ""
    marks: str = ""
    number: str = ""


def _lines(row: _Row, widths: Sequence[int], width: int) -> Iterator[str]:
    """A row in one line; what does not fit beside the columns continues below them, with nothing lost."""
    columns = (
        _truncate(row.left, max(widths[0] - len(row.number), 1)) + row.number,
        row.value,
        row.gradient,
        row.local,
    )
    line = "  ".join(_truncate(text, wide).ljust(wide) for text, wide in zip(columns, widths, strict=True))
    if len(line) + 2 + len(row.marks) <= width:
        yield f"{line}  {row.marks}".rstrip()
        return
    yield _truncate(line.rstrip(), width)
    below = " " * min(widths[0] + 2, width // 3)
    yield from textwrap.wrap(row.marks, width, initial_indent=below, subsequent_indent=below)


def _truncate(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def _legend(marks: Marks) -> Iterator[str]:
    """What is known of each mark, and who has it."""
    for tie in islice(marks.ties(), LISTED):
        names = [cut(name) for name in tie.names if name][: captions.NAMED]
        more = len(tie.members) - len(names)
        rest = f"{more} {'more' if names else 'value' if more == 1 else 'values'}" if more else ""
        who = " and ".join(filter(None, (", ".join(names), rest)))
        yield f"{tie.mark.framed} {tie.mark.evidence}, {tie.group.gradient}: {who}"
    if (more := len(list(marks.ties())) - LISTED) > 0:
        yield f"{more} more mark{'s are' if more > 1 else ' is'} not listed here."


class _Forest:
    """The trees of a diagram: every node once, roots first."""

    def __init__(self, diagram: Diagram, marks: Marks) -> None:
        self.marks = marks
        self.nodes = {node.id: node for node in diagram.nodes}
        self.repeated = captions.repetitions(diagram)
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
                yield from (self._card_row(row, stem) for row in self.nodes[one].rows)
                ends = ["├─ "] * (len(branches) - 1) + ["└─ "]
                below = zip(branches, ends, strict=False)
                todo += reversed([(edge.tail, stem, end, depth + 1, edge.derivative) for edge, end in below])

    def _node_text(self, one: str) -> str:
        """The text of a node, and ×n if it is in a part that is repeated n times."""
        return _node_text(self.nodes[one]) + f"  ×{self.repeated[one]:,}" * (self.repeated[one] > 1)

    def _reference_row(self, one: str, before: str, local: str) -> _Row:
        written = one in self.met
        self.waiting.extend([one] * (not written))
        return _Row(f"{before}{self._node_text(one)}", local=local, number=f"  {'↑' if written else '↓'} {one}")

    def _node_row(self, one: str, before: str, local: str, *, begins: bool) -> _Row:
        node = self.nodes[one]
        number = f"  {one}" if self.times[one] > 1 or (begins and self.times[one]) else ""
        marks = ", ".join(map(visible, filter(None, (*node.badges, node.hides))))
        gradient = _grad(node.gradient, self.marks.of(node.group, node.tie))
        return _Row(f"{before}{self._node_text(one)}", _value(node.value), gradient, local, marks, number)

    def _card_row(self, row: CardRow, stem: str) -> _Row:
        gradient, badges = _grad(row.gradient, self.marks.of(row.group, row.tie)), ", ".join(row.badges)
        return _Row(f"{stem}│ {cut(visible(row.name))}", _value(row.value), gradient, marks=badges)


def _branches(node: DiagramNode, edges: Sequence[Edge]) -> list[Edge]:
    """The inputs of a node; a card has each of its sources once."""
    return list({edge.tail: edge for edge in edges}.values()) if node.rows else sorted(edges, key=lambda e: e.place)


def _node_text(node: DiagramNode) -> str:
    many = f"×{node.times}" if node.times > 1 else f"{node.count:,} values" if node.kind in SEVERAL else ""
    parts = [cut(visible(node.name)), node.operation, captions.node_type(node), many]
    return "  ".join(filter(None, parts)) or "leaf"


def _value(numbers: ArraySummary | None) -> str:
    """A number or a short array; the range of a longer one."""
    shown = " ".join(numbers.lines) if numbers else ""
    if numbers is None or numbers.low is None or numbers.high is None or len(shown) <= COLUMNS["value"]:
        return shown
    return f"{number_text(numbers.low)} .. {number_text(numbers.high)}"


def _grad(numbers: ArraySummary | None, mark: LetterMark | None) -> str:
    """A number or a short array, the norm of a longer one; with its mark."""
    letter = f" {mark.framed}" if mark else ""
    shown = " ".join(numbers.lines) if numbers else ""
    if numbers is not None and numbers.norm is not None and len(shown) + len(letter) > COLUMNS["gradient"]:
        shown = f"norm {number_text(numbers.norm)}"
    return shown + letter
