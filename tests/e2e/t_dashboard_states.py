#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The dashboard's rarer states in Chromium, on a few simulated hosts: a host that is fenced, said to be off and used again, a plan's options, a console that does
not come; how each page is laid out on a phone, a desk and a wall; and the cable between page and daemon taken out and put in again, while both live on.
"""
from __future__ import annotations

import difflib
import json
import os
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Reply, read_openrc
from browser import Browser
from daemon import Daemon
from dashboard import WATCH, Dashboard
from relay import Relay
from rfb import FakeVnc, paint
from tap import Tap
from wait import wait_for

GOLDEN = Path(__file__).resolve().parent / "golden" / "dashboard" / "layout.txt"
WIDTHS = {320: 640, 1280: 900, 3840: 2160}
AGENT = """#!/bin/sh
# a fence agent whose host is off when the test says so
case $(grep ^action=) in
	*=off) read -r go < {dir}/go; touch {dir}/off ;;
	*=status) [ -e {dir}/off ] && exit 2 ;;
esac
exit 0
"""
GONE = "qemu+tcp://127.0.0.1:1/system"


LIFETIME_S = 15  # of a session, where that matters


class World(Dashboard):
    def __init__(self, daemon: Daemon) -> None:
        self.daemon, self.url, self.api = daemon, daemon.url, daemon.api()
        env = read_openrc(daemon.dir / "state" / "admin-openrc")
        self.user, self.password = env["OS_USERNAME"], env["OS_PASSWORD"]

    def server(self, host: str, n: int = 0) -> dict:
        return sorted(self.api.get(f"/drover/v1/servers?host={host}", None)["servers"], key=lambda s: s["name"])[n]

    def act(self, server: dict, action: str) -> Reply:
        got = self.api.call("POST", f"/v2.1/servers/{server['id']}/action", {action: None}, mv="2.96")
        assert got.status == 202, got.fault
        return got

    def disable(self, host: str, why: str) -> None:
        uuid = self.api.get(f"/drover/v1/hosts/{host}", None)["host"]["uuid"]
        got = self.api.call("PUT", f"/v2.1/os-services/{uuid}", {"status": "disabled", "disabled_reason": why}, mv="2.96")
        assert got.status == 200, got.fault


def logs_in(w: World) -> str:
    w.page.open(w.url + "/dashboard/", WATCH)
    w.log_in(w.user, w.password)
    w.has("7 servers")
    w.live()
    return ""


def fenced(w: World) -> str:
    """What is required of an evacuation is followed while it comes true: the dialog need not be opened again."""
    w.visit("/hosts/gone", "#guests + .scroll")
    w.press("Evacuate")
    w.asks("It is certain to be off")
    w.press("Fence it")
    w.asks("switches the machine off")
    w.check("fence")
    w.fill("Type gone", "gnoe")
    w.press("Switch it off")
    w.asks("That is not gone.")
    w.check("fence, not its name")
    w.fill("Type gone", "gone")
    assert w.command() == "drover host fence gone", w.command()
    w.press("Switch it off")
    w.asks("It is being fenced")
    w.check("evacuate, while it is being fenced")
    with open(w.daemon.dir / "go", "w") as go:  # the agent reads it
        go.write("go\n")
    w.asks("It is off: fenced")
    w.check("evacuate, fenced")
    w.page.keys("Escape")
    w.asked()
    w.fact_is("State", "down")
    return ""


def used_again(w: World) -> str:
    """An administrator's word is given, and taken back."""
    w.visit("/hosts/lost", "#guests + .scroll")
    w.press("Evacuate")
    w.press("I have seen that it is off")
    w.asks("Look at the machine first")
    w.check("it is off")
    w.fill("Type lost", "lost")
    w.press("I have seen that it is off")
    w.asks("It is off: an administrator has said so")
    w.page.keys("Escape")
    w.asked()
    w.page.until("[...document.querySelectorAll('main button')].some((e) => e.innerText.startsWith('It may be used again'))", "its word can be taken back")
    w.check("a host that is forced down")
    w.press("It may be used again")
    w.asks("Your word that it is off is taken back")
    assert w.command() == "openstack compute service set --up lost nova-compute", w.command()
    w.check("it may be used again")
    w.press("Use it again")
    w.asked()
    w.page.until("![...document.querySelectorAll('main button')].some((e) => e.innerText.startsWith('It may be used again'))", "it is taken back")
    assert not w.api.get("/drover/v1/hosts/lost", None)["host"]["forced_down"]
    return ""


def options(w: World) -> str:
    """Of a plan that is a draft."""
    w.visit("/hosts/s1", "#guests + .scroll")
    w.press("Drain", "Make the plan")
    w.fact_is("State", "draft")
    w.press("Options")
    w.fill("Migrations at once", "3")
    w.fill("Their priority", "-7")
    w.check("a plan's options")
    assert w.command().endswith("--parallel 3 --priority -7"), w.command()
    w.press("Change them")
    w.asked()
    w.fact_is("At once", "3")
    w.press("Options")
    w.fill("Migrations at once", "1001")
    w.press("Change them")
    assert w.page.ask("document.querySelector('#dialog').open && !document.querySelector('#dialog input').checkValidity()"), "1001 at once"
    w.page.keys("Escape")
    w.asked()
    w.draft = str(w.page.ask("location.pathname")).rsplit("/", 1)[1]
    return f"plan {w.draft}"


def consoles(w: World) -> str:
    """None of a server that is not there, or that is off; "Connect" is by keyboard when it is on again."""
    server, first = w.server("s1"), w.page.session
    w.page.open(f"{w.url}/dashboard/console/{'0' * 8}-{'0' * 4}-{'0' * 4}-{'0' * 4}-{'0' * 12}", WATCH)
    w.page.until("document.body.dataset.state === 'ended'", "it is told")
    w.has("could not be found")
    w.check("the console of no server")
    w.act(server, "os-stop")
    wait_for(lambda: w.api.server(server["id"])["status"] == "SHUTOFF", 60, "it is off")
    w.page.call("Page.navigate", url=f"{w.url}/dashboard/console/{server['id']}")
    w.has("Instance not yet ready")
    w.check("the console of a server that is off")
    w.act(server, "os-start")
    wait_for(lambda: w.api.server(server["id"])["status"] == "ACTIVE", 60, "it runs")
    w.press("Connect")
    w.page.until("document.body.dataset.state === 'connected'", "its screen is there")
    w.check("screen")
    shape = {width: outline_at(w, width) for width in WIDTHS}
    w.page.call("Page.close")
    w.front(first)
    w.shapes["console"] = shape
    return ""


def outline_at(w: World, width: int) -> list[str]:
    w.page.call("Emulation.setDeviceMetricsOverride", width=width, height=WIDTHS[width], deviceScaleFactor=1, mobile=False)
    w.settled()
    found = w.outline()
    w.page.call("Emulation.clearDeviceMetricsOverride")
    return found


def layout(w: World) -> str:
    """
    Each page at three widths against what was looked at and found good (REGEN=1 writes it). Pictures would be compared by pixels, which another version of a font
    changes and a real fault may not: so it is the boxes that are compared, by how they lie to each other.
    """
    moving = w.server("s2")
    assert w.api.live_migrate(moving["id"], "s3").status == 202
    number = wait_for(lambda: w.api.running_migration(moving["id"]), 20, "the migration runs")["id"]
    pages = {"/": "#failures", "/servers": "tr[data-id]:not([data-id=''])", f"/servers/{moving['id']}": "#now", "/hosts": "tbody tr", "/hosts/s1": "#guests + .scroll tbody tr",
             "/migrations": "tbody tr", f"/migrations/{number}": "#graph", "/plans": "tbody tr", f"/plans/{w.draft}": "#steps + .scroll", "/events": "h1", "/settings": "#options"}
    names = {f"/servers/{moving['id']}": "a server", f"/migrations/{number}": "a migration", f"/plans/{w.draft}": "a plan", "/hosts/s1": "a host"}
    for path, sign in pages.items():
        w.visit(path, sign)
        w.live()
        if path == "/events":  # it begins with what happens from now on
            w.disable("s3", "for a row")
            w.has("s3", "document.querySelector('main table')")
        w.shapes[names.get(path, path)] = {width: outline_at(w, width) for width in WIDTHS}
    w.visit("/hosts/gone", "#guests + .scroll")
    w.press("Drain")
    w.asks("A plan is made")
    w.shapes["a dialog"] = {width: outline_at(w, width) for width in WIDTHS}
    w.page.keys("Escape")
    got = w.api.call("DELETE", f"/v2.1/servers/{moving['id']}/migrations/{number}", mv="2.96")
    assert got.status == 202, got.fault
    text = "".join(f"{name} {width}\n" + "".join(f"{line}\n" for line in lines) for name, shape in w.shapes.items() for width, lines in shape.items())
    assert not any(word in text for word in ("OUT OF", "OVER THE", "SIDEWAYS", "TOO SMALL")), text
    if os.environ.get("REGEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text)
    changed = "\n".join(difflib.unified_diff(GOLDEN.read_text().splitlines(), text.splitlines(), "what was found good", "what is", n=12, lineterm=""))
    assert not changed, f"the layout has changed:\n{changed}"
    return f"{len(w.shapes)} pages at {len(WIDTHS)} widths"


def asked_with(w: World, since: int) -> list[str]:
    """Ids with which the stream was asked for."""
    asked = [event["params"]["request"] for event in w.page.events[since:] if event["method"] == "Network.requestWillBeSent"]
    return [request["headers"].get("Last-Event-ID", "") for request in asked if request["url"].endswith("/drover/v1/events")]


def cable(w: World) -> str:
    """It is out: the page says so. In again, it goes on behind the last event that it has heard, and so tells what happened meanwhile."""
    pid, server, first = w.daemon.proc.pid, w.server("s1", 1), w.page.session

    def told() -> list[list[str]]:
        """Newest first, without how long ago that is."""
        return [row[1:] for row in w.rows()]
    with Relay(w.daemon.url) as relay:
        w.page.open(f"{relay.url}/dashboard/events", WATCH)  # a cookie is a host's, whatever the port
        w.page.call("Network.enable")
        w.live()
        w.act(server, "pause")
        w.has("PAUSED", "document.querySelector('main table')")
        wait_for(lambda: w.api.server(server["id"])["OS-EXT-STS:task_state"] is None, 60, "it is paused")
        w.page.ask("loaded = performance.now()")
        since = len(w.page.events)
        relay.cut()
        w.has("Not live: what is shown is", "document.querySelector('#live')")
        assert w.page.ask("document.querySelector('#live').getAttribute('role')") == "alert"
        w.check("the cable is out")
        w.disable("s3", "while the cable was out")
        w.act(server, "unpause")
        wait_for(lambda: w.api.server(server["id"])["status"] == "ACTIVE", 60, "it goes on")
        wait_for(lambda: relay.refused >= 2, 60, "the page has tried")
        before = told()
        assert "PAUSED" in before[0][2] and not any("s3" in row for row in before), before
        relay.mend()
        w.live()
        wait_for(lambda: {"ACTIVE" in row[2] for row in told()[:-len(before)] if row[1] == server["name"]} >= {True}, 60, "it is told that it goes on")
        ids = asked_with(w, since)
        assert ids and all(ids), ids
        after = told()
        assert after[-len(before):] == before and any("s3" in row for row in after) and not any("reset" in cell for row in after for cell in row), after
        assert w.page.ask("loaded > 0"), "the page was loaded again"
        w.at("/hosts", "tbody tr")
        w.has("while the cable was out")
        silent(w, relay)
        w.page.call("Page.close")
    w.front(first)
    assert w.daemon.proc.pid == pid and w.daemon.alive()
    return f"behind event {ids[-1]}"


def silent(w: World, relay: Relay) -> None:
    """Nothing breaks, but nothing comes: the page does not wait for ever. What was held back does no harm when it comes late."""
    relay.hold()
    w.has("Not live: what is shown is", "document.querySelector('#live')")
    w.disable("s3", "while nothing came")
    assert not w.page.ask("document.body.innerText.includes('while nothing came')")
    relay.release()
    w.live()
    w.has("while nothing came")


def expires(w: World) -> str:
    """A session's time is over while its user works: the page asks for a login, and goes on where it was."""
    conf = w.daemon.dir / "drover.conf"
    conf.write_text(f"{conf.read_text()}\n[token]\nexpiration = {LIFETIME_S}\n")
    w.daemon.restart()
    w.daemon.wait_hosts_up(3)
    w.at("/hosts/s1", "h1")
    w.press("Log out")
    w.log_in(w.user, w.password)
    w.at("/hosts/s2", "h1")
    w.has("Host s2", "document.querySelector('h1')")

    def ended() -> bool:
        w.page.ask("dispatchEvent(new PopStateEvent('popstate'))")
        return w.page.ask("document.body.innerText.includes('The session has ended')")
    wait_for(ended, LIFETIME_S + 30, "the session has ended", 0.5)
    w.check("a session whose time is over")
    w.log_in(w.user, w.password)
    w.has("Host s2", "document.querySelector('h1')")
    return f"{LIFETIME_S} s"


def main() -> int:
    t = Tap()
    only = sys.argv[1:]
    vnc = FakeVnc(paint).port
    hosts = {"s1": f"sim://s1?servers=3&server_memory=1024&bandwidth=512&memory=65536&vcpus=64&vnc={vnc}",
             "s2": "sim://s2?servers=4&server_memory=8192&bandwidth=8&working=2048&memory=65536&vcpus=64",
             "s3": "sim://s3?memory=65536&vcpus=64&bandwidth=512", "gone": GONE, "lost": GONE.replace(":1/", ":2/")}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {"DEFAULT": {"osapi_compute_listen_port": port}, "vnc": {"enabled": "true", "novncproxy_port": "0", "server_proxyclient_address": "127.0.0.1"}, "fencing": {"fence_timeout": 600}}
    daemon = Daemon(hosts, options=given, tag="dashboard-states")
    os.mkfifo(daemon.dir / "go")
    agent = daemon.dir / "fence_test"
    agent.write_text(AGENT.format(dir=daemon.dir))
    agent.chmod(0o755)
    conf = daemon.dir / "drover.conf"
    conf.write_text(conf.read_text().replace("[host gone]\n", f"[host gone]\nfence_agent = {agent}\n"))
    with daemon:
        daemon.wait_hosts_up(3)
        w = World(daemon)
        wait_for(lambda: w.api.get("/drover/v1/summary", None)["summary"]["servers"]["total"] == 7, 60, "the servers are known")
        w.shapes: dict[str, dict[int, list[str]]] = {}
        with Browser() as w.page:
            for case in (logs_in, fenced, used_again, options, consoles, layout, cable, expires):
                if only and case.__name__ not in only and case is not logs_in:
                    continue
                with t.test(case.__name__.replace("_", " ")) as notes:
                    notes += filter(None, [case(w)])
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
