#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A host dies with real guests, is fenced by fence_ipmilan, and its servers are evacuated by the stock clients; it boots again, and loses only those. Then a
host that was only cut off: the lock of the disk keeps its guest from a second start.
"""
from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from bmc import PORT, Bmc
from daemon import Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from wait import wait_for


class World:
    def __init__(self, lab: Lab, daemon: Daemon, uuids: dict[str, str]) -> None:
        self.lab, self.daemon, self.uuids = lab, daemon, uuids
        self.api = daemon.api()
        self.clients = Clients(daemon.openrc)

    def refused(self, line: str, words: str) -> str:
        status, text = self.clients.run(line)
        assert status == 1 and words in text, (line, status, text)
        return text

    def evacuate(self, *words: str) -> None:
        """OpenStack's client 6.0 fails on Nova's empty answer of 2.14 and later, when all is done."""
        status, text = self.clients.run(f"openstack --os-compute-api-version 2.68 server evacuate {' '.join(words)}")
        assert status == 0 or text == "'TupleWithMeta' object has no attribute 'to_dict'", (words, status, text)

    def host(self, name: str) -> dict:
        return self.api.get(f"/drover/v1/hosts/{name}", None)["host"]

    def is_up(self, name: str) -> None:
        wait_for(lambda: self.host(name)["state"] == "up", 120, f"{name} is up")

    def is_down(self, name: str) -> None:
        wait_for(lambda: self.host(name)["state"] == "down", 60, f"{name} is down")

    def newest(self, guest: str) -> dict:
        found = self.api.get(f"/v2.1/os-migrations?instance_uuid={self.uuids[guest]}")["migrations"]
        return max(found, key=lambda migration: migration["id"])

    def becomes(self, guest: str, status: str, migration: str) -> None:
        wait_for(lambda: self.newest(guest)["status"] == migration, 90, f"the evacuation of {guest} is {migration}")
        wait_for(lambda: self.api.server(self.uuids[guest])["status"] == status, 60, f"{guest} is {status}")

    def known(self) -> None:
        """What is needed after a host's death is in the database (fleet/keep.h, fleet/marker.h)."""
        wait_for(lambda: self.rows("server_definitions") >= len(self.uuids), 60, "the definitions are kept")
        wait_for(lambda: self.rows("storage_markers") >= 1, 60, "the folder has its marker")

    def rows(self, table: str) -> int:
        return self.daemon.query(f"SELECT count(*) FROM {table}")[0][0]


def in_use(w: World) -> str:
    """Refused while its host answers, whatever is said of it."""
    text = w.refused("openstack server evacuate web", "Compute service of h1 is still in use.")
    w.clients.must("openstack compute service set --down h1 nova-compute")
    w.refused("nova evacuate web", "Compute service of h1 is still in use.")
    w.clients.must("openstack compute service set --up h1 nova-compute")
    w.refused("openstack server evacuate --host h1 web", "The target host can't be the same one.")
    w.refused("openstack server evacuate --host h9 web", "Compute host h9 not found.")
    return text


def only_down(w: World) -> str:
    """A host that is down may still run its guests."""
    w.lab("kill", "h1")
    w.is_down("h1")
    return w.refused("openstack server evacuate web", "fence it (drover host fence h1)")


def evacuated(w: World) -> str:
    assert w.clients.drover("host", "fence", "h1") == "h1 is fenced"
    w.lab.beat_reset("web")
    w.evacuate("--host h2 web")
    w.becomes("web", "ACTIVE", "done")
    assert w.newest("web")["dest_compute"] == "h2" and w.lab.running_on("web") == ["h2"], w.newest("web")
    beat = w.lab.beat("web")
    assert not beat["two_copies"] and not beat["disk_errors"], beat
    w.clients.must("nova evacuate --password secret db h3")
    w.becomes("db", "ACTIVE", "done")
    assert w.lab.running_on("db") == ["h3"]
    w.refused("openstack server evacuate web", "Compute service of h2 is still in use.")
    return w.clients.value("openstack server show web", "OS-EXT-SRV-ATTR:host")


def stopped(w: World) -> str:
    """From microversion 2.95 on, which the stock clients do not know yet, the server ends stopped."""
    got = w.api.call("POST", f"/v2.1/servers/{w.uuids['box']}/action", {"evacuate": {}}, mv="2.95")
    assert (got.status, got.body) == (200, b""), got
    w.becomes("box", "SHUTOFF", "done")
    return w.newest("box")["dest_compute"]


def forgets(w: World) -> str:
    """The host boots with all of its definitions, and loses those of the guests that were evacuated, before it is up."""
    w.clients.must("openstack compute service set --down h1 nova-compute")
    w.refused("openstack compute service set --up h1 nova-compute", "Failed to set service state to up")
    service = w.api.get("/v2.1/os-services?host=h1", "2.53")["services"][0]["id"]
    got = w.api.call("PUT", f"/v2.1/os-services/{service}", {"forced_down": False}, mv="2.53")
    assert got.status == 400 and "Unable to force up host h1 as `done` evacuation migration records remain associated with the host." in str(got.fault), got
    w.lab("boot", "h1")
    wait_for(lambda: w.newest("web")["status"] == w.newest("db")["status"] == w.newest("box")["status"] == "completed", 120, "they are forgotten")
    w.clients.must("openstack compute service set --up h1 nova-compute")
    w.is_up("h1")
    assert [w.lab.state("h1", name) for name in ("web", "db", "box", "stays")] == ["", "", "", "shut off"], w.lab.virsh("h1", "list", "--all")
    for name in ("web", "db", "box"):
        assert w.newest(name)["status"] == "completed", w.newest(name)
    assert w.lab.running_on("web") == ["h2"] and w.lab.running_on("db") == ["h3"]
    return w.clients.must("openstack server list --host h1 -f value -c Name")


CASES = [
    ("a host that answers is not evacuated", in_use),
    ("nor one that is only down", only_down),
    ("shared disks, by both clients", evacuated),
    ("2.95", stopped),
    ("the host boots, and forgets them", forgets),
]


@contextmanager
def one_folder(lab: Lab) -> Iterator[None]:
    """The hosts' folder of instances is one, in which locks reach from one to the other, as they do not in the lab's shared one."""
    folder = lab.dir / "locks"
    for host in lab.hosts:
        lab("kill", host)
    shutil.copytree(lab.dir / "h1" / "instances", folder, copy_function=shutil.copy2)
    shutil.copystat(lab.dir / "h1" / "instances", folder)
    with ExitStack() as undo:
        for host in lab.hosts:
            subprocess.run(["mount", "--bind", folder, lab.dir / host / "instances"], check=True)
            undo.callback(subprocess.run, ["umount", "-l", lab.dir / host / "instances"], check=True)
            lab("boot", host)
        yield


def locked(lab: Lab, t: Tap) -> None:
    """The host is cut off and said to be off, and its guest has the disk."""
    with one_folder(lab), Daemon(lab_hosts(lab), lab, tag="evacuate-locked") as daemon:
        daemon.wait_hosts_up(2, 60)
        w = World(lab, daemon, {"web": lab.guest("h1", "web", "--disk", "local")})
        wait_for(lambda: len(w.api.servers()) == 1, 30, "it is known")
        w.known()
        lab("cut", "h1")
        w.is_down("h1")
        w.clients.must("openstack compute service set --down h1 nova-compute")
        with t.test("a lock refuses a second copy") as notes:
            w.evacuate("web")
            w.becomes("web", "ACTIVE", "failed")
            daemon.wait_event("evacuation_locked", 10)
            assert lab.state("h2", "web") == "", lab.state("h2", "web")
            lab("mend", "h1")
            w.clients.must("openstack compute service set --up h1 nova-compute")
            w.is_up("h1")
            beat = lab.beat("web")
            assert lab.running_on("web") == ["h1"] and not beat["two_copies"], beat
            notes.append(w.newest("web")["status"])


def main() -> int:
    t = Tap()
    with Lab(3, "e2e-evac") as lab, Bmc(lab, "h1", PORT) as bmc:
        options = {"host h1": {"fence_agent": "fence_ipmilan", "fence_options": bmc.options()}, "fencing": {"fence_timeout": 10}}
        with Daemon(lab_hosts(lab), lab, options, "evacuate") as daemon:
            daemon.wait_hosts_up(3, 60)
            uuids = lab.guests({"web": ("h1", "--disk", "shared"), "db": ("h1", "--disk", "shared"), "box": ("h1", "--disk", "none")})
            uuids["stays"] = lab("guest", "h1", "stays", "--disk", "none").split()[0]
            world = World(lab, daemon, uuids)
            wait_for(lambda: len(world.api.servers()) == len(uuids), 30, "the servers are known")
            world.known()
            for name, run in CASES:
                with t.test(name) as notes:
                    notes.append(run(world))
            with t.test("droverd ends well"):
                daemon.stop()
    with Lab(2, "e2e-evac-locks") as lab:
        locked(lab, t)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
