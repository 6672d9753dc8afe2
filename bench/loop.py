# SPDX-License-Identifier: Apache-2.0
"""The longest turn of the loop: every route of a large house, asked one by one while 8,000 clients are connected.

loop_turn: the longest turn that any route takes, of the best of its rounds, in ms. loop_rest: the longest while only hosts are polled. loop_plans: the
longest while plans of 50,000 servers on 1,000 hosts are made, read, changed, run and deleted.
DROVER_BENCH_TRACE=1 prints each route's.
"""
from __future__ import annotations

import contextlib
import os
import random
import re
import resource
import signal
import socket
import sqlite3
import sys
import time
import uuid
from typing import Iterator
from urllib.parse import urlsplit

import loop_plans
import prom
from api import Api
from daemon import ROOT, Daemon
from wait import wait_for

FULL = (50, 1000, 100_000, 8000, 3)  # hosts, servers of each, migrations, connections, rounds
QUICK = (5, 20, 500, 50, 1)
TRACE = bool(os.environ.get("DROVER_BENCH_TRACE"))
COLLECTIONS = ("networks", "subnets", "ports", "floatingips", "security-groups", "routers", "agents", "extensions")
# Lists are asked as clients do, with what makes them expensive.
QUERIES = (
    "/v2.1/servers/detail?all_tenants=1", "/v2.1/servers?all_tenants=1&limit=1000", "/v2.1/servers/detail?all_tenants=1&name=s0500",
    "/v2.1/servers?all_tenants=1&name=nothing-of-the-kind", "/v2.1/servers?all_tenants=1&name=(a|b)*c.*9$", "/v2.1/servers?all_tenants=1&status=ERROR",
    "/v2.1/servers?all_tenants=1&name=(?:(?:(?:a{0,99}){0,99}){0,9})", "/v2.1/servers/detail?all_tenants=1&host=s7",
    "/v2.1/servers?all_tenants=1&sort_key=display_name&sort_dir=desc", "/v2.1/servers?all_tenants=1&ip=10.1", "/v2.1/servers?all_tenants=1&deleted=true",
    "/v2.1/servers/detail?all_tenants=1&marker={server}", "/v2.1/servers?all_tenants=1&changes-since=2020-01-01T00:00:00Z",
    "/v2.1/os-migrations?limit=1&user_id={user}", "/v2.1/os-migrations?user_id=none", "/v2.1/os-migrations?project_id=none", "/v2.1/os-migrations?limit=1000",
    "/v2.1/os-migrations?host=s7", "/v2.1/os-migrations?source_compute=s7", "/v2.1/os-migrations?status=error", "/v2.1/os-migrations?instance_uuid={server}",
    "/v2.1/os-migrations?migration_type=live-migration", "/v2.1/os-migrations?marker={migration_uuid}&limit=10", "/v2.1/os-migrations?instance_uuid=none",
    "/v2.1/os-migrations?changes-since=2020-01-01T00:00:00Z&changes-before=2020-01-02T00:00:00Z", "/v2.1/os-migrations?hidden=true",
    "/drover/v1/migrations?limit=0", "/drover/v1/migrations?limit=1000", "/drover/v1/migrations?user_id=none", "/drover/v1/migrations?status=error",
    "/v2.1/os-simple-tenant-usage?detailed=1&start=2020-01-01T00:00:00", "/network/v2.0/ports?device_id={server}",
)


def routes() -> list[str]:
    """As the tables of src/api have them."""
    text = "\n".join(path.read_text() for path in sorted((ROOT / "src" / "api").rglob("*.c")))
    found = re.findall(r'\{ "GET",\s*"(/[^"]*)"', text)
    assert len(found) > 90, found
    return [path for path in found if path != "/drover/v1/events"]  # a stream


def filled(path: str, of: dict[str, str]) -> list[str]:
    """Its parameters have values that exist, as far as there are any."""
    if "{collection}" in path:
        return [path.replace("{collection}", name).replace("{id}", of["server"]) for name in COLLECTIONS]
    kinds = {"/v2.1/servers/": "server", "/drover/v1/migrations/": "migration", "/v2.1/flavors/": "flavor", "/drover/v1/hosts/": "host",
             "/v2.1/os-hosts/": "host", "/v2.1/os-hypervisors/": "hypervisor", "/identity/v3/users/": "user", "/identity/v3/projects/": "project"}
    kind = next((kind for start, kind in kinds.items() if path.startswith(start)), "server")
    return [re.sub(r"\{([a-z_]+)\}", lambda word: of[kind] if word[1] == "id" else of.get(word[1], "none"), path)]


def write_migrations(path: str, servers: list[str], hosts: list[str], owner: tuple[str, str], count: int) -> None:
    """As many as years make, with their history. The daemon does not run."""
    user, project = owner
    rand = random.Random(1)
    now = time.time_ns() // 1000
    rows, actions, steps, parts = [], [], [], []
    for i in range(1, count + 1):
        server, at = servers[rand.randrange(len(servers))], now - (count - i) * 1_000_000
        request = f"req-{uuid.UUID(int=i)}"
        ended = ("done", "completed") if i % 50 else ("error", "error")
        rows.append((i, str(uuid.UUID(int=i)), server, "live-migration", *ended, rand.choice(hosts), rand.choice(hosts), "{}", user, project, request, i, at, at))
        actions.append((i, server, "live-migration", request, user, project, at, at))
        steps += [(i, n, old, new, "why", at) for n, (old, new) in enumerate((("check", "queued"), ("queued", "copy"), ("copy", ended[0])), 1)]
        parts.append((i, 1, "compute_live_migration", at, at, "Success"))
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.executemany("INSERT INTO migrations (id, uuid, server_uuid, type, phase, status, source, dest, options, user_id, project_id, request_id, action_id, "
                       "created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        if any(column[1] == "ended_at" for column in db.execute("PRAGMA table_info(migrations)")):  # schema 12
            db.execute("UPDATE migrations SET ended_at = updated_at")
        db.executemany("INSERT INTO instance_actions (id, server_uuid, action, request_id, user_id, project_id, start_at, updated_at) "
                       "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", actions)
        db.executemany("INSERT INTO migration_events (migration_id, n, old_phase, new_phase, why, at) VALUES (?, ?, ?, ?, ?, ?)", steps)
        db.executemany("INSERT INTO instance_action_events (action_id, n, event, start_at, finish_at, result) VALUES (?, ?, ?, ?, ?, ?)", parts)


@contextlib.contextmanager
def connected(url: str, count: int) -> Iterator[None]:
    """Clients that hold a connection and ask nothing more."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 1000), hard))
    where = urlsplit(url)
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection((where.hostname, where.port)))
            sock.sendall(b"GET /v2.1 HTTP/1.1\r\nHost: x\r\n\r\n")
            sock.recv(65536)
        yield


class Turns:
    """What the log says of long turns; shorter ones than it tells count as none."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.at = len(daemon.events)

    def longest_ms(self) -> float:
        """Since it was asked last. The log's order is that of the loop: what follows the end of all that is meant is another turn's."""
        self.daemon.signal(signal.SIGHUP)
        self.daemon.wait_event("reloaded", 20, since=self.at)
        events = self.daemon.events[self.at:]
        self.at += len(events)
        return max([event["us"] / 1000 for event in events if event["event"] == "loop_turn"], default=0.0)


def some_of(api: Api) -> dict[str, str]:
    """A thing of each kind."""
    server = api.get("/v2.1/servers?all_tenants=1&limit=1")["servers"][0]["id"]
    migration = api.get("/v2.1/os-migrations?limit=1")["migrations"][0]
    action = api.get(f"/v2.1/servers/{migration['instance_uuid']}/os-instance-actions")["instanceActions"][0]
    return {"server": server, "migration": str(migration["id"]), "migration_uuid": migration["uuid"], "user": migration["user_id"],
            "project": migration["project_id"], "request": action["request_id"], "host": "s1", "k": "x", "t": "x", "v": server, "m": str(migration["id"]),
            "r": action["request_id"],
            "hypervisor": api.get("/v2.1/os-hypervisors")["hypervisors"][0]["id"], "class": "default", "network": "private", "port": server,
            "flavor": api.get("/v2.1/flavors")["flavors"][0]["id"] if api.get("/v2.1/flavors")["flavors"] else "x"}


def ask_all(api: Api, turns: Turns, paths: list[str], rounds: int) -> float:
    """Return: the longest turn of the worst path, ms; a path has the best of its rounds."""
    worst = 0.0
    for path in paths:
        found = []
        for _ in range(rounds):
            api.call("GET", path, mv="2.87" if "hypervisors" in path else "2.96")
            found.append(turns.longest_ms())
        worst = max(worst, min(found))
        if TRACE:
            print(f"  {min(found):8.1f} ms  {path}", file=sys.stderr)
    return worst


def wait_for_polls(api: Api, count: int) -> None:
    """Until hosts have listed their domains so often."""
    def listed() -> float:
        values = prom.Metrics(api.call("GET", "/metrics").body.decode()).values
        return sum(n for (name, labels), n in values.items() if name == "drover_hypervisor_calls_total" and ("op", "dom_list") in labels)
    began = listed()
    wait_for(lambda: listed() >= began + count, 120, f"{count} polls", interval=1)


def run(quick: bool) -> Iterator[tuple[str, float]]:
    hosts, servers, migrations, connections, rounds = QUICK if quick else FULL
    uris = {f"s{i}": f"sim://s{i}?vcpus=4096&memory=104857600&disk=20000000&servers={servers}" for i in range(1, hosts + 1)}
    with Daemon(uris, tag="bench", options={"DEFAULT": {"debug": "true", "report_interval": 10}}) as daemon:
        api = daemon.api()
        wait_for(lambda: api.get("/v2.1/os-hypervisors/statistics", "2.87")["hypervisor_statistics"]["running_vms"] == hosts * servers, 600,
                 "all servers are adopted")
        uuids = [server["id"] for server in api.get("/v2.1/servers?all_tenants=1&limit=1000")["servers"]]
        owner = api.get(f"/v2.1/servers/{uuids[0]}")["server"]
        daemon.stop()
        write_migrations(str(daemon.dir / "state" / "drover.sqlite"), uuids, list(uris), (owner["user_id"], owner["tenant_id"]), migrations)
        daemon.start()
        daemon.wait_hosts_up(hosts, 120)
        api = daemon.api()
        with connected(daemon.url, connections):
            turns = Turns(daemon)
            of = some_of(api)
            paths = [path for route in routes() for path in filled(route, of)] + [path for query in QUERIES for path in filled(query, of)]
            turns.longest_ms()
            yield "loop_turn", ask_all(api, turns, paths, rounds)
            turns.longest_ms()
            wait_for_polls(api, 2 * hosts)
            yield "loop_rest", turns.longest_ms()
        daemon.stop()
    yield from loop_plans.run(quick, lambda daemon: Turns(daemon).longest_ms)
