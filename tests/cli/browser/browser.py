"""A headless Chromium, spoken to over a pipe (DevTools protocol), that tells what a page did.

Nothing but Python's standard library: messages are JSON with a zero byte behind each, to the
browser's file descriptor 3 and from its 4.
"""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

# No calls home by the browser itself, and no sandbox: tests run as root, and the pages are ours.
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
    "--remote-debugging-pipe",
]


class BrowserError(RuntimeError):
    pass


def find_chromium():
    path = shutil.which("chromium")
    if path is None:
        raise BrowserError("chromium is not installed; apt-get install chromium")
    return path


class Page:
    """What a page showed and complained of."""

    def __init__(self):
        # Texts of console messages, exceptions and the browser's own log, whatever their level.
        self.complaints = []
        # URLs asked for, the page's own first.
        self.requests = []


class Browser:
    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="estuary-browser-", ignore_cleanup_errors=True)
        to_read, self._to = os.pipe()
        self._from, from_write = os.pipe()
        log = open(os.path.join(self._folder.name, "log"), "wb")
        # A child's descriptors 3 and 4, whatever numbers the pipes have here.
        shell = f'exec "$0" "$@" 3<&{to_read} 4>&{from_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, find_chromium(), *FLAGS, f"--user-data-dir={self._folder.name}/profile"],
            pass_fds=(to_read, from_write),
            stdout=log,
            stderr=log,
        )
        os.close(to_read)
        os.close(from_write)
        log.close()
        self._ids = itertools.count(1)
        self._buffer = b""
        self._events = []
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def open(self, url, timeout=60):
        """Loads a page and returns what it did until everything in it was there."""
        self._events.clear()
        self.call("Page.navigate", {"url": url})
        end = time.monotonic() + timeout
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._events.append(self._receive(end, f"{url} to load"))
        # Scripts run and fonts are looked for after the load, too: two frames later they were.
        self.evaluate("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
        return self._sum_up()

    def evaluate(self, expression):
        """The value of a JavaScript expression, or of what it promises."""
        result = self.call(
            "Runtime.evaluate",
            {"expression": expression, "returnByValue": True, "awaitPromise": True},
        )
        if "exceptionDetails" in result:
            raise BrowserError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def screenshot(self, path, width=1280):
        """The whole page as a PNG."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", size)
        picture = self.call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))

    def call(self, method, params=None, timeout=60):
        message = {"id": next(self._ids), "method": method, "params": params or {}}
        if hasattr(self, "_session"):
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + timeout
        while True:
            answer = self._receive(end, f"the answer to {method}")
            if "method" in answer:
                self._events.append(answer)
            elif answer["id"] == message["id"]:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                return answer["result"]

    def close(self):
        # Killed, it would leave helpers behind that still write into its folder.
        try:
            del self._session
            self.call("Browser.close")
            self._process.wait(20)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _receive(self, end, what):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise BrowserError(f"waited too long for {what}")
            read = os.read(self._from, 1 << 20)
            if not read:
                with open(os.path.join(self._folder.name, "log"), errors="replace") as log:
                    raise BrowserError(f"chromium ended before {what}:\n{log.read()[-2000:]}")
            self._buffer += read
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _sum_up(self):
        page = Page()
        for event in self._events:
            method, params = event["method"], event["params"]
            if method == "Network.requestWillBeSent":
                page.requests.append(params["request"]["url"])
            elif method == "Runtime.exceptionThrown":
                page.complaints.append(params["exceptionDetails"]["text"])
            elif method == "Runtime.consoleAPICalled":
                page.complaints.append(" ".join(str(a.get("value")) for a in params["args"]))
            elif method == "Log.entryAdded":
                page.complaints.append(params["entry"]["text"])
        return page
