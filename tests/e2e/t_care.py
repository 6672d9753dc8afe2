#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""drover-manage audit and db rebuild against real hosts: what was moved, stopped, defined or lost behind the controller's back."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import BUILD, Daemon, lab_hosts
from lab import Lab
from tap import Tap
from wait import wait_for

KNOWN = "SELECT uuid, host, power_state FROM servers WHERE deleted_at IS NULL ORDER BY name"
DOMAIN = "<domain type='qemu'><name>extra</name><memory unit='MiB'>32</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>"


def manage(lab: Lab, daemon: Daemon, *words: str) -> subprocess.CompletedProcess:
    command = ["ip", "netns", "exec", lab.netns, BUILD / "src" / "drover-manage", "--config", daemon.dir / "drover.conf", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def findings(lab: Lab, daemon: Daemon) -> list[str]:
    got = manage(lab, daemon, "audit")
    assert got.returncode in (0, 1), got
    lines = got.stdout.splitlines()
    assert (got.returncode == 1) == (len(lines) > 1), got
    return lines[:-1]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-care") as lab:
        web = lab.guest("h1", "web")
        with Daemon(lab_hosts(lab), lab, tag="care") as daemon:
            daemon.wait_hosts_up(2)
            wait_for(lambda: daemon.query(KNOWN), 20, "the guest is adopted")
            with t.test("audit: nothing, beside the daemon"):
                assert findings(lab, daemon) == []
            with t.test("audit: a guest that was suspended, and one that was defined, while no daemon ran"):
                daemon.stop()
                lab.virsh("h1", "suspend", "web")
                (daemon.dir / "extra.xml").write_text(DOMAIN)
                lab.virsh("h2", "define", str(daemon.dir / "extra.xml"))
                extra = lab.virsh("h2", "domuuid", "extra").strip()
                assert findings(lab, daemon) == [f"droverd   server web ({web}): its state has changed at h1",
                                                 f"droverd   guest extra ({extra}) at h2 has no record: it is adopted"]
                lab.virsh("h1", "resume", "web")
            with t.test("what it calls droverd's, droverd mends"):
                daemon.start()
                daemon.wait_hosts_up(2)
                wait_for(lambda: len(daemon.query(KNOWN)) == 2, 20, "the new one is adopted")
                wait_for(lambda: findings(lab, daemon) == [], 20, "nothing differs")
            with t.test("audit: a guest that no host has"):
                daemon.stop()
                was = daemon.query(KNOWN)
                conf = daemon.dir / "drover.conf"
                text = conf.read_text()
                lab.virsh("h2", "undefine", "extra")
                assert findings(lab, daemon) == [f"droverd   server extra ({extra}): no host has it: its record becomes that of a deleted one"]
                lab.virsh("h2", "define", str(daemon.dir / "extra.xml"))
            with t.test("db rebuild: the guests are back under their UUIDs, and run on"):
                for path in (daemon.dir / "state").glob("drover.sqlite*"):
                    path.unlink()
                extra = lab.virsh("h2", "domuuid", "extra").strip()
                got = manage(lab, daemon, "db", "rebuild")
                assert got.returncode == 0 and "h1: up, 1 servers\nh2: up, 1 servers\n" in got.stdout, got
                now = daemon.query(KNOWN)
                assert {uuid for uuid, _, _ in now} == {web, extra} and (web, "h1", 1) in now, (was, now)
                assert conf.read_text() == text and lab.state("h1", "web") == "running"
                daemon.start()
                daemon.wait_hosts_up(2)
                assert {s["id"] for s in daemon.api().servers()} == {web, extra}
                assert findings(lab, daemon) == []
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
