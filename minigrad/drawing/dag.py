"""Graphs of boxes as arrays of arrows: the distinct arrows, cycles, the depth of each box."""

from __future__ import annotations

from typing import Any

import numpy as np


def distinct(numbers: Any) -> Any:
    """Each number once, in order. (By sorting: np.unique is ten times slower if most are different.)"""
    numbers = np.sort(numbers)
    return numbers[np.concatenate(([True], numbers[1:] != numbers[:-1]))] if len(numbers) else numbers


def pairs(heads: Any, tails: Any) -> tuple[Any, Any]:
    """The arrows between different boxes, each once, in order."""
    apart = heads != tails
    heads, tails = heads[apart], tails[apart]
    if not len(heads):
        return heads, tails
    size = int(max(heads.max(), tails.max())) + 1
    both = distinct(heads * size + tails)
    return both // size, both % size


def depths(heads: Any, tails: Any) -> dict[int, int]:
    """The length of the longest path to each box, for all boxes with an arrow.

    Boxes in a cycle, and boxes after one, are left out.
    """
    order = np.argsort(tails, kind="stable")
    heads, tails = heads[order], tails[order]
    starts = dict(zip(*(x.tolist() for x in np.unique(tails, return_index=True)), strict=True))
    ends = dict(zip(*(x.tolist() for x in np.unique(tails, return_counts=True)), strict=True))
    waiting = dict(zip(*(x.tolist() for x in np.unique(heads, return_counts=True)), strict=True))
    following = heads.tolist()
    depth = {box: 0 for box in starts if box not in waiting}
    todo = list(depth)
    while todo:
        box = todo.pop()
        start = starts.get(box)
        if start is None:
            continue
        beyond = depth[box] + 1
        for head in following[start : start + ends[box]]:
            depth[head] = max(depth.get(head, 0), beyond)
            waiting[head] -= 1
            if not waiting[head]:
                todo.append(head)
    return {box: d for box, d in depth.items() if not waiting.get(box)}


def crossed_ranks(heads: Any, tails: Any) -> int:
    """The number of ranks that all arrows together cross, with each box placed as late as its users allow."""
    heads, tails = pairs(heads, tails)
    left = depths(tails, heads)
    ends = zip(heads.tolist(), tails.tolist(), strict=True)
    return sum(max(left.get(tail, 0) - left.get(head, 0) - 1, 0) for head, tail in ends)


def is_acyclic(heads: Any, tails: Any) -> bool:
    """Whether the arrows form no cycle."""
    return len(depths(heads, tails)) == len(np.union1d(heads, tails))
