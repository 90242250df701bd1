"""The text of the viewer: the name of each value, and its facts.

They are stored by the keys that groups use: "n3" for a node, "n3:w0" for a row of a card. The page shows them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ...engine.op import TABLE
from .. import format
from ..diagram import ArraySummary, CardRow, Cluster, Diagram, DiagramNode, Edge, Group
from ..marks import LetterMark, Marks, Tie

LONG = 24  # a longer expression is not used as a name
FOLDED = "Σ"  # the operation of a long sum


def item_names(diagram: Diagram) -> dict[str, str]:
    """The name of each item: as typed, else a short expression in its inputs, else its op; no two are the same.

    Several of one name are numbered: "sum #1", "sum #2".
    """
    inputs: dict[str, list[str]] = defaultdict(list)
    for edge in diagram.edges:
        inputs[edge.head].append(edge.tail)
    names: dict[str, str] = {}
    found: dict[str, str] = {}
    words = _symbols()
    for node in diagram.nodes:
        tails = [found.get(tail, "") for tail in inputs[node.id]]
        name = format.cut(format.visible(node.name)) or _expression(node.operation, tails, words)
        if name:
            found[node.id] = name
        names[node.id] = name or _made(node, words)
        names.update(
            (f"{node.id}:{row.port}", format.cut(format.visible(row.name)) or row.port) for row in node.rows
        )
    return _told_apart(names)


def _symbols() -> dict[str, str]:
    """The name of the function that each symbol stands for: "add" for "+"."""
    found = {op.label: function.__name__ for function, op in reversed(TABLE.items())}
    return {label: name for label, name in found.items() if not any(map(str.isalnum, label))} | {FOLDED: "sum"}


def _made(node: DiagramNode, words: Mapping[str, str]) -> str:
    """What a node is, for one without a name: "add", "log"; of "1 /" and "-1 *" the op alone."""
    symbol, *constants = node.operation.split(" ")
    if constants and symbol not in words:
        symbol = constants[-1]
    return words.get(symbol, format.visible(node.operation)) or node.kind


def _told_apart(names: Mapping[str, str]) -> dict[str, str]:
    """The names, with a number after each that occurs more than once."""
    often, seen = Counter(names.values()), Counter[str]()
    found = {}
    for key, name in names.items():
        seen[name] += 1
        found[key] = f"{name} #{seen[name]}" if often[name] > 1 else name
    return found


def _expression(operation: str, inputs: Sequence[str], words: Mapping[str, str]) -> str:
    """``w1*x1``, ``log(a3)``, ``a * 2``, ``maximum(a, 0)``; "" if that is too long or an input has no name."""
    if not operation or not inputs or not all(0 < len(name) <= LONG // 2 + 6 for name in inputs):
        return ""
    if format.PLACE in operation:
        found = operation
        for name in inputs:
            found = found.replace(format.PLACE, name, 1)
    elif operation.isidentifier() and operation != FOLDED:
        found = f"{operation}({', '.join(inputs)})"
    elif " " in operation and len(inputs) == 1:  # with a constant: "* 2", "1 /", "-1 *"
        after = operation.split(" ")[0] in words
        found = f"({inputs[0]} {operation})" if after else f"({operation} {inputs[0]})"
    elif " " in operation or len(inputs) < 2:
        return ""
    else:
        found = f"({(' + ' if operation == FOLDED else operation).join(inputs)})"
    return found if len(found) <= LONG else ""


def items(diagram: Diagram, names: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """The facts of each item, and by number its edges and groups.

    of: its gradient as a symbol;  facts: texts by name, numbers with all digits;  rows: keys of a card's rows
    inputs, uses: edges;  strongest: the use that passes back most (None if none passes a gradient)
    opens: the name of the picture that it opens;  tie: as in the diagram
    group: that of its letter;  groups: all groups that it or one of its cells is in, in the order of the diagram
    mark: as in a text, [A₁] or (A)
    """
    grouped, marks = _groups_by_key(diagram.groups), Marks(diagram.groups)
    inputs, uses = _ends(diagram.edges)
    loss = loss_name(diagram, names)
    found: dict[str, dict[str, object]] = {}
    for key, one in each(diagram):
        number = grouped[key][0] if key in grouped and key in names else None
        number = number if one.group else None
        mark = marks.of(one.group, one.tie)
        flows = [(diagram.edges[k].flow or 0.0, -k) for k in uses[key]]
        strongest = max(flows, default=(0.0, 0))
        found[key] = {
            "name": names[key],
            "of": f"∂{loss}/∂{names[key]}",
            "facts": _facts(key, one, names, mark, len(uses[key])),
            "rows": [f"{one.id}:{row.port}" for row in one.rows] if isinstance(one, DiagramNode) else [],
            "inputs": inputs[key],
            "uses": uses[key],
            "strongest": -strongest[1] if strongest[0] else None,
            "opens": one.opens if isinstance(one, DiagramNode) else "",
            "tie": one.tie,
            "group": number,
            "mark": mark.framed if mark else "",
            "groups": grouped.get(key, []),
        }
    return found | _open_clusters(diagram.clusters)


def _open_clusters(clusters: Sequence[Cluster]) -> dict[str, dict[str, object]]:
    """The boxes around nodes that open, by the names that the layout engine gives them."""
    empty: dict[str, object] = {
        "of": "",
        "rows": [],
        "inputs": [],
        "uses": [],
        "strongest": None,
        "tie": "",
        "group": None,
        "mark": "",
        "groups": [],
    }
    return {
        f"cluster_{number}": {
            **empty,
            "name": (format.cut(format.visible(cluster.name)) or cluster.kind) + _times(cluster.times),
            "facts": {"made by": cluster.kind},
            "opens": cluster.opens,
        }
        for number, cluster in enumerate(clusters)
        if cluster.opens
    }


def _times(count: int) -> str:
    return f" ×{count:,}" if count > 1 else ""


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
    """The name of the loss: as typed, or the last row of its card; else "y", as in the title."""
    key = loss_key(diagram)
    if any(one.name for other, one in each(diagram) if other == key):
        return names[key]
    return "y" if "y" not in names.values() else "result"


def loss_key(diagram: Diagram) -> str:
    """The key of the loss: the node where the sweep starts, or the last row of its card; "" if there is none."""
    found = next((node for node in diagram.nodes if node.step == 0 or (node.rows and node.kind == "result")), None)
    if found is None:
        return ""
    return f"{found.id}:{found.rows[-1].port}" if found.rows else found.id


def _facts(
    key: str, one: DiagramNode | CardRow, names: Mapping[str, str], mark: LetterMark | None, uses: int
) -> dict[str, str]:
    facts = _of_node(one) if isinstance(one, DiagramNode) else {"of": names[key.split(":")[0]]}
    facts |= {
        "value": full(one.value) + _size(one.value),
        "gradient": full(one.gradient),
        "group": mark.words if mark else "",
        "marked": ", ".join(one.badges),
        "uses": str(uses) if uses else "",
    }
    return {name: text for name, text in facts.items() if text}


def _of_node(node: DiagramNode) -> dict[str, str]:
    sides = ", ".join(map(str, node.shape)) + "," * (len(node.shape) == 1)
    return {
        "made by": format.visible(node.operation) or node.kind,
        "formula": node.formula,
        "shape": f"({sides}) {node.dtype}" if node.dtype and not node.rows else "",
        "stands for": format.visible(node.hides) or (f"{node.count:,} values" if node.count > 1 else ""),
        "times": str(node.times) if node.times > 1 else "",
        "source": format.visible(node.source),
        "step": "" if node.step is None else str(node.step + 1),
    }


def _size(numbers: ArraySummary | None) -> str:
    """For an array: its norm, and the share of zeros if there are any."""
    if numbers is None or numbers.exact or numbers.norm is None:
        return ""
    return f", norm {format.number_text(numbers.norm)}" + (f", {numbers.zeros:.0%} zeros" if numbers.zeros else "")


def full(numbers: ArraySummary | None) -> str:
    """All digits of one number; the lines of an array."""
    return "" if numbers is None else numbers.exact or " ".join(numbers.lines)


def member_list(tie: Tie) -> str:
    """The members with a mark in a line: their names, or how many there are."""
    names = [format.cut(format.visible(name)) for name in tie.names if name]
    return ", ".join(names) if 0 < len(names) <= 8 else f"{len(tie.members)} in all"
