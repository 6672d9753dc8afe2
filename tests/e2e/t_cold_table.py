#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
What a restart does in a cold migration, row by row of the table in docs/ARCHITECTURE.md, on real hosts.

Each row has a guest. Its migration is held in the row's phase (the database refuses the next one) or in a slow copy, droverd is killed, the hosts are
brought to what the row says, by virsh, and droverd is started: it must see them so and read the row's verdict, and what becomes of
the record and the guest is the row's last column. All rows go at once, on three pairs of hosts: of one of them the source has no
libvirtd, of another the destination; they get it back when all have waited.

The guests count on their disks how often they were booted, and see a copy of theirs that was booted since (tests/lib/ticker.py).
"""
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from coldcase import UNLIMITED, Cold, Step, at_once
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Tap
from ticker import New, Tickers
from wait import wait_for

# MiB a second, and of a disk that is on its way until all have come to where they are to be, and droverd is back
BANDWIDTH, LONG = 1, 150
OPTIONS = {"DEFAULT": {"debug": "true", "cpu_allocation_ratio": 100, **UNLIMITED}, "filter_scheduler": {"max_instances_per_host": 1000},
           "libvirt": {"live_migration_bandwidth": BANDWIDTH}}
SHARED, LOCAL = "shared", "instances"
SOURCES = {"": "h1", "dest": "h3", "source": "h5"}  # by what is down; their destination is the next one
DOWN = {"dest": "h4", "source": "h5"}


# ---- how the hosts come to it; the daemon is dead ----

def as_it_is(c: Cold) -> None:
    """All of the phase was done."""


def started(c: Cold) -> None:
    """At the source."""
    c.start(c.source)


def defined(c: Cold) -> None:
    """At the destination, as at the source."""
    c.tickers.define_xml(c.dest, c.xml(c.source))


def moved(c: Cold) -> None:
    defined(c)
    c.virsh(c.source, "undefine", c.uuid)


def moved_and_started(c: Cold) -> None:
    defined(c)
    c.start(c.dest)


def undefined(c: Cold) -> None:
    c.virsh(c.source, "undefine", c.uuid)


def forgotten(c: Cold) -> None:
    """On both hosts, whether it runs or not."""
    for host in (c.source, c.dest):
        c.virsh(host, "destroy", c.uuid, check=False)
        c.virsh(host, "undefine", c.uuid, check=False)


def started_there(c: Cold) -> None:
    c.start(c.dest)


def stopped_there(c: Cold) -> None:
    c.destroy(c.dest)


def forgotten_there(c: Cold) -> None:
    c.virsh(c.dest, "destroy", c.uuid, check=False)
    c.virsh(c.dest, "undefine", c.uuid)


def changed_sides(c: Cold) -> None:
    """Stopped there, and started at the source."""
    c.destroy(c.dest)
    c.start(c.source)


def carrier_destroyed(c: Cold) -> None:
    c.virsh(c.dest, "destroy", c.carrier(c.dest))


def copy_broken(c: Cold) -> None:
    """The carrier at the source has nobody to copy to any more."""
    c.virsh(c.dest, "destroy", c.carrier(c.dest))
    wait_for(lambda: "None" in c.virsh(c.source, "domjobinfo", c.carrier(c.source)), 60, "its job is over")


def has_authority(c: Cold) -> None:
    """The row says that it is to be started there; the carrier still holds its disks."""
    assert c.carrier(c.dest)
    c.rows.sql("UPDATE migrations SET phase = 'start' WHERE id = ?", c.id)
    c.rows.sql("UPDATE servers SET host = ? WHERE uuid = ?", c.dest, c.uuid)


def source_defined(c: Cold) -> None:
    """Again, after it was undefined."""
    c.tickers.define_xml(c.source, c.xml(c.dest))


def source_started(c: Cold) -> None:
    source_defined(c)
    changed_sides(c)


def source_has_the_only_one(c: Cold) -> None:
    source_defined(c)
    forgotten_there(c)


def goes_there_again(c: Cold) -> None:
    """After it was brought back: off at the source, running at the destination."""
    c.destroy(c.source)
    moved_and_started(c)


def stopped_at_source(c: Cold) -> None:
    c.destroy(c.source)


def lives_there_only(c: Cold) -> None:
    c.destroy(c.source)
    moved(c)


# ---- what becomes of it ----

def completes(boots: int) -> Callable[[Cold], None]:
    """It goes on to the destination, and is confirmed."""
    def ends(c: Cold) -> None:
        c.verified(boots)
        c.confirm()
        c.confirmed(boots)
    return ends


def confirmed(boots: int, status: str = "") -> Callable[[Cold], None]:
    return lambda c: c.confirmed(boots, status)


def back(migration: str, boots: int) -> Callable[[Cold], None]:
    return lambda c: c.back(migration, boots)


def stopped_by_user(*verdicts: str) -> Callable[[Cold], None]:
    """Once it has been seen so: its disk goes on being copied, and would for minutes."""
    def ends(c: Cold) -> None:
        for verdict in verdicts:
            c.daemon.wait_event("migration_probed", 60, since=c.restarted, migration=c.id, verdict=verdict)
        before = c.record()["progress"]["disk_processed_bytes"]
        wait_for(lambda: before != c.record()["progress"]["disk_processed_bytes"], 60, "bytes of its disk move")
        c.abort()
        c.back("cancelled", 2)
    return ends


def broken(words: str) -> Callable[[Cold], None]:
    """Nothing is touched."""
    def ends(c: Cold) -> None:
        c.broken(words)
        assert c.halves() == c.brought and c.acts(c.restarted) == [], (c.halves(), c.acts(c.restarted))
    return ends


def runs_on(words: str, where: str) -> Callable[[Cold], None]:
    """Likewise; as the guest runs, its record is where that is, in error until an operator says otherwise. @where: "source", "dest"."""
    def ends(c: Cold) -> None:
        assert words in c.becomes("error")["error"], c.record()
        assert words in c.daemon.wait_event("guest_lost", 30, since=c.restarted, migration=c.id)["why"]
        wait_for(lambda: c.server()["OS-EXT-SRV-ATTR:host"] == getattr(c, where), 30, "the record follows the guest")
        assert c.server()["status"] == "ERROR" and words in c.server()["fault"]["message"], c.server()
        assert c.halves() == c.brought and c.acts(c.restarted) == [], (c.halves(), c.acts(c.restarted))
        assert c.act({"os-resetState": {"state": "active"}}).status == 202
        wait_for(lambda: c.server()["status"] == "ACTIVE", 30, "an operator has decided")
    return ends


def alarm(c: Cold) -> None:
    """Nothing is touched until a person has ended one of them. The disk shows what is meant."""
    c.daemon.wait_event("migration_alarm", 30, since=c.restarted, migration=c.id)
    assert c.halves() == ("running", "running") and c.acts(c.restarted) == [], c.acts(c.restarted)
    wait_for(lambda: c.ticks(c.source).two, 30, "the earlier copy sees the later one")
    c.destroy(c.source)
    c.becomes("finished")
    assert c.halves() == ("shut off", "running")


def rests(c: Cold) -> None:
    """Whatever the hosts say."""
    assert c.server()["status"] == "VERIFY_RESIZE" and c.halves() == ("shut off", "shut off") and c.acts(c.restarted) == []
    c.start(c.dest)
    completes(3)(c)


@dataclass
class Row:
    name: str
    phase: str
    seen: tuple[str, str, str]  # by droverd after the restart: source, destination, verdict
    ends: Callable[[Cold], None]
    bring: Callable[[Cold], None] = as_it_is
    pool: str = SHARED
    ran: bool = True
    held: str = ""      # where it is held, if that is another phase
    copies: bool = False  # its disk is on its way when droverd is killed
    down: str = ""      # "source", "dest": it has no libvirtd


GUEST_OFF = {"ran": False}
COPIES = {"pool": LOCAL}
COPYING = {"pool": LOCAL, "copies": True}
ROWS = [
    # what no host keeps from its end: killed when all of a phase is done, and nothing of the next
    Row("check: again", "check", ("lives", "absent", "shut-off"), completes(2)),
    Row("queued: waits again", "queued", ("lives", "absent", "shut-off"), completes(2)),
    Row("schedule: again", "schedule", ("lives", "absent", "shut-off"), completes(2), **COPIES),
    Row("stop, off: stopped", "stop", ("off", "absent", "stopped"), completes(2)),
    Row("stop, off, with a local disk: stopped", "stop", ("off", "absent", "stopped"), completes(2), **COPIES),
    Row("stop, off as it was: stopped", "stop", ("off", "absent", "stopped"), completes(0), **GUEST_OFF),
    Row("carry, nothing is to be carried: carried", "carry", ("off", "absent", "carried"), completes(2)),
    Row("carry, arrived: carried", "carry", ("off", "absent", "carried"), completes(2), **COPIES),
    Row("land, off | off: landed", "land", ("off", "off", "landed"), completes(2)),
    Row("land, off | off, with a local disk: landed", "land", ("off", "off", "landed"), completes(2), **COPIES),
    Row("start, off | runs: arrived", "start", ("off", "lives", "arrived"), completes(2)),
    Row("start, off | runs, with a local disk: arrived", "start", ("off", "lives", "arrived"), completes(2), **COPIES),
    Row("start, off | off, and it was off before: arrived", "start", ("off", "off", "arrived"), completes(0), **GUEST_OFF),
    Row("confirm, absent | runs: confirmed", "confirm", ("absent", "lives", "confirmed"), confirmed(2)),
    Row("confirm, absent | runs, with a local disk: confirmed", "confirm", ("absent", "lives", "confirmed"), confirmed(2), **COPIES),
    Row("revert, runs | absent: reverted", "revert", ("lives", "absent", "reverted"), back("reverted", 3)),
    Row("revert, runs | absent, with a local disk: reverted", "revert", ("lives", "absent", "reverted"), back("reverted", 2), **COPIES),
    Row("undo, runs | absent: undone", "undo", ("lives", "absent", "undone"), back("cancelled", 2)),
    Row("undo, runs | absent, with a local disk: undone", "undo", ("lives", "absent", "undone"), back("cancelled", 2), **COPIES),
    Row("undo, off | absent, and it was off before: undone", "undo", ("off", "absent", "undone"), back("cancelled", 0), **GUEST_OFF),
    # the guest
    Row("stop, runs: shut off", "stop", ("lives", "absent", "shut-off"), completes(3), started),
    Row("stop, off | runs: elsewhere", "stop", ("off", "lives", "elsewhere"), runs_on("by other hands", "dest"), moved_and_started),
    Row("carry, off | runs: elsewhere", "carry", ("off", "lives", "elsewhere"), runs_on("by other hands", "dest"), moved_and_started),
    Row("stop, absent | off: elsewhere", "stop", ("absent", "off", "elsewhere"), broken("by other hands"), moved),
    Row("undo, off | runs: elsewhere", "undo", ("off", "lives", "elsewhere"), runs_on("by other hands", "dest"), goes_there_again),
    Row("stop, absent | absent: lost", "stop", ("absent", "absent", "lost"), broken("neither host"), undefined),
    Row("carry, absent | absent: lost", "carry", ("absent", "absent", "lost"), broken("neither host"), undefined),
    Row("land, absent | absent: lost", "land", ("absent", "absent", "lost"), broken("neither host"), forgotten),
    Row("start, absent | absent: lost", "start", ("absent", "absent", "lost"), broken("neither host"), forgotten),
    Row("confirm, absent | absent: lost", "confirm", ("absent", "absent", "lost"), broken("neither host"), forgotten),
    Row("revert, absent | absent: lost", "revert", ("absent", "absent", "lost"), broken("neither host"), forgotten),
    Row("undo, absent | absent: lost", "undo", ("absent", "absent", "lost"), broken("neither host"), forgotten),
    Row("carry, runs: the source was started", "carry", ("lives", "absent", "source-started"), back("error", 2), started),
    Row("land, runs | off: the source was started, undefined there", "land", ("lives", "off", "source-started"), back("error", 2), started),
    Row("land, off | runs: landed", "land", ("off", "lives", "landed"), completes(2), started_there),
    Row("land, off | absent: defined", "land", ("off", "absent", "define"), completes(2), forgotten_there),
    Row("start, off | absent: defined", "start", ("off", "absent", "define"), completes(3), forgotten_there),
    Row("start, off | off, and it ran: started", "start", ("off", "off", "start-dest"), completes(3), stopped_there),
    Row("start, runs | off: two sides", "start", ("lives", "off", "two-sides"), runs_on("at its source again", "source"), changed_sides),
    Row("start, runs | runs: alarm", "start", ("lives", "lives", "split-brain"), alarm, started),
    Row("verify: rests", "verify", ("", "", ""), rests, stopped_there),
    Row("confirm, off | runs: undefined at the source", "confirm", ("off", "lives", "undefine-source"), confirmed(2), source_defined),
    Row("confirm, runs | off: two sides", "confirm", ("lives", "off", "two-sides"), runs_on("at its source again", "source"), source_started),
    Row("confirm, off | absent: one-sided", "confirm", ("off", "absent", "one-sided"), broken("only definition"), source_has_the_only_one),
    Row("revert, absent | off: one-sided", "revert", ("absent", "off", "one-sided"), broken("only definition"), lives_there_only),
    Row("revert, off | runs: destroyed there, started", "revert", ("off", "lives", "destroy-dest"), back("reverted", 5), goes_there_again),
    Row("revert, runs | off: undefined there", "revert", ("lives", "off", "undefine-dest"), back("reverted", 3), defined),
    Row("revert, off | absent: started", "revert", ("off", "absent", "start-source"), back("reverted", 4), stopped_at_source),
    Row("undo, off | absent: started", "undo", ("off", "absent", "start-source"), back("cancelled", 3), stopped_at_source),
    Row("undo, absent | off: one-sided", "undo", ("absent", "off", "one-sided"), broken("only definition"), lives_there_only),
    # the carrier
    Row("carry, no carrier: sent", "carry", ("off", "absent", "send"), completes(2), carrier_destroyed, **COPIES),
    Row("carry, a carrier copies: watched", "carry", ("off", "absent", "watch"), stopped_by_user(), **COPYING),
    Row("carry, a carrier is stuck: dropped, another one sent", "carry", ("off", "absent", "drop-carrier"), stopped_by_user("send", "watch"), copy_broken, **COPYING),
    Row("carry, runs, with a carrier: the source was started", "carry", ("lives", "absent", "source-started"), back("error", 2), started,
        **COPIES),
    Row("start, off | off and a carrier: dropped, started", "start", ("off", "off", "drop-carrier"), completes(2), has_authority, held="land",
        **COPIES),
    # one of the hosts is silent
    # a restart plans what is to be carried before it looks, and here it cannot
    Row("carry, off | silent: started", "carry", ("off", "unknown", "start-source"), back("error", 2), down="dest"),
    Row("carry, off | silent, and arrived: started, and ended without it", "carry", ("lives", "unknown", "undone-blind"), back("error", 2), down="dest", **COPIES),
    Row("stop, absent | silent: waits", "stop", ("absent", "unknown", "wait"), broken("neither host"), undefined, down="dest"),
    Row("land, off | silent: waits", "land", ("off", "unknown", "wait"), completes(2), down="dest"),
    Row("land, runs | silent: ended without it", "land", ("lives", "unknown", "undone-blind"), back("error", 2), started, down="dest"),
    Row("confirm, off | silent: waits", "confirm", ("off", "unknown", "wait"), confirmed(2), source_defined, down="dest"),
    Row("revert, runs | silent: waits", "revert", ("lives", "unknown", "wait"), back("reverted", 3), defined, down="dest"),
    Row("stop, silent: waits", "stop", ("unknown", "absent", "wait"), completes(2), down="source"),
    Row("carry, silent: waits", "carry", ("unknown", "absent", "wait"), completes(2), down="source", **COPIES),
    Row("land, silent | off: waits", "land", ("unknown", "off", "wait"), completes(2), down="source"),
    Row("start, silent | off: waits", "start", ("unknown", "off", "wait"), completes(3), stopped_there, down="source"),
    Row("start, silent | runs: arrived", "start", ("unknown", "lives", "arrived"), completes(2), down="source"),
    Row("confirm, silent | runs: ended without it", "confirm", ("unknown", "lives", "confirmed-blind"), confirmed(2), source_defined, down="source"),
    Row("revert, silent | absent: waits", "revert", ("unknown", "absent", "wait"), back("reverted", 3), down="source"),
]


# ---- all rows at once ----

class Case(Step):
    row: Row
    brought: tuple[str, str] = ("", "")
    restarted = 0                    # events before that


def begin(c: Case) -> None:
    """To where it is held, or to what must be asked for before."""
    holds = {c.row.held or c.row.phase} | ({c.row.held or "carry"} if c.row.phase == "undo" else set())
    for phase in holds - {"verify"}:
        c.rows.hold(c.uuid, phase)
    c.migrate()


def ask(c: Case) -> None:
    """What leads to the phase."""
    if c.row.phase in ("verify", "confirm", "revert"):
        c.becomes("finished")
    if c.row.phase in ("verify", "confirm", "revert") and c.row.ran:
        c.ticked(c.dest, 2)
    if c.row.phase == "confirm":
        c.confirm()
    elif c.row.phase == "revert":
        c.revert()
    elif c.row.phase == "undo":
        c.held(c.row.held or "carry")
        c.abort()
        if not c.row.held:
            # what was asked of the hosts before the abort is answered by then
            c.daemon.wait_event("migration_not_written", 60, since=len(c.daemon.events), migration=c.id)
            c.rows.release(c.uuid, "carry")


def arrive(c: Case) -> None:
    if c.row.copies:
        wait_for(lambda: c.record()["progress"]["disk_processed_bytes"], 60, "bytes of its disk move")
    elif c.row.phase != "verify":
        c.held(c.row.held or c.row.phase)
    # one that is stopped before it has counted its boot would be one too few
    if c.row.ran and c.row.phase == "start" and not c.row.held:
        c.ticked(c.dest, 2)
    elif c.row.ran and c.row.phase in ("revert", "undo") and not c.row.held:
        c.ticked(c.source, 3 if c.row.phase == "revert" and c.pool == SHARED else 2)


def bring(c: Case) -> None:
    c.row.bring(c)
    c.brought = c.halves()


def probed(c: Case) -> None:
    if c.row.seen[0]:
        source, dest, verdict = c.row.seen
        c.daemon.wait_event("migration_probed", 60, since=c.restarted, migration=c.id, source=source, dest=dest, verdict=verdict)


def make(tickers: Tickers, rows: list[Row]) -> list[tuple[str, str]]:
    """Guests at their sources. Return: name, UUID."""
    news = [New(f"{row.phase}{i}", row.pool, LONG if row.copies else 1, runs=row.ran) for i, row in enumerate(rows)]
    uuids = {}

    def at(down: str) -> None:
        here = [new for new, row in zip(news, rows) if row.down == down]
        uuids.update(zip((new.name for new in here), tickers.make(SOURCES[down], here) if here else []))
    with ThreadPoolExecutor() as pool:
        list(pool.map(at, SOURCES))
    for new, row in zip(news, rows):
        if new.runs:
            wait_for(lambda: tickers.read(SOURCES[row.down], new.name, new.pool).ticked, 60, f"{new.name} ticks")
    return [(new.name, uuids[new.name]) for new in news]


def cases_of(daemon: Daemon, tickers: Tickers, rows: list[Row]) -> list[Case]:
    made = make(tickers, rows)
    api = daemon.api()
    status = {True: "ACTIVE", False: "SHUTOFF"}
    wanted = {uuid: status[row.ran] for (_name, uuid), row in zip(made, rows)}
    wait_for(lambda: wanted.items() <= {s["id"]: s["status"] for s in api.servers()}.items(), 60, "all are known", 0.5)
    cases = [Case(daemon, api, tickers, name, uuid, row.pool) for (name, uuid), row in zip(made, rows)]
    for c, row in zip(cases, rows):
        c.row = row
    return cases


def play(lab: Lab, daemon: Daemon, tickers: Tickers, rows: list[Row]) -> list[Case]:
    cases = cases_of(daemon, tickers, rows)
    # the queue stands while the database refuses its first
    last = [c for c in cases if c.row.phase == "queued"]
    copying = [c for c in cases if c.row.copies]
    for group in [c for c in cases if c not in last + copying], copying, last:
        at_once(group, begin, ask, arrive)
    daemon.kill()
    cases[0].rows.release()
    at_once(cases, bring)
    down = sorted({DOWN[row.down] for row in rows if row.down})
    for host in down:
        lab("kill-libvirtd", host)
    restarted = len(daemon.events)
    daemon.start()
    for c in cases:
        c.restarted = restarted
        c.step(probed)
    for host in down:
        lab("start-libvirtd", host)
    at_once(cases, lambda c: c.row.ends(c))
    return cases


def main() -> int:
    t = Tap()
    words = sys.argv[1:]
    rows = [row for row in ROWS if not words or any(row.name.startswith(word) for word in words)]
    with Lab(6, "e2e-cold-table") as lab, Daemon(lab_hosts(lab), lab, OPTIONS, "cold-table") as daemon:
        daemon.wait_hosts_up(6)
        for c in play(lab, daemon, Tickers(lab), rows) if rows else ():
            with t.test(c.row.name):
                assert not c.error, f"{c.name}, {c.halves()}\n{c.error}"
        with t.test("droverd ends well"):
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
