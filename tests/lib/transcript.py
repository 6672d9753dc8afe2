# SPDX-License-Identifier: Apache-2.0
"""What stock clients print, step by step, against golden files; REGEN=1 writes these."""
from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Callable

from lab import ROOT
from stock import Clients, normalise
from tap import Tap

GOLDEN = ROOT / "tests" / "e2e" / "golden"


class Transcript:
    """@names: text -> <name>, of what differs from run to run. @folder: of GOLDEN; there files have the steps' names, else numbers too."""

    def __init__(self, t: Tap, clients: Clients, names: dict[str, str], folder: str = "") -> None:
        self.t, self.clients, self.names = t, clients, names
        self.folder = GOLDEN / folder
        self.numbered = not folder
        self.count = 0

    def step(self, name: str, line: str, mask: str = "", status: int = 0) -> str:
        """One command; @mask: a pattern of what differs from run to run. Return: what it printed, as it is."""
        self.count += 1
        file = self.folder / ((f"{self.count:02}-" if self.numbered else "") + re.sub(r"[ -]+", "-", name) + ".txt")
        got, text = self.clients.run(line)
        shown = normalise(f"$ {line}\n{text}", self.names)
        if mask:
            head, *rest = shown.splitlines()
            shown = "\n".join([head] + [re.sub(mask, "<n>", row) for row in rest])
        if os.environ.get("REGEN"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(shown + "\n")
        want = file.read_text().rstrip("\n") if file.exists() else ""
        self.t.ok(got == status and shown == want, f"{name}: {shown.splitlines()[0]}", f"status {got}\n{shown}\n---- wanted ----\n{want}")
        return text


def chosen(*parts: Callable[[], None]) -> list[Callable[[], None]]:
    """Those that the command line names; all, if it names none."""
    return [part for part in parts if not sys.argv[1:] or part.__name__ in sys.argv[1:]]


def first_id(table: str) -> str:
    return re.search(r"^\| (\d+) ", table, re.MULTILINE)[1]


def cell(table: str, name: str) -> str:
    return re.search(rf"^\| {re.escape(name)} +\| (.*?) +\|$", table, re.MULTILINE)[1]
