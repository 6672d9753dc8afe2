# SPDX-License-Identifier: Apache-2.0
"""What this machine can do at the moment (reference.c): figures that depend on the machine are told in that, too."""
from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from daemon import BUILD


def program() -> Path:
    """That of the build that is measured, or of this tree's: an older build has none."""
    own = BUILD / "bench" / "reference"
    return own if own.exists() else Path(__file__).resolve().parents[1] / "build" / "gcc" / "bench" / "reference"


@dataclass
class Machine:
    work_us: float    # CPU time of a unit of work
    commit_us: float  # a durable write of 4 KiB


def machine() -> Machine:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        words = subprocess.run([program(), "work", f"{folder}/file"], check=True, capture_output=True, text=True).stdout.split()
    return Machine(float(words[1]), float(words[3]))


def cpu_us(pid: int) -> float:
    """CPU time of all threads that a process has."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1000


@contextmanager
def server() -> Iterator[tuple[str, int]]:
    """Yields the URL of the least that a server can be, and its process id."""
    with subprocess.Popen([program(), "serve"], stdout=subprocess.PIPE, text=True) as proc:
        try:
            yield f"http://127.0.0.1:{int(proc.stdout.readline())}", proc.pid
        finally:
            proc.terminate()
