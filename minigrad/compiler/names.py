"""Names for generated code: users choose some of its words, so every word is asked for here."""

from __future__ import annotations

import builtins
import functools
import re
from collections.abc import Sequence
from keyword import iskeyword, kwlist
from typing import Any


class Names:
    """The names of one text: no two things get the same one. words: those that the text always uses itself.

    objects: the objects that the text names, for its global scope.
    """

    def __init__(self, *words: str, **objects: object) -> None:
        self.objects: dict[str, object] = {}
        self._taken = {*kwlist, *words, "__builtins__", "__debug__"}  # Python gives the last two a meaning
        self._counts: dict[str, int] = {}
        self._known: dict[int, str] = {}
        for word, x in objects.items():
            self.of(x, word)

    def take(self, word: str) -> str:
        """A new name: the word where it is free, else the word with _ or a number behind it."""
        name = word
        while name in self._taken:
            count = self._counts[word] = self._counts.get(word, 0) + 1
            name = f"{word}_" if count == 1 else f"{word}_{count}"
        self._taken.add(name)
        return name

    def of(self, x: Any, word: str = "") -> str:
        """The name of an object, always the same: the word, or the object's own name, where that is free.

        Only a builtin has the name of a builtin.
        """
        if id(x) not in self._known:
            word = word or x.__name__
            name = self.take(word if getattr(builtins, word, x) is x else f"{word}_")
            self._known[id(x)], self.objects[name] = name, x  # the object lives on, so no other gets its id
        return self._known[id(x)]


def word_for(path: str, parameters: Sequence[str]) -> str:
    """A readable word for an input: the function's parameter and the place inside it.

    path: as in `Described.paths`. parameters: of the function, by position.
    """
    kind, *parts = re.findall(r"\w+", path)
    k = int(parts[0]) if kind == "args" else len(parameters)
    if k < len(parameters) and parameters[k][0] != "*":
        parts[0] = parameters[k]
    elif kind == "args":
        parts = [kind, *parts]
    return identifier("_".join(parts), "x_")


@functools.lru_cache(maxsize=1000)
def identifier(text: str, prefix: str = "f_") -> str:
    """A word for Python made of any text: _ for characters that no word may have, the rest as Python spells it."""
    if not text.isascii():
        from unicodedata import normalize

        text = normalize("NFKC", text)
    if text.isidentifier():
        return text
    kept = "".join(c if f"_{c}".isidentifier() else "_" for c in text).strip("_")
    return kept if kept.isidentifier() else f"{prefix}{kept}"


def read_attribute(x: str, key: str) -> str:
    """The text that reads an attribute of x, which may have any name."""
    plain = key.isascii() and key.isidentifier() and not iskeyword(key)
    return f"{x}.{key}" if plain else f"getattr({x}, {key!r})"
