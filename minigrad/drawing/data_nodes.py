"""The data of a computation as nodes: arrays that ops use and that are no Values, with their names and shapes.

An array that is used several times is one node, and so is one of which many views are used, as the windows of a
convolution are. Numbers and arrays of one number stay in the text of the op.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.value import Value
from . import array_summary
from .diagram import DiagramNode, Edge
from .fold_sums import Sum
from .graph_data import Survey, content_of

WINDOWS = 3  # more views of one array than this share its node


@dataclass(frozen=True, slots=True)
class Data:
    """The arrays to show, in the order of their first use.

    arrays: by the id of the operand, the array whose node it belongs to.
    """

    arrays: Mapping[int, Any]

    def is_shown(self, x: object) -> bool:
        """Whether an operand is a node of its own, so that the text of its op can leave it out."""
        return self.arrays.get(id(x)) is x

    def nodes(self, names: Mapping[object, str]) -> list[DiagramNode]:
        """One node for each array. names: by id, or by content."""
        return [
            DiagramNode(
                id=name,
                kind="input",
                name=names.get(id(array)) or names.get(content_of(array), ""),
                operation="",
                formula="",
                shape=array.shape,
                dtype=array.dtype.name,
                value=array_summary.summarize_value(array),
                gradient=None,
            )
            for array, name in self._ids().values()
        ]

    def edges(
        self, found: Survey, kept: Sequence[int], folded: Mapping[int, Sum], edges: Sequence[Edge]
    ) -> list[Edge]:
        """These edges and those from the data, with the places of all operands that are nodes."""
        ids = self._ids()
        added: list[Edge] = []
        places: dict[tuple[str, int], int] = {}  # by the op and the place among its Values
        for k in kept:
            place = values = 0
            for x in _operands(found, k, folded):
                if id(x) in self.arrays:
                    tail = ids[id(self.arrays[id(x)])][1]
                    added.append(Edge(f"e{len(edges) + len(added)}", tail, f"n{k}", place))
                elif isinstance(x, Value):
                    places[f"n{k}", values] = place
                    values += 1
                else:
                    continue
                place += 1
        return [replace(edge, place=places.get((edge.head, edge.place), edge.place)) for edge in edges] + added

    def _ids(self) -> dict[int, tuple[Any, str]]:
        whole = {id(array): array for array in self.arrays.values()}
        return {key: (array, f"d{number}") for number, (key, array) in enumerate(whole.items())}


def find_data(found: Survey, kept: Sequence[int], folded: Mapping[int, Sum]) -> Data:
    """The arrays that these values are computed from."""
    used = {id(x): x for k in kept for x in _operands(found, k, folded) if isinstance(x, np.ndarray) and x.size > 1}
    views: dict[int, list[Any]] = {}
    for x in used.values():
        if isinstance(x.base, np.ndarray) and id(x) not in found.arrays:
            views.setdefault(id(x.base), []).append(x)
    windows = {id(x): x.base for same in views.values() if len(same) > WINDOWS for x in same}
    return Data(used | windows)


def _operands(found: Survey, k: int, folded: Mapping[int, Sum]) -> Sequence[Any]:
    """What a value is computed from, in order; of a long sum the Values, then the other terms."""
    if k in folded:
        return [*(found.values[tail] for tail, *_ in folded[k].terms), *folded[k].constants]
    return found.values[k].operands if found.values[k].op is not None else ()
