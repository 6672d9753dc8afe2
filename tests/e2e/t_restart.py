#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of droverd before libvirt was called, while it copies, after the switch; then it is started again, and that is all."""
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Tap
from wait import wait_for

# MiB a second: a guest that dirties more never arrives
BANDWIDTH = 16
BUSY, IDLE = "60:96", "0"
TRIES = 5  # of a kill that races with the daemon
UNDER_WAY = ("accepted", "queued", "preparing", "running", "post-migrating")


class Case:
    def __init__(self, lab: Lab, daemon: Daemon, uuid: str) -> None:
        self.lab, self.daemon, self.uuid = lab, daemon, uuid
        self.seen = 0
        self.source = lab.running_on("vm1")[0]
        self.dest = "h1" if self.source == "h2" else "h2"

    def begin(self) -> None:
        """A migration is asked for."""
        self.seen = len(self.daemon.events)
        self.lab.beat_reset("vm1")
        got = self.daemon.api().live_migrate(self.uuid, self.dest)
        assert got.status == 202, got.fault

    def copying(self) -> None:
        api = self.daemon.api()

        def moved() -> bool:
            found = api.running_migration(self.uuid)
            return bool(found and found["memory_processed_bytes"])
        wait_for(moved, 30, "bytes move")

    def logged(self, **want: object) -> bool:
        """A change of phase since the beginning."""
        return bool(self.daemon.find_event("migration_phase", self.seen, **want))

    def begin_and_kill_at(self, phase: str) -> None:
        """The daemon dies as soon as it logs that phase."""
        def watch(event: dict) -> None:
            if event["event"] == "migration_phase" and event.get("to") == phase:
                self.daemon.signal(signal.SIGKILL)
        self.daemon.watchers.append(watch)
        try:
            self.begin()
            self.daemon.wait_event("end of log", 30, since=self.seen)
        finally:
            self.daemon.watchers.remove(watch)

    def ends_well(self) -> str:
        """After the restart, without a manual step. Return: a note."""
        api = self.daemon.api()
        wait_for(lambda: api.migrations(self.uuid)[0]["status"] not in UNDER_WAY, 60, "the migration ends")
        newest = api.migrations(self.uuid)[0]
        assert newest["status"] == "completed", newest
        server = api.server(self.uuid)
        assert (server["status"], server["OS-EXT-STS:task_state"]) == ("ACTIVE", None), server
        assert server["OS-EXT-SRV-ATTR:host"] == self.dest
        assert self.lab.running_on("vm1") == [self.dest]
        assert self.lab.state(self.source, "vm1") == "", "the source still has a domain"
        beat = self.lab.beat("vm1")
        assert beat["lost"] == 0 and not beat["two_copies"] and beat["reboots"] == 0 and beat["disk_errors"] == 0, beat
        return f"longest gap {beat['longest_gap_ms']:.0f} ms"


def before_call(case: Case) -> None:
    """libvirt is called in the phase "copy" only."""
    case.begin_and_kill_at("prepare")
    if case.logged(to="copy"):
        raise TimeoutError("it was too fast")
    case.daemon.restart()


def host_silent(case: Case) -> None:
    """The same without a race: the destination's libvirtd answers nothing, so the migration cannot come to the copy."""
    libvirtd = case.lab("exec", case.dest, "cat", "/run/libvirtd.pid")
    case.lab("exec", case.dest, "kill", "-STOP", libvirtd)
    try:
        case.begin()
        case.daemon.wait_event("migration_phase", 20, since=case.seen, to="schedule")
        case.daemon.kill()
        assert not case.logged(to="copy")
    finally:
        case.lab("exec", case.dest, "kill", "-CONT", libvirtd)
    case.daemon.start()


def intent_written(case: Case) -> None:
    """The row says "copy"; whether libvirt was called is not known."""
    case.begin_and_kill_at("copy")
    case.daemon.restart()


def while_copying(case: Case) -> None:
    case.lab("dirty", "vm1", BUSY)
    case.begin()
    case.copying()
    case.daemon.restart()
    case.daemon.wait_event("migration_resumed", 20, since=case.seen, phase="copy")
    case.copying()
    case.lab("dirty", "vm1", IDLE)


def after_switch(case: Case) -> None:
    """It is stopped while it copies, so it cannot have noticed that the guest arrived."""
    case.lab("dirty", "vm1", BUSY)
    case.begin()
    case.copying()
    case.daemon.signal(signal.SIGSTOP)
    case.lab("dirty", "vm1", IDLE)
    wait_for(lambda: case.lab.running_on("vm1") == [case.dest] and not case.lab.state(case.source, "vm1"), 60, "the guest arrives")
    case.daemon.kill()
    assert not case.logged(to="finish")
    case.daemon.start()


CASES = [
    # name, what is done up to the restart, how often it may lose its race
    ("before libvirt was called, in the phase prepare", before_call, TRIES),
    ("before libvirt was called, a host being silent", host_silent, 1),
    ("when the intent to call libvirt was just written", intent_written, 1),
    ("while it copies", while_copying, 1),
    ("after the switch", after_switch, 1),
]


def run_case(lab: Lab, daemon: Daemon, uuid: str, until_restart, tries: int) -> str:
    while True:
        if not daemon.proc or daemon.proc.poll() is not None:
            daemon.restart()
        daemon.wait_hosts_up(2)
        case = Case(lab, daemon, uuid)
        try:
            until_restart(case)
            return case.ends_well()
        except TimeoutError:
            tries -= 1
            if tries == 0:
                raise
            daemon.restart()
            case.ends_well()


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-kill") as lab:
        uuid = lab.guest("h1", "vm1", "--mem", "192")
        with Daemon(lab_hosts(lab), lab, {"libvirt": {"live_migration_bandwidth": BANDWIDTH}}, "restart") as daemon:
            for name, until_restart, tries in CASES:
                with t.test(f"killed {name}") as notes:
                    notes.append(run_case(lab, daemon, uuid, until_restart, tries))
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
