# SPDX-License-Identifier: Apache-2.0
"""CPU time of `drover server list` itself, and of the Python client for the same list, on simulated servers.

list_1000, list_50000: user and system time of one run, the best of some. list_times: how many times more the stock client takes for a thousand.
"""
from __future__ import annotations

import os
import subprocess
from typing import Iterator

from daemon import BUILD, Daemon
from simulated import fleet
from wait import wait_for

TURNS, TURNS_QUICK = 5, 1
MANY, MANY_QUICK = 50000, 2000


def cpu_s(daemon: Daemon, command: list[str], rows: int) -> float:
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("OS_")}, **daemon.openrc, "XDG_CACHE_HOME": "/dev/null"}
    proc = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    lines = proc.stdout.read().count("\n")
    _, status, usage = os.wait4(proc.pid, 0)
    proc.returncode = os.waitstatus_to_exitcode(status)
    if proc.returncode or lines < rows:
        raise RuntimeError(f"{command}: status {proc.returncode}, {lines} lines")
    return usage.ru_utime + usage.ru_stime


def wait_adopted(daemon: Daemon, servers: int) -> None:
    api = daemon.api()
    wait_for(lambda: sum(host["servers"] for host in api.get("/drover/v1/hosts")["hosts"]) == servers, 60, f"{servers} servers are adopted")


def best(daemon: Daemon, command: list[str], rows: int, turns: int) -> float:
    return min(cpu_s(daemon, command, rows) for _ in range(turns))


def run(quick: bool) -> Iterator[tuple[str, float]]:
    ours, theirs = [str(BUILD / "cli" / "drover"), "server", "list"], ["openstack", "server", "list", "--all-projects"]
    turns = TURNS_QUICK if quick else TURNS
    with Daemon(fleet(), tag="bench-list") as daemon:
        wait_adopted(daemon, 1000)
        thousand = best(daemon, ours, 1000, turns)
        yield "list_1000", thousand * 1000
        yield "list_times", best(daemon, theirs, 1000, turns) / thousand
        daemon.stop()
    many = MANY_QUICK if quick else MANY
    hosts = {f"s{i}": f"sim://s{i}?vcpus=128&memory=1048576&disk=20000&servers={many // 50}" for i in range(1, 51)}
    with Daemon(hosts, tag="bench-many") as daemon:
        wait_adopted(daemon, many)
        yield "list_50000", best(daemon, ours, many, turns)
        daemon.stop()
