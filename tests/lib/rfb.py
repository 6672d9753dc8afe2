# SPDX-License-Identifier: Apache-2.0
"""A client of RFB over a WebSocket, and a VNC server that can be wrong in many ways."""
from __future__ import annotations

import socket
import threading
from typing import Callable

from wait import HANG_S
from ws import BINARY, Closed, WebSocket

VERSION = b"RFB 003.008\n"
SIZE = (64, 48)
PIXEL = 4
# 32 bits, little-endian, 8 bits a colour
FORMAT = bytes([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0])


class Screen:
    """A client that has opened RFB, and what its server says of itself."""

    def __init__(self, ws: WebSocket) -> None:
        self.ws, self.buf = ws, b""
        assert self.need(12) == VERSION
        self.send(VERSION)
        assert self.need(2) == b"\1\1", "only None is offered"
        self.send(b"\1")
        assert self.need(4) == bytes(4)
        self.send(b"\1")  # others may look too
        init = self.need(24)
        self.width, self.height = int.from_bytes(init[:2], "big"), int.from_bytes(init[2:4], "big")
        self.name = self.need(int.from_bytes(init[20:], "big")).decode()
        self.send(bytes(4) + FORMAT)
        self.send(b"\2\0\0\1" + bytes(4))  # raw alone

    def send(self, data: bytes) -> None:
        self.ws.frame(BINARY, data)

    def need(self, n: int) -> bytes:
        while len(self.buf) < n:
            self.buf += self.ws.receive()
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def picture(self) -> bytes:
        """All of the screen as it is now."""
        self.send(b"\3\0" + bytes(4) + self.width.to_bytes(2, "big") + self.height.to_bytes(2, "big"))
        pixels = bytearray(self.width * self.height * PIXEL)
        left = self.width * self.height
        while left > 0:
            kind = self.need(1)[0]
            if kind == 0:
                left -= self._update(pixels)
            elif kind == 3:
                self.need(int.from_bytes(self.need(7)[3:], "big"))
            else:
                assert kind == 2, kind  # a bell
        return bytes(pixels)

    def _update(self, pixels: bytearray) -> int:
        done = 0
        for _ in range(int.from_bytes(self.need(3)[1:], "big")):
            x, y, w, h, encoding = (int.from_bytes(part, "big") for part in (lambda r: (r[:2], r[2:4], r[4:6], r[6:8], r[8:]))(self.need(12)))
            assert encoding == 0, encoding
            data = self.need(w * h * PIXEL)
            for row in range(h):
                at = ((y + row) * self.width + x) * PIXEL
                pixels[at:at + w * PIXEL] = data[row * w * PIXEL:(row + 1) * w * PIXEL]
            done += w * h
        return done

    def key(self, symbol: int) -> None:
        for down in 1, 0:
            self.send(bytes([4, down, 0, 0]) + symbol.to_bytes(4, "big"))

    def type(self, text: str) -> None:
        for char in text:
            self.key(0xff0d if char == "\n" else ord(char))


class FakeVnc:
    """A VNC server on loopback. @serve: what it does with each connection; closed behind that."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.seen: list[socket.socket] = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.settimeout(HANG_S)
            self.seen.append(sock)
            threading.Thread(target=self._run, args=(sock,), daemon=True).start()

    def _run(self, sock: socket.socket) -> None:
        try:
            self.serve(sock)
        except OSError:
            pass
        sock.close()

    def close(self) -> None:
        self.listener.close()
        for sock in self.seen:
            sock.close()


def need(sock: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise OSError("end of file")
        data += more
    return data


def greet(sock: socket.socket) -> None:
    """RFB's opening up to ServerInit, a byte at a time, as a slow network may have it."""
    for byte in VERSION:
        sock.sendall(bytes([byte]))
    assert need(sock, 12) == VERSION
    sock.sendall(b"\2\2\1")  # a password would do too
    assert need(sock, 1) == b"\1"
    sock.sendall(bytes(4))
    need(sock, 1)
    sock.sendall(SIZE[0].to_bytes(2, "big") + SIZE[1].to_bytes(2, "big") + FORMAT + b"\0\0\0\4fake")


def paint(sock: socket.socket) -> None:
    """A server whose screen is as grey as the key that was pressed last says."""
    greet(sock)
    grey = 1
    while True:
        kind = need(sock, 1)[0]
        if kind == 0:
            need(sock, 19)
        elif kind == 2:
            need(sock, 4 * int.from_bytes(need(sock, 3)[1:], "big"))
        elif kind == 3:
            need(sock, 9)
            sock.sendall(b"\0\0\0\1" + bytes(4) + SIZE[0].to_bytes(2, "big") + SIZE[1].to_bytes(2, "big") + bytes(4) + bytes([grey]) * (SIZE[0] * SIZE[1] * PIXEL))
        elif kind == 4:
            grey = need(sock, 7)[6]
        else:
            raise AssertionError(kind)


def says(*parts: bytes) -> Callable[[socket.socket], None]:
    """One that says this, whatever it hears, and waits for its client's end."""
    def serve(sock: socket.socket) -> None:
        for part in parts:
            sock.sendall(part)
        while sock.recv(4096):
            pass
    return serve


__all__ = ["Closed", "FakeVnc", "Screen", "greet", "need", "paint", "says", "VERSION"]
