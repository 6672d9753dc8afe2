# SPDX-License-Identifier: Apache-2.0
"""A guest of a lab under a daemon that moves it: what is waited for while it goes, what must be true afterwards."""
from __future__ import annotations

import re
import subprocess
import threading
from contextlib import contextmanager
from typing import Callable, Iterator

from daemon import Daemon
from lab import ROOT, Lab
from stock import Clients
from wait import HANG_S, wait_for

BUSY, IDLE = "60:96", "0"  # MB a second, in a set of so many MB: more than BANDWIDTH sends
BANDWIDTH = 16             # MiB a second
FINAL = ("completed", "error", "failed", "cancelled")
GUEST_BYTES = 256 << 10    # of its disk, from the beginning, is what the agent writes to
SPARSE_SUM = ROOT / "tests" / "lib" / "sparse_sum"


class Guest:
    def __init__(self, lab: Lab, daemon: Daemon, uuid: str, name: str = "vm1") -> None:
        self.lab, self.daemon, self.uuid, self.name = lab, daemon, uuid, name
        daemon.wait_hosts_up(len(lab.hosts))
        self.api, self.clients = daemon.api(), Clients(daemon.openrc)
        self.source = self.api.host_of(uuid)
        self.dest = next(host for host in lab.hosts if host != self.source)
        self.seen = len(daemon.events)

    # ---- while it goes ----

    def ask(self, line: str = "", block: bool | str = "auto") -> None:
        """A migration is asked for. @line: by this command line of a stock client; then @block has no meaning."""
        self.lab.beat_reset(self.name)
        self.seen = len(self.daemon.events)
        if line:
            self.clients.must(line)
            return
        body = {"os-migrateLive": {"host": self.dest, "block_migration": block}}
        got = self.api.call("POST", f"/v2.1/servers/{self.uuid}/action", body, mv="2.96")
        assert got.status == 202, got.fault

    def copying(self, what: str = "memory", above: int = 0, seconds: float = 60) -> dict:
        """Return: the migration as Nova's API shows it, once more than so many bytes of "memory" or "disk" moved."""
        def moved() -> dict | None:
            found = self.api.running_migration(self.uuid)
            return found if found and (found[f"{what}_processed_bytes"] or 0) > above else None
        return wait_for(moved, seconds, f"bytes of the {what} move")

    def busy(self, load: str = BUSY) -> int:
        """It dirties more than is sent, and its memory is being copied. Return: the migration."""
        self.lab("dirty", self.name, load)
        self.ask()
        return self.copying()["id"]

    @contextmanager
    def stops(self, host: str) -> Iterator[Callable[[], list[str]]]:
        """Yields what tells, at any time, how often libvirt has stopped the guest at a host since, and why: ["Paused"]."""
        command = ["ip", "netns", "exec", self.lab.netns, "stdbuf", "-oL", "virsh", "-q", "-c", self.lab.uri(host), "event", self.name,
                   "lifecycle", "--loop"]
        lines: list[str] = []

        def stopped() -> list[str]:
            return re.findall(r"Suspended (\S+)", "".join(lines))

        def heard() -> bool:
            """virsh does not say when it listens, so the guest is stopped until it has told of one."""
            self.lab.virsh(host, "suspend", self.name)
            self.lab.virsh(host, "resume", self.name)
            return bool(stopped())
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proc:
            reader = threading.Thread(target=lambda: lines.extend(proc.stdout), daemon=True)
            reader.start()
            try:
                wait_for(heard, 20, "virsh tells of a stop", 0.5)
                wait_for(lambda: "".join(lines).rstrip().endswith("Resumed Unpaused"), 20, "and of the end of the last")
                wait_for(lambda: self.api.server(self.uuid)["status"] == "ACTIVE", 20, "it is ACTIVE again")
                before = len(stopped())
                yield lambda: stopped()[before:]
            finally:
                proc.terminate()
                reader.join()

    # ---- afterwards ----

    def newest(self) -> dict:
        return self.api.migrations(self.uuid)[0]

    def record(self) -> dict:
        """With its events."""
        return self.api.get(f"/drover/v1/migrations/{self.newest()['id']}", None)["migration"]

    def why(self) -> list[str]:
        """Of each event of its record."""
        return [event["why"] or "" for event in self.record()["events"]]

    def action(self) -> dict:
        """The instance action of the newest migration, with its events."""
        actions = self.api.get(f"/v2.1/servers/{self.uuid}/os-instance-actions")["instanceActions"]
        newest = next(action for action in actions if action["action"] == "live-migration")
        return self.api.get(f"/v2.1/servers/{self.uuid}/os-instance-actions/{newest['request_id']}")["instanceAction"]

    def ends(self, status: str, seconds: float = 120, cut: bool = False) -> dict:
        """
        The migration ends so, and everything says the same: records, log, hosts, the guest itself.
        @cut: a cable was out, so that its datagrams could not come

        Return: what was received from the guest since it was asked for.
        """
        wait_for(lambda: self.api.server(self.uuid)["OS-EXT-STS:task_state"] is None, seconds, "the migration ends", 0.1)
        host, other = (self.dest, self.source) if status == "completed" else (self.source, self.dest)
        self._records(status, host)
        wait_for(lambda: self.lab.running_on(self.name) == [host], 20, f"it runs at {host} alone")
        wait_for(lambda: self.lab.virsh(other, "domstate", self.name, check=False) == "", 20, f"{other} has no domain of it")
        return self.whole(cut)

    def _records(self, status: str, host: str) -> None:
        record, action, server = self.record(), self.action(), self.api.server(self.uuid)
        assert self.newest()["status"] == record["status"] == status and record["final"], record
        assert record["events"][-1]["to"] == record["phase"], record
        assert bool(record["error"]) == (status != "completed"), record
        assert (server["status"], server["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", host), server
        assert action["message"] == (None if status == "completed" else "Error"), action
        assert all(event["result"] for event in action["events"]), action
        self.daemon.wait_event("migration_phase", 5, since=self.seen, to=record["phase"], migration=record["id"])

    def whole(self, cut: bool = False) -> dict:
        """It lives, once, and nothing of its memory and disk was lost."""
        self.lab("dirty", self.name, IDLE)
        beat = self.lab.beat(self.name)
        assert (cut or beat["lost"] == 0) and not beat["two_copies"] and beat["reboots"] == 0 and beat["disk_errors"] == 0, beat
        return beat

    # ---- its disk, from outside ----

    def disk(self, host: str) -> str:
        """Where a disk of its own, on local storage, is on this machine."""
        return str(self.lab.dir / host / "instances" / f"{self.name}.qcow2")

    def disk_sum(self, host: str) -> str:
        """Of all that it sees on its disk but for what it writes to."""
        image = f"/var/lib/libvirt/drover/instances/{self.name}.qcow2"
        return self.lab("exec", host, "sh", "-ec", f"trap 'rm -f /run/disk' EXIT; qemu-img convert -U -O raw {image} /run/disk;"
                        f" {SPARSE_SUM} /run/disk {GUEST_BYTES}")


class Console:
    """The shell on a guest's serial console."""

    # QEMU hears what is typed, and says what the guest prints, while the terminal is open
    SCRIPT = 'exec 3<>"$1"; printf "%s\\r" "$2" >&3; timeout --foreground "$4" sed -n "/^begin-$3/,/^end-$3/p;/^end-$3/q" <&3'

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name, self.count = lab, name, 0

    def run(self, host: str, command: str) -> str:
        """What it prints. The marks around it are typed with quotes, so that their echoes are none."""
        self.count += 1
        log = self.lab.dir / host / "log" / "qemu" / f"{self.name}.console"
        wait_for(lambda: self._listens(log.read_text(errors="replace")), 60, f"the shell of {self.name} is there")
        typed = f"echo be''gin-{self.count}; {command}; echo e''nd-{self.count}"
        tty = self.lab.virsh(host, "ttyconsole", self.name).strip()
        lines = self.lab("exec", host, "sh", "-ec", self.SCRIPT, "-", tty, typed, str(self.count), str(HANG_S)).splitlines()
        assert lines[-1].startswith("end-"), lines
        return "\n".join(lines[1:-1])

    @staticmethod
    def _listens(log: str) -> bool:
        """With each boot the agent and the shell say that they are there, in either order."""
        return 0 < log.count("lab-guest-up ") <= log.count("BusyBox v")


def deafen(lab: Lab, host: str, name: str) -> None:
    """Its firmware has no ACPI any more: it hears no power button. Returns when it beats again."""
    xml = lab.virsh(host, "dumpxml", "--inactive", "--security-info", name)
    lab.virsh(host, "destroy", name)
    file = lab.dir / "no-acpi.xml"
    file.write_text(xml.replace("<acpi/>", ""))
    lab.virsh(host, "define", str(file))
    lab.virsh(host, "start", name)
    lab.beat_reset(name)
    lab.beat(name)
