# SPDX-License-Identifier: Apache-2.0
"""Chromium without a window, commanded over its debugging pipe."""
from __future__ import annotations

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

    def open(self, url: str) -> None:
        target = self.call("Target.createTarget", url=url)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def ask(self, expression: str) -> object:
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def until(self, expression: str, what: str) -> object:
        return wait_for(lambda: self.ask(expression), HANG_S, what)

    def press(self, char: str) -> None:
        for kind in "keyDown", "keyUp":
            self.call("Input.dispatchKeyEvent", type=kind, key=char, code=f"Key{char.upper()}", text=char if kind == "keyDown" else "",
                      windowsVirtualKeyCode=ord(char.upper()))
