#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A host is drained on real hosts: guests that go live, one that only goes cold, one that is off, one that must stay, and one whose copy never ends; another
host meanwhile. Then the first gets its guests back, and a host map is applied. droverd is killed in the middle.
"""
from __future__ import annotations

import json
import sys
import tempfile
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import maps
from daemon import Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from ticker import New, Tickers
from wait import wait_for

OPTIONS = {"DEFAULT": {"load_interval": 1, "cpu_allocation_ratio": 100, "max_concurrent_live_migrations": 4}, "libvirt": {"live_migration_bandwidth": 16, "live_migration_completion_timeout": 0, "live_migration_policy": "nova"}}
BUSY, IDLE = "60:48", "0"
REFUSED = 4
SNAPPED, OFF, TIED, NEVER = "snapped", "off", "tied", "never"
LIVE = ("live1", "live2")


# A network that only its host has.
DOMAIN = """
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <interface type='bridge'><source bridge='br9'/><model type='virtio'/></interface>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def tie(lab: Lab, tickers: Tickers) -> str:
    made = str(uuid.uuid4())
    lab("exec", "h1", "ip", "link", "add", "br9", "type", "bridge")
    tickers.define_xml("h1", DOMAIN.format(name=TIED, uuid=made))
    lab.virsh("h1", "start", TIED)
    return made


class World:
    def __init__(self, lab: Lab, daemon: Daemon, tickers: Tickers, uuids: dict[str, str]) -> None:
        self.lab, self.daemon, self.tickers, self.uuids = lab, daemon, tickers, uuids
        self.connect()

    def connect(self) -> None:
        self.daemon.wait_hosts_up(3, 60)
        self.api, self.clients = self.daemon.api(), Clients(self.daemon.openrc)

    def plan(self, number: int) -> dict:
        return self.api.get(f"/drover/v1/plans/{number}", None)["plan"]

    def newest(self) -> int:
        return self.api.get("/drover/v1/plans?limit=1", None)["plans"][0]["id"]

    def step(self, number: int, guest: str) -> dict:
        return next(step for step in self.plan(number)["steps"] if step["server_name"] == guest)

    def steps(self, number: int) -> dict[str, str]:
        return {step["server_name"]: step["state"] for step in self.plan(number)["steps"]}

    def over(self, number: int, *guests: str) -> None:
        def are() -> bool:
            states = self.steps(number)
            return all(states[guest] == "done" for guest in guests)
        wait_for(are, 200, f"{guests} have gone by plan {number}")

    def at(self, host: str, *guests: str) -> None:
        """There, in libvirt's eyes too, and at no other host."""
        for guest in guests:
            assert self.api.server(self.uuids[guest])["OS-EXT-SRV-ATTR:host"] == host, guest
            there = [h for h in self.lab.hosts if guest in self.lab.virsh(h, "list", "--all", "--name").split()]
            assert there == [host], (guest, there)

    def status(self, guest: str) -> str:
        return self.api.server(self.uuids[guest])["status"]

    def disabled(self) -> set[str]:
        return {row["name"] for row in self.api.get("/drover/v1/hosts", None)["hosts"] if row["disabled"]}


def dry(w: World) -> str:
    """Nothing moves, and nothing is disabled."""
    said = w.clients.drover("host", "drain", "h1", "--cold", "--dry-run", status=2)
    assert all(guest in said for guest in (*LIVE, SNAPPED, OFF, NEVER)) and TIED in said, said
    assert w.disabled() == set()
    w.at("h1", *w.uuids.keys() - {"other"})
    return ""


def drained(w: World) -> str:
    """All that can goes, while one never ends."""
    w.lab("dirty", NEVER, BUSY)
    w.clients.drover("host", "drain", "h1", "--cold", "--parallel", "6", "--yes", "--no-wait")
    w.first = w.newest()
    assert w.disabled() == {"h1"}
    w.over(w.first, *LIVE, SNAPPED, OFF)
    wait_for(lambda: w.steps(w.first)[TIED] == "failed", 60, f"{TIED} has its verdict")
    for guest in (*LIVE, SNAPPED, OFF):
        w.at(w.step(w.first, guest)["to"], guest)
    states = w.steps(w.first)
    assert states[NEVER] == "running" and w.plan(w.first)["state"] == "running", states
    assert (w.status(OFF), w.status(SNAPPED)) == ("SHUTOFF", "ACTIVE")
    assert states[TIED] == "failed" and "br9" in w.step(w.first, TIED)["reason"], w.step(w.first, TIED)
    return ", ".join(f"{guest} {state}" for guest, state in states.items())


def killed(w: World) -> str:
    """The plan goes on, and asks for nothing twice."""
    w.daemon.kill()
    w.daemon.start()
    w.connect()
    assert w.plan(w.first)["state"] == "running" and w.steps(w.first)[NEVER] == "running"
    found = w.api.get(f"/v2.1/os-migrations?instance_uuid={w.uuids[NEVER]}")["migrations"]
    assert len(found) == 1, found
    return ""


def another(w: World) -> str:
    """Neither sends anything to the other's host."""
    w.clients.drover("host", "drain", "h2", "--cold", "--yes")
    assert w.disabled() == {"h1", "h2"}
    w.at("h3", "other")
    return ""


def ended(w: World) -> str:
    w.lab("dirty", NEVER, IDLE)
    w.over(w.first, NEVER)
    wait_for(lambda: w.plan(w.first)["state"] == "partly", 60, "the plan has ended")
    said = w.clients.drover("plan", "show", str(w.first))
    assert TIED in said and "partly" in said, said
    w.at("h1", TIED)
    beat = w.lab.beat(NEVER)
    assert not beat["two_copies"] and not beat["disk_errors"] and not beat["reboots"], beat
    return ""


def undrained(w: World) -> str:
    """The same guests come back."""
    w.clients.drover("host", "undrain", "h1", "--bring-back", "--cold", "--yes")
    assert w.disabled() == {"h2"}
    w.at("h1", *LIVE, SNAPPED, OFF, NEVER, TIED)
    w.at("h3", "other")
    assert (w.status(OFF), w.status(SNAPPED)) == ("SHUTOFF", "ACTIVE")
    for guest in LIVE:
        ticks = w.tickers.read("h1", guest)
        assert (ticks.boots, ticks.two) == (1, 0), (guest, ticks)
    ticks = w.tickers.read("h1", SNAPPED)
    moves = 3 if w.step(w.first, SNAPPED)["to"] == "h2" else 2  # away, by the other drain, and back
    assert (ticks.boots, ticks.two) == (1 + moves, 0), (ticks, moves)
    return ""


def refused_and_dry(w: World, path: Path) -> str:
    """All mistakes of each wrong map are told, and nothing moves; each right one is shown dry."""
    place = maps.Place("h1", "h2", "h3", *LIVE, "other", w.uuids[LIVE[0]])
    before, wrong, right = w.newest(), maps.wrong(place), maps.right(place)
    w.clients.drover("host", "disable", "h2")
    path.write_text(json.dumps({"h2": [LIVE[0]], "h3": ["other"]}))
    assert "host h2 is disabled" in w.clients.drover("host-map", "apply", "--yes", str(path), status=REFUSED)
    w.clients.drover("host", "enable", "h2")
    for what, content, words in wrong:
        path.write_bytes(maps.data(content))
        said = w.clients.drover("host-map", "--host_map", str(path), "--timeout", "500", "--y", status=REFUSED)
        assert all(word in said for word in words), (what, said)
    assert w.newest() == before
    for what, content, moves in right:
        path.write_bytes(maps.data(content))
        said = w.clients.drover("host-map", "diff", str(path), "-f", "json", status=2 if moves else 0)
        assert len(json.loads(said)) == moves if moves else True, (what, said)
    w.at("h1", *LIVE)
    w.at("h3", "other")
    return f"{len(wrong) + 1} wrong maps, {len(right)} right ones"


def mapped(w: World) -> str:
    """A host map, in the seed's own spelling: two change hosts, one stays where the map has it. What is wrong is told before anything moves."""
    w.clients.drover("host", "undrain", "h2", "--yes")
    with tempfile.TemporaryDirectory(prefix="drover-map-") as folder:
        path = Path(folder) / "host_map.json"
        tried = refused_and_dry(w, path)
        path.write_text(json.dumps({"h2": [LIVE[0]], "h3": [LIVE[1], "other"]}))
        w.clients.drover("host-map", "--host_map", str(path), "--timeout", "500", "--y")
        w.at("h2", LIVE[0])
        w.at("h3", LIVE[1], "other")
        path.write_text(w.clients.drover("host-map", "export"))
        assert w.clients.drover("host-map", "diff", str(path)) == "nothing to do"
    for guest in LIVE:
        ticks = w.tickers.read(w.api.server(w.uuids[guest])["OS-EXT-SRV-ATTR:host"], guest)
        assert (ticks.boots, ticks.two) == (1, 0), (guest, ticks)
    return tried


def measured(w: World) -> str:
    """What guests use of their hosts' CPUs: one that writes its memory all the time is seen. It alone is no reason for a move: where it goes to it is as hot."""
    ask = {"plan": {"kind": "rebalance", "load_spread": 1, "hysteresis": 0}}
    found: list[dict] = []

    def is_seen() -> bool:
        made = w.api.call("POST", "/drover/v1/plans", ask)
        assert made.status in (201, 503), made.json
        if made.status == 503:  # not asked twice yet
            return False
        plan = made.json["plan"]
        w.api.call("DELETE", f"/drover/v1/plans/{plan['id']}")
        found[:] = [plan["spread"]["load"]]
        return found[0]["now"] > 1
    w.lab("dirty", NEVER, BUSY)
    wait_for(is_seen, 60, f"the load of {NEVER} is seen")
    w.lab("dirty", NEVER, IDLE)
    assert found[0]["after"] <= found[0]["now"], found
    return f"hosts differ by {found[0]['now']} points"


CASES = [
    ("a dry run shows it", dry),
    ("all that can leave do, while one never ends", drained),
    ("droverd is killed, and the drain goes on", killed),
    ("another host is drained meanwhile", another),
    ("the one that never ended ends", ended),
    ("undrain brings the same guests back", undrained),
    ("a host map", mapped),
    ("the load is measured", measured),
]


def main() -> int:
    t = Tap()
    with Lab(3, "e2e-drain") as lab:
        tickers = Tickers(lab)
        here = [New(guest) for guest in LIVE] + [New(SNAPPED, runs=False), New(OFF, runs=False)]
        uuids = dict(zip([new.name for new in here], tickers.make("h1", here)))
        uuids["other"] = tickers.make("h2", [New("other")])[0]
        lab.virsh("h1", "snapshot-create-as", SNAPPED, "before")
        lab.virsh("h1", "start", SNAPPED)
        uuids[TIED] = tie(lab, tickers)
        uuids |= lab.guests({NEVER: ("h1", "--mem", "128")})
        with Daemon(lab_hosts(lab), lab, OPTIONS, "drain") as daemon:
            world = World(lab, daemon, tickers, uuids)
            wait_for(lambda: len(world.api.servers()) == len(uuids), 60, "the servers are known")
            for name, run in CASES:
                with t.test(name) as notes:
                    notes += filter(None, [run(world)])
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
