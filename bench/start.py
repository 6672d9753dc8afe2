# SPDX-License-Identifier: Apache-2.0
"""From the start of the process to the first answer, with a database of a thousand servers.

start_cost: the CPU time of it, in units of work of this machine at that moment (reference.c).
"""
from __future__ import annotations

import http.client
import socket
import statistics
import time
from typing import Iterator

import reference
from daemon import Daemon
from simulated import fleet, wait_adopted
from wait import wait_for

ROUNDS, ROUNDS_QUICK = 10, 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def answers(port: int) -> bool:
    try:
        conn = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        conn.request("GET", "/v2.1/")
        return conn.getresponse().status in (200, 401)
    except ConnectionError:
        return False


def timed(daemon: Daemon, port: int) -> tuple[float, float]:
    """Return: ms, and CPU time in us."""
    started = time.monotonic()
    daemon.spawn()
    wait_for(lambda: answers(port), 20, "the first answer", interval=0.001)
    return (time.monotonic() - started) * 1000, reference.cpu_us(daemon.proc.pid)


def run(quick: bool) -> Iterator[tuple[str, float]]:
    starts = []
    port = free_port()
    with Daemon(fleet(), options={"DEFAULT": {"osapi_compute_listen_port": port}}, tag="bench") as daemon:
        wait_adopted(daemon)
        unit_us = reference.machine().work_us
        for _ in range(ROUNDS_QUICK if quick else ROUNDS):
            daemon.stop()
            starts.append(timed(daemon, port))
    yield "start", statistics.median(ms for ms, _ in starts)
    yield "start_cost", min(cpu for _, cpu in starts) / unit_us
