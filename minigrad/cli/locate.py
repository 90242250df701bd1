"""Find the function that a command line names, and read the point at which to call it."""

from __future__ import annotations

import ast
import functools
import importlib.util
import sys
import traceback
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..engine.dataclass_trees import data_kind
from ..engine.tree import Split
from ..engine.tree_folds import tree_fold

FRAMEWORKS = ("torch", "jax")  # those that minigrad works with


class Misuse(Exception):
    """The command line names something that does not exist; the message tells its user."""


def function_at(where: str) -> Callable[..., Any]:
    """The function that ``path/to/file.py::name`` names; the name may have dots. Raises Misuse."""
    found: Callable[..., Any] = object_at(where)
    if not callable(found):
        raise Misuse(f"{where} is not a function, but {type(found).__name__}")
    return found


def object_at(where: str) -> Any:
    """What ``path/to/file.py::name`` names; the name may have dots. Raises Misuse."""
    path, found, name = where.rpartition("::")
    if not (found and path and name):
        raise Misuse(f"{where!r} does not name a function\n  write  path/to/file.py::function")
    module = load(Path(path).resolve())
    try:
        return functools.reduce(getattr, name.split("."), module)
    except AttributeError:
        defined = [key for key, x in vars(module).items() if callable(x) and not key.startswith("_")]
        raise Misuse(f"{path} has no {name!r}; it has {', '.join(defined) or 'no functions'}") from None


@functools.cache
def load(path: Path) -> ModuleType:
    """Import the module in a file, under its dotted name if it belongs to a package."""
    if not path.is_file():
        raise Misuse(f"there is no file {path.name} in {path.parent}")
    root, name = path.parent, path.stem
    while (root / "__init__.py").exists():
        root, name = root.parent, f"{root.name}.{name}"
    if name in sys.modules or name in sys.stdlib_module_names:
        name = f"checked_{name}"  # a file called random.py must not replace Python's own
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Misuse(f"{path.name} is not a Python file")
    sys.path.insert(0, str(root))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    ours, sys.argv = sys.argv, [str(path)]  # a file that reads its own options gets none
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        remedy = f"\n  write  pip install {missing}" if missing in FRAMEWORKS else ""
        raise Misuse(f"{path.name} cannot be imported\n  {told_at(error, path)}{remedy}") from error
    finally:
        sys.argv = ours
    return module


def told_at(error: BaseException, path: Path) -> str:
    """An error in the first line of its message, and the line of a file in which it was raised."""
    line = next((f"line {step.lineno}: " for step in _steps(error) if step.filename == str(path)), "")
    return f"{line}{type(error).__name__}: {str(error).partition(chr(10))[0]}"


def _steps(error: BaseException) -> list[traceback.FrameSummary]:
    return traceback.extract_tb(error.__traceback__)[::-1]


def point(at: Sequence[str], parameters: Sequence[str] = ()) -> tuple[object, ...]:
    """The positional arguments: one for each literal and .npy file, one per array for an .npz file."""
    return tuple(arg for text in at for arg in _arguments(text, parameters))


def _arguments(text: str, parameters: Sequence[str]) -> list[object]:
    if text.endswith((".npy", ".npz")):
        return arrays_in(text, parameters, "--at")
    try:
        return [lists_to_arrays(ast.literal_eval(text.strip()))]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise Misuse(f"--at {text!r} is neither a Python literal nor an .npy or .npz file") from None


def arrays_in(text: str, parameters: Sequence[str], option: str) -> list[Any]:
    """The arrays in an .npy or .npz file: in the order of parameters with all of their names, or else of the file.

    Raises Misuse that names the option.
    """
    try:
        found = np.load(text, allow_pickle=False)
        named = {"": found} if isinstance(found, np.ndarray) else dict(found)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise Misuse(f"{option} {text} cannot be read: {error}") from error
    if set(named) <= set(parameters):  # np.savez(file, w=w, x=x)
        return [named[name] for name in parameters if name in named]
    return list(named.values())  # np.savez(file, w, x)


def lists_to_arrays(literal: Any) -> Any:
    """A literal with its lists of numbers turned into arrays, at any depth."""
    return tree_fold(literal, lambda x: x, _as_array, data_kind)


def _as_array(x: Any, split: Split, parts: list[Any]) -> Any:
    """A list of numbers or arrays as an array; any other container as it is, with its converted items."""
    if not isinstance(x, list):
        return data_kind(x).join(split[2], parts)
    try:
        array = np.array(parts)
    except ValueError:  # ragged
        return parts
    return array if array.dtype.kind in "fiub" else parts
