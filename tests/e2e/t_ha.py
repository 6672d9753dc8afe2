#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Hosts die. One without a fence agent is forced down, and all of its servers are evacuated by nova host-evacuate; one with an agent is fenced and evacuated
without a person ([ha]), by the priority of its servers; what is left to a person goes by drover host evacuate. Before, it is the controller's own link to a host
that loses its carrier: that host is left alone.
"""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from bmc import PORT, Bmc
from daemon import Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from wait import wait_for

PRIORITY = {"web": 10, "last": -1}  # of db and the others: 0
OF_H1, OF_H2 = ("web", "db", "last"), ("one", "two", "three", "four", "five", "six")


class World:
    def __init__(self, lab: Lab, daemon: Daemon, uuids: dict[str, str]) -> None:
        self.lab, self.daemon, self.uuids = lab, daemon, uuids
        self.api = daemon.api()
        self.clients = Clients(daemon.openrc)

    def is_down(self, name: str) -> None:
        wait_for(lambda: self.api.get(f"/drover/v1/hosts/{name}", None)["host"]["state"] == "down", 60, f"{name} is down")

    def lives_on(self, guest: str, host: str) -> None:
        wait_for(lambda: self.lab.running_on(guest) == [host], 120, f"{guest} runs on {host}")
        wait_for(lambda: self.api.server(self.uuids[guest])["OS-EXT-SRV-ATTR:host"] == host, 60, f"{guest} is known to be on {host}")
        beat = self.lab.beat(guest)
        assert not beat["two_copies"] and not beat["disk_errors"], beat


def own_link(w: World) -> str:
    """The way to h1 is by a link of its own, whose cable is out: for all that the controller knows h1 is well, and it has a fence agent that works."""
    seen = len(w.daemon.events)

    def ip(words: str) -> None:
        subprocess.run(["ip", "-n", w.lab.netns, *words.split()], check=True)
    for words in ("link add c1 type veth peer name c1-far", "addr add 198.51.100.1/32 dev c1", "link set c1 up", "link set c1-far up",
                  f"route add {w.lab('ip', 'h1')}/32 dev c1 src 198.51.100.1", "link set c1-far down"):
        ip(words)
    reason = w.daemon.wait_event("ha_held", 120, since=seen, host="h1")["reason"]
    assert "own address has no carrier" in reason, reason
    metrics = w.api.call("GET", "/metrics", mv=None).body.decode()
    assert "drover_ha_held_hosts 1\n" in metrics, metrics
    said = w.clients.drover("host", "check", "h1", "h3", status=1)
    assert "error: reach: h1" in said, said
    ip("link del c1")
    wait_for(lambda: w.api.get("/drover/v1/hosts/h1", None)["host"]["state"] == "up", 120, "h1 is up")
    assert not w.daemon.find_event("host_fence", seen), "it was fenced"
    return reason


def all_of_a_host(w: World) -> str:
    refused = w.clients.drover("host", "evacuate", "h2", status=1)
    assert "Host h2 is up." in refused, refused
    w.lab("kill", "h2")
    w.is_down("h2")
    told = w.clients.drover("host", "evacuate", "h2", status=1)
    assert "Host h2 is down, and may still run its servers: fence it" in told, told
    w.clients.must("openstack compute service set --down h2 nova-compute")
    for guest in OF_H2:
        w.lab.beat_reset(guest)
    said = w.clients.must("nova host-evacuate --target_host h3 h2")
    assert said.count("True") == len(OF_H2), said
    for guest in OF_H2:
        w.lives_on(guest, "h3")
    return f"{len(OF_H2)} servers"


def without_a_person(w: World) -> str:
    seen = len(w.daemon.events)
    for guest in ("web", "db"):
        w.lab.beat_reset(guest)
    w.lab("cut", "h1")  # a host of the lab that is killed still refuses connections, as only one that lives does
    w.lab("kill", "h1")
    w.daemon.wait_event("host_fenced", 120, since=seen, host="h1")
    w.daemon.wait_event("ha_done", 240, since=seen, host="h1")
    for guest in ("web", "db"):
        w.lives_on(guest, "h3")
    asked = [event["server"] for event in w.daemon.events[seen:] if event["event"] == "migration_requested"]
    assert asked == [w.uuids["web"], w.uuids["db"]], asked
    assert w.lab.running_on("last") == []
    metrics = w.api.call("GET", "/metrics", mv=None).body.decode()
    assert "drover_ha_fenced_total 1\n" in metrics and "drover_ha_held_hosts 0\n" in metrics, metrics
    return ", ".join(f"{event['event']} {event['time'][14:19]}" for event in w.daemon.events[seen:] if event["event"] in ("host_closed", "host_fenced", "ha_done"))


def by_a_person(w: World) -> str:
    said = w.clients.drover("host", "evacuate", "h1", "--to", "h3")
    assert "accepted" in said and "-1" in said, said
    w.lives_on("last", "h3")
    return "1 server"


CASES = [
    ("a host is not fenced when the controller's own link to it has no carrier", own_link),
    ("nova host-evacuate: all servers of a host that was forced down", all_of_a_host),
    ("a host that dies is fenced and evacuated without a person", without_a_person),
    ("what is left to a person goes by drover host evacuate", by_a_person),
]


def main() -> int:
    t = Tap()
    with Lab(3, "e2e-ha") as lab, Bmc(lab, "h1", PORT) as bmc:
        uuids = lab.guests({guest: ("h1",) for guest in OF_H1} | {guest: ("h2",) for guest in OF_H2})
        for guest, priority in PRIORITY.items():
            lab.virsh("h1", "metadata", guest, "urn:drover", "--config", "--live", "--key", "d", "--set", f"<guest priority='{priority}'/>")
        options = {"host h1": {"fence_agent": "fence_ipmilan", "fence_options": bmc.options()}, "fencing": {"fence_timeout": 20},
                   "ha": {"enabled": "true", "delay": 5, "window": 60}, "DEFAULT": {"cpu_allocation_ratio": 16}}
        with Daemon(lab_hosts(lab), lab, options, "ha") as daemon:
            daemon.wait_hosts_up(3, 60)
            world = World(lab, daemon, uuids)
            wait_for(lambda: len(world.api.servers()) == len(uuids) and daemon.folders_proved() == 2, 60, "the servers are known, and the folder is proved")
            for name, run in CASES:
                with t.test(name) as notes:
                    notes.append(run(world))
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
