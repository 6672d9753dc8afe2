# SPDX-License-Identifier: Apache-2.0
"""A reader of server-sent events that keeps to the letter of WHATWG HTML 9.2, and complains where droverd does not."""
from __future__ import annotations

import http.client
import json
import socket
from typing import Callable
from urllib.parse import urlsplit

WAIT_S = 240  # what takes longer hangs


class Refused(Exception):
    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status} {body[:200]!r}")
        self.status = status


class Small(http.client.HTTPConnection):
    """Its socket buffers little of what is not read."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.sock.settimeout(self.timeout)
        self.sock.connect((self.host, self.port))


class Events:
    """One stream. @query: "type=server". @last_id: sent as Last-Event-ID."""

    def __init__(self, url: str, token: str | None, query: str = "", last_id: str | None = None, small: bool = False) -> None:
        self.conn = (Small if small else http.client.HTTPConnection)(urlsplit(url).netloc, timeout=WAIT_S)
        self.last_id = last_id
        self.all: list[dict] = []
        self.comments: list[str] = []
        headers = {"X-Auth-Token": token} if token else {}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self.conn.request("GET", "/drover/v1/events" + (f"?{query}" if query else ""), headers=headers)
        self.reply = self.conn.getresponse()
        if self.reply.status != 200:
            raise Refused(self.reply.status, self.reply.read())
        assert self.reply.getheader("Content-Type") == "text/event-stream", self.reply.getheaders()

    def close(self) -> None:
        # the reply holds the socket too
        self.reply.close()
        self.conn.close()

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()

    def next(self) -> dict | None:
        """The next event, its name and id held against what it says of itself; None at the end of the stream."""
        name, data = None, []
        while line := self.reply.readline():
            assert line.endswith(b"\n"), line
            field, _, value = line.decode().rstrip("\n").partition(":")
            value = value.removeprefix(" ")
            if field == "id":
                self.last_id = value
            elif field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif field == "" and line != b"\n":
                self.comments.append(value)
            elif line == b"\n" and data:
                event = json.loads("\n".join(data))
                assert (event["type"], event["id"]) == (name, self.last_id), (name, self.last_id, event)
                self.all.append(event)
                return event
        return None

    def until(self, wanted: Callable[[dict], bool]) -> dict:
        """Read up to the first event that is wanted."""
        while event := self.next():
            if wanted(event):
                return event
        raise EOFError(f"the stream ended; the last events were {self.all[-5:]}")

    def of(self, kind: str) -> list[dict]:
        return [event for event in self.all if event["type"] == kind]


def number(event_id: str) -> int:
    return int(event_id.split("-")[1])


def run(event_id: str) -> int:
    return int(event_id.split("-")[0])


def gaps(events: list[dict]) -> list[str]:
    """The ids before which something of the same run is missing; without a filter there is nothing to be missing."""
    ids = [event["id"] for event in events]
    return [b for a, b in zip(ids, ids[1:]) if run(a) != run(b) or number(b) != number(a) + 1]
