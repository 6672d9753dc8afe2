# SPDX-License-Identifier: Apache-2.0
"""Consoles of a daemon as its users open them."""
from __future__ import annotations

import socket
from urllib.parse import parse_qs, urlsplit

from daemon import Daemon
from rfb import Screen
from wait import HANG_S
from ws import Refused, WebSocket

OPTIONS = {"serial_console": {"enabled": "true"}, "vnc": {"enabled": "true", "novncproxy_port": "0"}}
NOT_VALID = "The token is not valid, or its time is over"


def refused(url: str, **how: object) -> str:
    try:
        WebSocket(url, **how)
    except Refused as why:
        return f"{why.status} {why.body}"
    raise AssertionError(f"{url} was let in")


def expect_refused(url: str, status: int, words: str, **how: object) -> None:
    is_ = refused(url, **how)
    assert is_.startswith(str(status)) and words in is_, is_


def socket_of(url: str) -> str:
    """Where the page at @url goes: what "path" says, behind the proxy's address."""
    at = urlsplit(url)
    return f"{at.scheme.replace('http', 'ws')}://{at.netloc}/" + parse_qs(at.query)["path"][0]


class World:
    def __init__(self, daemon: Daemon, netns: str | None, **how: object) -> None:
        self.daemon, self.netns, self.how = daemon, netns, how
        self.api = daemon.api()

    def url(self, uuid: str, protocol: str = "serial", kind: str = "serial") -> str:
        body = {"remote_console": {"protocol": protocol, "type": kind}}
        reply = self.api.call("POST", f"/v2.1/servers/{uuid}/remote-consoles", body, mv="2.6")
        assert reply.status == 200, reply.fault
        return reply.json["remote_console"]["url"]

    def screen(self, uuid: str, **how: object) -> WebSocket:
        return self.open(socket_of(self.url(uuid, "vnc", "novnc")), **how)

    def open(self, url: str, **how: object) -> WebSocket:
        return WebSocket(url, self.netns, **{**self.how, **how})


class Silent:
    """Those that never end their opening, and one that answers no ping, as one whose cable was cut. That takes its time beside the other cases."""

    def __init__(self, w: World) -> None:
        url = socket_of(w.url(w.api.servers()[0]["id"], "vnc", "novnc"))
        at = urlsplit(url)
        self.openings = []
        for head in "", "GET /", f"GET /?{at.query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n":
            self.openings.append(socket.create_connection((at.hostname, at.port), timeout=HANG_S))
            self.openings[-1].sendall(head.encode())
        self.cut = Screen(w.open(url)).ws

    def ends(self) -> str:
        said = [sock.recv(4096) for sock in self.openings]
        assert all(b" 408 " in text for text in said[1:]) and (not said[0] or b" 408 " in said[0]), said
        data = b""
        while more := self.cut.sock.recv(4096):
            data += more
        pings, last = data.split(b"\x88", 1)
        assert pings == b"\x89\0" * (len(pings) // 2) and pings and last[1:3] == (1001).to_bytes(2, "big"), data
        return f"{len(pings) // 2} pings"
