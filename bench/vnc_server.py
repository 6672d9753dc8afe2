# SPDX-License-Identifier: Apache-2.0
"""What consoles are measured against: a server that opens RFB as a guest's VNC server does, and then does what its client's first byte says.

Prints three ports of loopback: of RFB; of the same without RFB; of that by TLS, whose certificate and key are the argument. E: sends back what comes. S, and
eight bytes: sends so many bytes, as fast as they are taken. Ends with its standard input.
"""
from __future__ import annotations

import socket
import ssl
import sys
import threading
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "lib"))
from rfb import VERSION, need

BLOCK = bytes(256 * 1024)


def work(sock: socket.socket) -> None:
    if need(sock, 1) == b"S":
        left = int.from_bytes(need(sock, 8), "big")
        while left > 0:
            sock.sendall(BLOCK)
            left -= len(BLOCK)
    while data := sock.recv(65536):
        sock.sendall(data)


def rfb(sock: socket.socket) -> None:
    sock.sendall(VERSION)
    need(sock, len(VERSION))
    sock.sendall(b"\1\1")
    need(sock, 1)
    sock.sendall(bytes(4))
    need(sock, 1)
    work(sock)


def serve(listener: socket.socket, wrap: Callable[[socket.socket], socket.socket], fn: Callable[[socket.socket], None]) -> None:
    def one(sock: socket.socket) -> None:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            fn(wrap(sock))
        except OSError:
            pass
        sock.close()
    while True:
        threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()


def main() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1])
    ports = []
    for wrap, fn in ((lambda s: s, rfb), (lambda s: s, work), (lambda s: context.wrap_socket(s, server_side=True), work)):
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        ports.append(listener.getsockname()[1])
        threading.Thread(target=serve, args=(listener, wrap, fn), daemon=True).start()
    print(*ports, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
