#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients of two addresses: what one of them takes, the other one does not lack. Network namespaces of its own; the host is simulated."""
from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import select
import socket
import subprocess
import sys
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon
from tap import Tap
from wait import HANG_S, wait_for

FILES = 1024            # the daemon may have so many descriptors, which leaves it 512 connections, and 64 requests at once
SHARE = FILES // 2 // 4 # of one address
AT_ONCE = FILES // 2 // 8 // 4
BODY = 1 << 20          # [oslo_middleware] max_request_body_size
BODIES = 16 << 20       # of one address
NAME = f"address-{os.getpid()}"
CLIENTS = {"a": "198.51.100", "b": "203.0.113"}  # name -> its network; the daemon is .1, the client .2
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


# ---- namespaces ----

def ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=not check)


def down() -> None:
    for end in "srv", *CLIENTS:
        ip("netns", "del", f"{NAME}-{end}", check=False)


@contextlib.contextmanager
def networks() -> Iterator[None]:
    try:
        for end in "srv", *CLIENTS:
            ip("netns", "add", f"{NAME}-{end}")
        ip("-n", f"{NAME}-srv", "link", "set", "lo", "up")
        for client, net in CLIENTS.items():
            ip("-n", f"{NAME}-srv", "link", "add", f"to-{client}", "type", "veth", "peer", "name", "to-srv", "netns", f"{NAME}-{client}")
            for end, dev, address in ("srv", f"to-{client}", 1), (client, "to-srv", 2):
                ip("-n", f"{NAME}-{end}", "address", "add", f"{net}.{address}/24", "dev", dev)
                ip("-n", f"{NAME}-{end}", "link", "set", dev, "up")
        yield
    finally:
        down()


@contextlib.contextmanager
def inside(end: str) -> Iterator[None]:
    """Sockets made in the block are of that namespace, and stay so."""
    with open("/proc/self/ns/net") as back, open(f"/run/netns/{NAME}-{end}") as there:
        if libc.setns(there.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
        try:
            yield
        finally:
            libc.setns(back.fileno(), CLONE_NEWNET)


# ---- clients ----

class Client:
    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.address = (f"{CLIENTS[name]}.1", port)

    def dial(self) -> socket.socket:
        with inside(self.name):
            return socket.create_connection(self.address, timeout=HANG_S)

    def dial_many(self, count: int) -> list[socket.socket]:
        return [self.dial() for _ in range(count)]

    def login(self, openrc: dict[str, str], password: str | None = None) -> socket.socket:
        """Sent; answer() reads what comes of it."""
        return self.send("POST", "/identity/v3/auth/tokens", login_body(openrc, password))

    def send(self, method: str, path: str, body: bytes = b"", token: str = "", sock: socket.socket | None = None) -> socket.socket:
        sock = sock or self.dial()
        sock.sendall(head(method, path, len(body), token) + body)
        return sock

    def token(self, openrc: dict[str, str]) -> str:
        with contextlib.closing(self.login(openrc)) as sock:
            got = answer(sock)
        assert got.status == 201, got.status
        return got.headers["X-Subject-Token"]


def head(method: str, path: str, length: int, token: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: drover", "Content-Type: application/json", f"Content-Length: {length}"]
    return "\r\n".join([*lines, *([f"X-Auth-Token: {token}"] if token else []), "", ""]).encode()


def login_body(openrc: dict[str, str], password: str | None = None) -> bytes:
    user = {"name": openrc["OS_USERNAME"], "password": password or openrc["OS_PASSWORD"], "domain": {"name": "Default"}}
    scope = {"project": {"name": openrc["OS_PROJECT_NAME"], "domain": {"name": "Default"}}}
    return json.dumps({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}).encode()


def answer(sock: socket.socket) -> http.client.HTTPResponse:
    got = http.client.HTTPResponse(sock)
    got.begin()
    got.read()
    return got


def is_open(sock: socket.socket) -> bool:
    """Of a connection on which nothing is to come."""
    return not select.select([sock], [], [], 0)[0]


def open_of(socks: list[socket.socket]) -> list[socket.socket]:
    return [sock for sock in socks if is_open(sock)]


def close_all(socks: list[socket.socket]) -> None:
    for sock in socks:
        sock.close()


# ---- tests ----

def try_connections(t: Tap, a: Client, b: Client) -> None:
    others = b.dial_many(8)
    own = a.dial_many(2 * SHARE)
    with t.test("idle connections: an address keeps its share of them, its newest"):
        wait_for(lambda: len(open_of(own)) <= SHARE, HANG_S, "what is too much is closed")
        assert open_of(own) == own[-SHARE:], [is_open(sock) for sock in own]
    with t.test("idle connections: another address keeps all of its own, and gets in"):
        for sock in *others, b.dial():
            got = answer(b.send("GET", "/", sock=sock))
            assert got.status == 200, got.status
    close_all([*own, *others])


def try_tokens(t: Tap, a: Client, b: Client, openrc: dict[str, str]) -> None:
    token = a.token(openrc)
    own = a.dial_many(SHARE)
    for sock in own:
        assert answer(a.send("GET", "/v2.1/limits", token=token, sock=sock)).status == 200
    with t.test("connections with a token: the address that has its share of them still logs in, as does the other"):
        assert a.token(openrc) and b.token(openrc)
    with t.test("connections with a token: some of the same address made room"):
        assert 0 < len(open_of(own)) < SHARE, len(open_of(own))
    close_all(own)


def try_bodies(t: Tap, a: Client, b: Client, openrc: dict[str, str]) -> None:
    tokens = {client: client.token(openrc) for client in (a, b)}
    path = "/v2.1/servers/00000000-0000-4000-8000-000000000000/action"

    def half(client: Client) -> socket.socket:
        """All of a body but its last byte."""
        sock = client.dial()
        sock.sendall(head("POST", path, BODY, tokens[client]) + b" " * (BODY - 1))
        return sock
    other = half(b)
    own = [half(a) for _ in range(BODIES // BODY + 3)]
    with t.test("bodies: what is more than an address's share is refused, the oldest first"):
        wait_for(lambda: len(open_of(own)) <= BODIES // BODY, HANG_S, "what is too much is refused")
        gone = [sock for sock in own if not is_open(sock)]
        assert gone == own[:len(gone)] and len(gone) >= 3, len(gone)
        assert {answer(sock).status for sock in gone} == {503}
    with t.test("bodies: another address's is read to its end"):
        other.sendall(b" ")
        assert answer(other).status == 400
    close_all([*own, other])


def try_requests(t: Tap, a: Client, b: Client, openrc: dict[str, str]) -> None:
    own = [a.login(openrc, "wrong") for _ in range(3 * AT_ONCE)]
    with t.test("requests at once: what is more than an address's share is refused"):
        wait_for(lambda: len(open_of(own)) <= AT_ONCE, HANG_S, "what is too much is refused")
        assert 503 in {answer(sock).status for sock in own if not is_open(sock)}
    with t.test("requests at once: another address's is answered"):
        assert b.token(openrc)
    close_all(own)


def try_logins(t: Tap, a: Client, b: Client, openrc: dict[str, str]) -> None:
    wrong = [a.login(openrc, "wrong") for _ in range(14)]
    wait_for(lambda: len(open_of(wrong)) <= 8, HANG_S, "the first ones are refused, and the next ones wait longer each")
    with t.test("D4: wrong logins of one address: the user logs in from another, and from the same, while refusals still wait"):
        for client in b, a:
            assert client.token(openrc)
        assert open_of(wrong), "a refusal waits longer than a login that is right"
    with t.test("D4: each wrong login is refused"):
        assert {answer(sock).status for sock in wrong if not is_open(sock)} == {401}
    close_all(wrong)


def main() -> int:
    t = Tap()
    options = {"DEFAULT": {"osapi_compute_listen": "0.0.0.0"}, "wsgi": {"allow_plaintext": "true"}, "oslo_middleware": {"max_request_body_size": BODY}}
    with networks():
        daemon = Daemon({"s1": "sim://s1?servers=5"}, tag="address", options=options)
        daemon.wrap = ["ip", "netns", "exec", f"{NAME}-srv", "prlimit", f"--nofile={FILES}:{FILES}"]
        with daemon:
            a, b = (Client(name, int(daemon.url.rsplit(":", 1)[1])) for name in CLIENTS)
            openrc = daemon.openrc
            try_connections(t, a, b)
            try_tokens(t, a, b, openrc)
            try_bodies(t, a, b, openrc)
            try_logins(t, a, b, openrc)
            try_requests(t, a, b, openrc)
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
