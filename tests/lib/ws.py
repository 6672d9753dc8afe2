# SPDX-License-Identifier: Apache-2.0
"""A client of WebSockets that can also do what a client must not."""
from __future__ import annotations

import base64
import ctypes
import os
import socket
import ssl
import threading
from pathlib import Path
from urllib.parse import urlsplit

from wait import HANG_S

CLONE_NEWNET = 0x40000000
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def socket_in(netns: str | None) -> socket.socket:
    """A socket is its namespace's for good, whichever thread uses it later."""
    made: list[socket.socket] = []

    def make() -> None:
        if netns:
            with open(Path("/run/netns") / netns) as ns:
                if ctypes.CDLL(None, use_errno=True).setns(ns.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
        made.append(socket.socket())

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


class Refused(Exception):
    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


class Closed(Exception):
    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code} {why}")
        self.code, self.why = code, why


class WebSocket:
    def __init__(self, url: str, netns: str | None = None, headers: dict[str, str] | None = None, context: ssl.SSLContext | None = None,
                 small: bool = True) -> None:
        """@small: one that does not read is soon felt; else the kernel holds as much for it as for any other client."""
        at = urlsplit(url)
        self.sock = socket_in(netns)
        self.sock.settimeout(HANG_S)
        if small:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.sock.connect((at.hostname, at.port))
        if at.scheme == "wss":
            self.sock = (context or ssl.create_default_context()).wrap_socket(self.sock, server_hostname=at.hostname)
        self.buf = b""
        self.got = b""
        fields = {"Host": at.netloc, "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                  "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(), "Sec-WebSocket-Protocol": "binary", **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
        self.sock.sendall(f"GET {at.path or '/'}?{at.query} HTTP/1.1\r\n{head}\r\n".encode())
        self._opened()

    def _fill(self) -> None:
        more = self.sock.recv(65536)
        if not more:
            raise Closed(1006, "end of file")
        self.buf += more

    def _opened(self) -> None:
        while b"\r\n\r\n" not in self.buf:
            self._fill()
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        status = int(head.split()[1])
        if status != 101:
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            while len(self.buf) < length:
                self._fill()
            raise Refused(status, self.buf.decode())

    def frame(self, opcode: int, data: bytes, fin: bool = True, masked: bool = True, length: int | None = None) -> None:
        """@length: what the frame says it has."""
        n = len(data) if length is None else length
        size = bytes([n]) if n < 126 else b"\x7e" + n.to_bytes(2, "big") if n < 65536 else b"\x7f" + n.to_bytes(8, "big")
        mask = os.urandom(4)
        if masked:
            size = bytes([size[0] | 0x80]) + size[1:] + mask
            data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
        self.sock.sendall(bytes([opcode | (0x80 if fin else 0)]) + size + data)

    def send(self, text: str) -> None:
        self.frame(BINARY, text.encode())

    def _need(self, n: int) -> bytes:
        while len(self.buf) < n:
            self._fill()
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def receive(self) -> bytes:
        """The next message; pings are answered."""
        while True:
            first, second = self._need(2)
            assert not second & 0x80, "a server masks nothing"
            size = second if second < 126 else int.from_bytes(self._need(2 if second == 126 else 8), "big")
            data = self._need(size)
            if first & 15 == PING:
                self.frame(PONG, data)
            elif first & 15 == CLOSE:
                raise Closed(int.from_bytes(data[:2], "big") if data else 1005, data[2:].decode())
            elif first & 15 in (TEXT, BINARY):
                return data

    def until(self, text: str) -> str:
        """All that comes up to @text, which must come."""
        while text.encode() not in self.got:
            self.got += self.receive()
        at = self.got.index(text.encode()) + len(text)
        found, self.got = self.got[:at], self.got[at:]
        return found.decode(errors="replace")

    def ends(self) -> Closed:
        """How it ends, whatever comes before."""
        try:
            while True:
                self.receive()
        except Closed as end:
            return end

    def close(self) -> None:
        self.sock.close()
