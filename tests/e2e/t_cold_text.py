#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Cold migration as OpenStack's text has it ("Cold migrating an instance"), by the stock clients, on real hosts, as an operator types it.

What they print is compared with golden/cold/NN-*.txt; REGEN=1 writes these. Between the steps each stage is held where it is, so that
its statuses and task_state are seen: the guest is deaf to its power button, its disk's link is slow, the destination's libvirtd writes a
definition to a pipe that has no reader, its hook waits before the guest is started, or a libvirtd stands still.
"""
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from lab import BEATS, Lab
from stock import Clients
from tap import Tap
from ticker import New, Tickers
from transcript import Transcript, chosen
from wait import wait_for

STATE = " ".join(f"-c {name}" for name in ("status", "OS-EXT-STS:task_state", "OS-EXT-STS:vm_state", "OS-EXT-STS:power_state",
                                           "OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:hypervisor_hostname"))
MIGRATION = "-c 'Source Compute' -c 'Dest Compute' -c Status -c Type"
SLOW, LOCAL_MIB = "4mbit", 48  # the copy takes longer than any client
# of a guest that is deaf: as long as a test may hang
OPTIONS = {"DEFAULT": {"shutdown_timeout": 240}}
# libvirt calls it before it starts a guest; the pipe has a writer when the test lets it go on
HOOK = """#!/bin/sh
[ "$2" = prepare ] && [ -p /run/hold-$1 ] && cat /run/hold-$1
exit 0
"""


class Held:
    """Ways to keep a host from doing the next thing."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        for host in lab.hosts:
            lab("exec", host, "sh", "-ec", f"mkdir -p /etc/libvirt/hooks; printf '%s' '{HOOK}' > /etc/libvirt/hooks/qemu; chmod 755 /etc/libvirt/hooks/qemu")
            # it looks for hooks at its start
            lab("kill-libvirtd", host)
            lab("start-libvirtd", host)

    @contextmanager
    def standing(self, host: str) -> Iterator[None]:
        """Its libvirtd answers nothing."""
        self.lab("exec", host, "sh", "-c", "kill -STOP $(cat /run/libvirtd.pid)")
        try:
            yield
        finally:
            self.lab("exec", host, "sh", "-c", "kill -CONT $(cat /run/libvirtd.pid)")

    def definition(self, host: str, guest: str) -> None:
        """It cannot write this one until release(); then the first attempt fails."""
        self.lab("exec", host, "mkfifo", f"/etc/libvirt/qemu/{guest}.xml.new")

    def start(self, host: str, guest: str) -> None:
        self.lab("exec", host, "mkfifo", f"/run/hold-{guest}")

    def release_definition(self, host: str, guest: str) -> None:
        self.lab("exec", host, "sh", "-ec", f"cat /etc/libvirt/qemu/{guest}.xml.new > /run/released")

    def release_start(self, host: str, guest: str) -> None:
        self.lab("exec", host, "sh", "-ec", f": > /run/hold-{guest}; rm /run/hold-{guest}")


class Story:
    """The steps, in the order of the text."""

    def __init__(self, t: Tap, daemon: Daemon, tickers: Tickers, uuids: dict[str, str], held: Held) -> None:
        self.t, self.lab, self.daemon, self.tickers, self.uuids, self.held = t, tickers.lab, daemon, tickers, uuids, held
        self.api = daemon.api()
        self.clients = Clients(daemon.openrc)
        self.say = Transcript(t, self.clients, {uuid: f"<{name}>" for name, uuid in uuids.items()}, "cold").step

    def becomes(self, guest: str, status: str) -> None:
        """Between steps; no task owns it any more."""
        def is_so() -> bool:
            s = self.api.server(self.uuids[guest])
            return s["status"] == status and s["OS-EXT-STS:task_state"] is None
        wait_for(is_so, 120, f"{guest} is {status}", 0.2)

    def stage(self, guest: str, name: str) -> None:
        def there() -> bool:
            found = self.api.migrations(self.uuids[guest])[0]
            return self.api.get(f"/drover/v1/migrations/{found['id']}", None)["migration"]["phase"] == name
        wait_for(there, 120, f"{guest} comes to {name}", 0.2)

    def is_at(self, guest: str, running: list[str], defined: list[str]) -> None:
        """What libvirt says of it at all hosts."""
        with self.t.test(f"{guest} runs at {running or 'no host'} and is defined at {defined}"):
            wait_for(lambda: self.lab.running_on(guest) == running, 20, "it runs there alone")
            got = [host for host in self.lab.hosts if self.lab.state(host, guest)]
            assert got == defined, got

    def events(self, name: str, guest: str) -> None:
        """Of its newest action."""
        rows = self.api.get(f"/v2.1/servers/{self.uuids[guest]}/os-instance-actions")["instanceActions"]
        text = self.clients.must(f"openstack server event show {self.uuids[guest]} {rows[0]['request_id']} -f json -c events")
        found = [(event["event"], event["host"], event["result"]) for event in json.loads(text)["events"]]
        with self.t.test(f"events of {name}"):
            assert found == EVENTS[name], found

    # ---- 16.3.4, by the openstack client ----

    def seed(self) -> None:
        self.say("servers of the host", "openstack server list --host h1 --all-projects -c Name -c Status -c Host --sort-column Name")
        self.say("disable", "openstack compute service set h1 nova-compute --disable")
        self.say("block migration is live", "openstack server migrate vm1 --block-migration --wait", status=1)
        self.say("migrate and wait", "openstack server migrate vm1 --wait")
        self.is_at("vm1", ["h2"], ["h1", "h2"])
        with self.t.test("vm1 was asked by its agent to shut off"):
            assert "lab-guest-down by its agent" in (self.lab.dir / "h1" / "log" / "qemu" / "vm1.console").read_text(errors="replace")
        self.say("verify resize", "openstack server list --all-projects -c Name -c Status -c Host --sort-column Name")
        self.say("shown", f"openstack server show {self.uuids['vm1']}")
        self.say("actions", "openstack server event list vm1 -c Action -c 'Server ID'")
        self.events("migrate", "vm1")
        self.say("confirm", "openstack server resize --confirm vm1")
        self.becomes("vm1", "ACTIVE")
        self.events("confirm", "vm1")
        self.is_at("vm1", ["h2"], ["h2"])
        self.say("active", "openstack server list --all-projects -c Name -c Status -c Host --sort-column Name")
        self.say("start of what runs", "openstack server start vm1", status=1)
        self.say("enable", "openstack compute service set h1 nova-compute --enable")

    def chosen(self) -> None:
        """Its host is named; the newer words for confirm and revert."""
        self.say("to its own host", "openstack server migrate --host h2 vm1", status=1)
        self.say("to an unknown host", "openstack server migrate --host h9 vm1", status=1)
        self.say("confirm of nothing", "openstack server resize confirm vm1", status=1)
        self.say("revert of nothing", "openstack server migration revert vm1", status=1)
        self.say("migrate to a host", "openstack server migrate --host h1 --wait vm1")
        self.is_at("vm1", ["h1"], ["h1", "h2"])
        self.say("migrate again", "openstack server migrate --host h2 vm1", status=1)
        self.say("migration revert", "openstack server migration revert vm1")
        self.becomes("vm1", "ACTIVE")
        self.events("revert", "vm1")
        self.is_at("vm1", ["h2"], ["h2"])

    # ---- by the nova client ----

    def nova(self) -> None:
        """Of a server that is shut off; it stays so."""
        self.say("nova migrate --block-migrate", "nova migrate --block-migrate off1", status=2)
        self.say("nova migrate --poll", "nova migrate --poll off1")
        self.state("off", "off1")
        self.is_at("off1", [], ["h1", "h2"])
        self.say("nova resize-confirm", "nova resize-confirm off1")
        self.becomes("off1", "SHUTOFF")
        self.is_at("off1", [], ["h2"])
        self.say("nova migrate --host", "nova migrate --host h1 --poll off1")
        self.say("nova resize-revert", "nova resize-revert off1")
        self.becomes("off1", "SHUTOFF")
        self.is_at("off1", [], ["h2"])
        self.say("nova resize-confirm of nothing", "nova resize-confirm off1", status=1)
        self.say("nova migration-list", f"nova migration-list --instance-uuid {self.uuids['off1']} --migration-type migration --limit 1")
        self.say("no live migration", "nova server-migration-list off1")
        self.say("openstack migrate of what is off", "openstack server migrate --host h1 --wait off1")
        self.say("migration confirm", "openstack server migration confirm off1")
        self.becomes("off1", "SHUTOFF")
        self.is_at("off1", [], ["h1"])
        self.say("nova migrate", "nova migrate off2")
        self.becomes("off2", "VERIFY_RESIZE")
        self.say("resize --revert", "openstack server resize --revert off2")
        self.becomes("off2", "SHUTOFF")
        self.is_at("off2", [], ["h1"])

    def whole_host(self) -> None:
        """The first part: h2 has these two."""
        self.say("nova host-servers-migrate", "nova host-servers-migrate --strict h2")
        for guest in ("off1", "off2"):
            self.becomes(guest, "VERIFY_RESIZE")
            self.clients.must(f"nova resize-confirm {guest}")
            self.becomes(guest, "SHUTOFF")
            self.is_at(guest, [], ["h1"])

    # ---- each stage, seen ----

    def state(self, name: str, guest: str) -> None:
        self.say(f"{name} server", f"openstack server show {self.uuids[guest]} {STATE}")
        self.say(f"{name} migration", f"openstack server migration list --server {guest} --limit 1 {MIGRATION}")

    def stopping(self) -> None:
        """The guest is asked to shut off, and does not hear."""
        self.held.definition("h2", "deaf")
        self.held.start("h2", "deaf")
        self.say("of a deaf guest", "openstack server migrate --host h2 deaf")
        self.stage("deaf", "stop")
        self.state("stop", "deaf")
        self.say("migrate a busy server", "openstack server migrate deaf", status=1)
        self.say("confirm a busy server", "openstack server resize confirm deaf", status=1)
        self.say("stop a busy server", "openstack server stop deaf", status=1)
        self.lab.virsh("h1", "destroy", "deaf")

    def landing(self) -> None:
        self.stage("deaf", "land")
        self.state("land", "deaf")
        self.held.release_definition("h2", "deaf")
        self.stage("deaf", "start")
        self.state("start", "deaf")
        self.held.release_start("h2", "deaf")
        self.becomes("deaf", "VERIFY_RESIZE")
        self.state("verify", "deaf")

    def reverting(self) -> None:
        with self.held.standing("h2"):
            self.say("revert", "openstack server resize revert deaf")
            self.state("revert", "deaf")
            self.say("revert twice", "openstack server resize revert deaf", status=1)
        self.becomes("deaf", "ACTIVE")
        self.state("reverted", "deaf")
        self.is_at("deaf", ["h1"], ["h1"])

    def carrying(self) -> None:
        """A disk of its own, over a slow link; then its confirmation."""
        self.lab("shape", "h2", SLOW)
        try:
            self.say("of a local disk", "openstack server migrate --host h2 local")
            self.stage("local", "carry")
            self.state("carry", "local")
        finally:
            self.lab("shape", "h2", "off")
        self.becomes("local", "VERIFY_RESIZE")
        with self.held.standing("h2"):  # a source that is silent would not be waited for
            self.say("resize confirm", "openstack server resize confirm local")
            self.state("confirm", "local")
            self.say("confirm twice", "openstack server resize confirm local", status=1)
        self.becomes("local", "ACTIVE")
        self.state("confirmed", "local")
        self.is_at("local", ["h2"], ["h2"])

    def afterwards(self) -> None:
        self.say("all actions of one", "openstack server event list vm1 -c Action -c 'Server ID'")
        self.say("all migrations of one", f"openstack server migration list --server vm1 --type cold-migration {MIGRATION}")

    def alive(self) -> None:
        with self.t.test("vm1: one copy ran at any time, and its disk is whole"):
            beat = self.lab.beat("vm1")
            assert not beat["two_copies"] and beat["disk_errors"] == 0, beat
        for guest, host, pool in ("deaf", "h1", "shared"), ("local", "h2", "instances"):
            with self.t.test(f"{guest}: one copy ran at any time"):
                ticks = self.tickers.read(host, guest, pool)
                assert ticks.ticked and not ticks.two, ticks


# event, host, result, newest first, as "openstack server event show" has them
EVENTS = {
    "migrate": [("compute_finish_resize", "h2", "Success"), ("compute_resize_instance", "h1", "Success"), ("compute_prep_resize", "h2", "Success"),
                ("cold_migrate", None, "Success"), ("conductor_migrate_server", None, "Success")],
    "confirm": [("compute_confirm_resize", "h1", "Success")],
    "revert": [("compute_finish_revert_resize", "h2", "Success"), ("compute_revert_resize", "h1", "Success")],
}


def known(daemon: Daemon, uuids: dict[str, str]) -> None:
    wait_for(lambda: {server["id"] for server in daemon.api().servers()} >= set(uuids.values()), 60, "the servers are known", 0.2)


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-coldtext") as lab:
        held, tickers = Held(lab), Tickers(lab)
        uuids = {"vm1": lab("guest", "h1", "vm1", *BEATS, "--mem", "96", "--qga", "yes").split()[0]}
        uuids |= zip(("deaf", "local"), tickers.make("h1", [New("deaf", deaf=True), New("local", "instances", LOCAL_MIB)]))
        uuids |= zip(("off1",), tickers.make("h2", [New("off1", runs=False)]))
        with Daemon(lab_hosts(lab), lab, OPTIONS, "coldtext") as daemon:
            daemon.wait_hosts_up(2)
            known(daemon, uuids)
            # the list of a host's servers is in the order in which they became known
            uuids |= zip(("off2",), tickers.make("h2", [New("off2", runs=False)]))
            known(daemon, uuids)
            wait_for(lambda: daemon.api().server(uuids["vm1"])["addresses"].get("br0"), 60, "the guest's address is known", 0.5)
            story = Story(t, daemon, tickers, uuids, held)
            for part in chosen(story.whole_host, story.seed, story.chosen, story.nova, story.stopping, story.landing, story.reverting, story.carrying,
                         story.afterwards, story.alive):
                part()
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
