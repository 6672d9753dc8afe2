# SPDX-License-Identifier: Apache-2.0
"""What the control plane adds to a cold migration: POST to VERIFY_RESIZE on the simulator, of a server that is off and has nothing to carry."""
from __future__ import annotations

import statistics
import time
from typing import Iterator

from api import Api
from daemon import Daemon
from simulated import HOSTS, fleet, wait_adopted
from sse import Events
from wait import wait_for

ROUNDS, ROUNDS_QUICK = 50, 3


def act(api: Api, uuid: str, **action: object) -> None:
    got = api.call("POST", f"/v2.1/servers/{uuid}/action", action, mv="2.96")
    if got.status not in (202, 204):
        raise RuntimeError(f"{action}: {got.status} {got.fault}")


def timed(api: Api, events: Events, uuid: str) -> float:
    started = time.monotonic()
    act(api, uuid, migrate=None)
    end = events.until(lambda event: event["final"] or event["status"] == "finished")
    took_ms = (time.monotonic() - started) * 1000
    server = api.server(uuid)
    if end["status"] != "finished" or server["status"] != "VERIFY_RESIZE":
        raise RuntimeError(f"{end} {server}")
    act(api, uuid, confirmResize=None)
    events.until(lambda event: event["final"])
    return took_ms


def run(quick: bool) -> Iterator[tuple[str, float]]:
    with Daemon(fleet(servers=10), tag="bench") as daemon:
        wait_adopted(daemon, servers=HOSTS * 10)
        api = daemon.api()
        uuid = api.servers()[0]["id"]
        act(api, uuid, **{"os-stop": None})
        wait_for(lambda: api.server(uuid)["status"] == "SHUTOFF", 60, "the server is off")
        with Events(daemon.url, api.token, query=f"type=migration&server={uuid}") as events:
            times = [timed(api, events, uuid) for _ in range(ROUNDS_QUICK if quick else ROUNDS)]
        daemon.stop()
    yield "cold_control_plane", statistics.median(times)
