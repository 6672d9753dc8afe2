# SPDX-License-Identifier: Apache-2.0
"""The stock openstack and nova clients and drover, and what the first two print as text that can be compared."""
from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

from daemon import BUILD
from lab import ROOT
from wait import HANG_S

UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
UUID_BARE = re.compile(r"\b[0-9a-f]{32}\b")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
HOST_ID = re.compile(r"\b[0-9a-f]{56}\b")
# an option more where python3-osprofiler is
USAGE = re.compile(r"^(usage: nova)\s.*?<subcommand> \.\.\.\n", re.M | re.S)
# by a client that waits: each time that it asked and saw more than 0, so also never; nova's client each time
PROGRESS = re.compile(r"\bProgress: \d+\n?|\bServer \w+\.\.\. \d+% complete\n?")
# lines of Python's libraries, not of the clients
NOISE = re.compile(r"Warning|warn\(|^nova CLI is deprecated|^\s*$")


class Stockd:
    """Runs openstack and nova; one for all of a test. Any thread may ask."""

    PROGRAMS = ("openstack", "nova")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.control: socket.socket | None = None

    def _connected(self) -> socket.socket:
        if not self.control:
            self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                # it ends when this end is closed
                subprocess.Popen([ROOT / "tests" / "lib" / "stockd"], stdin=theirs, stdout=subprocess.DEVNULL,
                                 env={**os.environ, "PYTHONWARNINGS": "ignore"})
        return self.control

    def run(self, argv: list[str], env: dict[str, str]) -> tuple[int, str, str]:
        """Return: its status, what it printed on both streams."""
        with ThreadPoolExecutor(2) as pool, open(os.devnull, "rb") as null:
            ends, texts = [null.fileno()], []
            for _stream in range(2):
                source, end = os.pipe()
                ends.append(end)
                texts.append(pool.submit(self._read, source))
            status, status_end = socket.socketpair()
            ends.append(status_end.detach())
            try:
                with self.lock:
                    socket.send_fds(self._connected(), [json.dumps([argv, env]).encode()], ends)
            finally:
                for end in ends[1:]:
                    os.close(end)
            with status:
                said = status.recv(1)  # nothing from one that hangs: its time has passed then
            return said[0] if said else -1, *[text.result() for text in texts]

    @staticmethod
    def _read(source: int) -> str:
        with os.fdopen(source) as file:
            return file.read()


stockd = Stockd()


class Clients:
    """With nothing but the credentials, as droverd wrote them."""

    def __init__(self, openrc: dict[str, str]) -> None:
        keep = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
        self.env = {**keep, **openrc, "PYTHONWARNINGS": "ignore", "COLUMNS": "200", "XDG_CACHE_HOME": "/dev/null"}  # no token outlives its lab

    def run(self, line: str) -> tuple[int, str]:
        """A command line as a user types it. Return: its status, what it printed on both streams."""
        argv = shlex.split(line)
        if argv[0] in Stockd.PROGRAMS:
            status, out, err = stockd.run(argv, self.env)
        else:
            got = subprocess.run(argv, env=self.env, capture_output=True, text=True, timeout=HANG_S, stdin=subprocess.DEVNULL)
            status, out, err = got.returncode, got.stdout, got.stderr
        lines = [text for text in (out + err).splitlines() if not NOISE.search(text)]
        return status, "\n".join(lines)

    def must(self, line: str) -> str:
        status, text = self.run(line)
        if status != 0:
            raise RuntimeError(f"$ {line}\n{text}")
        return text

    def value(self, line: str, column: str) -> str:
        """One column of what an openstack command shows, as it is."""
        return self.must(f"{line} -f value -c {shlex.quote(column)}").strip()

    def drover(self, *words: str, status: int = 0) -> str:
        """drover, which ends with that status. Return: what it printed on both streams."""
        got = subprocess.run([BUILD / "cli" / "drover", *words], env=self.env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert got.returncode == status, (words, got)
        return (got.stdout + got.stderr).strip()


def normalise(text: str, names: dict[str, str]) -> str:
    """What differs from run to run gets a name; widths go. @names: text -> <name>."""
    for word, name in names.items():
        text = text.replace(word, name)
    text = USAGE.sub(r"\1 [...]\n", PROGRESS.sub("", text))
    text = HOST_ID.sub("<hostid>", UUID_BARE.sub("<hex>", TIME.sub("<time>", UUID.sub("<uuid>", text))))
    lines = []
    for line in text.splitlines():
        line = re.sub(r"-{3,}", "---", line)
        lines.append(re.sub(r" {2,}", " ", line).rstrip())
    return "\n".join(lines)

