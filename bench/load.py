# SPDX-License-Identifier: Apache-2.0
"""Requests a second of one core, and resident memory, with a thousand simulated servers. wrk makes the load on the other core."""
from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Iterator

from daemon import Daemon
from simulated import fleet, wait_adopted

SECONDS, SECONDS_QUICK = 10, 1
CONNECTIONS = 16
PAGE = "/v2.1/servers/detail?all_tenants=1&limit=100"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def wrk(daemon: Daemon, path: str, seconds: int) -> tuple[float, float]:
    """Return: answers a second, 99th percentile of the latency in ms."""
    token = daemon.api().token
    cores = [str(core) for core in sorted(os.sched_getaffinity(0))]
    command = ["taskset", "-c", ",".join(cores[1:] or cores), "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--latency",
               "-H", f"X-Auth-Token: {token}", "-H", "OpenStack-API-Version: compute 2.90", daemon.url + path]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise RuntimeError(text)
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(p99) * UNITS[unit]


def resident_mib(pid: int) -> float:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def run(quick: bool) -> Iterator[tuple[str, float]]:
    seconds = SECONDS_QUICK if quick else SECONDS
    with Daemon(fleet(), tag="bench") as daemon:
        wait_adopted(daemon)
        assert len(daemon.api().get(PAGE, "2.90")["servers"]) == 100
        # all its threads: what it does is one core's work
        subprocess.run(["taskset", "-acp", str(min(os.sched_getaffinity(0))), str(daemon.proc.pid)], check=True, capture_output=True)
        pages, pages_p99 = wrk(daemon, PAGE, seconds)
        calls, calls_p99 = wrk(daemon, "/v2.1/os-services", seconds)
        yield "servers_detail", pages
        yield "servers_p99", pages_p99
        yield "os_services", calls
        yield "os_services_p99", calls_p99
        yield "resident", resident_mib(daemon.proc.pid)
        daemon.stop()
