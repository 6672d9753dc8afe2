#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Evacuations of real guests while something else breaks: droverd dies upon each stage and each act; the destination dies; the host that was left is
switched on by hand, or its cable, which was all that was out, is in again. In one lab, side by side. No guest is let run twice: its heartbeat, its disk and
libvirt say so. A host that was only cut off and still runs its guest is left alone with an alarm, or fenced, by [ha] returning. (That locks of disks refuse a
second copy is t_evacuate.py's.)
"""
from __future__ import annotations

import http.client
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from bmc import PORT, Bmc
from coldcase import Rows
from daemon import Daemon, Supervisor, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from wait import wait_for

SIZE = "64M"
# h1 dies, h2 takes the guests, h3 dies as a destination, h4 is cut off
GUESTS = {"kills": ("h1", "shared"), "third": ("h1", "shared"), "waits": ("h1", "shared"), "writes": ("h4", "shared"),
          "back": ("h4", "none"), "left": ("h4", "none"),  # nothing betrays that they live on
          "own": ("h1", f"overlay:{SIZE}")}                # its disk is there alone, over a base image that h2 has as well
PHASES = ("check", "queued", "schedule", "prepare", "spawn", "moved", "clean", "completed")
ACTS = ("dom_define", "dom_start", "dom_resume", "dom_undefine")


class World:
    def __init__(self, lab: Lab, daemon: Daemon, uuids: dict[str, str]) -> None:
        self.lab, self.daemon, self.uuids = lab, daemon, uuids
        self.rows = Rows(daemon)
        self.api, self.clients = daemon.api(), Clients(daemon.openrc)
        self.written: dict[str, int] = {}

    def is_down(self, *hosts: str) -> None:
        for host in hosts:
            wait_for(lambda: self.api.get(f"/drover/v1/hosts/{host}", None)["host"]["state"] == "down", 60, f"{host} is down")

    def note(self, *guests: str) -> None:
        """What they have written; their heartbeats are counted from now on."""
        for guest in guests:
            self.lab.beat_reset(guest)
            self.written[guest] = self.lab.beat(guest)["disk_seq"]

    def restarted(self) -> int:
        """Return: how many events there were before."""
        self.daemon.kill()
        seen = len(self.daemon.events)
        self.daemon.start()
        return seen

    def evacuate(self, guest: str, host: str | None = None) -> None:
        got = self.api.call("POST", f"/v2.1/servers/{self.uuids[guest]}/action", {"evacuate": {"host": host} if host else {}}, mv="2.68")
        assert got.status == 200, got.fault

    def phase(self, guest: str) -> str:
        found = self.rows.sql("SELECT phase FROM migrations WHERE server_uuid = ? ORDER BY id DESC LIMIT 1", self.uuids[guest])
        return found[0][0] if found else ""

    def comes_to(self, guest: str, phase: str) -> None:
        wait_for(lambda: self.phase(guest) == phase, 120, f"the evacuation of {guest} is in {phase}")

    def hold_paused(self, guest: str) -> None:
        """The database does not take that it is told to run."""
        self.rows.sql(f"CREATE TRIGGER \"held resumed {self.uuids[guest]}\" BEFORE UPDATE ON migrations WHEN OLD.server_uuid = '{self.uuids[guest]}'"
                      " AND NEW.options LIKE '%\"resumed\":true%' BEGIN SELECT RAISE(ABORT, 'held'); END")

    def held_paused(self, guest: str, host: str) -> None:
        wait_for(lambda: self.lab.state(host, guest) == "paused", 60, f"{guest} waits at {host}")
        self.daemon.wait_event("migration_not_written", 60, migration=self.rows.newest(self.uuids[guest])[0], phase="spawn")

    def error(self, guest: str) -> str:
        return self.api.get(f"/drover/v1/migrations/{self.rows.newest(self.uuids[guest])[0]}", None)["migration"]["error"] or ""

    def disk(self, host: str, name: str) -> Path:
        """In its folder of its own."""
        return self.lab.dir / host / "instances" / name

    def lives_on(self, guest: str, host: str) -> None:
        """There alone, on the disk that it had, and it never saw another copy of it."""
        wait_for(lambda: self.api.host_of(self.uuids[guest]) == host, 60, f"{guest} is known to be on {host}")
        assert self.lab.running_on(guest) == [host], (guest, [self.lab.state(at, guest) for at in self.lab.hosts])
        beat = self.lab.beat(guest)
        wait_for(lambda: self.lab.beat(guest)["disk_seq"] >= self.written[guest], 60, f"{guest} has its disk")
        assert not beat["two_copies"] and not beat["disk_errors"], beat

    def gone(self, guest: str, host: str) -> None:
        wait_for(lambda: self.lab.state(host, guest) == "", 60, f"{host} has forgotten {guest}")


def watcher(w: World, guest: str, wanted: set[str]):
    """droverd dies upon each of these phases and acts, once. The log has an act before the host hears of it."""
    def watch(event: dict) -> None:
        at = {"migration_requested": "check", "migration_phase": event.get("to"), "migration_resumed": event.get("phase"), "migration_act": event.get("act")}
        word = at.get(event["event"])
        if event.get("server") == w.uuids[guest] and word in wanted:
            wanted.remove(word)
            w.daemon.signal(signal.SIGKILL)
    return watch


def dies(w: World, wanted: set[str], end: str) -> int:
    """Until its evacuation has come to its end. Return: deaths."""
    deaths, watch = len(wanted), watcher(w, "kills", wanted)
    w.daemon.watchers.append(watch)

    def there() -> bool:
        if not w.phase("kills"):
            with suppress(OSError, http.client.HTTPException, AssertionError, RuntimeError):
                w.evacuate("kills", "h2")
        return w.phase("kills") == end and w.daemon.alive()
    with Supervisor(w.daemon):
        wait_for(there, 300, f"it is in {end}", 0.2)
    w.daemon.watchers.remove(watch)
    w.daemon.restart()
    return deaths - len(wanted)


def begins(w: World) -> str:
    """h1 dies and is fenced; h4 is cut off, and an administrator says that it is down. The evacuations go as far as they are let."""
    w.note(*GUESTS)
    w.written["own"] = 0
    w.disk("h2", "_base").mkdir()
    shutil.copy2(w.disk("h1", f"_base/{SIZE}"), w.disk("h2", f"_base/{SIZE}"))
    w.lab("kill", "h1")
    w.lab("cut", "h4")
    w.is_down("h1", "h4")
    assert w.clients.drover("host", "fence", "h1") == "h1 is fenced"
    w.clients.must("openstack compute service set --down h4 nova-compute")
    for guest in ("waits", "back"):
        w.hold_paused(guest)
        w.evacuate(guest, "h2")
    w.rows.hold(w.uuids["third"], "spawn")
    w.evacuate("third", "h3")
    for guest in ("left", "writes"):
        w.evacuate(guest, "h2")
    w.evacuate("own")
    w.held_paused("waits", "h2")
    w.held_paused("back", "h2")
    wait_for(lambda: w.lab.state("h3", "third") == "running", 60, "third runs at h3")
    for guest in ("left", "own"):
        w.comes_to(guest, "moved")
    assert w.disk("h2", "own.qcow2").exists()
    return "seven guests"


def written(w: World) -> str:
    """The disk of a guest that lives on changes while the other copy waits: that is never let run."""
    w.comes_to("writes", "failed")
    assert "its disk is being written to" in w.error("writes"), w.error("writes")
    w.daemon.wait_event("evacuation_disk_written", 10, server=w.uuids["writes"])
    w.gone("writes", "h2")
    return w.error("writes")


def killed(w: World) -> str:
    died = dies(w, set(PHASES[:6] + ACTS[:3]), "moved")
    w.lives_on("kills", "h2")
    assert w.lab.state("h2", "waits") == w.lab.state("h2", "back") == "paused"
    return f"{died} deaths"


def destination(w: World) -> str:
    """It dies while the guest runs there, and before the record says so; an administrator says that it is down. The evacuation can be asked for again."""
    w.lab("kill", "h3")
    w.is_down("h3")
    assert w.phase("third") == "spawn"
    w.clients.must("openstack compute service set --down h3 nova-compute")
    w.rows.release(w.uuids["third"])
    w.comes_to("third", "failed")
    said = w.error("third")
    assert "the destination h3 has died as well" in said, said
    w.evacuate("third")
    w.comes_to("third", "moved")
    w.clients.must("openstack compute service set --up h3 nova-compute")
    w.lab("boot", "h3")
    w.gone("third", "h3")
    w.lives_on("third", "h2")
    return said


def cable(w: World) -> str:
    """The cable of h4 is in again. What waits elsewhere never ran; the guest runs on, as if nothing had been."""
    w.lab("mend", "h4")
    w.comes_to("back", "failed")
    assert "the host is back" in w.error("back"), w.error("back")
    w.gone("back", "h2")
    for guest in ("back", "writes"):
        w.lives_on(guest, "h4")
        assert w.lab.beat(guest)["reboots"] == 0
    w.rows.release(w.uuids["back"], "resumed")
    return w.error("back")


def left_alone(w: World) -> str:
    """Of the guest that runs elsewhere by now h4 has a copy that runs on: an alarm, also of the next controller, and nothing else."""
    w.daemon.wait_event("migration_alarm", 60, what="cut-off", server=w.uuids["left"])
    seen = w.restarted()
    w.daemon.wait_event("migration_alarm", 60, since=seen, what="cut-off", server=w.uuids["left"])
    assert w.lab.running_on("left") == ["h2", "h4"] and w.phase("left") == "clean"
    status, text = w.clients.run("openstack compute service set --up h4 nova-compute")
    assert status == 1 and "Failed to set service state to up" in text, text  # the client keeps the reason for itself
    got = w.api.call("PUT", "/v2.1/os-services/force-down", {"host": "h4", "binary": "nova-compute", "forced_down": False}, mv="2.11")
    assert got.status == 400 and "`done` evacuation migration records remain associated with the host" in got.fault, got.fault
    return "two copies, as an administrator was wrong"


def fenced_again(w: World) -> str:
    """By the other choice it is switched off; when it is switched on it forgets the guest, before it counts as up."""
    path = w.daemon.dir / "drover.conf"
    path.write_text(path.read_text().replace("returning = alarm", "returning = fence"))
    seen = w.restarted()
    w.daemon.wait_event("host_fenced", 120, since=seen, host="h4")
    assert w.lab.running_on("left") == ["h2"]
    w.comes_to("left", "moved")
    w.clients.drover("host", "unfence", "h4", "--no-wait")
    w.comes_to("left", "completed")
    assert [w.lab.state("h4", guest) for guest in ("left", "back", "writes")] == ["", "shut off", "shut off"]
    w.clients.must("openstack compute service set --up h4 nova-compute")
    assert w.lab.running_on("left") == ["h2"]
    return w.api.host_of(w.uuids["left"])


def switched_on(w: World) -> str:
    """h1 is switched on by hand while a guest of it waits at h2, and droverd dies upon what is left of the other one's way."""
    assert w.lab.state("h2", "waits") == "paused"
    w.clients.drover("host", "unfence", "h1", "--no-wait")
    died = dies(w, set(PHASES[6:] + ACTS[3:]), "completed")
    assert w.lab.state("h2", "waits") == "paused" and w.phase("waits") == "spawn"
    w.rows.release(w.uuids["waits"], "resumed")
    w.comes_to("waits", "completed")
    for guest in ("kills", "third", "waits", "own"):
        w.gone(guest, "h1")
        w.lives_on(guest, "h2")
    wait_for(lambda: not w.disk("h1", "own.qcow2").exists(), 60, "its old disk is removed")
    assert w.disk("h1", f"_base/{SIZE}").exists()
    return f"{died} deaths"


CASES = [
    ("a host is fenced, another one is cut off and forced down", begins),
    ("a guest that lives on, and writes, is not run twice", written),
    ("droverd dies upon each stage and act", killed),
    ("the destination dies for good", destination),
    ("the cable of the host is in again while the guest waits elsewhere", cable),
    ("a host that was only cut off is left alone, with an alarm", left_alone),
    ("or is fenced again, and forgets the guest when it boots", fenced_again),
    ("the host is switched on by hand while the guest waits elsewhere", switched_on),
]


def main() -> int:
    t = Tap()
    with Lab(4, "e2e-evac-kills") as lab, Bmc(lab, "h1", PORT) as b1, Bmc(lab, "h4", PORT + 1) as b4:
        options = {f"host {b.host}": {"fence_agent": "fence_ipmilan", "fence_options": b.options()} for b in (b1, b4)}
        options["fencing"] = {"fence_timeout": 20}
        options["ha"] = {"returning": "alarm"}
        uuids = lab.guests({name: (host, "--mem", "128", "--disk", disk) for name, (host, disk) in GUESTS.items()})
        with Daemon(lab_hosts(lab), lab, options, "evacuate-kills") as daemon:
            daemon.wait_hosts_up(4, 60)
            w = World(lab, daemon, uuids)
            wait_for(lambda: len(w.api.servers()) == len(uuids), 30, "the servers are known")
            wait_for(lambda: w.rows.sql("SELECT count(*) FROM server_definitions") == [(len(uuids),)], 60, "their definitions are kept")
            wait_for(lambda: w.rows.sql("SELECT count(*) FROM storage_markers WHERE changed_ns > 0") == [(4,)], 60, "the folders have their markers")
            for name, run in CASES:
                with t.test(name) as notes:
                    notes.append(run(w))
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
