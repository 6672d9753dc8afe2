# SPDX-License-Identifier: Apache-2.0
"""A cable between a browser and a daemon, which a test can take out: connections are carried to the daemon, or broken and refused."""
from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

from ws import socket_in


class Relay:
    """While a "with" block lasts. @url: what it leads to; @netns: where it listens, on loopback."""

    def __init__(self, url: str, netns: str | None = None) -> None:
        at = urlsplit(url)
        self.to = (at.hostname, at.port)
        self.listener = socket_in(netns)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(128)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.lock = threading.Lock()
        self.open: set[socket.socket] = set()
        self.is_cut = False
        self.flows = threading.Event()
        self.flows.set()
        self.refused = 0  # connections that came while it was out

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *why: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.release()
        self.cut()

    def cut(self) -> None:
        """What is open breaks, and what comes is refused, while both ends live on."""
        with self.lock:
            self.is_cut = True
            for sock in self.open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass  # its other end was faster

    def mend(self) -> None:
        with self.lock:
            self.is_cut = False

    def hold(self) -> None:
        """Nothing breaks, and nothing comes through: what neither end is told of."""
        self.flows.clear()

    def release(self) -> None:
        """What was held back comes through now."""
        self.flows.set()

    def _accept(self) -> None:
        while True:
            try:
                sock = self.listener.accept()[0]
            except OSError:
                return  # the block has ended
            with self.lock:
                self.refused += self.is_cut
                pair = None if self.is_cut else (sock, socket.create_connection(self.to))
                self.open |= set(pair or ())
            if not pair:
                sock.close()
                continue
            for a, b in (pair, pair[::-1]):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    def _carry(self, a: socket.socket, b: socket.socket) -> None:
        """What @a sends, to @b, until @a has ended or either is broken. The end goes on, so that the other way ends as well."""
        try:
            while data := a.recv(65536):
                self.flows.wait()
                b.sendall(data)
        except OSError:
            pass
        for sock, how in ((a, socket.SHUT_RD), (b, socket.SHUT_WR)):
            try:
                sock.shutdown(how)
            except OSError:
                pass
        with self.lock:
            # the last of the two ways closes both
            if a not in self.open:
                a.close()
                b.close()
            self.open -= {a, b}
