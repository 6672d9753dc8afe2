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
from wait import wait_for

# A row of each table that belongs to nothing.
ORPHANS = (
    ("console_tokens", "token_hash, server_uuid, kind, user_id, project_id, created_at", "'x', 's9', 'serial', 'u', 'p', 1"),
    ("revoked_tokens", "audit_id, expires_at", "'x', 1"),
    ("tokens_not_before", "user_id, project_id, at", "'u9', '', 1"),
    ("grants", "user_id, project_id, role", "'u9', 'p9', 'member'"),
    ("application_credentials", "id, user_id, project_id, name, description, secret_hash, roles, unrestricted, created_at", "'a', 'u9', 'p9', 'n', '', 'h', 'member', 0, 1"),
    ("migration_events", "migration_id, n, new_phase, at", "9, 1, 'done', 1"),
    ("instance_action_events", "action_id, n, event, start_at", "9, 1, 'e', 1"),
    ("server_definitions", "server_uuid, definition, sum, transient, updated_at, priority", "'s9', 'x', 1, 0, 1, 0"),
    ("storage_markers", "host, folder, name, changed_ns", "'h9', '/f', 'n', 1"),
    ("ha_hosts", "host, phase, updated_at", "'h9', 'p', 1"),
    ("plan_hosts", "plan_id, n, host", "9, 1, 'h'"),
    ("plan_steps", "plan_id, n, state, server_uuid, cold, wave, detour, vcpus, memory_mb, disk_gb, expected_s, expected_bytes, migration_id, attempts",
     "9, 1, 's', 's9', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0"),
)

SIMULATED = {f"h{i}": f"sim://h{i}?vcpus=64&memory=262144&disk=2000&servers={i}" for i in (1, 2)}
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


def servers(d: Daemon) -> dict[str, str]:
    return {s["id"]: s["OS-EXT-SRV-ATTR:host"] for s in d.api().get("/v2.1/servers/detail?all_tenants=1")["servers"]}


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

        with tap.test("audit: the database against itself, beside the daemon; --fix takes away what belongs to nothing"):
            d.start()
            got = manage(d, "audit")
            assert (got.returncode, got.stdout) == (0, "0 hosts and 0 servers were looked at: 0 findings.\n"), got
            with database(d) as db:
                for table, columns, values in ORPHANS:
                    db.execute(f"INSERT INTO {table} ({columns}) VALUES ({values})")
            got = manage(d, "audit")
            assert got.returncode == 1 and got.stdout.splitlines()[-1].endswith(f"{len(ORPHANS)} findings."), got
            assert sorted(line.split()[4] for line in got.stdout.splitlines()[:-1]) == sorted(table for table, _, _ in ORPHANS), got
            for table, _, _ in ORPHANS:
                assert f"--fix     1 rows of {table} " in got.stdout, (table, got)
            got = manage(d, "audit", "--fix")
            assert got.returncode == 0 and got.stdout.count("fixed     1 rows of ") == len(ORPHANS), got
            assert manage(d, "audit").returncode == 0
            d.restart()
            assert rows(d, "users") == 1 and rows(d, "grants") == 1
            d.stop()

        with tap.test("the program tells of itself"):
            for args, status, words in (("--version",), 0, "drover-manage "), (("--help",), 0, "archive_deleted_rows"), (("db",), 2, ""):
                got = manage(d, *args)
                assert got.returncode == status and words in got.stdout, got
            assert "--max_rows" in manage(d, "db", "archive_deleted_rows", "--help").stdout
            assert manage(d, "--nonsense").returncode == 2

    with Daemon(SIMULATED, options={"cron_archive_deleted_rows": {"enabled": "false"}}, tag="rebuild") as d:
        state = d.dir / "state"
        wait_for(lambda: len(servers(d)) == 3, 20, "all servers are adopted")
        was = servers(d)

        with tap.test("audit: hosts that say what the records say"):
            got = manage(d, "audit")
            assert (got.returncode, got.stdout) == (0, "2 hosts and 3 servers were looked at: 0 findings.\n"), got
            d.stop()

        with tap.test("audit: a record of a guest that no host has, and a guest without a record"):
            with database(d) as db:
                uuid, = db.execute("SELECT uuid FROM servers WHERE host = 'h2' ORDER BY id").fetchone()
                db.execute("UPDATE servers SET uuid = 'ffffffff-0000-4000-8000-000000000001' WHERE uuid = ?", (uuid,))
                db.execute("UPDATE servers SET host = 'h2', vcpus = vcpus + 1 WHERE host = 'h1'")
            got = manage(d, "audit")
            assert got.returncode == 1, got
            for words in ("ffffffff-0000-4000-8000-000000000001): no host has it", f"({uuid}) at h2 has no record", "the record says h2, and it is at h1"):
                assert words in got.stdout, (words, got)
            assert got.stdout.count("droverd   ") == 3, got

        with tap.test("db rebuild: not while there are users, nor beside a daemon"):
            got = manage(d, "db", "rebuild")
            assert got.returncode == 1 and "the database has users" in got.stderr, got
            d.start()
            got = manage(d, "db", "rebuild")
            assert got.returncode == 1 and "in use by another process" in got.stderr, got
            d.stop()

        with tap.test("db rebuild: what hosts know is back, and the administrator's password holds"):
            for path in state.glob("drover.sqlite*"):
                path.unlink()
            got = manage(d, "db", "rebuild")
            assert got.returncode == 0 and got.stdout == ("The administrator has the password that is in admin-openrc.\nh1: up, 1 servers\nh2: up, 2 servers\n"
                                                          "Start droverd.\n"), got
            with database(d) as db:
                assert dict(db.execute("SELECT uuid, host FROM servers WHERE deleted_at IS NULL")) == was
            d.start()
            assert servers(d) == was
            d.stop()

        with tap.test("db rebuild: without admin-openrc there is a new password; a host that is silent is told"):
            for path in [*state.glob("drover.sqlite*"), state / "admin-openrc"]:
                path.unlink()
            conf = (d.dir / "drover.conf").read_text()
            (d.dir / "drover.conf").write_text(conf.replace("sim://h2?", "sim://h2?off=1&"))
            got = manage(d, "db", "rebuild")
            assert got.returncode == 0 and "password is new" in got.stdout and "1 hosts were not reached" in got.stdout and "h1: up, 1 servers" in got.stdout, got
            (d.dir / "drover.conf").write_text(conf)
            d.start()
            wait_for(lambda: servers(d) == was, 20, "the other host's servers are adopted")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
