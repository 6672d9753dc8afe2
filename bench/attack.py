#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What hostile clients do, by edge.py. attack.py KIND HOST PORT COUNT [WORD]

Says "ready" when all of them are at it, and goes on until its standard input ends.

pipelines  WORD is a path: a hundred requests on each connection, no answer is read
cut        half a head, and closed at once
slow       half a head, then a byte each five seconds
logins     wrong passwords for the user WORD, on each connection one after the other
bodies     a login's body but for the last byte
watchers   WORD is an administrator's token: event streams that are not read
"""
from __future__ import annotations

import json
import resource
import select
import socket
import sys

PIPELINED = 100
BODY = 114688
HALF = b"GET / HTTP/1.1\r\nHo"
DRIP_S = 5


def dial(host: str, port: int) -> socket.socket:
    sock = socket.socket()
    sock.settimeout(60)
    sock.connect((host, port))
    return sock


def post(path: str, body: bytes) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def login(user: str) -> bytes:
    password = {"user": {"name": user, "domain": {"name": "Default"}, "password": "wrong"}}
    return post("/v3/auth/tokens", json.dumps({"auth": {"identity": {"methods": ["password"], "password": password}}}).encode())


def sendings(kind: str, word: str) -> bytes:
    return {
        "pipelines": f"GET {word} HTTP/1.1\r\nHost: h\r\n\r\n".encode() * PIPELINED,
        "cut": HALF,
        "slow": HALF,
        "logins": login(word),
        "bodies": post("/v3/auth/tokens", b" " * BODY)[:-1],
        "watchers": f"GET /drover/v1/events HTTP/1.1\r\nHost: h\r\nX-Auth-Token: {word}\r\n\r\n".encode(),
    }[kind]


def open_all(kind: str, host: str, port: int, count: int, data: bytes) -> list[socket.socket]:
    socks = []
    for _ in range(count):
        try:
            sock = dial(host, port)
            sock.sendall(data)
        except OSError:
            continue  # it was thrown out, which is its own affair
        if kind == "cut":
            sock.close()
        else:
            sock.setblocking(False)
            socks.append(sock)
    return socks


def again(socks: list[socket.socket], data: bytes, timeout: float) -> bool:
    """Read what was answered, and ask again. Return: False at the end of the standard input."""
    poller = select.poll()
    by_fd = {sock.fileno(): sock for sock in socks}
    for fd in [0, *by_fd]:
        poller.register(fd, select.POLLIN)
    while True:
        for fd, _ in poller.poll(timeout * 1000):
            if fd == 0:
                return False
            try:
                if by_fd[fd].recv(65536):
                    by_fd[fd].sendall(data)
                    continue
            except OSError:
                pass
            poller.unregister(fd)


def drip(socks: list[socket.socket]) -> None:
    while not select.select([0], [], [], DRIP_S)[0]:
        for sock in socks:
            try:
                sock.send(b"s")
            except OSError:
                pass


def main() -> None:
    kind, host, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    data = sendings(kind, sys.argv[5] if len(sys.argv) > 5 else "")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    socks = open_all(kind, host, port, count, data)
    print("ready", flush=True)
    if kind == "slow":
        drip(socks)
    elif kind == "logins":
        again(socks, data, 1)
    else:
        sys.stdin.read()


main()
