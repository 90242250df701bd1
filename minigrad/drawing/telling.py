"""What the viewer says of a diagram: what each value is called, the facts of it, the steps of the backward sweep.

Words only, by the keys that groups use: "n3" for a node, "n3:w0" for a row of a card. The page shows them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import words
from .diagram import Diagram, Edge, Group, Node, Numbers, Row

LONG = 24  # characters from which on an expression is no name
GAP = "…"  # an input whose own expression is too long


def called(diagram: Diagram) -> dict[str, str]:
    """What each item is called: its name as typed, else a short expression in its inputs, else op or kind."""
    inputs: dict[str, list[str]] = defaultdict(list)
    for edge in diagram.edges:
        inputs[edge.head].append(edge.tail)
    names: dict[str, str] = {}
    for node in diagram.nodes:
        tails = [names.get(tail, GAP) for tail in inputs[node.id]]
        name = words.cut(words.visible(node.name))
        names[node.id] = name or _expression(node.operation, tails) or node.operation or node.kind
        names.update((f"{node.id}:{row.port}", words.cut(words.visible(row.name)) or row.port) for row in node.rows)
    return names


def _expression(operation: str, inputs: Sequence[str]) -> str:
    """``w1*x1``, ``log(a3)``, ``a * 2``, ``maximum(a, 0)``; "" where that would be long or nothing is known."""
    short = [name if len(name) <= LONG // 2 else GAP for name in inputs]
    if not operation or not short or all(name == GAP for name in short):
        return ""
    if words.PLACE in operation:
        found = operation
        for name in short:
            found = found.replace(words.PLACE, name, 1)
    elif operation.isidentifier():
        found = f"{operation}({', '.join(short)})"
    elif " " in operation and len(short) == 1:  # with a constant: "* 2", "1 /"
        found = f"({operation} {short[0]})" if operation[0].isalnum() else f"({short[0]} {operation})"
    elif " " in operation or len(short) < 2:
        return ""
    else:
        found = f"({operation.join(short)})"
    return found if len(found) <= LONG else ""


def items(diagram: Diagram, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What is told of each item, and by number the edges and the group it belongs to.

    of: its gradient as a symbol;  facts: worth telling, with all their digits;  rows: keys of a card's rows
    inputs, uses: edges;  strongest: the use that hands back most;  group: in the order of the diagram's groups
    lines: of the chain rule, where a view says more than the edges do (`extras["chains"]`)
    """
    grouped = {member: number for number, group in enumerate(diagram.groups) for member in group.members}
    inputs, uses = _ends(diagram.edges)
    loss, chains = _loss(diagram, names), diagram.extras.get("chains", {})
    found: dict[str, dict[str, Any]] = {}
    for key, one in _each(diagram):
        number = grouped.get(key)
        flows = [(diagram.edges[k].flow or 0.0, -k) for k in uses[key]]
        strongest = max(flows, default=(0.0, 0))
        found[key] = {
            "name": names[key],
            "of": f"∂{loss}/∂{names[key]}",
            "facts": _facts(
                key, one, names, diagram.groups[number] if number is not None else None, len(uses[key])
            ),
            "rows": [f"{one.id}:{row.port}" for row in one.rows] if isinstance(one, Node) else [],
            "inputs": inputs[key],
            "uses": uses[key],
            "strongest": -strongest[1] if strongest[0] else None,
            "group": number,
        }
        if key in chains:
            found[key]["lines"] = chains[key]
    return found


def _each(diagram: Diagram) -> Iterator[tuple[str, Node | Row]]:
    for node in diagram.nodes:
        yield node.id, node
        yield from ((f"{node.id}:{row.port}", row) for row in node.rows)


def _ends(edges: Sequence[Edge]) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """By key the numbers of the edges that enter and that leave; an edge of a row is one of its card, too."""
    inputs: dict[str, list[int]] = defaultdict(list)
    uses: dict[str, list[int]] = defaultdict(list)
    for number, edge in enumerate(edges):
        for ends, id, port in ((inputs, edge.head, edge.head_port), (uses, edge.tail, edge.tail_port)):
            ends[id].append(number)
            if port:
                ends[f"{id}:{port}"].append(number)
    return inputs, uses


def _loss(diagram: Diagram, names: Mapping[str, str]) -> str:
    return next((names[node.id] for node in diagram.nodes if node.step == 0), "y")


def uses(diagram: Diagram, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """What is told of each edge, and its line of the chain rule: symbol, gradient, local derivative, product."""
    gradients = {key: full(one.gradient) for key, one in _each(diagram)}
    loss = _loss(diagram, names)
    found = []
    for edge in diagram.edges:
        tail, head = (_end(edge.tail, edge.tail_port, names), _end(edge.head, edge.head_port, names))
        local = f"∂{names[head]}/∂{names[tail]}"
        line = {
            "gradient": gradients.get(head, ""),
            "derivative": edge.exact or edge.derivative,
            "product": edge.exact_contribution or edge.contribution,
        }
        facts = {"local derivative": line["derivative"], "hands back": line["product"]}
        if edge.flow is None:
            facts["hands back"] = "nothing: no gradient is needed"
        found.append(
            {
                "id": edge.id,
                "tail": edge.tail,
                "head": edge.head,
                "needed": edge.flow is not None,
                "name": f"{names[tail]}, input {edge.place + 1} of {names[head]}",
                "facts": {name: text for name, text in facts.items() if text},
                "symbol": f"∂{loss}/∂{names[head]} · {local}",
                "local": local,
                **line,
            }
        )
    return found


def _end(id: str, port: str, names: Mapping[str, str]) -> str:
    return f"{id}:{port}" if f"{id}:{port}" in names else id


def _facts(key: str, one: Node | Row, names: Mapping[str, str], group: Group | None, uses: int) -> dict[str, str]:
    told = _of_node(one) if isinstance(one, Node) else {"of": names[key.split(":")[0]]}
    tie = one.tie if isinstance(one, Node) else ""
    told |= {
        "value": full(one.value),
        "gradient": full(one.gradient),
        "group": f"{group.letter}, {evidence(group, tie)}" if group else "",
        "marked": ", ".join(one.badges),
        "uses": str(uses) if uses else "",
    }
    return {name: text for name, text in told.items() if text}


def _of_node(node: Node) -> dict[str, str]:
    sides = ", ".join(map(str, node.shape)) + "," * (len(node.shape) == 1)
    return {
        "made by": words.visible(node.operation) or node.kind,
        "formula": node.formula,
        "shape": f"({sides}) {node.dtype}" if node.dtype else "",
        "stands for": words.visible(node.hides) or (f"{node.count:,} values" if node.count > 1 else ""),
        "times": str(node.times) if node.times > 1 else "",
        "source": words.visible(node.source),
        "step": "" if node.step is None else str(node.step + 1),
    }


def evidence(group: Group, tie: str = "") -> str:
    """What is known of the gradients of a group, or of those of its members that have a tie."""
    if group.proved or tie:
        return "proved to stay equal"
    return "equal now" if group.apart else "one gradient, handed on"


def full(numbers: Numbers | None) -> str:
    """All digits of one number; of an array its lines."""
    return "" if numbers is None else numbers.exact or " ".join(numbers.lines)


def steps(diagram: Diagram, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The backward sweep, one node per step: its id, what happens, and what has come so far to whom it hands on."""
    swept = sorted((node for node in diagram.nodes if node.step is not None), key=lambda node: node.step or 0)
    waiting = _Waiting(diagram.edges)
    loss = _loss(diagram, names)
    found = []
    for number, node in enumerate(swept):
        gradient = " ".join(node.gradient.lines) if node.gradient else ""
        start = f"∂{loss}/∂{names[node.id]} = {gradient} {'is complete' if number else 'is the seed'}"
        edges = waiting.inputs[node.id]
        came = {edge.tail: waiting.take(edge) for edge in edges}
        told = [
            f"{names[edge.tail]} gets {gradient} × {edge.derivative or '∂'} = {edge.contribution}" for edge in edges
        ]
        told += [f"{names[tail]} has {text}" for tail, text in came.items() if "of" in text]
        found.append({"id": node.id, "words": " · ".join([start, *told]), "partial": came})
    return found


class _Waiting:
    """What has come to each node so far."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.inputs: dict[str, list[Edge]] = defaultdict(list)
        self._uses: dict[str, int] = defaultdict(int)
        self._come: dict[str, list[Edge]] = defaultdict(list)
        for edge in edges:
            if edge.flow is not None:
                self.inputs[edge.head].append(edge)
                self._uses[edge.tail] += 1

    def take(self, edge: Edge) -> str:
        """Hand over what flows along an edge; the sum so far where it is of numbers, and of how many uses."""
        come = self._come[edge.tail]
        come.append(edge)
        if all(one.exact_contribution for one in come):
            total = words.number(sum(float(one.exact_contribution) for one in come))
        else:
            total = " + ".join(one.contribution for one in come)
        uses = self._uses[edge.tail]
        return f"{total} ({len(come)} of {uses} uses)" if uses > 1 else total


def listed(group: Group) -> str:
    """The members of a group in a line: names, or how many there are."""
    names = [words.cut(words.visible(name)) for name in group.names if name]
    return ", ".join(names) if 0 < len(names) <= 8 else f"{len(group.members)} in all"
