#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Cold migration of a guest on a shared and on a local disk, on real hosts, by the stock client.

Where it runs, what is defined and what starts by itself is asked of libvirt; what the guest wrote before it was shut off is there after.
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from wait import HANG_S, wait_for

GUEST = "vm1"
# a guest that is still booting hears its button when it is up
PATIENT = {"DEFAULT": {"shutdown_timeout": HANG_S}}


class Case:
    def __init__(self, lab: Lab, daemon: Daemon, uuid: str) -> None:
        self.lab, self.daemon, self.uuid = lab, daemon, uuid
        daemon.wait_hosts_up(2)
        self.api, self.stock = daemon.api(), Clients(daemon.openrc)

    def state(self, host: str) -> str:
        """Of the domain there: "running", "shut off", or "" without one."""
        return self.lab.virsh(host, "domstate", GUEST, check=False).strip()

    def autostart(self, host: str) -> bool:
        return re.search(r"Autostart:\s+(\S+)", self.lab.virsh(host, "dominfo", GUEST))[1] == "enable"

    def firmware(self, host: str) -> str:
        """Its variables' file there, as hexadecimals; "" without one."""
        return self.lab("exec", host, "sh", "-c", f"od -An -v -tx1 /var/lib/libvirt/qemu/nvram/{GUEST}_VARS.fd | tr -d ' \\n'", check=False)

    def snapshots(self, host: str) -> list[str]:
        """Of the domain there; the current one with a star."""
        names = self.lab.virsh(host, "snapshot-list", "--name", "--topological", GUEST, check=False).split()
        current = self.lab.virsh(host, "snapshot-current", "--name", GUEST, check=False).strip()
        return [name + "*" * (name == current) for name in names]

    def server(self) -> dict:
        return self.api.server(self.uuid)

    def newest(self) -> dict:
        return self.api.migrations(self.uuid)[0]

    def becomes(self, status: str, migration: str) -> None:
        wait_for(lambda: self.server()["status"] == status, 60, f"the server is {status}", 0.2)
        wait_for(lambda: self.newest()["status"] == migration, 20, f"the migration is {migration}", 0.2)

    def asks(self, action: str, value: object, status: int) -> None:
        answer = self.api.call("POST", f"/v2.1/servers/{self.uuid}/action", {action: value}, mv="2.56")
        assert answer.status == status, (action, answer)

    def moves(self, host: str) -> None:
        self.asks("migrate", {"host": host}, 202)
        self.becomes("VERIFY_RESIZE", "finished")

    def beats(self) -> None:
        self.lab("heartbeat", "wait", GUEST, str(HANG_S))

    def story(self) -> list[str]:
        events = self.api.get(f"/drover/v1/migrations/{self.newest()['id']}", None)["migration"]["events"]
        return [event["to"] for event in events if event["from"] != event["to"]]

    def kill_upon(self, event: str, **want: object) -> None:
        """The daemon is dead before it does the next thing; the next one goes on."""
        def watch(e: dict) -> None:
            if e["event"] == event and all(e.get(key) == value for key, value in want.items()):
                self.daemon.watchers.remove(watch)
                self.daemon.proc.kill()
        self.daemon.watchers.append(watch)

    def dies_and_returns(self) -> None:
        self.daemon.proc.wait(HANG_S)
        self.daemon.kill()
        self.daemon.start()
        self.daemon.wait_hosts_up(2)
        self.api = self.daemon.api()


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-cold") as lab:
        uuid = lab.guest("h1", GUEST, "--mem", "128")

        with t.test("openstack server migrate --host --wait, then resize confirm") as notes, Daemon(lab_hosts(lab), lab, PATIENT, "cold") as daemon:
            case = Case(lab, daemon, uuid)
            lab.virsh("h1", "autostart", GUEST)
            case.beats()
            case.stock.must(f"openstack --os-compute-api-version 2.56 server migrate --host h2 --wait {GUEST}")
            assert case.server()["status"] == "VERIFY_RESIZE", case.server()
            assert case.newest()["migration_type"] == "migration" and case.newest()["status"] == "finished", case.newest()
            assert (case.state("h1"), case.state("h2")) == ("shut off", "running")
            assert not case.autostart("h1") and case.autostart("h2")
            assert daemon.find_event("shutdown_asked"), "the guest was asked"
            assert not daemon.find_event("migration_act", act="dom_destroy"), [e for e in daemon.events if e["event"].startswith("shutdown_")]
            case.beats()
            case.stock.must(f"openstack server resize confirm {GUEST}")
            case.becomes("ACTIVE", "confirmed")
            assert (case.state("h1"), case.state("h2")) == ("", "running")
            notes.append(" ".join(case.story()))
            daemon.stop()

        with t.test("openstack server migrate --wait, then resize revert") as notes, Daemon(lab_hosts(lab), lab, PATIENT, "cold") as daemon:
            case = Case(lab, daemon, uuid)
            case.stock.must(f"openstack server migrate --wait {GUEST}")
            assert (case.state("h2"), case.state("h1")) == ("shut off", "running")
            case.stock.must(f"openstack server resize revert {GUEST}")
            case.becomes("ACTIVE", "reverted")
            assert (case.state("h1"), case.state("h2")) == ("", "running")
            assert case.autostart("h2"), "as before"
            case.beats()
            notes.append(" ".join(case.story()))
            daemon.stop()

        for phase in ("carry", "start"):
            with t.test(f"the daemon is killed when it comes to {phase}") as notes, Daemon(lab_hosts(lab), lab, PATIENT, "cold") as daemon:
                case = Case(lab, daemon, uuid)
                here = case.api.host_of(uuid)
                there = "h1" if here == "h2" else "h2"
                case.kill_upon("migration_phase", to=phase)
                assert case.api.call("POST", f"/v2.1/servers/{uuid}/action", {"migrate": {"host": there}}, mv="2.56").status == 202
                case.dies_and_returns()
                case.becomes("VERIFY_RESIZE", "finished")
                assert (case.state(here), case.state(there)) == ("shut off", "running")
                assert case.api.call("POST", f"/v2.1/servers/{uuid}/action", {"confirmResize": None}, mv="2.56").status == 204
                case.becomes("ACTIVE", "confirmed")
                case.beats()
                assert lab.running_on(GUEST) == [there]
                daemon.stop()

        with t.test("a server that is shut off moves, and stays so") as notes, Daemon(lab_hosts(lab), lab, PATIENT, "cold") as daemon:
            case = Case(lab, daemon, uuid)
            here = case.api.host_of(uuid)
            there = "h1" if here == "h2" else "h2"
            lab.virsh(here, "destroy", GUEST)
            wait_for(lambda: case.server()["status"] == "SHUTOFF", 20, "it is SHUTOFF", 0.2)
            case.stock.must(f"nova migrate --poll {GUEST}")
            case.becomes("VERIFY_RESIZE", "finished")
            case.stock.must(f"nova resize-confirm {GUEST}")
            case.becomes("SHUTOFF", "confirmed")
            assert (case.state(here), case.state(there)) == ("", "shut off")
            daemon.stop()
    with Lab(2, "e2e-cold-disks") as lab:
        uuid = lab.guest("h1", GUEST, "--mem", "128", "--disk", "local:256M:64M")

        with t.test("a local disk is carried, and goes back with a revert; then it stays") as notes, \
                Daemon(lab_hosts(lab), lab, PATIENT, "cold") as daemon:
            case = Case(lab, daemon, uuid)
            case.beats()
            case.stock.must(f"openstack --os-compute-api-version 2.56 server migrate --host h2 --wait {GUEST}")
            assert (case.state("h1"), case.state("h2")) == ("shut off", "running"), case.server()
            case.beats()
            case.stock.must(f"openstack server resize revert {GUEST}")
            case.becomes("ACTIVE", "reverted")
            assert (case.state("h1"), case.state("h2")) == ("running", "")
            case.beats()
            case.stock.must(f"openstack --os-compute-api-version 2.56 server migrate --host h2 --wait {GUEST}")
            case.stock.must(f"openstack server resize confirm {GUEST}")
            case.becomes("ACTIVE", "confirmed")
            assert (case.state("h1"), case.state("h2")) == ("", "running")
            case.beats()
            notes.append(" ".join(case.story()))
            daemon.stop()
        with t.test("internal snapshots go along with the disk, and what libvirt knows of them") as notes, \
                Daemon(lab_hosts(lab), lab, PATIENT, "cold") as daemon:
            case = Case(lab, daemon, uuid)
            lab.virsh("h2", "destroy", GUEST)
            for name in ("s1", "s2"):
                lab.virsh("h2", "snapshot-create-as", GUEST, name)
            wait_for(lambda: case.server()["status"] == "SHUTOFF", 20, "it is SHUTOFF", 0.2)
            case.moves("h1")
            assert case.snapshots("h1") == ["s1", "s2*"], case.snapshots("h1")
            case.asks("revertResize", None, 202)
            case.becomes("SHUTOFF", "reverted")
            assert (case.snapshots("h1"), case.snapshots("h2")) == ([], ["s1", "s2*"])
            case.moves("h1")
            case.asks("confirmResize", None, 204)
            case.becomes("SHUTOFF", "confirmed")
            assert (case.snapshots("h1"), case.snapshots("h2")) == (["s1", "s2*"], [])
            lab.virsh("h1", "snapshot-revert", GUEST, "s1")
            case.asks("os-start", None, 202)
            case.beats()
            lab.virsh("h1", "snapshot-delete", GUEST, "s2")
            assert case.snapshots("h1") == ["s1*"]
            daemon.stop()
    with Lab(2, "e2e-cold-uefi") as lab:
        uuid = lab.guest("h1", GUEST, "--mem", "192", "--disk", "local:64M", "--uefi")

        with t.test("what its firmware keeps goes along, and back, and is left nowhere") as notes, Daemon(lab_hosts(lab), lab, PATIENT, "cold") as daemon:
            case = Case(lab, daemon, uuid)
            case.beats()
            lab.virsh("h1", "destroy", GUEST)
            was = case.firmware("h1")
            assert "BootOrder".encode("utf-16-le").hex() in was, "it has boot entries"
            wait_for(lambda: case.server()["status"] == "SHUTOFF", 20, "it is SHUTOFF", 0.2)
            case.stock.must(f"openstack --os-compute-api-version 2.56 server migrate --host h2 --wait {GUEST}")
            assert case.firmware("h2") == was
            case.stock.must(f"openstack server resize revert {GUEST}")
            case.becomes("SHUTOFF", "reverted")
            wait_for(lambda: not case.firmware("h2"), 20, "h2 has none", 0.2)
            assert case.firmware("h1") == was
            case.stock.must(f"openstack server start {GUEST}")
            case.stock.must(f"openstack --os-compute-api-version 2.56 server migrate --host h2 --wait {GUEST}")
            case.beats()
            case.stock.must(f"openstack server resize confirm {GUEST}")
            case.becomes("ACTIVE", "confirmed")
            wait_for(lambda: not case.firmware("h1"), 20, "h1 has none", 0.2)
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
