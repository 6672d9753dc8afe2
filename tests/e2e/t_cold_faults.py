#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Cold migration while the cable is out, a person meddles, the guest does as it likes, or the destination's files are in the way, on
real hosts.

After each of them the guest runs once, on one host, with what it wrote, and nothing is left on the other. The guests count on their
disks how often they were booted, and see a copy of theirs that was booted since (tests/lib/ticker.py).
What a restart makes of each state of the hosts is t_cold_table.py's.
"""
import sys
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from coldcase import UNLIMITED, Cold
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Tap
from ticker import New, Tickers
from wait import wait_for

BANDWIDTH = 8  # MiB a second
LONG = 48      # MiB: a disk that is on its way for a while
OPTIONS = {"DEFAULT": {"debug": "true", "cpu_allocation_ratio": 100, **UNLIMITED}, "libvirt": {"live_migration_bandwidth": BANDWIDTH}}
DEAF = {"DEFAULT": {"debug": "true", "shutdown_timeout": 3}}
SHARED, LOCAL = "shared", "instances"
INSTANCES = "/var/lib/libvirt/drover/instances"


class World:
    def __init__(self, lab: Lab) -> None:
        self.lab, self.tickers = lab, Tickers(lab)
        self.daemon: Daemon
        self.named = 0

    def guest(self, pool: str, mib: int = 1, deaf: bool = False) -> Cold:
        """At h1, known to droverd, ticking."""
        self.named += 1
        new = New(f"g{self.named}", pool, mib, deaf)
        uuid, api = self.tickers.make("h1", [new])[0], self.daemon.api()
        wait_for(lambda: (uuid, "ACTIVE") in [(s["id"], s["status"]) for s in api.servers()], 60, f"{new.name} is known", 0.3)
        c = Cold(self.daemon, api, self.tickers, new.name, uuid, pool)
        c.ticked("h1", 1)
        return c


def moves(c: Cold) -> None:
    wait_for(lambda: c.record()["progress"]["disk_processed_bytes"], 60, "bytes of its disk move")


# ---- the cable ----

def blinks(w: World) -> None:
    """While a carrier runs; in again before libvirt has given up."""
    c = w.guest(LOCAL, LONG)
    c.migrate()
    moves(c)
    c.seen = len(w.daemon.events)
    w.lab("cut", c.dest)
    w.daemon.wait_event("migration_probed", 60, since=c.seen, migration=c.id, dest="unknown")
    w.lab("mend", c.dest)
    c.verified(2)
    c.confirm()
    c.confirmed(2)


def stays_out(w: World) -> None:
    """Neither the guest nor the end waits for the host; what is left there goes when it is back."""
    c = w.guest(LOCAL, LONG)
    c.migrate()
    moves(c)
    w.lab("cut", c.dest)
    wait_for(lambda: c.ticks(c.source).ticked == 2, 120, "it runs at its source again", 0.3)
    c.becomes("error")
    assert not c.carrier(c.source), c.record()
    w.lab("mend", c.dest)
    c.back("error", 2)


# ---- people ----

def started_while_carried(w: World) -> str:
    """QEMU's locks refuse it."""
    c = w.guest(LOCAL, LONG)
    c.migrate()
    moves(c)
    said = w.lab("exec", c.source, "sh", "-c", f"virsh -q start {c.uuid} 2>&1", check=False)
    assert "lock" in said and c.half(c.source) == "shut off", said
    c.verified(2)
    return said.splitlines()[-1]


def started_in_the_gap(w: World) -> None:
    """The carrier at the source is gone, and nothing locks its disk any more: what was carried is void."""
    c = w.guest(LOCAL)
    c.rows.hold(c.uuid, "carry")
    c.migrate()
    c.held("carry")
    c.start(c.source)
    c.rows.release()
    c.back("error", 2)
    assert "started at its source" in c.record()["error"], c.record()


def off_by_itself(w: World) -> None:
    """Before it is asked to."""
    c = w.guest(LOCAL)
    c.rows.hold(c.uuid, "schedule")
    c.migrate()
    c.held("schedule")
    c.virsh(c.source, "send-key", c.uuid, "KEY_ENTER")
    wait_for(lambda: c.half(c.source) == "shut off", 30, "it is off")
    c.rows.release()
    c.verified(2)
    assert not w.daemon.find_event("shutdown_asked", c.seen, migration=c.id)


def off_while_asked(w: World) -> None:
    """Not because it heard."""
    c = w.guest(SHARED, deaf=True)
    c.migrate()
    w.daemon.wait_event("shutdown_asked", 30, since=c.seen, migration=c.id)
    c.virsh(c.source, "send-key", c.uuid, "KEY_ENTER")
    c.verified(2)
    assert f"dom_destroy {c.source}" not in c.acts(), c.acts()


def deaf(w: World) -> str:
    """It is stopped hard when its time is over."""
    c = w.guest(LOCAL, deaf=True)
    c.migrate()
    c.verified(2)
    assert w.daemon.find_event("shutdown_asked", c.seen, migration=c.id) and f"dom_destroy {c.source}" in c.acts(), c.acts()
    c.confirm()
    c.confirmed(2)
    return " ".join(c.acts())


# ---- the destination's files ----

def full(w: World) -> str:
    """Half-way. What was made there goes, and the guest is at its source again."""
    there = f"{INSTANCES}/full"
    for host in w.lab.hosts:
        w.lab("exec", host, "mkdir", there)
    w.lab("exec", "h2", "mount", "-t", "tmpfs", "-o", f"size={LONG + 16}M", "full", there)
    c = w.guest("instances/full", LONG)
    c.migrate()
    moves(c)
    w.lab("exec", "h2", "sh", "-c", f"dd if=/dev/zero of={there}/other bs=64k 2> /dev/null", check=False)
    c.becomes("error")
    left = w.lab("exec", "h2", "ls", there)
    c.rests("ACTIVE", c.source, 2)
    wait_for(lambda: w.lab("exec", "h2", "ls", there) == "other", 30, f"what was made goes; there was {left}")
    assert c.half(c.dest) == ""
    w.lab("exec", "h2", "umount", there)
    return c.record()["error"]


def stranger(c: Cold) -> Path:
    path = c.tickers.folder(c.dest, LOCAL) / f"{c.name}.qcow2"
    path.write_bytes(b"somebody's")
    return path


def exists(w: World) -> str:
    """The guest is not shut off for it."""
    c = w.guest(LOCAL)
    path = stranger(c)
    c.migrate()
    error = c.becomes("error")["error"]
    c.rests("ACTIVE", c.source, 1)
    assert path.read_bytes() == b"somebody's" and path.name in error, error
    assert not w.daemon.find_event("shutdown_asked", c.seen, migration=c.id)
    return error


def appears(w: World) -> str:
    """Since the guest was shut off. It is not overwritten."""
    c = w.guest(LOCAL)
    c.rows.hold(c.uuid, "stop")
    c.migrate()
    c.held("stop")
    path = stranger(c)
    c.rows.release()
    error = c.becomes("error")["error"]
    c.rests("ACTIVE", c.source, 2)
    assert path.read_bytes() == b"somebody's" and path.name in error, error
    assert c.half(c.dest) == ""
    return error


CASES = [
    ("the cable is out while a carrier runs, and in again", blinks),
    ("the cable is out while a carrier runs, and stays so", stays_out),
    ("started at its source while its disk is carried: refused", started_while_carried),
    ("started at its source when its disk was carried: it stays", started_in_the_gap),
    ("it shuts down by itself before", off_by_itself),
    ("it shuts down by itself while it is asked to", off_while_asked),
    ("the destination's disk is full half-way", full),
    ("the destination has a file of that name", exists),
    ("the destination has a file of that name once the guest is off", appears),
]


def chosen(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


def main() -> int:
    t = Tap()
    words = sys.argv[1:]
    with Lab(2, "e2e-cold-faults") as lab:
        w = World(lab)
        with Daemon(lab_hosts(lab), lab, OPTIONS, "cold-faults") as w.daemon:
            w.daemon.wait_hosts_up(2)
            for name, case in CASES:
                if chosen(name, words):
                    with t.test(name) as notes:
                        notes += filter(None, [case(w)])
            with t.test("droverd ends well"):
                w.daemon.stop()
        name = "it ignores the power button"
        if chosen(name, words):
            with t.test(name) as notes, Daemon(lab_hosts(lab), lab, DEAF, "cold-deaf") as w.daemon:
                w.daemon.wait_hosts_up(2)
                notes.append(deaf(w))
                w.daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
