# SPDX-License-Identifier: Apache-2.0
"""Answers that a second of CPU time gives, and resident memory, with a thousand simulated servers. wrk makes the load on the other core.

*_cost: what an answer costs in bare ones of the same size (reference.c), measured in turns.
"""
from __future__ import annotations

import os
import re
import statistics
import subprocess
from pathlib import Path
from typing import Iterator

import reference
from daemon import Daemon
from simulated import fleet, wait_adopted

SECONDS, SECONDS_QUICK = 3, 1
TURNS, TURNS_QUICK = 4, 1
CONNECTIONS = 16
PAGE = "/v2.1/servers/detail?all_tenants=1&limit=100"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def wrk(pid: int, url: str, token: str, seconds: int) -> tuple[float, float]:
    """@pid: the server's. Return: answers a second of its CPU time, 99th percentile of the latency in ms."""
    before = reference.cpu_us(pid)
    cores = [str(core) for core in sorted(os.sched_getaffinity(0))]
    command = ["taskset", "-c", ",".join(cores[1:] or cores), "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--latency",
               "-H", f"X-Auth-Token: {token}", "-H", "OpenStack-API-Version: compute 2.90", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    answers = int(re.search(r"(\d+) requests in", text)[1])
    return answers * 1e6 / (reference.cpu_us(pid) - before), float(p99) * UNITS[unit]


def resident_mib(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def pin(pid: int) -> None:
    """All its threads: what it does is one core's work."""
    subprocess.run(["taskset", "-acp", str(min(os.sched_getaffinity(0))), str(pid)], check=True, capture_output=True)


def measured(daemon: Daemon, path: str, quick: bool) -> tuple[float, float, float]:
    """Return: answers a second of CPU time, 99th percentile of the latency, and what an answer costs in bare ones."""
    api = daemon.api()
    size, seconds = len(api.call("GET", path, mv="2.90").body), SECONDS_QUICK if quick else SECONDS
    ours, bare = [], []
    with reference.server() as (url, pid):
        pin(pid)
        for _ in range(TURNS_QUICK if quick else TURNS):
            ours.append(wrk(daemon.proc.pid, daemon.url + path, api.token, seconds))
            bare.append(wrk(pid, f"{url}/{size}", api.token, seconds))
    costs = [b[0] / o[0] for o, b in zip(ours, bare)]
    return max(rate for rate, _ in ours), min(p99 for _, p99 in ours), statistics.median(costs)


def run(quick: bool) -> Iterator[tuple[str, float]]:
    with Daemon(fleet(), tag="bench") as daemon:
        wait_adopted(daemon)
        assert len(daemon.api().get(PAGE, "2.90")["servers"]) == 100
        pin(daemon.proc.pid)
        for name, p99, path in ("servers_detail", "servers_p99", PAGE), ("os_services", "os_services_p99", "/v2.1/os-services"):
            yield from zip((name, p99, f"{name}_cost"), measured(daemon, path, quick))
        yield "resident", resident_mib(daemon.proc.pid)
        daemon.stop()
