#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""D5: two daemons and one PostgreSQL database. On simulated hosts; tests/store/run makes the server."""
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon
from lab import ROOT
from tap import Tap
from wait import HANG_S

HOSTS = {
    "s1": "sim://s1?servers=3&server_memory=2048&bandwidth=8&working=1024&memory=65536",
    "s2": "sim://s2?memory=65536&bandwidth=8",
}


def database() -> str:
    return os.environ["DROVER_TEST_DB"].replace("postgresql+psycopg2", "postgresql")


def daemon(tag: str) -> Daemon:
    return Daemon(HOSTS, options={"database": {"connection": database()}}, tag=tag)


def refused(first: Daemon) -> str:
    """The second one's words; it has ended, and the first goes on."""
    second = daemon("second")
    second.spawn()
    try:
        why = second.wait_event("not_started", HANG_S)["error"]
        assert second.proc.wait(HANG_S) == 1
    finally:
        second.__exit__()
    assert f"process {first.proc.pid}" in why, why
    return why


def second_is_refused(first: Daemon) -> None:
    api = first.api()
    server = api.servers()[0]["id"]
    assert api.live_migrate(server, "s2").status == 202
    first.wait_event("migration_phase", HANG_S, to="copy")
    why = refused(first)
    assert why.startswith("the database is in use by another droverd: "), why
    assert api.migrations(server)[0]["status"] == "running"


def takes_over_the_dead(first: Daemon) -> None:
    """After kill -9 the next one starts at once, and goes on."""
    seen = len(first.events)
    first.restart()
    first.wait_event("migration_resumed", HANG_S, since=seen)


def loses_it(first: Daemon) -> None:
    """Another one has written the row: it is noticed without a request."""
    sql = "UPDATE leader SET holder = 'other', epoch = epoch + 1, told = 'elsewhere, process 7'"
    seen = len(first.events)
    subprocess.run(["psql", "-q", database(), "-c", sql], check=True)
    event = first.wait_event("database_lost", HANG_S, since=seen)
    assert "elsewhere, process 7" in event["reason"], event
    assert first.proc.wait(HANG_S) == 1


def main() -> int:
    if "DROVER_TEST_DB" not in os.environ:
        os.execv(ROOT / "tests" / "store" / "run", ["run", "postgres", sys.executable, __file__])
    t = Tap()
    with daemon("first") as first:
        first.wait_hosts_up(2)
        with t.test("D5: the second daemon on a database is refused and told which one has it"):
            second_is_refused(first)
        with t.test("D5: after a kill the next one has it"):
            takes_over_the_dead(first)
        with t.test("D5: a daemon that has lost it ends"):
            loses_it(first)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
