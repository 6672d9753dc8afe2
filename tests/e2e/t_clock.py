#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""F8: the wall clock of the controller's machine is set forward and back, and at once a migration is asked for. On simulated hosts."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import Daemon
from tap import Tap
from wait import wait_for

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
LIBC = "libc.so.6"  # its heap: jemalloc asks for the time before faketime knows one
HOSTS = {"s1": "sim://s1?servers=1&server_memory=256&memory=65536", "s2": "sim://s2?memory=65536"}
# no poll comes between the step and the request, and each step is longer than service_down_time
OPTIONS = {"DEFAULT": {"report_interval": 300, "service_down_time": 600}}
STEPS = [("an hour forward", 3600), ("two hours back", -3600), ("a day forward", 86400), ("right again", 0)]


def states(api: Api) -> list[str]:
    return [service["state"] for service in api.get("/v2.1/os-services?binary=nova-compute")["services"]]


def day_and_hour(api: Api) -> str:
    """As the daemon itself says: of its conductor, which is always up to date."""
    return api.get("/v2.1/os-services?binary=nova-conductor")["services"][0]["updated_at"][:13]


def moves(daemon: Daemon, uuid: str) -> str:
    api = daemon.api()  # the tokens of before may have expired, by right
    dest = "s2" if api.host_of(uuid) == "s1" else "s1"
    reply = api.live_migrate(uuid, dest)
    assert reply.status == 202, reply.fault
    wait_for(lambda: api.migrations(uuid)[0]["status"] in ("completed", "error", "failed"), 20, "the migration has ended")
    assert (api.migrations(uuid)[0]["status"], api.host_of(uuid)) == ("completed", dest), api.migrations(uuid)[0]
    assert states(api) == ["up", "up"], states(api)
    return day_and_hour(api)


def main() -> int:
    t = Tap()
    with Daemon(HOSTS, options=OPTIONS, tag="clock") as daemon:
        offset = daemon.dir / "faketime"
        offset.write_text("+0\n")
        daemon.env = {"LD_PRELOAD": f"{FAKETIME} {LIBC}", "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
        daemon.restart()
        daemon.wait_hosts_up(2)
        uuid = daemon.api().servers()[0]["id"]
        for name, seconds in STEPS:
            with t.test(f"the clock is set {name}: the hosts are up, and a migration goes at once") as notes:
                before = day_and_hour(daemon.api())
                offset.write_text(f"{seconds:+d}\n")
                after = moves(daemon, uuid)
                assert before != after, f"the daemon's clock says {after} as before"
                notes.append(f"from {before} to {after}")
        daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
