"""What the viewer costs in a browser: the longest task while the picture is dragged, zoomed and hovered over.

python -m tests.bench.viewer [nodes]

Draws a network a neuron at a time with about as many nodes (3,000 by default), opens the page in a headless
Chromium and moves the mouse as a reader would, with the browser's own trace running. `script` is the longest call
into our JavaScript, `task` the longest task of the page's thread, style, layout and painting included; 50 ms is the
aim for script while panning. Before that, the frames a second while each frame moves the picture (the browser gives
60 at most), and the longest time between two.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

from minigrad import draw, nn

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "support")]  # where pytest finds them too
from browser import Browser, find

CATEGORIES = "devtools.timeline,disabled-by-default-devtools.timeline,toplevel"
SCRIPT = ("FunctionCall", "FireAnimationFrame", "EvaluateScript", "v8.compile")
MOVES = 60  # of the mouse per gesture


def page(nodes: int, folder: Path) -> Path:
    """The page of a network with about so many nodes."""
    samples = max(1, round(nodes / 127))
    model = nn.MLP([2, 8, 8, 1], activation="tanh", seed=0, per_neuron=True)
    rng = np.random.default_rng(0)
    parts = []
    for x, y in zip(rng.normal(size=(samples, 2)), rng.normal(size=samples), strict=True):
        parts.append((model(x)[0] - y) ** 2)
    loss = parts[0]
    for part in parts[1:]:
        loss = loss + part
    start = perf_counter()
    drawing = draw(loss, seconds=600.0)
    path = drawing.save(folder / "large.html")
    size, made = path.stat().st_size / 1e6, perf_counter() - start
    print(
        f"{len(drawing.diagram.nodes):,} nodes, {len(drawing.diagram.edges):,} edges: {size:.1f} MB in {made:.1f} s"
    )
    return path


def traced(browser: Browser, gesture: Callable[[], None]) -> tuple[float, float]:
    """Milliseconds of the longest script and of the longest task while a gesture is made."""
    browser.events.clear()
    browser.call("Tracing.start", transferMode="ReportEvents", categories=CATEGORIES)
    gesture()
    browser.settle()
    browser.call("Tracing.end")
    browser.wait_for("Tracing.tracingComplete")
    events = [e for b in browser.events if b["method"] == "Tracing.dataCollected" for e in b["params"]["value"]]
    threads = {(e["pid"], e["tid"]) for e in events if e["name"] == "FireAnimationFrame"}
    here = [e for e in events if (e["pid"], e["tid"]) in threads and e.get("ph") == "X"]
    script = max((e["dur"] for e in here if e["name"] in SCRIPT), default=0)
    task = max((e["dur"] for e in here if e["name"].endswith("RunTask")), default=0)
    return script / 1000, task / 1000


def main(nodes: int = 3_000) -> None:
    executable = find()
    if executable is None:
        raise SystemExit("no Chromium on the PATH: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        path = page(nodes, Path(folder))
        browser = Browser(executable)
        try:
            start = perf_counter()
            browser.open(path)
            browser.settle()
            print(f"opened in {perf_counter() - start:.2f} s")
            report(browser)
        finally:
            browser.close()


# Presses, moves 3 pixels in each of 120 frames, lets go; gives the time of each frame.
DRAG = """
(async () => {
  const { left, top, width, height } = stage.getBoundingClientRect();
  const [x, y] = [left + width / 2, top + height / 2];
  const at = (k) => ({ clientX: x + 3 * (k % 40), clientY: y + 40 * Math.sin(k / 5) });
  const send = (kind, k) => glass.dispatchEvent(
    new PointerEvent(`pointer${kind}`, { bubbles: true, pointerId: 1, button: 0, buttons: 1, ...at(k) }));
  const times = [];
  stage.setPointerCapture = () => {}; // the pointer is ours
  send("down", 0);
  for (let k = 1; k <= 120; k++) {
    times.push(await new Promise(requestAnimationFrame));
    send("move", k);
  }
  send("up", 120);
  return times;
})()
"""


def frames(browser: Browser) -> tuple[float, float]:
    """Frames a second while the picture is dragged, and the longest frame in milliseconds."""
    gaps = np.diff(browser.js(DRAG))
    return float(1000 / gaps.mean()), float(gaps.max())


def report(browser: Browser) -> None:
    middle = (600.0, 400.0)
    around = [(600 + 3.0 * k, 400 + 40 * np.sin(k / 5)) for k in range(1, MOVES)]

    def wheel() -> None:
        for k in range(20):
            browser.mouse("Wheel", *middle, deltaX=0, deltaY=-120 if k < 10 else 120)

    def hover() -> None:
        for x, y in around:
            browser.mouse("Moved", x, y)

    def forward() -> None:
        browser.key(*"." * 20)

    for where, key in (("whole picture", "f"), ("zoomed in", "+")):
        browser.key(*[key] * 12)
        rate, longest = frames(browser)
        print(f"dragging, {where:13}: {rate:.1f} frames a second, the longest {longest:.1f} ms", flush=True)
    browser.key("f", "+", "+", "+", "+")
    print(f"{'':24}{'script ms':>12}{'task ms':>12}")
    gestures = {
        "panning by mouse": lambda: browser.drag(middle, *around),
        "panning by keys": lambda: browser.key(*["ArrowLeft"] * 20),
        "zooming": wheel,
        "hovering": hover,
        "stepping": forward,
    }
    for name, gesture in gestures.items():
        script, task = traced(browser, gesture)
        print(f"{name:24}{script:12.1f}{task:12.1f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
