"""Equal gradients inside arrays: a letter for the entries of small leaves that are shown cell by cell.

Entries of all such leaves are compared with each other. If the neurons of a layer start equal, the columns of its
matrix get the same letters: that is how a picture of matrices shows ties.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import format
from .array_summary import has_cells, rows_and_columns
from .captions import SAME_LETTER, letters_note
from .diagram import MINUS, ZERO, Diagram, Group
from .equal_groups import Letters
from .graph_data import Survey
from .marks import base, number_ties
from .opposite_groups import equal_or_opposite
from .reletter import with_separate_groups_first
from .theme import letter

NOTE = "A cell shows the value and, below it, its gradient."
MOST = 4_000  # maximum entries that are compared: nobody would read more letters


@dataclass(frozen=True, slots=True)
class Entry:
    """One cell: position of its leaf, row and column, gradient; what is proved of it: class, sign, never moves."""

    leaf: int
    row: int
    column: int
    gradient: Any
    proved: tuple[int, int, bool] | None


def with_cells(diagram: Diagram, found: Survey, grouped: Letters) -> Diagram:
    """The diagram with letters in its cells; the groups of cells follow those of nodes."""
    entries = _entries(
        found,
        grouped,
        [int(node.id[1:]) for node in diagram.nodes if node.value and node.value.cells and node.id.startswith("n")],
    )
    if not entries or len(entries) > MOST:
        return diagram
    groups = _groups(entries, found, first=len({base(group.letter) for group in diagram.groups} - {ZERO}))
    lettered = {member: group.letter for group in groups for member in group.members}
    nodes = tuple(
        replace(node, cell_groups=_grid(node.id, node.value.cells, lettered)) if node.value else node
        for node in diagram.nodes
    )
    title = _title(diagram, entries, found, grouped) if groups else diagram.title
    notes = tuple(note for note in diagram.notes if not note.startswith("No two"))
    if not any(note.startswith(SAME_LETTER) for note in notes):
        types = {node.dtype for node in diagram.nodes if node.gradient is not None}
        notes += (letters_note(types, f"no proof ({grouped.unproved})" if grouped.unproved else ""),)
    made = replace(
        diagram,
        nodes=nodes,
        groups=_merge_zeros(diagram.groups, groups),
        title=title,
        notes=(*notes, NOTE) if groups else diagram.notes,
    )
    return with_separate_groups_first(made)


def _title(diagram: Diagram, entries: Sequence[Entry], found: Survey, grouped: Letters) -> str:
    """The title with counts of parameters, if the picture shows every one: in a cell, or as a number."""
    leaves = [k for k in range(len(found.values)) if found.is_parameter(k)]
    sizes = {k: np.size(found.gradients[k]) for k in leaves}
    compared = {entry.leaf for entry in entries}
    if len(leaves) < 2 or any(size > 1 and k not in compared for k, size in sizes.items()):
        return diagram.title
    single = [entry for k, size in sizes.items() if size == 1 for entry in _cells(found, grouped, k)]
    groups = _groups([*entries, *single], found)
    total = sum(sizes.values())
    different = total - sum(len(group.members) - 1 for group in groups)
    proved = all(len(set(group.ties)) == 1 and group.ties[0] for group in groups if len(group.members) > 1)
    finding = f"now share {different} gradient{'s' * (different > 1)}"
    finding = f"move as {different}" if proved else finding
    return f"{diagram.title.split(' · ')[0]} · {total} parameters {finding}"


def _entries(found: Survey, grouped: Letters, shown: Sequence[int]) -> list[Entry]:
    leaves = [k for k in shown if found.values[k].op is None and found.gradients[k] is not None]
    return [entry for k in leaves if has_cells(np.shape(found.gradients[k])) for entry in _cells(found, grouped, k)]


def _cells(found: Survey, grouped: Letters, k: int) -> Iterator[Entry]:
    """The entries of a leaf."""
    known = grouped.entries.get(k)
    proof = None if known is None else [rows_and_columns(x) for x in (known.classes, known.signs, known.frozen)]
    for (i, j), x in np.ndenumerate(rows_and_columns(np.asarray(found.gradients[k]))):
        claim = None if proof is None else (int(proof[0][i, j]), int(proof[1][i, j]), bool(proof[2][i, j]))
        yield Entry(k, i, j, x, claim)


def _groups(entries: Sequence[Entry], found: Survey, first: int = 0) -> list[Group]:
    """Groups of entries with equal gradients, large first, zeros last. first: number of the first letter."""
    every = equal_or_opposite([entry.gradient for entry in entries])
    groups = []
    for place, group in enumerate(sorted(every, key=lambda one: (-len(one.every), one.plus[0]))):
        members, name = [entries[m] for m in group.every], letter(first + place)
        claims = (
            entry.proved and (entry.proved[0], entry.proved[1] * sign)
            for entry, sign in zip(members, group.signs, strict=True)
        )
        ties, plus = number_ties(claims), len(group.plus)
        groups.append(_group(name, members[:plus], ties[:plus], found))
        groups += [_group(f"{MINUS}{name}", members[plus:], ties[plus:], found)] if group.minus else []
    zeros = [entry for entry in entries if entry.gradient == 0]
    stay = tuple("1" * bool(entry.proved and entry.proved[2]) for entry in zeros)
    return [*groups, _group(ZERO, zeros, stay, found)] if zeros else groups


def _group(name: str, members: Sequence[Entry], ties: tuple[str, ...], found: Survey) -> Group:
    return Group(
        letter=name,
        members=tuple(f"n{entry.leaf}:{entry.row},{entry.column}" for entry in members),
        names=tuple(_name(entry, found) if found.names[entry.leaf] else "" for entry in members),
        gradient="exactly 0" if name == ZERO else format.number_text(members[0].gradient),
        apart=True,
        ties=ties,
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
            ties=one.ties + other.ties,
        )
        zeros = [together]
    return (*rest, *zeros)
