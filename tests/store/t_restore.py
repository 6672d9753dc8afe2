#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""D7: what a database is worth beside the keys: lost, cut, copied by droverd --backup, restored. Without hosts."""
import contextlib
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import BUILD, Daemon
from tap import Tap

KEPT = ("token.key", "admin-openrc", "clouds.yaml")
FILE = "drover.sqlite"
PAGE = 4096
NOWHERE = "qemu+tcp://127.0.0.1:{}/system"


def make_user(d: Daemon, name: str) -> None:
    got = d.api().call("POST", "/v3/users", {"user": {"name": name}})
    assert got.status == 201, got


def users(d: Daemon) -> set[str]:
    return {user["name"] for user in d.api().get("/v3/users")["users"]}


def refusal(d: Daemon) -> str:
    """Of a start that must not succeed."""
    seen = len(d.events)
    d.spawn()
    said = d.wait_event("not_started", 20, since=seen)["error"]
    assert d.proc.wait(60) == 1
    d.kill()
    return said


def backup(d: Daemon, path: Path) -> subprocess.CompletedProcess:
    return subprocess.run([BUILD / "src" / "droverd", "--config", d.dir / "drover.conf", "--backup", path], capture_output=True, text=True, timeout=120)


def manage(d: Daemon, *args: str) -> subprocess.CompletedProcess:
    return subprocess.run([BUILD / "src" / "drover-manage", "--config", d.dir / "drover.conf", *args], capture_output=True, text=True, timeout=120)


def listing(folder: Path) -> dict[str, bytes]:
    """What SQLite keeps for the processes that have a file open is left out."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and not path.name.endswith("-shm")}


def names_in(path: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {name for name, in db.execute("SELECT name FROM users")}


def torn(data: bytes) -> bytes:
    return data[:PAGE] + b"\xa5" * PAGE + data[2 * PAGE:]


def main() -> int:
    tap = Tap()
    with Daemon({}, tag="restore") as d:
        state, copy = d.dir / "state", d.dir / "copy.sqlite"

        with tap.test("/D7/cut: the log is lost after a crash, and the administrator is there"):
            d.kill()
            assert sqlite3.connect(f"file:{state / FILE}?immutable=1", uri=True).execute("SELECT name FROM users").fetchall() == [("admin",)]
            (state / f"{FILE}-wal").unlink(missing_ok=True)
            d.start()
            assert users(d) == {"admin"}

        with tap.test("/D7/backup: a copy has all, also of a daemon that was killed"):
            make_user(d, "bob")
            d.kill()
            got = backup(d, copy)
            assert got.returncode == 0 and not got.stderr, got
            assert copy.stat().st_mode & 0o777 == 0o600
            again = backup(d, copy)
            assert again.returncode == 1 and "File exists" in again.stderr, again

        with tap.test("a copy of a database that is in use, while it is written"):
            running = d.dir / "running.sqlite"
            d.start()
            make_user(d, "carol")
            got = backup(d, running)
            assert got.returncode == 0 and not got.stderr, got
            make_user(d, "dave")
            with contextlib.closing(sqlite3.connect(running)) as db:
                assert {name for name, in db.execute("SELECT name FROM users")} == {"admin", "bob", "carol"}
                assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            d.restart()
            assert users(d) == {"admin", "bob", "carol", "dave"}
            d.kill()

        with tap.test("/D7/lost: no database beside the keys is no first start"):
            kept = {name: (state / name).read_bytes() for name in KEPT}
            for path in state.glob(f"{FILE}*"):
                path.unlink()
            for _ in range(2):
                said = refusal(d)
                assert "the database has no user" in said and "Restore it" in said, said
            assert kept == {name: (state / name).read_bytes() for name in KEPT}

        with tap.test("/D7/restore: the copy in its place, by hand"):
            for path in state.glob(f"{FILE}*"):
                path.unlink()
            shutil.copy(copy, state / FILE)
            d.start()
            assert users(d) == {"admin", "bob"}

        with tap.test("db restore: not while a daemon has the database"):
            before = listing(state)
            got = manage(d, "db", "restore", str(running))
            assert got.returncode == 1 and "in use by another process" in got.stderr, got
            assert listing(state) == before
            assert users(d) == {"admin", "bob"}

        with tap.test("db restore: the one before is kept whole, and all tokens end"):
            make_user(d, "eve")
            session = d.api()
            d.kill()
            got = manage(d, "db", "restore", str(running))
            assert got.returncode == 0 and not got.stderr, got
            kept, = state.glob(f"{FILE}.before-*")
            assert str(kept) in got.stdout, got
            assert names_in(kept) == {"admin", "bob", "eve"}
            assert (state / FILE).stat().st_mode & 0o777 == 0o600 and not (state / "token.key").exists()
            d.start()
            assert users(d) == {"admin", "bob", "carol"}
            assert Api(d.url, session.token).call("GET", "/v3/users").status == 401
            d.stop()

        with tap.test("db restore: a second one keeps the one before, too; and there need be none"):
            got = manage(d, "db", "restore", str(kept))
            assert got.returncode == 0, got
            assert len([p for p in state.glob(f"{FILE}.before-*") if not p.name.endswith(("-wal", "-shm"))]) == 2
            assert names_in(state / FILE) == {"admin", "bob", "eve"}
            for path in state.glob(f"{FILE}*"):
                path.unlink()
            got = manage(d, "db", "restore", str(copy))
            assert got.returncode == 0 and "before" not in got.stdout, got
            assert names_in(state / FILE) == {"admin", "bob"}

        with tap.test("db restore: what is no copy changes nothing"):
            bad = {"text": b"a line of text\n", "empty": b"", "cut": copy.read_bytes()[:-3 * PAGE], "torn": torn(copy.read_bytes()), "sql": b"SQLite format 3\0" + bytes(4000)}
            for name, data in bad.items():
                (d.dir / name).write_bytes(data)
            for name, sql in (("newer", "UPDATE schema_version SET version = version + 1"), ("none", "DELETE FROM users"), ("other", "DROP TABLE schema_version"),
                              ("trigger", "CREATE TRIGGER t AFTER UPDATE ON hosts BEGIN DELETE FROM users; END")):
                shutil.copy(copy, d.dir / name)
                with contextlib.closing(sqlite3.connect(d.dir / name)) as db:
                    db.execute(sql)
                    db.commit()
                bad[name] = b""
            before = listing(state)
            for name in (*bad, "nosuchfile", "."):
                got = manage(d, "db", "restore", str(d.dir / name))
                assert got.returncode == 1 and got.stderr.startswith("drover-manage db restore: "), (name, got)
                assert listing(state) == before, name
            for args in ((), (str(copy), str(copy))):
                assert manage(d, "db", "restore", *args).returncode == 2
            got = manage(d, "db", "restore", str(state / FILE))
            assert got.returncode == 1 and "the database itself" in got.stderr, got
            shutil.copy(copy, d.dir / "logged")
            (d.dir / "logged-wal").write_bytes(b"x")
            got = manage(d, "db", "restore", str(d.dir / "logged"))
            assert got.returncode == 1 and "has a log beside it" in got.stderr, got

        with tap.test("db restore: over a database that is damaged, with its log"):
            (state / FILE).write_bytes(torn(copy.read_bytes()))
            (state / f"{FILE}-wal").write_bytes(b"of another time")
            got = manage(d, "db", "restore", str(copy))
            assert got.returncode == 0, got
            assert not (state / f"{FILE}-wal").exists()
            d.start()
            assert users(d) == {"admin", "bob"}

        with tap.test("/D7/empty: with the keys moved away it begins"):
            d.kill()
            for path in [*state.glob(f"{FILE}*"), *(state / name for name in KEPT)]:
                path.unlink()
            d.start()
            assert users(d) == {"admin"}
            d.stop()

        with tap.test("/D21/damaged: each page in turn, it does not start and writes nothing"):
            whole = (state / FILE).read_bytes()
            for at in range(0, len(whole), PAGE * 7):
                broken = whole[:at] + b"\xa5" * PAGE + whole[at + PAGE:]
                (state / FILE).write_bytes(broken)
                said = refusal(d)
                assert "damaged" in said or "malformed" in said or "not a database" in said, said
                assert (state / FILE).read_bytes() == broken
            for path in state.glob(f"{FILE}-*"):
                path.unlink()
            (state / FILE).write_bytes(whole)
            d.start()
            assert users(d) == {"admin"}
            d.stop()

    with Daemon({"h1": NOWHERE.format(1)}, tag="restore-same") as d:
        state = d.dir / "state"
        with tap.test("a start that changes nothing writes nothing"):
            for port in 1, 1, 2, 2:
                d.stop()
                conf = (d.dir / "drover.conf").read_text()
                same = NOWHERE.format(port) in conf
                (d.dir / "drover.conf").write_text(re.sub(r"uri = .*", "uri = " + NOWHERE.format(port), conf))
                d.start()
                assert ((state / f"{FILE}-wal").stat().st_size == 0) is same, port
                with contextlib.closing(sqlite3.connect(f"file:{state / FILE}?mode=ro", uri=True)) as db:
                    assert db.execute("SELECT uri FROM hosts").fetchall() == [(NOWHERE.format(port),)]
            d.stop()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
