"""Drive a headless Chromium from tests with the standard library alone.

Speaks the DevTools protocol over two pipes (`--remote-debugging-pipe`): JSON messages that end in
a zero byte, on the browser's descriptors 3 and 4. Every wait has a limit.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]
# Puts the two pipes where Chromium looks for them and becomes Chromium.
LAUNCHER = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def chromium() -> str | None:
    """Return the path of a Chromium or Chrome, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A browser with one page; a context manager that ends its own process group only."""

    def __init__(self, path: str, *, limit: float = 60.0) -> None:
        self.problems: list[str] = []
        "Console warnings and errors, uncaught exceptions, blocked requests."
        self.requests: list[str] = []
        "Addresses the page asked for, its own included."
        self._limit = limit
        self._replies: dict[int, dict[str, Any]] = {}
        self._events: list[str] = []
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self._profile = tempfile.mkdtemp(prefix="irkit-chromium-")
        (read, self._write), (self._read, write) = os.pipe(), os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCHER, str(read), str(write), path, *FLAGS, f"--user-data-dir={self._profile}"],
            pass_fds=(read, write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(read)
        os.close(write)

    def __enter__(self) -> Browser:
        try:
            target = self.send("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.send(f"{domain}.enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=self._limit)
        os.close(self._read)
        os.close(self._write)
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(
        self, path: Path | str, *, width: int = 1280, height: int = 900, dark: bool = False, media: str = ""
    ) -> None:
        """Load a file, or an address, in a window of some size."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.send("Emulation.setEmulatedMedia", media=media, features=[scheme, still])
        self._events.clear()
        self.send("Page.navigate", url=path if isinstance(path, str) else path.resolve().as_uri())
        deadline = time.monotonic() + self._limit
        while "Page.loadEventFired" not in self._events:
            self._receive(deadline)
        # Two frames later the observers have drawn the charts.
        self.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def js(self, expression: str) -> Any:
        """Evaluate an expression in the page and return its value."""
        reply = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in reply:
            raise AssertionError(reply["exceptionDetails"]["exception"].get("description", reply))
        return reply["result"].get("value")

    def point(self, selector: str, number: int = 0, *, at: tuple[float, float] = (0.5, 0.5)) -> tuple[float, float]:
        """Scroll an element into view and return the place inside it, in window coordinates."""
        query = f"document.querySelectorAll({json.dumps(selector)})[{number}]"
        self.js(f"{query}.scrollIntoView({{block: 'center'}})")
        x, y, width, height = self.js(f"(b => [b.x, b.y, b.width, b.height])({query}.getBoundingClientRect())")
        return x + at[0] * width, y + at[1] * height

    def click(self, selector: str, number: int = 0) -> None:
        """Click with a real mouse event."""
        x, y = self.point(selector, number)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def hover(self, selector: str, number: int = 0, *, at: tuple[float, float] = (0.5, 0.5)) -> None:
        x, y = self.point(selector, number, at=at)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def key(self, key: str, text: str = "") -> None:
        """Press and release one key."""
        code = {
            "Enter": 13,
            "ArrowRight": 39,
            "ArrowLeft": 37,
            "ArrowUp": 38,
            "ArrowDown": 40,
            "End": 35,
            "Home": 36,
            "Escape": 27,
            "Tab": 9,
            " ": 32,
        }.get(key, 0)
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def screenshot(self, *, whole: bool = True) -> bytes:
        """Return a PNG of the whole page, or of the window."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        deadline = time.monotonic() + self._limit
        while self._number not in self._replies:
            self._receive(deadline)
        reply = self._replies.pop(self._number)
        if "error" in reply:
            raise AssertionError(f"{method}: {reply['error']['message']}")
        return reply["result"]

    def _receive(self, deadline: float) -> None:
        ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError(f"Chromium said nothing for {self._limit} s")
        data = os.read(self._read, 1 << 20)
        if not data:
            raise RuntimeError(f"Chromium ended, status {self._process.poll()}")
        *messages, self._rest = (self._rest + data).split(b"\0")
        for raw in messages:
            message = json.loads(raw)
            if "id" in message:
                self._replies[message["id"]] = message
            else:
                self._note(message["method"], message["params"])

    def _note(self, method: str, params: dict[str, Any]) -> None:
        self._events.append(method)
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
            self.problems.append(f"console.{params['type']}: {params['args']}")
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.problems.append(params["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.problems.append(f"dialog: {params['message']}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])


def png_variety(data: bytes) -> tuple[int, int, float]:
    """Return width, height and the share of non-zero bytes after PNG's filters; near 0 for a blank image."""
    width, height = struct.unpack(">II", data[16:24])
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += 12 + size
    rows = zlib.decompress(packed)
    return width, height, 1 - rows.count(0) / len(rows)
