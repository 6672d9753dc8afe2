#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
F3, F6 and F7 on real hosts: what a migration does to definitions and to autostart.

A guest whose definition lies where it comes back to keeps it. A standby definition is there again when libvirt refuses, and
another domain of the guest's UUID, or one that is defined otherwise, is not touched. Autostart goes along. All of it also when
droverd is killed in the middle.
"""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Tap
from wait import HANG_S, wait_for

GUEST = "vm1"
BUSY = "60:48"  # more than is sent
OPTIONS = {"libvirt": {"live_migration_bandwidth": 16}}


class Case:
    def __init__(self, lab: Lab, daemon: Daemon, uuid: str) -> None:
        self.lab, self.daemon, self.uuid = lab, daemon, uuid
        daemon.wait_hosts_up(2)
        self.api = daemon.api()
        self.source = wait_for(lambda: (lab.running_on(GUEST) or [""])[0], 20, "the guest runs")
        self.dest = "h1" if self.source == "h2" else "h2"
        wait_for(lambda: self.api.host_of(uuid) == self.source, 20, "the record says where it runs")

    # ---- libvirt alone ----

    def definition(self, host: str, name: str = GUEST) -> str:
        return self.lab.virsh(host, "dumpxml", "--inactive", "--security-info", name)

    def define(self, host: str, xml: str) -> None:
        self.lab("exec", host, "sh", "-c", f"cat > /run/definition.xml <<'END'\n{xml}\nEND")
        self.lab("exec", host, "virsh", "-q", "define", "/run/definition.xml")

    def persistent(self, host: str) -> bool:
        return "yes" in re.search(r"Persistent:\s+(\S+)", self.lab.virsh(host, "dominfo", GUEST))[1]

    def autostart(self, host: str) -> bool:
        return re.search(r"Autostart:\s+(\S+)", self.lab.virsh(host, "dominfo", GUEST))[1] == "enable"

    def by_hand(self) -> None:
        """As virsh does it by default: the guest runs transient at the destination, its definition stays."""
        address = re.search(r"//([^/:]+)", self.lab.uri(self.dest))[1]
        self.lab.virsh(self.source, "migrate", "--live", "--p2p", GUEST, self.lab.uri(self.dest), f"tcp://{address}")
        self.source, self.dest = self.dest, self.source
        wait_for(lambda: self.api.host_of(self.uuid) == self.source, 20, "the record follows")

    def domain(self, host: str) -> bool:
        return GUEST in self.lab.virsh(host, "list", "--all", "--name").split()

    # ---- Drover ----

    def ask(self) -> None:
        self.seen = len(self.daemon.events)
        reply = self.api.live_migrate(self.uuid, self.dest)
        assert reply.status == 202, reply

    def ended(self, status: str) -> dict:
        def over() -> dict | None:
            newest = self.api.migrations(self.uuid)[0]
            return newest if newest["status"] in ("completed", "failed", "error", "cancelled") else None
        newest = wait_for(over, 90, "the migration ends", 0.2)
        assert newest["status"] == status, (newest, self.error())
        host = self.dest if status == "completed" else self.source
        assert self.lab.running_on(GUEST) == [host]
        return newest

    def move(self) -> None:
        self.ask()
        self.ended("completed")
        self.source, self.dest = self.dest, self.source

    def error(self) -> str:
        newest = self.api.migrations(self.uuid)[0]
        return self.api.get(f"/drover/v1/migrations/{newest['id']}", None)["migration"]["error"] or ""

    def kill_upon(self, event: str, **want: object) -> None:
        """The daemon is dead before it does the next thing that this line is not about."""
        def watch(e: dict) -> None:
            if e["event"] == event and all(e.get(key) == value for key, value in want.items()):
                self.daemon.watchers.remove(watch)
                self.daemon.proc.kill()
        self.daemon.watchers.append(watch)
        self.ask()
        self.daemon.proc.wait(HANG_S)
        self.daemon.kill()
        self.seen = len(self.daemon.events)
        self.daemon.start()
        self.daemon.wait_hosts_up(2)
        self.api = self.daemon.api()

    def incoming_dies(self) -> None:
        """The waiting half at the destination, while memory is being copied to it."""
        def copies() -> bool:
            found = self.api.running_migration(self.uuid)
            return bool(found and found["memory_processed_bytes"])
        wait_for(copies, 60, "bytes move")
        self.lab("exec", self.dest, "pkill", "-9", "-f", f"qemu-system.*guest={GUEST},")

    def undo_standby(self) -> None:
        self.lab.virsh(self.dest, "undefine", GUEST)


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-definitions") as lab:
        uuid = lab.guest("h1", GUEST, "--mem", "128")

        with t.test("F3: it comes back to where its definition lies, and keeps it") as notes, Daemon(lab_hosts(lab), lab, {}, "definitions") as daemon:
            case = Case(lab, daemon, uuid)
            before = case.definition("h1")
            case.by_hand()
            assert not case.persistent("h2") and lab.state("h1", GUEST) == "shut off"
            case.move()
            assert case.persistent("h1") and case.definition("h1") == before, (before, case.definition("h1"))
            assert not case.domain("h2")
            lab.virsh("h1", "destroy", GUEST)
            assert lab.state("h1", GUEST) == "shut off"
            notes.append("it was shut down, and is there")
            lab.virsh("h1", "start", GUEST)
            lab("heartbeat", "wait", GUEST, str(HANG_S))
            daemon.stop()

        with t.test("F3: the same with a kill when the definition is gone") as notes, Daemon(lab_hosts(lab), lab, {}, "definitions") as daemon:
            case = Case(lab, daemon, uuid)
            before = case.definition("h1")
            lab.virsh("h1", "autostart", GUEST)
            case.by_hand()
            case.kill_upon("old_definition_removed")
            notes.append("definition at h1 upon the kill: " + (lab.state("h1", GUEST) or "none"))
            case.ended("completed")
            assert case.persistent("h1") and case.definition("h1") == before and case.autostart("h1")
            lab.virsh("h1", "autostart", "--disable", GUEST)
            daemon.stop()

        with t.test("F6: autostart goes along, there and back") as notes, Daemon(lab_hosts(lab), lab, {}, "definitions") as daemon:
            case = Case(lab, daemon, uuid)
            lab.virsh("h1", "autostart", GUEST)
            case.move()
            assert case.autostart("h2") and not case.domain("h1")
            assert lab("exec", "h1", "ls", "/etc/libvirt/qemu/autostart", check=False) == ""
            case.move()
            assert case.autostart("h1") and not case.domain("h2")
            daemon.stop()

        slow = {"libvirt": {"live_migration_bandwidth": 1}}
        with t.test("F6: while it is copied its source would not start it, after a kill and an abort it does") as notes, \
                Daemon(lab_hosts(lab), lab, slow, "definitions") as daemon:
            case = Case(lab, daemon, uuid)
            case.ask()
            wait_for(lambda: (case.api.running_migration(uuid) or {}).get("memory_processed_bytes"), 60, "bytes move")
            assert not case.autostart("h1")
            daemon.kill()
            daemon.start()
            daemon.wait_hosts_up(2)
            case.api = daemon.api()
            got = case.api.call("DELETE", f"/v2.1/servers/{uuid}/migrations/{case.api.running_migration(uuid)['id']}", mv="2.96")
            assert got.status == 202, got.fault
            case.ended("cancelled")
            wait_for(lambda: case.autostart("h1"), 30, "its source starts it again")
            daemon.stop()

        with t.test("F6: the same with a kill when the guest has arrived") as notes, Daemon(lab_hosts(lab), lab, {}, "definitions") as daemon:
            case = Case(lab, daemon, uuid)
            case.kill_upon("migration_phase", to="finish")
            case.ended("completed")
            wait_for(lambda: case.autostart("h2"), 20, "autostart is set")
            case.source, case.dest = "h2", "h1"
            case.move()
            lab.virsh("h1", "autostart", "--disable", GUEST)
            daemon.stop()

        with t.test("F7: another domain of its UUID is refused and not touched") as notes, Daemon(lab_hosts(lab), lab, {}, "definitions") as daemon:
            case = Case(lab, daemon, uuid)
            case.define("h2", case.definition("h1").replace(f"<name>{GUEST}</name>", "<name>copied</name>"))
            theirs = case.definition("h2", "copied")
            case.ask()
            wait_for(lambda: case.error(), 60, "it is refused")
            notes.append(case.error())
            assert "h2 has another domain of the guest's UUID" in case.error() and "copied" in case.error()
            assert case.definition("h2", "copied") == theirs and lab.running_on(GUEST) == ["h1"]
            lab.virsh("h2", "undefine", "copied")
            daemon.stop()

        with t.test("F7: defined otherwise is refused with what differs") as notes, Daemon(lab_hosts(lab), lab, {}, "definitions") as daemon:
            case = Case(lab, daemon, uuid)
            case.define("h2", re.sub(r"(<(?:currentM|m)emory unit='KiB'>)\d+", r"\g<1>65536", case.definition("h1")))
            theirs = case.definition("h2")
            case.ask()
            wait_for(lambda: case.error(), 60, "it is refused")
            notes.append(case.error())
            assert "h2 defines the guest otherwise: its <memory> is \"65536\"" in case.error()
            assert case.definition("h2") == theirs
            case.undo_standby()
            daemon.stop()

        with t.test("F7: a standby definition gives way to the guest's") as notes, Daemon(lab_hosts(lab), lab, {}, "definitions") as daemon:
            case = Case(lab, daemon, uuid)
            case.define("h2", case.definition("h1"))
            lab.virsh("h2", "autostart", GUEST)
            case.move()
            assert daemon.find_event("old_definition_removed", host="h2")
            assert case.persistent("h2") and case.autostart("h2") and not case.domain("h1")
            lab.virsh("h2", "autostart", "--disable", GUEST)
            case.move()
            daemon.stop()

        for kill in (False, True):
            what = "F7: libvirt refuses, and the standby definition is put back" + (", with a kill when it is gone" if kill else "")
            with t.test(what) as notes, Daemon(lab_hosts(lab), lab, OPTIONS, "definitions") as daemon:
                case = Case(lab, daemon, uuid)
                case.define("h2", case.definition("h1"))
                lab.virsh("h2", "autostart", GUEST)
                before = case.definition("h2")
                lab("dirty", GUEST, BUSY)
                if kill:
                    case.kill_upon("old_definition_removed")
                else:
                    case.ask()
                case.incoming_dies()
                case.ended("failed")
                lab("dirty", GUEST, "0")
                notes.append(case.error().splitlines()[0])
                daemon.wait_event("definition_restored", 90, since=case.seen, host="h2")
                assert case.definition("h2") == before and case.autostart("h2") and not case.autostart("h1")
                case.undo_standby()
                daemon.stop()

        with t.test("F6: a managed save image is refused") as notes, Daemon(lab_hosts(lab), lab, {}, "definitions") as daemon:
            case = Case(lab, daemon, uuid)
            xml = case.definition("h1")
            lab.virsh("h1", "managedsave", GUEST)
            case.define("h2", xml)
            lab.virsh("h2", "start", GUEST)
            lab("heartbeat", "wait", GUEST, str(HANG_S))
            case = Case(lab, daemon, uuid)
            case.ask()
            wait_for(lambda: case.error(), 60, "it is refused")
            notes.append(case.error())
            assert "h1 keeps a managed save image" in case.error()
            assert lab.running_on(GUEST) == ["h2"] and "yes" in lab.virsh("h1", "dominfo", GUEST).split("Managed save:")[1]
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
