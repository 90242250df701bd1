"""A diagram as JSON, and back again without loss.

Objects have the fields of the dataclasses in `diagram`, in their order; tuples are lists; nan and the infinities,
which JSON cannot write, are the texts "nan", "inf", "-inf". The text is ASCII without <, > and &, so it is safe in
a page or a script. Each node, edge or group has its own line, so two texts can be compared line by line.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from ...errors import ArgumentError
from ..diagram import Diagram
from . import Picture, output

MARKUP = {character: f"\\u{ord(character):04x}" for character in "<>&\x7f"}


def to_json(diagram: Diagram) -> str:
    """The JSON text of a diagram; equal diagrams give equal text.

    `extras` may hold dicts, lists, texts, numbers, truth values and None.
    """
    parts = []
    for field in fields(diagram):
        x = getattr(diagram, field.name)
        if isinstance(x, tuple) and x:
            items = ",\n".join(f"  {_dump(item)}" for item in x)
            parts.append(f'"{field.name}": [\n{items}\n]')
        else:
            parts.append(f'"{field.name}": {_dump(x)}')
    return "{" + ",\n".join(parts) + "}\n"


@output(".json", "the diagram as data")
def write_json(picture: Picture) -> str:
    """The JSON text of a picture."""
    return to_json(picture.diagram)


def from_json(text: str) -> Diagram:
    """The diagram that `to_json` wrote. Raises ArgumentError for any other text."""
    try:
        made: Diagram = _read(Diagram, json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArgumentError(
            f"this is not a diagram: {error!r}\n  expected the text that  draw(y).save('y.json')  writes"
        ) from error
    return made


def _dump(x: object) -> str:
    text = json.dumps(_plain(x), ensure_ascii=True, allow_nan=False)
    for character, code in MARKUP.items():
        text = text.replace(character, code)
    return text


def _plain(x: Any) -> Any:
    """An object as the json module takes it. It follows the fields of a Diagram, into JSON's containers."""
    if isinstance(x, float):
        return float(x) if math.isfinite(x) else str(float(x))
    if is_dataclass(x):
        return {field.name: _plain(getattr(x, field.name)) for field in fields(x)}
    if isinstance(x, tuple | list):
        return [_plain(item) for item in x]
    if isinstance(x, Mapping):
        return {str(key): _plain(x[key]) for key in sorted(x, key=str)}
    return x


def _read(kind: Any, x: Any) -> Any:
    """A value of a field's type, from JSON."""
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return None if x is None else _read(next(arg for arg in args if arg is not type(None)), x)
    if origin is tuple:
        inner = [args[0]] * len(x) if args[-1] is Ellipsis else args
        return tuple(_read(one, item) for one, item in zip(inner, x, strict=True))
    if kind is float:
        return float(x)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: _read(hint, x[name]) for name, hint in _hints(kind).items()})
    if isinstance(kind, type) and not isinstance(x, kind):
        raise TypeError(f"expected {kind.__name__}, got {x!r}")
    return x


@cache
def _hints(kind: type) -> dict[str, object]:
    return get_type_hints(kind)
