"""Module: something that has parameters, and finds them by itself.

Only the finding belongs here; what a module computes stands in the class that derives from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..value import Value


class Module:
    """A part of a model. Its parameters are the leaf Values among its attributes.

    They are found in attributes, lists, tuples and dicts, and in other modules there, in the order in which
    these were filled; one that is met again (shared weights) counts once. What is computed is no parameter,
    and neither is a plain array: what is to be trained, wrap.
    """

    def parameters(self) -> list[Value]:
        """All parameters, each once."""
        return [value for _, value in self._find()]

    def named_parameters(self) -> list[tuple[str, Value]]:
        """All parameters, each once, with its name.

        The name is the Value's own, the one in pictures and errors. Where it has none, or another
        parameter has the same, it is the place where it was found: ``layers.0.W``.
        """
        found = list(self._find())
        bearers = Counter(value.name for _, value in found)
        return [(v.name if v.name and bearers[v.name] == 1 else path, v) for path, v in found]

    def zero_grad(self) -> None:
        """Forget all gradients: every parameter's ``.grad`` becomes None."""
        for value in self.parameters():
            value.grad = None

    def _find(self) -> Iterator[tuple[str, Value]]:
        """Path and value of each parameter; no recursion, so that no nesting is too deep or circular."""
        seen: set[int] = set()
        waiting: list[tuple[str, Any]] = [("", self)]
        while waiting:
            path, thing = waiting.pop()
            if not isinstance(thing, (Value, Module, list, tuple, dict, set, frozenset)) or id(thing) in seen:
                continue
            seen.add(id(thing))
            if not isinstance(thing, Value):
                prefix = f"{path}." if path else ""
                waiting += reversed([(f"{prefix}{key}", item) for key, item in _items(thing, path)])
            elif thing.op is None:
                yield path, thing


def _items(thing: Any, path: str) -> list[tuple[Any, Any]]:
    """What a container or module holds, in its order, each with its key."""
    if isinstance(thing, Module):
        return list(vars(thing).items())
    if isinstance(thing, dict):
        return list(thing.items())
    if isinstance(thing, (set, frozenset)):
        if any(isinstance(item, (Value, Module)) for item in thing):
            raise TypeError(f"{path} is a {type(thing).__name__}, which has no order\n  hold parameters in a list")
        return []
    return list(enumerate(thing))
