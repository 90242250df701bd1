"""A headless Chromium to try pages in: driven through a pair of pipes, so that no driver has to be installed.

The protocol is Chromium's own (chromedevtools.github.io/devtools-protocol): JSON texts, each closed by a zero byte,
down file descriptor 3, and back up descriptor 4.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--remote-debugging-pipe", "--hide-scrollbars", "--disable-dev-shm-usage", "--disable-component-update"),
    *(
        "--disable-extensions",
        "--disable-sync",
        "--in-process-gpu",
        "--disable-features=BackForwardCache,Translate,IsolateSandboxedIframes",
    ),
)
SECONDS = 30.0  # to wait for an answer
SHIFT = 8
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


def find() -> str | None:
    """Where a Chromium is installed, if anywhere."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One process with one page. `events` holds what came unasked: requests, words on the console, errors."""

    def __init__(self, executable: str, width: int = 1280, height: int = 800) -> None:
        self.folder = tempfile.mkdtemp(prefix="minigrad-browser-")
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs_in, theirs_out)]  # not 3 or 4 themselves
        words = [executable, *FLAGS, f"--user-data-dir={self.folder}", f"--window-size={width},{height}"]
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, ends[0], 3), (os.POSIX_SPAWN_DUP2, ends[1], 4)]
        actions += [(os.POSIX_SPAWN_DUP2, null, stream) for stream in (0, 1, 2)]
        self.process = os.posix_spawn(executable, words, os.environ, file_actions=actions, setpgroup=0)
        for end in (*ends, theirs_in, theirs_out, null):
            os.close(end)
        self.events: list[dict[str, Any]] = []
        self._buffer, self._number, self._session = b"", 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the browser, and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self._next(deadline)
            if answer.get("id") != self._number:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return dict(answer["result"])

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(deadline - time.monotonic(), 0))[0]:
                raise TimeoutError("the browser gives no answer")
            more = os.read(self._in, 1 << 20)
            if not more:
                raise RuntimeError("the browser has ended")
            self._buffer += more
        text, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(text))

    def wait_for(self, method: str) -> dict[str, Any]:
        """Wait until an event of that name has come."""
        deadline = time.monotonic() + SECONDS
        while not (found := [event for event in self.events if event.get("method") == method]):
            self.events.append(self._next(deadline))
        return found[0]

    def open(self, path: Path) -> None:
        """Load a page from the disk, with no events left of the one before."""
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        self.wait_for("Page.loadEventFired")

    def js(self, expression: str) -> Any:
        """What an expression is in the page; a promise is waited for."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            details = found["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description", details["text"]))
        return found["result"].get("value")

    def settle(self) -> None:
        """Until the page has drawn what it was asked to."""
        frame = "await new Promise(requestAnimationFrame);"  # a change of size takes two, then the answer
        self.js(f"(async () => {{ {frame} {frame} {frame} }})()")

    def middle(self, selector: str) -> tuple[float, float]:
        """Where on the page an element has its middle, once the page is at rest; it must be there and be seen."""
        self.settle()
        box = self.js(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "  if (!e) return null; const r = e.getBoundingClientRect();"
            "  return [r.x + r.width / 2, r.y + r.height / 2, r.width, r.height] })()"
        )
        assert box is not None, f"there is no {selector}"
        assert box[2] and box[3], f"{selector} is not to be seen"
        return box[0], box[1]

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """One event of the mouse: Moved, Pressed, Released, Wheel."""
        self.call("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **more)

    def hover(self, selector: str) -> None:
        """Move onto an element."""
        self.mouse("Moved", *self.middle(selector))
        self.settle()

    def click(self, selector: str, **more: Any) -> None:
        """Move onto an element, press and let go."""
        x, y = self.middle(selector)
        self.mouse("Moved", x, y)
        for kind in ("Pressed", "Released"):
            self.mouse(kind, x, y, button="left", clickCount=1, **more)
        self.settle()

    def drag(self, start: tuple[float, float], *stops: tuple[float, float]) -> None:
        """Press at a place, move through others, let go at the last."""
        self.mouse("Moved", *start)
        self.mouse("Pressed", *start, button="left", clickCount=1)
        for stop in stops:
            self.mouse("Moved", *stop, button="left", buttons=1)
        self.mouse("Released", *stops[-1], button="left", clickCount=1)
        self.settle()

    def key(self, *keys: str, shift: bool = False) -> None:
        """Press keys one after the other: a character, or a name such as ArrowLeft."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = KEYS.get(key, ord(key.upper()) if len(key) == 1 and key.isalnum() else 0)
            more: dict[str, Any] = {"text": text} if text else {}
            kind = "keyDown" if text else "rawKeyDown"
            modifiers = SHIFT if shift else 0
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                modifiers=modifiers,
                **more,
            )
            self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)
        self.settle()

    def prefer(self, **features: str) -> None:
        """What the reader's system asks for: color_scheme="dark", reduced_motion="reduce"."""
        wishes = [{"name": f"prefers-{name.replace('_', '-')}", "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", features=wishes)
        self.settle()

    def screenshot(self, path: Path) -> None:
        """What is to be seen, as PNG."""
        self.settle()
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """End the process, and remove what it wrote."""
        for end in (self._out, self._in):
            os.close(end)
        os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        shutil.rmtree(self.folder, ignore_errors=True)
