# SPDX-License-Identifier: Apache-2.0
"""The time of a live migration from POST to "completed", and of virsh migrate --live --p2p of the same guest, in turns."""
from __future__ import annotations

import statistics
import subprocess
import time
from typing import Iterator

from api import Api
from daemon import Daemon, lab_hosts
from lab import Lab
from wait import wait_for

ROUNDS, ROUNDS_QUICK = 10, 1
LOAD = "10:32"  # MB a second, in a set of so many MB


def by_virsh(lab: Lab, source: str, dest: str) -> float:
    command = ["ip", "netns", "exec", lab.netns, "virsh", "-q", "-c", lab.uri(source), "migrate", "--live", "--p2p", "--persistent",
               "--undefinesource", "vm1", lab.uri(dest), "--migrateuri", f"tcp://{lab('ip', dest)}"]
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return (time.monotonic() - started) * 1000


def by_drover(api: Api, uuid: str, dest: str | None, interval: float = 0.005) -> float:
    before = api.migrations(uuid)
    newest = before[0]["id"] if before else 0

    def done() -> bool:
        found = api.migrations(uuid)[0]
        if found["status"] in ("error", "failed", "cancelled"):
            raise RuntimeError(f"the migration ended as {found['status']}")
        return found["id"] != newest and found["status"] == "completed"
    started = time.monotonic()
    got = api.live_migrate(uuid, dest)
    if got.status != 202:
        raise RuntimeError(got.fault)
    wait_for(done, 60, "the migration is completed", interval)
    return (time.monotonic() - started) * 1000


def settle(api: Api, uuid: str, host: str) -> None:
    """Drover has seen where virsh moved the guest to."""
    wait_for(lambda: api.host_of(uuid) == host and api.server(uuid)["status"] == "ACTIVE", 20, f"the guest is seen at {host}")


def run(quick: bool) -> Iterator[tuple[str, float]]:
    virsh, drover = [], []
    with Lab(2, "bench") as lab:
        uuid = lab.guest("h1", "vm1", "--mem", "192", "--dirty", LOAD)
        with Daemon(lab_hosts(lab), lab, tag="bench") as daemon:
            daemon.wait_hosts_up(2)
            api = daemon.api()
            # each goes in both directions
            for _ in range(ROUNDS_QUICK if quick else ROUNDS):
                virsh.append(by_virsh(lab, "h1", "h2"))
                settle(api, uuid, "h2")
                drover.append(by_drover(api, uuid, "h1"))
                drover.append(by_drover(api, uuid, "h2"))
                virsh.append(by_virsh(lab, "h2", "h1"))
                settle(api, uuid, "h1")
    yield "wall_drover", statistics.median(drover)
    yield "wall_virsh", statistics.median(virsh)
    yield "wall_ratio", statistics.median(drover) / statistics.median(virsh)
