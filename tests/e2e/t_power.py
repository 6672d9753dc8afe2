#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Start, stop, reboot, pause, suspend and lock, by the stock clients, of real guests: one that obeys its power button and one that does not."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from guest import deafen
from lab import Lab
from stock import Clients
from tap import Tap
from wait import HANG_S, wait_for

HOST = "h1"
# a guest that hears its button has all the time that a slow machine needs; one that does not, little
DEAF_S = 5
OPTIONS = {"DEFAULT": {"shutdown_timeout": HANG_S}, "libvirt": {"wait_soft_reboot_seconds": 20}}


class Case:
    def __init__(self, lab: Lab, daemon: Daemon, uuids: dict[str, str]) -> None:
        self.lab, self.daemon, self.uuids = lab, daemon, uuids
        daemon.wait_hosts_up(1)
        self.clients = Clients(daemon.openrc)

    def server(self, name: str) -> dict:
        return self.daemon.api().server(self.uuids[name])

    def is_(self, name: str, status: str) -> dict:
        """Wait until it is, and no task owns it."""
        def there() -> dict | None:
            s = self.server(name)
            return s if s["status"] == status and s["OS-EXT-STS:task_state"] is None else None
        return wait_for(there, 60, f"{name} is {status}", 0.2)

    def does(self, command: str, name: str, status: str, state: str) -> None:
        self.clients.must(f"openstack server {command} {name}")
        self.is_(name, status)
        assert self.lab.state(HOST, name) == state, self.lab.state(HOST, name)

    def refused(self, command: str, name: str, words: str) -> None:
        code, text = self.clients.run(f"openstack server {command} {name}")
        assert code != 0 and words in text and "409" in text, text

    def boots(self, name: str) -> int:
        """It beats; how often it has booted since the counts began."""
        return self.lab.beat(name)["reboots"]


def main() -> int:
    t = Tap()
    with Lab(1, "e2e-power") as lab:
        uuids = lab.guests({"vm1": (HOST, "--mem", "128"), "deaf": (HOST, "--mem", "128")})
        deafen(lab, HOST, "deaf")
        lab.virsh(HOST, "metadata", "deaf", "urn:drover", "--config", "--live", "--key", "d", "--set", f"<guest os_shutdown_timeout='{DEAF_S}'/>")
        with Daemon(lab_hosts(lab), lab, OPTIONS, "power") as daemon:
            case = Case(lab, daemon, uuids)
            with t.test("stop: the guest shuts off by its power button; twice is 409") as notes:
                case.does("stop", "vm1", "SHUTOFF", "shut off")
                notes.append(" ".join(e["to"] for e in daemon.events if e.get("event") == "task_phase"))
                assert not daemon.find_event("task_phase", to="power_stop"), "it was stopped hard"
                case.refused("stop", "vm1", "Cannot 'stop' instance")
            with t.test("start: it boots; twice is 409"):
                lab.beat_reset("vm1")
                case.does("start", "vm1", "ACTIVE", "running")
                case.boots("vm1")
                case.refused("start", "vm1", "while it is in vm_state active")
            with t.test("stop of a guest that hears no button: hard, when its time is up"):
                case.does("stop", "deaf", "SHUTOFF", "shut off")
                daemon.wait_event("task_phase", 1, to="power_stop")
                case.does("start", "deaf", "ACTIVE", "running")
            with t.test("pause, unpause: the guest stands, and goes on where it was"):
                lab.beat_reset("vm1")
                lab.beat("vm1")
                case.does("pause", "vm1", "PAUSED", "paused")
                case.refused("pause", "vm1", "while it is in vm_state paused")
                case.refused("stop", "vm1", "while it is in vm_state paused")
                case.does("unpause", "vm1", "ACTIVE", "running")
                beat = lab.beat("vm1")
                assert beat["reboots"] == 0 and beat["duplicate"] == 0, beat
            with t.test("suspend, resume: its memory is saved and comes back"):
                case.does("suspend", "vm1", "SUSPENDED", "shut off")
                assert "yes" in lab.virsh(HOST, "dominfo", "vm1").split("Managed save:")[1].split("\n")[0]
                case.refused("start", "vm1", "while it is in vm_state suspended")
                lab.beat_reset("vm1")
                case.does("resume", "vm1", "ACTIVE", "running")
                assert case.boots("vm1") == 0, "it has booted"
            with t.test("reboot: soft, a stop and a start"):
                lab.beat_reset("vm1")
                case.clients.must("openstack server reboot --wait vm1")
                case.is_("vm1", "ACTIVE")
                wait_for(lambda: case.boots("vm1") == 1, 60, "it has booted", 0.2)
            with t.test("reboot --hard, also of a server that is off or suspended"):
                case.does("reboot --hard", "vm1", "ACTIVE", "running")
                wait_for(lambda: case.boots("vm1") == 2, 60, "it has booted", 0.2)
                case.does("suspend", "vm1", "SUSPENDED", "shut off")
                case.does("reboot --hard", "vm1", "ACTIVE", "running")
                wait_for(lambda: case.boots("vm1") == 3, 60, "it has booted", 0.2)
            with t.test("reboot of a guest that hears no button falls to hard"):
                lab.beat_reset("deaf")
                case.clients.must("openstack server reboot deaf")
                assert case.server("deaf")["status"] == "REBOOT", case.server("deaf")["status"]
                case.is_("deaf", "ACTIVE")
                wait_for(lambda: case.boots("deaf") == 1, 60, "it has booted", 0.2)
            with t.test("reboot --hard of a server whose soft reboot is under way"):
                lab.beat_reset("deaf")
                since = len(daemon.events)
                case.clients.must("openstack server reboot deaf")
                daemon.wait_event("task_phase", 20, since, to="power_ask")
                got = daemon.api().call("POST", f"/v2.1/servers/{uuids['deaf']}/action", {"reboot": {"type": "HARD"}}, mv="2.96")
                assert got.status == 202, got.fault
                daemon.wait_event("task_overtaken", 1, since, action="reboot", by="reboot-hard")
                case.is_("deaf", "ACTIVE")
                wait_for(lambda: case.boots("deaf") == 1, 60, "it has booted", 0.2)
                actions = daemon.api().get(f"/v2.1/servers/{uuids['deaf']}/os-instance-actions")["instanceActions"]
                assert [a["message"] for a in actions[:2]] == [None, "Error"], actions[:2]
            with t.test("lock, unlock: shown with the reason; an administrator is not kept out"):
                case.clients.must("openstack server lock --reason repair vm1")
                s = case.server("vm1")
                assert s["locked"] and s["locked_reason"] == "repair", s
                case.does("pause", "vm1", "PAUSED", "paused")
                case.does("unpause", "vm1", "ACTIVE", "running")
                case.clients.must("openstack server unlock vm1")
                assert not case.server("vm1")["locked"]
            with t.test("nova's commands do the same"):
                for command, status in (("pause", "PAUSED"), ("unpause", "ACTIVE"), ("stop", "SHUTOFF"), ("start", "ACTIVE"), ("lock", "ACTIVE"), ("unlock", "ACTIVE")):
                    case.clients.must(f"nova {command} vm1")
                    case.is_("vm1", status)
            with t.test("kill -9 while the guest is asked, and while its memory is saved: the next start goes on"):
                since = len(daemon.events)
                case.clients.must("openstack server stop deaf")
                daemon.wait_event("task_phase", 20, since, to="power_ask")
                daemon.kill()
                daemon.start()
                case = Case(lab, daemon, uuids)
                case.is_("deaf", "SHUTOFF")
                lab.beat_reset("vm1")
                lab.beat("vm1")  # it was started just now: one that is suspended while it boots says later that it has
                since = len(daemon.events)
                case.clients.must("openstack server suspend vm1")
                daemon.wait_event("task_phase", 20, since, to="power_change")
                daemon.kill()
                daemon.start()
                case = Case(lab, daemon, uuids)
                case.is_("vm1", "SUSPENDED")
                lab.beat_reset("vm1")
                case.does("resume", "vm1", "ACTIVE", "running")
                assert case.boots("vm1") == 0, "it has booted"
            with t.test("what a user does by hand is followed: virsh shutdown, start, managedsave"):
                lab.virsh(HOST, "managedsave", "vm1")
                case.is_("vm1", "SUSPENDED")
                case.does("resume", "vm1", "ACTIVE", "running")
                lab.virsh(HOST, "destroy", "vm1")
                case.is_("vm1", "SHUTOFF")
                lab.virsh(HOST, "start", "vm1")
                case.is_("vm1", "ACTIVE")
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
