# SPDX-License-Identifier: Apache-2.0
"""A local disk to another host, over a link of 800 Mbit/s: a cold migration of a server that is off, from the end of its wait to VERIFY_RESIZE,
against rsync --sparse over ssh and qemu-img convert to qemu-nbd, which copy the same file on the same link in turns.

carry_*_wire: bytes that left the source for each byte that its file takes. DROVER_BENCH_TRACE=1 prints each run, and how long each phase was.
"""
from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import dataclass, field
from typing import Iterator

from daemon import Daemon, lab_hosts
from lab import Lab
from wait import wait_for

RATE = "800mbit"
SIZES = {"200m": ("1G", "200M"), "1g": ("3G", "1G")}  # figure -> the disk's size, its data
QUICK = {"200m": ("64M", "8M"), "1g": ("128M", "16M")}
ROUNDS = {"200m": 6, "1g": 4}                         # each way goes so often, as often in each direction
FOLDER = "/var/lib/libvirt/drover/instances"
COPY = f"{FOLDER}/copy.qcow2"
SSH = "ssh -F /dev/null -i /run/bench/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
SSHD = ("/usr/sbin/sshd -f /dev/null -h /run/bench/key -o AuthorizedKeysFile=/run/bench/key.pub -o StrictModes=no -o PidFile=none"
        " -o UsePAM=no -o Subsystem='sftp internal-sftp'")
TRACE = bool(os.environ.get("DROVER_BENCH_TRACE"))


@dataclass
class Runs:
    """Of one way."""
    seconds: list[float] = field(default_factory=list)
    wire: list[float] = field(default_factory=list)

    def median(self) -> float:
        return statistics.median(self.seconds)


class Road:
    """Two hosts, and what peers need on them."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.address = {host: lab("ip", host) for host in lab.hosts}
        key = ""
        for host in lab.hosts:
            lab("shape", host, RATE)
            # the same key for both, and of both: it opens nothing else
            make = "ssh-keygen -q -t ed25519 -N '' -f /run/bench/key" if not key else f"printf '%s\n' '{key}' > key; ssh-keygen -y -f key > key.pub"
            self.sh(host, f"umask 077; mkdir -p /run/sshd /run/bench; cd /run/bench; {make}; {SSHD}")
            key = key or self.sh(host, "cat /run/bench/key")

    def sh(self, host: str, script: str) -> str:
        return self.lab("exec", host, "sh", "-ec", script)

    def sent(self, host: str) -> int:
        return int(self.sh(host, "cat /sys/class/net/eth0/statistics/tx_bytes"))

    def timed(self, host: str, script: str) -> float:
        """Without what it takes to come there."""
        return int(self.sh(host, f"begun=$(date +%s%N); {script} >&2; echo $(($(date +%s%N) - begun))")) / 1e9

    def rsync(self, source: str, dest: str, path: str) -> float:
        return self.timed(source, f"rsync --sparse -e '{SSH}' {path} root@{self.address[dest]}:{COPY}")

    def nbd(self, source: str, dest: str, path: str) -> float:
        size = self.sh(source, f"qemu-img info -U --output=json {path} | tr -d ' ,' | sed -n 's/^\"virtual-size\"://p'").split()[-1]
        self.sh(dest, f"qemu-img create -q -f qcow2 {COPY} {size}; qemu-nbd --fork --discard=unmap -f qcow2 -x copy {COPY}")
        return self.timed(source, f"qemu-img convert -n -W -f qcow2 -O raw {path} nbd://{self.address[dest]}/copy")


class Case:
    def __init__(self, road: Road, daemon: Daemon, guest: str, uuid: str) -> None:
        self.road, self.daemon, self.guest, self.uuid = road, daemon, guest, uuid
        self.api = daemon.api()
        self.path = f"{FOLDER}/{guest}.qcow2"
        self.phases: list[tuple[str, float]] = []
        daemon.watchers.append(self._heard)

    def _heard(self, event: dict) -> None:
        if event["event"] == "migration_phase" and event.get("server") == self.uuid:
            self.phases.append((event["to"], time.monotonic()))

    def act(self, **action: object) -> None:
        got = self.api.call("POST", f"/v2.1/servers/{self.uuid}/action", action, mv="2.96")
        if got.status not in (202, 204):
            raise RuntimeError(f"{action}: {got.status} {got.fault}")

    def reaches(self, phase: str) -> None:
        wait_for(lambda: any(name in (phase, "failed", "error") for name, _ in self.phases), 600, f"the migration is in {phase}", 0.01)
        if self.phases[-1][0] != phase:
            raise RuntimeError(f"{self.api.migrations(self.uuid)[0]} {self.phases}")

    def drover(self, source: str, dest: str, path: str) -> float:
        del source, path
        self.phases.clear()
        self.act(migrate={"host": dest})
        self.reaches("verify")
        at = dict(self.phases)
        if TRACE:
            steps = zip(self.phases, self.phases[1:])
            print(" ".join(f"{name} {end - begun:.3f}" for (name, begun), (_, end) in steps), file=sys.stderr)
        return at["verify"] - at["stop"]

    def confirm(self, source: str) -> None:
        """The source has forgotten it."""
        self.act(confirmResize=None)
        self.reaches("confirmed")
        wait_for(lambda: self.road.sh(source, f"ls {FOLDER}").find(f"{self.guest}.qcow2") < 0, 60, "its file is gone")

    def one(self, runs: Runs, way: str, go: object, source: str, dest: str) -> None:
        taken = int(self.road.sh(source, f"du -B1 {self.path}").split()[0])
        self.road.sh(dest, "sync")
        before = self.road.sent(source)
        runs.seconds.append(go(source, dest, self.path))
        runs.wire.append((self.road.sent(source) - before) / taken)
        if TRACE:
            print(f"{self.guest} {way} {source}: {runs.seconds[-1]:.3f} s, {taken} bytes, wire {runs.wire[-1]:.4f}", file=sys.stderr)

    def round(self, ways: dict[str, Runs], source: str, dest: str) -> None:
        for way, go in (("rsync", self.road.rsync), ("nbd", self.road.nbd)):
            self.one(ways[way], way, go, source, dest)
            self.road.sh(dest, f"rm {COPY}")
        self.one(ways["carry"], "carry", self.drover, source, dest)
        self.confirm(source)


def figures(name: str, ways: dict[str, Runs]) -> Iterator[tuple[str, float]]:
    carry = ways["carry"]
    for way, runs in ways.items():
        yield f"{way}_{name}", runs.median()
    yield f"carry_{name}_rsync", carry.median() / ways["rsync"].median()
    yield f"carry_{name}_nbd", carry.median() / ways["nbd"].median()
    yield f"carry_{name}_wire", statistics.median(carry.wire)


def run(quick: bool) -> Iterator[tuple[str, float]]:
    with Lab(2, "bench-carry") as lab:
        uuids = {name: lab.guest("h1", f"vm-{name}", "--mem", "96", "--disk", f"local:{size}:{data}")
                 for name, (size, data) in (QUICK if quick else SIZES).items()}
        road = Road(lab)
        for name in uuids:
            lab.virsh("h1", "destroy", f"vm-{name}")
        with Daemon(lab_hosts(lab), lab, tag="bench") as daemon:
            daemon.wait_hosts_up(2)
            for name, uuid in uuids.items():
                case = Case(road, daemon, f"vm-{name}", uuid)
                wait_for(lambda case=case: case.api.server(case.uuid)["status"] == "SHUTOFF", 60, "it is off")
                ways = {"carry": Runs(), "rsync": Runs(), "nbd": Runs()}
                for _ in range(1 if quick else ROUNDS[name] // 2):
                    case.round(ways, "h1", "h2")
                    case.round(ways, "h2", "h1")
                yield from figures(name, ways)
            daemon.stop()
