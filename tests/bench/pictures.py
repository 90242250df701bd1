"""Our pictures beside those of torchviz and torchview: the same models, the same layout engine, the same page.

python -m tests.bench.pictures [model ...] [--python python] [--turns 5] [--seconds 60] [--keep folder] [--docs]

Prints a table in Markdown. In a turn each side draws the model twice in a process of its own, from the model and
its data to the SVG on disk, with the forward pass and the layout. The second time counts, or the first if it takes
long. Seconds are those of the process and of the layout engine together, as the system counts them, so that what
else runs counts little. --python: the interpreter that has torch, torchviz and torchview. A side that cannot be
tried is named with the reason. --seconds: the most that one turn may take. --keep: the folder in which the pictures
stay. --docs: writes docs/pictures-compared.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from .measure import environment
from .performance_page import processor

PAGE, LEGIBLE = 800, 6.0  # pixels: the width of a README's column, and the smallest text that can be read there
LONG = 5.0  # seconds
SLOWER = 1.5  # times the faster peer: the most that ours may take
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "pictures-compared.md"
NAMES = {
    "transformer": "transformer block",
    "recurrent-5": "recurrent, 5 steps",
    "recurrent-30": "recurrent, 30 steps",
    "recurrent-200": "recurrent, 200 steps",
    "convolution": "convolution",
    "784-128-10": "784-128-10, batch 32",
    "2-3-3-2": "2-3-3-2, all ones",
    "337-parameters": "337 parameters, in ops",
}
ALONE = {"337-parameters": (1_600, 4_000, 10.0)}  # ours alone: the most pixels across and down, the least points
VIEWS = {"transformer": ("", "ops"), "2-3-3-2": ("", "quotient", "ops"), "337-parameters": ("ops",)}
PEERS = ("torchviz", "torchview")
PACKAGES = ("torch", "torchviz", "torchview", "graphviz-pure")
HEAD = """# What pictures cost, and whether they can be read

    python -m tests.bench.pictures --python PYTHON --docs

writes this page; PYTHON is an interpreter that has torch, torchviz and torchview. All sides draw the same models
with the same layout engine. torchview draws modules and rolls loops up, torchviz draws the graph of the loss;
neither shows a value or a gradient. Ours is the default view; other views stand below it.

Milliseconds are those of the process and of the layout engine, from the model and its data to the SVG on disk, with
the forward pass, in a process that has drawn the model before; the median of {turns}. The smallest text is that of
the picture scaled down to {page} pixels, the width of a README's column; a narrower picture stays as it is. From
{legible:g} pixels on, text is legible.

{versions}
"""


@dataclass(frozen=True)
class Size:
    """What can be measured on an SVG. Pixels are those of CSS, 96 to the inch."""

    kilobytes: float
    width: float
    height: float
    smallest: float  # pixels high, at full size
    boxes: int

    @property
    def on_a_page(self) -> float:
        """Pixels of the smallest text where the picture is at most as wide as a page."""
        return round(self.smallest * min(1.0, PAGE / self.width), 1)


def size_of(svg: bytes) -> Size:
    """The size of a picture."""
    root = ElementTree.fromstring(svg)
    width, height = (_pixels(root.get(side, "")) for side in ("width", "height"))
    unit = width / float(root.get("viewBox", f"0 0 {width} {height}").split()[2])
    boxes = sum("node" in group.get("class", "").split() for group in root.iter())
    return Size(len(svg) / 1e3, width, height, min(_texts(root, unit, 16.0), default=float("nan")), boxes)


def _pixels(length: str) -> float:
    number = float(re.match(r"[\d.]+", length)[0])  # type: ignore[index]
    return number * 4 / 3 if length.endswith("pt") else number


def _texts(element: Any, unit: float, size: float) -> Iterator[float]:
    """The heights of all texts within an element. unit: pixels per unit of length there."""
    if scale := re.search(r"scale\(([\d.]+)", element.get("transform", "")):
        unit *= float(scale[1])
    size = float(element.get("font-size", size))
    if (element.text or "").strip() and element.tag.rpartition("}")[2] in ("text", "tspan"):
        yield size * unit
    for child in element:
        yield from _texts(child, unit, size)


def drawn(side: str, model: str, view: str, folder: Path) -> dict[str, Any]:
    """One picture of a side, made in this process: seconds, and where it is."""
    path = folder / f"{model}-{side}{f'-{view}' * bool(view)}.svg"
    seconds = timed(side, model, view, path)
    if seconds < LONG:  # else the imports count little
        seconds = timed(side, model, view, path)
    return {"seconds": seconds, "path": str(path)}


def timed(side: str, model: str, view: str, path: Path) -> float:
    """Seconds from the model to the picture on disk."""
    if side == "ours":
        from .picture_models import MODELS

        maker = MODELS[model]()
        start = spent()
        maker(view or None).save(path)
        return spent() - start
    from . import picture_peers

    network, x, loss = picture_peers.MODELS[model]()
    start = spent()
    path.write_bytes(picture_peers.SIDES[side](network, x, loss))
    return spent() - start


def spent() -> float:
    """Seconds of this process and of the programs that it ran."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


@dataclass(frozen=True)
class Row:
    """A model drawn by a side. seconds: of each turn; none if it was not done, for the reason in `failed`."""

    model: str
    side: str
    view: str = ""
    seconds: tuple[float, ...] = ()
    size: Size | None = None
    failed: str = ""

    @property
    def median(self) -> float:
        """Seconds; infinite if it was not done."""
        return statistics.median(self.seconds) if self.seconds else float("inf")

    def line(self) -> str:
        """The row as Markdown."""
        who = f"{self.side}{f', {self.view}' * bool(self.view)}"
        if self.size is None:
            return f"| {NAMES[self.model]} | {who} | {self.failed} | | | | | |"
        one = self.size
        read = "yes" if one.on_a_page >= LEGIBLE else "**no**"
        return (
            f"| {NAMES[self.model]} | {who} | {1000 * self.median:,.0f} | {one.kilobytes:.0f} | "
            f"{one.width:,.0f} × {one.height:,.0f} | {one.on_a_page:.1f} | {read} | {one.boxes} |"
        )


TABLE = (
    "| model | drawn by | ms | kB | px | smallest text, px | legible | boxes |",
    "|---|---|--:|--:|--:|--:|---|--:|",
)


def measured(models: Sequence[str], asked: argparse.Namespace, folder: Path) -> list[Row]:
    """The rows of all models: sides take turns, and one that fails is not asked again."""
    rows = []
    pythons = {"ours": sys.executable} | dict.fromkeys(() if missing(asked.python) else PEERS, asked.python)
    for model in models:
        sides = [("ours", view) for view in VIEWS.get(model, ("",))]
        sides += [(side, "") for side in PEERS if side in pythons and model not in ALONE]
        made = {key: Row(model, *key) for key in sides}
        for turn in range(asked.turns):
            for key in sides[turn % len(sides) :] + sides[: turn % len(sides)]:
                if not made[key].failed:
                    made[key] = one_more(made[key], pythons[key[0]], asked.seconds, folder)
        rows += made.values()
        print(*(row.line() for row in made.values()), sep="\n", file=sys.stderr, flush=True)
    return rows


def one_more(row: Row, python: str, seconds: float, folder: Path) -> Row:
    """The row after one more turn. What a side has started ends with its time."""
    env = environment(1, PATH=os.pathsep.join([str(folder), os.environ.get("PATH", "")]))
    command = [python, "-m", "tests.bench.pictures", "--one", row.side, row.model, row.view, str(folder)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            told, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its layout engine, too
            return Row(row.model, row.side, row.view, failed=f"not done in {seconds:.0f} s")
    if process.returncode:
        return Row(row.model, row.side, row.view, failed=f"failed, exit status {process.returncode}")
    found = json.loads(told.splitlines()[-1])
    size = size_of(Path(found["path"]).read_bytes())
    return Row(row.model, row.side, row.view, (*row.seconds, found["seconds"]), size)


def missing(python: str) -> str:
    """Why the peers cannot be tried; "" if they can."""
    lacks = [name for name in ("torch", *PEERS, "graphviz") if not _has(python, name)]
    return f"{', '.join(lacks)} cannot be imported by {python}" if lacks else ""


def _has(python: str, name: str) -> bool:
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True).returncode == 0


def link_engine(folder: Path) -> str:
    """Puts the engine of our side into the folder under the name `dot`, for all sides; returns its path."""
    from minigrad.drawing.outputs.render import find_engine

    engine = find_engine()
    if engine is None:
        raise SystemExit("no layout engine was found\n  write  pip install graphviz-pure")
    link = folder / "dot"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(engine).resolve())
    return engine


def misses(rows: Sequence[Row]) -> Iterator[str]:
    """Where our first view of a model misses an aim, in words."""
    for row in rows:
        if row.side != "ours" or row.view != VIEWS.get(row.model, ("",))[0]:
            continue
        name = NAMES[row.model]
        if row.size is None:
            yield f"{name}: {row.failed}."
            continue
        wide, high, least = ALONE.get(row.model, (0, 0, 0.0))
        if wide and (row.size.width > wide or row.size.height > high or row.size.smallest < least * 4 / 3 - 0.01):
            text = row.size.smallest * 3 / 4
            yield (
                f"{name}: {row.size.width:,.0f} × {row.size.height:,.0f} px with text of {text:.1f} pt and more; "
                f"the aim is at most {wide:,} × {high:,} px with {least:g} pt."
            )
        elif not wide and row.size.on_a_page < LEGIBLE:
            yield f"{name}: not legible at {PAGE} px."
        peers = [other for other in rows if other.model == row.model and other.seconds and other.side != "ours"]
        fastest = min(peers, key=lambda other: other.median, default=None)
        if fastest is not None and row.median > SLOWER * fastest.median:
            yield f"{name}: {row.median / fastest.median:.1f} times the time of {fastest.side}."


def page(rows: Sequence[Row], asked: argparse.Namespace) -> str:
    """The page in Markdown."""
    head = HEAD.format(turns=asked.turns, page=PAGE, legible=LEGIBLE, versions=versions(asked.python))
    lines = [head, *TABLE, *(row.line() for row in rows), ""]
    wide, high, least = ALONE["337-parameters"]
    lines.append(
        f"The aims: legible at {PAGE} pixels; at most {SLOWER} times the time of the faster of the two;\n"
        f"the 337 parameters in ops on at most {wide:,} × {high:,} pixels with text of {least:g} points and more.\n"
    )
    found = list(misses(rows))
    lines += ["Missed:\n", *(f"- {miss}" for miss in found)] if found else ["None is missed."]
    if reason := missing(asked.python):
        lines += ["", f"Not tried: torchviz and torchview, because {reason}."]
    return "\n".join(lines) + "\n"


def versions(python: str) -> str:
    """What was measured, and the processor."""
    from .performance_page import VERSIONS

    done = subprocess.run([python, "-c", VERSIONS, *PACKAGES], check=True, stdout=subprocess.PIPE, text=True)
    found: Mapping[str, str] = json.loads(done.stdout)
    theirs = ", ".join(f"{name} {version}" for name, version in found.items())
    return f"minigrad in Python {sys.version.split()[0]}; the others in {theirs}; {processor()}."


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        side, model, view, folder = sys.argv[2:]
        print(json.dumps(drawn(side, model, view, Path(folder))))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[[], *NAMES], metavar="model", help=", ".join(NAMES))
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--docs", action="store_true")
    asked = parser.parse_args()
    folder = asked.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    try:
        link_engine(folder)
        rows = measured(asked.models or list(NAMES), asked, folder)
        text = page(rows, asked)
    finally:
        if asked.keep is None:
            shutil.rmtree(folder)
    if asked.docs:
        DOCS.write_text(text, encoding="utf-8", newline="\n")
    print(text, end="")


if __name__ == "__main__":
    main()
