"""Chromium without a window, driven over the DevTools protocol, as a context for tests."""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip


class Page:
    """One page of a browser.

    Attributes:
        requests: addresses that the page has asked for since it was opened, in order.
    """

    def __init__(self, to_browser, from_browser):
        self._to, self._from = to_browser, from_browser
        self._numbers = itertools.count(1)
        self._session = None
        self.requests = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._call("Network.enable")
        self.resize(1440, 900)

    def open(self, address):
        self.requests.clear()
        self._call("Page.navigate", url=address)
        self.wait_for("document.readyState == 'complete'")

    def resize(self, width, height):
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme, media="screen"):
        """Ask pages for their ``light`` or ``dark`` colours, on a screen or in ``print``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._call("Emulation.setEmulatedMedia", media=media, features=features)

    def evaluate(self, expression):
        """The value of a JavaScript expression, or of the promise that it gives."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression, seconds=60):
        """The value of an expression as soon as it counts as true."""
        deadline = time.monotonic() + seconds
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < deadline, f"{expression} stayed {value!r}; {self.text()}"
            time.sleep(0.1)
        return value

    def text(self):
        """What a reader sees."""
        return self.evaluate("document.body.innerText")

    def click(self, selector):
        """Click the first element that a CSS selector finds, as soon as there is one."""
        self.wait_for(
            f"(found => found && (found.click(), true))(document.querySelector({json.dumps(selector)}))"
        )

    def point(self, selector):
        """Move the pointer to the middle of the first element that a CSS selector finds."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.evaluate(f"{found}.scrollIntoView({{block: 'center'}})")
        x, y = self.evaluate(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])({found}.getBoundingClientRect())"
        )
        self._call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def write(self, selector, text):
        """Write into the first field that a CSS selector finds, in place of what it holds."""
        self.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        if text:
            self._call("Input.insertText", text=text)
        else:
            for kind in ("rawKeyDown", "keyUp"):
                self._call("Input.dispatchKeyEvent", type=kind, key="Backspace", windowsVirtualKeyCode=8)

    @contextlib.contextmanager
    def frame(self):
        """Within this, the page is the frame in it, which is a process of its own."""
        own = self._session
        deadline, frames = time.monotonic() + 60, []
        while not frames:
            assert time.monotonic() < deadline, f"there is no frame; {self.text()}"
            targets = self._call("Target.getTargets")["targetInfos"]
            frames = [each["targetId"] for each in targets if each["type"] == "iframe"]
        self._session = self._call("Target.attachToTarget", targetId=frames[0], flatten=True)["sessionId"]
        yield
        self._session = own

    def screenshot(self, file):
        Path(file).write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def _call(self, method, **parameters):
        number = next(self._numbers)
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": number, "method": method, "params": parameters, **session}
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._read()).get("id") != number:
            if answer.get("method") == "Network.requestWillBeSent":
                self.requests.append(answer["params"]["request"]["url"])
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def _read(self):
        """The next message; they end with a zero byte."""
        message = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            assert byte, "the browser has ended"
            message += byte
        return json.loads(message)


@contextlib.contextmanager
def browser():
    """A page of a browser of its own; without Chromium the test is skipped, but not where CI is set."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if not program and "CI" not in os.environ:
        pytest.skip(f"none of {', '.join(NAMES)} is installed")
    assert program, f"expected one of {', '.join(NAMES)}, which .ci/run installs"
    commands, answers = os.pipe(), os.pipe()  # Chromium reads from descriptor 3 and writes to 4
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{commands[0]} 4>&{answers[1]}', program, *OPTIONS,
             f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands[0], answers[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands[0])
        os.close(answers[1])
        with process, os.fdopen(commands[1], "wb") as to_browser, os.fdopen(answers[0], "rb") as from_browser:
            try:
                yield Page(to_browser, from_browser)
            finally:
                process.terminate()
