# SPDX-License-Identifier: Apache-2.0
"""What a migration costs the controller, in a fleet of ten simulated hosts and of a thousand (fleet.c): CPU, its growth, memory.

The processor's time grows for two reasons: there is more to do, and a thousand hosts with as many migrations under way fit no
cache. fleet_work_growth is the first alone, in instructions, which valgrind counts and no other load of the machine disturbs.
"""
from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from daemon import BUILD

SMALL, LARGE = 10, 1000
MIGRATIONS, MIGRATIONS_QUICK = 10000, 100
COUNTED, COUNTED_QUICK = 1000, 20
TURNS = 3  # in turn, and of each the best: what else the machine does makes both slower
MEMORY = "sqlite://:memory:"


def measured(hosts: int, migrations: int, store: str, every: int = 1, under: tuple[str, ...] = ()) -> dict[str, float]:
    argv = [*under, str(BUILD / "bench" / "fleet"), str(hosts), str(migrations), store, str(every)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    words = said.split()
    figures = dict(zip(words[::2], map(float, words[1::2])))
    if figures["failed"]:
        raise RuntimeError(f"migrations have failed: {said}")
    return figures


def instructions(hosts: int, migrations: int) -> float:
    """Return: of a migration. Counting is slow: in a turn one server of each host moves."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        done = measured(hosts, migrations, MEMORY, 10,
                        ("valgrind", "--tool=callgrind", "--toggle-collect=measured_turn", f"--callgrind-out-file={out}"))
        totals = [line.split() for line in out.read_text().splitlines() if line.startswith("totals:")]
    return float(totals[0][1]) / done["migrations"]


def run(quick: bool) -> Iterator[tuple[str, float]]:
    n = MIGRATIONS_QUICK if quick else MIGRATIONS
    large_hosts = 10 * SMALL if quick else LARGE
    turns = [(measured(SMALL, n, MEMORY), measured(large_hosts, n, MEMORY)) for _ in range(1 if quick else TURNS)]
    small, large = (min((turn[size] for turn in turns), key=lambda got: got["cpu"]) for size in (0, 1))
    with tempfile.TemporaryDirectory() as folder:
        stored = measured(SMALL, n, f"sqlite://{Path(folder) / 'drover.sqlite'}")
    yield "fleet_cpu_10", small["cpu"]
    yield "fleet_cpu_1000", large["cpu"]
    yield "fleet_growth", large["cpu"] / small["cpu"]
    counted = COUNTED_QUICK if quick else COUNTED
    little = instructions(SMALL, counted)
    yield "fleet_work_10", little / 1e6
    yield "fleet_work_growth", instructions(2 * SMALL if quick else LARGE, counted) / little
    yield "fleet_cpu_disk", stored["cpu"]
    yield "fleet_queued", stored["queued"]
    yield "fleet_ended", stored["ended"]
