"""A model that a function in a file builds, its data from a file, and its loss by name: what `ties` takes."""

from __future__ import annotations

import contextlib
import inspect
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..check.frameworks.framework import framework_of
from ..errors import MinigradError
from ..nn.losses import binary_cross_entropy, squared_error
from ..nn.module import Module
from ..rules.losses import cross_entropy
from .locate import Misuse, arrays_in, function_at, object_at, told_at

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "squared": squared_error,
    "cross-entropy": cross_entropy,
    "binary": binary_cross_entropy,
}
# The functions of torch.nn.functional in their place; none for what `ties` takes by default.
OF_TORCH = {"squared": "", "cross-entropy": "cross_entropy", "binary": "binary_cross_entropy"}


def built_call(where: str, data: Sequence[str], loss: str | None, seed: int) -> tuple[Any, list[Any], Any]:
    """f, args and loss for `ties(f, *args, loss=loss)`.

    where: FILE.py::NAME, a model or a function that builds one. data: the files of its data. loss: a name in
    `LOSSES`, of a function in the same file, or FILE.py::NAME. seed: of the random generators, before the model is
    built. Raises Misuse.
    """
    built = _build(where, seed)
    if isinstance(built, tuple) and len(built) == 2 and callable(built[0]):
        if loss is not None:
            raise Misuse(f"--loss is for models, and {where} returns (f, params): f returns the loss itself")
        f, params = built
        return f, [params, *_data(data, _names_after_first(f))], None
    if not data:
        raise Misuse(f"--data is missing: the inputs and the target of {where}\n  write  --data data.npz")
    if isinstance(built, Module):
        return built, _inputs_and_target(data), _loss(loss, where, LOSSES)
    if framework_of(built, ()) == "torch" and hasattr(built, "named_parameters"):
        return built, [*_data(data, ())], _loss(loss, where, _losses_of_torch())
    raise Misuse(
        f"{where} gives {type(built).__name__}, and ties takes a model or a pair (f, params)\n"
        "  return a torch.nn.Module, a minigrad.nn.Module, or (f, params) with f(params, *data) the loss"
    )


def _build(where: str, seed: int) -> Any:
    """What the file holds under that name, or what it returns if it is a function or a class."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # the file may draw from it
    with contextlib.redirect_stdout(sys.stderr):
        found = object_at(where)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
    if not inspect.isroutine(found) and not isinstance(found, type):
        return found
    return run_users_code(found, where)


def _data(files: Sequence[str], names: Sequence[str]) -> list[Any]:
    """All arrays of the files, in order."""
    found: list[Any] = []
    for file in files:
        if not file.endswith((".npy", ".npz")):
            raise Misuse(f"--data {file} is no .npy or .npz file\n  write  np.savez({Path(file).stem!r}, x, y)")
        arrays = arrays_in(file, names, "--data")
        if not arrays:
            raise Misuse(f"--data {file} holds no arrays")
        found += arrays
    return found


def _inputs_and_target(files: Sequence[str]) -> list[Any]:
    """The two arrays that a model of `nn` takes, by their names x and y if they have these, else in order."""
    found = _data(files, ("x", "y"))
    if len(found) != 2:
        count = f"{len(found)} array{'s' * (len(found) != 1)}"
        raise Misuse(f"--data {' '.join(files)} holds {count}; the model takes its inputs x and the target y")
    return found


def _names_after_first(f: Callable[..., Any]) -> list[str]:
    """The names of the data of f(params, *data)."""
    try:
        return [*inspect.signature(f).parameters][1:]
    except (TypeError, ValueError):  # some functions written in C have no signature
        return []


def _loss(name: str | None, where: str, known: dict[str, Any]) -> Any:
    """The loss of that name; None for the default."""
    if name is None or name in known:
        return known.get(name or "")
    if "::" in name:
        return function_at(name)
    path = where.rpartition("::")[0]
    try:
        return function_at(f"{path}::{name}")
    except Misuse as error:
        raise Misuse(f"--loss {name}: {error}\n  or one of {', '.join(known)}") from error


def _losses_of_torch() -> dict[str, Any]:
    functions = sys.modules["torch"].nn.functional
    return {name: getattr(functions, function, None) for name, function in OF_TORCH.items()}


def run_users_code(call: Callable[..., Any], where: str, *args: Any, **options: Any) -> Any:
    """call(*args, **options), which runs code of the user's file; Misuse for what that raises."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what it prints is no part of the answer
            return call(*args, **options)
    except MinigradError as error:
        raise Misuse(f"{where}: {error}") from error
    except (Exception, SystemExit) as error:
        path = Path(str(where).rpartition("::")[0]).resolve()
        raise Misuse(f"{where}: {told_at(error, path)}") from error
