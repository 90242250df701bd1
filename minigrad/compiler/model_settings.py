"""The attributes of models that a function read while it was traced: another value needs another trace."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeAlias

from ..tracing.arguments import same_static, static_key
from .names import Names, read_attribute

Setting: TypeAlias = tuple[Any, str, Any]  # a model, the name of an attribute, and its value
_ABSENT: Any = object()


class Settings:
    """For each kind of arguments, the attributes that some trace for it has read."""

    def __init__(self) -> None:
        self._read: dict[Hashable, dict[tuple[int, str], tuple[Any, str]]] = {}

    def add(self, arguments: Hashable, settings: list[Setting]) -> None:
        """Add those that one trace has read."""
        if settings:
            read = {(id(model), name): (model, name) for model, name, _ in settings}
            self._read[arguments] = self._read.get(arguments, {}) | read

    def keep(self, arguments: Iterable[Hashable]) -> None:
        """Forget the models of all other kinds of arguments."""
        kept = {*arguments}
        self._read = {key: read for key, read in self._read.items() if key in kept}

    def key(self, arguments: Hashable) -> Hashable:
        """Their values now."""
        read = self._read.get(arguments)
        return tuple([static_key(getattr(model, name, _ABSENT)) for model, name in read.values()]) if read else ()


def while_unchanged(enter: Callable[..., Any], settings: list[Setting], miss: Any) -> Callable[..., Any]:
    """enter, which returns `miss` if an attribute has another value now.

    The text compares by identity: a line for each attribute would cost as much as a small step. (`entry.c` does the
    same for programs that run natively.)
    """
    if not settings:
        return enter
    names = Names("args", "kwargs", "fits", "enter_unchanged", enter=enter, miss=miss)
    unchanged = names.of(lambda: _unchanged(settings), "unchanged")
    conditions = [
        f"{read_attribute(names.of(model, 'model'), name)} is {names.of(x, 'x')}" for model, name, x in settings
    ]
    text = (
        "def enter_unchanged(args, kwargs):\n"
        "    try:\n"
        f"        fits = ({' and '.join(conditions)}) or {unchanged}()\n"
        "    except AttributeError:\n"
        "        return miss\n"
        "    return enter(args, kwargs) if fits else miss\n"
    )
    exec(compile(text, "<settings by minigrad>", "exec"), names.objects)
    checked: Any = names.objects["enter_unchanged"]
    return checked  # type: ignore[no-any-return]


def _unchanged(settings: list[Setting]) -> bool:
    """Whether each attribute is the same for all that a function can see."""
    now = [(x, getattr(model, name, _ABSENT)) for model, name, x in settings]
    return all(x is y or same_static(x, y) for x, y in now)
