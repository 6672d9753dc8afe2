# SPDX-License-Identifier: Apache-2.0
"""Care of the database beside a daemon that works: archiving and purging on SQLite; how fast that is on PostgreSQL.

care_archive, care_purge   Rows a second, of drover-manage alone; care_archive_pg, care_purge_pg on PostgreSQL.
care_beside                Rows a second, archived beside the daemon, which gets requests all the time; care_purge_beside purged.
care_left                  What the file has after a purge of all, of what it had before it.
care_free_beside           Of the file's pages those that hold nothing after a purge beside the daemon, which writes all the time.
care_p99                   What 99 of a hundred requests that write (lock and unlock) take at most, nothing else being done.
care_p99_archive           The same while the rows are archived, all of them; care_p99_purge while they are purged and the file becomes smaller.
care_p99_ratio             How many times as long, while they are archived; care_purge_ratio purged.
"""
from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, Iterator

from daemon import BUILD, Daemon
from lab import ROOT
from simulated import HOSTS, fleet, wait_adopted

ROWS, ROWS_QUICK = 1000000, 4200
ARCHIVE, PURGE = "archive_deleted_rows --until-complete", "purge --all"
TREE = 21  # a server with 2 actions of 3 events, 2 migrations of 5 events
CALLS, CALLS_QUICK = 2000, 50

TWO = "(SELECT 1 AS x UNION ALL SELECT 2) k"
THREE = "(SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3) k"
FIVE = "(SELECT 1 AS x UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5) k"
WORLD = f"""
INSERT INTO servers (uuid, name, libvirt_name, vm_state, power_state, vcpus, memory_mb, disk_gb, user_id, project_id, created_at, deleted_at,
    locked) WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < %d)
    SELECT 'gone-%s-' || x, 'n', 'l', 'deleted', 0, 1, 1, 1, 'u', 'p', 1, CAST(1000000 AS BIGINT) * x, 0 FROM c;
INSERT INTO instance_actions (server_uuid, action, request_id, user_id, project_id, start_at, updated_at)
    SELECT s.uuid, 'live-migration', 'req-00000000-0000-0000-0000-000000000000', 'u', 'p', 1, 1 FROM servers s CROSS JOIN {TWO}
    WHERE s.uuid LIKE 'gone-%s-%%';
INSERT INTO instance_action_events (action_id, n, event, start_at, finish_at, result)
    SELECT a.id, k.x, 'compute_live_migration', 1, 2, 'Success' FROM instance_actions a CROSS JOIN {THREE} WHERE a.server_uuid LIKE 'gone-%s-%%';
INSERT INTO migrations (uuid, server_uuid, type, phase, status, source, dest, options, user_id, project_id, request_id, action_id, created_at,
    updated_at, ended_at) SELECT s.uuid || '-' || k.x, s.uuid, 'live-migration', 'done', 'completed', 's1', 's2', '{{}}', 'u', 'p',
    'req-00000000-0000-0000-0000-000000000000', 1, 1, 1, 1 FROM servers s CROSS JOIN {TWO} WHERE s.uuid LIKE 'gone-%s-%%';
INSERT INTO migration_events (migration_id, n, new_phase, why, at)
    SELECT m.id, k.x, 'done', 'as it should be', 1 FROM migrations m CROSS JOIN {FIVE} WHERE m.server_uuid LIKE 'gone-%s-%%';
"""


def manage(folder: Path, args: str) -> list[str]:
    return [str(BUILD / "src" / "drover-manage"), "--config", str(folder / "drover.conf"), "db", *args.split()]


def world(rows: int, name: str) -> str:
    return WORLD % (rows // TREE, name, name, name, name, name)


def make_world(daemon: Daemon, rows: int, name: str) -> None:
    with sqlite3.connect(daemon.dir / "state" / "drover.sqlite") as db:
        db.executescript(world(rows, name))


def timed(folder: Path, args: str, want: int) -> float:
    started = time.monotonic()
    got = subprocess.run(manage(folder, args), capture_output=True, text=True)
    if got.returncode != want:
        raise RuntimeError(f"{args}: {got.returncode}: {got.stdout}{got.stderr}")
    return time.monotonic() - started


def p99(daemon: Daemon, go_on: Callable[[int], bool]) -> float:
    """@go_on: of the requests so far. Return: ms"""
    api = daemon.api()
    uuid = api.servers()[0]["id"]
    times: list[float] = []
    while len(times) < 2 or go_on(len(times)):
        started = time.monotonic()
        got = api.call("POST", f"/v2.1/servers/{uuid}/action", {"unlock" if len(times) % 2 else "lock": None}, mv="2.96")
        if got.status != 202:
            raise RuntimeError(got.fault)
        times.append((time.monotonic() - started) * 1000)
    return statistics.quantiles(times, n=100)[98]


def p99_beside(daemon: Daemon, args: str, want: int) -> tuple[float, float]:
    """While that goes on, from its begin to its end. Return: ms, and how many seconds it took."""
    started = time.monotonic()
    proc = subprocess.Popen(manage(daemon.dir, args), stdout=subprocess.DEVNULL)
    ms = p99(daemon, lambda _count: proc.poll() is None)
    if proc.wait() != want:
        raise RuntimeError(f"{args}: {proc.returncode}")
    return ms, time.monotonic() - started


def size(daemon: Daemon) -> int:
    return (daemon.dir / "state" / "drover.sqlite").stat().st_size


def free_pages(daemon: Daemon) -> float:
    """Percent. What the file itself has on the disk differs: it is shortened when its log is taken over."""
    with sqlite3.connect(f"file:{daemon.dir}/state/drover.sqlite?mode=ro", uri=True) as db:
        free, pages = (db.execute(f"PRAGMA {what}").fetchone()[0] for what in ("freelist_count", "page_count"))
    return 100 * free / pages


def postgres(rows: int) -> tuple[float, float]:
    """On a server of its own. Return: rows a second, archived and purged."""
    command = [ROOT / "tests" / "store" / "run", "postgres", sys.executable, "-c", "import care; care.on_postgres()", str(rows)]
    said = subprocess.run(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, stdout=subprocess.PIPE, text=True, check=True).stdout
    archived, purged = map(float, said.split())
    return archived, purged


def on_postgres() -> None:
    rows, url, folder = int(sys.argv[1]), os.environ["DROVER_TEST_DB"], Path(os.environ["DROVER_TEST_DIR"])
    (folder / "drover.conf").write_text(f"[DEFAULT]\nstate_path = {folder}\n[database]\nconnection = {url}\n")
    timed(folder, "sync", 0)
    subprocess.run(["psql", "-q", url.replace("+psycopg2", ""), "-c", world(rows, "a")], check=True)
    print(*(rows / timed(folder, args, status) for args, status in ((ARCHIVE, 1), (PURGE, 0))))


def run(quick: bool) -> Iterator[tuple[str, float]]:
    rows, calls = (ROWS_QUICK, CALLS_QUICK) if quick else (ROWS, CALLS)
    daemon = Daemon(fleet(servers=10), tag="bench")
    Path(daemon.dir / "state").mkdir(mode=0o700)
    timed(daemon.dir, "sync", 0)
    make_world(daemon, rows, "a")
    yield "care_archive", rows / timed(daemon.dir, ARCHIVE, 1)
    before = size(daemon)
    yield "care_purge", rows / timed(daemon.dir, PURGE, 0)
    yield "care_left", 100 * size(daemon) / before
    make_world(daemon, rows, "b")
    with daemon:
        wait_adopted(daemon, servers=HOSTS * 10)
        alone = p99(daemon, lambda count: count < calls)
        archive, archive_s = p99_beside(daemon, ARCHIVE, 1)
        purge, purge_s = p99_beside(daemon, PURGE, 0)
        free = free_pages(daemon)
        daemon.stop()
    yield "care_beside", rows / archive_s
    yield "care_purge_beside", rows / purge_s
    yield "care_free_beside", free
    archived, purged = postgres(rows)
    yield "care_archive_pg", archived
    yield "care_purge_pg", purged
    yield "care_p99", alone
    yield "care_p99_archive", archive
    yield "care_p99_ratio", archive / alone
    yield "care_p99_purge", purge
    yield "care_purge_ratio", purge / alone
