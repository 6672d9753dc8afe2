#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Consoles on a simulated host whose VNC server is the test's: the page in Chromium, and "drover server console" in a terminal. t_console.py has real hosts.
"""
from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from browser import Browser
from consoles import OPTIONS, World
from daemon import BUILD, Daemon
from rfb import FakeVnc, paint
from stock import Clients
from tap import Tap
from wait import HANG_S, wait_for

CONNECTED = "document.body.dataset.state == 'connected'"
# the middle of the screen, of what the page shows
GREY = "(() => { const c = document.querySelector('#screen canvas'); return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; })()"


# ---- one daemon ----

def page_in_a_browser(w: World, fake: FakeVnc) -> str:
    """It shows the screen, types, takes its token out of the address, and comes again by itself when the screen was closed."""
    fake.serve = paint
    with Browser() as page:
        page.open(w.url(w.api.servers()[1]["id"], "vnc", "novnc"))
        page.until(CONNECTED, "the page is connected")
        assert page.ask("location.search") == "" and page.ask("document.title") == "Console"
        page.until(f"{GREY} == 1", "the screen is seen")
        page.press("a")
        page.until(f"{GREY} == {ord('a')}", "the key was typed")
        fake.seen[-1].shutdown(2)
        page.until(f"{CONNECTED} && document.body.dataset.connections == 2", "it is connected again")
        page.until("document.getElementById('still').hidden", "the old picture is gone")
        w.api.call("POST", f"/v2.1/servers/{w.api.servers()[1]['id']}/action", {"os-stop": None})
        page.until("document.body.dataset.state == 'ended'", "it tells the end")
        return str(page.ask("document.getElementById('said').textContent"))


def in_a_terminal(w: World) -> str:
    """Its simulated guest echoes. What is typed comes back, Ctrl-] leaves, and a server that is stopped is told."""
    server = w.api.servers()[2]["id"]
    env = Clients(w.daemon.openrc).env

    def attach() -> tuple[subprocess.Popen, int]:
        ours, its = pty.openpty()
        proc = subprocess.Popen([BUILD / "cli" / "drover", "server", "console", server], stdin=its, stdout=its, stderr=its, env=env, start_new_session=True)
        os.close(its)
        return proc, ours

    def until(fd: int, text: bytes) -> bytes:
        data = b""
        while text not in data:
            data += os.read(fd, 4096)
        return data
    proc, fd = attach()
    until(fd, b"Ctrl-] leaves")
    wait_for(lambda: w.daemon.find_event("console_at", server=server), HANG_S, "the console is there")
    os.write(fd, b"ping-\x03-pong")  # Ctrl-C is the guest's
    until(fd, b"ping-\x03-pong")
    os.write(fd, b"\x1d")
    assert proc.wait(HANG_S) == 0
    proc, fd = attach()
    until(fd, b"Ctrl-] leaves")
    os.write(fd, b"again")
    until(fd, b"again")
    w.api.call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None})
    until(fd, b"The server was stopped")
    assert proc.wait(HANG_S) == 1
    url = Clients(w.daemon.openrc).drover("server", "console", "--vnc", w.api.servers()[3]["id"])
    assert "console.html?path=%3Ftoken%3D" in url, url
    return "Ctrl-]"


def main() -> int:
    t = Tap()
    only = sys.argv[1:]

    def run(case: object, *args: object) -> None:
        if not only or case.__name__ in only:
            with t.test(case.__name__.replace("_", " ")) as notes:
                notes.append(case(*args))
    fake = FakeVnc(paint)
    with Daemon({"h1": f"sim://h1?servers=10&vnc={fake.port}"}, options={**OPTIONS, "vnc": {**OPTIONS["vnc"], "server_proxyclient_address": "127.0.0.1"}}, tag="screen") as daemon:
        daemon.wait_hosts_up(1)
        wait_for(lambda: len(daemon.api().servers()) == 10, 20, "the servers are known")
        w = World(daemon, None)
        run(page_in_a_browser, w, fake)
        run(in_a_terminal, w)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
