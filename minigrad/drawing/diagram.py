"""The content of a picture in plain text and numbers: all outputs are made from this one description.

A diagram holds no Value and no large array: it keeps no graph alive, does not change when a parameter steps, and
can be written as JSON without loss. It has no colours, DOT or SVG. `views/` make diagrams; outputs read them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

ZERO = "0"  # the letter of gradients that are exactly 0
MINUS = "-"  # before a letter: the gradients are minus those of the letter


@dataclass(frozen=True, slots=True)
class ArraySummary:
    """The text and statistics of an array.

    lines    the short text: one number (3-4 significant digits at any magnitude), or "min .. max", "norm 3.2"
    exact    full precision (repr of float) if it is one number, else ""
    low, high, norm, zeros   minimum, maximum, Euclidean norm, share of zeros; None for a single number
    cells    up to 16 entries: rows of (text) cells, else ()
    thumbnail  larger arrays: a grid (at most 12 x 12) of numbers in [-1, 1]: the mean of each block, divided by
               the largest absolute mean, the scale; else ()
    """

    lines: tuple[str, ...]
    exact: str = ""
    low: float | None = None
    high: float | None = None
    norm: float | None = None
    zeros: float | None = None
    cells: tuple[tuple[str, ...], ...] = ()
    thumbnail: tuple[tuple[float, ...], ...] = ()
    scale: float | None = None


@dataclass(frozen=True, slots=True)
class CardRow:
    """One line of a card: a weight into a neuron, its bias, its sum, its output. Edges end at `port`.

    tie: as in Node: rows of one letter with the same tie are proved to keep equal gradients.
    differs: the row of another neuron, if the paths of the two first differ here and there; else "".
    """

    port: str
    name: str
    value: ArraySummary
    gradient: ArraySummary | None
    group: str | None
    badges: tuple[str, ...] = ()
    kind: str = "parameter"  # parameter | input | op (an output row, below the line)
    tie: str = ""
    differs: str = ""


@dataclass(frozen=True, slots=True)
class DiagramNode:
    """One box. `id` comes from the order of creation (n0, n1, ...) or the place in the model, not from memory.

    kind         parameter | input | constant | op | sum | result | card | chain | cluster | layer
                 (chain, cluster, layer stand for `count` values; `hides` describes them)
    name         as the user typed it, "" if none
    operation    the op with its constants folded in ("* 2", "maximum(., 0)", "Σ"); "" for a leaf
    formula      of the op, one line, from the table
    shape, dtype of the value
    group        the letter
    tie          members of a group with the same tie are proved to keep equal gradients; "" if nothing is proved
    cell_groups  for a tensor shown as cells: a letter or "" per cell, rows as in value.cells
    badges       warnings: "nan", "inf", "dead", "frozen", "wrong rule"
    cluster      index into Diagram.clusters, or None
    source       "file:line: text" of the user's code under debug, else ""
    rows         of a card
    count        number of values the box stands for; times: the n of ×n in the quotient
    at           (x, y, width, height) in points, (x, y) the middle, y upwards; None if the engine places the node
    step         place in the backward sweep (0: the loss); None if the node gets no gradient
    opens        the name of the picture of what the box hides: one of Diagram.inside, or another view of the
                 drawing; "" if the box hides nothing. In the viewer, Enter opens it and Escape closes it
    compact      of a card: 1 if the gradients of its results stand below their values, 2 if all do: it is narrower
    bundle       of a card drawn once for several neurons that stay equal: the ids that these neurons have in the
                 view "neurons", the first of which is its own; `times` is their number
    strip        of a value used in every repetition of a part: the norm of what each use adds to the gradient, in
                 order, relative to the largest; 2.0 (array_summary.NOT_FINITE): nan or infinite
    """

    id: str
    kind: str
    name: str
    operation: str
    formula: str
    shape: tuple[int, ...]
    dtype: str
    value: ArraySummary | None
    gradient: ArraySummary | None
    group: str | None = None
    tie: str = ""
    cell_groups: tuple[tuple[str, ...], ...] = ()
    badges: tuple[str, ...] = ()
    cluster: int | None = None
    source: str = ""
    rows: tuple[CardRow, ...] = ()
    count: int = 1
    times: int = 1
    hides: str = ""
    at: tuple[float, float, float, float] | None = None
    step: int | None = None
    opens: str = ""
    compact: int = 0
    bundle: tuple[str, ...] = ()
    strip: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """One use: `tail` is input number `place` of `head`. Each use has its own edge: a*a has two.

    derivative    of head by this input, short text: "0.217"; for an elementwise tensor op "0.1 .. 0.9"; "" if it
                  is not a number
    exact         the same at full precision, "" if not one number
    contribution  the gradient this use passes back: (dL/dhead)(dhead/dtail) as short text; exact_contribution
                  likewise
    flow          Euclidean norm of the contribution; 0.0: exactly 0 (dotted); None: no gradient is needed (dashed)
    width         1.0 to 4.0 points, by log10 of the flow relative to the largest of the picture, which has 4; a
                  share of that for all arrows of a picture in which very many join two columns of cards
    group, tie    the letter and the tie of the path it is on, which gives it its colour; None, "" on no such path
    differs       as in CardRow, for the row where it ends
    turn          of a repeated part: "next" if it leads to the next repetition, against the flow of the picture, or
                  "2 later" ...; "first" if only into the first, "last" if only out of the last; else ""
    """

    id: str
    tail: str
    head: str
    place: int
    tail_port: str = ""
    head_port: str = ""
    derivative: str = ""
    exact: str = ""
    contribution: str = ""
    exact_contribution: str = ""
    flow: float | None = None
    width: float = 1.0
    count: int = 1
    group: str | None = None
    tie: str = ""
    differs: str = ""
    turn: str = ""

    @property
    def is_back(self) -> bool:
        """Whether it leads from one repetition of a part to another, so back in the picture."""
        return self.turn not in ("", "first", "last")


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes (ids), card rows ("id:port") or cells ("id:row,column") whose gradients are equal now.

    letter: A; -A if the gradients are minus those of A; 0 if they are 0.
    names: one for each member, "" if it has none.
    apart: equal gradients in separate places; else one gradient that ops such as + pass on unchanged.
    ties: one for each member. Members with the same tie are proved to keep equal gradients, and those of A and -A
    with the same tie to keep opposite ones; in the group 0 a tie says that it stays 0. "": nothing is proved.
    numbered: whether marks show the tie, A₁, though this view has one tie only: another view has several.
    """

    letter: str
    members: tuple[str, ...]
    names: tuple[str, ...]
    gradient: str
    apart: bool
    ties: tuple[str, ...]
    numbered: bool = False

    def onto(self, place: Callable[[str], str]) -> Group:
        """The group, with each member at its place, or without it for "". A place of several ties has none."""
        members: dict[str, tuple[str, str]] = {}
        for member, name, tie in zip(self.members, self.names, self.ties, strict=True):
            if there := place(member):
                first, known = members.setdefault(there, (name, tie))
                members[there] = (first, tie if tie == known else "")
        names, ties = zip(*members.values(), strict=True) if members else ((), ())
        return replace(self, members=tuple(members), names=names, ties=ties)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A box around nodes: a layer, a neuron, a scope of the user's code, a part that is repeated.

    parent: index of the cluster around it, or None. times: the number of equal repetitions, of which the nodes
    show one; its nodes state what holds for all. opens: the view in which all repetitions are drawn; "" if none.
    """

    name: str
    kind: str  # layer | neuron | scope | repeat
    parent: int | None = None
    times: int = 1
    opens: str = ""


@dataclass(frozen=True, slots=True)
class Diagram:
    """The whole content of a picture. `view`: ops | cards | quotient | layers.

    title       the finding, such as "29 parameters move as 9": they fall into 9 groups of equal gradients
    notes       how to read it, scope and tolerance of the letters, legend of widths
    hidden      the parts left out, and how to get them; () if none
    attributes  the user's graph attributes of Graphviz (rankdir, ...)
    engine      "dot" by default; "neato" if nodes have their places (`at`)
    inside      (name, picture) of what boxes open; boxes in it may open, too. Equal boxes share one picture
    width       of the page that it should fit, in pixels, three quarters of a point each
    """

    view: str
    nodes: tuple[DiagramNode, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]
    clusters: tuple[Cluster, ...]
    title: str
    notes: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    engine: str = "dot"
    extras: dict[str, object] = field(default_factory=dict)
    inside: tuple[tuple[str, Diagram], ...] = ()
    width: float = 1_000.0
