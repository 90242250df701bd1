"""The name of the call that the user is making, read from the stack and from the user's line.

Only errors ask for it, so it may take its time. `refusals` says what to write instead.
"""

from __future__ import annotations

import ast
import dis
import inspect
import linecache
import os
import sys
from itertools import islice
from pathlib import PurePath
from types import CodeType, FrameType, ModuleType
from typing import Any, TypeAlias

import numpy as np

_SILENT = {"PUSH_NULL", "RESUME", "PRECALL", "CACHE", "KW_NAMES", "NOP", "EXTENDED_ARG"}  # they name nothing
_LIBRARY = os.path.dirname(os.__file__)  # of Python
_INSTALLED = {"site-packages", "dist-packages"}  # folders of packages, wherever they are
_OURS = __name__.partition(".")[0]
# The rooms whose frames stand between a call and its refusal.
_MACHINERY = (f"{_OURS}.engine", f"{_OURS}.rules", f"{_OURS}.tracing")
UNRESOLVED: Any = object()  # in place of a function that is not found

_Place: TypeAlias = tuple[int | None, int | None, int | None, int | None]  # two lines, two columns


# --------------------------------------------------------------------------------------------------- the stack


def find_frames() -> tuple[FrameType | None, FrameType | None]:
    """The frame of the user's code, and that of the foreign function that it called, if it is written in Python."""
    frame: FrameType | None = sys._getframe(1)
    foreign: list[FrameType] = []
    while frame is not None and (_module(frame).startswith(_MACHINERY) or _is_foreign(frame)):
        if not _module(frame).startswith(_MACHINERY):
            foreign.append(frame)
        frame = frame.f_back
    named = [f for f in foreign if "<" not in f.f_code.co_qualname]  # no wrappers that a decorator made
    return frame, (named or foreign)[-1] if foreign else None


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _is_foreign(frame: FrameType) -> bool:
    """Whether a frame runs code of NumPy, of Python's library or of an installed package.

    Of ours, `nn` counts as such; the frames of others, such as `grad`, call functions for the user.
    """
    package, file = _module(frame).partition(".")[0], frame.f_code.co_filename
    if package == _OURS:
        return _module(frame).startswith(f"{_OURS}.nn")
    library = file.startswith((_LIBRARY, "<frozen")) or not _INSTALLED.isdisjoint(PurePath(file).parts)
    return package == "numpy" or library


def name_of_frame(frame: FrameType) -> str:
    """The public name of the function that a frame runs; of the class for its constructor and operators."""
    parts, module = frame.f_code.co_qualname.split(".<locals>")[0].split("."), _module(frame)
    cls = type(frame.f_locals.get("self"))
    if len(parts) > 1 and any(base.__name__ == parts[0] for base in cls.__mro__):  # inherited from a private base
        parts[0], module = cls.__qualname__, cls.__module__
    shown = [part for part in parts if not part.startswith("_")] or parts
    return _public(module, ".".join(shown))


def _public(module: str, name: str) -> str:
    """A dotted name as users write it, without private modules: scipy.linalg.cholesky, np.float64."""
    parts = module.split(".")
    shown = parts[: next((k for k, part in enumerate(parts) if part.startswith("_")), len(parts))]
    if shown[:1] == [_OURS]:
        shown = [_OURS] if name.partition(".")[0] in vars(sys.modules[_OURS]) else shown[:2]
    if shown == ["numpy", "lib"] and name.partition(".")[0] in vars(np):
        shown.pop()
    package = ".".join(["np" if shown[0] == "numpy" else shown[0], *shown[1:]]) if shown else ""
    return name if package in ("", "builtins") else f"{package}.{name}"


def running_expression(frame: FrameType) -> tuple[ast.expr | None, bool]:
    """The expression that a frame is computing, and whether it is the target of an assignment ``a[i] = ...``."""
    code, at, place = frame.f_code, frame.f_lasti, place_of(frame)
    step = dis.opname[code.co_code[at]]
    call = _call_in_bytecode(code, at, place) if step.startswith("CALL") else None
    return call or _source_at(frame, place), step in ("STORE_SUBSCR", "STORE_SLICE")


def running_text(frame: FrameType) -> str:
    """The expression that a frame is computing, as text; a call without its arguments if the source is unknown."""
    node = _source_at(frame, place_of(frame)) or running_expression(frame)[0]
    return "" if node is None else ast.unparse(node)


def place_of(frame: FrameType) -> _Place:
    """Where in the source a frame is."""
    return next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)


def _source_at(frame: FrameType, place: _Place) -> ast.expr | None:
    """The expression in a part of the source, if there is one: a console may keep no source."""
    line, last, start, end = place
    if line is None or last is None or start is None or end is None:
        return None
    lines = [
        text.encode() for text in linecache.getlines(frame.f_code.co_filename, frame.f_globals)[line - 1 : last]
    ]
    if not lines:
        return None
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    try:
        return ast.parse(b"(" + b"".join(lines) + b")", mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _call_in_bytecode(code: CodeType, at: int, place: _Place) -> ast.expr | None:
    """The call at an instruction, without its arguments, if its function is a name with dots: ``math.sin()``."""
    names: list[str] = []
    for step in dis.get_instructions(code):
        found = step.positions
        if step.offset >= at or found is None:
            break
        names_of_arguments = step.opname == "LOAD_CONST" and isinstance(step.argval, tuple)
        if (found.lineno, found.col_offset) != (place[0], place[2]) or step.opname in _SILENT or names_of_arguments:
            continue
        if (
            not step.opname.startswith("LOAD_")
            or not isinstance(step.argval, str)
            or not step.argval.isidentifier()
        ):
            return None
        names.append(step.argval)
    return ast.parse(".".join(names) + "()", mode="eval").body if names else None


# --------------------------------------------------------------------------------------------------- the names


def resolve_call(node: ast.Call, frame: Any) -> tuple[str, Any]:
    """The public name of the function that a call names, and the function, if it is found."""
    name, function = resolve(node.func, frame)
    function = getattr(function, "func", function)  # of a functools.partial
    named = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    if "." in name or function is UNRESOLVED:
        return name, function
    if not isinstance(named, str):  # an object that can be called
        return "", function
    known = vars(np).get(named) is function  # before 2.2, a ufunc has no module
    return _public("numpy" if known else getattr(function, "__module__", None) or "", named), function


def resolve(node: ast.expr, frame: Any) -> tuple[str, Any]:
    """The public name of an expression of names and dots, and the object. Runs none of the user's code."""
    if isinstance(node, ast.Name):
        for space in (frame.f_locals, frame.f_globals, frame.f_builtins):
            if node.id in space:
                return _name_of_module(space[node.id]) or node.id, space[node.id]
        return node.id, UNRESOLVED
    if not isinstance(node, ast.Attribute):
        return "", UNRESOLVED
    name, owner = resolve(node.value, frame)
    if owner is UNRESOLVED:
        return f".{node.attr}", UNRESOLVED
    if isinstance(owner, ModuleType):
        found = getattr(owner, node.attr, UNRESOLVED)
        return _name_of_module(found) or f"{name}.{node.attr}", found
    if not _starts_at_module(node, frame):  # a method of an object: named by its class
        cls = owner if isinstance(owner, type) else type(owner)
        name = _public(cls.__module__, cls.__qualname__)
    return f"{name}.{node.attr}", inspect.getattr_static(owner, node.attr, UNRESOLVED)


def _starts_at_module(node: ast.expr, frame: Any) -> bool:
    """Whether an expression of names and dots begins with a module, as scipy.stats.norm.logpdf does."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(resolve(node, frame)[1], ModuleType)


def _name_of_module(x: Any) -> str:
    return _public(x.__name__, "")[:-1] if isinstance(x, ModuleType) else ""
