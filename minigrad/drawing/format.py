"""Numbers, shapes and operations in a few words, for labels and legends.

Plain text only, safe to print anywhere; the DOT and SVG outputs escape it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

SMALL = 8  # arrays with at most this many elements are written out
PER_LINE = 4
CUT = 40  # shown characters of a name
DIRECTIONS = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u200e\u200f\u061c"  # left-to-right, right-to-left, Arabic letter mark
PLACE = "·"  # marks the place of an input in a function call


def number_text(x: Any) -> str:
    """Four significant digits at any magnitude: 0.03741, 1.23e-06, 2, -0.0, nan, inf."""
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    if isinstance(x, int | np.integer) and abs(int(x)) < 1_000_000:
        return str(int(x))
    return _signed_zero(f"{x:.4g}")


def exact(x: object) -> str:
    """The shortest text that reads back as the same bits; "" for an array of several numbers."""
    array = np.asarray(x)
    if array.size != 1:
        return ""
    return str(array.ravel()[0])


def derivative_text(d: object) -> str:
    """A local derivative in three digits; for several entries, the smallest and the largest."""
    array = np.asarray(d)
    if not array.size:
        return ""
    if array.size == 1:
        return _signed_zero(f"{array.item():.3g}")
    low, high = (f"{end_of(f(array)):.3g}" for f in (np.min, np.max))
    return low if low == high else f"{low} .. {high}"


def end_of(x: Any) -> Any:
    """A minimum or maximum, 0.0 for -0.0: of these two, NumPy may find any."""
    return x or abs(x)


def _signed_zero(text: str) -> str:
    """-0.0 as it is written in code."""
    return "-0.0" if text == "-0" else text


def value_lines(data: object) -> list[str]:
    """The value of a node: a number, a small array row by row, or the range of a large one."""
    if isinstance(data, tuple):
        return [f"{len(data)} parts"]
    array = np.asarray(data)
    return rows(array) if array.size <= SMALL else [_range(array)]


def gradient_lines(g: object) -> list[str]:
    """A gradient: a number, a small array row by row, or the norm of a large one."""
    array = np.asarray(g)
    return rows(array) if array.size <= SMALL else [f"norm {number_text(euclidean_norm(array))}"]


def euclidean_norm(array: Any) -> float:
    """The Euclidean norm, without intermediate overflow or underflow."""
    size = float(np.max(np.abs(array), initial=0.0))
    if size == 0 or not np.isfinite(size):
        return size
    return size * float(np.sqrt(np.sum(np.square(array.astype(np.float64) / size))))


def rows(array: Any) -> list[str]:
    """A small array with its brackets: a row of its last axis to a line if short, else four numbers."""
    if array.ndim == 0:
        return [number_text(array[()])]
    if array.size == 0:
        return ["empty"]
    blocks = [int(np.prod(array.shape[axis:])) for axis in range(array.ndim)]
    texts = []
    for place, x in enumerate(array.ravel()):
        opening = sum(place % block == 0 for block in blocks)
        closing = sum((place + 1) % block == 0 for block in blocks)
        texts.append("[" * opening + number_text(x) + "]" * closing)
    step = blocks[-1] if 1 < blocks[-1] <= PER_LINE else PER_LINE
    lines = [", ".join(texts[i : i + step]) for i in range(0, len(texts), step)]
    return [f"{line}," for line in lines[:-1]] + lines[-1:]


def _range(array: Any) -> str:
    if array.dtype.kind == "b":
        return f"{np.count_nonzero(array)} of {array.size} true"
    missing = int(np.count_nonzero(np.isnan(array)))
    if missing == array.size:
        return "nan"
    text = f"{number_text(end_of(np.nanmin(array)))} .. {number_text(end_of(np.nanmax(array)))}"
    return f"{text}, {missing} nan" if missing else text


def operation_text(
    label: str, operands: Sequence[Any], params: dict[str, Any], is_input: Callable[[Any], bool]
) -> str:
    """An operation with its constants: ``* 2``, ``1 /``, ``maximum(·, 0)``, ``sum axis=0``, ``[0, :]``.

    A symbol goes between its operands, a word before them; an ellipsis in the label marks the place of the
    parameters.
    """
    if "…" in label and params:
        parts = [part for p in params.values() for part in (p if isinstance(p, tuple) else (p,))]
        return cut(visible(label.replace("…", ", ".join(map(constant_text, parts)))))
    text = label
    constants = [not is_input(x) for x in operands]
    if any(constants):
        words = [constant_text(x) if fixed else "" for x, fixed in zip(operands, constants, strict=True)]
        if not any(character.isalpha() for character in label):
            text = f" {label} ".join(words).strip()
        else:
            text = f"{label}({', '.join(word or PLACE for word in words)})"
    return cut(visible(" ".join([text, *(f"{name}={constant_text(p)}" for name, p in params.items())])))


def constant_text(x: object) -> str:
    """A constant in an operation: a number, a short list, an array by its shape."""
    if isinstance(x, tuple | list):
        inner = ", ".join(map(_item, x))
        return f"[{inner}]" if isinstance(x, list) else f"({inner})"
    return _item(x)


def _item(x: object) -> str:
    """One constant, not a list: as typed, if that is short."""
    if isinstance(x, slice):
        parts = (x.start, x.stop) if x.step is None else (x.start, x.stop, x.step)
        return ":".join("" if part is None else str(part) for part in parts)
    if x is None or isinstance(x, str):
        return str(x)
    if x is Ellipsis:
        return "..."
    if isinstance(x, int | float | complex | np.number | np.bool_):
        return number_text(x)
    if isinstance(x, np.ndarray):
        return f"array{x.shape}" if x.ndim else number_text(x[()])
    return str(getattr(x, "__name__", getattr(x, "name", PLACE)))


def visible(text: str) -> str:
    """The text on one line, with escapes for characters that have no glyph or are not allowed in XML."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c == " " or _printable(c) else c.encode("unicode_escape").decode() for c in text)


def cut(text: str) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= CUT else text[: CUT - 3] + "..."


def escape_direction_marks(text: str) -> str:
    """The text with escapes for marks of direction, which would reverse or hide the text beside them."""
    return "".join(c.encode("unicode_escape").decode() if _is_direction(c) else c for c in text)


def _is_direction(character: str) -> bool:
    return unicodedata.bidirectional(character) in DIRECTIONS or character in MARKS


def _printable(character: str) -> bool:
    # Cc: control characters; Cs: lone surrogates; Zl, Zp: line ends in disguise.
    hidden = unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in "\ufffe\uffff"
    return not hidden and not _is_direction(character)
