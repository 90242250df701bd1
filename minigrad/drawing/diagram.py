"""What a picture shows, in plain text and numbers: the one description that every output is made from.

A diagram holds no Value and no large array: it keeps no graph alive, does not change when a parameter steps, and
can be written as JSON without a loss. No colours, no DOT, no SVG here. Views (`views/`) make diagrams; outputs read
them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ZERO = "0"  # the letter of gradients that are exactly 0


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is shown of an array, and what of it can be asked for.

    lines    the short text: one number (3-4 significant digits at any magnitude), or "min .. max", "norm 3.2"
    exact    full precision (repr of float) where it is one number, else ""
    low, high, norm, zeros   minimum, maximum, Euclidean norm, share of zeros; None for a single number
    cells    up to 8 x 8: rows of (text) cells, else ()
    thumbnail  larger arrays: a grid (at most 16 x 16) of numbers in [-1, 1], the mean of each block over the
               largest size; else ()
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
class Row:
    """One line of a card: a weight into a neuron, its bias, its sum, its output. `port` is the end of edges.

    tie: as a node's: rows of one letter with the same tie are proved to keep equal gradients.
    """

    port: str
    name: str
    value: Numbers
    gradient: Numbers | None
    group: str | None
    badges: tuple[str, ...] = ()
    kind: str = "parameter"  # parameter | input | op (an output row, below the line)
    tie: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """One box. `id` comes from the order of creation (n0, n1, ...) or the place in the model, never from memory.

    kind         parameter | input | constant | op | sum | result | card | chain | cluster | layer
                 (chain, cluster, layer stand for several values: see `count`, and `hides` says which in words)
    name         as the user typed it, "" if none
    operation    the op with its constants folded in ("* 2", "maximum(., 0)", "Σ"); "" of a leaf
    formula      of the op, one line, from the table
    shape, dtype always
    group        the letter
    tie          members of a group with the same tie are proved to keep equal gradients; "" where nothing is proved
    cell_groups  of a tensor shown as cells, a letter or "" per cell, rows as in value.cells
    badges       words: "nan", "inf", "dead", "frozen", "wrong rule"
    cluster      index into Diagram.clusters, or None
    source       "file:line: text" of the user's code under debug, else ""
    rows         of a card; count: how many values it stands for; times: xn in the quotient
    at           (x, y, width, height) in points, (x, y) the middle and y upwards, where the view places; else None
    step         place in the backward sweep (0 the loss), None if no gradient comes here
    """

    id: str
    kind: str
    name: str
    operation: str
    formula: str
    shape: tuple[int, ...]
    dtype: str
    value: Numbers | None
    gradient: Numbers | None
    group: str | None = None
    tie: str = ""
    cell_groups: tuple[tuple[str, ...], ...] = ()
    badges: tuple[str, ...] = ()
    cluster: int | None = None
    source: str = ""
    rows: tuple[Row, ...] = ()
    count: int = 1
    times: int = 1
    hides: str = ""
    at: tuple[float, float, float, float] | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """One use: `tail` is input number `place` of `head`. Repeats stay apart: a*a has two edges.

    derivative    of head by this input, short text: "0.217"; of an elementwise tensor op "0.1 .. 0.9"; "" where it
                  is no number
    exact         the same at full precision, "" if not one number
    contribution  what this use hands back: the short text of (dL/dhead)(dhead/dtail); exact_contribution likewise
    flow          Euclidean norm of the contribution; None: no gradient is needed (dashed), 0.0: exactly 0 (dotted)
    width         1.0 to 4.0 points by log10 of flow relative to the largest of the picture
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


@dataclass(frozen=True, slots=True)
class Group:
    """Nodes (ids) or card rows ("id:port") whose gradients are equal.

    apart: equal in separate places; else one gradient that is handed on along edges, as + does.
    proved: the gradients of all members stay equal under gradient descent; else only observed now.
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
    """All that a picture shows. `view`: ops | cards | quotient | layers.

    title       the finding ("29 parameters move as 9 · ...")
    notes       how to read it, scope and tolerance of the letters, legend of widths
    hidden      what was left out, and how to get it; () if nothing
    attributes  graph attributes of Graphviz that the user gave (rankdir, ...)
    engine      "dot" by default; "neato" where nodes have their places (`at`)
    """

    view: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]
    clusters: tuple[Cluster, ...]
    title: str
    notes: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    engine: str = "dot"
    extras: dict[str, Any] = field(default_factory=dict)
