#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Markers on real hosts: a folder that both have (bindfs), and one of the same path that each has for itself. What the row of a marker says is what the other
host's file system says of the shared one, and not of a copy.
"""
from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Tap
from wait import wait_for

DROVER = "/var/lib/libvirt/drover"
SHARED, OWN = f"{DROVER}/shared", f"{DROVER}/instances"
BASE = f"{OWN}/_base"
PREFIX = "drover-storage-"


def changed(lab: Lab, host: str, path: str) -> int | None:
    """Its ctime in nanoseconds, as that host has it; None: there is no such file."""
    said = lab("exec", host, "stat", "-c", "%.9Z", path, check=False)
    return int(said.replace(".", "")) if re.fullmatch(r"\d+\.\d{9}", said) else None


def rows(daemon: Daemon) -> dict[tuple[str, str], tuple[str, int]]:
    """(host, folder) -> path, ctime."""
    return {(host, folder): (f"{folder}/{name}", when)
            for host, folder, name, when in daemon.query("SELECT host, folder, name, changed_ns FROM storage_markers")}


def whole(daemon: Daemon, want: set[tuple[str, str]]) -> dict:
    """Once the rows are those, each with its time."""
    def there() -> dict | None:
        now = rows(daemon)
        return now if set(now) == want and all(when for _, when in now.values()) else None
    return wait_for(there, 60, f"markers of {sorted(want)}")


def files(lab: Lab, host: str, folder: str) -> list[str]:
    return lab("exec", host, "find", folder, "-maxdepth", "1", "-name", f"{PREFIX}*").split()


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-markers") as lab:
        lab.guests({"both": ("h1",), "own": ("h1", "--disk", "overlay:64M")})
        with Daemon(lab_hosts(lab), lab, tag="markers") as daemon:
            daemon.wait_hosts_up(2)
            with t.test("each folder with disks, or what they are laid over, has a marker"):
                now = whole(daemon, {("h1", SHARED), ("h1", OWN), ("h1", BASE)})
                assert all(files(lab, "h1", folder) == [path] for (_, folder), (path, _) in now.items())
            with t.test("its row says what its host says of it"):
                assert all(changed(lab, "h1", path) == when for path, when in now.values()), now
            with t.test("the other host says the same of the shared folder"):
                path, when = now["h1", SHARED]
                assert changed(lab, "h2", path) == when
            with t.test("and has none in its own folder of the same path"):
                assert not files(lab, "h2", OWN) and not files(lab, "h2", SHARED)[1:]
            with t.test("a copy of the folder has the name, and another time"):
                path, when = now["h1", OWN]
                source, copy = lab.dir / "h1" / "instances" / Path(path).name, lab.dir / "h2" / "instances" / Path(path).name
                lab("exec", "h2", "cp", "--archive", str(source), str(copy))
                assert changed(lab, "h2", path) not in (None, when)
            with t.test("the chain of the overlay is kept"):
                kept = " ".join(disks for (disks,) in daemon.query("SELECT disks FROM server_definitions") if disks)
                assert f'"path":"{BASE}/64M","format":"raw"' in kept, kept
            with t.test("one that was removed is made again when the host is back"):
                path, when = now["h1", SHARED]
                lab("exec", "h1", "rm", path)
                daemon.kill()
                seen = len(daemon.events)
                daemon.start()
                daemon.wait_event("storage_marker_gone", 60, since=seen, path=path)
                again = wait_for(lambda: rows(daemon)["h1", SHARED][1] not in (0, when) and rows(daemon), 60, "the row follows")
                assert again["h1", SHARED] == (path, changed(lab, "h2", path))
            with t.test("a folder that nothing can be written to is told of once"):
                lab("exec", "h2", "mount", "-o", "remount,bind,ro", OWN)
                seen = len(daemon.events)
                lab.virsh("h2", "define", str(definition(lab)))
                told = daemon.wait_event("storage_marker_refused", 60, since=seen, host="h2")
                assert told["folder"] == OWN, told
            with t.test("markers go with the last guest of their folder"):
                lab.virsh("h1", "destroy", "own")
                lab.virsh("h1", "undefine", "own")
                wait_for(lambda: set(rows(daemon)) >= {("h1", SHARED)} and ("h1", OWN) not in rows(daemon) and ("h1", BASE) not in rows(daemon), 60,
                         "the rows go")
                assert not files(lab, "h1", OWN) and not files(lab, "h1", BASE) and files(lab, "h1", SHARED)
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


def definition(lab: Lab) -> Path:
    """A guest that is off, whose disk is in the private folder."""
    path = lab.dir / "off.xml"
    path.write_text(f"<domain type='qemu'><name>off</name><memory>65536</memory><os><type arch='x86_64'>hvm</type></os><devices>"
                    f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{OWN}/off.qcow2'/><target dev='vda' bus='virtio'/></disk>"
                    f"</devices></domain>")
    return path


if __name__ == "__main__":
    sys.exit(main())
