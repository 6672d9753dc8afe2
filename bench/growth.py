# SPDX-License-Identifier: Apache-2.0
"""What a migration costs the controller, in fleets of simulated hosts (fleet.c): CPU, memory, and what grows with the fleet.

fleet_growth       Ten thousand servers, all asked to move, ten on their way at once: on 10, 100 and 1,000 hosts. What hosts alone add: the
                   most that a larger fleet costs of a smaller one. (Ten are slower: the simulator goes through a host's domains.)
fleet_load_growth  Ten thousand servers on a thousand hosts, a thousand on their way (busy), against a hundred servers on ten, ten on
                   their way (small). A hundred times everything: what is in work at once fits no cache, which is most of it.
fleet_cost         What a migration of the small fleet costs, in units of work of this machine (reference.c).
fleet_work_growth  The same in instructions, which valgrind counts, and which neither a cache nor other load of the machine changes.
"""
from __future__ import annotations

import subprocess
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Iterator

import reference
from daemon import BUILD

HOSTS, HOSTS_MIDDLE, HOSTS_LARGE = 10, 100, 1000
SERVERS = 10  # of a host, where it is not the hosts alone that differ
AT_ONCE = HOSTS
MIGRATIONS, MIGRATIONS_QUICK = 10000, 100
COUNTED, COUNTED_QUICK = 1000, 20
TURNS = 3  # in turn, and of each the best: what else the machine does makes both slower
MEMORY = "sqlite://:memory:"


def measured(hosts: int, servers: int, migrations: int, store: str = MEMORY, every: int = 1, at_once: int = 0,
             under: tuple[str, ...] = ()) -> dict[str, float]:
    argv = [*under, str(BUILD / "bench" / "fleet"), str(hosts), str(servers), str(migrations), store, str(every), str(at_once)]
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
        done = measured(hosts, hosts * SERVERS, migrations, MEMORY, SERVERS, 0,
                        ("valgrind", "--tool=callgrind", "--toggle-collect=measured_turn", f"--callgrind-out-file={out}"))
        totals = [line.split() for line in out.read_text().splitlines() if line.startswith("totals:")]
    return float(totals[0][1]) / done["migrations"]


def cheapest(n: int, fleets: list[tuple[int, int, int]]) -> list[dict[str, float]]:
    """@fleets: hosts, servers, at once. Return: of each the best of some turns."""
    turns = [[measured(hosts, servers, n, at_once=at_once) for hosts, servers, at_once in fleets]
             for _ in range(1 if n == MIGRATIONS_QUICK else TURNS)]
    return [min(of_one, key=lambda got: got["cpu"]) for of_one in zip(*turns)]


def run(quick: bool) -> Iterator[tuple[str, float]]:
    n, counted = (MIGRATIONS_QUICK, COUNTED_QUICK) if quick else (MIGRATIONS, COUNTED)
    sizes = (HOSTS, 2 * HOSTS, HOSTS_MIDDLE) if quick else (HOSTS, HOSTS_MIDDLE, HOSTS_LARGE)
    servers = sizes[-1] * SERVERS
    before = reference.machine()
    *alike, small, busy = cheapest(n, [(size, servers, AT_ONCE) for size in sizes] +
                                   [(HOSTS, HOSTS * SERVERS, AT_ONCE), (sizes[-1], servers, 0)])
    cpu = [fleet["cpu"] for fleet in alike]
    with tempfile.TemporaryDirectory() as folder:
        stored = measured(HOSTS, HOSTS * SERVERS, n, f"sqlite://{Path(folder) / 'drover.sqlite'}")
    yield from zip(("fleet_cpu_10", "fleet_cpu_100", "fleet_cpu_1000"), cpu)
    yield "fleet_growth", max(after / before for before, after in combinations(cpu, 2))
    yield "fleet_cpu_small", small["cpu"]
    yield "fleet_cost", small["cpu"] / min(before.work_us, reference.machine().work_us)
    yield "fleet_cpu_busy", busy["cpu"]
    yield "fleet_load_growth", busy["cpu"] / small["cpu"]
    little = instructions(HOSTS, counted)
    yield "fleet_work_small", little / 1e6
    yield "fleet_work_growth", instructions(2 * HOSTS if quick else HOSTS_LARGE, counted) / little
    yield "fleet_poll", busy["poll"]
    yield "fleet_cpu_disk", stored["cpu"]
    yield "fleet_queued", small["queued"]
    yield "fleet_ended", stored["ended"]
