"""What a picture costs: draw and save as SVG, for graphs of 10² to 10⁵ values, beside torchviz if it is there.

python -m tests.bench.drawing [largest]

Networks of neurons one by one, and chains. Seconds of this process and of the layout engine together, as the
system counts them, so that what else runs counts little; torchviz's pictures are laid out by the same engine.
torchviz shows neither values nor gradients, and never hides anything.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from minigrad import Value, draw
from minigrad.drawing.outputs.render import render
from minigrad.engine.value import graph
from minigrad.errors import RenderError

from .measure import in_own_process

PATIENCE = 120.0  # seconds that an engine may take
SIZES = (100, 1_000, 10_000, 100_000)


def network(size: int, number: Callable[[float], Any], tanh: Callable[[Any], Any]) -> Any:
    """The loss of a network 4-n-n-1 for one sample, out of scalars: about `size` values."""
    width = max(round((size / 3) ** 0.5) - 2, 2)
    rng = np.random.default_rng(0)
    h = [number(float(x)) for x in rng.normal(size=4)]
    for outputs in (width, width, 1):
        weights = rng.normal(size=(outputs, len(h))) / len(h) ** 0.5
        rows = [[number(float(w)) * x for w, x in zip(row, h, strict=True)] for row in weights]
        h = [tanh(sum(row[1:], start=row[0])) for row in rows]
    return (h[0] - 1.0) * (h[0] - 1.0)


def chain(size: int, number: Callable[[float], Any], tanh: Callable[[Any], Any]) -> Any:
    """One value after the other."""
    y = number(0.5)
    for k in range(size):
        y = tanh(y) if k % 3 == 0 else y * 1.01
    return y


GRAPHS = {"network": network, "chain": chain}


def spent() -> float:
    """Seconds of this process and of the programs that it ran."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def ours(kind: str, size: int) -> dict[str, Any]:
    """draw, then save."""
    y = GRAPHS[kind](size, Value, np.tanh)
    path = Path(tempfile.mkdtemp()) / "y.svg"
    start, wall = spent(), perf_counter()
    drawing = draw(y)
    drawn = spent()
    drawing.save(path)
    times = {"draw": drawn - start, "save": spent() - drawn, "wall": perf_counter() - wall}
    size_of = {"values": len(graph(y)), "boxes": len(drawing.diagram.nodes), "kB": path.stat().st_size // 1024}
    return times | size_of


def torchviz(kind: str, size: int) -> dict[str, Any]:
    """make_dot, then the same engine."""
    import torch
    from torchviz import make_dot

    torch.set_num_threads(1)
    loss = GRAPHS[kind](size, lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True), torch.tanh)
    start = spent()
    try:
        dot = make_dot(loss)
    except RecursionError:
        return {"failed": "RecursionError"}
    drawn = spent()
    try:
        render(dot.source, "svg", seconds=PATIENCE)
    except RenderError:
        return {"draw": drawn - start, "failed": f"engine > {PATIENCE:.0f} s"}
    return {"draw": drawn - start, "save": spent() - drawn}


def row(kind: str, size: int, with_torch: bool) -> str:
    """Both sides, each in a process of its own."""
    mine = in_own_process("tests.bench.drawing", "ours", kind, str(size))
    text = (
        f"{kind:8} {mine['values']:8,} {mine['draw']:7.2f} {mine['save']:7.2f} {mine['draw'] + mine['save']:7.2f} "
        f"{mine['wall']:7.2f} {mine['boxes']:7,} {mine['kB']:6,}"
    )
    if not with_torch:
        return text
    theirs = in_own_process("tests.bench.drawing", "torchviz", kind, str(size))
    if "save" in theirs:
        return f"{text}   {theirs['draw']:8.2f} {theirs['save']:8.2f}"
    return f"{text}   {theirs.get('draw', float('nan')):8.2f}  {theirs['failed']}"


def main() -> None:
    if sys.argv[1:2] in (["ours"], ["torchviz"]):
        side = ours if sys.argv[1] == "ours" else torchviz
        print(json.dumps(side(sys.argv[2], int(sys.argv[3]))))
        return
    largest = int(float(sys.argv[1])) if len(sys.argv) > 1 else SIZES[-1]
    with_torch = find_spec("torchviz") is not None
    print("graph      values    draw    save     sum    wall   boxes     kB" + "   torchviz: dot, svg" * with_torch)
    for kind in GRAPHS:
        for size in (size for size in SIZES if size <= largest):
            print(row(kind, size, with_torch), flush=True)


if __name__ == "__main__":
    main()
