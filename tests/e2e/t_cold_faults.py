#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Cold migration while the cable is out, no carrier can go, a person meddles, the guest does as it likes, a device of its host or the
destination's files are in the way, or libvirt keeps more of the guest than its definition, on real hosts.

After each of them the guest runs once, on one host, with what it wrote, and nothing is left on the other. The guests count on their
disks how often they were booted, and see a copy of theirs that was booted since (tests/lib/ticker.py). All cases at once: two have cables, and pairs
of hosts, of their own.
What a restart makes of each state of the hosts is t_cold_table.py's.
"""
from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from coldcase import UNLIMITED, Step, at_once
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Tap
from ticker import New, Tickers
from wait import wait_for

BANDWIDTH = 8  # MiB a second
LONG = 96      # MiB: a disk that is on its way for a while
OPTIONS = {"DEFAULT": {"debug": "true", "cpu_allocation_ratio": 100, **UNLIMITED}, "libvirt": {"live_migration_bandwidth": BANDWIDTH},
           "filter_scheduler": {"max_instances_per_host": 1000}}
SHARED, LOCAL, SMALL = "shared", "instances", "instances/small"
INSTANCES = "/var/lib/libvirt/drover/instances"
SAVED = "/var/lib/libvirt/qemu/save"
SWTPM = """#!/bin/sh
echo { \\"type\\": \\"swtpm\\", \\"features\\": [ \\"tpm-1.2\\", \\"tpm-2.0\\" ] }
"""
DEVICES = Path("/sys/bus/pci/devices")
SAYS = "urn:drover", "--key", "drover"  # of the metadata of a domain


class Fault(Step):
    row: Row
    said = ""

    def go(self) -> None:
        self.said = self.row.run(self) or ""

    def moves(self) -> None:
        wait_for(lambda: self.record()["progress"]["disk_processed_bytes"], 60, "bytes of its disk move")

    def not_asked(self) -> None:
        """To shut off."""
        assert not self.daemon.find_event("shutdown_asked", self.seen, migration=self.id)


# ---- the cable ----

def blinks(c: Fault) -> None:
    """While a carrier runs; in again before libvirt has given up."""
    c.migrate()
    c.moves()
    c.seen = len(c.daemon.events)
    c.lab("cut", c.dest)
    c.daemon.wait_event("migration_probed", 60, since=c.seen, migration=c.id, dest="unknown")
    c.lab("mend", c.dest)
    c.verified(2)
    c.confirm()
    c.confirmed(2)


def stays_out(c: Fault) -> None:
    """Neither the guest nor the end waits for the host; what is left there goes when it is back."""
    c.migrate()
    c.moves()
    c.lab("cut", c.dest)
    wait_for(lambda: c.ticks(c.source).ticked == 2, 120, "it runs at its source again", 0.3)
    c.becomes("error")
    assert not c.carrier(c.source), c.record()
    c.lab("mend", c.dest)
    c.back("error", 2)


def streamed(c: Fault) -> str:
    """Three carriers do not reach the destination's libvirtd; then its disk goes through the controller, and the record says so with the reason."""
    c.migrate()
    c.verified(2)
    said = [event["why"] for event in c.record()["events"] if "go through the controller" in (event["why"] or "")]
    assert len(said) == 1 and re.search("no carrier can bring its disks; they go through the controller: .*connect", said[0]), c.record()["events"]
    progress = c.record()["progress"]
    assert progress["disk_processed_bytes"] == progress["disk_total_bytes"] > 0, progress
    c.confirm()
    c.confirmed(2)
    return said[0]


# ---- people ----

def started_while_carried(c: Fault) -> str:
    """QEMU's locks refuse it."""
    c.migrate()
    c.moves()
    # how fast it may go was libvirt's to be told, with the copy
    limit = c.virsh(c.source, "blockjob", c.carrier(c.source), "vda", "--raw", "--bytes")
    assert f"bandwidth={BANDWIDTH << 20}" in re.sub(" ", "", limit), limit
    said = c.lab("exec", c.source, "sh", "-c", f"virsh -q start {c.uuid} 2>&1", check=False)
    assert "lock" in said and c.half(c.source) == "shut off", said
    c.verified(2)
    return said.splitlines()[-1]


def started_in_the_gap(c: Fault) -> None:
    """The carrier at the source is gone, and nothing locks its disk any more: what was carried is void."""
    c.rows.hold(c.uuid, "carry")
    c.migrate()
    c.held("carry")
    c.start(c.source)
    c.rows.release(c.uuid)
    c.back("error", 2)
    assert "started at its source" in c.record()["error"], c.record()


def off_by_itself(c: Fault) -> None:
    """Before it is asked to."""
    c.rows.hold(c.uuid, "schedule")
    c.migrate()
    c.held("schedule")
    c.virsh(c.source, "send-key", c.uuid, "KEY_ENTER")
    wait_for(lambda: c.half(c.source) == "shut off", 30, "it is off")
    c.rows.release(c.uuid)
    c.verified(2)
    c.not_asked()


def off_while_asked(c: Fault) -> None:
    """Not because it heard."""
    c.migrate()
    c.daemon.wait_event("shutdown_asked", 30, since=c.seen, migration=c.id)
    c.virsh(c.source, "send-key", c.uuid, "KEY_ENTER")
    c.verified(2)
    assert f"dom_destroy {c.source}" not in c.acts(), c.acts()


def hasty(tickers: Tickers, host: str, uuid: str) -> None:
    """It has three seconds to shut off."""
    tickers.lab("exec", host, "virsh", "-q", "metadata", uuid, *SAYS, "--set", "<guest os_shutdown_timeout='3'/>", "--config", "--live")


def deaf(c: Fault) -> str:
    """It is stopped hard when its time is over."""
    c.migrate()
    c.verified(2)
    assert c.daemon.find_event("shutdown_asked", c.seen, migration=c.id) and f"dom_destroy {c.source}" in c.acts(), c.acts()
    c.confirm()
    c.confirmed(2)
    return " ".join(c.acts())


# ---- the destination's files ----

def small_at_dest(tickers: Tickers, host: str, uuid: str) -> None:
    tickers.lab("exec", "h2", "mount", "-t", "tmpfs", "-o", f"size={LONG + 16}M", "small", f"{INSTANCES}/small")


def full(c: Fault) -> str:
    """Half-way. What was made there goes, and the guest is at its source again."""
    there = f"{INSTANCES}/small"
    c.migrate()
    c.moves()
    c.lab("exec", "h2", "sh", "-c", f"dd if=/dev/zero of={there}/other bs=64k 2> /dev/null", check=False)
    c.becomes("error")
    left = c.lab("exec", "h2", "ls", there)
    c.rests("ACTIVE", c.source, 2)
    wait_for(lambda: c.lab("exec", "h2", "ls", there) == "other", 30, f"what was made goes; there was {left}")
    assert c.half(c.dest) == ""
    c.lab("exec", "h2", "umount", there)
    return c.record()["error"]


def stranger(c: Fault) -> Path:
    path = c.tickers.folder(c.dest, LOCAL) / f"{c.name}.qcow2"
    path.write_bytes(b"somebody's")
    return path


def exists(c: Fault) -> str:
    """The guest is not shut off for it."""
    path = stranger(c)
    c.migrate()
    error = c.becomes("error")["error"]
    c.rests("ACTIVE", c.source, 1)
    assert path.read_bytes() == b"somebody's" and path.name in error, error
    c.not_asked()
    return error


def appears(c: Fault) -> str:
    """Since the guest was shut off. It is not overwritten."""
    c.rows.hold(c.uuid, "stop")
    c.migrate()
    c.held("stop")
    path = stranger(c)
    c.rows.release(c.uuid)
    error = c.becomes("error")["error"]
    c.rests("ACTIVE", c.source, 2)
    assert path.read_bytes() == b"somebody's" and path.name in error, error
    assert c.half(c.dest) == ""
    return error


# ---- what libvirt keeps beside a definition ----

def snapshots_of(c: Fault, host: str) -> list[str]:
    """The current one with a star."""
    names = c.virsh(host, "snapshot-list", "--name", "--topological", c.uuid, check=False).split()
    current = c.virsh(host, "snapshot-current", "--name", c.uuid, check=False).strip()
    return [name + "*" * (name == current) for name in names]


def snapped(tickers: Tickers, host: str, uuid: str) -> None:
    for name in ("s1", "s2"):
        tickers.lab("exec", host, "virsh", "-q", "snapshot-create-as", uuid, name)


def snapshots(c: Fault) -> None:
    """Internal ones go along with the disk, and what libvirt knows of them, there and back; they can be used where it goes."""
    c.migrate()
    c.verified(0)
    assert snapshots_of(c, c.dest) == ["s1", "s2*"], snapshots_of(c, c.dest)
    c.revert()
    c.back("reverted", 0)
    assert (snapshots_of(c, c.source), snapshots_of(c, c.dest)) == (["s1", "s2*"], [])
    c.migrate()
    c.verified(0)
    c.confirm()
    c.confirmed(0)
    assert (snapshots_of(c, c.source), snapshots_of(c, c.dest)) == ([], ["s1", "s2*"])
    c.virsh(c.dest, "snapshot-revert", c.uuid, "s1")
    c.start(c.dest)
    c.virsh(c.dest, "snapshot-delete", c.uuid, "s2")
    assert snapshots_of(c, c.dest) == ["s1*"]


def starts_itself(c: Fault, host: str) -> bool:
    return re.search(r"Autostart:\s+(\S+)", c.virsh(host, "dominfo", c.uuid))[1] == "enable"


def started_by_host(tickers: Tickers, host: str, uuid: str) -> None:
    tickers.lab("exec", host, "virsh", "-q", "autostart", uuid)


def autostart(c: Fault) -> None:
    """Where it goes, and where it is back; not at a source that waits to be forgotten."""
    c.migrate()
    c.verified(2)
    assert not starts_itself(c, c.source) and starts_itself(c, c.dest)
    c.revert()
    c.back("reverted", 3)
    wait_for(lambda: starts_itself(c, c.source), 30, "its source starts it again")


def saved_while_asked(c: Fault) -> str:
    """It goes on from the image, at its source."""
    c.migrate()
    c.daemon.wait_event("shutdown_asked", 30, since=c.seen, migration=c.id)
    c.virsh(c.source, "managedsave", c.uuid)
    c.back("error", 1)
    assert c.lab("exec", c.source, "ls", SAVED) == "", "its image was used"
    return c.record()["error"]


def saved_there(c: Fault) -> None:
    """Before its user reverts: no image is left under its name, from which it would start when it comes again."""
    c.migrate()
    c.verified(2)
    c.virsh(c.dest, "managedsave", c.uuid)
    c.revert()
    c.back("reverted", 3)
    assert c.lab("exec", c.dest, "ls", SAVED) == "", "its image is gone"


def refused(c: Fault, words: str, status: str, boots: int) -> str:
    """Nothing is done with it."""
    c.migrate()
    error = c.becomes("error")["error"]
    assert re.search(words, error), error
    c.rests(status, c.source, boots)
    assert c.half(c.dest) == "" and not c.acts(), c.acts()
    c.not_asked()
    return error


def undefined(tickers: Tickers, host: str, uuid: str) -> None:
    tickers.lab("exec", host, "virsh", "-q", "undefine", uuid)


def add_device(tickers: Tickers, host: str, uuid: str, kind: str, source: str) -> None:
    """No machine of tests has a device to give away: it is described, and its guest never started."""
    xml = tickers.lab("exec", host, "virsh", "-q", "dumpxml", uuid)
    device = f"<hostdev mode='subsystem' type='{kind}'><source>{source}</source></hostdev>"
    if kind == "usb":
        xml = re.sub("<controller type='usb'.*?/>", "", xml)
    tickers.define_xml(host, xml.replace("<devices>", f"<devices>{device}"))


def add_pci(tickers: Tickers, host: str, uuid: str, address: str) -> None:
    domain, bus, slot, function = re.split("[:.]", address)
    add_device(tickers, host, uuid, "pci' managed='yes", f"<address domain='0x{domain}' bus='0x{bus}' slot='0x{slot}' function='0x{function}'/>")


PCI_OF_NONE, USB_OF_NONE, MDEV_OF_NONE = "0000:fe:1f.7", "dead:beef", "c2177883-f1bb-47f0-914d-32a22e3a8804"


def with_pci(tickers: Tickers, host: str, uuid: str) -> None:
    """Of the machine, so that both hosts have it."""
    found = tickers.lab("exec", host, "virsh", "-q", "nodedev-list", "--cap", "pci").split()
    add_pci(tickers, host, uuid, "{}:{}:{}.{}".format(*found[0].split("_")[1:]))


def passthrough(c: Fault) -> str:
    """A PCI device of its host ties it as long as it runs."""
    device = re.search("<hostdev.*?</source>", c.xml(c.source), re.DOTALL)[0]
    got = c.api.call("POST", f"/drover/v1/servers/{c.uuid}/precheck", {"precheck": {"host": c.dest}})
    assert got.status == 200, got.fault
    found = got.json["precheck"]["hosts"][0]
    why = next(check for check in found["checks"] if check["name"] == "host_devices")
    assert found["goes"] == "cold" and why["result"] == "failed" and "(pci 0000:" in why["reason"], found
    assert next(check for check in found["cold"]["checks"] if check["name"] == "pci_devices")["result"] == "passed", found
    c.migrate()
    c.verified(0)
    assert device in c.xml(c.dest) and device in c.xml(c.source)
    c.revert()
    c.back("reverted", 0)
    c.migrate()
    c.verified(0)
    c.confirm()
    c.confirmed(0)
    assert device in c.xml(c.dest)
    return why["reason"]


def with_pci_of_none(tickers: Tickers, host: str, uuid: str) -> None:
    add_pci(tickers, host, uuid, PCI_OF_NONE)


def no_such_device(c: Fault) -> str:
    return refused(c, f"{c.dest} has no PCI device {PCI_OF_NONE}", "SHUTOFF", 0)


def with_usb_of_none(tickers: Tickers, host: str, uuid: str) -> None:
    vendor, product = USB_OF_NONE.split(":")
    add_device(tickers, host, uuid, "usb", f"<vendor id='0x{vendor}'/><product id='0x{product}'/>")


def no_such_stick(c: Fault) -> str:
    return refused(c, f"{c.dest} has no USB device {USB_OF_NONE}", "SHUTOFF", 0)


def with_mdev_of_none(tickers: Tickers, host: str, uuid: str) -> None:
    add_device(tickers, host, uuid, "mdev' model='vfio-pci", f"<address uuid='{MDEV_OF_NONE}'/>")


def no_such_mdev(c: Fault) -> str:
    return refused(c, f"{c.dest} has no mediated device {MDEV_OF_NONE}", "SHUTOFF", 0)


def transient(c: Fault) -> str:
    return refused(c, f"it has no definition at {c.source}", "ACTIVE", 1)


def sealed(tickers: Tickers, host: str, uuid: str) -> None:
    """Its host says that it has swtpm: a definition needs no more."""
    tickers.lab("exec", host, "sh", "-ec", f"mount -t tmpfs swtpm /usr/local/bin; cd /usr/local/bin; echo '{SWTPM}' > swtpm; chmod 755 swtpm;"
                " ln -s swtpm swtpm_setup; ln -s swtpm swtpm_ioctl")
    xml = tickers.lab("exec", host, "virsh", "-q", "dumpxml", uuid)
    tpm = "<tpm model='tpm-tis'><backend type='emulator' version='2.0'/></tpm>"
    tickers.define_xml(host, xml.replace("<devices>", f"<devices>{tpm}"))


def vtpm(c: Fault) -> str:
    return refused(c, f"not supported for vTPM-enabled instance .* in a folder of {c.source}", "SHUTOFF", 0)


# ---- all at once ----

@dataclass
class Row:
    """@before: what is done with the guest, and its hosts, before droverd knows of it. @host: its source"""
    name: str
    run: Callable[[Fault], str | None]
    pool: str = LOCAL
    mib: int = 1
    deaf: bool = False
    ran: bool = True
    before: Callable[[Tickers, str, str], None] | None = None
    host: str = "h1"

    def new(self) -> New:
        return New(self.run.__name__, self.pool, self.mib, self.deaf, self.ran)


ROWS = [
    Row("the cable is out while a carrier runs, and in again", blinks, mib=LONG, host="h3"),
    Row("the cable is out while a carrier runs, and stays so", stays_out, mib=LONG, host="h5"),
    Row("no carrier reaches the destination: through the controller", streamed, host="h2"),
    Row("started at its source while its disk is carried, no faster than it may: refused", started_while_carried, mib=LONG),
    Row("started at its source when its disk was carried: it stays", started_in_the_gap),
    Row("it shuts down by itself before", off_by_itself),
    Row("it shuts down by itself while it is asked to", off_while_asked, SHARED, deaf=True),
    Row("it ignores the power button", deaf, deaf=True, before=hasty),
    Row("the destination's disk is full half-way", full, SMALL, LONG, before=small_at_dest),
    Row("the destination has a file of that name", exists),
    Row("the destination has a file of that name once the guest is off", appears),
    Row("internal snapshots go along, and what libvirt knows of them", snapshots, ran=False, before=snapped),
    Row("it starts with its host", autostart, SHARED, before=started_by_host),
    Row("a person saves it while it is asked to shut off", saved_while_asked, SHARED, deaf=True),
    Row("a person saves it where it has gone, and it is reverted", saved_there, SHARED),
    Row("a PCI device of its host: not live, but cold", passthrough, SHARED, ran=False, before=with_pci),
    Row("a PCI device that the destination has not: refused", no_such_device, SHARED, ran=False, before=with_pci_of_none),
    Row("a USB device that the destination has not: refused", no_such_stick, SHARED, ran=False, before=with_usb_of_none),
    Row("a mediated device that the destination has not: refused", no_such_mdev, SHARED, ran=False, before=with_mdev_of_none),
    Row("it has no definition: refused", transient, SHARED, before=undefined),
    Row("it has an emulated TPM: refused", vtpm, SHARED, ran=False, before=sealed),
]


def make(tickers: Tickers, rows: list[Row]) -> dict[str, str]:
    """Return: name -> UUID. Those that are to run tick."""
    uuids: dict[str, str] = {}

    def at(host: str) -> None:
        here = [row for row in rows if row.host == host]
        uuids.update(zip((row.new().name for row in here), tickers.make(host, [row.new() for row in here])))
    for host in "h1", "h2":
        tickers.folder(host, SMALL).mkdir()
    with ThreadPoolExecutor() as pool:
        list(pool.map(at, {row.host for row in rows}))
    for row in rows:
        new = row.new()
        if row.ran:
            wait_for(lambda: tickers.read(row.host, new.name, new.pool).ticked, 60, f"{new.name} ticks")
        if row.before:
            row.before(tickers, row.host, uuids[new.name])
    return uuids


def cases_of(daemon: Daemon, tickers: Tickers, rows: list[Row], uuids: dict[str, str]) -> list[Fault]:
    api, cases = daemon.api(), []
    wait_for(lambda: {server["id"] for server in api.servers()} >= set(uuids.values()), 60, "all are known", 0.3)
    for row in rows:
        new = row.new()
        c = Fault(daemon, api, tickers, new.name, uuids[new.name], new.pool)
        c.row = row
        cases.append(c)
    return cases


def main() -> int:
    t = Tap()
    words = sys.argv[1:]
    rows = [row for row in ROWS if not words or any(word in row.name for word in words)]
    if not any(DEVICES.glob("*")):
        t.line(True, "a PCI device of its host", " # SKIP this machine has none")
        rows = [row for row in rows if row.run is not passthrough]
    with Lab(6, "e2e-cold-faults") as lab:
        tickers = Tickers(lab)
        uuids = make(tickers, rows)
        # of those that go to h1 alone
        elsewhere = {"host h1": {"live_migration_uri": f"qemu+tcp://{lab('ip', 'h1')}:1/system"}}
        with Daemon(lab_hosts(lab), lab, OPTIONS | elsewhere, "cold-faults") as daemon:
            daemon.wait_hosts_up(6)
            cases = cases_of(daemon, tickers, rows, uuids)
            at_once(cases, Fault.go)
            for c in cases:
                with t.test(c.row.name) as notes:
                    assert not c.error, f"{c.name}, {c.halves()}\n{c.error}"
                    notes += filter(None, [c.said])
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
