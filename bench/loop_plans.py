# SPDX-License-Identifier: Apache-2.0
"""The longest turn of the loop while plans of a large house are made, read, changed, started, paused, cancelled and deleted.

DROVER_BENCH_TRACE=1 prints that of each act.
"""
from __future__ import annotations

import os
import sys
from typing import Any, Callable, Iterator

from api import Api
from daemon import Daemon
from wait import wait_for

FULL = (1000, 50, 2)  # hosts, servers of each, rounds
QUICK = (10, 10, 1)
TRACE = bool(os.environ.get("DROVER_BENCH_TRACE"))
WAIT_S = 300
CHANGES = 2000  # steps, of which a change with the usual limit of a body may be
PARALLEL = 200
PLANS = "/drover/v1/plans"


def placed(api: Api) -> dict[str, list[str]]:
    """Each host's servers."""
    found: dict[str, list[str]] = {}
    marker = ""
    while page := api.get(f"/v2.1/servers/detail?all_tenants=1&limit=1000{marker}")["servers"]:
        for server in page:
            found.setdefault(server["OS-EXT-SRV-ATTR:host"], []).append(server["id"])
        marker = f"&marker={page[-1]['id']}"
    return found


class House:
    """One daemon, its turns, and the longest of each act."""

    def __init__(self, api: Api, longest_ms: Callable[[], float]) -> None:
        self.api, self.longest_ms = api, longest_ms
        self.found: dict[str, list[float]] = {}

    def act(self, name: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        self.longest_ms()
        got = self.api.call(method, path, body)
        if got.status != status:
            raise RuntimeError(f"{name}: {got.status} {got.fault}")
        self.note(name)
        return got

    def note(self, name: str) -> None:
        turn = self.longest_ms()
        self.found.setdefault(name, []).append(turn)
        if TRACE:
            print(f"  {turn:8.1f} ms  {name}", file=sys.stderr, flush=True)

    def make(self, name: str, **plan: Any) -> int:
        return self.act(f"make {name}", "POST", PLANS, {"plan": plan}, 201).json["plan"]["id"]

    def read(self, name: str, plan: int) -> dict:
        return self.act(f"show {name}", "GET", f"{PLANS}/{plan}").json["plan"]

    def do(self, name: str, plan: int, word: str, value: Any = None) -> None:
        self.act(f"{word} {name}", "POST", f"{PLANS}/{plan}/action", {word: value}, 202)

    def until(self, name: str, plan: int, states: tuple[str, ...]) -> None:
        """What goes on meanwhile counts, too."""
        wait_for(lambda: self.head(plan)["state"] in states, WAIT_S, f"plan {plan} is {states}", interval=0.2)
        self.note(f"{name} ends")

    def head(self, plan: int) -> dict:
        """Without its steps."""
        return self.api.get(f"{PLANS}?limit=1&marker={plan + 1}")["plans"][0]

    def counts(self, plan: int) -> dict[str, int]:
        return self.head(plan)["counts"]

    def worst(self) -> float:
        """Each act has the best of its rounds."""
        return max(min(turns) for turns in self.found.values())


def delete(h: House, name: str, plan: int) -> None:
    """Its rows go afterwards, while another plan is made."""
    h.act(f"delete {name}", "DELETE", f"{PLANS}/{plan}", status=204)
    again = h.make(f"one after {name}", kind="bulk", servers=[])
    h.act("delete another", "DELETE", f"{PLANS}/{again}", status=204)


def kinds(of: dict[str, list[str]]) -> dict[str, dict]:
    """Each kind of plan, of as many servers as it can have: every server to the next host, four hosts' to one, all hosts left but a tenth."""
    hosts = sorted(of)
    turned = {hosts[(i + 1) % len(hosts)]: of[host] for i, host in enumerate(hosts)}
    return {
        "map": {"kind": "map", "map": turned}, "map with rest": {"kind": "map", "map": {hosts[0]: sum((of[x] for x in hosts[:4]), [])}, "rest": "anywhere"},
        "bulk": {"kind": "bulk", "servers": [server for host in hosts for server in of[host]]},
        "drain": {"kind": "drain", "hosts": hosts[: len(hosts) * 9 // 10]},
        "rebalance": {"kind": "rebalance", "memory_spread": 1, "vcpus_spread": 1}, "undrain": {"kind": "undrain", "hosts": hosts},
    }


def drafts(h: House, of: dict[str, list[str]]) -> None:
    """All that is done with drafts."""
    made = []
    for name, body in kinds(of).items():
        plan = h.make(name, **body)
        made.append((name, plan))
        changes = [{"n": step["n"], "to": step["to"], "skip": step["n"] % 2 == 0} for step in h.read(name, plan)["steps"][:CHANGES]]
        if changes:
            h.act(f"change {name}", "PATCH", f"{PLANS}/{plan}", {"plan": {"parallel": 8, "steps": changes}})
    h.act("list", "GET", PLANS)
    for name, plan in made:
        delete(h, name, plan)


def one_runs(h: House, of: dict[str, list[str]]) -> None:
    """A drain is started, paused, goes on and is cancelled; what it has moved is brought back."""
    hosts = sorted(of)
    plan = h.make("drain to run", kind="drain", hosts=hosts[: len(hosts) * 9 // 10], parallel=PARALLEL)
    h.do("drain", plan, "start")
    wait_for(lambda: h.counts(plan)["done"] >= len(hosts), WAIT_S, "some are moved", interval=0.2)
    h.note("drain runs")
    h.do("drain", plan, "pause")
    h.read("paused drain", plan)
    h.do("drain", plan, "resume")
    h.do("drain", plan, "cancel", {"abort_running": True})
    h.until("drain", plan, ("cancelled",))
    h.read("cancelled drain", plan)
    back = h.make("undrain", kind="undrain", hosts=hosts, bring_back=True, parallel=PARALLEL, start=True)
    h.until("undrain", back, ("done", "partly", "failed"))
    delete(h, "cancelled drain", plan)


def run(quick: bool, turns: Callable[[Daemon], Callable[[], float]]) -> Iterator[tuple[str, float]]:
    """@turns: of a daemon: what gives the longest turn since it was called last, ms"""
    hosts, servers, rounds = QUICK if quick else FULL
    uris = {f"s{i:04}": f"sim://s{i:04}?vcpus=4096&memory=104857600&disk=20000000&network_disks=1&servers={servers}" for i in range(1, hosts + 1)}
    options = {"DEFAULT": {"debug": "true", "report_interval": 10}, "oslo_middleware": {"max_request_body_size": 8 << 20},
               "filter_scheduler": {"max_instances_per_host": 100000}}
    with Daemon(uris, tag="bench", options=options) as daemon:
        api = daemon.api()
        wait_for(lambda: api.get("/v2.1/os-hypervisors/statistics", "2.87")["hypervisor_statistics"]["running_vms"] == hosts * servers, 600,
                 "all servers are adopted")
        h = House(api, turns(daemon))
        of = placed(api)
        for _ in range(rounds):
            drafts(h, of)
            one_runs(h, of)
        yield "loop_plans", h.worst()
        daemon.stop()
