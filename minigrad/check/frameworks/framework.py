"""Which framework a function belongs to, and what a check asks of it: the derivatives that it computes itself.

No framework is imported here: an argument or a function of it is there only if the caller imported it before.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import CodeType, ModuleType
from typing import Any, Protocol

import numpy as np

from ...engine import tree
from ...engine.value import Value
from ...errors import ArgumentError


class ModeMissing(ArgumentError):
    """The framework has no such mode for this function: that is no mistake of its derivative."""


class FrameworkFunction(Protocol):
    """A function that its framework differentiates; called with `args`, it returns what the function returns.

    args: the positional arguments. What is not differentiated is hidden in them, so that it is no array of floats.
    argument_names: one per argument, for reports. modes: those to check unless the caller names others.
    titles: what the reverse and the forward derivative are called where they raise an error.
    remarks: lines for the report.
    """

    @property
    def args(self) -> tuple[Any, ...]:
        """See above."""

    @property
    def argument_names(self) -> Sequence[str]:
        """See above."""

    @property
    def modes(self) -> tuple[str, ...]:
        """See above."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """See above."""

    @property
    def titles(self) -> tuple[str, str]:
        """See above."""

    def __call__(self, *args: Any) -> Any:
        """The result of the function."""

    def vjp(self, g: Any, *args: Any) -> tuple[Any, ...]:
        """One gradient per argument that contains floats, for a cotangent nested like the result."""

    def jvp(self, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        """The tangent of the result, nested like it."""

    def gradient(self, weights: Sequence[Any]) -> FrameworkFunction:
        """The gradient of <weights, f>, to be differentiated once more; weights: one array per array of results."""


class ArgumentsOfF:
    """The part of a gradient that is that of its function f: the arguments, and their names."""

    f: Any

    @property
    def __name__(self) -> str:
        return f"the gradient of {name_of_call(self.f)}"

    @property
    def args(self) -> tuple[Any, ...]:
        """Those of f."""
        found: tuple[Any, ...] = self.f.args
        return found

    @property
    def argument_names(self) -> Sequence[str]:
        """Those of f."""
        found: Sequence[str] = self.f.argument_names
        return found


# The framework of a package that types come from: the module here that adapts its functions. It has a function
# `adapt(f, args, argnums) -> FrameworkFunction`, and `as_arrays(f, args)`: arrays of NumPy and floats as its own.
# A module `parts` beside it has a function `parts(f, args)`: see `find_parts`.
ADAPTERS = {"torch": "torch", "jax": "jax", "jaxlib": "jax"}


def find_framework(
    f: Callable[..., Any], args: tuple[Any, ...], argnums: int | Sequence[int] | None
) -> FrameworkFunction | None:
    """A function of positional arguments, with the derivatives of its framework; None if it belongs to none."""
    name = framework_of(f, args)
    if name is None:
        return None
    found: FrameworkFunction = _adapter(name).adapt(f, args, argnums)
    return found


def unwrapped_gradient(gradient: Callable[..., Any], alone: bool) -> Callable[..., Any]:
    """A gradient that is a tuple; alone: as that of the only argument."""
    return (lambda *args: gradient(*args)[0]) if alone else gradient


def make_arrays(name: str, f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arrays of NumPy and floats as arrays of a framework, for its function f. Raises ImportError without it."""
    made: tuple[Any, ...] = _adapter(name).as_arrays(f, args)
    return made


@dataclass(frozen=True)
class CalledPart:
    """A call inside of a function that its framework differentiates by itself.

    function: what a check takes. inside: the positions, in the list of all parts, of the largest ones in it.
    """

    name: str
    function: Any
    args: tuple[Any, ...]
    inside: tuple[int, ...] = ()


def find_parts(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[list[CalledPart], str]:
    """The parts of f, each after those inside of it, f itself last; and why there may be others that are not seen.

    No parts, if f belongs to no framework.
    """
    name = framework_of(f, args)
    found: tuple[list[CalledPart], str] = (
        import_module(f".{name}.parts", __package__).parts(f, args) if name else ([], "")
    )
    return found


def _adapter(name: str) -> Any:
    return import_module(f".{name}", __package__)


def framework_of(f: Callable[..., Any], args: Any) -> str | None:
    """The framework of a function, of its arguments, or of its code; None for NumPy and Python.

    Code that names a framework's module alone, as for an isinstance, belongs to it only if it takes no Values.
    """
    if (known := _framework_of_types(f, args)) is not None:
        return known
    found = framework_in_code(f)
    return found if found is not None and _needs_framework(f, args) else None


def framework_in_code(f: Callable[..., Any], beside_numpy: bool = False) -> str | None:
    """The only framework that the code of a function names, if it names no NumPy, or that may stand beside it."""
    if not ADAPTERS.keys() & sys.modules.keys():
        return None
    used = {package for package, _ in _used(f, set())}
    found = used & {*ADAPTERS.values()}
    return found.pop() if len(found) == 1 and (beside_numpy or "numpy" not in used) else None


def _needs_framework(f: Callable[..., Any], args: Any) -> bool:
    """Whether the code of f names functions or classes of a framework, or takes no Values."""
    if any(package in ADAPTERS and not module for package, module in _used(f, set())):
        return True
    return not takes_values(f, args)


def takes_values(f: Callable[..., Any], args: Any) -> bool:
    """Whether f can be called with Values in the place of floats and of arrays."""
    try:
        f(*tree.tree_map(lambda x, _: Value(x) if isinstance(x, (float, np.ndarray)) else x, args))
    except Exception:
        return False
    return True


def _framework_of_types(f: Callable[..., Any], args: Any) -> str | None:
    known = [name for name in ADAPTERS if name in sys.modules]
    if not known:
        return None
    leaves = tree.leaves(args)
    if "jax" in known:  # it may know nestings that `tree` does not know
        leaves += sys.modules["jax"].tree_util.tree_leaves(args)
    packages = [*_packages_of_function(f), *(name for leaf in leaves for name in _packages(type(leaf)))]
    return next((ADAPTERS[name] for name in packages if name in known), None)


def _used(f: Any, seen: set[int]) -> Iterator[tuple[str, bool]]:
    """The packages of all that the code of a function names, also through functions of its own file.

    Each with whether it is named as a module.
    """
    f = inspect.unwrap(getattr(f, "__func__", getattr(f, "func", f)))
    if not inspect.isfunction(f) or id(f) in seen:
        return
    seen.add(id(f))
    inside: list[Any] = []
    with contextlib.suppress(ValueError):  # a cell may be empty
        inside += inspect.getclosurevars(f).nonlocals.values()
    for x in [*inside, *(f.__globals__[n] for n in _names(f.__code__) if n in f.__globals__)]:
        if isinstance(x, ModuleType):
            yield x.__name__.partition(".")[0], True
        elif (package := _framework_of_types(x, ())) is not None:
            yield package, False
        elif getattr(x, "__globals__", None) is f.__globals__:
            yield from _used(x, seen)


def _names(code: CodeType) -> Iterator[str]:
    """The global names in a code, and in the functions inside of it."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _packages_of_function(f: Any) -> Iterator[str]:
    """The packages that a function, its class and the object it is bound to come from."""
    while hasattr(f, "func") and hasattr(f, "keywords"):  # functools.partial
        f = f.func
    yield str(getattr(f, "__module__", "")).partition(".")[0]
    for owner in (f, getattr(f, "__self__", None)):
        yield from _packages(owner if isinstance(owner, type) else type(owner))


def _packages(cls: type) -> Iterator[str]:
    for base in cls.__mro__:
        yield base.__module__.partition(".")[0]


def chosen_arguments(argnums: int | Sequence[int] | None, count: int) -> set[int]:
    """The numbers of the chosen arguments. Raises ArgumentError if there is no such argument."""
    numbers = range(count) if argnums is None else np.atleast_1d(np.asarray(argnums, dtype=int)).tolist()
    if bad := [n for n in numbers if not -count <= n < count]:
        raise ArgumentError(f"argnums={bad[0]} of a function of {count} positional arguments")
    return {n % count for n in numbers}


def parameter_names(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the positional parameters; args[k] for arguments without a name."""
    if hasattr(f, "argument_names"):
        return list(f.argument_names)
    try:
        parameters = [*inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):
        parameters = []
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    return names + [f"args[{k}]" for k in range(len(names), count)]


def name_of_call(f: Any) -> str:
    """The name of a function, or of the class of an object that is called."""
    return str(getattr(f, "__name__", type(f).__name__)).replace("<lambda>", "f")
