#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
F4, D6, F5 and F14 on real hosts: what cannot be read of a host, and which host it is.

Domains of each kind that Drover cannot read are defined beside a guest that runs: the host stays up, the guest is followed and
migrates, they are listed with the reason. One libvirt under two names is one host; a section that is renamed keeps it, also in the
middle of a migration; two machines with one UUID are told.
"""
import re
import sys
import uuid as uuids
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Tap
from wait import HANG_S, wait_for

GUEST = "vm1"


def disks(count: int, path: str = "") -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return "<devices>" + "".join(
        f"<disk type='file'><driver name='qemu' type='raw'/><source file='/d{i}{path}'/><target dev='vd{letters[i // 26]}{letters[i % 26]}'/></disk>"
        for i in range(count)) + "</devices>"


# name -> what its description has, and why it cannot be read; "": it can
KINDS = {
    "pins": ("<cputune><vcpupin vcpu='0' cpuset='4000-4095'/></cputune>", "no valid set of CPUs"),
    "disks": (disks(257), "too many devices"),
    "path": (disks(1, "p" * 4095), "a value is too long"),
    "metadata": (f"<metadata><x:y xmlns:x='urn:x'>{'m' * 1100000}</x:y></metadata>", "too large"),
    "cells": ("<cpu><numa>" + "".join(f"<cell id='{i}' cpus='{i}' memory='1' unit='MiB'/>" for i in range(130)) + "</numa></cpu>", "no valid NUMA cell"),
    "cpuset": ("", ""),
    "title": (f"<title>{'t' * 4097}</title>", ""),
}


# the guests that cannot be read have 130 vCPUs each, which count though they are shut off
OPTIONS = {"DEFAULT": {"cpu_allocation_ratio": 1000}}


def describe(name: str, uuid: str, more: str) -> str:
    cpuset = " cpuset='0-4095'" if name == "cpuset" else ""
    return (f"<domain type='qemu'><name>{name}</name><uuid>{uuid}</uuid><memory unit='MiB'>130</memory><vcpu{cpuset}>130</vcpu>"
            f"<os><type arch='x86_64' machine='pc'>hvm</type></os>{more}</domain>")


def define(lab: Lab, host: str, name: str, uuid: str, more: str) -> None:
    path = lab.dir / f"{name}.xml"
    path.write_text(describe(name, uuid, more))
    lab.virsh(host, "define", str(path))
    path.unlink()


def host(daemon: Daemon, name: str) -> dict:
    return daemon.api().get(f"/drover/v1/hosts/{name}", None)["host"]


def rename(daemon: Daemon, old: str, new: str) -> None:
    conf = daemon.dir / "drover.conf"
    conf.write_text(conf.read_text().replace(f"[host {old}]", f"[host {new}]"))


def migrate(daemon: Daemon, uuid: str, dest: str) -> None:
    api = daemon.api()
    reply = api.live_migrate(uuid, dest)
    assert reply.status == 202, reply
    arrives(daemon, uuid, dest)


def arrives(daemon: Daemon, uuid: str, dest: str) -> None:
    api = daemon.api()
    wait_for(lambda: api.migrations(uuid)[0]["status"] in ("completed", "failed", "error"), 90, "the migration ends", 0.2)
    assert api.migrations(uuid)[0]["status"] == "completed", (api.migrations(uuid)[0], api.server(uuid).get("fault"))
    assert api.host_of(uuid) == dest


def test_unreadable(lab: Lab, uuid: str, notes: list) -> None:
    bad = {name: str(uuids.uuid4()) for name in KINDS}
    for name, (more, _) in KINDS.items():
        define(lab, "h1", name, bad[name], more)
    lab.virsh("h1", "start", "metadata")
    with Daemon(lab_hosts(lab), lab, OPTIONS, "items") as daemon:
        daemon.wait_hosts_up(2)
        api = daemon.api()
        for name, (_, why) in KINDS.items():
            server = wait_for(lambda name=name: api.server(bad[name]), 30, f"{name} is adopted")
            fault = server.get("fault", {}).get("message", "")
            notes.append(f"{name}: {server['status']} {fault}")
            assert server["status"] == ("ACTIVE" if name == "metadata" else "SHUTOFF"), server
            assert fault == (f"the description of the domain on h1 cannot be read: XML of the host: {why}" if why else ""), fault
        reply = api.live_migrate(bad["metadata"], "h2")
        assert reply.status == 409 and "cannot be read: XML of the host: too large" in reply.fault, reply.fault
        assert "drover_servers_unreadable 5" in api.call("GET", "/metrics").body.decode()
        migrate(daemon, uuid, "h2")
        migrate(daemon, uuid, "h1")
        lab.virsh("h1", "suspend", GUEST)
        wait_for(lambda: api.server(uuid)["status"] == "PAUSED", 20, "the good guest is followed")
        lab.virsh("h1", "resume", GUEST)
        define(lab, "h1", "path", bad["path"], "")
        daemon.wait_event("server_readable", 30, server=bad["path"])
        assert "fault" not in api.server(bad["path"])
        told = [e for e in daemon.events if e["event"] == "server_unreadable"]
        assert len(told) == 5, told
        assert not daemon.find_event("host_closed", host="h1"), daemon.find_event("host_closed", host="h1")
        daemon.stop()
    lab.virsh("h1", "destroy", "metadata")
    for name in KINDS:
        lab.virsh("h1", "undefine", name)


def test_second_name(lab: Lab, uuid: str, notes: list) -> None:
    with Daemon(lab_hosts(lab), lab, OPTIONS, "items") as daemon:
        daemon.wait_hosts_up(2)
        api = daemon.api()
        uri = lab.uri("h1")
        same = api.call("POST", "/drover/v1/hosts", {"host": {"name": "again", "uri": uri}})
        assert same.status == 409 and "Host h1 leads to the same libvirt already" in same.fault, same.fault
        bad = api.call("POST", "/drover/v1/hosts", {"host": {"name": "again", "uri": "qemu+tcp://[2001:db8::1/system"}})
        assert bad.status == 400 and "is no libvirt URI" in bad.fault, bad.fault
        other = re.sub(r"/system", ":16509/system", uri)
        assert api.call("POST", "/drover/v1/hosts", {"host": {"name": "again", "uri": other}}).status == 201
        daemon.wait_event("host_duplicate", 30, host="again", same_as="h1")
        notes.append(host(daemon, "again")["state_reason"])
        assert "is the same libvirt host as h1" in host(daemon, "again")["state_reason"]
        assert host(daemon, "again")["capacity"]["vcpus"] <= 0 and host(daemon, "again")["servers"] == 0
        assert api.host_of(uuid) == "h1"
        assert not daemon.find_event("split_brain") and not daemon.find_event("server_moved")
        daemon.stop()


def test_renamed(lab: Lab, uuid: str, notes: list) -> None:
    with Daemon(lab_hosts(lab), lab, OPTIONS, "items") as daemon:
        daemon.wait_hosts_up(2)
        was = host(daemon, "h1")

        def upon_copy(event: dict) -> None:
            if event["event"] == "migration_phase" and event.get("to") == "copy":
                daemon.watchers.remove(upon_copy)
                daemon.proc.kill()
        daemon.watchers.append(upon_copy)
        assert daemon.api().live_migrate(uuid, "h2").status == 202
        daemon.proc.wait(HANG_S)
        rename(daemon, "h1", "kvm-one")
        daemon.restart()
        daemon.wait_event("host_renamed", 10, to="kvm-one")
        daemon.wait_hosts_up(2)
        arrives(daemon, uuid, "h2")
        now = host(daemon, "kvm-one")
        assert (now["id"], now["uuid"], now["libvirt_uuid"]) == (was["id"], was["uuid"], was["libvirt_uuid"]), (was, now)
        assert len(daemon.api().get("/drover/v1/hosts", None)["hosts"]) == 2
        migrate(daemon, uuid, "kvm-one")
        rename(daemon, "kvm-one", "h1")
        daemon.restart()
        daemon.wait_hosts_up(2)
        assert daemon.api().host_of(uuid) == "h1"
        assert not daemon.find_event("split_brain") and not daemon.find_event("server_moved")
        daemon.stop()


def test_cloned(lab: Lab, uuid: str, notes: list) -> None:
    conf = {name: lab.dir / name / "etc/libvirt/libvirtd.conf" for name in lab.hosts}
    kept = conf["h2"].read_text()
    same = re.search(r'host_uuid = .*', conf["h1"].read_text())[0]
    conf["h2"].write_text(re.sub(r'host_uuid = .*', same, kept))
    lab("kill-libvirtd", "h2")
    lab("start-libvirtd", "h2")
    with Daemon({"h1": lab.uri("h1")}, lab, {}, "items") as daemon:
        daemon.wait_hosts_up(1)
        assert daemon.api().call("POST", "/drover/v1/hosts", {"host": {"name": "h2", "uri": lab.uri("h2")}}).status == 201
        daemon.wait_event("host_duplicate", 30, host="h2", same_as="h1")
        notes.append(host(daemon, "h2")["state_reason"])
        assert "host_uuid of its own in libvirtd.conf" in host(daemon, "h2")["state_reason"]
        conf["h2"].write_text(kept)
        lab("kill-libvirtd", "h2")
        lab("start-libvirtd", "h2")
        daemon.wait_hosts_up(2, 60)
        daemon.stop()


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-items") as lab:
        uuid = lab.guest("h1", GUEST, "--mem", "128", "--dirty", "5:16")
        for name, test in (("F4: domains that cannot be read, beside one that can", test_unreadable),
                           ("F5, F14: a second name for a host, and bad URIs", test_second_name),
                           ("F5: a section that is renamed in the middle of a migration", test_renamed),
                           ("F5: two machines with one UUID", test_cloned)):
            with t.test(name) as notes:
                test(lab, uuid, notes)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
