#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""drover-manage beside a real droverd, and droverd's own schedules. Without hosts."""
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import BUILD, Daemon
from tap import Tap

NOW = {"max_delay": 0, "age": 0}


def manage(d: Daemon, *args: str, stdin: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([BUILD / "src" / "drover-manage", "--config", d.dir / "drover.conf", *args], input=stdin, capture_output=True, text=True,
                          timeout=120)


def database(d: Daemon) -> contextlib.closing:
    return contextlib.closing(sqlite3.connect(d.dir / "state" / "drover.sqlite", isolation_level=None))


def add_deleted(d: Daemon, name: str) -> None:
    with database(d) as db:
        db.execute("INSERT INTO servers (uuid, name, libvirt_name, vm_state, power_state, vcpus, memory_mb, disk_gb, user_id, project_id, created_at, "
                   "deleted_at, locked) VALUES (?, 'n', 'l', 'deleted', 0, 1, 1, 1, 'u', 'p', 1, 2, 0)", (name,))


def rows(d: Daemon, table: str) -> int:
    with database(d) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def login(d: Daemon, name: str, password: str) -> bool:
    try:
        Api(d.url).login({**d.openrc, "OS_USERNAME": name, "OS_PASSWORD": password})
    except RuntimeError:
        return False
    return True


def main() -> int:
    tap = Tap()
    options = {"cron_archive_deleted_rows": NOW, "cron_purge_shadow_tables": {"enabled": "false"}}
    with Daemon({}, options=options, tag="manage") as d:
        with tap.test("a daemon that runs: rows are archived and purged, accounts are refused"):
            add_deleted(d, "s1")
            got = manage(d, "db", "archive_deleted_rows", "--verbose")
            assert got.returncode == 1 and "| servers | 1 " in got.stdout, got
            assert (rows(d, "servers"), rows(d, "shadow_servers")) == (0, 1)
            got = manage(d, "db", "purge", "--all", "--verbose")
            assert got.returncode == 0 and got.stdout == "Deleted 1 rows from shadow_servers\n", got
            got = manage(d, "user", "list")
            assert got.returncode == 1 and "in use by another process" in got.stderr, got
            copy = d.dir / "copy.sqlite"
            got = manage(d, "db", "backup", str(copy))
            assert got.returncode == 0 and copy.stat().st_mode & 0o777 == 0o600, got

        with tap.test("a run that was missed is made up, by a thread; the next start makes up nothing"):
            d.kill()
            add_deleted(d, "s2")
            with database(d) as db:
                db.execute("INSERT INTO care_runs (name, planned_at) VALUES ('archive_deleted_rows', 1) "
                           "ON CONFLICT (name) DO UPDATE SET planned_at = 1")
            seen = len(d.events)
            d.start()
            d.wait_event("database_archived", 30, since=seen, rows=1, servers=1)
            assert (rows(d, "servers"), rows(d, "shadow_servers")) == (0, 1)
            d.stop()
            with database(d) as db:
                assert db.execute("SELECT planned_at > 1000000 FROM care_runs WHERE name = 'archive_deleted_rows'").fetchone() == (1,)

        with tap.test("accounts, without the daemon"):
            got = manage(d, "user", "create", "bob", "--project", "admin", "--role", "reader", "--password-stdin", stdin="secret of bob\n")
            assert got.returncode == 0 and got.stdout == "", got
            got = manage(d, "user", "set", "admin", "--new-password")
            assert got.returncode == 0, got
            password = got.stdout.strip()
            d.start()
            assert login(d, "bob", "secret of bob") and login(d, "admin", password)
            assert not login(d, "admin", d.openrc["OS_PASSWORD"])
            d.stop()

        with tap.test("accounts: lists, changes, and what is refused"):
            for args in (("project", "create", "web"), ("role", "add", "member", "bob", "web"), ("user", "set", "bob", "--disable"),
                         ("project", "set", "web", "--disable")):
                got = manage(d, *args)
                assert got.returncode == 0 and got.stdout + got.stderr == "", got
            got = manage(d, "role", "list")
            assert sorted(line.split() for line in got.stdout.splitlines()) == [["admin", "admin", "admin"], ["member", "bob", "web"], ["reader", "bob", "admin"]], got
            assert [line.split()[1:] for line in manage(d, "user", "list").stdout.splitlines()] == [["enabled", "admin"], ["disabled", "bob"]]
            assert [line.split()[1:] for line in manage(d, "project", "list").stdout.splitlines()] == [["enabled", "admin"], ["disabled", "web"]]
            for status, words, args in ((1, "No user would be left", ("role", "remove", "admin", "admin", "admin")), (1, "no user", ("user", "delete", "eve")),
                                        (1, "no role", ("role", "add", "king", "bob", "web")), (2, "takes NAME", ("user", "delete")),
                                        (1, "first line", ("user", "set", "bob", "--password-stdin")), (1, "exclude", ("user", "set", "bob", "--enable", "--disable")),
                                        (1, "needs --project", ("user", "create", "eve", "--role", "reader")), (2, "no command", ("user", "crown"))):
                got = manage(d, *args)
                assert got.returncode == status and words in got.stderr, got
            for args in (("role", "remove", "member", "bob", "web"), ("project", "delete", "web"), ("user", "delete", "bob")):
                assert manage(d, *args).returncode == 0
            assert len(manage(d, "user", "list").stdout.splitlines()) == 1

        with tap.test("the program tells of itself"):
            for args, status, words in (("--version",), 0, "drover-manage "), (("--help",), 0, "archive_deleted_rows"), (("db",), 2, ""):
                got = manage(d, *args)
                assert got.returncode == status and words in got.stdout, got
            assert "--max_rows" in manage(d, "db", "archive_deleted_rows", "--help").stdout
            assert manage(d, "--nonsense").returncode == 2
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
