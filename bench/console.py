# SPDX-License-Identifier: Apache-2.0
"""Screens through the proxy, by TLS, from a server that is no guest's (vnc_server.py), against the same server without the proxy.

console_key         How long a key's echo takes, 99 of a hundred; console_key_direct by TCP, without TLS.
console_key_added   What the proxy adds.
console_rate        What one screen brings through, from the server to the client; console_rate_direct by TLS from the server itself.
console_idle        What so many open screens, where nothing happens but pings, add to the daemon's share of a core: without them
console_idle_none   it has this, in the same run. A processor that sleeps most of the time takes ten times as long for little as a busy one does.
"""
from __future__ import annotations

import os
import select
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator

from consoles import OPTIONS, World
from daemon import Daemon
from wait import wait_for
from ws import BINARY, WebSocket

SERVER = Path(__file__).resolve().parent / "vnc_server.py"
VERSION = b"RFB 003.008\n"
KEY = bytes(8)
KEYS, KEYS_QUICK = 20000, 200
RATE_MIB, RATE_MIB_QUICK = 2048, 16
IDLE, IDLE_QUICK = 500, 20
IDLE_S, IDLE_S_QUICK = 60, 1  # three pings


def certificate(path: Path) -> Path:
    cert, key = path / "console.pem", path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=console",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    cert.write_text(cert.read_text() + key.read_text())
    cert.chmod(0o600)
    return cert


def screen(w: World, server: str) -> WebSocket:
    """Through RFB's opening."""
    ws, got = w.screen(server), b""
    for n, answer in (len(VERSION), VERSION), (2, b"\1"), (4, b"\1"):
        while len(got) < n:
            got += ws.receive()
        got = got[n:]
        ws.frame(BINARY, answer)
    ws.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ws


def direct(port: int, context: ssl.SSLContext | None = None) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(sock, server_hostname="127.0.0.1") if context else sock


def keys(sock: socket.socket, sent: bytes, answer: int, count: int) -> float:
    """Return: ms, 99 of a hundred."""
    times = []
    for _ in range(count):
        began = time.perf_counter()
        sock.sendall(sent)
        left = answer
        while left:
            left -= len(sock.recv(left))
        times.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(times, n=100)[98]


def rate(sock: socket.socket, mib: int) -> float:
    """Return: MiB/s of all that comes; frames' heads, a few bytes of each, among them."""
    left, room = mib << 20, memoryview(bytearray(1 << 20))
    began = time.perf_counter()
    while left > 0:
        n = sock.recv_into(room)
        if not n:
            raise OSError("it was closed")
        left -= n
    return mib / (time.perf_counter() - began)


def masked(data: bytes) -> bytes:
    return bytes([0x80 | BINARY, 0x80 | len(data)]) + bytes(4) + data


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answer_pings(open_: list[WebSocket], seconds: float) -> None:
    """A ping has no body here: two bytes."""
    poll, by_fd = select.poll(), {ws.sock.fileno(): ws.sock for ws in open_}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for fd, _ in poll.poll(left * 1000):
            data = by_fd[fd].recv(4096)
            if not data or set(data[::2]) != {0x89}:
                raise OSError(f"no ping: {data!r}")
            by_fd[fd].sendall(b"\x8a\x80" + bytes(4))


def echo(w: World, server: str, plain: int, count: int) -> tuple[float, float]:
    ws, sock = screen(w, server), direct(plain)
    ws.frame(BINARY, b"E")
    sock.sendall(b"E")
    through = keys(ws.sock, masked(KEY), 2 + len(KEY), count)
    alone = keys(sock, KEY, len(KEY), count)
    ws.close()
    sock.close()
    return through, alone


def rates(w: World, server: str, tls: int, context: ssl.SSLContext, mib: int) -> tuple[float, float]:
    ask = b"S" + (mib << 20).to_bytes(8, "big")
    ws, sock = screen(w, server), direct(tls, context)
    ws.frame(BINARY, ask)
    through = rate(ws.sock, mib)
    sock.sendall(ask)
    alone = rate(sock, mib)
    ws.close()
    sock.close()
    return through, alone


def share(w: World, open_: list[WebSocket], seconds: float) -> float:
    """Return: percent of a core."""
    before, began = cpu_s(w.daemon.proc.pid), time.monotonic()
    answer_pings(open_, seconds)
    return 100 * (cpu_s(w.daemon.proc.pid) - before) / (time.monotonic() - began)


def idle(w: World, servers: list[str], count: int, seconds: float) -> tuple[float, float]:
    """Return: percent of a core with so many open, and with none."""
    none = share(w, [], seconds)
    open_ = []
    for n in range(count):
        open_.append(screen(w, servers[n % len(servers)]))
        if n % 100 == 99:
            answer_pings(open_, 0.1)
    some = share(w, open_, seconds)
    for ws in open_:
        ws.close()
    return some, none


def run(quick: bool) -> Iterator[tuple[str, float]]:
    with tempfile.TemporaryDirectory() as folder:
        yield from figures(certificate(Path(folder)), quick)


def figures(cert: Path, quick: bool) -> Iterator[tuple[str, float]]:
    with subprocess.Popen([sys.executable, SERVER, cert], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        rfb, plain, tls = map(int, server.stdout.readline().split())
        options = {**OPTIONS, "DEFAULT": {"cert": cert}, "vnc": {**OPTIONS["vnc"], "server_proxyclient_address": "127.0.0.1"}}
        with Daemon({"h1": f"sim://h1?servers=10&vnc={rfb}"}, options=options, tag="bench") as daemon:
            daemon.wait_hosts_up(1)
            wait_for(lambda: len(daemon.api().servers()) == 10, 60, "10 servers are adopted")
            context = ssl.create_default_context(cafile=str(cert))
            w = World(daemon, None, context=context, small=False)
            servers = [one["id"] for one in w.api.servers()]
            through, alone = echo(w, servers[0], plain, KEYS_QUICK if quick else KEYS)
            yield "console_key", through
            yield "console_key_direct", alone
            yield "console_key_added", through - alone
            through, alone = rates(w, servers[1], tls, context, RATE_MIB_QUICK if quick else RATE_MIB)
            yield "console_rate", through
            yield "console_rate_direct", alone
            some, none = idle(w, servers, *((IDLE_QUICK, IDLE_S_QUICK) if quick else (IDLE, IDLE_S)))
            yield "console_idle", some - none
            yield "console_idle_none", none
            daemon.stop()
        server.stdin.close()
