# SPDX-License-Identifier: Apache-2.0
"""Consoles of a daemon as its users open them."""
from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from daemon import Daemon
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
