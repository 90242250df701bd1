"""A registry: things by name, found in a folder at the first look-up.

Each module of the folder registers its things while it is imported. Nothing lists the modules: a new file is
enough. Your own package registers its things without a file here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from ..errors import ArgumentError

T = TypeVar("T")


class Registry(Generic[T]):
    """Things of one kind by name, in alphabetical order.

    kind: a noun for errors, such as "view". package: name of the package whose modules are imported before the
    first look-up. path: its folders (``__path__``), listed at each look-up, so a folder added later is found, too.
    """

    def __init__(self, kind: str, package: str, path: Iterable[str]) -> None:
        self.kind, self.package, self.path = kind, package, path
        self._found: dict[str, T] = {}
        self._built_in: dict[str, str] = {}  # the module that defines a thing of the folder
        self._modules: set[str] = set()

    def add(self, name: str, thing: T, module: str = "") -> None:
        """Register a thing. module: the one that defines it, if it may be in the folder.

        The thing replaces one that another package registered under this name, so a notebook cell may run twice.
        Raises ArgumentError if a module of the folder defines a thing of this name.
        """
        is_built_in = module.startswith(f"{self.package}.")
        if not is_built_in:
            self._import()
        if self._built_in.get(name, module) != module:
            raise ArgumentError(
                f"there is a {self.kind} called {name!r} already\n"
                f"  write  another name than {', '.join(sorted(self._found))}"
            )
        self._found[name] = thing
        if is_built_in:
            self._built_in[name] = module

    def remove(self, name: str) -> None:
        """Remove a thing that another package registered. Raises ArgumentError for any other name."""
        if name in self and name not in self._built_in:
            del self._found[name]
            return
        what = f"no {self.kind} is called {name!r}"
        if name in self._built_in:
            what = f"the {self.kind} {name!r} belongs to minigrad"
        own = ", ".join(sorted(self._found.keys() - self._built_in)) or "none now"
        raise ArgumentError(f"{what}\n  unregister removes what register added: {own}")

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
