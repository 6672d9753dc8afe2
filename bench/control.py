# SPDX-License-Identifier: Apache-2.0
"""What the control plane adds to a migration: POST to "completed" on the simulator, where a copy takes no time.

control_cost: what it costs the daemon in CPU time, in units of work of this machine at that moment (reference.c).
"""
from __future__ import annotations

import statistics
import time
from typing import Iterator

import reference
from api import Api
from daemon import Daemon
from simulated import HOSTS, fleet, wait_adopted
from sse import Events

ROUNDS, ROUNDS_QUICK = 50, 3


def timed(api: Api, events: Events, uuid: str) -> float:
    started = time.monotonic()
    got = api.live_migrate(uuid)
    if got.status != 202:
        raise RuntimeError(got.fault)
    end = events.until(lambda event: event["final"])
    if end["status"] != "completed":
        raise RuntimeError(str(end))
    return (time.monotonic() - started) * 1000


def run(quick: bool) -> Iterator[tuple[str, float]]:
    rounds = ROUNDS_QUICK if quick else ROUNDS
    with Daemon(fleet(servers=10), options={"DEFAULT": {"max_concurrent_live_migrations": 0}}, tag="bench") as daemon:
        wait_adopted(daemon, servers=HOSTS * 10)
        api = daemon.api()
        uuid = api.servers()[0]["id"]
        with Events(daemon.url, api.token, query=f"type=migration&server={uuid}") as events:
            before, begun_us = reference.machine(), reference.cpu_us(daemon.proc.pid)
            times = [timed(api, events, uuid) for _ in range(rounds)]
            cost_us = (reference.cpu_us(daemon.proc.pid) - begun_us) / rounds
        unit_us = min(before.work_us, reference.machine().work_us)
        daemon.stop()
    yield "control_plane", statistics.median(times)
    yield "control_cost", cost_us / unit_us
