#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each step of OpenStack's "Live-migrate instances" by the stock clients, on real hosts, as an operator types it.

What they print is compared with golden/NN-*.txt; REGEN=1 writes these. One command differs from the text: python3-openstackclient
6.0.0 has no "server migrate --live HOST" any more, its successor is "--live-migration --host HOST" (2.30 and later; droverd's
credentials file lets the client use the highest version that both know).
"""
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from transcript import Transcript, cell, first_id
from wait import wait_for

BYTES = r"(?<=\| )\d{4,}(?= \|)"
# MiB a second: a guest that dirties more never arrives
BANDWIDTH = 16
BUSY, IDLE = "60:96", "0"


class Story:
    """The steps, in the order of the text."""

    def __init__(self, t: Tap, lab: Lab, daemon: Daemon, vm1: str, names: dict[str, str]) -> None:
        self.t, self.lab, self.vm1 = t, lab, vm1
        self.api = daemon.api()
        self.say = Transcript(t, Clients(daemon.openrc), names).step

    def arrives(self, host: str) -> None:
        with self.t.test(f"it arrives at {host}, and is there alone"):
            wait_for(lambda: self.api.server(self.vm1)["status"] == "ACTIVE", 60, "the server is ACTIVE")
            assert self.api.host_of(self.vm1) == host
            assert self.api.migrations(self.vm1)[0]["status"] == "completed"
            assert self.lab.running_on("vm1") == [host]

    def copying(self, more_than: int = 0) -> int:
        """How many bytes were moved, once more were."""
        def moved() -> int:
            found = self.api.running_migration(self.vm1)
            now = found["memory_processed_bytes"] or 0 if found else 0
            return now if now > more_than else 0
        return wait_for(moved, 30, f"more than {more_than} bytes move")

    def manual(self) -> None:
        self.say("server list", "openstack server list")
        self.say("server show", f"openstack server show {self.vm1}")
        self.say("service list", "openstack compute service list")
        self.say("host show", "openstack host show h2", mask=r"(?<=\| )\d+(?= \|)")
        self.say("migrate to a host", f"openstack server migrate --live-migration --host h2 {self.vm1}")
        self.arrives("h2")
        self.say("host changed", f"openstack server show {self.vm1} -c OS-EXT-SRV-ATTR:host -c status")
        self.say("nova to a host", f"nova live-migration {self.vm1} h1")
        self.arrives("h1")

    def automatic(self) -> None:
        self.say("automatic", f"nova live-migration {self.vm1}")
        self.arrives("h2")
        self.say("automatic and wait", "openstack server migrate --live-migration --wait vm1")
        self.arrives("h1")

    def monitoring(self) -> str:
        self.lab("dirty", "vm1", BUSY)
        self.say("of a busy guest", f"nova live-migration {self.vm1}")
        before = self.copying()
        self.say("MIGRATING", f"openstack server show {self.vm1} -c status -c OS-EXT-STS:task_state -c OS-EXT-SRV-ATTR:host")
        mig = first_id(self.say("migration list", f"nova server-migration-list {self.vm1}", mask=BYTES))
        shown = self.say("migration show", f"nova server-migration-show {self.vm1} {mig}", mask=BYTES)
        with self.t.test("the byte counts move") as notes:
            processed = int(cell(shown, "memory_processed_bytes"))
            counts = [before, processed, self.copying(processed)]
            notes.append(", ".join(f"{count >> 20} MiB" for count in counts))
            assert before <= processed
            assert int(cell(shown, "memory_total_bytes")) >= int(cell(shown, "memory_remaining_bytes")) > 0
        return mig

    def abort(self, mig: str) -> None:
        self.say("abort", f"nova live-migration-abort {self.vm1} {mig}")
        with self.t.test("it stays at h1, and is there alone"):
            wait_for(lambda: self.api.server(self.vm1)["status"] == "ACTIVE", 30, "the server is ACTIVE")
            assert self.api.host_of(self.vm1) == "h1"
            wait_for(lambda: self.lab.running_on("vm1") == ["h1"] and not self.lab.state("h2", "vm1"), 10, "h2 is clean")
        self.say("cancelled", f"openstack server migration list --server {self.vm1} --status cancelled"
                 " -c Status -c Type -c 'Source Compute' -c 'Dest Compute' -c 'Server UUID'")
        self.say("nothing to abort", f"nova live-migration-abort {self.vm1} {mig}", status=1)

    def force(self) -> None:
        self.say("again", f"nova live-migration {self.vm1} h2")
        self.copying()
        mig = first_id(self.say("again list", f"nova server-migration-list {self.vm1}", mask=BYTES))
        self.say("force-complete", f"nova live-migration-force-complete {self.vm1} {mig}")
        self.arrives("h2")

    def afterwards(self) -> None:
        self.lab("dirty", "vm1", IDLE)
        self.say("servers of h1", "openstack server list --host h1")
        self.say("servers of h2", "openstack server list --host h2")
        self.say("actions", f"openstack server event list {self.vm1} -c Action -c 'Server ID'")
        self.say("all migrations", f"openstack server migration list --server {self.vm1}"
                 " -c Status -c Type -c 'Source Compute' -c 'Dest Compute'")
        with self.t.test("one copy ran at any time") as notes:
            beat = self.lab.beat("vm1")
            notes.append(f"longest gap {beat['longest_gap_ms']:.0f} ms")
            notes.append("where force-complete paused it")
            assert not beat["two_copies"] and beat["reboots"] == 0 and beat["disk_errors"] == 0, beat

    def reset(self) -> None:
        """By each client's word for it."""
        self.say("set to error", f"openstack server set --state error {self.vm1}")
        self.say("in error", f"openstack server show {self.vm1} -c status -c OS-EXT-STS:vm_state -c OS-EXT-STS:power_state")
        self.say("reset to active", f"nova reset-state --active {self.vm1}")
        with self.t.test("it is ACTIVE again, and its guest knows nothing of it"):
            assert self.api.server(self.vm1)["status"] == "ACTIVE"
            assert self.lab.running_on("vm1") == ["h2"]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-text") as lab:
        vm1 = lab.guest("h1", "vm1", "--mem", "192", "--qga", "yes")
        options = {"libvirt": {"live_migration_bandwidth": BANDWIDTH}}
        with Daemon(lab_hosts(lab), lab, options, "transcript") as daemon:
            daemon.wait_hosts_up(2)
            vm2 = lab.guest("h1", "vm2", "--qga", "yes")
            daemon.wait_event("server_adopted", 20, server=vm2)
            # seeds: private=a.b.c.d
            for uuid in (vm1, vm2):
                wait_for(lambda: daemon.api().server(uuid)["addresses"]["br0"], 60, "the guest's address is known", 0.5)
            # the controller is named in cells only
            names = {vm1: "<vm1>", vm2: "<vm2>", f"| {socket.gethostname()} ": "| <controller> "}
            story = Story(t, lab, daemon, vm1, names)
            story.manual()
            story.automatic()
            story.abort(story.monitoring())
            story.force()
            story.afterwards()
            story.reset()
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
