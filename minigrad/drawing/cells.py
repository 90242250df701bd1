"""Equal gradients inside arrays: a letter for the entries of small leaves that are shown cell by cell.

Entries of all such leaves are compared with each other. If the neurons of a layer start equal, the columns of its
matrix get the same letters: that is how a picture of matrices shows ties.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..symmetry.clustering import TOLERANCE, equal_groups
from . import format
from .array_summary import has_cells, rows_and_columns
from .diagram import ZERO, Diagram, Group
from .equal_groups import Letters, opposites
from .graph_data import Survey
from .theme import letter

NOTE = (
    "A cell shows the value and, below it, its gradient; "
    f"same letter: equal gradients (relative tolerance {TOLERANCE:g})."
)
MOST = 4_000  # maximum entries that are compared: nobody would read more letters


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell: position of its leaf, row and column, gradient, and the class of entries it is proved tied to."""

    leaf: int
    row: int
    column: int
    gradient: Any
    proved: int | None


def with_cells(diagram: Diagram, found: Survey, grouped: Letters) -> Diagram:
    """The diagram with letters in its cells; the groups of cells follow those of nodes."""
    entries = _entries(
        found, grouped, [int(node.id[1:]) for node in diagram.nodes if node.value and node.value.cells]
    )
    if not entries or len(entries) > MOST:
        return diagram
    groups = _groups(entries, found, first=sum(group.letter != ZERO for group in diagram.groups))
    lettered = {member: group.letter for group in groups for member in group.members}
    nodes = tuple(
        replace(node, cell_groups=_grid(node.id, node.value.cells, lettered)) if node.value else node
        for node in diagram.nodes
    )
    title = _title(diagram, entries, found, grouped) if groups else diagram.title
    notes = tuple(note for note in diagram.notes if not note.startswith("No two"))
    return replace(
        diagram,
        nodes=nodes,
        groups=_merge_zeros(diagram.groups, groups),
        title=title,
        notes=(*notes, NOTE) if groups else diagram.notes,
    )


def _title(diagram: Diagram, entries: Sequence[Entry], found: Survey, grouped: Letters) -> str:
    """The title with counts of parameters, if the picture shows every one: in a cell, or as a number."""
    leaves = [k for k, v in enumerate(found.values) if v.op is None and found.gradients[k] is not None]
    sizes = {k: np.size(found.gradients[k]) for k in leaves}
    compared = {entry.leaf for entry in entries}
    if len(leaves) < 2 or any(size > 1 and k not in compared for k, size in sizes.items()):
        return diagram.title
    single = [entry for k, size in sizes.items() if size == 1 for entry in _cells(found, grouped, k)]
    groups = _groups([*entries, *single], found)
    total = sum(sizes.values())
    different = total - sum(len(group.members) - 1 for group in groups)
    proved = all(group.proved for group in groups)
    finding = f"now share {different} gradient{'s' * (different > 1)}"
    finding = f"move as {different}" if proved else finding
    return f"{diagram.title.split(' · ')[0]} · {total} parameters {finding}"


def _entries(found: Survey, grouped: Letters, shown: Sequence[int]) -> list[Entry]:
    leaves = [k for k in shown if found.values[k].op is None and found.gradients[k] is not None]
    return [entry for k in leaves if has_cells(np.shape(found.gradients[k])) for entry in _cells(found, grouped, k)]


def _cells(found: Survey, grouped: Letters, k: int) -> Iterator[Entry]:
    """The entries of a leaf."""
    classes = rows_and_columns(grouped.classes[k]) if k in grouped.classes else None
    for (i, j), x in np.ndenumerate(rows_and_columns(np.asarray(found.gradients[k]))):
        yield Entry(k, i, j, x, None if classes is None else int(classes[i, j]))


def _groups(entries: Sequence[Entry], found: Survey, first: int = 0) -> list[Group]:
    """Groups of entries with equal gradients, large first, zeros last. first: number of the first letter."""
    equal = sorted(
        equal_groups([entry.gradient for entry in entries]), key=lambda members: (-len(members), members[0])
    )
    named = {letter(first + k): [entries[m] for m in members] for k, members in enumerate(equal)}
    minus = opposites({name: members[0].gradient for name, members in named.items()})
    groups = [_group(name, members, found, minus[name]) for name, members in named.items()]
    zeros = [entry for entry in entries if entry.gradient == 0]
    return [*groups, _group(ZERO, zeros, found)] if zeros else groups


def _group(name: str, members: Sequence[Entry], found: Survey, minus: str = "") -> Group:
    classes = {entry.proved for entry in members}
    return Group(
        letter=name,
        members=tuple(f"n{entry.leaf}:{entry.row},{entry.column}" for entry in members),
        names=tuple(_name(entry, found) for entry in members if found.names[entry.leaf]),
        gradient="exactly 0" if name == ZERO else format.number_text(members[0].gradient) + minus,
        apart=True,
        proved=len(classes) == 1 and None not in classes,
    )


def _name(entry: Entry, found: Survey) -> str:
    """The entry as written in code: ``b[1]``, ``W[0,1]``, ``T[1,0,1]``."""
    shape = found.values[entry.leaf]._array.shape
    index = np.unravel_index(entry.row * shape[-1] + entry.column, shape) if shape else ()
    return f"{found.names[entry.leaf]}[{','.join(map(str, index))}]"


def _grid(one: str, cells: Sequence[Sequence[str]], lettered: dict[str, str]) -> tuple[tuple[str, ...], ...]:
    grid = tuple(
        tuple(lettered.get(f"{one}:{i},{j}", "") for j in range(len(line))) for i, line in enumerate(cells)
    )
    return grid if any(any(line) for line in grid) else ()


def _merge_zeros(of_nodes: Sequence[Group], of_cells: Sequence[Group]) -> tuple[Group, ...]:
    """Nodes and cells whose gradient is 0 form one group, the last."""
    zeros = [group for group in (*of_nodes, *of_cells) if group.letter == ZERO]
    rest = [group for group in (*of_nodes, *of_cells) if group.letter != ZERO]
    if len(zeros) == 2:
        one, other = zeros
        together = replace(
            one,
            members=one.members + other.members,
            names=one.names + other.names,
            proved=one.proved and other.proved,
        )
        zeros = [together]
    return (*rest, *zeros)
