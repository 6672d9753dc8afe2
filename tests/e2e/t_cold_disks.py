#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cold migration of guests with disks of all kinds, on real hosts, by the stock client: which bytes are where afterwards.

The guests write and read by the shell on their console. What the interfaces of the hosts count is what goes over the wire.
"""
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from guest import SPARSE_SUM, Console, Guest
from lab import Lab
from tap import Tap
from wait import wait_for

MIB = 1 << 20
DATA = 200 * MIB     # on a disk of 1 GiB
WIRE_MAX = 1.1       # of the data
ALLOCATED_MAX = DATA + 32 * MIB
INSTANCES = "/var/lib/libvirt/drover/instances"
NBD = ("192.0.2.1", "10809")
WINDOW = {"DEFAULT": {"resize_confirm_window": 1}}
# of the mixed guest: disk -> what of it a revert leaves of a write at the destination
DISKS = {"vda": "shared", "vdb": "local", "vdc": "network"}
MORE_DISKS = f"""
<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
  <source file='{INSTANCES}/mixed-b.qcow2'/><target dev='vdb' bus='virtio'/></disk>
<disk type='network' device='disk'><driver name='qemu' type='raw' cache='none'/>
  <source protocol='nbd' name='vol'><host name='{NBD[0]}' port='{NBD[1]}'/></source><target dev='vdc' bus='virtio'/></disk>
"""


# ---- what is on disks ----

def file_of(lab: Lab, host: str, name: str) -> Path:
    """Of a host's private storage, on this machine."""
    return lab.dir / host / "instances" / name


def content(lab: Lab, host: str, name: str) -> str:
    """The sum of what a guest sees on it, holes or zeros; without what it is laid over it is none."""
    return lab("exec", host, "sh", "-ec", f"trap 'rm -f /run/disk' EXIT; qemu-img convert -U -O raw {INSTANCES}/{name} /run/disk; {SPARSE_SUM} /run/disk")


def allocated(path: Path) -> int:
    return os.stat(path).st_blocks * 512


def received(lab: Lab, host: str) -> int:
    return int(lab("exec", host, "cat", "/sys/class/net/eth0/statistics/rx_bytes"))


def put(console: Console, host: str, disk: str, text: str) -> None:
    """The guest writes it, a MiB behind what the agent uses, and waits until it is on the disk."""
    console.run(host, f"echo {text} | dd of=/dev/{disk} bs=512 seek=2048 conv=notrunc,fsync 2>&1")


def get(console: Console, host: str, disk: str) -> str:
    return console.run(host, f"dd if=/dev/{disk} bs=512 skip=2048 count=1 2>/dev/null | head -n 1").strip()


# ---- a migration ----

class Case:
    def __init__(self, lab: Lab, daemon: Daemon, uuid: str, name: str) -> None:
        self.guest = Guest(lab, daemon, uuid, name)
        self.lab, self.name, self.uuid = lab, name, uuid
        self.api, self.clients = self.guest.api, self.guest.clients
        self.source, self.dest = self.guest.source, self.guest.dest
        self.console = Console(lab, name)

    def becomes(self, status: str, migration: str) -> None:
        wait_for(lambda: self.api.server(self.uuid)["status"] == status, 60, f"the server is {status}", 0.2)
        wait_for(lambda: self.guest.newest()["status"] == migration, 20, f"the migration is {migration}", 0.2)

    def off(self) -> None:
        self.clients.must(f"openstack server stop {self.name}")
        wait_for(lambda: self.api.server(self.uuid)["status"] == "SHUTOFF", 60, "it is off", 0.2)

    def goes(self) -> None:
        self.clients.must(f"openstack server migrate --host {self.dest} --wait {self.name}")
        self.becomes("VERIFY_RESIZE", "finished")

    def confirm(self, status: str) -> None:
        self.clients.must(f"openstack server resize confirm {self.name}")
        self.becomes(status, "confirmed")
        assert self.lab.state(self.source, self.name) == "", self.lab.state(self.source, self.name)

    def revert(self, status: str) -> None:
        self.clients.must(f"openstack server resize revert {self.name}")
        self.becomes(status, "reverted")
        assert self.lab.state(self.dest, self.name) == "", self.lab.state(self.dest, self.name)

    def gone(self, host: str, name: str) -> None:
        wait_for(lambda: not file_of(self.lab, host, name).exists(), 60, f"{host} has no {name}")


def counted(c: Case) -> str:
    """A disk of 1 GiB with 200 MiB of data, of a guest that is off: the data goes once, and nothing else."""
    file = f"{c.name}.qcow2"
    c.off()
    data, before, wire = allocated(file_of(c.lab, c.source, file)), content(c.lab, c.source, file), received(c.lab, c.dest)
    c.goes()
    wire = received(c.lab, c.dest) - wire
    assert DATA <= data < ALLOCATED_MAX, data
    assert content(c.lab, c.dest, file) == before, "other bytes"
    there, progress = allocated(file_of(c.lab, c.dest, file)), c.guest.record()["progress"]
    assert there < ALLOCATED_MAX, there
    assert DATA < wire < WIRE_MAX * data, (wire, data)
    assert DATA <= progress["disk_processed_bytes"] == progress["disk_total_bytes"] < WIRE_MAX * data, progress
    assert progress["disk_remaining_bytes"] == 0, progress
    c.confirm("SHUTOFF")
    c.gone(c.source, file)
    assert content(c.lab, c.dest, file) == before, "other bytes"
    return f"{wire / data:.3f} of the data on the wire, {there >> 20} MiB allocated"


def kept(c: Case) -> str:
    """A guest that runs, on a disk over a base image: what it wrote before it was shut off is there, at the destination and after the confirmation."""
    put(c.console, c.source, "vda", "before")
    c.goes()
    c.lab.beat(c.name)
    assert get(c.console, c.dest, "vda") == "before"
    c.confirm("ACTIVE")
    c.gone(c.source, f"{c.name}.qcow2")
    bases = [file_of(c.lab, host, "_base/64M").read_bytes() for host in c.lab.hosts]
    assert bases[0] == bases[1], "another base image"
    info = c.lab("exec", c.dest, "qemu-img", "info", "-U", f"{INSTANCES}/{c.name}.qcow2")
    assert f"backing file: {INSTANCES}/_base/64M" in info, info
    return "both hosts have its base"


def used(c: Case) -> str:
    """Three disks; what is written at the destination is gone after a revert where a disk is the host's own, and stays on the others."""
    for disk in DISKS:
        put(c.console, c.source, disk, "source")
    c.goes()
    c.lab.beat(c.name)
    assert [get(c.console, c.dest, disk) for disk in DISKS] == ["source"] * 3
    for disk in DISKS:
        put(c.console, c.dest, disk, "destination")
    c.revert("ACTIVE")
    c.gone(c.dest, "mixed-b.qcow2")
    c.lab.beat(c.name)
    found = {disk: get(c.console, c.source, disk) for disk in DISKS}
    assert found == {"vda": "destination", "vdb": "source", "vdc": "destination"}, found
    return str(found)


def stays(c: Case) -> str:
    """The same guest, confirmed."""
    before = content(c.lab, c.source, "mixed-b.qcow2")
    c.goes()
    assert content(c.lab, c.dest, "mixed-b.qcow2") == before, "other bytes"
    c.confirm("ACTIVE")
    c.gone(c.source, "mixed-b.qcow2")
    c.lab.beat(c.name)
    return "one disk was carried"


def window(c: Case) -> str:
    """No user confirms it."""
    c.clients.must(f"nova migrate {c.name}")
    c.becomes("SHUTOFF", "confirmed")
    c.gone(c.source, f"{c.name}.qcow2")
    actions = c.api.get(f"/v2.1/servers/{c.uuid}/os-instance-actions")["instanceActions"]
    assert [action["action"] for action in actions[:2]] == ["confirmResize", "migrate"], actions
    return "confirmed by itself"


# ---- the lab ----

@contextmanager
def nbd(lab: Lab) -> Iterator[None]:
    """A server of one volume, beside the controller."""
    image, pid = lab.dir / "volume.raw", lab.dir / "nbd.pid"
    image.write_bytes(b"")
    os.truncate(image, 64 * MIB)
    subprocess.run(["ip", "netns", "exec", lab.netns, "qemu-nbd", "--fork", "--persistent", "--shared=0", "--cache=none", "--format=raw",
                    "--export-name=vol", f"--bind={NBD[0]}", f"--port={NBD[1]}", f"--pid-file={pid}", image], check=True)
    try:
        yield
    finally:
        os.kill(int(pid.read_text()), 15)


def mixed(lab: Lab, host: str) -> str:
    """A guest with one disk of each kind. Return: its UUID, once it beats."""
    uuid = lab("guest", host, "mixed", "--mem", "96").split()[0]
    lab.virsh(host, "destroy", "mixed")
    lab.virsh(host, "vol-create-as", "instances", "mixed-b.qcow2", "64M", "--format", "qcow2")
    lab("exec", host, "qemu-io", "-f", "qcow2", "-c", "write -q -P 0xa5 8M 4M", f"{INSTANCES}/mixed-b.qcow2")
    file = lab.dir / "mixed.xml"
    file.write_text(re.sub(r"(</disk>)", lambda found: found[1] + MORE_DISKS, lab.virsh(host, "dumpxml", "--inactive", "mixed"), count=1))
    lab.virsh(host, "define", str(file))
    lab.virsh(host, "start", "mixed")
    lab.beat_reset("mixed")
    lab.beat("mixed")
    return uuid


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-colddisk") as lab, nbd(lab):
        uuids = lab.guests({"big": ("h1", "--mem", "96", "--disk", "local:1G:200M"), "over": ("h1", "--mem", "96", "--disk", "overlay:64M")})
        uuids["mixed"] = mixed(lab, "h1")

        def run(daemon: Daemon, title: str, fn, name: str) -> None:
            with t.test(title) as notes:
                notes.append(fn(Case(lab, daemon, uuids[name], name)))

        with Daemon(lab_hosts(lab), lab, {}, "colddisk") as daemon:
            run(daemon, "1 GiB with 200 MiB of data: the same bytes, sparse, once over the wire", counted, "big")
            run(daemon, "over a base image: what the guest wrote before is there", kept, "over")
            run(daemon, "shared, local and network disk: a revert after the destination was used", used, "mixed")
            run(daemon, "and confirmed", stays, "mixed")
            with t.test("droverd ends well"):
                daemon.stop()
        with Daemon(lab_hosts(lab), lab, WINDOW, "colddisk") as daemon:
            run(daemon, "resize_confirm_window passes", window, "big")
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
