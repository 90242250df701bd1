"""How a graph fits a page: its direction, and the columns that a long one is wrapped into, like text.

Graphviz places the nodes; this module estimates from their sizes how wide and how long a graph would be, and picks
the direction that fits. A long graph is cut where few arrows cross; each part is a column, and they stand side by
side. No engine is needed, and equal diagrams give equal pages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..diagram import Cluster, Diagram, Edge
from ..theme import text_width
from .markup import SMALL
from .node_label import node_size

POINT = 0.75  # points per pixel
ACROSS, DOWN, NEAR = 36, 22, 11  # points between ranks from left to right, from top to bottom; between neighbours
GUTTER = 48  # points between columns, for the arrows from one to the next
TALL = 1.4  # a picture that is taller than this many widths of the page is wrapped
STRETCH = 1.25  # two columns may be so much wider than the page
SLACK = 0.7  # a column ends at the best place in its last third
ROWS, MANY, SHALLOW = 4, 6, 8  # maximum rows for the inputs of a node, if it has MANY; ranks of what makes one
PULL, WEIGHED = 4, 150  # weight of an arrow from what has no other user; maximum arrows that get weights
CROSSING = 3  # maximum arrows that cross from one column to the next
COLUMN = "column"  # the kind of a cluster that is a column of the page
SIDES = {"LR": "w", "RL": "e", "TB": "n", "BT": "s"}  # where arrows enter


@dataclass(frozen=True)
class Page:
    """The layout of a diagram.

    rankdir  as in Graphviz
    column   of each node, from the left; {} if there is only one. first: for each column, a node of its first rank
    length   of an arrow by its id, in ranks; 1 if it is not there
    outside  leaves that stand above the cluster to which they belong
    rank     of each node within its column
    pull     of an arrow, 1 if it is not there: what is made for one user stands near it
    """

    rankdir: str = "LR"
    column: Mapping[str, int] = field(default_factory=dict)
    first: Sequence[str] = ()
    length: Mapping[str, int] = field(default_factory=dict)
    outside: Collection[str] = ()
    rank: Mapping[str, int] = field(default_factory=dict)
    pull: Mapping[str, int] = field(default_factory=dict)

    @property
    def side(self) -> str:
        """The side of a box at which arrows enter."""
        return SIDES[self.rankdir]

    def ends(self) -> list[tuple[int, str, int]]:
        """For each column, its lowest node, and how many ranks the lowest of all columns is below that, plus one.

        A column that reaches below all others keeps arrows that come from the column before to its left.
        """
        lowest = {self.column[node]: node for node in sorted(self.rank, key=lambda node: (self.rank[node], node))}
        deepest = max(self.rank.values(), default=0)
        return [(number, node, deepest - self.rank[node] + 1) for number, node in sorted(lowest.items())]

    def leaves_its_column(self, edge: Edge) -> bool:
        """Whether an arrow goes to another column."""
        return self.column.get(edge.tail, 0) != self.column.get(edge.head, 0)

    def climbs(self, edge: Edge) -> bool:
        """Whether an arrow goes to another column, where it ends higher."""
        return self.leaves_its_column(edge) and self.rank[edge.head] < self.rank[edge.tail]


def fit_page(diagram: Diagram) -> Page:
    """The page of a diagram. A direction that the caller gave stays, and such a picture is not wrapped."""
    given = dict(diagram.attributes).get("rankdir")
    if diagram.engine != "dot" or any(node.rows or node.at for node in diagram.nodes):
        return Page(given or "LR")
    # What leads back to the next repetition of a part has no say in where boxes stand.
    graph = _Graph(replace(diagram, edges=tuple(edge for edge in diagram.edges if not edge.is_back)))
    if given:
        return Page(given, length=graph.length)
    room = diagram.width * POINT
    wide, _ = graph.across()
    if wide <= room:
        return Page("LR", length=graph.length)
    aligned = graph.length
    graph.stagger(room)
    narrow, tall = graph.down()
    if wide <= narrow:
        return Page("LR", length=aligned)
    column = graph.columns(room) if tall > TALL * room else {}
    first = {column[node]: node for rank in reversed(graph.ranks) for node in rank if column}
    top = {number: graph.rank[node] for number, node in first.items()}
    rank = {node: graph.rank[node] - top[number] for node, number in column.items()}
    firsts = [first[number] for number in sorted(first)]
    return Page("TB", column, firsts, graph.length, graph.leaves_above(), rank, graph.pull())


def arrange(diagram: Diagram, page: Page) -> Diagram:
    """A diagram with clusters as it is drawn: leaves in the order of their users, a cluster around each column.

    From top to bottom, the first leaves of a cluster stand above it: inside, they would stand in the way of the
    arrows that enter it, and the engine would lead these around.
    """
    if page.side != "n" or not diagram.clusters:
        return diagram
    made = {edge.head for edge in diagram.edges}
    place = {node.id: (-1 if node.cluster is None else node.cluster, k) for k, node in enumerate(diagram.nodes)}
    edges = sorted(diagram.edges, key=lambda edge: (place[edge.head], edge.place))
    user: dict[str, int] = {}
    for number, edge in enumerate(edges):
        user.setdefault(edge.tail, number)
    nodes = sorted(diagram.nodes, key=lambda node: -1 if node.id in made else user.get(node.id, -1))
    nodes = [replace(node, cluster=None) if node.id in page.outside else node for node in nodes]
    arranged = replace(diagram, nodes=tuple(nodes), edges=tuple(edges))
    return _with_columns(arranged, page) if page.column else arranged


def _with_columns(diagram: Diagram, page: Page) -> Diagram:
    start = len(diagram.clusters)
    home = {
        _around(diagram, node.cluster)[-1]: start + page.column[node.id]
        for node in diagram.nodes
        if node.cluster is not None
    }
    clusters = [
        replace(cluster, parent=home.get(number, start)) if cluster.parent is None else cluster
        for number, cluster in enumerate(diagram.clusters)
    ]
    columns = [Cluster("", COLUMN) for _ in page.first]
    nodes = [
        replace(node, cluster=start + page.column[node.id]) if node.cluster is None else node
        for node in diagram.nodes
    ]
    return replace(diagram, nodes=tuple(nodes), clusters=(*clusters, *columns))


class _Graph:
    """The ranks of a diagram and the room they take, with every node as near to its user as possible."""

    def __init__(self, diagram: Diagram) -> None:
        self.diagram = diagram
        self.sizes = {node.id: node_size(node) for node in diagram.nodes}
        self.length = _lengths(diagram)
        self.made = {edge.head for edge in diagram.edges}  # by an op, from others
        self.users: dict[str, list[Edge]] = {}
        for edge in diagram.edges:
            self.users.setdefault(edge.tail, []).append(edge)
        self._rank()

    def _rank(self) -> None:
        self.rank = self._places()
        self.ranks: list[list[str]] = [[] for _ in range(max(self.rank.values(), default=-1) + 1)]
        for node, rank in self.rank.items():
            self.ranks[rank].append(node)

    def _places(self) -> dict[str, int]:
        """The rank of each node; the last has the result."""
        left: dict[str, int] = {}
        for node in reversed(_in_order(self.diagram)):
            uses = self.users.get(node, ())
            left[node] = max((left[edge.head] + self.length.get(edge.id, 1) for edge in uses), default=0)
        last = max(left.values(), default=0)
        return {node: last - left[node] for node in left}

    def across(self) -> tuple[float, float]:
        """Width and height from left to right."""
        labels = max((text_width(edge.derivative, SMALL) for edge in self.diagram.edges), default=0)
        gaps = len(self.ranks) - 1
        wide = sum(max((self.sizes[node][0] for node in rank), default=0) for rank in self.ranks)
        tall = max((sum(self.sizes[node][1] + NEAR for node in rank) for rank in self.ranks), default=0)
        return wide + gaps * (ACROSS + labels), tall

    def down(self) -> tuple[float, float]:
        """Width and height from top to bottom."""
        return max(map(self._width, self.ranks), default=0), sum(map(self._height, self.ranks))

    def stagger(self, room: float) -> None:
        """Put the inputs of a node in several rows, like bricks, if side by side they are wider than the page.

        An input brings all that is made for it alone.
        """
        width: dict[str, float] = {}
        height: dict[str, int] = {}
        inputs: dict[str, list[Edge]] = {}
        for edge in self.diagram.edges:
            inputs.setdefault(edge.head, []).append(edge)
        changed: dict[str, int] = {}
        for node in _in_order(self.diagram):
            own = {edge.tail: edge for edge in inputs.get(node, ()) if len(self.users[edge.tail]) == 1}
            total = sum(width[tail] for tail in own)
            depth = 1 + max((height[tail] for tail in own), default=-1)
            rows = min(-(-total // room), ROWS) if len(own) >= MANY and depth <= SHALLOW else 1
            if rows > 1:
                lower = {edge.id: int(k % rows) * depth for k, edge in enumerate(own.values())}
                changed |= {edge: self.length.get(edge, 1) + ranks for edge, ranks in lower.items()}
            width[node] = max(self.sizes[node][0] + NEAR, total / rows)
            height[node] = int(depth * rows)
        if changed:
            self.length = self.length | changed
            self._rank()

    def _width(self, rank: Sequence[str]) -> float:
        return sum(self.sizes[node][0] + NEAR for node in rank)

    def _height(self, rank: Sequence[str]) -> float:
        return max((self.sizes[node][1] for node in rank), default=0) + DOWN + SMALL

    def columns(self, room: float) -> dict[str, int]:
        """The column of each node: as few as keep to the height of the page, if they fit its width; else {}."""
        _, tall = self.down()
        found: list[int] = []
        for count in range(2, len(self.ranks)):
            cuts = self._cuts(tall / count * 1.05)[: count - 1]
            width = sum(max(map(self._width, self.ranks[a:b])) for a, b in _spans(cuts, len(self.ranks)))
            if width + GUTTER * len(cuts) > room * (STRETCH if count == 2 else 1):
                break
            found = cuts
            if tall / count <= TALL * room:
                break
        return self._assign(found) if found else {}

    def _cuts(self, height: float) -> list[int]:
        """The ranks at which a new column begins, each with at most about this height."""
        crossing, cuts, used, best = self._crossing(), [], 0.0, 0
        for rank in range(len(self.ranks)):
            step = self._height(self.ranks[rank])
            if used + step > height and best:
                cuts.append(best)
                used = sum(map(self._height, self.ranks[best:rank]))
                best = 0
            used += step
            free = rank + 1 < len(self.ranks) and crossing[rank + 1] <= CROSSING
            if free and used > SLACK * height and (not best or crossing[rank + 1] <= crossing[best]):
                best = rank + 1
        return cuts

    def _crossing(self) -> list[int]:
        """For each rank, the arrows that come from before it; more than CROSSING if it would cut a cluster."""
        change = [0] * (len(self.ranks) + 1)
        for edge in self.diagram.edges:
            change[self._home(edge.tail) + 1] += 1
            change[self.rank[edge.head] + 1] -= 1
        for low, high in self._extents():
            change[low + 1] += CROSSING + 1
            change[high + 1] -= CROSSING + 1
        total, crossing = 0, []
        for difference in change:
            total += difference
            crossing.append(total)
        return crossing

    def _home(self, node: str) -> int:
        """The rank that decides the column: of a leaf, that of its first user."""
        heads = [self.rank[edge.head] for edge in self.users.get(node, ())]
        return min(heads) if heads and node not in self.made else self.rank[node]

    def pull(self) -> dict[str, int]:
        """Weights by the id of an arrow: more if it is the only one from its tail, so that rows stay rows.

        The engine takes long for many weights, and in boxes they make the picture wider.
        """
        if self.diagram.clusters or len(self.diagram.edges) > WEIGHED:
            return {}
        return {uses[0].id: PULL for uses in self.users.values() if len(uses) == 1}

    def leaves_above(self) -> set[str]:
        """The leaves above everything that is made in their outermost cluster."""
        outermost = {
            n.id: _around(self.diagram, n.cluster)[-1] for n in self.diagram.nodes if n.cluster is not None
        }
        top: dict[int, int] = {}
        for node, cluster in outermost.items():
            if node in self.made:
                top[cluster] = min(top.get(cluster, self.rank[node]), self.rank[node])
        return {
            node
            for node, cluster in outermost.items()
            if node not in self.made and self.rank[node] < top.get(cluster, 0)
        }

    def _extents(self) -> list[tuple[int, int]]:
        """The first and the last rank of each cluster."""
        found: dict[int, tuple[int, int]] = {}
        for node in self.diagram.nodes:
            for cluster in _around(self.diagram, node.cluster):
                low, high = found.get(cluster, (self.rank[node.id],) * 2)
                found[cluster] = min(low, self.rank[node.id]), max(high, self.rank[node.id])
        return list(found.values())

    def _assign(self, cuts: Sequence[int]) -> dict[str, int]:
        """The column of each node; the nodes of an outermost cluster are all in one."""
        column = {node.id: sum(cut <= self._home(node.id) for cut in cuts) for node in self.diagram.nodes}
        outermost = {
            n.id: _around(self.diagram, n.cluster)[-1] for n in self.diagram.nodes if n.cluster is not None
        }
        first: dict[int, int] = {}
        for node, cluster in outermost.items():
            first[cluster] = min(first.get(cluster, column[node]), column[node])
        return column | {node: first[cluster] for node, cluster in outermost.items()}


def _spans(cuts: Sequence[int], end: int) -> list[tuple[int, int]]:
    return list(zip([0, *cuts], [*cuts, end], strict=True))


def _in_order(diagram: Diagram) -> list[str]:
    """The ids, each after those that its arrows come from."""
    waiting = {node.id: 0 for node in diagram.nodes}
    users: dict[str, list[str]] = {}
    for edge in diagram.edges:
        waiting[edge.head] += 1
        users.setdefault(edge.tail, []).append(edge.head)
    order = [node for node, count in waiting.items() if not count]
    for node in order:  # it grows
        for head in users.get(node, ()):
            waiting[head] -= 1
            if not waiting[head]:
                order.append(head)
    return order


def _around(diagram: Diagram, cluster: int | None) -> list[int]:
    """A cluster and those around it, from the innermost."""
    found = []
    while cluster is not None:
        found.append(cluster)
        cluster = diagram.clusters[cluster].parent
    return found


def _lengths(diagram: Diagram) -> dict[str, int]:
    """The ranks of arrows between clusters: so many that the clusters share no rank, and stand one below another.

    An arrow into a cluster ends below the first rank of the cluster, where leaves of the cluster may be.
    """
    if not diagram.clusters:
        return {}
    around = {node.id: _around(diagram, node.cluster) for node in diagram.nodes}
    depth: dict[tuple[str, int], int] = {}  # of a node within a cluster around it
    incoming: dict[str, list[Edge]] = {}
    for edge in diagram.edges:
        incoming.setdefault(edge.head, []).append(edge)
    lengths = {}
    for node in _in_order(diagram):
        for edge in incoming.get(node, ()):
            inside = [cluster for cluster in around[edge.tail] if cluster in around[node]]
            for cluster in inside:
                depth[node, cluster] = max(depth.get((node, cluster), 0), depth.get((edge.tail, cluster), 0) + 1)
        for edge in incoming.get(node, ()):
            entered = [cluster for cluster in around[node] if cluster not in around[edge.tail]]
            if entered and len(around[edge.tail]) > len(around[node]) - len(entered):
                lengths[edge.id] = 1 + depth.get((node, entered[-1]), 0)
    return lengths
