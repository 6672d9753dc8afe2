#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What to do when a migration times out: the last part of "Live-migrate instances", with a guest that dirties more than is copied."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from wait import wait_for

BUSY, IDLE = "60:96", "0"
# MiB a second; without Drover's own ways to bring a migration to its end
NOVA = {"live_migration_bandwidth": 24, "live_migration_policy": "nova"}
SECONDS_PER_GIB = 4  # of a guest that counts as 2 GiB, as each small one does
GAP_MAX_MS = 4000    # what a pause until all is copied exceeds: 96 MB at 24 MiB/s


class Case:
    def __init__(self, lab: Lab, uuid: str, daemon: Daemon) -> None:
        self.lab, self.uuid, self.daemon = lab, uuid, daemon
        daemon.wait_hosts_up(2)
        self.api: Api = daemon.api()
        self.clients = Clients(daemon.openrc)
        self.source = self.api.host_of(uuid)
        self.dest = "h1" if self.source == "h2" else "h2"

    def begin(self) -> int:
        """The guest is busy, and its memory is being copied. Return: the migration."""
        self.lab("dirty", "vm1", BUSY)
        self.lab.beat_reset("vm1")
        self.clients.must(f"nova live-migration {self.uuid}")

        def copying() -> dict | None:
            found = self.api.running_migration(self.uuid)
            return found if found and found["memory_processed_bytes"] else None
        return wait_for(copying, 30, "bytes move")["id"]

    def ends(self, status: str, host: str) -> dict:
        """Return: what was received from the guest meanwhile."""
        wait_for(lambda: self.api.server(self.uuid)["OS-EXT-STS:task_state"] is None, 90, "the migration ends", 0.2)
        newest = self.api.migrations(self.uuid)[0]
        assert newest["status"] == status, newest
        assert self.api.host_of(self.uuid) == host
        wait_for(lambda: self.lab.running_on("vm1") == [host], 10, f"it runs at {host} alone")
        beat = self.lab.beat("vm1")
        assert beat["lost"] == 0 and not beat["two_copies"] and beat["reboots"] == 0 and beat["disk_errors"] == 0, beat
        return beat


def times_out(case: Case) -> str:
    """It is aborted, and the log says what Nova's says."""
    case.begin()
    event = case.daemon.wait_event("migration_timeout", 2 * SECONDS_PER_GIB + 30)
    want = f"live migration not completed after {2 * SECONDS_PER_GIB} sec"
    assert want in str(event), event
    case.ends("cancelled", case.source)
    return want


def post_copy(case: Case) -> str:
    """Where it is permitted, force-complete switches to it and does not pause."""
    mig = case.begin()
    case.clients.must(f"nova live-migration-force-complete {case.uuid} {mig}")
    beat = case.ends("completed", case.dest)
    assert beat["longest_gap_ms"] < GAP_MAX_MS, beat
    return f"longest gap {beat['longest_gap_ms']:.0f} ms"


def auto_converge(case: Case) -> str:
    """QEMU slows the guest down."""
    case.begin()

    def throttle() -> int:
        match = re.search(r"Auto converge throttle:\s+(\d+)", case.lab.virsh(case.source, "domjobinfo", "vm1", check=False))
        return int(match[1]) if match else 0
    percent = wait_for(throttle, 60, "the guest is slowed down", 0.2)
    case.lab("dirty", "vm1", IDLE)
    case.ends("completed", case.dest)
    return f"by {percent} %"


CASES = [
    ("it times out and is aborted", times_out, {"live_migration_completion_timeout": SECONDS_PER_GIB}),
    ("force-complete with post-copy", post_copy, {"live_migration_permit_post_copy": "true"}),
    ("auto-convergence slows the guest", auto_converge, {"live_migration_permit_auto_converge": "true"}),
]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-time") as lab:
        uuid = lab.guest("h1", "vm1", "--mem", "192")
        for name, run, options in CASES:
            with t.test(name) as notes, Daemon(lab_hosts(lab), lab, {"libvirt": {**NOVA, **options}}, "timeout") as daemon:
                notes.append(run(Case(lab, uuid, daemon)))
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
