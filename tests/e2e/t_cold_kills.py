#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Cold migration while droverd, a libvirtd or a whole host is killed, on real hosts.

droverd dies as soon as it has written a phase, each of them once, and is started again. A libvirtd, or a host with all that runs on it,
dies when all of a phase is done (the database refuses the next one), or in the middle of a copy: all cases at once, on two pairs of hosts.

After each of them the guest runs once, on one host, with what it wrote, and nothing is left on the other. The guests count on their
disks how often they were booted, and see a copy of theirs that was booted since (tests/lib/ticker.py); one keeps a heartbeat.
"""
from __future__ import annotations

import http.client
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from coldcase import UNLIMITED, Cold, Step, at_once
from daemon import Daemon, Supervisor, lab_hosts
from lab import BEATS, Lab
from tap import Tap
from ticker import New, Tickers, Ticks
from wait import HANG_S, wait_for

BANDWIDTH = 8  # MiB a second
LONG = 64      # MiB: a disk that is on its way for a while
# a guest that does not heed the power button is not stopped before its fault is over
OPTIONS = {"DEFAULT": {"debug": "true", "cpu_allocation_ratio": 100, "shutdown_timeout": HANG_S, **UNLIMITED},
           "libvirt": {"live_migration_bandwidth": BANDWIDTH}}
SHARED, LOCAL = "shared", "instances"


class World:
    def __init__(self, lab: Lab, daemon: Daemon) -> None:
        self.lab, self.daemon, self.tickers = lab, daemon, Tickers(lab)

    def known(self, uuids: list[str]) -> None:
        api = self.daemon.api()
        wait_for(lambda: set(uuids) <= {s["id"] for s in api.servers() if s["status"] == "ACTIVE"}, 60, "all are known", 0.3)

    def guests(self, of: type[Cold], wanted: list[tuple[str, New]]) -> list:
        """@wanted: host, guest. Return: of class @of, in that order, once they tick."""
        uuids: dict[str, str] = {}

        def make(host: str) -> None:
            here = [new for at, new in wanted if at == host]
            uuids.update(zip((new.name for new in here), self.tickers.make(host, here)))
        with ThreadPoolExecutor() as pool:
            list(pool.map(make, {host for host, _new in wanted}))
        self.known(list(uuids.values()))
        found = [of(self.daemon, self.daemon.api(), self.tickers, new.name, uuids[new.name], new.pool) for _host, new in wanted]
        for c in found:
            c.ticked(c.source, 1)
        return found


# ---- droverd ----

class Traveller(Cold):
    """What its user wants: to confirm, to revert, or to stop it while its disk is carried. droverd dies upon some phases, once."""
    end = "confirmed"
    dies_upon = ""

    def phase(self) -> str:
        rows = self.rows.sql("SELECT id, phase FROM migrations WHERE server_uuid = ? ORDER BY id DESC LIMIT 1", self.uuid)
        self.id = rows[0][0] if rows else 0
        return rows[0][1] if rows else ""

    def _ask(self, phase: str) -> None:
        if not phase:
            self.migrate()
        elif phase == "verify" and self.end == "confirmed":
            self.confirm()
        elif phase == "verify":
            self.revert()
        elif phase == "carry" and self.end == "cancelled" and self.rows.newest(self.uuid, "abort_wanted")[0]:
            self.rows.release(self.uuid)
        elif phase == "carry" and self.end == "cancelled":
            self.abort()

    def there(self) -> bool:
        """It is over. If not, its user does the next thing; droverd may be dead, or may not have found its hosts again."""
        phase = self.phase()
        try:
            self._ask(phase)
        except (OSError, http.client.HTTPException, AssertionError):
            pass
        return phase == self.end


class Beating(Traveller):
    """A guest of the lab: instead of what a disk counts, its heartbeat. Its disk is local."""

    def begin(self) -> None:
        self.lab.beat_reset(self.name)
        self.written = self.lab.beat(self.name)["disk_seq"]

    def ticks(self, host: str) -> Ticks:
        beat = self.lab.beat(self.name)
        assert beat["disk_errors"] == 0, beat
        boots = beat["reboots"] + 1
        # its first beats are from before it has read its disk
        return Ticks(boots, boots if beat["disk_seq"] >= self.written else 0, beat["received"], beat["two_copies"])


def begin_beating(w: World) -> str:
    """Not waited for. Return: its UUID."""
    return w.lab("guest", "h1", "vm1", *BEATS, "--mem", "96", "--disk", "local:64M:1M").split()[0]


def droverd(w: World, uuid: str) -> str:
    """It dies upon 14 phases, and each time others wait for their users, or are on their way."""
    w.known([uuid])
    beating = Beating(w.daemon, w.daemon.api(), w.tickers, "vm1", uuid, LOCAL)
    beating.begin()
    beating.dies_upon = "check queued schedule stop carry land start verify confirm confirmed"
    shared, back, undone = w.guests(Traveller, [("h1", New("shared", SHARED)), ("h1", New("back", LOCAL)), ("h1", New("undone", LOCAL))])
    back.end, back.dies_upon = "reverted", "revert reverted"
    undone.end, undone.dies_upon = "cancelled", "undo cancelled"
    undone.rows.hold(undone.uuid, "carry")
    cases = [beating, shared, back, undone]
    # none of these is asked to shut off while droverd dies: the next one would wait for a request that is not answered
    for c in (shared, back, undone):
        c.migrate()
    undone.held("carry")
    for c in (shared, back):
        c.becomes("finished")
    wanted = {(c.uuid, phase) for c in cases for phase in c.dies_upon.split()}
    deaths = len(wanted)

    def watch(e: dict) -> None:
        # one that was killed between the row and the log says so when it is back
        come = {"migration_requested": "check", "migration_phase": e.get("to"), "migration_resumed": e.get("phase")}.get(e["event"])
        if (e.get("server"), come) in wanted:
            wanted.remove((e["server"], come))
            w.daemon.signal(signal.SIGKILL)
    w.daemon.watchers.append(watch)
    with Supervisor(w.daemon):
        wait_for(lambda: all([c.there() for c in cases]), 600, "all are over", 0.1)
    w.daemon.watchers.remove(watch)
    w.daemon.restart()
    w.daemon.wait_hosts_up(len(w.lab.hosts))
    assert {phase for _uuid, phase in wanted} <= {c.end for c in cases}, wanted
    beating.confirmed(2)
    shared.confirmed(2)
    back.back("reverted", 2)
    undone.back("cancelled", 2)
    beating.destroy(beating.dest)
    return f"{deaths - len(wanted)} deaths"


# ---- libvirtd, and whole hosts ----

@dataclass
class Fault:
    """
    What becomes of a migration whose source, or destination, breaks in that phase.
    @libvirtd, @host: boots that its disk has seen at the end, when only libvirtd dies, and when the host does; 0: the guest is off
    @waits: nothing ends before it is back
    """
    phase: str
    role: str
    status: str
    libvirtd: int
    host: int
    waits: bool = True
    pool: str = LOCAL


# A guest that goes back on a local disk finds none of its boots at the destination there.
FAULTS = [
    Fault("schedule", "source", "error", 1, 0, waits=False),
    Fault("schedule", "dest", "error", 1, 1, waits=False),
    Fault("stop", "source", "finished", 2, 2),
    Fault("stop", "dest", "finished", 2, 2),
    Fault("carry", "source", "finished", 2, 2),
    Fault("carry", "dest", "error", 2, 2, waits=False),
    Fault("land", "source", "finished", 2, 2),
    Fault("land", "dest", "finished", 2, 2),
    Fault("undo", "source", "cancelled", 2, 3),
    Fault("undo", "dest", "cancelled", 2, 2, waits=False),
    Fault("start", "source", "finished", 2, 2, waits=False),
    Fault("start", "dest", "finished", 2, 3),
    Fault("start", "dest", "finished", 2, 3, pool=SHARED),
    Fault("verify", "source", "confirmed", 2, 2),
    Fault("verify", "dest", "confirmed", 2, 0),
    Fault("confirm", "source", "confirmed", 2, 2, waits=False),
    Fault("confirm", "dest", "confirmed", 2, 0),
    Fault("revert", "source", "reverted", 2, 3),
    Fault("revert", "source", "reverted", 3, 4, pool=SHARED),
    Fault("revert", "dest", "reverted", 2, 2),
]


@dataclass
class Breakage:
    """@host: what dies; @other: the other one of the pair"""
    what: str
    host: str
    other: str
    down: str
    up: str

    def boots(self, f: Fault) -> int:
        return f.host if self.what == "host" else f.libvirtd


BREAKAGES = [Breakage("libvirtd", "h1", "h2", "kill-libvirtd", "start-libvirtd"), Breakage("host", "h3", "h4", "kill", "boot")]


class Broken(Step):
    fault: Fault
    breakage: Breakage
    felt = 0  # events before its host was back

    def begin(self) -> None:
        """One that is to be stopped does not heed, so that it is in that phase; what rests stays; the others are held there when all of it is done."""
        if self.fault.phase not in ("stop", "verify"):
            self.rows.hold(self.uuid, self.fault.phase)
        if self.fault.phase == "undo":
            self.rows.hold(self.uuid, "carry")
        self.migrate()

    def ask(self) -> None:
        if self.fault.phase in ("verify", "confirm", "revert"):
            self.becomes("finished")
            self.ticked(self.dest, 2)
        if self.fault.phase == "confirm":
            self.confirm()
        elif self.fault.phase == "revert":
            self.revert()
        elif self.fault.phase == "undo":
            self.held("carry")
            self.abort()
            self.rows.release(self.uuid, "carry")

    def arrive(self) -> None:
        if self.fault.phase == "carry":
            wait_for(lambda: self.record()["progress"]["disk_processed_bytes"], 60, "bytes of its disk move")
        elif self.fault.phase == "stop":
            self.daemon.wait_event("shutdown_asked", 60, since=self.seen, migration=self.id)
        elif self.fault.phase != "verify":
            self.held(self.fault.phase)
        if self.fault.phase == "start":
            self.ticked(self.dest, 2)
        elif self.fault.phase == "revert":
            self.ticked(self.source, 3 if self.pool == SHARED else 2)
        elif self.fault.phase == "undo":
            self.ticked(self.source, 2)

    def notices(self) -> None:
        """Of what is chosen, or rests, no host is asked."""
        if self.fault.phase in ("schedule", "verify"):
            self.daemon.wait_event("host_closed", 60, since=self.seen, host=self.breakage.host)
        else:
            self.daemon.wait_event("migration_probed", 60, since=self.seen, migration=self.id, **{self.fault.role: "unknown"})

    def feels(self) -> None:
        """It has come as far as it can without that host."""
        if not self.fault.waits:
            self.becomes(self.fault.status)
        self.felt = len(self.daemon.events)

    def heed(self) -> None:
        """Once both hosts are seen again: a guest that is off does not wait for its destination."""
        if self.fault.phase == "stop" and self.half(self.source) == "running":
            self.daemon.wait_event("migration_probed", 60, since=self.felt, migration=self.id, source="lives", dest="absent")
            self.virsh(self.source, "send-key", self.uuid, "KEY_ENTER")

    def ends(self) -> None:
        boots = self.breakage.boots(self.fault)
        if self.fault.phase == "verify":
            wait_for(lambda: self.api.get(f"/drover/v1/hosts/{self.breakage.host}", None)["host"]["state"] == "up", 60, "the host is up again")
            self.confirm()
        if self.fault.status == "finished":
            self.verified(boots)
        elif self.fault.status == "confirmed":
            self.confirmed(boots)
        else:
            self.back(self.fault.status, boots)


def make(w: World, wanted: list[tuple[Breakage, Fault]]) -> list[Broken]:
    news = []
    for i, (b, f) in enumerate(wanted):
        mib = LONG if f.phase == "carry" else 1
        news.append((b.host if f.role == "source" else b.other, New(f"{b.what}{f.phase}{i}", f.pool, mib, deaf=f.phase == "stop")))
    found = w.guests(Broken, news)
    for c, what in zip(found, wanted):
        c.breakage, c.fault = what
    return found


def hosts(w: World, found: list[Broken]) -> None:
    """All at once. What copies begins last, so that it still copies when all have come to where they are to be."""
    broken = [b for b in BREAKAGES if any(c.breakage is b for c in found)]
    for group in ([c for c in found if c.fault.phase != "carry"], [c for c in found if c.fault.phase == "carry"]):
        at_once(group, Broken.begin, Broken.ask, Broken.arrive)
    for c in found:
        c.seen = len(w.daemon.events)
    for b in broken:
        w.lab(b.down, b.host)
    at_once(found, Broken.notices)  # before its row goes on: it may have read both hosts just before one died
    found[0].rows.release()
    at_once(found, Broken.feels)
    for b in broken:
        w.lab(b.up, b.host)
    at_once(found, Broken.heed, Broken.ends)


def name_of(b: Breakage, f: Fault) -> str:
    return f"{f.phase}, the {f.role}'s {b.what} dies, {f.pool} disk"


def main() -> int:
    t = Tap()
    words = sys.argv[1:]

    def chosen(name: str) -> bool:
        return not words or any(word in name for word in words)
    with Lab(4, "e2e-cold-kills") as lab, Daemon(lab_hosts(lab), lab, OPTIONS, "cold-kills") as daemon:
        daemon.wait_hosts_up(4)
        w = World(lab, daemon)
        name = "droverd dies when it has come to a phase"
        wanted = [(b, f) for b in BREAKAGES for f in FAULTS if chosen(name_of(b, f))]
        uuid = begin_beating(w) if chosen(name) else ""
        found = make(w, wanted) if wanted else []  # while the other one boots
        if uuid:
            with t.test(name) as notes:
                notes.append(droverd(w, uuid))
        if found:
            hosts(w, found)
        for c in found:
            with t.test(name_of(c.breakage, c.fault)):
                assert not c.error, f"{c.name}, {c.halves()}\n{c.error}"
        with t.test("droverd ends well"):
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
