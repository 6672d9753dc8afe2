# SPDX-License-Identifier: Apache-2.0
"""The fleet that the benchmarks on the simulator have: ten hosts, a thousand servers."""
from __future__ import annotations

from daemon import Daemon
from wait import wait_for

HOSTS, SERVERS = 10, 100  # on each


def fleet(servers: int = SERVERS) -> dict[str, str]:
    return {f"s{i}": f"sim://s{i}?vcpus=128&memory=1048576&disk=20000&servers={servers}" for i in range(1, HOSTS + 1)}


def wait_adopted(daemon: Daemon, servers: int = HOSTS * SERVERS) -> None:
    api = daemon.api()
    wait_for(lambda: len(api.get(f"/v2.1/servers?all_tenants=1&limit={servers}")["servers"]) == servers, 60, f"{servers} servers are adopted")
