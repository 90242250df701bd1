"""The chain rule in lines, and the backward sweep in steps, for the viewer.

A line is one use: its symbol, the gradient that arrives there, the local derivative, and their product. In a graph
of operations each edge is a use. The edges of a card are the uses of its output; `chain_rule_lines` writes the uses
of its other rows. `up` is the key of what uses it: from up to up a chain of lines ends at the loss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from .. import format
from ..diagram import CardRow, Diagram, DiagramNode, Edge
from .viewer_text import each, full, loss_key, loss_name

SUMMED = ", summed over the samples"  # if rows show a batch


def uses(diagram: Diagram, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The facts of each edge, its line of the chain rule, and the name of the weight on it as its row."""
    nodes = {node.id: node for node in diagram.nodes}
    loss = loss_name(diagram, names)
    names = {**names, loss_key(diagram): loss}
    weights = {(node.id, row.port) for node in diagram.nodes for row in node.rows if row.kind == "parameter"}
    found = []
    for edge in diagram.edges:
        head, gradient = _result(nodes[edge.head])
        tail = _key(edge.tail, edge.tail_port, names)
        local = f"∂{names[head]}/∂{names[tail]}"
        line = {
            "symbol": f"∂{loss}/∂{names[head]} · {local}",
            "gradient": gradient,
            "derivative": edge.exact or edge.derivative,
            "product": edge.exact_contribution or edge.contribution,
        }
        facts = {"local derivative": line["derivative"], "passes back": line["product"]}
        if edge.flow is None:
            facts["passes back"] = "nothing: no gradient is needed"
        found.append(
            {
                "id": edge.id,
                "tail": edge.tail,
                "head": edge.head,
                "up": head,
                "needed": edge.flow is not None,
                "name": f"{names[tail]}, input {edge.place + 1} of {names[head]}",
                "facts": {name: text for name, text in facts.items() if text},
                "local": local,
                "row": names.get(f"{edge.head}:{edge.head_port}", "")
                if (edge.head, edge.head_port) in weights
                else "",
                **line,
            }
        )
    return found


def _result(node: DiagramNode) -> tuple[str, str]:
    """The key and gradient of a node's result; for a card, of its first row with an op."""
    first = next((row for row in node.rows if row.kind == "op"), None)
    gradient = full(node.gradient if first is None else first.gradient)
    return (f"{node.id}:{first.port}" if first else node.id), gradient or ("1.0" if node.kind == "result" else "")


def chain_rule_lines(diagram: Diagram, names: Mapping[str, str]) -> dict[str, list[dict[str, str]]]:
    """Lines of the chain rule that no edge has, by key: those of a card's parameters and sum."""
    values = {key: full(one.value) for key, one in each(diagram)}
    enters = {
        (edge.head, edge.head_port): values.get(f"{edge.tail}:{edge.tail_port}", "") for edge in diagram.edges
    }
    loss = loss_name(diagram, names)
    found: dict[str, list[dict[str, str]]] = {}
    for node in diagram.nodes:
        if node.rows:
            found[node.id] = []  # its rows have the lines
        for row, out, derivative in _inside(node, enters):
            key, head = f"{node.id}:{row.port}", f"{node.id}:{out.port}"
            batch = "" if out.gradient is None or out.gradient.exact or row.kind == "op" else SUMMED
            local = f"∂{names[head]}/∂{names[key]}"
            symbol = f"∂{loss}/∂{names[head]} · {local}{batch}"
            line = {"symbol": symbol, "local": local, "gradient": full(out.gradient), "derivative": derivative}
            found[key] = [{**line, "product": full(row.gradient), "head": node.id, "up": head}]
    return found


def _inside(node: DiagramNode, enters: Mapping[tuple[str, str], str]) -> Iterator[tuple[CardRow, CardRow, str]]:
    """Each row of a card that another of its rows uses; that other row; the derivative if it is one number."""
    results = [row for row in node.rows if row.kind == "op"]
    if not results or node.kind == "result":
        return
    for row in node.rows:
        if row.kind == "parameter" and row.gradient is not None:
            yield row, results[0], enters.get((node.id, row.port), "1.0" if row.port == "b" else "")
    for row, out in pairwise(results):
        yield row, out, _ratio(row, out)


def _ratio(row: CardRow, out: CardRow) -> str:
    """The derivative of an activation: the gradient of its input over the gradient of its output."""
    if not (row.gradient and out.gradient and row.gradient.exact and out.gradient.exact):
        return ""
    above = float(out.gradient.exact)
    return repr(float(row.gradient.exact) / above) if above else ""


def steps(diagram: Diagram, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The backward sweep, one node per step: its id, a description, and the partial sums of its inputs."""
    swept = sorted((node for node in diagram.nodes if node.step is not None), key=lambda node: node.step or 0)
    # Cards come in columns, with the loss last.
    swept = swept or [node for node in reversed(diagram.nodes) if any(row.kind == "op" for row in node.rows)]
    waiting, loss = _Waiting(diagram.edges), loss_name(diagram, names)
    found = []
    for number, node in enumerate(swept):
        key, gradient = _result(node)
        gradient = format.number_text(float(gradient)) if _is_number(gradient) else gradient
        edges = waiting.inputs[node.id]
        came = {edge.tail: waiting.take(edge) for edge in edges}
        state = "is complete" if number else "is the seed"
        parts = [f"{number + 1} of {len(swept)}: ∂{loss}/∂{names[key]} = {gradient} {state}"]
        parts += [_product(edge, gradient, names, came[edge.tail]) for edge in edges]
        found.append({"id": node.id, "words": " · ".join(parts), "partial": came})
    return found


def _product(edge: Edge, gradient: str, names: Mapping[str, str], came: str) -> str:
    tail = names[_key(edge.tail, edge.tail_port, names)]
    product = f" = {edge.contribution}" if edge.contribution else ""
    so_far = f", so far {came}" if "of" in came else ""
    return f"{tail} gets {gradient} × {edge.derivative or '∂'}{product}{so_far}"


def _key(id: str, port: str, names: Mapping[str, str]) -> str:
    return f"{id}:{port}" if f"{id}:{port}" in names else id


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class _Waiting:
    """The gradients that each node has received so far."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.inputs: dict[str, list[Edge]] = defaultdict(list)
        self._uses: dict[str, int] = defaultdict(int)
        self._come: dict[str, list[Edge]] = defaultdict(list)
        for edge in edges:
            if edge.flow is not None:
                self.inputs[edge.head].append(edge)
                self._uses[edge.tail] += 1

    def take(self, edge: Edge) -> str:
        """Add the gradient of an edge. Returns the sum so far (of numbers only), and how many uses have arrived."""
        come, count = self._come[edge.tail], self._uses[edge.tail]
        come.append(edge)
        uses = f"{len(come)} of {count} uses"
        if not all(one.exact_contribution for one in come):  # the text of an array has no sum
            return edge.contribution if count == 1 else uses
        total = format.number_text(sum(float(one.exact_contribution) for one in come))
        return total if count == 1 else f"{total} ({uses})"
