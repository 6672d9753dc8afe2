#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A link or a libvirtd breaks while a guest is copied: it runs on, the records say so while it is still broken, and nothing is left anywhere."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from guest import BANDWIDTH, IDLE, Guest
from lab import Lab
from tap import Tap
from wait import wait_for


def told(g: Guest, reason: str) -> dict:
    """That it failed, while what broke is still broken. Return: the record."""
    wait_for(lambda: g.record()["final"], 20, "the record says how it ended")
    record, server = g.record(), g.api.server(g.uuid)
    assert record["status"] == "failed" and reason in record["error"], record
    assert (server["status"], server["OS-EXT-STS:task_state"], server["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", None, g.source), server
    assert g.lab.state(g.source, g.name) == "running"
    return record


def goes(g: Guest) -> str:
    """What was broken is whole again, and nothing of the first attempt is in the way."""
    g.lab("dirty", g.name, IDLE)
    g.daemon.wait_hosts_up(2, 60)
    g.ask()
    return f"then it moves, longest gap {g.ends('completed')['longest_gap_ms']:.0f} ms"


def destination_cut(g: Guest) -> str:
    with g.stops(g.source) as stops:
        g.busy()
        g.lab("cut", g.dest)
        try:
            error = told(g, f"The link to {g.dest} is down")["error"]
            g.whole()
            assert not stops(), stops()
        finally:
            g.lab("mend", g.dest)
    g.ends("failed")
    return f"\"{error}\", {goes(g)}"


def destination_libvirtd(g: Guest) -> str:
    with g.stops(g.source) as stops:
        g.busy()
        g.lab("kill-libvirtd", g.dest)
        try:
            error = told(g, "")["error"]
            g.whole()
            assert not stops(), stops()
        finally:
            g.lab("start-libvirtd", g.dest)
    g.ends("failed")
    return f"\"{error}\", {goes(g)}"


def source_libvirtd(g: Guest) -> str:
    """A new one undoes what the old one did; that was not requested, so it is done again."""
    g.busy()
    g.lab("kill-libvirtd", g.source)
    g.lab("start-libvirtd", g.source)
    g.lab("dirty", g.name, IDLE)
    beat = g.ends("completed")
    return f"{g.record()['attempt']} more attempts, longest gap {beat['longest_gap_ms']:.0f} ms"


CASES = [
    ("the destination's cable is out", destination_cut),
    ("the destination's libvirtd is killed", destination_libvirtd),
    ("the source's libvirtd is killed and started", source_libvirtd),
]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-break") as lab:
        uuid = lab.guest("h1", "vm1", "--mem", "192")
        with Daemon(lab_hosts(lab), lab, {"libvirt": {"live_migration_bandwidth": BANDWIDTH}}, "broken") as daemon:
            for name, run in CASES:
                with t.test(f"while it copies, {name}") as notes:
                    notes.append(run(Guest(lab, daemon, uuid)))
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
