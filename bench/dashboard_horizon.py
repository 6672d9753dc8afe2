# SPDX-License-Identifier: Apache-2.0
"""Stock Horizon beside the dashboard, on the same servers in the same run.

horizon_1000: ms to the first paint of its page of twenty servers of all projects, logged in before, the best of some. horizon_bytes: of that page, all that it
loads, compressed. horizon_times: how many times longer than the dashboard's fifty rows (rows_1000) it takes.
"""
from __future__ import annotations

from typing import Iterator

from daemon import Daemon
from horizon import Horizon

PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# What a cold cache would have loaded, compressed as a web server does.
LOADED = """(async () => {
	let bytes = 0;
	for (const url of new Set([location.href, ...performance.getEntriesByType('resource').map((it) => it.name)])) {
		const small = (await fetch(url)).body.pipeThrough(new CompressionStream('gzip'));
		bytes += (await new Response(small).arrayBuffer()).byteLength;
	}
	return bytes;
})()"""


def beside(daemon: Daemon, rows_ms: float, turns: int) -> Iterator[tuple[str, float]]:
    env = daemon.openrc
    with Horizon(daemon) as horizon:
        horizon.log_in(env["OS_USERNAME"], env["OS_PASSWORD"])
        times = []
        for _ in range(turns + 1):  # the first loads Python's modules
            assert horizon.go("/admin/instances/") == []
            times.append(float(horizon.page.until(PAINTED, "it is painted")))
        yield "horizon_1000", min(times)
        yield "horizon_bytes", float(horizon.page.ask(LOADED, wait=True))
        yield "horizon_times", min(times) / rows_ms
