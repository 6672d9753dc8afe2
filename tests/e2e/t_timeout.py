#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A guest that dirties more than is copied: each way to bring its migration to an end, Nova's and Drover's own."""
import re
import sys
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from guest import BANDWIDTH, IDLE, Guest
from lab import Lab
from tap import Tap
from wait import wait_for

SECONDS_PER_GIB = 4   # of a guest that counts as 2 GiB, as each small one does
TIMEOUT_S = 2 * SECONDS_PER_GIB
DEADLINE_S = 2 * 15
QUICK = "60:48"       # iterations of two seconds, of which it takes some to see that they do not shrink
ADAPTIVE = {"live_migration_bandwidth": BANDWIDTH}
# without Drover's own ways to bring a migration to its end
NOVA = {**ADAPTIVE, "live_migration_policy": "nova"}
TIMED_OUT = f"live migration not completed after {TIMEOUT_S} sec"


def gap(g: Guest) -> str:
    return f"longest gap {g.ends('completed')['longest_gap_ms']:.0f} ms"


def times_out(g: Guest) -> str:
    """It is aborted, and the log says what Nova's says."""
    g.busy()
    event = g.daemon.wait_event("migration_timeout", TIMEOUT_S + 30, since=g.seen)
    assert TIMED_OUT in str(event), event
    beat = g.ends("cancelled")
    assert any(TIMED_OUT in why for why in g.why()), g.record()
    return f"longest gap {beat['longest_gap_ms']:.0f} ms"


def paused(g: Guest) -> str:
    """Until all is copied, and it runs again at the destination."""
    beat, record = g.ends("completed"), g.record()
    assert record["paused"] and not record["post_copy"], record
    return f"longest gap {beat['longest_gap_ms']:.0f} ms"


def by_hand(g: Guest) -> str:
    mig = g.busy()
    g.clients.must(f"nova live-migration-force-complete {g.uuid} {mig}")
    return paused(g)


def by_timeout(g: Guest) -> str:
    g.busy()
    g.daemon.wait_event("migration_timeout", TIMEOUT_S + 30, since=g.seen)
    note = paused(g)
    assert any(TIMED_OUT in why for why in g.why()), g.record()
    return note


def post_copy(g: Guest) -> str:
    """Where it is permitted, force-complete switches to it and does not pause."""
    mig = g.busy()
    g.clients.must(f"nova live-migration-force-complete {g.uuid} {mig}")
    return switched(g)


def switched(g: Guest) -> str:
    beat, record = g.ends("completed"), g.record()
    assert any("post-copy: the guest goes on at the destination" in why for why in g.why()), record
    assert record["post_copy"] and not record["paused"], record
    return f"longest gap {beat['longest_gap_ms']:.0f} ms"


def auto_converge(g: Guest) -> str:
    """QEMU slows the guest down."""
    g.busy()

    def throttle() -> int:
        match = re.search(r"Auto converge throttle:\s+(\d+)", g.lab.virsh(g.source, "domjobinfo", g.name, check=False))
        return int(match[1]) if match else 0
    percent = wait_for(throttle, 60, "the guest is slowed down", 0.2)
    g.lab("dirty", g.name, IDLE)
    return f"by {percent} %, {gap(g)}"


def adaptive_post_copy(g: Guest) -> str:
    """Without a request."""
    g.busy(QUICK)
    note = switched(g)
    assert any("faster than it can be sent; post-copy is permitted" in why for why in g.why()), g.record()
    return note


def in_time(g: Guest) -> float:
    """Before anything was done because of the deadline. Return: the seconds of the copy."""
    at = {}
    for event in g.record()["events"]:
        at.setdefault(event["to"], datetime.fromisoformat(event["at"]))
    assert not any("not completed" in why for why in g.why()), g.record()
    return (at["finish"] - at["copy"]).total_seconds()


def adaptive_pause(g: Guest) -> str:
    g.busy(QUICK)
    note = paused(g)
    assert any("the deadline is near" in why for why in g.why()), g.record()
    return f"{in_time(g):.1f} of {DEADLINE_S} s, {note}"


def adaptive_downtime(g: Guest) -> str:
    """Its last iteration may take that long, so nothing else is needed."""
    g.busy(QUICK)
    note, record = gap(g), g.record()
    assert not record["paused"], record
    assert any(re.search(r"iterations stay at \d+ MiB; \d+ ms would send that", why) for why in g.why()), record
    return f"{in_time(g):.1f} s, {note}"


TIMEOUT = {"live_migration_completion_timeout": SECONDS_PER_GIB}
DEADLINE = {"live_migration_completion_timeout": DEADLINE_S // 2}
FAR = {"live_migration_completion_timeout": 4 * DEADLINE_S}  # nothing is done because of it, however slow the machine
FORCE = {"live_migration_timeout_action": "force_complete"}
POST_COPY = {"live_migration_permit_post_copy": "true"}
CASES = [
    ("it times out and is aborted", times_out, {**NOVA, **TIMEOUT}),
    ("force-complete by hand pauses it", by_hand, NOVA),
    ("force-complete by the timeout pauses it", by_timeout, {**NOVA, **TIMEOUT, **FORCE}),
    ("force-complete with post-copy", post_copy, {**NOVA, **POST_COPY}),
    ("auto-convergence slows the guest", auto_converge, {**NOVA, "live_migration_permit_auto_converge": "true"}),
    ("adaptive: post-copy where it is permitted", adaptive_post_copy, {**ADAPTIVE, **POST_COPY}),
    ("adaptive: paused in time for the deadline", adaptive_pause, {**ADAPTIVE, **DEADLINE, **FORCE}),
    ("adaptive: a long pause is permitted", adaptive_downtime, {**ADAPTIVE, **FAR, "live_migration_downtime": 8000}),
]


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-time") as lab:
        uuid = lab.guest("h1", "vm1", "--mem", "192")
        for name, run, options in CASES:
            with t.test(name) as notes, Daemon(lab_hosts(lab), lab, {"libvirt": options}, "timeout") as daemon:
                notes.append(run(Guest(lab, daemon, uuid)))
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
