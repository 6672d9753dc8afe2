# SPDX-License-Identifier: Apache-2.0
"""Chromium without a window, commanded over its debugging pipe."""
from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile

from wait import HANG_S, wait_for

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
         "--remote-debugging-pipe")


class Browser:
    """One page. @netns: where its network is; @pin: of a certificate that it believes."""

    def __init__(self, netns: str | None = None, pin: str = "") -> None:
        self.home = tempfile.mkdtemp()
        get, child_out = os.pipe()
        child_in, put = os.pipe()
        inside = ["ip", "netns", "exec", netns] if netns else []
        self.proc = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{child_in} 4>&{child_out}', "-", *inside, "chromium", *FLAGS, f"--user-data-dir={self.home}",
             f"--ignore-certificate-errors-spki-list={pin}"],
            pass_fds=(child_in, child_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": self.home})
        os.close(child_in)
        os.close(child_out)
        self.put, self.get = os.fdopen(put, "wb", 0), os.fdopen(get, "rb")
        self.number, self.session = 0, None
        self.events: list[dict] = []  # of the page, as they came while answers were waited for

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *why: object) -> None:
        self.proc.terminate()
        self.proc.wait()
        self.put.close()
        self.get.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def _receive(self) -> dict:
        data = b""
        while not data.endswith(b"\0"):
            byte = self.get.read(1)
            if not byte:
                raise RuntimeError("the browser has ended")
            data += byte
        return json.loads(data[:-1])

    def call(self, method: str, **params: object) -> dict:
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.put.write(json.dumps(message).encode() + b"\0")
        while True:
            reply = self._receive()
            if reply.get("id") == self.number:
                assert "error" not in reply, (method, reply)
                return reply["result"]
            if "method" in reply:
                self.events.append(reply)

    def open(self, url: str, before: str = "") -> str:
        """A new page, which is commanded from now on. @before: a script that runs before the page's own, each time one is loaded. Return: its session."""
        self.session = None
        target = self.call("Target.createTarget", url="about:blank" if before else url)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        if before:
            self.call("Page.enable")
            self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
            self.call("Page.navigate", url=url)
        return self.session

    def ask(self, expression: str, wait: bool = False) -> object:
        """@wait: it is a promise, whose value is meant"""
        got = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=wait)
        assert not wait or "exceptionDetails" not in got, got
        return got["result"].get("value")

    def until(self, expression: str, what: str) -> object:
        return wait_for(lambda: self.ask(expression), HANG_S, what)

    def press(self, char: str) -> None:
        for kind in "keyDown", "keyUp":
            self.call("Input.dispatchKeyEvent", type=kind, key=char, code=f"Key{char.upper()}", text=char if kind == "keyDown" else "",
                      windowsVirtualKeyCode=ord(char.upper()))

    def keys(self, *names: str) -> None:
        """Keys by their names ("Tab", "Enter", "Escape", "ArrowDown", " ") or letters."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowUp": 38, "ArrowDown": 40, "Home": 36, "End": 35}
        for name in names:
            text = {"Enter": "\r"}.get(name, name if len(name) == 1 else "")
            code = {"code": name if len(name) > 1 else ("Space" if name == " " else f"Key{name.upper()}"), "windowsVirtualKeyCode": codes.get(name, ord(name[0].upper()))}
            self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", key=name, text=text, **code)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=name, **code)

    def chord(self, key: str, *, ctrl: bool = False, alt: bool = False, shift: bool = False) -> None:
        """A key with others held: "Tab", "Home" or a letter."""
        code, number = (key, {"Tab": 9, "Home": 36}[key]) if len(key) > 1 else (f"Key{key.upper()}", ord(key.upper()))
        for kind in "rawKeyDown", "keyUp":
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number, modifiers=alt + 2 * ctrl + 8 * shift)

    def write(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def picture(self, path: str) -> None:
        data = self.call("Page.captureScreenshot", format="png")["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
