#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Guests whose disks are on the private storage of their host; what the checks say of it; streams that QEMU encrypts."""
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import BUILD, Daemon, lab_hosts
from guest import Guest
from lab import ROOT, Lab
from tap import Tap
from wait import wait_for

MIB = 1 << 20
DATA = 200 * MIB      # on a disk of 1 GiB
ALLOCATED_MAX = DATA + 32 * MIB
OPTIONS = {"live_migration_bandwidth": 100}
SLOW = "16mbit"
TLS = {**OPTIONS, "live_migration_with_native_tls": "true"}
NOT_SHARED = "h1 and h2 do not share /var/lib/libvirt/drover/instances/big.qcow2 (vda)"
SHARED = "Block migration can not be used with shared storage."
LOCAL = "Shared storage live-migration requires either shared storage or boot-from-volume with no local disks."
CERTIFICATES = "/etc/pki/qemu"


def allocated(path: str) -> int:
    return os.stat(path).st_blocks * 512


def files(lab: Lab, host: str) -> list[str]:
    """On its private storage, but for the markers that droverd keeps there: those come when it has time (src/fleet/marker.h)."""
    folder = lab.dir / host / "instances"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.name.startswith("drover-storage-"))


def moved(g: Guest, before: str) -> str:
    """@before: disk_sum() at the source."""
    beat = g.ends("completed")
    assert g.disk_sum(g.dest) == before, "other bytes"
    assert allocated(g.disk(g.dest)) < ALLOCATED_MAX, allocated(g.disk(g.dest))
    wait_for(lambda: not os.path.exists(g.disk(g.source)), 20, "the source's file is removed")
    progress = g.record()["progress"]
    assert DATA <= progress["disk_processed_bytes"] == progress["disk_total_bytes"] and progress["disk_remaining_bytes"] == 0, progress
    assert progress["memory_processed_bytes"] > 0, progress
    return (f"{progress['disk_processed_bytes'] >> 20} MiB of disk, {allocated(g.disk(g.dest)) >> 20} MiB allocated,"
            f" longest gap {beat['longest_gap_ms']:.0f} ms")


def moves(g: Guest, line: str) -> str:
    """By a command line of a stock client; {} is the destination."""
    before = g.disk_sum(g.source)
    g.ask(line.format(g.dest))
    shown = g.copying("disk")
    assert shown["disk_total_bytes"] >= shown["disk_processed_bytes"] + shown["disk_remaining_bytes"] > DATA, shown
    assert f"{shown['disk_processed_bytes']}" != "0" and not shown["memory_processed_bytes"], shown
    return moved(g, before)


def aborted(g: Guest) -> str:
    """While the disk is copied."""
    before, there = g.disk_sum(g.source), files(g.lab, g.dest)
    g.lab("shape", g.dest, SLOW)  # the copy takes longer than any client
    try:
        g.ask()
        mig = g.copying("disk")
        assert os.path.exists(g.disk(g.dest))
        g.clients.must(f"nova live-migration-abort {g.uuid} {mig['id']}")
        beat = g.ends("cancelled")
    finally:
        g.lab("shape", g.dest, "off")
    assert g.disk_sum(g.source) == before, "other bytes"
    wait_for(lambda: files(g.lab, g.dest) == there, 20, "nothing is left at the destination")
    return f"with {mig['disk_processed_bytes'] >> 20} MiB of disk copied, longest gap {beat['longest_gap_ms']:.0f} ms"


def other_base(g: Guest) -> str:
    """F2: the destination has a base image of that path, with other bytes: the guest would run on those."""
    base = g.lab.dir / g.dest / "instances" / "_base" / "64M"
    data = bytearray((g.lab.dir / g.source / "instances" / "_base" / "64M").read_bytes())
    data[len(data) // 4:len(data) // 2] = os.urandom(len(data) // 4)  # another image
    base.parent.mkdir(exist_ok=True)
    base.write_bytes(data)
    before = g.disk_sum(g.source)
    g.ask(f"openstack server migrate --live-migration --host {g.dest} {g.uuid}")
    g.ends("error")
    assert "_base/64M (vda) is a file that the guest reads" in g.record()["error"], g.record()
    assert g.disk_sum(g.source) == before and base.read_bytes() == data
    base.unlink()
    return g.record()["error"]


def overlay(g: Guest) -> str:
    """The base image stays where it was, and the destination gets one."""
    before = g.disk_sum(g.source)
    g.ask(f"openstack server migrate --live-migration --host {g.dest} {g.uuid}")
    beat = g.ends("completed")
    assert g.disk_sum(g.dest) == before, "other bytes"
    wait_for(lambda: not os.path.exists(g.disk(g.source)), 20, "the source's file is removed")
    assert files(g.lab, g.dest).count("_base/64M") == 1 and files(g.lab, g.source).count("_base/64M") == 1
    bases = [(g.lab.dir / host / "instances" / "_base" / "64M").read_bytes() for host in g.lab.hosts]
    assert bases[0] == bases[1], "other bytes in the base image"
    info = g.lab("exec", g.dest, "qemu-img", "info", "-U", f"/var/lib/libvirt/drover/instances/{g.name}.qcow2")
    assert "backing file: /var/lib/libvirt/drover/instances/_base/64M" in info, info
    return f"longest gap {beat['longest_gap_ms']:.0f} ms"


# ---- what is refused, and what the checks say before ----

def refused(g: Guest, block: bool, words: str) -> None:
    """In Nova's words: at once up to 2.33, in the events of the action from 2.84 on."""
    body = {"os-migrateLive": {"host": g.dest, "block_migration": block}}
    got = g.api.call("POST", f"/v2.1/servers/{g.uuid}/action", body, mv="2.33")
    assert got.status == 400 and words in got.fault, got.fault
    if block:
        status, text = g.clients.run(f"nova --os-compute-api-version 2.33 live-migration --block-migrate {g.uuid} {g.dest}")
        assert status != 0 and words in text, text
    g.ask(block=block)
    g.ends("error")
    assert words in g.record()["error"], g.record()
    assert any(words in (event["details"] or "") for event in g.action()["events"]), g.action()


def precheck(g: Guest, block: object) -> dict:
    got = g.api.call("POST", f"/drover/v1/servers/{g.uuid}/precheck", {"precheck": {"block_migration": block}})
    assert got.status == 200, got.fault
    answer = got.json["precheck"]
    assert answer["source"] == g.source, answer
    return {host["host"]: host for host in answer["hosts"]}


def failed(host: dict) -> list[str]:
    return [f"{check['name']}: {check['reason']}" for check in host["checks"] if check["result"] == "failed"]


def prechecks(local: Guest, shared: Guest) -> str:
    rows = [(local, "auto", ""), (local, True, ""), (local, False, NOT_SHARED), (shared, "auto", ""), (shared, False, ""), (shared, True, SHARED)]
    for g, block, words in rows:
        before = [files(g.lab, host) for host in g.lab.hosts]
        hosts = precheck(g, block)
        assert hosts[g.dest]["fits"] == (not words), hosts
        assert words in " ".join(failed(hosts[g.dest])) and bool(failed(hosts[g.dest])) == bool(words), hosts
        assert not hosts[g.source]["fits"] and failed(hosts[g.source]), hosts
        wait_for(lambda: [files(g.lab, host) for host in g.lab.hosts] == before, 20, "no marker is left")
        assert g.api.server(g.uuid)["status"] == "ACTIVE"
    table = local.clients.must(f"{BUILD}/cli/drover server precheck {local.name} --no-block-migration -f value")
    assert f"{local.dest} no yes storage {NOT_SHARED}" in table.splitlines(), table
    table = local.clients.must(f"{BUILD}/cli/drover server precheck {local.name} --host {local.dest} -f value -c host -c live -c cold")
    assert table == f"{local.dest} yes yes", table
    return f"{len(hosts[shared.dest]['checks'])} checks"


# ---- encryption ----

@contextmanager
def sniffed(lab: Lab) -> Iterator[dict[str, bytes]]:
    """Yields what begins each stream between the hosts, as it comes."""
    heads: dict[str, bytes] = {}
    proc = subprocess.Popen(["ip", "netns", "exec", f"{lab.name}-hub", ROOT / "tests" / "lib" / "sniff"], stdout=subprocess.PIPE, text=True)
    assert proc.stdout.readline() == "ready\n"
    try:
        yield heads
    finally:
        proc.terminate()
        for line in proc.stdout:
            flow, head = line.split()
            heads[flow] = bytes.fromhex(head)
        proc.wait()


TLS_RECORD = b"\x16\x03"


def streams(g: Guest) -> dict[str, bytes]:
    with sniffed(g.lab) as heads:
        g.ask()
        g.ends("completed")
    assert heads, "no stream was seen"
    return heads


def plain(g: Guest) -> str:
    """So that the next proof proves something."""
    heads = streams(g)
    assert any(head.startswith(b"QEVM") for head in heads.values()), heads
    assert not any(TLS_RECORD in head for head in heads.values()), heads
    return f"{len(heads)} streams"


def all_encrypted(heads: dict[str, bytes]) -> str:
    """Memory and disks. NBD says in the clear that it wants TLS, and no more."""
    assert heads, "no stream was seen"
    assert not any(b"QEVM" in head for head in heads.values()), heads
    assert all(TLS_RECORD in head for head in heads.values()), heads
    assert sum(head.startswith(TLS_RECORD) for head in heads.values()) == 1, heads
    return f"{len(heads)} streams"


def encrypted(g: Guest) -> str:
    return all_encrypted(streams(g))


def carried(g: Guest) -> str:
    """What goes while the guest is off."""
    before = g.disk_sum(g.source)
    with sniffed(g.lab) as heads:
        g.clients.must(f"openstack server migrate --host {g.dest} --wait {g.uuid}")
    assert g.newest()["status"] == "finished", g.record()
    assert g.disk_sum(g.dest) == before, "other bytes"
    return all_encrypted(heads)


def no_certificate(g: Guest) -> str:
    """It fails clearly, and what was made at the destination is removed."""
    before, there = g.disk_sum(g.source), files(g.lab, g.dest)
    g.lab("exec", g.dest, "mv", CERTIFICATES, f"{CERTIFICATES}.away")
    try:
        g.ask()
        g.ends("failed")
    finally:
        g.lab("exec", g.dest, "mv", f"{CERTIFICATES}.away", CERTIFICATES)
    assert g.disk_sum(g.source) == before, "other bytes"
    wait_for(lambda: files(g.lab, g.dest) == there, 20, "nothing is left at the destination")
    return g.record()["error"]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-disk", "--tls") as lab:
        disks = {"big": "local:1G:200M", "over": "overlay:64M", "common": "shared"}
        uuids = lab.guests({name: ("h1", "--mem", "128", "--disk", disk) for name, disk in disks.items()})

        def run(daemon: Daemon, title: str, fn, *args) -> None:
            """@args: a guest's name becomes the guest."""
            with t.test(title) as notes:
                notes.append(fn(*(Guest(lab, daemon, uuids[arg], arg) if arg in uuids else arg for arg in args)) or "as it should")

        with Daemon(lab_hosts(lab), lab, {"libvirt": OPTIONS}, "disks") as daemon:
            run(daemon, "the checks of each host", prechecks, "big", "common")
            run(daemon, "block migration of a shared disk is refused", refused, "common", True, SHARED)
            run(daemon, "shared migration of a local disk is refused", refused, "big", False, LOCAL)
            run(daemon, "openstack --block-migration", moves, "big", f"openstack server migrate --live-migration --block-migration --host {{}} {uuids['big']}")
            run(daemon, "aborted in the disk phase", aborted, "big")
            run(daemon, "nova --block-migrate", moves, "big", f"nova live-migration --block-migrate {uuids['big']} {{}}")
            run(daemon, "auto", moves, "big", f"nova live-migration {uuids['big']} {{}}")
            run(daemon, "F2: a base image with other bytes is refused", other_base, "over")
            run(daemon, "an overlay on a base image", overlay, "over")
            run(daemon, "its streams are plain", plain, "over")
            with t.test("droverd ends well"):
                daemon.stop()
        with Daemon(lab_hosts(lab), lab, {"libvirt": TLS}, "tls") as daemon:
            run(daemon, "native TLS: its streams are encrypted", encrypted, "over")
            run(daemon, "native TLS: a destination without certificates", no_certificate, "over")
            run(daemon, "native TLS: and with them again", encrypted, "over")
            run(daemon, "native TLS: of a guest that is off, by its carrier", carried, "over")
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
