"""Finds lists of ops in source: sets, dicts, chains of comparisons, by function, by operator or by label.

Such a list states a fact about ops, which belongs into their rows: there a user's own op states it too.
"""

from __future__ import annotations

import ast
import importlib
import operator
import types
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from minigrad.compiler.numpy_functions import UFUNCS
from minigrad.engine.op import TABLE, Op

FEW = 3  # so many ops are a list
# The function behind each of Python's operators, with the ufunc that NumPy calls for it.
OPERATORS: dict[Any, Any] = {**UFUNCS, operator.pow: np.power}
NAMES = {op.label: op for op in TABLE.values()} | {function.__name__: op for function, op in TABLE.items()}
DISPLAYS = (ast.Set, ast.List, ast.Tuple, ast.Dict)


def op_of(x: object) -> Op | None:
    """The op that an object is, or whose function it is."""
    if isinstance(x, Op):
        return x if x in TABLE.values() else None
    if not callable(x) or type(x).__hash__ is None:
        return None
    return TABLE.get(OPERATORS.get(x, x))


def ops_in(x: Any, depth: int = 3) -> set[Op]:
    """The ops in a collection, its keys and its nested collections."""
    if isinstance(x, Mapping):
        return ops_in([*x.keys(), *x.values()], depth)
    if isinstance(x, Collection) and not isinstance(x, (str, bytes, np.ndarray)) and depth:
        return {op for item in x for op in ops_in(item, depth - 1)}
    found = op_of(x)
    return {found} if found else set()


def meant(node: ast.expr, space: Mapping[str, Any]) -> object:
    """The object that a dotted name means at the top of the module."""
    if isinstance(node, ast.Name):
        return space.get(node.id)
    if isinstance(node, ast.Attribute):
        base = meant(node.value, space)
        return getattr(base, node.attr, None) if isinstance(base, types.ModuleType) else None
    return None


def items_of(node: ast.AST) -> Iterator[ast.expr]:
    """The parts of a display, of a comparison, or of a chain of them that may name an op."""
    match node:
        case ast.Set(elts=parts) | ast.List(elts=parts) | ast.Tuple(elts=parts):
            pass
        case ast.Dict():
            parts = [part for part in (*node.keys, *node.values) if part is not None]
        case ast.Compare():
            parts = [node.left, *node.comparators]
        case ast.BoolOp():
            parts = [part for part in node.values if isinstance(part, (ast.Compare, ast.BoolOp))]
        case ast.BinOp():
            parts = [node.left, node.right]
        case ast.Match():
            parts = [part.value for part in ast.walk(node) if isinstance(part, ast.MatchValue)]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="split")):
            parts = [ast.Constant(word.strip(",;")) for word in text.split()]
        case ast.Call(func=ast.Name(id="dict")):
            parts = [*node.args, *(ast.Constant(word.arg) for word in node.keywords)]
        case _:
            return
    for part in parts:
        yield part
        if isinstance(part, (*DISPLAYS, ast.Compare, ast.BoolOp)):
            yield from items_of(part)


def ops_named(node: ast.AST, space: Mapping[str, Any]) -> set[Op]:
    """The ops that a display or a chain of comparisons names; by labels, if it holds little else."""
    if isinstance(node, ast.Dict):  # the texts beside labels are no other texts
        sides = ([part for part in side if part is not None] for side in (node.keys, node.values))
        return {op for side in sides for op in ops_named(ast.Tuple(side), space)}
    items = [*items_of(node)]
    functions = {op for item in items if (op := op_of(meant(item, space)))}
    texts = {item.value for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)}
    labels = {NAMES[text] for text in texts if text in NAMES}
    return functions | labels if 2 * len(labels) > len(texts) else functions


def imported_within(tree: ast.Module, package: str) -> dict[str, Any]:
    """What functions import when they are called."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in tree.body:
            source = importlib.import_module("." * node.level + (node.module or ""), package)
            found |= {alias.asname or alias.name: getattr(source, alias.name, None) for alias in node.names}
    return found


def statements_of(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """The statements of a module, each with the name that it defines; those of a class one by one."""
    for node in tree.body:
        for part in node.body if isinstance(node, ast.ClassDef) else [node]:
            prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
            yield prefix + name_of(part), part


def name_of(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return target.id if isinstance(target, ast.Name) else str(getattr(node, "name", ""))


def lists_of_ops(source: str, space: Mapping[str, Any], package: str = "minigrad") -> dict[str, set[Op]]:
    """Each list of ops in a module by the name of the statement that holds it, with what is listed.

    source: the text; space: the names of the module, as it runs; package: what its relative imports start from.
    """
    tree = ast.parse(source)
    known = imported_within(tree, package) | dict(space)
    found, pairs = dict[str, set[Op]](), set[Op]()
    for name, statement in statements_of(tree):
        compared = set[Op]()
        for node in ast.walk(statement):
            ops = ops_named(node, known)
            if isinstance(node, ast.Compare) and not isinstance(statement, (ast.Assign, ast.AnnAssign)):
                compared |= ops  # an if after the other
            elif len(ops) >= FEW:
                found[name] = found.get(name, set()) | ops
            elif len(ops) > 1:
                pairs |= ops
        if len(compared) >= FEW:
            found[name] = found.get(name, set()) | compared
        values = known.get(name) if "." not in name else None
        if isinstance(values, Collection) and values is not TABLE and len(ops := ops_in(values)) >= FEW:
            found[name] = ops
    if len(pairs) >= FEW:
        found["pairs"] = pairs
    return found
