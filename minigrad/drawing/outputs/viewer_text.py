"""The text of the viewer: the name of each value, and its facts.

They are stored by the keys that groups use: "n3" for a node, "n3:w0" for a row of a card. The page shows them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from .. import format
from ..diagram import ArraySummary, CardRow, Diagram, DiagramNode, Edge, Group

LONG = 24  # a longer expression is not used as a name
GAP = "…"  # replaces an input whose own expression is too long


def item_names(diagram: Diagram) -> dict[str, str]:
    """The name of each item: as typed, else a short expression in its inputs, else op or kind."""
    inputs: dict[str, list[str]] = defaultdict(list)
    for edge in diagram.edges:
        inputs[edge.head].append(edge.tail)
    names: dict[str, str] = {}
    found: dict[str, str] = {}
    for node in diagram.nodes:
        tails = [found.get(tail, GAP) for tail in inputs[node.id]]
        name = format.cut(format.visible(node.name)) or _expression(node.operation, tails)
        if name:
            found[node.id] = name
        names[node.id] = name or node.operation or node.kind
        names.update(
            (f"{node.id}:{row.port}", format.cut(format.visible(row.name)) or row.port) for row in node.rows
        )
    return names


def _expression(operation: str, inputs: Sequence[str]) -> str:
    """``w1*x1``, ``log(a3)``, ``a * 2``, ``maximum(a, 0)``; "" if that is too long or nothing is known."""
    short = [name if len(name) <= LONG // 2 else GAP for name in inputs]
    if not operation or not short or all(name == GAP for name in short):
        return ""
    if format.PLACE in operation:
        found = operation
        for name in short:
            found = found.replace(format.PLACE, name, 1)
    elif operation.isidentifier():
        found = f"{operation}({', '.join(short)})"
    elif " " in operation and len(short) == 1:  # with a constant: "* 2", "1 /"
        found = f"({operation} {short[0]})" if operation[0].isalnum() else f"({short[0]} {operation})"
    elif " " in operation or len(short) < 2:
        return ""
    else:
        found = f"({operation.join(short)})"
    return found if len(found) <= LONG else ""


def items(diagram: Diagram, names: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """The facts of each item, and by number its edges and groups.

    of: its gradient as a symbol;  facts: texts by name, numbers with all digits;  rows: keys of a card's rows
    inputs, uses: edges;  strongest: the use that passes back most (None for a card, whose rows have other uses)
    group: that of its letter;  groups: all groups that it or one of its cells is in, in the order of the diagram
    """
    grouped = _groups_by_key(diagram.groups)
    inputs, uses = _ends(diagram.edges)
    loss = loss_name(diagram, names)
    found: dict[str, dict[str, object]] = {}
    for key, one in each(diagram):
        number = grouped[key][0] if key in grouped and key in names else None
        number = number if one.group else None
        flows = [(diagram.edges[k].flow or 0.0, -k) for k in uses[key]]
        strongest = max(flows, default=(0.0, 0))
        followed = strongest[0] and not any(node.rows for node in diagram.nodes[:1])
        found[key] = {
            "name": names[key],
            "of": f"∂{loss}/∂{names[key]}",
            "facts": _facts(
                key, one, names, diagram.groups[number] if number is not None else None, len(uses[key])
            ),
            "rows": [f"{one.id}:{row.port}" for row in one.rows] if isinstance(one, DiagramNode) else [],
            "inputs": inputs[key],
            "uses": uses[key],
            "strongest": -strongest[1] if followed else None,
            "group": number,
            "groups": grouped.get(key, []),
        }
    return found


def _groups_by_key(groups: Sequence[Group]) -> dict[str, list[int]]:
    """For each key the numbers of its groups; a tensor is also in the groups of its cells ("n2:0,1")."""
    found: dict[str, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        for key in dict.fromkeys(key for member in group.members for key in (member, member.split(":")[0])):
            found[key].append(number)
    return found


def each(diagram: Diagram) -> Iterator[tuple[str, DiagramNode | CardRow]]:
    """Every item by its key: nodes, each with its rows after it."""
    for node in diagram.nodes:
        yield node.id, node
        yield from ((f"{node.id}:{row.port}", row) for row in node.rows)


def _ends(edges: Sequence[Edge]) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    """For each key the numbers of the edges that enter and leave; an edge of a row also counts for its card."""
    inputs: dict[str, list[int]] = defaultdict(list)
    uses: dict[str, list[int]] = defaultdict(list)
    for number, edge in enumerate(edges):
        for ends, id, port in ((inputs, edge.head, edge.head_port), (uses, edge.tail, edge.tail_port)):
            ends[id].append(number)
            if port:
                ends[f"{id}:{port}"].append(number)
    return inputs, uses


def loss_name(diagram: Diagram, names: Mapping[str, str]) -> str:
    """The name of the loss: the node where the sweep starts, or the last row of its card."""
    found = next((node for node in diagram.nodes if node.step == 0 or (node.rows and node.kind == "result")), None)
    if found is None:
        return "y"
    return names[f"{found.id}:{found.rows[-1].port}" if found.rows else found.id]


def _facts(
    key: str, one: DiagramNode | CardRow, names: Mapping[str, str], group: Group | None, uses: int
) -> dict[str, str]:
    facts = _of_node(one) if isinstance(one, DiagramNode) else {"of": names[key.split(":")[0]]}
    facts |= {
        "value": full(one.value) + _size(one.value),
        "gradient": full(one.gradient),
        "group": f"{group.letter}, {evidence(group, one.tie)}" if group else "",
        "marked": ", ".join(one.badges),
        "uses": str(uses) if uses else "",
    }
    return {name: text for name, text in facts.items() if text}


def _of_node(node: DiagramNode) -> dict[str, str]:
    sides = ", ".join(map(str, node.shape)) + "," * (len(node.shape) == 1)
    return {
        "made by": format.visible(node.operation) or node.kind,
        "formula": node.formula,
        "shape": f"({sides}) {node.dtype}" if node.dtype else "",
        "stands for": format.visible(node.hides) or (f"{node.count:,} values" if node.count > 1 else ""),
        "times": str(node.times) if node.times > 1 else "",
        "source": format.visible(node.source),
        "step": "" if node.step is None else str(node.step + 1),
    }


def evidence(group: Group, tie: str = "") -> str:
    """Why the gradients of a group are equal, or those of its members with a tie."""
    if group.proved or tie:
        return "proved to stay equal"
    return "equal now" if group.apart else "one gradient, passed on"


def _size(numbers: ArraySummary | None) -> str:
    """For an array: its norm, and the share of zeros if there are any."""
    if numbers is None or numbers.exact or numbers.norm is None:
        return ""
    return f", norm {format.number_text(numbers.norm)}" + (f", {numbers.zeros:.0%} zeros" if numbers.zeros else "")


def full(numbers: ArraySummary | None) -> str:
    """All digits of one number; the lines of an array."""
    return "" if numbers is None else numbers.exact or " ".join(numbers.lines)


def member_list(group: Group) -> str:
    """The members of a group in a line: their names, or how many there are."""
    names = [format.cut(format.visible(name)) for name in group.names if name]
    return ", ".join(names) if 0 < len(names) <= 8 else f"{len(group.members)} in all"
