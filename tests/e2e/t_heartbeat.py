#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A guest under load moves ten times, back and forth, and keeps its heartbeat: each 10 ms a numbered datagram."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import Daemon, lab_hosts
from lab import Lab
from tap import Tap
from wait import wait_for

TIMES = 10
LOAD = "20:48"  # MB a second, in a set of so many MB


def move(lab: Lab, api: Api, uuid: str, to: str) -> tuple[float, int]:
    """Return: the longest gap between two heartbeats, and libvirt's downtime, ms."""
    lab.beat_reset("vm1")
    got = api.live_migrate(uuid, to)
    assert got.status == 202, got.fault
    wait_for(lambda: api.server(uuid)["OS-EXT-STS:task_state"] is None, 60, "the migration ends")
    newest = api.migrations(uuid)[0]
    assert newest["status"] == "completed", newest
    assert api.host_of(uuid) == to
    assert lab.running_on("vm1") == [to]
    beat = lab.beat("vm1")
    assert beat["lost"] == 0 and not beat["two_copies"] and beat["disk_errors"] == 0, beat
    record = api.get(f"/drover/v1/migrations/{newest['id']}", None)["migration"]
    return beat["longest_gap_ms"], record["progress"]["downtime_ms"]


def main() -> int:
    t = Tap()
    gaps, downtimes = [], []
    with Lab(2, "e2e-beat") as lab:
        uuid = lab.guest("h1", "vm1", "--mem", "192", "--dirty", LOAD, "--interval", "10")
        with Daemon(lab_hosts(lab), lab, tag="heartbeat") as daemon:
            daemon.wait_hosts_up(2)
            api = daemon.api()
            for number in range(1, TIMES + 1):
                to = "h2" if number % 2 else "h1"
                with t.test(f"migration {number}, to {to}: no tick is lost") as notes:
                    gap, downtime = move(lab, api, uuid, to)
                    gaps.append(gap)
                    downtimes.append(downtime)
                    notes.append(f"gap {gap:.0f} ms, libvirt's downtime {downtime} ms")
            t.ok(len(gaps) == TIMES, f"{TIMES} migrations, longest gap {max(gaps, default=0):.0f} ms,"
                 f" longest downtime {max(downtimes, default=0)} ms")
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
