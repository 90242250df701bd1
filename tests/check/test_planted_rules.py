"""The checkers' checker: for every rule of the table wrong ones are planted, and must be caught and named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from everyday import thinned
from mutants import NEARLY, swapped, times, without_a_term

import minigrad
from minigrad import Value, check_graph, check_op
from minigrad.check.testing.op_calls import OpCall, user_name
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import TABLE, Op, Rule

DIFFERENTIABLE = {user_name(op): op for op in TABLE.values() if op.vjps}
CALLS = 6  # among which one is looked for that the mistake shows in
NEVER = {"heaviside"}  # its one rule gives 0 wherever its domain lets calls be drawn
TERMS = 2  # sums of a rule from which a term is left out


def mutants(op: Op) -> Iterator[tuple[str, Op]]:
    """Records with one rule that is wrong."""
    for kind, rules in (("vjps", op.vjps), ("jvps", op.jvps)):
        for k, rule in enumerate(rules):
            for name, wrong in wrong_rules(rule, kind, len(rules)) if rule is not None else ():
                # `add` does what the first vjp says, in place: it would hide that one.
                planted = replace(op, **{kind: (*rules[:k], wrong, *rules[k + 1 :])}, add=None)
                yield f"{name} in {kind[:-1]} {k}", planted


def wrong_rules(rule: Rule, kind: str, count: int) -> list[tuple[str, Rule]]:
    if kind == "jvps":
        return [("factor", times(NEARLY, rule))]
    found = [("factor", times(NEARLY, rule)), ("sign", times(-1, rule))]
    if count == 2:
        found.append(("operands swapped", swapped(rule)))
    terms = [("term left out", wrong) for wrong in without_a_term(rule)]
    return found + terms[:TERMS]


@contextmanager
def planted(op: Op, wrong: Op) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(patch.dict(TABLE, {key: wrong for key, record in TABLE.items() if record is op}))
        if minigrad.engine.value._GETITEM is op:
            stack.enter_context(patch("minigrad.engine.value._GETITEM", wrong))
        yield


def answers(op: Op, call: OpCall) -> Any:
    """What the rules of an op give for a call, in both directions; None where they raise."""
    which = [k for k, x in enumerate(call.inputs) if np.asarray(x).dtype.kind == "f"]

    def of_reals(*xs: Any) -> Any:
        found = dict(zip(which, xs, strict=True))
        return call(*(found.get(k, x) for k, x in enumerate(call.inputs)))

    direction, xs = call.directions(), tuple(call.inputs[k] for k in which)
    try:
        y, pull = minigrad.vjp(of_reals, *xs)
        several = isinstance(y, (tuple, list))
        gs = (
            type(y)(*map(direction, y))
            if hasattr(y, "_fields")
            else type(y)(map(direction, y))
            if several
            else None
        )
        pulled = pull(gs if several else direction(y))
        pushed = minigrad.jvp(of_reals, xs, tuple(map(direction, xs)))[1]
        parts = [*pulled, *(pushed if several else [pushed])]
        return np.concatenate([np.ravel(part) for part in parts])
    except Exception:
        return None


def showing(op: Op, wrong: Op) -> OpCall | None:
    """A call in which the mistake shows; none, where what was changed makes no difference."""
    for call in random_calls(op, CALLS, size=6):
        right = answers(op, call)
        if right is None or not np.isfinite(right).all():
            continue
        with planted(op, wrong):
            found = answers(wrong, call)
        if found is None or np.any(np.abs(found - right) > 1e-7 * np.max(np.abs(right), initial=0.0)):
            return OpCall(wrong, call.inputs, call.params, call.seed)
    return None


def graph_of(call: OpCall) -> Value:
    """A small graph with the op in the middle."""
    inputs = [np.negative(Value(-x)) if np.asarray(x).dtype.kind == "f" else x for x in call.inputs]
    y = call(*inputs)
    sums = [np.sum(part) for part in (y if isinstance(y, (tuple, list)) else [y]) if part.dtype.kind == "f"]
    return sum(sums[1:], start=sums[0])


@pytest.mark.parametrize("name", thinned([*DIFFERENTIABLE], 12))
def test_every_wrong_rule_is_caught_and_named(name: str) -> None:
    op, tried = DIFFERENTIABLE[name], set[str]()
    for mistake, wrong in mutants(op):
        call = showing(op, wrong)
        if call is None:
            continue
        first = mistake.rpartition(" in ")[2] not in tried  # of each rule, one mistake is looked for in a graph
        tried.add(mistake.rpartition(" in ")[2])
        with planted(op, wrong):
            report = check_op(wrong, examples=[call], order=1)
            assert report.verdict == "disagree", f"{mistake}: {report}"
            assert report.call is call
            if not first:
                continue
            graph = check_graph(graph_of(call))
        assert graph.verdict == "disagree", f"{mistake}: {graph}"
        assert graph.op is wrong, f"{mistake}: {graph}"
        assert op.label in str(graph)
    assert len(tried) >= 2 or name in NEVER, "no planted mistake shows in any call"
