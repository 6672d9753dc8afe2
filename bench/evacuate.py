# SPDX-License-Identifier: Apache-2.0
"""What the control plane adds to an evacuation: from the first POST until every server of the dead hosts runs elsewhere, on the simulator; 20
servers of one host, and a thousand of twenty. Their hosts are dead from the start of the second daemon on: what is known of them is in the database."""
from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

from api import Api
from daemon import Daemon, write_conf
from simulated import wait_adopted
from sse import Events
from wait import wait_for

ROUNDS = 3
CLIENTS = 8


def hosts(dead: int, servers: int, alive: int, off: bool) -> dict[str, str]:
    shape = "vcpus=128&memory=1048576&disk=20000&network_disks=1"
    return {**{f"d{i}": f"sim://d{i}?{shape}&servers={servers}{'&off=1' if off else ''}" for i in range(1, dead + 1)},
            **{f"s{i}": f"sim://s{i}?{shape}" for i in range(1, alive + 1)}}


def kept(daemon: Daemon) -> int:
    with sqlite3.connect(daemon.dir / "state" / "drover.sqlite") as db:
        return db.execute("SELECT count(*) FROM server_definitions").fetchone()[0]


def learn(daemon: Daemon, servers: int) -> None:
    """Its first run: until what is needed after the hosts' death is in the database."""
    wait_adopted(daemon, servers)
    daemon.stop()
    while kept(daemon) < servers:
        daemon.start()
        daemon.wait_hosts_up(1, 60)
        time.sleep(5)
        daemon.stop()


def evacuate(api: Api, uuids: list[str]) -> None:
    for uuid in uuids:
        got = api.call("POST", f"/v2.1/servers/{uuid}/action", {"evacuate": {}}, mv="2.94")
        if got.status != 200:
            raise RuntimeError(f"{got.status} {got.fault}")


def timed(dead: int, servers: int, alive: int) -> float:
    options = {"DEFAULT": {"max_concurrent_inbound_evacuations": 0}, "api": {"event_history": 65536}}
    with Daemon(hosts(dead, servers, alive, off=False), options=options, tag="bench") as daemon:
        learn(daemon, dead * servers)
        conf = Path(daemon.dir / "drover.conf")
        conf.write_text("".join(f"{line}&off=1\n" if line.startswith("uri = sim://d") else f"{line}\n" for line in conf.read_text().splitlines()))
        daemon.start()
        api = daemon.api()
        for i in range(1, dead + 1):
            service = api.get(f"/v2.1/os-services?host=d{i}", "2.53")["services"][0]["id"]
            api.call("PUT", f"/v2.1/os-services/{service}", {"forced_down": True}, mv="2.53")
        wait_for(lambda: all(api.get(f"/drover/v1/hosts/s{i}", None)["host"]["state"] == "up" for i in range(1, alive + 1)), 60, "the other hosts are up")
        clients = [Api(daemon.url, api.token) for _ in range(CLIENTS)]
        uuids = [server["id"] for server in api.get(f"/v2.1/servers?all_tenants=1&limit=1000")["servers"]]
        with Events(daemon.url, api.token, query="type=migration") as events, ThreadPoolExecutor(CLIENTS) as pool:
            started = time.monotonic()
            list(pool.map(evacuate, clients, [uuids[i::CLIENTS] for i in range(CLIENTS)]))
            for _ in uuids:
                end = events.until(lambda event: event["final"] or event["status"] == "done")
                if end["status"] != "done":
                    raise RuntimeError(f"{end}")
            took = time.monotonic() - started
        daemon.stop()
    return took


def run(quick: bool) -> Iterator[tuple[str, float]]:
    yield "evacuate_20", min(timed(1, 20, 4) for _ in range(1 if quick else ROUNDS))
    yield "evacuate_1000", timed(4 if quick else 20, 50, 20)
