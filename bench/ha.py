# SPDX-License-Identifier: Apache-2.0
"""A host dies, for real: until it is known to be down, is fenced by fence_ipmilan, and its guest is at its boot elsewhere, without a person. What of that is
not a limit that somebody chose, nor the fence agent's, is Drover's own: the last poll before, the second look, the definition and the start."""
from __future__ import annotations

from datetime import datetime
from typing import Iterator

from bmc import PORT, Bmc
from daemon import Daemon, lab_hosts
from lab import Lab
from wait import wait_for

DOWN_S, DELAY_S = 5, 5


def at(event: dict) -> float:
    return datetime.fromisoformat(event["time"]).timestamp()


def die(lab: Lab, daemon: Daemon, uuid: str) -> Iterator[tuple[str, float]]:
    seen, died = len(daemon.events), datetime.utcnow().timestamp()
    lab("cut", "h1")  # a host of the lab that is killed still refuses connections, as only one that lives does
    lab("kill", "h1")
    boot = daemon.wait_event("migration_act", 120, since=seen, server=uuid, act="dom_resume")
    asked, fenced = (daemon.find_event(name, seen, host="h1") for name in ("host_fence", "host_fenced"))
    yield "ha_boot", at(boot) - died
    yield "ha_fencing", at(fenced) - at(asked)
    yield "ha_own", at(boot) - died - DOWN_S - DELAY_S - (at(fenced) - at(asked))


def run(quick: bool) -> Iterator[tuple[str, float]]:
    with Lab(2, "bench-ha") as lab, Bmc(lab, "h1", PORT) as bmc:
        uuid = lab.guest("h1", "vm1")
        options = {"DEFAULT": {"service_down_time": DOWN_S}, "host h1": {"fence_agent": "fence_ipmilan", "fence_options": bmc.options()},
                   "ha": {"enabled": "true", "delay": DELAY_S}}
        with Daemon(lab_hosts(lab), lab, options, "bench-ha") as daemon:
            daemon.wait_hosts_up(2, 60)
            wait_for(lambda: daemon.folders_proved() and daemon.query("SELECT server_uuid FROM server_definitions"), 60, "what is needed after its death is known")
            yield from die(lab, daemon, uuid)
            daemon.stop()
