"""The guard checks whether a call fits a trace, as straight-line Python for the nesting of its arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.dataclass_trees import static_fields
from ..engine.tree import kind_of
from ..errors import ArgumentError
from ..tracing.arguments import INEXACT, Hole


class Guard:
    """Writes ``enter(args, kwargs)``, which checks all arguments and passes the inputs to a step.

    `enter` returns MISS if something does not fit. written: the places, in inputs and leaves, of arrays that a step
    writes into. Raises ArgumentError, as `enter` does, if such an array is passed twice.
    """

    def __init__(self, template: Any, inputs: list[Any], leaves: list[Any], written: list[int]) -> None:
        self.inputs, self.leaves = inputs, leaves
        self.names: dict[str, object] = {"ndarray": np.ndarray, "float64": np.float64}
        self.lines: list[str] = []
        self.found: dict[int, str] = {}
        self.count = 0
        args, kwargs = template
        named = f"[*kwargs] == {[*kwargs]}" if kwargs else "not kwargs"  # in order: f may iterate over **kwargs
        self._check(f"len(args) == {len(args)} and {named}")
        if args:
            self._items(args, "args", known=True)
        for key, x in kwargs.items():
            self._any(x, self._let(f"kwargs[{key!r}]"))
        self._leaves()
        if written:
            arrays = [*inputs, *(leaf._array for leaf in leaves)]
            _refuse_shared(arrays, written)
            self._check_written(arrays, written)

    def text(self) -> str:
        """The source of `enter`."""
        given = ", ".join(
            [self.found[k] for k in range(len(self.inputs))] + [f"w{k}" for k in range(len(self.leaves))]
        )
        lines = [
            "def enter(args, kwargs):",
            '    """Check the arguments, take a set of buffers, compute, put the set back."""',
        ]
        lines += [
            "    try:",
            *(f"        {line}" for line in self.lines),
            "    except KeyError:",
            "        return MISS",
        ]
        lines += ["    try:", "        step = free.pop()", "    except IndexError:", "        step = make()"]
        lines += [f"    result = step({given})", "    free.append(step)", "    return result"]
        return "\n".join(lines) + "\n"

    def _check_written(self, arrays: list[Any], written: list[int]) -> None:
        """Add lines that refuse an array to overwrite that is also another argument."""
        kinds = [(x.dtype, x.shape, x.strides) if isinstance(x, np.ndarray) and x.ndim else None for x in arrays]
        names = [*(self.found[k] for k in range(len(self.inputs))), *(f"w{k}" for k in range(len(self.leaves)))]
        ours = {kinds[k] for k in written}
        others = [k for k, kind in enumerate(kinds) if kind in ours and k not in written]
        if len(written) == len(ours) and not others:
            return  # no two arrays can be the same
        self.names["refuse"] = _refuse_twice
        self.lines.append(f"ids = {{{', '.join(f'id({names[k]})' for k in written)}}}")
        twice = [f"len(ids) < {len(written)}", *(f"id({names[k]}) in ids" for k in others)]
        self.lines += [f"if {' or '.join(twice)}:", "    refuse()"]

    def _check(self, condition: str) -> None:
        self.lines += [f"if not ({condition}):", "    return MISS"]

    def _let(self, expression: str) -> str:
        name = f"a{self.count}"
        self.count += 1
        self.lines.append(f"{name} = {expression}")
        return name

    def _name_for(self, x: object) -> str:
        name = f"k{len(self.names)}"
        self.names[name] = x
        return name

    # By hand: it writes other conditions for each kind of container, which run faster than `flatten`.
    def _any(self, x: object, name: str) -> None:
        if type(x) is Hole:
            self.found[x.k] = self._input(self.inputs[x.k], name)
        elif isinstance(x, dict):
            keys = [*x]
            self._check(f"type({name}) is {self._kind(type(x))} and [*{name}] == {self._literal(keys)}")
            for key in keys:
                self._any(x[key], self._let(f"{name}[{self._literal(key)}]"))
        elif isinstance(x, (tuple, list)):
            self._check(f"type({name}) is {self._kind(type(x))} and len({name}) == {len(x)}")
            self._items(x, name)
        elif (fixed := static_fields(x)) is not None:
            keys, items, _ = kind_of(x).split(x)
            self._check(f"type({name}) is {self._kind(type(x))}")
            for key, item in (*zip(keys, items, strict=True), *fixed.items()):
                self._check(f"hasattr({name}, {key!r})")
                self._any(item, self._let(f"{name}.{key}"))
        elif x is None or x is True or x is False:
            self._check(f"{name} is {x}")
        elif type(x) in (int, str):
            self._check(f"type({name}) is {type(x).__name__} and {name} == {x!r}")
        elif isinstance(x, INEXACT):
            self._check(f"type({name}) is {self._name_for(type(x))} and repr({name}) == {repr(x)!r}")
        else:
            other = self._name_for(x)
            self._check(f"{name} is {other} or (type({name}) is type({other}) and {name} == {other})")

    def _items(self, x: Any, name: str, known: bool = False) -> None:
        names = []
        for _ in x:
            names.append(f"a{self.count}")
            self.count += 1
        if names:
            self.lines.append(f"{', '.join(names)}{',' if len(names) == 1 else ''} = {name}")
        for item, item_name in zip(x, names, strict=True):
            self._any(item, item_name)

    def _kind(self, kind: type) -> str:
        return kind.__name__ if kind in (dict, list, tuple) else self._name_for(kind)

    def _literal(self, x: object) -> str:
        plain = type(x) in (str, int) or (type(x) is list and all(type(item) in (str, int) for item in x))
        return repr(x) if plain else self._name_for(x)

    def _input(self, x: Any, name: str) -> str:
        if isinstance(x, np.ndarray):
            self._check(f"type({name}) is ndarray and {self._layout(x, name)}")
            return name if x.ndim else f"{name}[()]"
        kind = {float: "float", np.float64: "float64"}.get(type(x))
        self._check(f"type({name}) is {kind or self._name_for(type(x))}")
        return name

    def _layout(self, x: Any, name: str) -> str:
        same = f"{name}.shape == {x.shape} and {name}.dtype == {self._dtype(x.dtype)}"
        return f"{same} and {name}.strides == {x.strides}" if x.ndim else same

    def _dtype(self, dtype: Any) -> str:
        name = dtype.name if dtype.isnative else f"k{len(self.names)}"
        name = f"{name}_" if name in ("float64",) else name
        self.names[name] = dtype
        return name

    def _leaves(self) -> None:
        for k, leaf in enumerate(self.leaves):
            data = leaf._array
            self.names[f"leaf{k}"] = leaf
            self.lines.append(f"w{k} = leaf{k}._array")
            if isinstance(data, np.ndarray):
                self._check(f"type(w{k}) is ndarray and {self._layout(data, f'w{k}')}")
            else:
                self._check(f"type(w{k}) is {self._name_for(type(data))}")


def _refuse_shared(arrays: list[Any], written: list[int]) -> None:
    """Raise ArgumentError if an array to overwrite shares memory with another one."""
    for k in written:
        for i, x in enumerate(arrays):
            if i != k and isinstance(x, np.ndarray) and np.shares_memory(arrays[k], x):
                _refuse_twice()


def _refuse_twice() -> None:
    raise ArgumentError(
        "a donated array (donate=) shares memory with another argument, and overwriting it would change both\n"
        "  write  x.copy()   for one of the two"
    )
