#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""F2, F12: guests on block devices of their hosts, and on volumes that their description names by storage pool."""
import hashlib
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from guest import GUEST_BYTES, Guest
from lab import Lab
from tap import Tap
from wait import wait_for

MIB = 1 << 20
SIZE = 32 * MIB
NOT_PROVED = "is a block device that h1 and h2 are not proved to share"
SHARED = "Block migration can not be used with shared storage."
LOCAL = "Shared storage live-migration requires either shared storage or boot-from-volume with no local disks."
SERIAL = "LAB_0PQRSTUV"


class Loop:
    """A block device of this machine, which hosts get by its number."""

    def __init__(self, stack: ExitStack, image: Path) -> None:
        self.image = image
        with open(image, "wb") as f:
            f.truncate(SIZE)
            f.seek(MIB)
            f.write(os.urandom(MIB))
        self.path = subprocess.run(["losetup", "--find", "--show", image], check=True, capture_output=True, text=True).stdout.strip()
        stack.callback(subprocess.run, ["losetup", "--detach", self.path], check=True)
        self.minor = os.minor(os.stat(self.path).st_rdev)

    def to(self, lab: Lab, host: str, path: str) -> None:
        lab("exec", host, "mkdir", "-p", os.path.dirname(path))
        lab("exec", host, "mknod", path, "b", "7", str(self.minor))

    def known(self, lab: Lab, host: str, serial: str) -> None:
        """What udev would have found out; libvirtd reads it when it starts."""
        said = f"E:ID_TYPE=disk\nE:ID_SERIAL={serial}\nI:1\nV:1\n"
        lab("exec", host, "sh", "-ec", f"mkdir -p /run/udev/data; printf '%s' '{said}' > /run/udev/data/b7:{self.minor}")

    def sum(self) -> str:
        """Of all but what the guest writes to."""
        subprocess.run(["blockdev", "--flushbufs", self.path], check=True)
        with open(self.image, "rb") as f:
            f.seek(GUEST_BYTES)
            return hashlib.sha256(f.read()).hexdigest()

    def head(self) -> bytes:
        """What a guest that ran on it would have written to."""
        with open(self.image, "rb") as f:
            return f.read(GUEST_BYTES)


def ask(g: Guest, block: object) -> str:
    """Return: how it ended, and why."""
    g.ask(block=block)
    wait_for(lambda: g.api.server(g.uuid)["OS-EXT-STS:task_state"] is None, 120, "the migration ends", 0.1)
    record = g.record()
    return f"{record['status']}: {record['error']}"


def refused(g: Guest, block: object, words: str) -> None:
    assert words in ask(g, block), g.record()
    assert g.lab.running_on(g.name) == [g.source], g.lab.running_on(g.name)
    g.whole()


def no_probes(g: Guest) -> None:
    """Domains through which a device is read are gone, and have never been servers."""
    for host in g.lab.hosts:
        wait_for(lambda h=host: "drover-probe" not in g.lab.virsh(h, "list", "--all", "--name"), 20, f"{host} has no probe")
    assert not [e for e in g.daemon.events if "drover-probe" in str(e.get("name"))], "a probe was adopted"


def own_disk(g: Guest, one: Loop, two: Loop) -> str:
    """F2 exactly: both hosts have that path, each with a disk of its own."""
    before, there = one.sum(), two.head() + two.sum().encode()
    said = g.api.call("POST", f"/drover/v1/servers/{g.uuid}/precheck", {"precheck": {"block_migration": "auto", "host": g.dest}})
    assert NOT_PROVED in str(said.json), said.json
    for block in ("auto", True, False):
        refused(g, block, NOT_PROVED)
    assert one.sum() == before and two.head() + two.sum().encode() == there, "other bytes"
    no_probes(g)
    return g.record()["error"]


def there_and_back(g: Guest, block: object = "auto") -> str:
    gaps = []
    for _ in range(2):
        g.ask(block=block)
        gaps.append(f"{g.ends('completed')['longest_gap_ms']:.0f}")
        no_probes(g)
        g.source, g.dest = g.dest, g.source
    return f"longest gaps {', '.join(gaps)} ms"


def shared_device(g: Guest, loop: Loop) -> str:
    """Both hosts' udev know it by one serial, and both read the same in it."""
    before = loop.sum()
    refused(g, True, SHARED)
    gaps = there_and_back(g, False)
    assert loop.sum() == before, "other bytes"
    return gaps


def private_pool(g: Guest) -> str:
    """It is copied as a file is."""
    before = g.disk_sum(g.source)
    refused(g, False, LOCAL)
    for block in (True, "auto"):
        g.ask(block=block)
        g.ends("completed")
        assert g.disk_sum(g.dest) == before, "other bytes"
        wait_for(lambda: not os.path.exists(g.disk(g.source)), 20, "the source's file is removed")
        g.source, g.dest = g.dest, g.source
    xml = g.lab.virsh(g.source, "dumpxml", "--inactive", g.name)
    assert "<source pool='instances'" in xml, "its definition names a file"
    return f"{g.record()['progress']['disk_processed_bytes'] >> 20} MiB of disk"


def shared_pool(g: Guest) -> str:
    """The destination's pool was not refreshed since the volume was made."""
    refused(g, True, SHARED)
    return there_and_back(g, False)


def pool_stopped(g: Guest) -> str:
    g.lab.virsh(g.dest, "pool-destroy", "shared")
    try:
        refused(g, "auto", f'at {g.dest} the storage pool "shared" is not active')
    finally:
        g.lab.virsh(g.dest, "pool-start", "shared")
    return g.record()["error"]


def give_devices(lab: Lab, loops: dict[str, Loop]) -> None:
    for host, name in (("h1", "one"), ("h2", "two")):
        loops[name].to(lab, host, "/dev/vmdisk")
    for host in lab.hosts:
        loops["san"].to(lab, host, loops["san"].path)
        loops["san"].known(lab, host, SERIAL)
        loops["promised"].to(lab, host, "/dev/san/web")
        lab("kill-libvirtd", host)
        lab("start-libvirtd", host)


def main() -> int:
    t = Tap()
    with ExitStack() as stack, Lab(2, "e2e-dev") as lab:
        loops = {name: Loop(stack, lab.dir / f"{name}.img") for name in ("one", "two", "san", "promised")}
        give_devices(lab, loops)
        kinds = {"own": "device:/dev/vmdisk", "san": f"device:{loops['san'].path}", "promised": "device:/dev/san/web",
                 "priv": "volume:instances", "pub": "volume:shared"}
        uuids = lab.guests({name: ("h1", "--mem", "96", "--disk", kind) for name, kind in kinds.items()})

        def run(daemon: Daemon, title: str, fn, name: str, *args) -> None:
            with t.test(title) as notes:
                notes.append(fn(Guest(lab, daemon, uuids[name], name), *args) or "as it should")

        with Daemon(lab_hosts(lab), lab, {}, "devices") as daemon:
            run(daemon, "F2: a device of the same path is another disk", own_disk, "own", loops["one"], loops["two"])
            run(daemon, "F2: one device, known to both hosts", shared_device, "san", loops["san"])
            run(daemon, "F2: one device, known to none", refused, "promised", "auto", NOT_PROVED)
            run(daemon, "F12: a volume of a private pool", private_pool, "priv")
            run(daemon, "F12: a volume of a shared pool", shared_pool, "pub")
            run(daemon, "F12: the destination's pool is not active", pool_stopped, "pub")
            with t.test("droverd ends well"):
                daemon.stop()
        with Daemon(lab_hosts(lab), lab, {"libvirt": {"shared_block_devices": "/dev/san/*,/dev/vmdisk"}}, "promised") as daemon:
            run(daemon, "F2: the operator promises that it is one", there_and_back, "promised")
            run(daemon, "F2: a promise that is not true", refused, "own", "auto", "other bytes are read at the destination")
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
