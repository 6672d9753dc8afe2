# SPDX-License-Identifier: Apache-2.0
"""The stock openstack and nova clients and drover, and what the first two print as text that can be compared."""
from __future__ import annotations

import os
import re
import shlex
import subprocess

from daemon import BUILD
from wait import HANG_S

UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
UUID_BARE = re.compile(r"\b[0-9a-f]{32}\b")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
HOST_ID = re.compile(r"\b[0-9a-f]{56}\b")
# by a client that waits: each time that it asked and saw more than 0, so also never; nova's client each time
PROGRESS = re.compile(r"\bProgress: \d+\n?|\bServer \w+\.\.\. \d+% complete\n?")
# lines of Python's libraries, not of the clients
NOISE = re.compile(r"Warning|warn\(|^nova CLI is deprecated|^\s*$")


class Clients:
    """With nothing but the credentials, as droverd wrote them."""

    def __init__(self, openrc: dict[str, str]) -> None:
        keep = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
        self.env = {**keep, **openrc, "PYTHONWARNINGS": "ignore", "COLUMNS": "200"}

    def run(self, line: str) -> tuple[int, str]:
        """A command line as a user types it. Return: its status, what it printed on both streams."""
        got = subprocess.run(shlex.split(line), env=self.env, capture_output=True, text=True, timeout=HANG_S, stdin=subprocess.DEVNULL)
        lines = [text for text in (got.stdout + got.stderr).splitlines() if not NOISE.search(text)]
        return got.returncode, "\n".join(lines)

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
    text = PROGRESS.sub("", text)
    text = HOST_ID.sub("<hostid>", UUID_BARE.sub("<hex>", TIME.sub("<time>", UUID.sub("<uuid>", text))))
    lines = []
    for line in text.splitlines():
        line = re.sub(r"-{3,}", "---", line)
        lines.append(re.sub(r" {2,}", " ", line).rstrip())
    return "\n".join(lines)

