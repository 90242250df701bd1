"""Views: ways to look at a computation. Each is one function ``view(request) -> Diagram``.

A module of this folder declares its view with the decorator `view` and is found automatically: `draw` offers the
view by its name, and help, errors and documentation list it. `register` adds a view from your own package.

Views write the text of a picture, only for the values shown; outputs format it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from ...errors import ArgumentError
from ..registry import Registry

if TYPE_CHECKING:
    from ..diagram import Diagram
    from .request import ViewRequest

SUBJECTS = ("value", "model")  # the arguments that draw accepts

ViewFunction: TypeAlias = "Callable[[ViewRequest], Diagram]"
F = TypeVar("F", bound=ViewFunction)


@dataclass(frozen=True)
class View:
    """A view. draws: its subjects, "value", "model" or both. help: one line.

    in_viewer: whether the .html page of a small graph offers it beside the requested view. opens: the view whose
    boxes it opens; the page does not offer both if they are the same.
    """

    name: str
    function: ViewFunction
    draws: tuple[str, ...]
    help: str
    in_viewer: bool = True
    opens: str = ""


VIEWS: Registry[View] = Registry("view", __name__, __path__)


def register(
    name: str,
    function: ViewFunction,
    help: str,
    draws: Collection[str] = SUBJECTS,
    in_viewer: bool = True,
) -> None:
    """Add a view to `draw`: ``draw(y, view=name)`` shows the diagram ``function(request)``.

    The function must not call `draw`, which makes all views of a small graph; it may call another view, such as
    `views.ops.ops(request.survey)`. help: one line for lists of views. draws: "value", "model" or both. in_viewer:
    whether the .html page of a small graph offers it. `unregister` removes it. Raises ArgumentError for another
    subject, and for the name of a view of minigrad.
    """
    _add(name, function, help, draws, in_viewer)


def _add(
    name: str,
    function: ViewFunction,
    help: str,
    draws: Collection[str],
    in_viewer: bool,
    module: str = "",
    opens: str = "",
) -> None:
    if not draws or not set(draws) <= set(SUBJECTS):
        raise ArgumentError(f"a view draws {' or '.join(map(repr, SUBJECTS))}, got {list(draws)}")
    VIEWS.add(name, View(name, function, tuple(s for s in SUBJECTS if s in draws), help, in_viewer, opens), module)


def unregister(name: str) -> None:
    """Remove a view that `register` added. Raises ArgumentError for any other."""
    VIEWS.remove(name)


def view(
    name: str, help: str, draws: Collection[str] = SUBJECTS, in_viewer: bool = True, opens: str = ""
) -> Callable[[F], F]:
    """`register` as a decorator: ``@view("bars", "a bar for each value")``."""

    def decorate(function: F) -> F:
        _add(name, function, help, draws, in_viewer, function.__module__, opens)
        return function

    return decorate
