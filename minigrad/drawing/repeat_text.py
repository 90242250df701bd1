"""Text for a part that is drawn once for many: one name, one range, one strip for all."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from . import format
from .array_summary import NOT_FINITE
from .diagram import ArraySummary

NUMBER = re.compile(r"(\d[\d.]*\d(?:e[+-]?\d+)?|\d)")
STRIP = 24  # maximum squares of a strip


def strip(sizes: Sequence[float]) -> tuple[float, ...]:
    """The numbers relative to the largest, at most STRIP; if there are more, the largest of each stretch."""
    largest = max((x for x in sizes if math.isfinite(x)), default=0.0)
    count = min(len(sizes), STRIP)
    ends = [len(sizes) * k // count for k in range(count + 1)]
    stretches = [sizes[a:b] for a, b in pairwise(ends)]
    if not largest:
        largest = 1.0
    return tuple(
        round(max(part) / largest, 3) if all(map(math.isfinite, part)) else NOT_FINITE for part in stretches
    )


def span(numbers: Sequence[float]) -> str:
    """The smallest and the largest number; one if they are written alike."""
    low, high = format.derivative_text(min(numbers)), format.derivative_text(max(numbers))
    return low if low == high else f"{low} .. {high}"


def value_range(arrays: Sequence[Any], norm: bool = False) -> ArraySummary:
    """The range of all entries in a line; norm: the range of the norms, for arrays of several entries."""
    single = np.size(arrays[0]) == 1
    sizes = [format.euclidean_norm(np.asarray(x)) for x in arrays] if norm and not single else []
    numbers = np.concatenate([np.ravel(np.asarray(x)) for x in arrays])
    known = numbers[~np.isnan(numbers)] if numbers.dtype.kind == "f" else numbers
    if not known.size:
        return ArraySummary(("nan" if numbers.size else "empty",))
    low, high = float(known.min()), float(known.max())
    text = f"norm {span(sizes)}" if sizes else span([low, high])
    return ArraySummary((text,), low=low, high=high)


def common_name(names: Sequence[str]) -> str:
    """One name for all: ``blocks.0..11.W`` for blocks.0.W to blocks.11.W; "" if one has none."""
    first, last = names[0], names[-1]
    if not all(names) or first == last:
        return first if all(name == first for name in names) else ""
    if len({skeleton(name) for name in names}) > 1:
        return f"{first} .. {last}"
    return common_text(names, lambda numbers: f"{numbers[0]}..{numbers[-1]}")


def skeleton(text: str) -> tuple[str, ...]:
    """A text without its numbers."""
    return tuple(NUMBER.split(text)[::2])


def common_text(texts: Sequence[str], several: Callable[[Sequence[str]], str]) -> str:
    """One text for texts of one skeleton. several: what stands for a number that differs."""
    columns = [list(dict.fromkeys(column)) for column in zip(*map(NUMBER.split, texts), strict=True)]
    return "".join(column[0] if len(column) == 1 else several(column) for column in columns)
