"""Outputs: the file formats of a picture. Each is one function ``write(picture) -> str | bytes``.

A module of this folder declares its format with the decorator `output` and is found automatically: `Drawing.save`
writes the format for its suffix, and help, errors and documentation list it. `register` adds a format from your own
package.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from ...errors import ArgumentError
from ..diagram import Diagram
from ..registry import Registry
from ..theme import LIGHT, THEMES, Theme
from .render import SECONDS


@dataclass(frozen=True)
class Picture:
    """The input of an output: a diagram and its look.

    theme: auto, light, dark or print. seconds: time limit of a layout engine. others: the diagrams of other views.
    history: for each step of training, its diagrams in all views.
    """

    diagram: Diagram
    theme: str = "auto"
    seconds: float = SECONDS
    others: tuple[Diagram, ...] = ()
    history: Mapping[str, tuple[Diagram, ...]] = field(default_factory=dict)

    @property
    def colours(self) -> Theme:
        """The colours of the theme; for auto the light ones, since few formats know the reader's system."""
        return LIGHT if self.theme == "auto" else THEMES[self.theme]


Writer: TypeAlias = Callable[[Picture], "str | bytes"]
F = TypeVar("F", bound=Writer)


@dataclass(frozen=True)
class Output:
    """A format. suffix: with its dot, in lower case. help: one line."""

    suffix: str
    write: Writer
    help: str


OUTPUTS: Registry[Output] = Registry("format", __name__, __path__)


def register(suffix: str, write: Writer, help: str) -> None:
    """Add a format: ``draw(y).save("y.suffix")`` writes the text or bytes that ``write(picture)`` returns.

    suffix: with its dot. help: one line for lists of formats. `unregister` removes the format. Raises ArgumentError
    for a bad suffix, and for one that minigrad writes itself.
    """
    _add(suffix, write, help)


def _add(suffix: str, write: Writer, help: str, module: str = "") -> None:
    if not suffix.startswith(".") or len(suffix) < 2 or suffix.count(".") > 1 or suffix != suffix.lower():
        raise ArgumentError(f"a suffix is a dot and lower-case letters, such as '.csv', got {suffix!r}")
    OUTPUTS.add(suffix, Output(suffix, write, help), module)


def unregister(suffix: str) -> None:
    """Remove a format that `register` added. Raises ArgumentError for any other."""
    OUTPUTS.remove(suffix)


def output(suffix: str, help: str) -> Callable[[F], F]:
    """`register` as a decorator: ``@output(".csv", "a table of the nodes")``."""

    def decorate(write: F) -> F:
        _add(suffix, write, help, write.__module__)
        return write

    return decorate


def encode(suffix: str, picture: Picture) -> bytes | None:
    """The picture in the format of a suffix, text as UTF-8; None for an unknown suffix."""
    found = OUTPUTS.get(suffix)
    if found is None:
        return None
    content = found.write(picture)
    return content.encode() if isinstance(content, str) else content
