# SPDX-License-Identifier: Apache-2.0
"""The dashboard in Chromium, on simulated servers.

page_bytes: of its first page, compressed: document, styles, script, picture. rows_1000, rows_50000: ms from the page's navigation to fifty rows of servers in it,
logged in before, the best of some. scroll_frame: the longest frame in ms while a table of so many is scrolled from end to end, the best of some.
dashboard_load.py has what there is beside them, a page while things happen and many pages; dashboard_horizon.py, Horizon on the same servers.
"""
from __future__ import annotations

import json
import re
import urllib.request
from typing import Iterator

import dashboard_horizon
import dashboard_load
from api import read_openrc
from browser import Browser
from daemon import Daemon
from listing import wait_adopted
from simulated import fleet

TURNS, TURNS_QUICK = 5, 1
MANY, MANY_QUICK = 50000, 2000
FRAMES = 300  # from end to end
# As soon as they are in the page.
WATCH = """const seen = new MutationObserver(() => {
	if (document.querySelectorAll('tr[data-id]:not([data-id=""])').length < 50) return;
	window.rowsAt = performance.now();
	seen.disconnect();
});
seen.observe(document, { childList: true, subtree: true, attributes: true });"""
SCROLL = """new Promise((done) => {
	const box = document.querySelector('.window'), step = (box.scrollHeight - box.clientHeight) / %d;
	let longest = 0, last = performance.now(), n = 0;
	const frame = (now) => {
		if (n > 1) longest = Math.max(longest, now - last);
		last = now;
		box.scrollTop += step;
		n++ < %d ? requestAnimationFrame(frame) : done(longest);
	};
	requestAnimationFrame(frame);
})""" % (FRAMES, FRAMES)


def bytes_of(url: str) -> int:
    def get(path: str) -> tuple[bytes, str]:
        with urllib.request.urlopen(urllib.request.Request(url + path, headers={"Accept-Encoding": "gzip"})) as answer:
            return answer.read(), path
    with urllib.request.urlopen(url + "/dashboard/") as answer:
        text = answer.read().decode()
    return sum(len(get(path)[0]) for path in ["/dashboard/", *re.findall(r'"(/dashboard/static/[^"]+)"', text)])


def log_in(page: Browser, daemon: Daemon) -> None:
    env = read_openrc(daemon.dir / "state" / "admin-openrc")
    body = json.dumps({"session": {"user": env["OS_USERNAME"], "password": env["OS_PASSWORD"]}})
    page.open(daemon.url + "/dashboard/", WATCH)
    page.call("Emulation.setDeviceMetricsOverride", width=1400, height=2200, deviceScaleFactor=1, mobile=False)
    status = page.ask("fetch('/drover/v1/session', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: %s }).then((got) => got.status)" % json.dumps(body), wait=True)
    assert status == 201, status


def first_rows(page: Browser, daemon: Daemon, turns: int) -> float:
    times = []
    for _ in range(turns):
        page.ask("window.rowsAt = 0")
        page.call("Page.navigate", url=daemon.url + "/dashboard/servers")
        page.until("window.rowsAt > 0", "fifty rows are shown")
        times.append(float(page.ask("window.rowsAt")))
    return min(times)


def run(quick: bool) -> Iterator[tuple[str, float]]:
    turns, many = (TURNS_QUICK, MANY_QUICK) if quick else (TURNS, MANY)
    hosts = {f"s{i}": f"sim://s{i}?vcpus=128&memory=1048576&disk=20000&servers={many // 50}" for i in range(1, 51)}
    with Browser() as page:
        with Daemon(fleet(), tag="bench-page") as daemon:
            wait_adopted(daemon, 1000)
            yield "page_bytes", bytes_of(daemon.url)
            log_in(page, daemon)
            rows = first_rows(page, daemon, turns)
            yield "rows_1000", rows
            yield from dashboard_horizon.beside(daemon, rows, turns)
            yield from dashboard_load.many(daemon, quick)
        with Daemon(dashboard_load.hosts(), options=dashboard_load.OPTIONS, tag="bench-events") as daemon:
            wait_adopted(daemon, 500)
            log_in(page, daemon)
            yield from dashboard_load.while_it_happens(page, daemon, quick)
        with Daemon(hosts, tag="bench-pages") as daemon:
            wait_adopted(daemon, many)
            log_in(page, daemon)
            yield "rows_50000", first_rows(page, daemon, turns)
            yield "scroll_frame", min(float(page.ask(SCROLL, wait=True)) for _ in range(turns))
