# SPDX-License-Identifier: Apache-2.0
"""The time of a live migration from POST to "completed", and of virsh migrate --live --p2p of the same guest, in turns; what the guest
is stopped for, as libvirt measures it and as its heartbeat shows."""
from __future__ import annotations

import re
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from typing import Iterator

from api import Api
from daemon import Daemon, lab_hosts
from lab import Lab
from wait import wait_for

ROUNDS, ROUNDS_QUICK = 10, 1
LOAD = "10:32"  # MB a second, in a set of so many MB


@dataclass
class Runs:
    """Of one way to migrate, ms."""
    wall: list[float] = field(default_factory=list)
    downtime: list[float] = field(default_factory=list)  # libvirt's
    gap: list[float] = field(default_factory=list)       # the longest between two heartbeats

    def median(self, what: str) -> float:
        return statistics.median(getattr(self, what))


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


def downtime_ms(lab: Lab, host: str) -> float:
    """Of the migration that brought the guest there; asking makes libvirt forget it."""
    text = lab.virsh(host, "domjobinfo", "vm1", "--completed")
    return float(re.search(r"Total downtime:\s+(\d+)", text)[1])


class Pair:
    """The two ways, on the same guest."""

    def __init__(self, lab: Lab, api: Api, uuid: str) -> None:
        self.lab, self.api, self.uuid = lab, api, uuid
        self.virsh, self.drover = Runs(), Runs()

    def move(self, runs: Runs, source: str, dest: str) -> None:
        self.lab.beat_reset("vm1")
        if runs is self.virsh:
            runs.wall.append(by_virsh(self.lab, source, dest))
            runs.downtime.append(downtime_ms(self.lab, dest))
        else:
            runs.wall.append(by_drover(self.api, self.uuid, dest))
            newest = self.api.migrations(self.uuid)[0]["id"]
            runs.downtime.append(self.api.get(f"/drover/v1/migrations/{newest}", None)["migration"]["progress"]["downtime_ms"])
        settle(self.api, self.uuid, dest)
        runs.gap.append(self.lab.beat("vm1")["longest_gap_ms"])

    def round(self) -> None:
        """Each goes in both directions."""
        self.move(self.virsh, "h1", "h2")
        self.move(self.drover, "h2", "h1")
        self.move(self.drover, "h1", "h2")
        self.move(self.virsh, "h2", "h1")

    def figures(self) -> Iterator[tuple[str, float]]:
        for what in ("wall", "downtime", "gap"):
            drover, virsh = self.drover.median(what), self.virsh.median(what)
            yield f"{what}_drover", drover
            yield f"{what}_virsh", virsh
            yield f"{what}_ratio", drover / max(virsh, 1)


def run(quick: bool) -> Iterator[tuple[str, float]]:
    with Lab(2, "bench") as lab:
        uuid = lab.guest("h1", "vm1", "--mem", "192", "--dirty", LOAD, "--interval", "10")
        with Daemon(lab_hosts(lab), lab, tag="bench") as daemon:
            daemon.wait_hosts_up(2)
            pair = Pair(lab, daemon.api(), uuid)
            for _ in range(ROUNDS_QUICK if quick else ROUNDS):
                pair.round()
    yield from pair.figures()
