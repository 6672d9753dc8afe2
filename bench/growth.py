# SPDX-License-Identifier: Apache-2.0
"""What a migration costs the controller, in a fleet of ten simulated hosts and of a thousand (fleet.c): CPU, its growth, memory.

A thousand hosts do not fit the processor's caches as ten do. How much that is shows in the poll of a host, which does the same in
every fleet: fleet_growth_net is the growth of a migration against the growth of a poll.
"""
from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Iterator

from daemon import BUILD

SMALL, LARGE = 10, 1000
MIGRATIONS, MIGRATIONS_QUICK = 10000, 100
MEMORY = "sqlite://:memory:"


def measured(hosts: int, migrations: int, store: str) -> dict[str, float]:
    said = subprocess.run([BUILD / "bench" / "fleet", str(hosts), str(migrations), store], capture_output=True, text=True, check=True).stdout
    words = said.split()
    figures = dict(zip(words[::2], map(float, words[1::2])))
    if figures["failed"]:
        raise RuntimeError(f"migrations have failed: {said}")
    return figures


def run(quick: bool) -> Iterator[tuple[str, float]]:
    n = MIGRATIONS_QUICK if quick else MIGRATIONS
    large_hosts = 10 * SMALL if quick else LARGE
    small, large = measured(SMALL, n, MEMORY), measured(large_hosts, n, MEMORY)
    with tempfile.TemporaryDirectory() as folder:
        stored = measured(SMALL, n, f"sqlite://{Path(folder) / 'drover.sqlite'}")
    yield "fleet_cpu_10", small["cpu"]
    yield "fleet_cpu_1000", large["cpu"]
    growth, poll = large["cpu"] / small["cpu"], large["poll"] / small["poll"]
    yield "fleet_growth", growth
    yield "fleet_growth_poll", poll
    yield "fleet_growth_net", growth / poll
    yield "fleet_cpu_disk", stored["cpu"]
    yield "fleet_queued", stored["queued"]
    yield "fleet_ended", stored["ended"]
