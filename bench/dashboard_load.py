# SPDX-License-Identifier: Apache-2.0
"""Dashboards under load, on simulated servers: one while things happen (dashboard.py has the browser), many while nothing does.

Five hundred migrations run, of each of which a sample is told twice a second, for a minute, while the page of events is open in Chromium.
events_rate: events a second that came; events_lost: that did not, by their numbers, and the last one if it is not shown; events_frame: the longest frame
in ms; events_busy: percent of the time in which the page's main thread has work; events_behind: ms from an event to its row on the screen, at most: from what
the daemon says of its time to the page's hearing it, and from there to the frame in which it is the first; events_heap: MiB that the page has grown from the
tenth second to the end, garbage collected.

dashboards_idle: percent of a core that droverd takes for fifty dashboards that are open, over what it takes without; dashboards_busy: likewise while a host
changes every five seconds and each of them reads the fleet's summary again; dashboards_memory: MiB more that it has then.
"""
from __future__ import annotations

import http.client
import json
import signal
import threading
import time
from typing import Iterator
from urllib.parse import urlsplit

import reference
from api import read_openrc
from browser import Browser
from daemon import Daemon
from load import resident_mib
from wait import wait_for

SECONDS, SECONDS_QUICK = 60, 3
WARM_S, WARM_QUICK_S = 10, 1
HOSTS, SERVERS = 100, 5  # on each
DASHBOARDS = 50
REST_S, REST_QUICK_S = 20, 2
CHANGE_S = 5
# Beside the page: what another tab would hear, and each frame as it is shown.
WATCH = """(() => {
	const seen = window.seen = {};
	let number = 0, before = 0;
	seen.begin = () => { Object.assign(seen, { events: 0, lost: 0, frame: 0, heard: 0, shown: 0, last: 0 }); before = 0; };
	seen.begin();
	new BroadcastChannel('drover-events').onmessage = ({ data }) => {
		if (!data.event) return;
		const n = Number(data.id.split('-')[1]);
		if (number && n !== number + 1) seen.lost += Math.max(1, n - number - 1);
		number = n;
		seen.events++;
		seen.heard = Math.max(seen.heard, Date.now() - Date.parse(data.event.at + 'Z'));
		seen.last = data.event.migration;
	};
	const frame = (now) => {
		if (before) seen.frame = Math.max(seen.frame, now - before);
		before = now;
		const row = document.querySelector('main tbody time');
		if (row) seen.shown = Math.max(seen.shown, Date.now() - Date.parse(row.dateTime));
		requestAnimationFrame(frame);
	};
	requestAnimationFrame(frame);
})();"""


def hosts() -> dict[str, str]:
    """A copy between two of them takes hours."""
    return {f"s{i}": f"sim://s{i}?vcpus=128&memory=1048576&disk=20000&servers={SERVERS}&server_memory=65536&bandwidth=8" for i in range(HOSTS)}


OPTIONS = {"DEFAULT": {"max_concurrent_live_migrations": 0, "max_concurrent_inbound_live_migrations": 0}}


def migrate_all(daemon: Daemon) -> None:
    api = daemon.api()
    for server in api.servers():
        assert api.live_migrate(server["id"], None).status == 202
    wait_for(lambda: api.get("/drover/v1/summary", None)["summary"]["tasks"]["live-migration"]["running"] == HOSTS * SERVERS, 120, "all run")


def metrics(page: Browser) -> dict[str, float]:
    return {one["name"]: one["value"] for one in page.call("Performance.getMetrics")["metrics"]}


def heap_mib(page: Browser) -> float:
    page.call("HeapProfiler.collectGarbage")
    return metrics(page)["JSHeapUsedSize"] / 1048576


def is_last_shown(page: Browser, daemon: Daemon) -> bool:
    """Nothing more comes, so it is the first row."""
    daemon.proc.send_signal(signal.SIGSTOP)
    try:
        time.sleep(1)  # which is what it may be behind
        return bool(page.ask("document.querySelector('main tbody tr a').textContent === String(window.seen.last)"))
    finally:
        daemon.proc.send_signal(signal.SIGCONT)


def while_it_happens(page: Browser, daemon: Daemon, quick: bool) -> Iterator[tuple[str, float]]:
    """@page: logged in."""
    seconds, warm = (SECONDS_QUICK, WARM_QUICK_S) if quick else (SECONDS, WARM_S)
    migrate_all(daemon)
    page.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    page.call("Page.navigate", url=daemon.url + "/dashboard/events?type=progress")
    page.until("document.querySelectorAll('main tbody tr').length > 50", "events are shown")
    page.call("Performance.enable")
    time.sleep(warm)
    heap = heap_mib(page)
    page.ask("window.seen.begin()")
    before = metrics(page)
    time.sleep(seconds)
    seen, after = page.ask("({ ...window.seen })"), metrics(page)
    took = after["Timestamp"] - before["Timestamp"]
    yield "events_rate", seen["events"] / took
    yield "events_lost", seen["lost"] + (not is_last_shown(page, daemon))
    yield "events_frame", seen["frame"]
    yield "events_busy", 100 * (after["TaskDuration"] - before["TaskDuration"]) / took
    yield "events_behind", seen["heard"] + seen["shown"]
    yield "events_heap", heap_mib(page) - heap


class Dashboard(threading.Thread):
    """What a browser asks of the daemon that has the page Fleet open: the session, the stream, and what is shown each time something has happened."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon=True)
        self.daemon_ = daemon
        env = read_openrc(daemon.dir / "state" / "admin-openrc")
        self.headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
        self.asks = http.client.HTTPConnection(urlsplit(daemon.url).netloc, timeout=60)
        got = self.ask("POST", "/drover/v1/session", {"session": {"user": env["OS_USERNAME"], "password": env["OS_PASSWORD"]}})
        self.headers["Cookie"] = got.getheader("set-cookie").split(";")[0]
        self.show()
        self.stream = http.client.HTTPConnection(urlsplit(daemon.url).netloc, timeout=600)
        self.stream.request("GET", "/drover/v1/events", headers=self.headers)
        self.events = self.stream.getresponse()
        assert self.events.status == 200, self.events.status
        self.shown = 0

    def ask(self, method: str, path: str, body: object = None) -> http.client.HTTPResponse:
        self.asks.request(method, path, None if body is None else json.dumps(body), self.headers)
        got = self.asks.getresponse()
        got.read()
        assert got.status in (200, 201), (path, got.status)
        return got

    def show(self) -> None:
        self.ask("GET", "/drover/v1/summary")

    def run(self) -> None:
        while line := self.events.readline():
            if line.startswith(b"data:"):
                self.show()
                self.shown += 1


def percent(daemon: Daemon, seconds: float) -> float:
    """Of a core, all threads that it has."""
    before, began = reference.cpu_us(daemon.proc.pid), time.monotonic()
    time.sleep(seconds)
    return (reference.cpu_us(daemon.proc.pid) - before) / (time.monotonic() - began) / 1e4


class Changes(threading.Thread):
    """A host gets another reason for being disabled, now and then."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(daemon=True)
        self.api, self.ended, self.n = daemon.api(), threading.Event(), 0
        self.uuid = self.api.get("/drover/v1/hosts", None)["hosts"][0]["uuid"]

    def run(self) -> None:
        while not self.ended.wait(CHANGE_S):
            self.n += 1
            got = self.api.call("PUT", f"/v2.1/os-services/{self.uuid}", {"status": "disabled", "disabled_reason": f"change {self.n}"}, mv="2.96")
            assert got.status == 200, got.fault


def many(daemon: Daemon, quick: bool) -> Iterator[tuple[str, float]]:
    seconds = REST_QUICK_S if quick else REST_S
    changes = Changes(daemon)
    none, memory = percent(daemon, seconds), resident_mib(daemon.proc.pid)
    dashboards = [Dashboard(daemon) for _ in range(DASHBOARDS)]
    for one in dashboards:
        one.start()
    time.sleep(1)
    yield "dashboards_idle", percent(daemon, seconds) - none
    changes.start()
    busy = percent(daemon, seconds if not quick else CHANGE_S + 1)
    changes.ended.set()
    changes.join()
    wait_for(lambda: all(one.shown >= changes.n for one in dashboards), 20, "each has shown each change")
    yield "dashboards_busy", busy - none
    yield "dashboards_memory", resident_mib(daemon.proc.pid) - memory
