#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A pinned guest on real hosts: it gets a CPU that is free there. Also through libvirtd's own connection, and announced."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Tap
from wait import wait_for


def pin(lab: Lab, host: str, guest: str, cpu: int) -> None:
    lab.virsh(host, "vcpupin", guest, "0", str(cpu), "--live", "--config")


def pinned(lab: Lab, host: str, guest: str) -> tuple[str, str, str]:
    """What the running domain says, its definition, and the kernel: a letter a CPU."""
    def of(*options: str) -> str:
        return re.search(r"^\s*0\s+(\S+)", lab.virsh(host, "vcpupin", guest, *options), re.M)[1]
    return of("--live"), of("--config"), re.search(r"CPU Affinity:\s+(\S+)", lab.virsh(host, "vcpuinfo", guest))[1]


def move(lab: Lab, api: Api, uuid: str, guest: str, host: str) -> None:
    reply = api.live_migrate(uuid, host)
    assert reply.status == 202, reply
    wait_for(lambda: api.server(uuid)["OS-EXT-STS:task_state"] is None, 90, "the migration ends", 0.2)
    newest = api.migrations(uuid)[0]
    assert newest["status"] == "completed", newest
    assert lab.running_on(guest) == [host]
    beat = lab.beat(guest)
    assert beat["lost"] == 0 and not beat["two_copies"] and beat["reboots"] == 0, beat


def fits(api: Api, uuid: str, host: str) -> bool:
    return api.call("POST", f"/drover/v1/servers/{uuid}/precheck", {"precheck": {"host": host}}).json["precheck"]["hosts"][0]["fits"]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-pins") as lab:
        moving, staying = lab.guest("h1", "vm1", "--mem", "128"), lab.guest("h2", "vm2", "--mem", "128")
        pin(lab, "h1", "vm1", 0)
        pin(lab, "h2", "vm2", 0)
        with t.test("it gets the other CPU, in its definition too") as notes, Daemon(lab_hosts(lab), lab, {}, "pins") as daemon:
            daemon.wait_hosts_up(2)
            move(lab, daemon.api(), moving, "vm1", "h2")
            assert pinned(lab, "h2", "vm1") == ("1", "1", "-y"), pinned(lab, "h2", "vm1")
            assert pinned(lab, "h2", "vm2") == ("0", "0", "y-"), pinned(lab, "h2", "vm2")
            notes.append("0 to 1")
            daemon.stop()
        with t.test("where both CPUs are taken it is refused") as notes, Daemon(lab_hosts(lab), lab, {}, "pins") as daemon:
            daemon.wait_hosts_up(2)
            api = daemon.api()
            move(lab, api, staying, "vm2", "h1")
            lab.virsh("h1", "vcpupin", "vm2", "0", "0", "--live")
            lab.guest("h1", "vm3", "--mem", "128")
            pin(lab, "h1", "vm3", 1)
            wait_for(lambda: not fits(api, moving, "h1"), 20, "the pin set by hand is seen")
            reply = api.live_migrate(moving, "h1", "2.30")
            assert reply.status == 400 and "cannot fit the given host NUMA topology" in reply.fault, reply
            notes.append(reply.fault)
            lab("guest-rm", "vm3")
            daemon.stop()
        options = {"libvirt": {"live_migration_tunnelled": "true"}, "workarounds": {"enable_qemu_monitor_announce_self": "true"}}
        with t.test("tunnelled and announced") as notes, Daemon(lab_hosts(lab), lab, options, "pins") as daemon:
            daemon.wait_hosts_up(2)
            move(lab, daemon.api(), moving, "vm1", "h1")
            assert pinned(lab, "h1", "vm1")[2] == "-y"
            assert not daemon.find_event("announce_failed")
            assert "custom-monitor" in lab("exec", "h1", "cat", "/var/log/libvirt/qemu/vm1.log")
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
