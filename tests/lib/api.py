# SPDX-License-Identifier: Apache-2.0
"""HTTP calls as a client makes them that checks each word."""
from __future__ import annotations

import http.client
import json
import select
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def fault(self) -> str:
        """"NAME: message" of a fault; the body's begin of anything else."""
        try:
            name, fault = next(iter(self.json.items()))
            return f"{name}: {fault['message']}"
        except (ValueError, KeyError, TypeError, StopIteration):
            return self.body[:200].decode(errors="replace")


def read_openrc(path: Path) -> dict[str, str]:
    """The variables of a credentials file."""
    found = {}
    for line in path.read_text().splitlines():
        words = shlex.split(line, comments=True)
        if len(words) == 2 and words[0] == "export" and "=" in words[1]:
            name, value = words[1].split("=", 1)
            found[name] = value
    return found


IDEMPOTENT = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")
HANG_S = 300  # for one answer


class Api:
    """One connection, one token. A connection that the server has closed while it was idle is replaced, as RFC 9112 9.3.1 wants of clients."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.token = token
        self._conn: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._conn:
            self._conn.close()
        self._conn = None

    def _kept(self) -> bool:
        """There is a connection from an earlier request, and nothing says that the server has closed it."""
        sock = self._conn and self._conn.sock
        if not sock or select.select([sock], [], [], 0)[0]:
            self.close()
        return self._conn is not None

    def _exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        if not self._conn:
            self._conn = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=HANG_S)
        try:
            self._conn.request(method, path, body, headers)
            got = self._conn.getresponse()
            return Reply(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        kept = self._kept()
        try:
            return self._exchange(method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # it was closed on the way; what changes nothing when it is done twice is asked again
            if not kept or method not in IDEMPOTENT:
                raise
        return self._exchange(method, path, body, headers)

    def call(self, method: str, path: str, body: Any = None, mv: str | None = None, token: str | None = "",
             headers: dict[str, str] | None = None) -> Reply:
        """@body: JSON of anything but bytes. @mv: "2.96". @token: None sends none."""
        send = dict(headers or {})
        token = self.token if token == "" else token
        if token:
            send["X-Auth-Token"] = token
        if mv:
            send["OpenStack-API-Version"] = f"compute {mv}"
            send["X-OpenStack-Nova-API-Version"] = mv
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            send.setdefault("Content-Type", "application/json")
        return self._request(method, path, body, send)

    def get(self, path: str, mv: str | None = "2.96") -> Any:
        got = self.call("GET", path, mv=mv)
        if got.status != 200:
            raise RuntimeError(f"GET {path}: {got.status} {got.fault}")
        return got.json

    def login(self, openrc: dict[str, str]) -> str:
        """A token of the user and project of a credentials file; it is used from now on."""
        user = {"name": openrc["OS_USERNAME"], "password": openrc["OS_PASSWORD"],
                "domain": {"name": openrc.get("OS_USER_DOMAIN_NAME", "Default")}}
        scope = {"project": {"name": openrc["OS_PROJECT_NAME"], "domain": {"name": openrc.get("OS_PROJECT_DOMAIN_NAME", "Default")}}}
        body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        got = self.call("POST", "/v3/auth/tokens", body, token=None)
        if got.status != 201:
            raise RuntimeError(f"login: {got.status} {got.fault}")
        self.token = got.headers["x-subject-token"]
        return self.token

    # ---- what several tests and benchmarks do ----

    def servers(self) -> list[dict]:
        return self.get("/v2.1/servers/detail?all_tenants=1")["servers"]

    def server(self, uuid: str) -> dict:
        return self.get(f"/v2.1/servers/{uuid}")["server"]

    def host_of(self, uuid: str) -> str:
        return self.server(uuid)["OS-EXT-SRV-ATTR:host"]

    def live_migrate(self, uuid: str, host: str | None = None, mv: str = "2.96") -> Reply:
        return self.call("POST", f"/v2.1/servers/{uuid}/action", {"os-migrateLive": {"host": host, "block_migration": "auto"}}, mv=mv)

    def migrations(self, uuid: str) -> list[dict]:
        """All of a server, newest first."""
        return self.get(f"/v2.1/os-migrations?instance_uuid={uuid}")["migrations"]

    def running_migration(self, uuid: str) -> dict | None:
        """The one that is listed as in progress."""
        found = self.get(f"/v2.1/servers/{uuid}/migrations")["migrations"]
        return found[0] if found else None
