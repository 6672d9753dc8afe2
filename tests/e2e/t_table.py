#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What a restart does, row by row of the table in docs/ARCHITECTURE.md, on real hosts.

droverd is killed while it copies, the two hosts are brought to what the row says (virsh says so before the restart, and droverd
after it), it is started again, and what becomes of the record and the guest is the row's last column.

How hosts come to what they never do by themselves: libvirtd writes a migration's phase to a file, and one that is killed and
started finds it there. With a QEMU that is stopped it cannot clean up what it finds. Two rows need a person: a guest that runs
twice is started by hand, and one that is nowhere is destroyed and undefined by hand.

Where the link is out, the row "post-copy failed | running" is proved by t_postcopy.py.
"""
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Skip, Tap
from wait import wait_for

BUSY, IDLE = "60:48", "0"
# MiB a second. What droverd sees of the hosts is in its debug log.
OPTIONS = {"DEFAULT": {"debug": "true"}, "libvirt": {"live_migration_bandwidth": 16, "live_migration_permit_post_copy": "true"}}
ANSWER_S = "30"  # a host that is silent for so long cannot be reached
# MiB a second, told to libvirt by hand: what copies lasts; what is in post-copy too, and pages that the guest asks for come at once
HELD, RELEASED = "1", "1000"
INSTANCES = "/var/lib/libvirt/drover/instances"
SHARED, COPIED, DISKLESS = "vm1", "vm2", "vm3"


class Case:
    def __init__(self, lab: Lab, daemon: Daemon, guest: str, uuid: str) -> None:
        self.lab, self.daemon, self.guest, self.uuid = lab, daemon, guest, uuid
        daemon.wait_hosts_up(2)
        self.api = daemon.api()
        self.source = self.api.host_of(uuid)
        self.dest = "h1" if self.source == "h2" else "h2"
        self.seen = 0  # events before the kill

    # ---- up to the kill ----

    def copy_and_kill(self) -> None:
        """It copies, and goes on doing so."""
        self.lab.beat_reset(self.guest)
        self.lab("dirty", self.guest, BUSY)
        got = self.api.live_migrate(self.uuid, self.dest)
        assert got.status == 202, got.fault

        def moved() -> bool:
            found = self.api.running_migration(self.uuid)
            return bool(found and found["memory_processed_bytes"])
        wait_for(moved, 30, "bytes move")
        self.daemon.kill()
        self.speed(HELD)
        self.seen = len(self.daemon.events)

    # ---- what is done to the hosts ----

    def virsh(self, host: str, *words: str, check: bool = True) -> str:
        return self.lab.virsh(host, *words, check=check)

    def speed(self, mibs: str, *more: str) -> None:
        self.virsh(self.source, "migrate-setspeed", self.guest, mibs, *more)

    def signal(self, host: str, name: str, pidfile: str) -> None:
        self.lab("exec", host, "sh", "-c", f"kill -{name} $(cat {pidfile})")

    def signal_qemu(self, host: str, name: str) -> None:
        self.signal(host, name, f"/run/libvirt/qemu/{self.guest}.pid")

    def signal_libvirtd(self, host: str, name: str) -> None:
        self.signal(host, name, "/run/libvirtd.pid")

    def restart_libvirtd(self, host: str) -> None:
        self.lab("kill-libvirtd", host)
        self.start_libvirtd(host)

    def start_libvirtd(self, host: str) -> None:
        self.lab("start-libvirtd", host)
        wait_for(lambda: self.virsh(host, "version", check=False), 20, f"libvirtd of {host} answers")

    def idle(self) -> None:
        self.lab("dirty", self.guest, IDLE)

    # ---- what the hosts say ----

    def half(self, host: str) -> str:
        """As virsh domstate has it, "absent", or "unreachable"."""
        try:
            names = self.lab("exec", "ctl", "timeout", ANSWER_S, "virsh", "-q", "-c", self.lab.uri(host), "list", "--all", "--name")
        except RuntimeError:
            return "unreachable"
        return self.virsh(host, "domstate", "--reason", self.guest, check=False) if self.guest in names.split() else "absent"

    def has_job(self, host: str) -> bool:
        """An outgoing one."""
        return "Outgoing" in self.virsh(host, "domjobinfo", self.guest)

    def until(self, host: str, want: str) -> None:
        last = ""

        def is_so() -> bool:
            nonlocal last
            last = self.half(host)
            return fnmatchcase(last, want)
        try:
            wait_for(is_so, 60, f"the half at {host} is {want}")
        except TimeoutError as why:
            raise TimeoutError(f"{why}; it is {last}") from None

    def phase(self) -> str:
        """Of libvirt's migration, as the source's libvirtd has written it."""
        return self.lab("exec", self.source, "sh", "-c", f"grep -o \"phase='[a-z0-9_]*'\" /run/libvirt/qemu/{self.guest}.xml", check=False)

    def qemus(self, host: str) -> int:
        return len(self.lab("exec", host, "pgrep", "-f", f"qemu-system.*guest={self.guest},", check=False).split())

    # ---- after the restart ----

    def probed(self, want: tuple[str, str, str], since: int = 0) -> None:
        """droverd sees both halves so, and reads that from the table."""
        def seen() -> list[str]:
            events = [e for e in self.daemon.events[since or self.seen:] if e["event"] == "migration_probed"]
            return [e["verdict"] for e in events if all(fnmatchcase(e[k], w) for k, w in zip(("source", "dest", "verdict"), want))]
        wait_for(seen, 40, f"droverd sees {want}")

    def newest(self) -> dict:
        return self.api.migrations(self.uuid)[0]

    def record(self) -> dict:
        """Its error and its story too."""
        return self.api.get(f"/drover/v1/migrations/{self.newest()['id']}")["migration"]

    def story(self) -> list[str]:
        return [event["why"] for event in self.record()["events"]]

    def final(self, status: str, error: str) -> None:
        wait_for(lambda: self.newest()["status"] == status, 90, f"the migration is {status}")
        found = self.record()
        assert (error in (found["error"] or "")) if error else not found["error"], found

    def acts(self) -> list[str]:
        return [e["act"] for e in self.daemon.events[self.seen:] if e["event"] in ("migration_act", "postcopy_recovery")]

    def goes_its_way(self) -> None:
        """
        droverd does nothing to either half. One thing it may do, when the guest lives at the destination: libvirt says that the
        source's half has stopped before it undefines that, and a controller that looks in between undefines it too.
        """
        late = ("dom_undefine", self.source, "migrated", "running", "moved")
        probed: dict = {}
        for e in self.daemon.events[self.seen:]:
            if e["event"] == "migration_probed":
                probed = e
            elif e["event"] in ("migration_act", "postcopy_recovery"):
                assert (e["act"], e.get("host"), probed.get("source"), probed.get("dest"), probed.get("verdict")) == late, (e, probed)

    def lives(self, host: str, reset: bool = False) -> str:
        """There, once, whole, and nothing of it elsewhere. @reset: it has run twice. Return: a note."""
        other = self.dest if host == self.source else self.source
        wait_for(lambda: self.api.server(self.uuid)["OS-EXT-STS:task_state"] is None, 10, "it has no task")
        server = self.api.server(self.uuid)
        assert (server["status"], server["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", host), server
        assert (self.half(host)[:9], self.half(other)) == ("running (", "absent"), (self.half(host), self.half(other))
        assert (self.qemus(host), self.qemus(other), self.has_job(host)) == (1, 0, False)
        self.idle()
        if reset:
            self.lab.beat_reset(self.guest)
        beat = self.lab.beat(self.guest)
        assert beat["lost"] == 0 and not beat["two_copies"] and beat["reboots"] == 0 and beat["disk_errors"] == 0, beat
        return f"longest gap {beat['longest_gap_ms']:.0f} ms"


# ---- how the hosts come to it; the daemon is dead ----

def as_it_is(case: Case) -> None:
    """A p2p migration does not need the client that started it."""


def aborted(case: Case) -> None:
    """It is aborted by hand, while the controller is down."""
    case.idle()
    case.virsh(case.source, "domjobabort", case.guest)
    case.until(case.dest, "absent")
    wait_for(lambda: not case.has_job(case.source), 10, "the job ends")


def source_gave_up(case: Case) -> None:
    """The destination's libvirtd dies, so the source gives up; the new one cannot end a QEMU that does not listen."""
    case.idle()
    case.signal_qemu(case.dest, "STOP")
    case.lab("kill-libvirtd", case.dest)
    wait_for(lambda: not case.has_job(case.source), 10, "the source gives up")
    case.start_libvirtd(case.dest)


def all_sent(case: Case) -> None:
    """The guest is stopped, and all of it is at the destination, whose libvirtd does not start it."""
    case.until(case.dest, "paused (migrating)")
    case.idle()
    case.signal_libvirtd(case.dest, "STOP")
    case.speed(RELEASED)
    wait_for(lambda: "perform3_done" in case.phase(), 20, "all is sent")


def stopped_in_switch_over(case: Case) -> None:
    all_sent(case)
    case.lab("kill-libvirtd", case.source)
    case.signal_qemu(case.dest, "STOP")
    case.lab("kill-libvirtd", case.dest)
    case.start_libvirtd(case.source)
    case.start_libvirtd(case.dest)


def stopped_and_nothing_there(case: Case) -> None:
    """A libvirtd that finds a waiting half destroys it."""
    all_sent(case)
    case.lab("kill-libvirtd", case.source)
    case.restart_libvirtd(case.dest)
    case.until(case.dest, "absent")
    case.start_libvirtd(case.source)


def source_gave_up_and_dest_cut(case: Case) -> None:
    source_gave_up(case)
    case.lab("cut", case.dest)


def confirmation_lost(case: Case) -> None:
    """The destination starts the guest and says so to a source that will not know it any more."""
    all_sent(case)
    case.signal_libvirtd(case.source, "STOP")
    case.signal_libvirtd(case.dest, "CONT")
    case.until(case.dest, "running (*)")
    case.restart_libvirtd(case.source)


def arrived(case: Case) -> None:
    case.idle()
    case.speed(RELEASED)
    case.until(case.source, "absent")
    case.until(case.dest, "running (*)")


def in_postcopy(case: Case) -> None:
    """By hand, so nothing of droverd's own says so. It lasts: the guest touches little of what is not there, and the rest comes slowly."""
    case.idle()
    case.speed(HELD, "--postcopy")
    case.virsh(case.source, "migrate-postcopy", case.guest)
    case.until(case.dest, "running (post-copy)")


def postcopy_given_up(case: Case) -> None:
    in_postcopy(case)
    # with what it always touches at the destination, QEMU itself hardly ever waits for a page
    begin = case.lab.beat(case.guest)["disk_seq"]
    wait_for(lambda: case.lab.beat(case.guest)["disk_seq"] >= begin + 3, 30, "the guest works at the destination")
    case.virsh(case.source, "domjobabort", "--postcopy", case.guest)
    case.until(case.dest, "* (post-copy failed)")


def crashed_in_postcopy(case: Case) -> None:
    """A destination's QEMU whose main thread waits for a page cannot tell its libvirtd: then that does not say "failed"."""
    in_postcopy(case)
    case.signal_qemu(case.source, "KILL")
    case.until(case.source, "shut off (crashed)")


def arrived_still_defined(case: Case) -> None:
    """libvirt forgets to undefine it where its daemon died in post-copy."""
    in_postcopy(case)
    case.restart_libvirtd(case.source)
    case.speed(RELEASED, "--postcopy")
    case.until(case.source, "shut off (migrated)")
    case.until(case.dest, "running (migrated)")
    case.idle()


def runs_twice(case: Case) -> None:
    """It has no disk, so nothing is at stake."""
    aborted(case)
    xml = case.virsh(case.source, "dumpxml", "--migratable", case.guest)
    case.lab("exec", case.dest, "sh", "-c", "printf %s \"$1\" | virsh -q create /dev/stdin", "-", xml)


def nowhere(case: Case) -> None:
    case.virsh(case.source, "destroy", case.guest)
    case.until(case.dest, "absent")
    case.virsh(case.source, "undefine", case.guest)


def arrived_and_source_cut(case: Case) -> None:
    arrived(case)
    case.lab("cut", case.source)


# ---- what becomes of it ----

def goes_on(case: Case) -> str:
    """Its samples, and what is decided upon them."""
    def sent() -> int:
        found = case.api.running_migration(case.uuid)
        return found["memory_processed_bytes"] if found else 0
    before = sent()
    wait_for(lambda: sent() > before, 20, "samples come")
    case.daemon.wait_event("migration_phase", 20, since=case.seen, to="copy", **{"from": "copy"})
    case.idle()
    case.speed(RELEASED)
    case.final("completed", "")
    case.goes_its_way()
    return case.lives(case.dest)


def retried(case: Case) -> str:
    case.final("completed", "")
    assert case.story().count("it never began, or was undone cleanly; trying again") == 1, case.story()
    return case.lives(case.dest)


def undone(case: Case) -> str:
    case.final("failed", "the source gave up")
    assert "dom_destroy" in case.acts(), case.acts()
    return case.lives(case.source)


def undone_and_resumed(case: Case) -> str:
    """In this order: two of them must never run."""
    note = undone(case)
    assert case.acts().index("dom_resume") == len(case.acts()) - 1, case.acts()
    return note


def undone_blindly(case: Case) -> str:
    """The guest is not kept waiting; what is left is removed when its host is back."""
    wait_for(lambda: case.newest()["status"] == "failed", 30, "the migration is given up")
    assert case.api.server(case.uuid)["OS-EXT-STS:task_state"] is None and case.acts() == [], case.acts()
    case.lab("mend", case.dest)
    case.daemon.wait_event("leftover_removed", 60, since=case.seen, host=case.dest)
    return case.lives(case.source)


def resumed(case: Case) -> str:
    case.final("failed", "the source gave up")
    assert case.acts() == ["dom_resume"], case.acts()
    return case.lives(case.source)


def waits_and_completes(case: Case) -> str:
    wait_for(lambda: case.newest()["status"] == "running (post-copy)", 20, "it is known to be in post-copy")
    case.speed(RELEASED, "--postcopy")
    case.final("completed", "")
    case.goes_its_way()
    return case.lives(case.dest)


def recovered(case: Case) -> str:
    def hangs() -> bool:
        return case.half(case.source) == "paused (post-copy failed)" and "userfault" in case.lab.qemu_waits_in(case.dest, case.guest)

    def asked() -> bool:
        return bool(case.daemon.find_event("postcopy_recovery", case.seen, act="resume"))
    wait_for(lambda: asked() or hangs(), 30, "droverd resumes it")
    case.virsh(case.source, "migrate-setspeed", case.guest, RELEASED, "--postcopy", check=False)
    wait_for(lambda: case.record()["final"] or hangs(), 90, "it goes on")
    if not case.record()["final"]:
        raise Skip("the destination's QEMU hangs: its main thread waits for a page (docs/POSTCOPY.md)")
    case.final("completed", "")
    assert set(case.acts()) <= {"resume", "dom_undefine"}, case.acts()
    return case.lives(case.dest)


def memory_lost(case: Case) -> str:
    case.final("error", f"its memory is lost ({case.source}: crashed, {case.dest}: postcopy")
    server = case.api.server(case.uuid)
    assert server["status"] == "ERROR" and "its memory is lost" in server["fault"]["message"], server
    assert case.acts() == [] and fnmatchcase(case.half(case.dest), "* (post-copy*)"), (case.acts(), case.half(case.dest))
    return "nothing is touched"


def finished(case: Case) -> str:
    case.final("completed", "")
    return case.lives(case.dest)


def finished_with_disks(case: Case) -> str:
    """What its disk was copied from goes."""
    note = finished(case)

    def disk(host: str) -> bool:
        return bool(case.lab("exec", host, "ls", f"{INSTANCES}/{case.guest}.qcow2", check=False))
    wait_for(lambda: not disk(case.source), 20, "the source's disk is removed")
    assert disk(case.dest)
    assert case.daemon.find_event("volume_removed", case.seen, host=case.source)
    return note


def source_destroyed(case: Case) -> str:
    note = finished(case)
    assert case.acts()[0] == "dom_destroy", case.acts()
    return note


def alarm(case: Case) -> str:
    """Nothing is touched until a person has ended one of them; then it goes on."""
    case.daemon.wait_event("migration_alarm", 30, since=case.seen, what="split-brain")
    assert case.newest()["status"] == "running" and case.acts() == [], (case.newest(), case.acts())
    assert case.half(case.source)[:9] == case.half(case.dest)[:9] == "running (", (case.half(case.source), case.half(case.dest))
    case.virsh(case.dest, "destroy", case.guest)
    case.final("completed", "")
    return case.lives(case.dest, reset=True)


def lost(case: Case) -> str:
    case.final("error", "neither host has the guest any more")
    case.daemon.wait_event("guest_lost", 1, since=case.seen)
    assert case.acts() == [], case.acts()
    server = case.api.server(case.uuid)
    assert server["status"] == "ERROR" and "neither host has the guest any more" in server["fault"]["message"], server
    got = case.api.call("POST", f"/v2.1/servers/{case.uuid}/action", {"os-resetState": {"state": "active"}})
    assert got.status == 202, got.fault
    case.daemon.wait_event("server_gone", 20, since=case.seen)
    names = [event["event"] for event in case.daemon.events[case.seen:]]
    assert names.index("server_reset") < names.index("server_gone"), "the record went before it was reset"
    return "nothing is touched, and its record stays until that is reset"


def waits_for_source(case: Case) -> str:
    """Whatever the destination says: both are asked again."""
    case.probed(("unknown", "running", "wait"), len(case.daemon.events))
    assert case.newest()["status"] == "running" and case.api.host_of(case.uuid) == case.source, case.newest()
    case.lab("mend", case.source)
    return finished(case)


@dataclass
class Row:
    name: str
    source: str              # as virsh domstate has them; * is anything
    dest: str
    job: bool | None         # None: there is no host to ask, or its lock is held
    seen: tuple[str, str, str]  # by droverd: source, destination, verdict; * too
    bring: Callable[[Case], None]
    ends: Callable[[Case], str]
    guest: str = SHARED


ROWS = [
    Row("running | incoming | job: goes on", "running (*)", "paused (migrating)", True, ("running", "incoming", "copying"),
        as_it_is, goes_on),
    Row("running | absent | no job: again", "running (*)", "absent", False, ("running", "absent", "not-moved"), aborted, retried),
    Row("running | incoming | no job: undone", "running (*)", "paused (migrating)", False, ("running", "incoming", "leftover"),
        source_gave_up, undone),
    Row("running | unreachable | no job: undone, what is left goes later", "running (*)", "unreachable", False,
        ("running", "unknown", "not-moved-blind"), source_gave_up_and_dest_cut, undone_blindly),
    Row("stopped | absent: resumed", "paused (migrating)", "absent", False, ("switching", "absent", "resume-source"),
        stopped_and_nothing_there, resumed),
    Row("stopped | incoming: undone and resumed", "paused (migrating)", "paused (migrating)", False, ("switching", "incoming", "leftover"),
        stopped_in_switch_over, undone_and_resumed),
    Row("stopped | running: the source's half is destroyed", "paused (migrating)", "running (*)", False,
        ("switching", "running", "stale-source"), confirmation_lost, source_destroyed),
    Row("absent | running: finished", "absent", "running (*)", None, ("absent", "running", "moved"), arrived, finished),
    Row("shut off, still defined | running: finished, with its copied disk", "shut off (migrated)", "running (*)", None,
        ("migrated", "running", "moved"), arrived_still_defined, finished_with_disks, COPIED),
    Row("unreachable | running: waits", "unreachable", "running (*)", None, ("unknown", "running", "wait"),
        arrived_and_source_cut, waits_for_source),
    Row("post-copy | running | job: waits", "paused (post-copy)", "running (post-copy)", True, ("postcopy", "postcopy", "postcopy"),
        in_postcopy, waits_and_completes),
    Row("post-copy failed | failed: resumed", "paused (post-copy failed)", "* (post-copy failed)", None,
        ("postcopy-failed", "postcopy-failed", "postcopy-resume"), postcopy_given_up, recovered),  # may be the last of this guest
    Row("running | running: alarm", "running (*)", "running (*)", False, ("running", "running", "split-brain"), runs_twice, alarm, DISKLESS),
    Row("absent | absent: error", "absent", "absent", None, ("absent", "absent", "lost"), nowhere, lost, DISKLESS),
    Row("crashed in post-copy | failed: error", "shut off (crashed)", "* (post-copy*)", None,
        ("crashed", "postcopy*", "memory-lost"), crashed_in_postcopy, memory_lost, COPIED),
]


def run(row: Row, case: Case) -> str:
    case.copy_and_kill()
    row.bring(case)
    halves = (case.half(case.source), case.half(case.dest))
    assert fnmatchcase(halves[0], row.source) and fnmatchcase(halves[1], row.dest), halves
    assert row.job is None or case.has_job(case.source) == row.job, "its job"
    case.daemon.start()
    case.api = case.daemon.api()
    case.probed(row.seen)
    return row.ends(case)


def tidy(lab: Lab, daemon: Daemon) -> None:
    """So that the next row can be tried after one that failed."""
    for host in lab.hosts:
        lab("mend", host)
        lab("exec", host, "sh", "-c", "kill -CONT $(cat /run/libvirtd.pid /run/libvirt/qemu/*.pid)", check=False)
    if not daemon.proc:
        daemon.start()


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-table") as lab:
        options = {SHARED: (), COPIED: ("--disk", "overlay:64M"), DISKLESS: ("--disk", "none")}
        uuids = lab.guests({name: ("h1", "--mem", "128", *more) for name, more in options.items()})
        with Daemon(lab_hosts(lab), lab, OPTIONS, "table") as daemon:
            for row in ROWS:
                with t.test(row.name) as notes:
                    tidy(lab, daemon)
                    notes.append(run(row, Case(lab, daemon, row.guest, uuids[row.guest])))
            with t.test("droverd ends well"):
                tidy(lab, daemon)
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
