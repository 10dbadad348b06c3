"""A real browser as the reader of a page: headless Chromium, spoken to through its debugging pipe, without any network."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_MOST_SECONDS = 120
"""Without an answer; a machine may be busy."""
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
)


def program() -> str:
    """Chromium's program; the test is skipped without it, and fails where the tools are required."""
    found = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
    if found is None:
        assert not os.environ.get("LBZ_REQUIRE_TOOLS"), "chromium is missing (Debian: chromium)"
        pytest.skip("Chromium is not installed")
    return found


class Browser:
    """One page in a browser; `said` has every error of the page, its console and its log, `asked` every address it asked for."""

    def __init__(self, to: Any, answers: Any) -> None:
        self._to, self._answers = to, answers
        self._number = 0
        self.said: list[str] = []
        self.asked: list[str] = []
        self._loaded = False
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for name in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{name}.enable")
        self.call("Page.bringToFront")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer of the page to a command of the DevTools protocol."""
        return self._call(method, session=self._session, **parameters)

    def _call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        text = b""
        while not text.endswith(b"\0"):
            assert select.select([self._answers], [], [], _MOST_SECONDS)[0], "the browser does not answer"
            part = self._answers.read(1)
            assert part, "the browser has ended"
            text += part
        answer: dict[str, Any] = json.loads(text[:-1])
        self._note(answer.get("method", ""), answer.get("params", {}))
        return answer

    def _note(self, method: str, of: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.said.append(str(of["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and of["type"] in ("error", "warning", "assert"):
            self.said.append(f"{of['type']}: {of['args']}")
        elif method == "Log.entryAdded":
            self.said.append(f"{of['entry']['level']}: {of['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            self.asked.append(of["request"]["url"][:200])
        elif method == "Page.loadEventFired":
            self._loaded = True

    def open(self, path: Path) -> None:
        """Opens a file and waits until it is loaded and its charts are drawn."""
        self._loaded = False
        self.call("Page.navigate", url=path.as_uri())
        while not self._loaded:
            self._next()
        self.settle()

    def settle(self) -> None:
        """Waits for two frames, in which what was asked for is drawn."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))")

    def run(self, script: str) -> Any:
        """The value of a script's last expression."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, key: str, code: int, text: str = "") -> None:
        """Presses a key."""
        pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.call(
            "Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **pressed, **({"text": text} if text else {})
        )
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def picture(self, path: Path, width: int = 1100, height: int = 900) -> None:
        """A picture of the upper part of the page."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.settle()
        found = self.call("Page.captureScreenshot")
        path.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a profile of its own in the folder."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()

    def pipes() -> None:
        # Chromium reads commands from 3 and writes answers to 4; copies first, for the numbers may overlap.
        commands, answers = os.dup(to_read), os.dup(from_write)
        high = [os.dup2(commands, 60), os.dup2(answers, 61)]
        os.dup2(high[0], 3)
        os.dup2(high[1], 4)

    command = [program(), *_OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}"]
    process = subprocess.Popen(
        command, preexec_fn=pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    )
    os.close(to_read)
    os.close(from_write)
    try:
        with os.fdopen(to_write, "wb") as to, os.fdopen(from_read, "rb", buffering=0) as answers:
            page = Browser(to, answers)
            yield page
            with suppress(BrokenPipeError, AssertionError):
                page._call("Browser.close")
    finally:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
