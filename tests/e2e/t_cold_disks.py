#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cold migration of guests with disks and firmware of all kinds, on real hosts, by the stock client: which bytes are where afterwards.

The guests write and read by the shell on their console. What the interfaces of the hosts count is what goes over the wire. The first case has the
wire alone, while the other guests boot; their cases go side by side.
"""
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from coldcase import Rows
from daemon import Daemon, lab_hosts
from guest import SPARSE_SUM, Console, Guest
from lab import BEATS, Lab
from tap import Tap
from wait import wait_for

MIB = 1 << 20
DATA = 200 * MIB     # on a disk of 1 GiB
WIRE_MAX = 1.1       # of the data
ALLOCATED_MAX = DATA + 32 * MIB
INSTANCES = "/var/lib/libvirt/drover/instances"
NBD = ("192.0.2.1", "10809")
NVRAM = "/var/lib/libvirt/qemu/nvram"
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
        """By hand."""
        if self.lab.state(self.source, self.name) == "running":
            self.lab.virsh(self.source, "destroy", self.name)
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


# ---- firmware ----

def variables(c: Case, host: str) -> str:
    """The file of what its firmware keeps, as hexadecimals; "" without one."""
    return c.lab("exec", host, "sh", "-c", f"od -An -v -tx1 {NVRAM}/{c.name}_VARS.fd | tr -d ' \\n'", check=False)


def firmware(c: Case) -> str:
    """It goes along with a guest that is off, there and back, and is left nowhere; the guest boots by it."""
    c.lab.beat(c.name)
    c.off()
    was = variables(c, c.source)
    assert "BootOrder".encode("utf-16-le").hex() in was, "it has boot entries"
    c.goes()
    assert variables(c, c.dest) == was
    c.revert("SHUTOFF")
    wait_for(lambda: not variables(c, c.dest), 20, "the destination has none", 0.2)
    assert variables(c, c.source) == was
    c.goes()
    c.confirm("SHUTOFF")
    wait_for(lambda: not variables(c, c.source), 20, "the source has none", 0.2)
    assert variables(c, c.dest) == was
    c.lab.beat_reset(c.name)
    c.clients.must(f"openstack server start {c.name}")
    c.lab.beat(c.name)
    return f"{len(was) // 2 >> 10} KiB"


def goes_live(c: Case, source: str, dest: str) -> None:
    c.clients.must(f"openstack server migrate --live-migration --host {dest} --wait {c.name}")
    assert c.lab.running_on(c.name) == [dest] and c.guest.newest()["status"] == "completed", c.guest.record()
    assert variables(c, dest), "QEMU has brought it"


def firmware_live(c: Case) -> None:
    """The source's file goes; but not where the destination had one, which is not known to be the guest's."""
    here, there = c.source, c.dest
    goes_live(c, here, there)
    wait_for(lambda: not variables(c, here), 20, f"{here} has none", 0.2)
    c.lab("exec", here, "sh", "-c", f"cp /usr/share/OVMF/OVMF_VARS.fd {NVRAM}/{c.name}_VARS.fd")
    goes_live(c, there, here)
    rows = Rows(c.guest.daemon).sql("SELECT host, path FROM migration_volumes WHERE path LIKE ?", f"%{c.name}_VARS.fd")
    assert variables(c, there) and not rows, rows


# ---- the window ----

def window(c: Case) -> str:
    """An option that is set later counts as well."""
    conf = c.guest.daemon.dir / "drover.conf"
    conf.write_text(conf.read_text().replace("[DEFAULT]", "[DEFAULT]\nresize_confirm_window = 1", 1))
    c.guest.daemon.signal(signal.SIGHUP)
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


def begin(lab: Lab, name: str, *options: str) -> str:
    """Not waited for. Return: its UUID."""
    return lab("guest", "h1", name, *BEATS, *options).split()[0]


def mixed(lab: Lab) -> str:
    """A guest with one disk of each kind."""
    uuid = begin(lab, "mixed", "--mem", "96")
    lab.virsh("h1", "destroy", "mixed")
    lab.virsh("h1", "vol-create-as", "instances", "mixed-b.qcow2", "64M", "--format", "qcow2")
    lab("exec", "h1", "qemu-io", "-f", "qcow2", "-c", "write -q -P 0xa5 8M 4M", f"{INSTANCES}/mixed-b.qcow2")
    file = lab.dir / "mixed.xml"
    file.write_text(re.sub(r"(</disk>)", lambda found: found[1] + MORE_DISKS, lab.virsh("h1", "dumpxml", "--inactive", "mixed"), count=1))
    lab.virsh("h1", "define", str(file))
    lab.virsh("h1", "start", "mixed")
    return uuid


Test = tuple[str, str, Callable[["Case"], object]]  # title, guest, what

# of a guest one after the other; each other guest's beside it
ALONE: list[Test] = [("1 GiB with 200 MiB of data: the same bytes, sparse, once over the wire", "big", counted)]
BESIDE: list[Test] = [
    ("over a base image: what the guest wrote before is there", "over", kept),
    ("shared, local and network disk: a revert after the destination was used", "mixed", used),
    ("and confirmed", "mixed", stays),
    ("what its firmware keeps goes along, and back, and is left nowhere", "uefi", firmware),
    ("and when it goes live", "uefi", firmware_live),
]
LAST: list[Test] = [("resize_confirm_window passes", "big", window)]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-colddisk") as lab, nbd(lab):
        uuids = {"big": begin(lab, "big", "--mem", "96", "--disk", "local:1G:200M")}
        lab.virsh("h1", "destroy", "big")
        uuids["over"] = begin(lab, "over", "--mem", "96", "--disk", "overlay:64M")
        uuids["uefi"] = begin(lab, "uefi", "--mem", "192", "--disk", "local:64M", "--uefi")
        uuids["mixed"] = mixed(lab)
        with Daemon(lab_hosts(lab), lab, {}, "colddisk") as daemon:
            daemon.wait_hosts_up(2)
            wait_for(lambda: len(daemon.api().servers()) == len(uuids), 60, "the guests are known", 0.3)
            said: dict[str, str | Exception] = {}

            def run(tests: list[Test]) -> None:
                for title, name, what in tests:
                    try:
                        said[title] = what(Case(lab, daemon, uuids[name], name)) or ""
                    except Exception as why:
                        said[title] = why
                        return
            run(ALONE)
            with ThreadPoolExecutor() as pool:
                list(pool.map(run, ([test for test in BESIDE if test[1] == name] for name in ("over", "mixed", "uefi"))))
            run(LAST)
            for title, _name, _what in ALONE + BESIDE + LAST:
                with t.test(title) as notes:
                    what = said.get(title, RuntimeError("the one before it has failed"))
                    if isinstance(what, Exception):
                        raise what
                    notes += filter(None, [what])
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
