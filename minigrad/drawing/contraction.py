"""Graphs of boxes, as arrays of arrows: which there are, whether they go in a circle, how deep each box lies."""

from __future__ import annotations

from typing import Any

import numpy as np


def distinct(numbers: Any) -> Any:
    """Each number once, in order. (By sorting: NumPy's own way is ten times slower where most are different.)"""
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
    """How many arrows the longest way to each box has, of those that arrows lead to or from.

    Boxes in a circle, and behind one, are left out.
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


def passed(heads: Any, tails: Any) -> int:
    """How many ranks lie between the ends of arrows, summed; each box stands as near to the last as it may."""
    heads, tails = pairs(heads, tails)
    left = depths(tails, heads)
    ends = zip(heads.tolist(), tails.tolist(), strict=True)
    return sum(max(left.get(tail, 0) - left.get(head, 0) - 1, 0) for head, tail in ends)


def is_acyclic(heads: Any, tails: Any) -> bool:
    """Whether no arrow leads back, by whatever way, to where it came from."""
    return len(depths(heads, tails)) == len(np.union1d(heads, tails))
