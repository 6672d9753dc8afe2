#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Guests that start with their host, where a fence agent can switch that off: libvirt's flag is off, and Drover starts them when the host boots, also
if it is killed meanwhile. What OpenStack's client says of a compute service that has guests.
"""
from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from bmc import PORT, Bmc
from daemon import Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from wait import HANG_S, wait_for


class World:
    def __init__(self, lab: Lab, daemon: Daemon, uuids: dict[str, str]) -> None:
        self.lab, self.daemon, self.uuids = lab, daemon, uuids
        self.api = daemon.api()
        self.clients = Clients(daemon.openrc)

    def flag(self, host: str, guest: str) -> bool:
        return re.search(r"Autostart:\s+(\S+)", self.lab.virsh(host, "dominfo", guest))[1] == "enable"

    def state(self, host: str, guest: str) -> str:
        return self.lab.virsh(host, "domstate", guest, check=False).strip()

    def goes_down(self, host: str) -> None:
        wait_for(lambda: self.api.get(f"/drover/v1/hosts/{host}", None)["host"]["state"] == "down", 60, f"{host} is down")

    def is_off(self, host: str, guest: str) -> None:
        wait_for(lambda: not self.flag(host, guest), 30, f"the flag of {guest} is off")


def taken_over(w: World) -> str:
    """The flag is switched off, and the wish is there; a guest without one has none."""
    for guest in ("web", "db"):
        w.lab.virsh("h1", "autostart", guest)
    for guest in ("web", "db"):
        w.is_off("h1", guest)
    assert w.lab("exec", "h1", "ls", "/etc/libvirt/qemu/autostart", check=False) == ""
    wait_for(lambda: w.clients.drover("server", "autostart", "web", "-f", "value").splitlines()[-1] == "false", 30, "it was seen to be off")
    assert w.clients.drover("server", "autostart", "web", "-f", "value").splitlines() == ["web", "true", "drover", "false"]
    assert w.clients.drover("server", "autostart", "app", "-f", "value").splitlines() == ["app", "false", "drover", "false"]
    return "web and db"


def boots(w: World) -> str:
    """Its power is gone and comes back: libvirtd starts nothing, Drover what is wished."""
    seen = len(w.daemon.events)
    w.lab("kill", "h1")
    w.goes_down("h1")
    w.lab("boot", "h1")
    w.daemon.wait_event("host_booted", 120, since=seen, host="h1")
    w.daemon.wait_event("host_guests_started", 120, since=seen, host="h1")
    assert [w.state("h1", guest) for guest in ("web", "db", "app")] == ["running", "running", "shut off"]
    started = sorted(event["name"] for event in w.daemon.events[seen:] if event["event"] == "autostart")
    assert started == ["db", "web"], started
    wait_for(lambda: w.api.server(w.uuids["web"])["status"] == "ACTIVE", 30, "the record says so")
    return " ".join(started)


def fenced(w: World) -> str:
    """The same after a fence, while the controller is killed."""
    def kill(event: dict) -> None:
        if event["event"] == "host_booted":
            w.daemon.watchers.remove(kill)
            w.daemon.proc.kill()
    w.daemon.watchers.append(kill)
    assert w.clients.drover("host", "fence", "h1", "--force") == "h1 is fenced"
    w.clients.drover("host", "unfence", "h1", "--no-wait")
    w.daemon.proc.wait(HANG_S)
    w.daemon.kill()
    seen = len(w.daemon.events)
    w.daemon.start()
    w.daemon.wait_event("host_guests_started", 120, since=seen, host="h1")
    assert [w.state("h1", guest) for guest in ("web", "db", "app")] == ["running", "running", "shut off"]
    return f"{sum(event['event'] == 'autostart' for event in w.daemon.events[seen:])} starts"


def libvirtd_restarts(w: World) -> str:
    """A libvirtd that was started again is no host that has booted."""
    seen = len(w.daemon.events)
    w.lab.virsh("h1", "destroy", "db")
    wait_for(lambda: w.api.server(w.uuids["db"])["status"] == "SHUTOFF", 30, "the record says that it is off")
    w.lab("kill-libvirtd", "h1")
    w.daemon.wait_event("host_closed", 60, since=seen, host="h1")
    w.lab("start-libvirtd", "h1")
    w.daemon.wait_event("host_up", 60, since=seen, host="h1")
    assert not w.daemon.find_event("host_booted", since=seen)
    assert (w.state("h1", "web"), w.state("h1", "db")) == ("running", "shut off")
    return "db stays off"


def moves(w: World) -> str:
    """A host without an agent gets the flag; on the way back it goes off again."""
    w.lab("heartbeat", "wait", "web", str(HANG_S))
    w.clients.must("openstack --os-compute-api-version 2.30 server migrate --live-migration --host h2 --wait web")
    wait_for(lambda: w.flag("h2", "web"), 30, "the flag is on")
    assert w.clients.drover("server", "autostart", "web", "off", status=1).endswith("or keep_autostart is off. (HTTP 409)")
    w.clients.must("openstack --os-compute-api-version 2.30 server migrate --live-migration --host h1 --wait web")
    w.is_off("h1", "web")
    assert w.clients.drover("server", "autostart", "web", "-f", "value", "-c", "Autostart") == "true"
    return "there and back"


def not_wished(w: World) -> str:
    assert w.clients.drover("server", "autostart", "web", "off", "-f", "value").splitlines()[1] == "false"
    seen = len(w.daemon.events)
    w.lab("kill", "h1")
    w.goes_down("h1")
    w.lab("boot", "h1")
    w.daemon.wait_event("host_guests_started", 120, since=seen, host="h1")
    assert (w.state("h1", "web"), w.state("h1", "db")) == ("shut off", "running"), "db starts also if it was off, as libvirt has it"
    return "web is off"


def service(w: World) -> str:
    """What Nova's rules say of a host that has guests."""
    w.clients.must("openstack compute service set h1 nova-compute --disable --disable-reason 'its fan'")
    line = "openstack compute service list --host h1 --long -f value -c Status -c 'Disabled Reason'"
    assert w.clients.must(line).strip() == "disabled its fan", w.clients.must(line)
    w.clients.must("openstack compute service set h1 nova-compute --enable")
    assert w.clients.must(line).split() == ["enabled", "None"], w.clients.must(line)
    names = w.clients.must("openstack server list --host h1 --all-projects -f value -c Name").split()
    assert sorted(names) == ["app", "db", "web"], names
    assert w.clients.must("openstack server list --host h2 --all-projects -f value -c Name").split() == []
    ident = w.clients.value("openstack --os-compute-api-version 2.53 compute service list --host h1", "ID")
    status, text = w.clients.run(f"openstack --os-compute-api-version 2.53 compute service delete {ident}")
    assert status == 1 and "Unable to delete compute service that is hosting instances. Migrate or delete the instances first." in text, text
    return "disabled, enabled, not deleted"


def migrating(w: World) -> str:
    """One that a migration has left, which waits for its user, is not deleted either."""
    w.clients.must("openstack --os-compute-api-version 2.56 server migrate --host h2 --wait db")
    ident = w.clients.value("openstack --os-compute-api-version 2.53 compute service list --host h2", "ID")
    for guest in ("web", "app"):
        w.lab.virsh("h1", "undefine", guest)
    wait_for(lambda: w.clients.must("openstack server list --host h1 --all-projects -f value -c Name").split() == [], 60, "no guest has h1 as its host")
    status, text = w.clients.run(f"openstack --os-compute-api-version 2.53 compute service delete {ident}")
    assert status == 1 and "hosting instances" in text, text
    ident = w.clients.value("openstack --os-compute-api-version 2.53 compute service list --host h1", "ID")
    status, text = w.clients.run(f"openstack --os-compute-api-version 2.53 compute service delete {ident}")
    assert status == 1 and "has in-progress migrations. Complete the migrations or delete the instances first." in text, text
    w.clients.must("openstack server resize revert db")
    wait_for(lambda: w.api.server(w.uuids["db"])["status"] == "ACTIVE", 120, "it is back")
    return "409 and 409"


CASES = [
    ("the flag becomes a wish", taken_over),
    ("a host dies and boots", boots),
    ("kill -9 while the guests of a fenced host are started", fenced),
    ("libvirtd is started again", libvirtd_restarts),
    ("live migrations carry the wish", moves),
    ("a wish is taken back", not_wished),
    ("rules of the compute service", service),
    ("and of one that a migration has left", migrating),
]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-autostart") as lab, Bmc(lab, "h1", PORT) as bmc:
        options = {"host h1": {"fence_agent": "fence_ipmilan", "fence_options": bmc.options()}}
        uuids = {name: lab.guest("h1", name, "--mem", "128") for name in ("web", "db", "app")}
        with Daemon(lab_hosts(lab), lab, options, "autostart") as daemon:
            daemon.wait_hosts_up(2, 60)
            world = World(lab, daemon, uuids)
            for name, run in CASES:
                with t.test(name) as notes:
                    notes.append(run(world))
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
