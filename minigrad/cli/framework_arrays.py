"""Which framework a function in a file belongs to, and the points of the command line as arrays of it."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ..check.frameworks.framework import framework_in_code, framework_of, make_arrays
from .locate import FRAMEWORKS as FRAMEWORKS
from .locate import Misuse


def arguments_of(f: Callable[..., Any], args: tuple[Any, ...], framework: str | None) -> tuple[Any, ...]:
    """The arguments as arrays of a framework: the named one ("numpy" for none), or else the one that f belongs to.

    Raises Misuse if it is not installed.
    """
    name = framework or guess_framework(f)
    if name is None or name == "numpy":
        return args
    try:
        return make_arrays(name, f, args)
    except ImportError as error:
        raise Misuse(f"--framework {name} needs {name}: {error}\n  write  pip install {name}") from error


def guess_framework(f: Callable[..., Any]) -> str | None:
    """The framework of a function: by its class, by the names that its code uses, or by the imports of its file.

    A file that imports NumPy as well says nothing.
    """
    if (own := framework_of(f, ()) or framework_in_code(f, beside_numpy=True)) is not None:
        return own
    imported = _imported(sys.modules.get(getattr(f, "__module__", "")))
    return imported.pop() if len(imported) == 1 and "numpy" not in imported else None


def _imported(module: ModuleType | None) -> set[str]:
    """Which of NumPy and the frameworks the file of a module imports."""
    try:
        source = inspect.getsource(module) if module is not None else ""
    except (OSError, TypeError):
        source = ""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found & {"numpy", *FRAMEWORKS}
