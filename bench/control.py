# SPDX-License-Identifier: Apache-2.0
"""What the control plane adds to a migration: POST to "completed" on the simulator, where a copy takes no time."""
from __future__ import annotations

import statistics
from typing import Iterator

from daemon import Daemon
from simulated import HOSTS, fleet, wait_adopted
from wall import by_drover

ROUNDS, ROUNDS_QUICK = 50, 3


def run(quick: bool) -> Iterator[tuple[str, float]]:
    with Daemon(fleet(servers=10), options={"DEFAULT": {"max_concurrent_live_migrations": 0}}, tag="bench") as daemon:
        wait_adopted(daemon, servers=HOSTS * 10)
        api = daemon.api()
        uuid = api.servers()[0]["id"]
        times = [by_drover(api, uuid, None, interval=0.001) for _ in range(ROUNDS_QUICK if quick else ROUNDS)]
        daemon.stop()
    yield "control_plane", statistics.median(times)
