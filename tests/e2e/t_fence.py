#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Hosts are switched off and on by fence_ipmilan: a management controller of each (ipmi_sim) has the lab's power switch. One that lies, one
that hangs, one with another password; the Bare Metal API by OpenStack's client.
"""
from __future__ import annotations

import http.client
import json
import sys
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from bmc import PORT, Bmc
from daemon import Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from wait import wait_for


class World:
    def __init__(self, lab: Lab, daemon: Daemon, bmc: dict[str, Bmc]) -> None:
        self.lab, self.daemon, self.bmc = lab, daemon, bmc
        self.api = daemon.api()
        self.clients = Clients(daemon.openrc)

    def host(self, name: str) -> dict:
        return self.api.get(f"/drover/v1/hosts/{name}", None)["host"]

    def node(self, name: str) -> dict:
        return json.loads(self.clients.must(f"openstack baremetal node show {name} -f json"))

    def is_off(self, name: str) -> bool:
        return not (self.bmc[name].dir / "on").exists()

    def boots(self, name: str) -> None:
        """It is on, and up for the controller, and the agent that has switched it on is done."""
        wait_for(lambda: self.host(name)["state"] == "up", 120, f"{name} is up")
        wait_for(lambda: self.api.get(f"/baremetal/v1/nodes/{name}", None)["target_power_state"] is None, 60, f"the agent of {name} is done")


def nodes(w: World) -> str:
    text = w.clients.must("openstack baremetal node list -f value -c Name -c 'Power State' -c Maintenance")
    assert sorted(text.splitlines()) == ["h1 power on False", "h2 power on False", "h3 power on False"], text
    node = w.node("h1")
    assert (node["name"], node["power_state"], node["driver"], node["uuid"]) == ("h1", "power on", "fence_ipmilan", w.host("h1")["uuid"]), node
    status, text = w.clients.run("openstack baremetal node show h9")
    assert status == 1 and "Node h9 could not be found. (HTTP 404)" in text, text
    return f"{len(text)} characters of refusal"


def fenced(w: World) -> str:
    """A host that is up is not fenced by mistake; with --force it is off, and known to be."""
    text = w.clients.drover("host", "fence", "h1", status=1)
    assert "Host h1 is up and has 0 servers. Fencing switches it off; force does it nevertheless. (HTTP 409)" in text, text
    assert not w.is_off("h1")
    assert w.clients.drover("host", "fence", "h1", "--force", "--reason", "its fan") == "h1 is fenced"
    assert w.is_off("h1")
    host = w.host("h1")
    assert (host["state"], host["fencing"], host["fence_reason"]) == ("down", False, "its fan") and host["fenced_at"], host
    assert w.node("h1")["power_state"] == "power off"
    assert w.clients.value("openstack compute service list --host h1", "State") == "down"
    return host["fenced_at"]


def unfenced(w: World) -> str:
    assert w.clients.drover("host", "unfence", "h1") == "h1 is switched on"
    w.boots("h1")
    host = w.host("h1")
    assert (host["fenced_at"], host["fence_reason"]) == (None, None), host
    assert w.clients.drover("host", "power", "h1", "-f", "value") == "h1\non\n-", w.clients.drover("host", "power", "h1", "-f", "value")
    return "up again"


def node_power(w: World) -> str:
    """By OpenStack's client: off, on; off and on by one command."""
    w.clients.must("openstack baremetal node power off h2")
    wait_for(lambda: w.host("h2")["fenced_at"], 60, "h2 is fenced")
    assert w.is_off("h2")
    w.clients.must("openstack baremetal node power on h2")
    w.boots("h2")
    seen = len(w.daemon.events)
    w.clients.must("openstack baremetal node reboot h2")
    w.daemon.wait_event("host_fenced", 60, since=seen, host="h2")
    w.boots("h2")
    status, text = w.clients.run("openstack baremetal node power off --soft h2")
    assert status == 1 and "is not supported" in text, text
    return "off and on, twice"


def lies(w: World) -> str:
    """"Off" of a host that answers: it is not fenced, and the log has an alarm."""
    w.bmc["h2"].mode("lies")
    text = w.clients.drover("host", "fence", "h2", "--force", status=1)
    assert "its libvirtd answers" in text, text
    assert w.host("h2")["fenced_at"] is None and not w.is_off("h2")
    w.daemon.wait_event("fence_failed", 10)
    w.bmc["h2"].mode("works")
    return text


def hangs(w: World) -> str:
    """The agent has a limit of time; then the fallback, with the right password, has it off."""
    text = w.clients.drover("host", "fence", "h3", "--force")
    assert text == "h3 is fenced" and w.is_off("h3"), text
    said = [event["reason"] for event in w.daemon.events if event["event"] == "fence_agent_failed" and event["host"] == "h3"]
    assert len(said) == 1 and "exit status 1" in said[0], said
    w.bmc["h2"].mode("hangs")
    text = w.clients.drover("host", "power", "h2", "-f", "value", "-c", "Reason")
    assert text.endswith("did not end within 5 s, and was killed"), text
    return text


def restarted(w: World) -> str:
    """A controller that is killed while a host is fenced looks at it when it starts, and switches nothing off."""
    def kill(event: dict) -> None:
        if event["event"] == "host_fence" and event["host"] == "h1":
            w.daemon.signal(9)
    w.daemon.watchers.append(kill)
    seen = len(w.daemon.events)
    with suppress(OSError, http.client.HTTPException):  # the answer may come before the end, or not
        w.api.call("POST", "/drover/v1/hosts/h1/fence", {"fence": {"force": True}})
    w.daemon.wait_event("end of log", 60, since=seen)
    w.daemon.watchers.remove(kill)
    w.daemon.kill()
    w.daemon.start()
    wait_for(lambda: not w.host("h1")["fencing"], 60, "it has looked")
    host = w.host("h1")
    ended = [event["event"] for event in w.daemon.events[seen:] if event["event"] in ("host_fenced", "fence_failed")]
    assert ended == (["host_fenced"] if w.is_off("h1") else ["fence_failed"]) and bool(host["fenced_at"]) == w.is_off("h1"), (ended, host)
    return ended[0]


CASES = [
    ("nodes are the hosts with an agent", nodes),
    ("a host is fenced", fenced),
    ("and switched on again", unfenced),
    ("OpenStack's client switches a node", node_power),
    ("a controller that lies", lies),
    ("a wrong password, a fallback, and one that hangs", hangs),
    ("kill -9 while a host is fenced", restarted),
]


def main() -> int:
    t = Tap()
    with Lab(3, "e2e-fence") as lab, Bmc(lab, "h1", PORT) as b1, Bmc(lab, "h2", PORT + 1) as b2, Bmc(lab, "h3", PORT + 2) as b3:
        options = {f"host {b.host}": {"fence_agent": "fence_ipmilan", "fence_options": b.options()} for b in (b1, b2)}
        options["host h3"] = {"fence_agent": "fence_ipmilan", "fence_options": b3.options("wrong", "guessed"), "fallback_fence_agent": "fence_ipmilan",
                              "fallback_fence_options": b3.options()}
        options["fencing"] = {"fence_timeout": 5, "fence_retries": 0}
        with Daemon(lab_hosts(lab), lab, options, "fence") as daemon:
            daemon.wait_hosts_up(3, 60)
            world = World(lab, daemon, {b.host: b for b in (b1, b2, b3)})
            for name, run in CASES:
                with t.test(name) as notes:
                    notes.append(run(world))
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
