"""The guard checks whether a call fits a trace, as straight-line Python for the nesting of its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.dataclass_trees import static_fields
from ..engine.tree import kind_of
from ..errors import ArgumentError
from ..tracing.arguments import INEXACT, Hole, same_static
from .names import Names, read_attribute


class Guard:
    """Writes ``enter(args, kwargs)``, which checks all arguments and passes the inputs to a step.

    `enter` returns MISS if something does not fit. inputs: those of the trace, the data of the leaves last; their
    memory is never read. written: the places, in inputs, of arrays that a step writes into. constants: arrays that
    it reads at each call. `enter` raises ArgumentError if an array to write into is read-only, or shares memory
    with another one.
    """

    def __init__(
        self,
        template: Any,
        inputs: list[Any],
        leaves: list[Any],
        written: list[int],
        constants: Sequence[Any] = (),
    ) -> None:
        self.inputs, self.leaves = inputs, leaves
        words = ("enter", "make", "step", "free", "MISS", "args", "kwargs", "result", "ids")
        self.names = Names(*words, ndarray=np.ndarray, float64=np.float64)
        self.data = [self.names.take(f"w{k}") for k in range(len(leaves))]  # of the leaves
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
            self._check_written(inputs, written, constants)

    def text(self) -> str:
        """The source of `enter`."""
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
        lines += [f"    result = step({', '.join(self._given())})", "    free.append(step)", "    return result"]
        return "\n".join(lines) + "\n"

    def _given(self) -> list[str]:
        """The names of the inputs and of the data of the leaves."""
        return [*(self.found[k] for k in range(len(self.inputs) - len(self.leaves))), *self.data]

    def _check_written(self, arrays: list[Any], written: list[int], constants: Sequence[Any]) -> None:
        """Add lines that look for an array to overwrite whose memory another one may share, or that is read-only.

        Without a base, an array owns its memory, and another one shares it only as a view of it. So most calls only
        read bases; `check_donated` compares memory in the others.
        """
        names = self._given()
        kinds = {
            k: (x.dtype, x.shape, x.strides) for k, x in enumerate(arrays) if isinstance(x, np.ndarray) and x.ndim
        }
        ours = {kinds[k] for k in written}
        others = [k for k in kinds if k not in written]
        frozen = frozenset(memory_owners(constants))
        self.lines.append(f"ids = {{{', '.join(f'id({names[k]})' for k in written)}}}")
        doubts = [f"len(ids) < {len(written)}"] if len(ours) < len(written) else []
        doubts += [f"id({names[k]}) in ids" for k in others if kinds[k] in ours]
        doubts += [f"not ids.isdisjoint({self._name_for(frozen)})"] if frozen else []
        doubts += ["True"] if None in frozen else [f"{names[k]}.base is not None" for k in written]
        reaches = self._name_for(may_reach)
        doubts += [f"{names[k]}.base is not None and {reaches}({names[k]}.base, ids)" for k in others]
        doubts += [f"not {names[k]}.flags.writeable" for k in written]
        checked = f"[{', '.join(names[k] for k in written)}], [{', '.join(names[k] for k in others)}]"
        self.lines += [
            f"if {' or '.join(doubts)}:",
            f"    {self._name_for(check_donated)}({checked}, {self._name_for(constants)})",
        ]

    def _check(self, condition: str) -> None:
        self.lines += [f"if not ({condition}):", "    return MISS"]

    def _part(self) -> str:
        """A new name for a part of the arguments."""
        self.count += 1
        return self.names.take(f"a{self.count - 1}")

    def _let(self, expression: str) -> str:
        name = self._part()
        self.lines.append(f"{name} = {expression}")
        return name

    def _name_for(self, x: object) -> str:
        return self.names.of(x, f"k{len(self.names.objects)}")

    # By hand: it writes other conditions for each kind of container, which run faster than `flatten`.
    def _any(self, x: object, name: str) -> None:
        if type(x) is Hole:
            self.found[x.k] = self._input(self.inputs[x.k], name)
        elif isinstance(x, dict):
            keys = [*x]
            self._check(f"type({name}) is {self._kind(type(x))} and [*{name}] == {self._literal(keys)}")
            if any(type(key) is not str for key in keys):  # 1 == 1.0
                self._check(f"{self.names.of(same_static)}([*{name}], {self._name_for(keys)})")
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
                self._any(item, self._let(read_attribute(name, key)))
        elif x is None or x is True or x is False:
            self._check(f"{name} is {x}")
        elif type(x) in (int, str):
            self._check(f"type({name}) is {type(x).__name__} and {name} == {x!r}")
        elif isinstance(x, INEXACT):
            self._check(f"type({name}) is {self._name_for(type(x))} and repr({name}) == {repr(x)!r}")
        else:
            other = self._name_for(x)
            self._check(f"{name} is {other} or {self.names.of(same_static)}({name}, {other})")

    def _items(self, x: Any, name: str, known: bool = False) -> None:
        names = [self._part() for _ in x]
        if names:
            self.lines.append(f"{', '.join(names)}{',' if len(names) == 1 else ''} = {name}")
        for item, item_name in zip(x, names, strict=True):
            self._any(item, item_name)

    def _kind(self, kind: type) -> str:
        return self.names.of(kind) if kind in (dict, list, tuple) else self._name_for(kind)

    def _literal(self, x: object) -> str:
        plain = type(x) in (str, int) or (type(x) is list and all(type(item) in (str, int) for item in x))
        return repr(x) if plain else self._name_for(x)

    def _input(self, x: Any, name: str) -> str:
        if isinstance(x, np.ndarray):
            self._check(f"type({name}) is ndarray and {self._layout(x, name)}")
            return name if x.ndim else f"{name}[()]"
        self._check(f"type({name}) is {self.names.of(type(x))}")
        return name

    def _layout(self, x: Any, name: str) -> str:
        same = f"{name}.shape == {x.shape} and {name}.dtype == {self._dtype(x.dtype)}"
        return f"{same} and {name}.strides == {x.strides}" if x.ndim else same

    def _dtype(self, dtype: Any) -> str:
        return self.names.of(dtype, dtype.name)

    def _leaves(self) -> None:
        traced = self.inputs[len(self.inputs) - len(self.leaves) :]
        for k, (leaf, name, data) in enumerate(zip(self.leaves, self.data, traced, strict=True)):
            self.lines.append(f"{name} = {self.names.of(leaf, f'leaf{k}')}._array")
            if isinstance(data, np.ndarray):
                self._check(f"type({name}) is ndarray and {self._layout(data, name)}")
            else:
                self._check(f"type({name}) is {self._name_for(type(data))}")


def check_inputs(written: list[int], constants: Sequence[Any], inputs: list[Any]) -> None:
    """`check_donated` for the arrays at these places of the inputs, against the others and the constants."""
    others = [x for k, x in enumerate(inputs) if isinstance(x, np.ndarray) and x.ndim and k not in written]
    check_donated([inputs[k] for k in written], others, constants)


def memory_owners(arrays: Sequence[Any]) -> list[int | None]:
    """The identity of the array that owns the memory of each; None for memory that may have several owners."""
    pairs = [(x, x.base) for x in arrays]
    return [
        id(x) if base is None else id(base) if type(base) is np.ndarray and base.base is None else None
        for x, base in pairs
    ]


def may_reach(base: Any, ids: set[int]) -> bool:
    """Whether a view of this base may share memory with arrays of these identities, which own theirs."""
    return id(base) in ids or type(base) is not np.ndarray or base.base is not None


def check_donated(written: list[Any], others: list[Any], constants: Sequence[Any]) -> None:
    """Raise ArgumentError for an array to overwrite that is read-only, or whose memory another array shares."""
    if not all(x.flags.writeable for x in written):
        raise ArgumentError(
            "a donated array (donate=) is read-only, so no result can be written over it\n"
            "  write  x.copy()   for the argument, or leave it out of donate="
        )
    arrays = [*written, *others, *constants]
    owners = memory_owners(arrays)
    if len(set(owners)) == len(owners) and None not in owners:
        return  # the usual case
    by_owner: dict[int | None, list[int]] = {}
    for k, owner in enumerate(owners):
        by_owner.setdefault(owner, []).append(k)
    # Arrays with different owners share nothing, unless an owner is unknown.
    groups = [range(len(arrays))] if None in by_owner else by_owner.values()
    for group in groups:
        for i, k in enumerate(group):
            if k < len(written) and any(np.shares_memory(arrays[k], arrays[j]) for j in group[i + 1 :]):
                raise ArgumentError(
                    "a donated array (donate=) shares memory with another argument, or with an array that the "
                    "function closes over, and overwriting it would change both\n"
                    "  write  x.copy()   for one of the two"
                )
