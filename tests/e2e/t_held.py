#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks that were withstood once, and are: on rights, tokens, queries, headers, bodies, files, starts, signals, descriptors and disks. On simulated hosts."""
from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api, Reply
from daemon import ROOT, Daemon
from tap import Skip, Tap
from wait import HANG_S, wait_for

HOSTS = {
    # a migration from here takes minutes
    "s1": "sim://s1?servers=3&server_memory=2048&bandwidth=8&working=1024&memory=65536",
    "s2": "sim://s2?memory=65536&bandwidth=8",
}
ONE = {"s1": "sim://s1?servers=1"}
FIRST, LAST = 1, 96  # microversions
NO = "00000000-0000-4000-8000-000000000000"
PASSWORD = "a l0ng one"


# ---- raw connections ----

class Raw:
    """A connection to which any bytes can be sent."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        self.sock = socket.create_connection((where.hostname, where.port), timeout=HANG_S)
        self.file = self.sock.makefile("rb")

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *why: object) -> None:
        self.file.close()
        self.sock.close()

    def read(self) -> Reply:
        """The next answer; ConnectionError if there is none."""
        line = self.file.readline()
        if not line:
            raise ConnectionError("closed without an answer")
        headers = {name.lower(): value for name, value in http.client.parse_headers(self.file).items()}
        return Reply(int(line.split()[1]), headers, self.file.read(int(headers.get("content-length", 0))))


def request(method: str, path: str, token: str, body: bytes = b"", more: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: h\r\nX-Auth-Token: {token}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + more + b"\r\n" + body


# ---- routes ----

@dataclass(frozen=True)
class Route:
    method: str
    path: str
    policy: str
    since: int
    until: int

    def there(self, mv: int) -> bool:
        return not self.path.startswith("/v2.1") or self.since <= mv <= self.until


# What changes something, and is for more than administrators.
OPEN = {
    "POST /identity/v3/auth/tokens", "DELETE /identity/v3/auth/tokens", "POST /identity/v3/users/{id}/password", "POST /v2.1/servers/{id}/action",
    "POST /v2.1/servers/{id}/remote-consoles", "POST /drover/v1/session", "DELETE /drover/v1/session",
    "POST /identity/v3/users/{user}/application_credentials", "DELETE /identity/v3/users/{user}/application_credentials/{id}",
}
PUBLIC = {
    "GET /", "GET /v2.1", "GET /identity", "GET /identity/v3", "GET /image", "GET /image/versions", "GET /network", "GET /network/v2.0", "GET /metrics",
    "GET /baremetal", "GET /baremetal/v1",
    "POST /identity/v3/auth/tokens", "POST /drover/v1/session",
    "GET /dashboard", "GET /dashboard/{view}", "GET /dashboard/{view}/{id}", "GET /dashboard/static/{file}",
    "GET /dashboard/console/{id}", *(f"GET /dashboard/novnc/{path}{{file}}" for path in ("", "{a}/", "{a}/{b}/", "vendor/pako/{a}/{b}/")),
}


def number(text: str, word: str, otherwise: int, names: dict[str, str]) -> int:
    found = re.search(rf"\.{word} = (\w+)", text)
    return int(names.get(found[1], found[1])) if found else otherwise


def routes() -> list[Route]:
    """As the tables of src/api have them."""
    found = []
    rules = dict(re.findall(r'\{ "([^"]+)",\s*POLICY_([A-Z]+) \}', (ROOT / "src" / "api" / "http" / "policy.c").read_text()))
    for path in sorted((ROOT / "src" / "api").rglob("*.c")):
        text = path.read_text()
        names = dict(re.findall(r'^#define (\w+) "?([^"\s]+)', text, re.MULTILINE))
        for method, where, rule, rest in re.findall(r'\{ "(GET|POST|PUT|PATCH|DELETE)",\s*([A-Z_]+|(?:[A-Z_]+ )?"/[^"]*"),\s*(?:("[^"]*"|[A-Z_]+),)?((?:[^{}"]|"[^"]*")*)\}', text):
            whole = "".join(names[name] if name else literal for literal, name in re.findall(r'"([^"]*)"|([A-Z_]+)', where))
            policy = rules[names.get(rule, rule.strip('"'))] if rule else "MEMBER"  # the action in the body has its own
            found.append(Route(method, whole, policy, number(rest, "since", FIRST, names), number(rest, "until", LAST, names)))
    assert len(found) > 110 and all(route.path.startswith("/") for route in found), found
    assert {route.policy for route in found} <= {"PUBLIC", "OWN", "READER", "MEMBER", "ADMIN"}
    assert {f"{route.method} {route.path}" for route in found if route.policy == "PUBLIC"} == PUBLIC
    assert {f"{route.method} {route.path}" for route in found if route.policy != "ADMIN" and route.method != "GET"} == OPEN
    return found


def filled(path: str, of: dict[str, str]) -> str:
    """Its parameters have values that exist, as far as there are any."""
    kinds = {"/v2.1/servers/": "server", "/drover/v1/servers/": "server", "/drover/v1/migrations/": "m", "/drover/v1/hosts/": "host", "/v2.1/os-hosts/": "host",
             "/v2.1/os-hypervisors/": "hypervisor", "/v2.1/os-services/": "service", "/v2.1/flavors/": "flavor", "/identity/v3/users/": "user",
             "/identity/v3/projects/": "project", "/identity/v3/roles/": "role"}
    kind = next((kind for start, kind in kinds.items() if path.startswith(start)), "server")
    return re.sub(r"\{([a-z_]+)\}", lambda word: of[kind] if word[1] == "id" else of.get(word[1], NO), path)


def some_of(api: Api) -> dict[str, str]:
    """A thing of each kind, all of them the administrator's. A migration of the server runs."""
    server = next(s for s in api.servers() if s["OS-EXT-SRV-ATTR:host"] == "s1")
    got = api.live_migrate(server["id"], "s2")
    assert got.status == 202, got.fault
    mig = wait_for(lambda: api.running_migration(server["id"]), 10, "the migration runs")
    return {"server": server["id"], "m": str(mig["id"]), "user": server["user_id"], "project": server["tenant_id"], "host": "s1",
            "hypervisor": api.get("/v2.1/os-hypervisors")["hypervisors"][0]["id"], "service": api.get("/v2.1/os-services")["services"][0]["id"],
            "r": api.get(f"/v2.1/servers/{server['id']}/os-instance-actions")["instanceActions"][0]["request_id"],
            "flavor": api.get("/v2.1/flavors?is_public=none")["flavors"][0]["id"], "role": api.get("/v3/roles")["roles"][0]["id"], "collection": "ports",
            "class": "default", "network": "private"}


# What each would do if it could.
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/drover/v1/hosts"): {"host": {"name": "new", "uri": "sim://new"}},
    ("POST", "/drover/v1/migrations/{id}"): {"priority": 7},
    ("POST", "/identity/v3/users/{user}/application_credentials"): {"application_credential": {"name": "new"}},
    ("POST", "/identity/v3/users"): {"user": {"name": "new", "password": PASSWORD}},
    ("PATCH", "/identity/v3/users/{id}"): {"user": {"name": "other", "password": PASSWORD}},
    ("POST", "/identity/v3/users/{id}/password"): {"user": {"password": PASSWORD, "original_password": "x"}},
    ("POST", "/identity/v3/projects"): {"project": {"name": "new"}},
    ("PATCH", "/identity/v3/projects/{id}"): {"project": {"name": "other", "enabled": False}},
    ("POST", "/v2.1/servers/{id}/migrations/{m}/action"): {"force_complete": None},
    ("POST", "/v2.1/servers/{id}/action"): {"os-migrateLive": {"host": "s2", "block_migration": False, "disk_over_commit": False}},
    ("POST", "/v2.1/servers/{id}/remote-consoles"): {"remote_console": {"protocol": "vnc", "type": "novnc"}},
    ("PUT", "/v2.1/os-services/{id}"): {"status": "disabled", "forced_down": True},
}


def seen(api: Api) -> dict[str, Any]:
    """What the administrator sees, without what changes by itself."""
    def pick(rows: list[dict], *keys: str) -> list[str]:
        return sorted(json.dumps({key: row[key] for key in keys}) for row in rows)
    return {
        "servers": pick(api.servers(), "id", "name", "status", "OS-EXT-SRV-ATTR:host", "OS-EXT-STS:task_state", "user_id", "tenant_id"),
        "services": pick(api.get("/v2.1/os-services")["services"], "id", "host", "status", "forced_down", "disabled_reason"),
        "hosts": pick(api.get("/drover/v1/hosts", None)["hosts"], "id", "name", "uri", "disabled", "forced_down"),
        "migrations": pick(api.get("/drover/v1/migrations", None)["migrations"], "id", "final", "priority", "abort_wanted", "force_wanted", "paused"),
        "users": api.get("/v3/users", None)["users"],
        "projects": api.get("/v3/projects", None)["projects"],
        "roles": api.get("/v3/role_assignments", None)["role_assignments"],
    }


def login(api: Api, name: str, project: str | None) -> str:
    """@project: None: unscoped. Return: the token."""
    user = {"name": name, "password": PASSWORD, "domain": {"name": "Default"}}
    scope = {"project": {"id": project}} if project else {"unscoped": {}}
    got = api.call("POST", "/v3/auth/tokens", {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}, token=None)
    assert got.status == 201, got.fault
    return got.headers["x-subject-token"]


def make(api: Api, kind: str, **fields: str) -> str:
    """Return: its id."""
    got = api.call("POST", f"/v3/{kind}s", {kind: fields})
    assert got.status == 201, got.fault
    return got.json[kind]["id"]


def make_callers(api: Api, project: str) -> dict[str, str | None]:
    """@project: the administrator's. Return: name -> token."""
    roles = {role["name"]: role["id"] for role in api.get("/v3/roles", None)["roles"]}
    other = make(api, "project", name="other")
    for name, where, role in ("member", other, "member"), ("reader", project, "reader"):
        user = make(api, "user", name=name, password=PASSWORD)
        put = api.call("PUT", f"/v3/projects/{where}/users/{user}/roles/{roles[role]}")
        assert put.status == 204, put.fault
    return {"no token": None, "garbage": "g" * len(api.token), "a member of another project": login(api, "member", other),
            "a reader": login(api, "reader", project), "an unscoped token": login(api, "reader", None)}


def judge(route: Route, caller: str, mv: int, got: Reply, servers: set[str]) -> str:
    """Return: what is wrong with an answer, or ""."""
    strange = caller in ("no token", "garbage")
    absent = {404} if not route.there(mv) else set()
    if got.status >= 500:
        return "a server error"
    if (route.method, route.path) == ("POST", "/drover/v1/session"):
        return "" if got.status == 403 else "a session for what is no page of ours"
    if route.policy == "PUBLIC":
        return "" if got.status in (200, 300, 400, 401, 404) else "a public route"
    if strange:
        return "" if got.status in {401} | absent else "no valid token"
    if route.policy == "ADMIN":
        return "" if got.status in {403} | absent else "not an administrator"
    if route.method != "GET":
        return "" if got.status in {401, 403, 404} else "it changes"
    if caller != "a reader" and got.status < 300 and any(server in got.body.decode() for server in servers):
        return "another project's server is seen"
    return "" if got.status in (200, 203, 204, 400, 403, 404) else "a status that does not belong there"


def rights(daemon: Daemon, notes: list[str]) -> None:
    api = daemon.api()
    of = some_of(api)
    callers = make_callers(api, of["project"])
    servers = {server["id"] for server in api.servers()}
    before, wrong, asked = seen(api), [], 0
    for route in routes():
        for caller, token in callers.items():
            for mv in FIRST, LAST:
                got = api.call(route.method, filled(route.path, of), BODIES.get((route.method, route.path), {} if route.method in ("POST", "PUT", "PATCH") else None),
                               f"2.{mv}", token, {"X-Subject-Token": api.token})
                why = judge(route, caller, mv, got, servers)
                wrong += [f"{route.method} {route.path} 2.{mv} by {caller}: {got.status} {got.fault[:120]}: {why}"] if why else []
                asked += 1
    assert not wrong, "\n".join(wrong)
    assert seen(api) == before
    notes.append(f"{asked} requests")


def absent(daemon: Daemon, notes: list[str]) -> None:
    """Each route by the administrator, for what is not there, with a body that is right, one that is not, and none."""
    api, asked = daemon.api(), 0
    before = seen(api)
    of = {kind: NO for kind in ("server", "m", "host", "hypervisor", "service", "flavor", "user", "project", "role")}
    for route in routes():
        if "{" not in route.path:
            continue
        for name in NO, "7", "x", "%C3%A4", "n" * 300:
            path = filled(route.path, dict.fromkeys(of, name) | dict.fromkeys(re.findall(r"\{([a-z_]+)\}", route.path), name))
            bodies = (BODIES.get((route.method, route.path), {}), {}, b"{", None) if route.method in ("POST", "PUT", "PATCH") else (None,)
            for body in bodies:
                for mv in FIRST, LAST:
                    got = api.call(route.method, path, body, f"2.{mv}")
                    assert got.status < 300 and route.method == "GET" or 400 <= got.status < 500, f"{route.method} {path} 2.{mv} {body}: {got.status} {got.fault}"
                    asked += 1
    assert seen(api) == before
    notes.append(f"{asked} requests")


# ---- tokens ----

def tokens(daemon: Daemon, notes: list[str]) -> None:
    """Altered at each byte, cut at each length, grown, and two of them spliced."""
    api, other = daemon.api(), daemon.api()
    good, second = api.token, other.token
    assert good != second
    forged = {good[:at] + ("B" if good[at] == "A" else "A") + good[at + 1:] for at in range(len(good))}
    forged |= {good[:at] for at in range(1, len(good))} | {good[at:] for at in range(1, len(good))}
    forged |= {good[:at] + second[at:] for at in range(1, len(good))} | {second[:at] + good[at:] for at in range(1, len(good))}
    forged |= {good + more for more in ("A", "=", "==", ".", "AAAA", good)} | {good.swapcase(), good[::-1]}
    for text in sorted(forged - {good, second}):
        got = api.call("GET", "/v2.1/limits", token=text)
        assert got.status == 401, f"{got.status} for {text!r} of {good!r} and {second!r}"
    assert api.call("GET", "/v2.1/limits").status == 200
    notes.append(f"{len(forged)} tokens")


# ---- queries ----

TEXTS = (
    "", " ", "'", "' OR 1=1 --", "'; DROP TABLE users; --", "\" OR \"\"=\"", "1 UNION SELECT 1", "x') OR ('1'='1", "%", "%%%%", "_", "\\", "a\\", "(", "[", "*",
    "(a*)*b", "[[:alpha:]]*", "a{1,9999}", "{{7*7}}", "${jndi:x}", "../../etc/passwd", "A" * 255, "A" * 2500, "\0", "a\0b", "\n", "\r\nX: y", "\x1b[31m",
    "\u00e4", "\u202e", "\u2028", "\U0001f600", "\udcff", "\udced\udca0\udc80", "\udcc0\udc80", "-1", "0", "00", "+1", "1.5", "1e9", "0x10", "2147483648",
    "-2147483649", "9223372036854775807", "9223372036854775808", "9" * 60, "NaN", "null", "true", "[]", "{}", NO, NO.upper(), "1970-01-01T00:00:00Z",
    "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T25:61:61Z", "2020-01-01T00:00:00+99:99", "in:ACTIVE,ERROR", "<script>", "name", "id:asc",
)
LISTS = (
    "/v2.1/servers?all_tenants=1&", "/v2.1/servers/detail?", "/v2.1/os-migrations?", "/drover/v1/migrations?", "/drover/v1/servers?", "/drover/v1/hosts?", "/v2.1/os-hypervisors/detail?",
    "/v2.1/os-services?", "/v2.1/flavors/detail?", "/v2.1/os-simple-tenant-usage?", "/v2.1/servers/{server}/os-instance-actions?", "/identity/v3/users?",
    "/identity/v3/projects?", "/identity/v3/role_assignments?", "/network/v2.0/ports?", "/image/v2/images?", "/v2.1/os-quota-sets/{project}?",
)
COMMON = ("marker", "limit", "sort_key", "name", "status", "changes-since", "host")
OWN = {
    "/v2.1/servers": ("sort_dir", "ip", "changes-before", "deleted", "all_tenants", "locked", "project_id", "user_id", "uuid", "odd-name"),
    "/v2.1/os-migrations": ("instance_uuid", "migration_type", "source_compute", "hidden", "user_id", "project_id", "changes-before"),
    "/drover/v1/migrations": ("server", "type", "changes-before"), "/drover/v1/servers": ("offset", "sort", "q", "fields", "project_id"), "/v2.1/os-hypervisors": ("hypervisor_hostname_pattern", "with_servers"),
    "/v2.1/os-services": ("binary",), "/v2.1/flavors": ("is_public", "minRam", "minDisk"), "/v2.1/os-simple-tenant-usage": ("start", "end", "detailed"),
    "/identity/v3": ("enabled", "domain_id", "user.id", "scope.project.id", "include_names"), "/network": ("device_id", "fields", "network_id", "fixed_ips"),
}


def odd_queries(path: str) -> Iterator[str]:
    own = next((names for start, names in OWN.items() if path.startswith(start)), ())
    for name in COMMON + own:
        for text in TEXTS:
            yield f"{path}{quote(name)}={quote(text, errors='surrogateescape')}"
    for text in TEXTS:  # as a name, and twice
        word = quote(text, errors="surrogateescape")
        yield f"{path}{word}={word}&limit=1&limit={word}"  # below HTTP1_LINE_MAX


def queries(daemon: Daemon, notes: list[str]) -> None:
    """Many at a time on a connection, which is faster; the microversions take turns."""
    api = daemon.api()
    server = api.servers()[0]
    paths = [query for path in LISTS for query in odd_queries(path.format(server=server["id"], project=server["tenant_id"]))]
    with Raw(daemon.url) as raw:
        for at in range(0, len(paths), 20):
            part = paths[at:at + 20]
            for mv in FIRST, LAST:
                raw.sock.sendall(b"".join(request("GET", path, api.token, more=f"OpenStack-API-Version: compute 2.{mv}\r\n".encode()) for path in part))
                for path in part:
                    got = raw.read()
                    assert got.status in (200, 400, 404), f"{path}: {got.status} {got.fault}"
                    json.loads(got.body)
    notes.append(f"{2 * len(paths)} requests")


# ---- headers and bodies ----

VERSIONS = (
    "", " ", "2", "2.", ".1", "2.1.1", "2.01", "02.1", "2.1 ", " 2.1", "2.-1", "-2.1", "+2.1", "2.+1", "2,1", "2.1,2.2", "2.0", "2.97", "2.9999", "2.99999999999999999999",
    "99999999999999999999.1", "3.0", "1.1", "0.0", "latest", "LATEST", "latest ", "latest,2.1", "null", "x", "2.x", "2.1x", "2.1e1", "0x2.1", "2.1\t", "2.\xb2", "\xff",
    "'", "%n%n%s", "compute", "compute compute 2.1", "compute 2.1, compute 2.x", "9" * 4000, "," * 4000, "compute 2.1," * 300, "\x1b[31m",
)


def versions(daemon: Daemon, notes: list[str]) -> None:
    token = daemon.api().token
    for text in VERSIONS:
        for line in f"OpenStack-API-Version: compute {text}", f"OpenStack-API-Version: {text}", f"X-OpenStack-Nova-API-Version: {text}":
            with Raw(daemon.url) as raw:
                raw.sock.sendall(request("GET", "/v2.1/servers", token, more=line.encode("latin-1") + b"\r\n"))
                got = raw.read()
                assert got.status in (200, 400, 406), f"{line[:80]!r}: {got.status} {got.fault}"
                json.loads(got.body)
    notes.append(f"{3 * len(VERSIONS)} headers")


# None of these is a body, or a member, that a route can take.
ODD_JSON = (
    b"", b" ", b"{", b"}", b"[]", b"null", b"true", b"7", b"1e999", b"-", b"nul", b"[" * 5000, b"[" * 50000, b'{"a":' * 5000, b"[" * 900 + b"]" * 900, b"9" * 5000,
    b"1e400", b"123456789012345678901234567890", b"-0", b'"\\u0000"', b'"\\ud800"', b'"\xff\xfe"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\x00"', b'"a\nb"', b"{}{}", b"\xef\xbb\xbf{}",
    b'{"a":1,"a":2}', b"[{}]", b'{"":{}}', b"{'a':1}", b"[1,]", b"NaN", b"\x00" * 100,
)
LOGIN = (b'{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":', b',"password":"x","domain":{"id":"default"}}}}}}')
BODIES_OF = {"/v3/auth/tokens": LOGIN, "/v3/users": (b'{"user":{"password":"a l0ng one","name":', b"}}"),
             "/v2.1/servers/{server}/action": (b'{"os-migrateLive":{"block_migration":"auto","host":', b"}}")}


def bodies(daemon: Daemon, notes: list[str]) -> None:
    api, asked = daemon.api(), 0
    server = api.servers()[0]["id"]
    before = seen(api)
    for path, (left, right) in BODIES_OF.items():
        for odd in ODD_JSON:
            for body in odd, left[:left.index(b":") + 1] + odd + b"}", left + odd + right:
                if odd == b"null" and body.endswith(b'"host":null}}'):
                    continue  # Drover chooses it
                got = api.call("POST", path.format(server=server), body, "2.96")
                assert got.status in (400, 401, 404, 409), f"{path} {body[:200]!r}: {got.status} {got.fault}"
                json.loads(got.body)
                asked += 1
    assert seen(api) == before
    notes.append(f"{asked} bodies")


# ---- one connection ----

def pipelined(daemon: Daemon) -> None:
    token = daemon.api().token
    ids = [str(uuid.UUID(int=n)) for n in range(201)]
    with Raw(daemon.url) as raw:
        raw.sock.sendall(b"".join(request("GET", f"/v2.1/servers/{one}", token) for one in ids))
        for one in ids:
            got = raw.read()
            assert got.status == 404 and one in got.fault, f"{one}: {got.status} {got.fault}"
        raw.sock.sendall(b"".join(request("POST", f"/v2.1/servers/{one}/action", token, b'{"os-migrateLive":{"host":null,"block_migration":"auto"}}',
                                          b"OpenStack-API-Version: compute 2.96\r\n") + request("GET", f"/v2.1/os-keypairs/k-{one}", token) for one in ids[:51]))
        for one in ids[:51]:
            for name in one, f"k-{one}":
                got = raw.read()
                assert got.status == 404 and name in got.fault, f"{name}: {got.status} {got.fault}"


# ---- files ----

UMASK = ["sh", "-c", "umask 000; exec \"$@\"", "sh"]


def check_modes(state: Path) -> None:
    modes = {str(path.relative_to(state)): f"{path.lstat().st_mode:o}" for path in state.rglob("*")}
    assert {"token.key", "admin-openrc", "clouds.yaml", "drover.sqlite"} <= set(modes), modes
    assert set(modes.values()) == {"100600"}, modes
    assert state.stat().st_mode & 0o777 == 0o700, oct(state.stat().st_mode)


def files() -> None:
    daemon = Daemon(ONE, tag="held-files")
    daemon.wrap = UMASK
    with daemon:
        check_modes(daemon.dir / "state")
        daemon.api()
        daemon.stop()


def links() -> None:
    """What is written does not go where a link leads; and a key that is none is not written over."""
    daemon = Daemon(ONE, tag="held-links")
    state = daemon.dir / "state"
    state.mkdir(mode=0o700)
    (state / "first-start").touch(mode=0o600)  # an earlier one was not through
    mine = [daemon.dir / "target-1", daemon.dir / "target-2"]
    for name, target in ("admin-openrc", mine[0]), ("clouds.yaml", mine[1]), ("token.key", daemon.dir / "absent"):
        (state / name).symlink_to(target)
    for target in mine:
        target.write_text("mine\n")
        target.chmod(0o644)
    daemon.wrap = UMASK
    with daemon:
        check_modes(state)
        daemon.api()
        daemon.stop()
        (state / "token.key").unlink()
        (state / "token.key").symlink_to(mine[0])
        began = len(daemon.events)
        daemon.spawn()
        assert "is not a token key" in daemon.wait_event("not_started", HANG_S, since=began)["error"]
        assert [target.read_text() for target in mine] == ["mine\n"] * 2 and {target.stat().st_mode & 0o777 for target in mine} == {0o644}
        assert not (daemon.dir / "absent").exists()


# ---- life ----

STARTS = 40
SPREAD_S = 0.25


def killed_starts(notes: list[str]) -> None:
    """Killed by coreutils' timeout, at moments that are spread over a first start and what comes after, more of them early; then in order."""
    daemon = Daemon(ONE, tag="held-kills")
    cut = 0
    try:
        for n in range(STARTS):
            daemon.wrap = ["timeout", "-s", "KILL", f"{0.002 + SPREAD_S * (n / STARTS) ** 2:.4f}"]
            began = len(daemon.events)
            daemon.spawn()
            daemon.proc.wait(HANG_S)
            daemon.pump.join()
            cut += not daemon.find_event("ready", began)
            assert not daemon.find_event("not_started", began), daemon.events[began:]
        daemon.wrap = []
        with daemon:
            assert daemon.api().get("/v3/users", None)["users"]
            daemon.stop()
    finally:
        daemon.kill()
    notes.append(f"{cut} of {STARTS} before they were ready")


def signals() -> None:
    with Daemon(ONE, tag="held-signals") as daemon:
        for _ in range(300):
            daemon.signal(signal.SIGHUP)
        daemon.wait_event("reloaded", HANG_S)
        daemon.signal(signal.SIGPIPE)
        daemon.signal(signal.SIGTSTP)
        daemon.signal(signal.SIGCONT)
        daemon.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, daemon.proc.pid, os.WSTOPPED)
        daemon.signal(signal.SIGCONT)
        assert daemon.api().servers()
        for _ in range(5):
            daemon.signal(signal.SIGTERM)
        assert daemon.proc.wait(HANG_S) == 0
        assert daemon.wait_event("stopped", HANG_S)


FILES = 64


def few_files() -> None:
    daemon = Daemon(ONE, tag="held-fds")
    daemon.wrap = ["prlimit", f"--nofile={FILES}:{FILES}"]
    with daemon:
        assert resource.prlimit(daemon.proc.pid, resource.RLIMIT_NOFILE) == (FILES, FILES)
        with contextlib.ExitStack() as stack:
            for _ in range(4 * FILES):
                raw = stack.enter_context(Raw(daemon.url))
                with contextlib.suppress(ConnectionError):
                    raw.sock.sendall(b"GET /v2.1 HTTP/1.1\r\nHost: h\r\n\r\n")
            daemon.wait_event("connections_full", HANG_S)
        api = daemon.api()
        assert len(api.servers()) == 1
        api.close()
        daemon.stop()


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Another file system, 2 MiB large."""
    folder.mkdir(mode=0o700)
    got = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "held", str(folder)], capture_output=True, text=True)
    if got.returncode:
        raise Skip(f"no file system can be mounted: {got.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def make_projects(api: Api) -> set[str]:
    """Until three in a row are refused. Return: the names of those that were acknowledged."""
    told, refused = set(), 0
    for n in range(20000):
        name = f"p{n}-" + "x" * 40
        got = api.call("POST", "/v3/projects", {"project": {"name": name, "description": "d" * 200}})
        if got.status == 201:
            told.add(name)
            refused = 0
            continue
        assert got.status >= 500, f"{got.status} {got.fault}"
        refused += 1
        if refused == 3:
            return told
    raise AssertionError("the disk is never full")


def member_writes(url: str, user: str, token: str, state: Path) -> None:
    """On the full disk; it is not told where the database is."""
    path = f"/v3/users/{user}/application_credentials"
    got = Api(url).call("POST", path, {"application_credential": {"name": "new", "description": "d" * 255}}, token=token)
    text = got.body.decode()
    assert got.status >= 500 and str(state) not in text and "sqlite" not in text.lower(), f"{got.status} {text}"


def full_disk(notes: list[str]) -> None:
    daemon = Daemon(ONE, tag="held-disk")
    state = daemon.dir / "state"
    try:
        with small_disk(state), daemon:
            daemon.wait_hosts_up(1)
            api = daemon.api()
            project = api.get("/v3/projects", None)["projects"][0]["id"]
            reader = make_callers(api, project)["a reader"]
            user = next(user["id"] for user in api.get("/v3/users", None)["users"] if user["name"] == "reader")
            told = make_projects(api)
            member_writes(daemon.url, user, reader, state)
            for path in "/v3/projects", "/v3/users", "/v2.1/servers/detail", "/v2.1/os-migrations", "/drover/v1/hosts":
                assert api.call("GET", path, mv="2.96").status == 200, path
            daemon.kill()
            subprocess.run(["mount", "-o", "remount,size=16m", str(state)], check=True)
            daemon.start()
            names = {project["name"] for project in daemon.api().get("/v3/projects", None)["projects"]}
            assert told and told <= names, told - names
            daemon.stop()
            notes.append(f"{len(told)} projects")
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", str(daemon.dir)], check=True)


def main() -> int:
    t = Tap()
    with Daemon(HOSTS, tag="held") as daemon:
        daemon.wait_hosts_up(2)
        with t.test("each route by those that may not") as notes:
            rights(daemon, notes)
        with t.test("each route for what is not there") as notes:
            absent(daemon, notes)
        with t.test("tokens that are altered, cut and spliced") as notes:
            tokens(daemon, notes)
        with t.test("odd queries") as notes:
            queries(daemon, notes)
        with t.test("odd microversions") as notes:
            versions(daemon, notes)
        with t.test("odd bodies") as notes:
            bodies(daemon, notes)
        with t.test("201 GETs, and 51 POSTs with a GET each, on one connection"):
            pipelined(daemon)
        with t.test("droverd ends well"):
            daemon.stop()
    with t.test("files and folders are for one user, whatever the umask"):
        files()
    with t.test("links where secrets are written are replaced"):
        links()
    with t.test("starts that are killed") as notes:
        killed_starts(notes)
    with t.test("300 SIGHUP, SIGPIPE, SIGTSTP, SIGSTOP, five SIGTERM"):
        signals()
    with t.test(f"{FILES} descriptors"):
        few_files()
    with t.test("a full disk") as notes:
        full_disk(notes)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
