"""Debian's Chromium without a window, spoken to through a pipe: it opens pages, fills forms and takes pictures.

with Browser(tmp_path) as browser:
    browser.open("http://127.0.0.1:8000/")
    browser.run("document.forms[0].submit()")
"""

import base64
import json
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.needed import program

_SECONDS = 60.0


class Browser:
    """One browser with one tab."""

    def __init__(self, folder: Path, *, dark: bool = False, width: int = 1280, height: int = 1600) -> None:
        chromium = program("chromium", "chromium")
        down, up = os.pipe(), os.pipe()
        words = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
        words += ["--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}"]
        words += ["--blink-settings=preferredColorScheme=0"] if dark else []
        # the browser reads commands from descriptor 3 and answers on 4
        shell = f'exec 3<&{down[0]} 4>&{up[1]} && exec "$@"'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *words, "about:blank"],
            pass_fds=(down[0], up[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(down[0])
        os.close(up[1])
        self._to, self._from = os.fdopen(down[1], "wb", 0), os.fdopen(up[0], "rb", 0)
        self._rest = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []
        """What the browser told unasked: requests, and what a policy forbade."""
        self._session = ""
        tabs = self._ask("Target.getTargets")["targetInfos"]
        tab = next(t["targetId"] for t in tabs if t["type"] == "page")
        self._session = self._ask("Target.attachToTarget", targetId=tab, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self._ask(f"{domain}.enable")
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._ask("Emulation.setEmulatedMedia", features=scheme)
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._to.close()
        self._from.close()

    def open(self, url: str) -> None:
        """Load a page and wait until it is there."""
        self.events.clear()
        self._ask("Page.navigate", url=url)
        self._loaded()

    def submit(self) -> None:
        """Press the page's button and wait for the page that answers."""
        self.events.clear()
        self.run("document.querySelector('button').click()")
        self._loaded()

    def without_scripts(self) -> None:
        """Run no script of any page from now on; `run` still does."""
        self._ask("Emulation.setScriptExecutionDisabled", value=True)

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        answer = self._ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def choose(self, selector: str, file: Path) -> None:
        """Put a file into a field."""
        root = self._ask("DOM.getDocument")["root"]["nodeId"]
        node = self._ask("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self._ask("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def picture(self, file: Path) -> None:
        """Write a picture of the page, as far as it reaches down."""
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}
        shot = self._ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        file.write_bytes(base64.b64decode(shot["data"]))

    @property
    def asked_for(self) -> list[str]:
        """The addresses that the page made the browser ask for."""
        sent = [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith("data:")]

    def _loaded(self) -> None:
        end = time.monotonic() + _SECONDS
        while not any(e["method"] == "Page.loadEventFired" for e in self.events):
            assert time.monotonic() < end, "the page did not load"
            self.events.append(self._next())

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._from.read(1 << 20)
            assert more, "the browser ended"
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message
