# SPDX-License-Identifier: Apache-2.0
"""A guest that is cold migrated under a daemon: where its migration is held, what the hosts say, what must be true afterwards."""
from __future__ import annotations

import re
import sqlite3
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Callable, Iterable

from api import Api, Reply
from daemon import Daemon
from lab import Lab
from ticker import Tickers, Ticks
from wait import HANG_S, wait_for

AT_ONCE = 24  # cases of which something is asked at a time: most of it is waiting

# any number at once
UNLIMITED = {f"max_concurrent{which}_cold_migrations": 0 for which in ("", "_inbound", "_fleet")}


class Rows:
    """
    The daemon's rows, from outside. One that is held does not leave its phase: the database refuses, and the daemon tries again each
    second. So all that the phase does is done, and nothing of the next.
    """

    lock = threading.Lock()  # one of many cases at a time

    def __init__(self, daemon: Daemon) -> None:
        self.path = daemon.dir / "state" / "drover.sqlite"

    def sql(self, text: str, *values: object) -> list[tuple]:
        """The daemon waits half a second for the database and then refuses what was asked of it: nothing is held while a disk is waited for."""
        with Rows.lock, closing(sqlite3.connect(self.path, timeout=HANG_S, isolation_level=None)) as db:
            db.executescript("PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0")
            return db.execute(text, values).fetchall()

    def hold(self, uuid: str, phase: str) -> None:
        self.sql(f"CREATE TRIGGER \"held {phase} {uuid}\" BEFORE UPDATE OF phase ON migrations WHEN OLD.server_uuid = '{uuid}'"
                 f" AND OLD.phase = '{phase}' AND NEW.phase <> '{phase}' BEGIN SELECT RAISE(ABORT, 'held'); END")

    def release(self, uuid: str = "", phase: str = "") -> None:
        for (name,) in self.sql("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE ?", f"held {phase or '%'} {uuid or '%'}"):
            self.sql(f'DROP TRIGGER "{name}"')

    def newest(self, uuid: str, columns: str = "id, phase") -> tuple:
        return self.sql(f"SELECT {columns} FROM migrations WHERE server_uuid = ? ORDER BY id DESC LIMIT 1", uuid)[0]


class Cold:
    """
    @pool: where its disk is: "shared", "instances". A guest of Tickers.
    """

    def __init__(self, daemon: Daemon, api: Api, tickers: Tickers, name: str, uuid: str, pool: str = "shared") -> None:
        self.lab, self.daemon, self.tickers = tickers.lab, daemon, tickers
        self.api = Api(api.url, api.token)  # a connection of its own: cases are threads (at_once())
        self.name, self.uuid, self.pool = name, uuid, pool
        self.rows = Rows(daemon)
        self.source = self.api.host_of(uuid)
        number = int(self.source[1:])
        self.dest = f"h{number + 1 if number % 2 else number - 1}"  # hosts are pairs
        self.id = 0           # of the newest migration
        self.seen = 0         # events before something was done

    # ---- requests ----

    def act(self, body: dict) -> Reply:
        return self.api.call("POST", f"/v2.1/servers/{self.uuid}/action", body, mv="2.96")

    def migrate(self) -> None:
        self.seen = len(self.daemon.events)
        got = self.act({"migrate": {"host": self.dest}})
        assert got.status == 202, got.fault
        self.id = self.rows.newest(self.uuid)[0]

    def confirm(self) -> None:
        got = self.act({"confirmResize": None})
        assert got.status == 204, got.fault

    def revert(self) -> None:
        got = self.act({"revertResize": None})
        assert got.status == 202, got.fault

    def abort(self) -> None:
        got = self.api.call("DELETE", f"/v2.1/servers/{self.uuid}/migrations/{self.id}", mv="2.96")
        assert got.status == 202, got.fault

    # ---- what droverd says ----

    def server(self) -> dict:
        return self.api.server(self.uuid)

    def migration(self) -> dict:
        """As Nova's API has it."""
        return self.api.migrations(self.uuid)[0]

    def record(self) -> dict:
        """With its error and its events."""
        return self.api.get(f"/drover/v1/migrations/{self.id}", None)["migration"]

    def becomes(self, status: str) -> dict:
        """The migration. Return: its record."""
        last = ""

        def is_so() -> bool:
            nonlocal last
            last = self.migration()["status"]
            return last == status and (status != "error" or self.record()["final"])  # what is undone has that status, too
        try:
            wait_for(is_so, 150, f"the migration of {self.name} is {status}", 0.2)
        except TimeoutError as why:
            raise TimeoutError(f"{why}; it is {last}: {self.record()}") from None
        return self.record()

    def held(self, phase: str) -> None:
        """All that is to be done in that phase is done, and it is held there."""
        self.daemon.wait_event("migration_not_written", 60, since=self.seen, migration=self.id, phase=phase)

    def acts(self, since: int = 0) -> list[str]:
        found = [e for e in self.daemon.events[since or self.seen:] if e["event"] == "migration_act" and e["migration"] == self.id]
        return [f"{e['act']} {e['host']}" for e in found]

    # ---- what the hosts say ----

    def virsh(self, host: str, *words: str, check: bool = True) -> str:
        return self.lab("exec", host, "virsh", "-q", *words, check=check)

    def half(self, host: str) -> str:
        """Of its domain: "running", "shut off"; "" without one."""
        return self.tickers.domains[host].state(self.uuid)

    def halves(self) -> tuple[str, str]:
        return self.half(self.source), self.half(self.dest)

    def carrier(self, host: str) -> str:
        """The name of the one that is there, or nothing."""
        want = f"drover-carrier-{self.rows.newest(self.uuid, 'uuid')[0]}"
        return want if want in self.tickers.domains[host].names() else ""

    def file(self, host: str) -> bool:
        return (self.tickers.folder(host, self.pool) / f"{self.name}.qcow2").exists()

    def ticks(self, host: str) -> Ticks:
        return self.tickers.read(host, self.name, self.pool)

    def ticked(self, host: str, boots: int) -> None:
        last: Ticks | None = None

        def is_so() -> bool:
            nonlocal last
            last = self.ticks(host)
            return last.ticked == boots
        try:
            wait_for(is_so, 30, f"{self.name} ticks at {host} after its boot {boots}")
        except TimeoutError as why:
            raise TimeoutError(f"{why}; its disk has {last}") from None

    def start(self, host: str) -> None:
        """By hand. Returns when it ticks."""
        before = self.ticks(host).boots
        self.virsh(host, "start", self.uuid)
        wait_for(lambda: self.ticks(host).ticked > before, 30, f"{self.name} ticks at {host}")

    def destroy(self, host: str) -> None:
        self.virsh(host, "destroy", self.uuid)

    def xml(self, host: str) -> str:
        return self.virsh(host, "dumpxml", "--inactive", self.uuid)

    # ---- what must be true ----

    def rests(self, status: str, host: str, boots: int = 0) -> None:
        """
        The server has no task, and is so, there; its guest runs once, there, and no carrier is left.
        @boots: that its disk has seen, when it runs; 0: it is off
        """
        wait_for(lambda: self.server()["OS-EXT-STS:task_state"] is None, 30, f"{self.name} has no task")
        wait_for(lambda: self.server()["status"] == status, 30, f"{self.name} is {status}")
        server = self.server()
        assert server["OS-EXT-SRV-ATTR:host"] == host, server
        for at in (self.source, self.dest):  # a host that was silent at the end loses it when it is back
            wait_for(lambda: not self.carrier(at), 60, f"{at} has no carrier of {self.name}")
        assert self.half(host) == ("running" if boots else "shut off"), self.halves()
        if boots:
            self.ticked(host, boots)
        ticks = self.ticks(host)
        assert ticks.boots == boots or not boots, ticks
        assert ticks.two == 0, ticks

    def verified(self, boots: int) -> None:
        """It waits for a user."""
        self.becomes("finished")
        self.rests("VERIFY_RESIZE", self.dest, boots)
        assert self.half(self.source) == "shut off", self.halves()

    def confirmed(self, boots: int, status: str = "") -> None:
        """@boots: as in rests()"""
        self.becomes("confirmed")
        self.rests(status or ("ACTIVE" if boots else "SHUTOFF"), self.dest, boots)
        self.only_at(self.dest)

    def back(self, migration: str, boots: int) -> None:
        """At its source, as it was. @migration: "reverted", "cancelled", "error"."""
        self.becomes(migration)
        self.rests("ACTIVE" if boots else "SHUTOFF", self.source, boots)
        self.only_at(self.source)

    def only_at(self, host: str) -> None:
        other = self.dest if host == self.source else self.source
        wait_for(lambda: self.half(other) == "", 60, f"{other} has nothing of {self.name}")
        if self.pool != "shared":
            wait_for(lambda: not self.file(other), 30, f"{other} has no file of {self.name}")
        assert self.file(host)

    def broken(self, words: str) -> None:
        """An operator has to decide, and nothing was touched since the last start."""
        found = self.becomes("error")
        assert re.search(words, found["error"]), found["error"]
        server = self.server()
        assert server["status"] == "ERROR" and re.search(words, server["fault"]["message"]), server


class Step(Cold):
    """One of many that go side by side."""
    error = ""  # what went wrong first

    def step(self, what: Callable[["Step"], None]) -> None:
        """What goes wrong is that case's."""
        try:
            if not self.error:
                what(self)
        except Exception:
            self.error = traceback.format_exc()


def at_once(cases: Iterable[Step], *steps: Callable[[Step], None]) -> None:
    """Each step of all of them, then the next one."""
    for what in steps:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda c: c.step(what), cases))
