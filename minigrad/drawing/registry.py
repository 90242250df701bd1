"""A registry: things by name, found in a folder at the first look-up.

Each module of the folder registers its things while it is imported. Nothing lists the modules: a new file is
enough. Your own package registers its things without a file here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind by name, in alphabetical order.

    package: name of the package whose modules are imported before the first look-up. path: its folders
    (``__path__``), listed at each look-up, so a folder added later is found, too.
    """

    def __init__(self, package: str, path: Iterable[str]) -> None:
        self.package, self.path = package, path
        self._found: dict[str, T] = {}
        self._modules: set[str] = set()

    def add(self, name: str, thing: T) -> None:
        """Register a thing; it replaces any of the same name."""
        self._found[name] = thing

    def remove(self, name: str) -> None:
        """Remove a thing. Raises KeyError."""
        del self._found[name]

    def get(self, name: str) -> T | None:
        """The thing of that name; None if there is none."""
        self._import()
        return self._found.get(name)

    def __iter__(self) -> Iterator[str]:
        """The names, in alphabetical order."""
        self._import()
        return iter(sorted(self._found))

    def __len__(self) -> int:
        """The number of things."""
        self._import()
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        """Whether there is a thing of that name."""
        self._import()
        return name in self._found

    def items(self) -> list[tuple[str, T]]:
        """Name and thing, in alphabetical order."""
        return [(name, self._found[name]) for name in self]

    def help(self) -> str:
        """A line for each name, with the ``help`` of the thing."""
        width = max((len(name) for name in self), default=0)
        return "\n".join(f"{name:<{width}}  {getattr(thing, 'help', '')}".rstrip() for name, thing in self.items())

    def _import(self) -> None:
        """Import the modules of the folder that are not imported yet."""
        for name in [f"{self.package}.{module.name}" for module in pkgutil.iter_modules(self.path)]:
            if name not in self._modules:
                importlib.import_module(name)
                self._modules.add(name)
