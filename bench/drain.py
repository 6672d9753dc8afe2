# SPDX-License-Identifier: Apache-2.0
"""A drain of a hundred servers of one host on the simulator, from the POST to the plan's end; and what the planner takes for 50,000 servers of 1,000 hosts
(bench/plan.c), the longest of a map, a drain and a rebalancing."""
from __future__ import annotations

import subprocess
import time
from typing import Iterator

from api import Api
from daemon import BUILD, Daemon
from simulated import wait_adopted
from sse import Events

ROUNDS = 3
SERVERS = 100


def drain(api: Api, url: str, hosts: list[str]) -> float:
    with Events(url, api.token, query="type=plan") as events:
        started = time.monotonic()
        got = api.call("POST", "/drover/v1/plans", {"plan": {"kind": "drain", "hosts": hosts, "parallel": SERVERS, "start": True}})
        if got.status != 201:
            raise RuntimeError(got.fault)
        end = events.until(lambda event: event["step"] is None and event["state"] in ("done", "partly", "failed"))
        took = time.monotonic() - started
    if end["state"] != "done":
        raise RuntimeError(str(end))
    return took


def timed() -> float:
    shape = "vcpus=128&memory=1048576&disk=20000&network_disks=1"
    hosts = {f"s{i}": f"sim://s{i}?{shape}{f'&servers={SERVERS}' if i == 1 else ''}" for i in range(1, 11)}
    options = {"DEFAULT": {"max_concurrent_live_migrations": 0, "max_concurrent_inbound_live_migrations": 0}, "api": {"event_history": 65536},
               "filter_scheduler": {"max_instances_per_host": 1000}}
    with Daemon(hosts, options=options, tag="bench") as daemon:
        wait_adopted(daemon, servers=SERVERS)
        took = drain(daemon.api(), daemon.url, ["s1"])
        daemon.stop()
    return took


def planning() -> float:
    words = subprocess.run([BUILD / "bench" / "plan", "1000", "50000"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return max(float(value) for name, value in zip(words[::2], words[1::2]) if name.endswith("_ms"))


def run(quick: bool) -> Iterator[tuple[str, float]]:
    yield "drain_100", min(timed() for _ in range(1 if quick else ROUNDS))
    yield "plan_50000", planning()
