# SPDX-License-Identifier: Apache-2.0
"""How long another client waits at most while hostile ones (attack.py) are at the daemon, from another address; whether the administrator logs in;
whether memory and descriptors are back a minute later."""
from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Callable, Iterator
from urllib.parse import urlsplit

from api import Api
from daemon import Daemon
from load import pin, resident_mib
from simulated import fleet, wait_adopted

ATTACK = Path(__file__).resolve().parent / "attack.py"
ANOTHER = "127.0.0.2"
PAUSE_S = 0.005
BACK_S = 60
LOGINS = 8
PATHS = ("/", "/v2.1", "/v3", "/metrics", "/nothing", "/v2.1/servers/detail", "/drover/v1/events")


class Client(threading.Thread):
    """Asks for a short page again and again, by turns on a new connection and on one that is kept."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.peer = (urlsplit(url).hostname, urlsplit(url).port)
        self.kept: socket.socket | None = None
        self.longest_ms = 0.0
        self.answers = self.failures = 0
        self.ended = threading.Event()

    def dial(self) -> socket.socket:
        sock = socket.socket()
        sock.settimeout(BACK_S)
        sock.bind((ANOTHER, 0))
        sock.connect(self.peer)
        return sock

    def ask(self, sock: socket.socket) -> None:
        sock.sendall(b"GET /v2.1 HTTP/1.1\r\nHost: h\r\n\r\n")
        if not sock.recv(65536).startswith(b"HTTP/1.1 200 "):
            raise OSError("no answer")

    def once(self, new: bool) -> None:
        sock = self.kept
        if new or not sock:
            sock = self.dial()
        try:
            self.ask(sock)
        except OSError:
            if new or sock is not self.kept:
                raise
            # a kept connection may be closed at any time; what counts is how long it takes to have an answer
            sock.close()
            sock = self.dial()
            self.ask(sock)
        if new:
            sock.close()
        else:
            self.kept = sock

    def run(self) -> None:
        new = True
        while not self.ended.is_set():
            began = time.perf_counter()
            try:
                self.once(new)
                self.answers += 1
            except OSError:
                self.failures += 1
                self.kept = None
            self.longest_ms = max(self.longest_ms, (time.perf_counter() - began) * 1000)
            new = not new
            time.sleep(PAUSE_S)

    def result(self) -> float:
        self.ended.set()
        self.join()
        if self.failures or not self.answers:
            return float("inf")
        return self.longest_ms


@contextlib.contextmanager
def attack(daemon: Daemon, kind: str, count: int, word: str = "") -> Iterator[None]:
    """While it lasts, from its begin; the body begins when all of the clients are at it."""
    url = urlsplit(daemon.url)
    cores = [str(core) for core in sorted(os.sched_getaffinity(0))]
    command = ["nice", "-n", "5", "taskset", "-c", ",".join(cores[1:] or cores), sys.executable, str(ATTACK), kind, url.hostname, str(url.port), str(count), word]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as proc:
        try:
            assert proc.stdout.readline() == "ready\n", f"{kind}: it did not come to it"
            yield
        finally:
            proc.stdin.close()
            proc.wait()


def rest(seconds: float) -> None:
    time.sleep(seconds)


def make_news(api: Api, seconds: float) -> None:
    """Events, as fast as the API takes what makes them."""
    service = api.get("/v2.1/os-services?binary=nova-compute")["services"][0]["id"]
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for status in "disabled", "enabled":
            assert api.call("PUT", f"/v2.1/os-services/{service}", {"status": status}, mv="2.96").status == 200


def longest(daemon: Daemon, kind: str, count: int, word: str, meanwhile: Callable[[], None]) -> float:
    """Return: the longest wait of another client in ms; infinite if it was refused."""
    client = Client(daemon.url)
    client.start()
    with attack(daemon, kind, count, word):
        meanwhile()
    return client.result()


def logins(daemon: Daemon, count: int, word: str) -> tuple[int, float]:
    """Return: how many of the administrator's logins succeed, and how long a token holder waits meanwhile."""
    client, done = Client(daemon.url), 0
    with attack(daemon, "logins", count, word):
        client.start()
        for _ in range(LOGINS):
            try:
                Api(daemon.url).login(daemon.openrc)
                done += 1
            except (OSError, RuntimeError):
                pass
    return done, client.result()


def descriptors(daemon: Daemon) -> int:
    """What clients can make it open: without the files of its database, of which it has few, some from the first checkpoint on."""
    found, state = 0, str(daemon.dir / "state")
    for entry in os.scandir(f"/proc/{daemon.proc.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found += not os.readlink(entry.path).startswith(state)
    return found


def wait_back(daemon: Daemon, fds: int) -> int:
    """Until as many descriptors are open as before, a minute at most. Return: how many more are."""
    until = time.monotonic() + BACK_S
    while descriptors(daemon) > fds and time.monotonic() < until:
        time.sleep(0.5)
    return descriptors(daemon) - fds


def run(quick: bool) -> Iterator[tuple[str, float]]:
    part = 20 if quick else 1
    short, long = (partial(rest, 1), partial(rest, 2)) if quick else (partial(rest, 5), partial(rest, 20))
    with Daemon(fleet(), tag="edge") as daemon:
        wait_adopted(daemon)
        pin(daemon.proc.pid)
        api = daemon.api()
        fds, rss = descriptors(daemon), resident_mib(daemon.proc.pid)
        yield "edge_pipelines", max(longest(daemon, "pipelines", 500 // part, path, short) for path in PATHS)
        yield "edge_cut", longest(daemon, "cut", 12000 // part, "", short)
        yield "edge_slow", longest(daemon, "slow", 8300 // part, "", long)
        yield "edge_bodies", longest(daemon, "bodies", 2000 // part, "", short)
        yield "edge_watchers", longest(daemon, "watchers", 64, api.token, partial(make_news, api, 1 if quick else 5))
        done, wait = logins(daemon, 150 // part, daemon.openrc["OS_USERNAME"])
        yield "edge_logins", done
        yield "edge_logins_wait", wait
        api.close()
        yield "edge_fds_left", wait_back(daemon, fds)
        yield "edge_memory_left", resident_mib(daemon.proc.pid) - rss
        daemon.stop()
