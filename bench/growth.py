# SPDX-License-Identifier: Apache-2.0
"""What a migration costs the controller, in fleets of simulated hosts (fleet.c): CPU, memory, and what grows with the fleet.

fleet_growth       The same ten thousand servers, all asked to move at once, on ten hosts and on a thousand: what the hosts add.
fleet_load_growth  Ten thousand servers on a thousand hosts against a hundred on ten: a hundred times the hosts, and the requests
                   under way. What is in work then fits no cache, which is most of it.
fleet_work_growth  The same in instructions, which valgrind counts, and which neither a cache nor other load of the machine changes.
"""
from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from daemon import BUILD

HOSTS, HOSTS_LARGE, HOSTS_QUICK = 10, 1000, 100
SERVERS = 10  # of a host in the fleets that are as crowded
MIGRATIONS, MIGRATIONS_QUICK = 10000, 100
COUNTED, COUNTED_QUICK = 1000, 20
TURNS = 3  # in turn, and of each the best: what else the machine does makes both slower
MEMORY = "sqlite://:memory:"


def measured(hosts: int, servers: int, migrations: int, store: str = MEMORY, every: int = 1,
             under: tuple[str, ...] = ()) -> dict[str, float]:
    argv = [*under, str(BUILD / "bench" / "fleet"), str(hosts), str(servers), str(migrations), store, str(every)]
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
        done = measured(hosts, hosts * SERVERS, migrations, MEMORY, SERVERS,
                        ("valgrind", "--tool=callgrind", "--toggle-collect=measured_turn", f"--callgrind-out-file={out}"))
        totals = [line.split() for line in out.read_text().splitlines() if line.startswith("totals:")]
    return float(totals[0][1]) / done["migrations"]


def cheapest(n: int, fleets: list[tuple[int, int]]) -> list[dict[str, float]]:
    """@fleets: of hosts and servers. Return: of each the best of some turns."""
    turns = [[measured(hosts, servers, n) for hosts, servers in fleets] for _ in range(1 if n == MIGRATIONS_QUICK else TURNS)]
    return [min(of_one, key=lambda got: got["cpu"]) for of_one in zip(*turns)]


def run(quick: bool) -> Iterator[tuple[str, float]]:
    n, counted = (MIGRATIONS_QUICK, COUNTED_QUICK) if quick else (MIGRATIONS, COUNTED)
    hosts_large = HOSTS_QUICK if quick else HOSTS_LARGE
    servers, servers_large = HOSTS * SERVERS, hosts_large * SERVERS
    small, crowd, large = cheapest(n, [(HOSTS, servers), (HOSTS, servers_large), (hosts_large, servers_large)])
    with tempfile.TemporaryDirectory() as folder:
        stored = measured(HOSTS, servers, n, f"sqlite://{Path(folder) / 'drover.sqlite'}")
    yield "fleet_cpu_10", crowd["cpu"]
    yield "fleet_cpu_1000", large["cpu"]
    yield "fleet_growth", large["cpu"] / crowd["cpu"]
    yield "fleet_cpu_small", small["cpu"]
    yield "fleet_load_growth", large["cpu"] / small["cpu"]
    little = instructions(HOSTS, counted)
    yield "fleet_work_small", little / 1e6
    yield "fleet_work_growth", instructions(2 * HOSTS if quick else HOSTS_LARGE, counted) / little
    yield "fleet_poll", large["poll"]
    yield "fleet_cpu_disk", stored["cpu"]
    yield "fleet_queued", small["queued"]
    yield "fleet_ended", stored["ended"]
