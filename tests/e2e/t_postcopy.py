#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A post-copy breaks: the cable is out, or its connection is given up; the guest ends up whole at the destination."""
import sys
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Skip, Tap
from wait import wait_for

BUSY, IDLE = "60:48", "0"
# MiB a second: a guest that dirties more never arrives without post-copy
OPTIONS = {"libvirt": {"live_migration_bandwidth": 24, "live_migration_policy": "nova", "live_migration_permit_post_copy": "true"}}
HELD, RELEASED = "1", "1000"  # MiB a second, before and after the switch; pages that the guest asks for come at once
TRIES = 3  # of a post-copy that was over before it could be broken
STATUS = "running (post-copy)"
BROKEN = "post-copy broken: waiting for the link"


class Over(Exception):
    """The post-copy had ended before it could be broken."""


class Case:
    def __init__(self, lab: Lab, uuid: str, daemon: Daemon) -> None:
        self.lab, self.uuid, self.daemon = lab, uuid, daemon
        daemon.wait_hosts_up(2)
        self.api, self.clients = daemon.api(), Clients(daemon.openrc)
        self.seen = len(daemon.events)
        self.source = self.api.host_of(uuid)
        self.dest = "h1" if self.source == "h2" else "h2"

    def speed(self, mibs: str, *more: str) -> None:
        self.lab.virsh(self.source, "migrate-setspeed", "vm1", mibs, *more, check=False)

    def to_postcopy(self) -> None:
        """
        The guest runs at the destination, and what it had dirtied is at the source. That lasts, however slow this machine is: the
        guest touches little of it, and the rest is not sent faster than HELD.
        """
        self.lab("dirty", "vm1", BUSY)
        self.lab.beat_reset("vm1")
        self.clients.must(f"nova live-migration {self.uuid} {self.dest}")

        def copying() -> dict | None:
            found = self.api.running_migration(self.uuid)
            return found if found and found["memory_processed_bytes"] else None
        mig = wait_for(copying, 30, "bytes move")["id"]
        self.speed(HELD)
        self.speed(HELD, "--postcopy")
        self.lab("dirty", "vm1", IDLE)
        self.clients.must(f"nova live-migration-force-complete {self.uuid} {mig}")
        wait_for(lambda: self.lab.virsh(self.dest, "domstate", "--reason", "vm1", check=False) == "running (post-copy)", 60,
                 "the guest runs at the destination")

    def half(self) -> str:
        """The source's, which stays until the end."""
        return self.lab.virsh(self.source, "domstate", "--reason", "vm1", check=False)

    def expect_halfway(self) -> None:
        if not self.half().startswith("paused (post-copy"):
            raise Over

    def hangs(self) -> bool:
        """The destination's main thread waits for a page that no connection brings, and so hears no monitor."""
        return self.half() == "paused (post-copy failed)" and "userfault" in self.lab.qemu_waits_in(self.dest, "vm1")

    def final(self) -> bool:
        return self.api.server(self.uuid)["OS-EXT-STS:task_state"] is None

    def newest(self) -> dict:
        return self.api.migrations(self.uuid)[0]

    def broken(self) -> None:
        """It is told once, and nothing but the end may come."""
        self.daemon.wait_event("migration_alarm", 60, since=self.seen, what="postcopy-broken")
        assert self.newest()["status"] == STATUS, self.newest()
        got = self.api.call("DELETE", f"/v2.1/servers/{self.uuid}/migrations/{self.newest()['id']}", mv="2.96")
        assert got.status == 400 and STATUS in got.fault, got.fault

    def ends_well(self, cut: bool = False) -> str:
        """@cut: what the guest sent while the cable was out did not come."""
        self.speed(RELEASED, "--postcopy")
        wait_for(self.final, 150, "the migration ends", 0.2)
        assert self.newest()["status"] == "completed", self.newest()
        assert self.api.host_of(self.uuid) == self.dest
        assert self.lab.running_on("vm1") == [self.dest]
        assert self.lab.state(self.source, "vm1") == "", "the source still has a domain"
        beat = self.lab.beat("vm1")
        assert (cut or beat["lost"] == 0) and not beat["two_copies"] and beat["reboots"] == 0 and beat["disk_errors"] == 0, beat
        return f"longest gap {beat['longest_gap_ms']:.0f} ms"

    def story(self) -> list[str]:
        """Why the row changed while it copied; what was wrong is over."""
        found = self.api.get(f"/drover/v1/migrations/{self.newest()['id']}")["migration"]
        assert not found["error"], found
        return [event["why"] for event in found["events"] if event["to"] == "copy"]


def cut_and_mended(case: Case) -> str:
    """Long enough for libvirt to give up; the daemon is killed meanwhile."""
    case.to_postcopy()
    case.lab("cut", case.dest)
    case.expect_halfway()
    case.broken()
    case.daemon.restart()
    case.api = case.daemon.api()
    assert case.newest()["status"] == STATUS, case.newest()
    case.lab("mend", case.dest)
    note = case.ends_well(cut=True)
    assert case.story().count(BROKEN) == 1, case.story()
    return note


def resumed(case: Case) -> str:
    """The connection is given up at the source by hand; both halves wait to be resumed."""
    case.to_postcopy()
    # with what it always touches at the destination, QEMU itself hardly ever waits for a page
    begin = case.lab.beat("vm1")["disk_seq"]
    wait_for(lambda: case.lab.beat("vm1")["disk_seq"] >= begin + 3, 30, "the guest works at the destination")
    case.lab.virsh(case.source, "domjobabort", "--postcopy", "vm1", check=False)
    case.expect_halfway()
    wait_for(lambda: case.daemon.find_event("postcopy_recovery", case.seen, act="resume") or case.hangs(), 30, "droverd resumes it")
    case.speed(RELEASED, "--postcopy")
    wait_for(lambda: case.final() or case.hangs(), 150, "it goes on")
    if not case.final():
        raise Skip("the destination's QEMU hangs: its main thread waits for a page (docs/POSTCOPY.md)")
    note = case.ends_well()
    assert "resuming the post-copy" in case.story(), case.story()
    return note


def tried(lab: Lab, uuid: str, daemon: Daemon, run: Callable[[Case], str]) -> str:
    """Again where the post-copy was over before it could be broken."""
    for _ in range(TRIES):
        case = Case(lab, uuid, daemon)
        try:
            return run(case)
        except Over:
            lab("mend", case.dest)
            case.ends_well(cut=True)
    raise Over(f"{TRIES} times")


CASES = [("the cable is out and in again, droverd is killed", cut_and_mended), ("given up at the source, and resumed", resumed)]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-post") as lab:
        uuid = lab.guest("h1", "vm1", "--mem", "128")
        with Daemon(lab_hosts(lab), lab, OPTIONS, "postcopy") as daemon:
            for name, run in CASES:
                with t.test(f"post-copy: {name}") as notes:
                    notes.append(tried(lab, uuid, daemon, run))
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
