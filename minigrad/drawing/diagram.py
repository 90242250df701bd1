"""The content of a picture in plain text and numbers: all outputs are made from this one description.

A diagram holds no Value and no large array: it keeps no graph alive, does not change when a parameter steps, and
can be written as JSON without loss. It has no colours, DOT or SVG. `views/` make diagrams; outputs read them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ZERO = "0"  # the letter of gradients that are exactly 0


@dataclass(frozen=True, slots=True)
class ArraySummary:
    """The text and statistics of an array.

    lines    the short text: one number (3-4 significant digits at any magnitude), or "min .. max", "norm 3.2"
    exact    full precision (repr of float) if it is one number, else ""
    low, high, norm, zeros   minimum, maximum, Euclidean norm, share of zeros; None for a single number
    cells    up to 8 x 8: rows of (text) cells, else ()
    thumbnail  larger arrays: a grid (at most 16 x 16) of numbers in [-1, 1]: the mean of each block, divided by
               the largest absolute mean; else ()
    """

    lines: tuple[str, ...]
    exact: str = ""
    low: float | None = None
    high: float | None = None
    norm: float | None = None
    zeros: float | None = None
    cells: tuple[tuple[str, ...], ...] = ()
    thumbnail: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class CardRow:
    """One line of a card: a weight into a neuron, its bias, its sum, its output. Edges end at `port`.

    tie: as in Node: rows of one letter with the same tie are proved to keep equal gradients.
    """

    port: str
    name: str
    value: ArraySummary
    gradient: ArraySummary | None
    group: str | None
    badges: tuple[str, ...] = ()
    kind: str = "parameter"  # parameter | input | op (an output row, below the line)
    tie: str = ""


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


@dataclass(frozen=True, slots=True)
class Edge:
    """One use: `tail` is input number `place` of `head`. Each use has its own edge: a*a has two.

    derivative    of head by this input, short text: "0.217"; for an elementwise tensor op "0.1 .. 0.9"; "" if it
                  is not a number
    exact         the same at full precision, "" if not one number
    contribution  the gradient this use passes back: (dL/dhead)(dhead/dtail) as short text; exact_contribution
                  likewise
    flow          Euclidean norm of the contribution; 0.0: exactly 0 (dotted); None: no gradient is needed (dashed)
    width         1.0 to 4.0 points, by log10 of the flow relative to the largest of the picture
    group, tie    the letter and the tie of the path it is on, which gives it its colour; None, "" on no such path
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


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes (ids) or card rows ("id:port") whose gradients are equal.

    apart: equal gradients in separate places; else one gradient that ops such as + pass on unchanged.
    proved: the gradients of all members stay equal under gradient descent; else they are only equal now.
    """

    letter: str
    members: tuple[str, ...]
    names: tuple[str, ...]
    gradient: str
    apart: bool
    proved: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    """A box around nodes: a layer, a neuron, a scope of the user's code. parent: index of the cluster around it."""

    name: str
    kind: str  # layer | neuron | scope
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Diagram:
    """The whole content of a picture. `view`: ops | cards | quotient | layers.

    title       the finding, such as "29 parameters move as 9": they fall into 9 groups of equal gradients
    notes       how to read it, scope and tolerance of the letters, legend of widths
    hidden      the parts left out, and how to get them; () if none
    attributes  the user's graph attributes of Graphviz (rankdir, ...)
    engine      "dot" by default; "neato" if nodes have their places (`at`)
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
