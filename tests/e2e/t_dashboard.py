#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The dashboard in Chromium, on simulated hosts: its files and its session as a client sees them, then each page, by keyboard alone where something is done;
the stream cut, the controller killed, the session ended in the middle, many tabs. Nothing may break its own policy, and axe-core finds nothing on any page.
"""
from __future__ import annotations

import gzip
import json
import re
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api, Reply, read_openrc
from browser import Browser
from daemon import ROOT, Daemon
from dashboard import WATCH, Dashboard
from rfb import FakeVnc, paint
from tap import Tap
from wait import HANG_S, wait_for

HOSTS = {
    # a migration from here takes seconds, from s2 minutes
    "s1": "sim://s1?servers=3&server_memory=1024&bandwidth=512&memory=65536&vcpus=64",
    "s2": "sim://s2?servers=4&server_memory=8192&bandwidth=8&working=2048&memory=65536&vcpus=64",
    "s3": "sim://s3?memory=65536&vcpus=64&bandwidth=512",
    # a guest that writes nearly as fast as it is sent: something has to be decided
    "s4": "sim://s4?servers=1&server_memory=1024&bandwidth=256&working=110&dirty=400&memory=65536&vcpus=64",
    "dead": "sim://dead?servers=2&server_memory=64",  # from the controller's restart on
    "full": "sim://full?memory=600&vcpus=1",
    **{f"b{n}": f"sim://b{n}?servers=1000&server_memory=64&memory=131072&vcpus=2000" for n in range(10)},
}
SERVERS = 3 + 4 + 1 + 2 + 10 * 1000
FIRST_PAGE = 45 * 1024  # bytes, compressed: page, styles and script
SCRIPT = 32 * 1024
HOSTILE = "<img src=x onerror='bad.push(1)'>\u202e"


# ---- without a browser ----

def raw(url: str, method: str, path: str, headers: dict[str, str], body: object = None) -> tuple[int, dict[str, str], bytes]:
    conn = HTTPConnection(urlsplit(url).netloc, timeout=HANG_S)
    conn.request(method, path, None if body is None else json.dumps(body), headers)
    got = conn.getresponse()
    try:
        return got.status, {name.lower(): value for name, value in got.getheaders()}, got.read()
    finally:
        conn.close()


def files(w: World) -> str:
    """What a first page costs, and what comes with it."""
    status, head, page = raw(w.daemon.url, "GET", "/dashboard/", {"Accept-Encoding": "gzip"})
    assert (status, head["content-encoding"], head["cache-control"]) == (200, "gzip", "no-cache"), head
    policy = head["content-security-policy"]
    assert "default-src 'none'" in policy and "require-trusted-types-for 'script'" in policy and "unsafe" not in policy, policy
    text = gzip.decompress(page).decode()
    sizes = {"index.html": len(page)}
    for path in re.findall(r'"(/dashboard/static/[^"]+)"', text):
        status, head, data = raw(w.daemon.url, "GET", path, {"Accept-Encoding": "gzip"})
        assert status == 200 and "immutable" in head["cache-control"] and head["x-content-type-options"] == "nosniff", (path, head)
        plain = raw(w.daemon.url, "GET", path, {})
        assert "content-encoding" not in plain[1] and plain[2] == gzip.decompress(data), path
        sizes[path.rsplit("/", 1)[1]] = len(data)
    assert len(sizes) == 4, sizes
    assert sum(sizes.values()) <= FIRST_PAGE and next(n for name, n in sizes.items() if name.startswith("main")) <= SCRIPT, sizes
    assert not re.search(r"<script(?! type=\"module\" src)|<style|\son\w+=|\sstyle=", text), "something is inline"
    assert raw(w.daemon.url, "GET", "/dashboard/servers/any?x=1", {})[2].decode() == text, "each address is the page"
    assert raw(w.daemon.url, "GET", "/dashboard/static/none.js", {})[0] == 404
    assert raw(w.daemon.url, "POST", "/dashboard/", {})[0] == 405
    return f"{sum(sizes.values())} bytes"


def types(w: World) -> str:
    """The types that its comments tell hold."""
    got = subprocess.run(["tsc", "-p", ROOT / "dashboard"], capture_output=True, text=True)
    assert got.returncode == 0, got.stdout + got.stderr
    return f"{len(list((ROOT / 'dashboard' / 'src').rglob('*.js')))} files"


def audited(w: World) -> set[tuple[str, int]]:
    """The log is written beside the answers."""
    return {(event["method"], event["status"]) for event in w.daemon.events if event["event"] == "audit" and event["route"] == "/drover/v1/session"}


def sessions(w: World) -> str:
    """tests/unit/t_session.c has each header; these go the whole way."""
    here, json_type = {"Sec-Fetch-Site": "same-origin"}, {"Content-Type": "application/json"}
    body = {"session": {"user": w.user, "password": w.password}}
    for headers in {}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}:
        assert raw(w.daemon.url, "POST", "/drover/v1/session", {**json_type, **headers}, body)[0] == 403, headers
    status, head, text = raw(w.daemon.url, "POST", "/drover/v1/session", {**json_type, **here}, body)
    cookie = head["set-cookie"].split(";")[0]
    assert status == 201 and "HttpOnly" in head["set-cookie"] and "SameSite=Strict" in head["set-cookie"] and cookie.split("=")[1].encode() not in text, head
    got = raw(w.daemon.url, "GET", "/drover/v1/session", {"Cookie": cookie, **here})
    assert got[0] == 200 and json.loads(got[2])["session"]["user_name"] == w.user, got
    for headers in {}, {"Sec-Fetch-Site": "none"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "null"}:
        assert raw(w.daemon.url, "GET", "/v2.1/servers", {"Cookie": cookie, **headers})[0] == 401, headers
    # a form of another site cannot, even if it came by
    assert raw(w.daemon.url, "POST", "/drover/v1/hosts", {"Cookie": cookie, "Content-Type": "text/plain", **here}, {"host": {"name": "x", "uri": "sim://x"}})[0] == 401
    assert raw(w.daemon.url, "GET", "/v2.1/servers", {"Cookie": cookie, "X-Auth-Token": "wrong", **here})[0] == 401, "the header goes first"
    assert raw(w.daemon.url, "DELETE", "/drover/v1/session", {"Cookie": cookie, **here})[0] == 204
    assert raw(w.daemon.url, "GET", "/drover/v1/session", {"Cookie": cookie, **here})[0] == 401, "its token has ended"
    body["session"]["password"] = "wrong"
    assert raw(w.daemon.url, "POST", "/drover/v1/session", {**json_type, **here}, body)[0] == 401
    wait_for(lambda: {("POST", 201), ("POST", 401), ("DELETE", 204)} <= audited(w), 20, "the log has all three")
    assert cookie.split("=")[1] not in (w.daemon.dir / "log").read_text(), "the log has a token"
    return cookie.split("=")[0]


# ---- in a browser ----

class World(Dashboard):
    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.url = daemon.url
        self.api = daemon.api()
        env = read_openrc(daemon.dir / "state" / "admin-openrc")
        self.user, self.password = env["OS_USERNAME"], env["OS_PASSWORD"]

    def server(self, host: str, n: int = 0) -> dict:
        return sorted(self.api.get(f"/drover/v1/servers?host={host}&limit=5", None)["servers"], key=lambda s: s["name"])[n]

    def act(self, server: dict, action: str, value: object) -> Reply:
        return self.api.call("POST", f"/v2.1/servers/{server['id']}/action", {action: value}, mv="2.96")

    def ctrl_k(self) -> None:
        self.page.chord("k", ctrl=True)
        self.page.until("document.activeElement.getAttribute('role') === 'combobox'", "the palette is open")


def logs_in(w: World) -> str:
    w.page.open(w.daemon.url + "/dashboard/", WATCH)
    w.page.until("!!document.querySelector('[name=user]')", "the page asks who it is")
    w.check("login")
    w.log_in(w.user, "wrong")
    w.has("The name, the password or the project is wrong")
    w.check("login, refused")
    w.log_in(w.user, w.password)
    w.has(f"{SERVERS} servers")
    w.live()
    assert w.page.ask("document.cookie") == "" and w.page.ask("localStorage.length + sessionStorage.length") == 0
    return "by keyboard"


def each_page(w: World) -> str:
    got = w.api.call("PUT", f"/v2.1/os-services/{w.api.get('/drover/v1/hosts/b9', None)['host']['uuid']}", {"status": "disabled", "disabled_reason": HOSTILE}, mv="2.96")
    assert got.status == 200, got.fault
    pages = {"/": "#failures", "/servers": "tr[data-id]:not([data-id=''])", f"/servers/{w.server('s1')['id']}": "#actions", "/hosts": "tbody tr", "/hosts/s1": "#guests + .scroll",
             "/migrations": ".filters", "/plans": "h1", "/events": "h1", "/settings": "#options", "/nothing": "h1"}
    for path, sign in pages.items():
        w.at(path, sign)
        if path == "/hosts":
            w.has(HOSTILE.split("\u202e")[0])
            assert w.page.ask("document.querySelector('main img')") is None
        w.check(path)
    w.page.keys("?")
    w.page.until("document.querySelector('#dialog').open", "the keys are shown")
    w.check("keys")
    w.page.keys("Escape")
    # it is closed before the page has heard of it
    w.page.until("!document.querySelector('#dialog').open && !document.querySelector('#dialog h2')", "they are gone")
    w.page.keys("g", "h")
    w.has("Hosts", "document.querySelector('h1')")
    w.page.ask("history.back()")
    w.page.until("location.pathname === '/dashboard/nothing'", "the browser goes back")
    return f"{len(pages)} pages"


def events_and_settings(w: World) -> str:
    """What has happened is told, held still, filtered by the address; what the daemon runs with has no password."""
    server = w.server("s2", 1)
    w.at("/events", "h1")
    assert w.act(server, "lock", {"locked_reason": HOSTILE}).status == 202
    assert w.act(server, "pause", None).status == 202
    w.has(server["name"], "document.querySelector('main table')")
    w.check("events")
    w.tab_to("Hold still")
    w.page.keys("Enter")
    w.has("Held still")
    w.at("/events?type=host", "h1")
    w.page.until(f"!document.querySelector('main').innerText.includes({json.dumps(server['name'])})", "only hosts")
    assert w.act(server, "unlock", None).status == 202
    wait_for(lambda: w.api.server(server["id"])["OS-EXT-STS:task_state"] is None, 20, "it is paused")
    assert w.act(server, "unpause", None).status == 202
    w.at("/settings", "#options")
    w.has("osapi_compute_listen_port", "document.querySelector('main table')")
    w.has("sqlite, schema", "document.querySelector('.facts')")
    w.tab_to("Letters are keys")
    w.page.keys(" ")
    w.tab_to("Go to", back=True)
    w.page.keys("g", "h")
    assert w.page.ask("location.pathname") == "/dashboard/settings", "letters are no keys now"
    w.tab_to("Letters are keys")
    w.page.keys(" ")
    w.tab_to("Go to", back=True)
    w.page.keys("g", "e")
    w.has("Events", "document.querySelector('h1')")
    return "letters as a choice"


def all_servers(w: World) -> str:
    """Ten thousand rows: few are in the page, each can be come to."""
    w.at("/servers", "tr[data-id]:not([data-id=''])")
    w.page.call("Emulation.setDeviceMetricsOverride", width=3840, height=2160, deviceScaleFactor=1, mobile=False)
    w.page.until("document.querySelectorAll('.window tr[data-row]').length * 34 >= document.querySelector('.window').clientHeight", "a tall window is full")
    w.page.call("Emulation.clearDeviceMetricsOverride")
    rows = int(w.page.ask("document.querySelectorAll('.window tbody tr').length"))
    assert rows < 100, rows
    names = w.api.get("/drover/v1/servers?offset=9000&limit=1&fields=name", None)["servers"][0]["name"]
    w.page.ask("document.querySelector('.window').scrollTo(0, 9000 * 34)")
    w.has(names)
    assert int(w.page.ask("document.querySelectorAll('.window tbody tr').length")) < 150
    assert w.page.ask("document.querySelector('.window table').ariaRowCount || document.querySelector('.window table').getAttribute('aria-rowcount')") == str(SERVERS + 1)
    w.page.keys("/")
    w.page.until("document.activeElement.id === 'search'", "the search has the focus")
    name = w.server("s1", 1)["name"]
    w.page.write(name)
    w.has("1 server")
    assert "1 servers" not in w.page.ask("document.body.innerText")
    w.page.until(f"location.search === '?q={name}'", "the address says it")
    w.tab_to("Choose all")
    w.page.keys("j")
    w.page.until(f"document.activeElement.innerText === '{name}'", "the row has the focus")
    w.page.keys("Enter")
    w.has(name, "document.querySelector('h1')")
    w.page.ask("history.back()")
    w.has("1 server")
    assert "1 servers" not in w.page.ask("document.body.innerText")
    return f"{rows} rows"


def palette(w: World) -> str:
    """Anything by its name."""
    # it ends while other cases run: graph() looks at it
    assert w.api.live_migrate(w.server("s4")["id"], "s3").status == 202
    server = w.server("s2", 1)
    w.at("/", "#failures")
    w.ctrl_k()
    w.check("go to")
    w.page.write(server["name"])
    w.has(server["name"], "document.querySelector('#found')")
    w.page.keys("Enter")
    w.has(server["name"], "document.querySelector('h1')")
    w.ctrl_k()
    w.page.write("b7")
    w.has("host, up", "document.querySelector('#found')")
    w.page.keys("ArrowDown", "ArrowUp", "Enter")
    w.has("Host b7", "document.querySelector('h1')")
    return server["name"]


def bulk(w: World) -> str:
    """Chosen by keyboard, made a plan, which is changed and left."""
    w.at("/servers?host=s2", "tr[data-id]:not([data-id=''])")
    w.has("4 servers")
    for n in range(2):
        w.page.keys("j")
        w.page.until(f"document.activeElement.closest('tr')?.dataset.row === '{n}'", "the row has the focus")
        w.page.keys("x")
        w.has(f"{n + 1} chosen")
    w.check("servers, some chosen")
    w.tab_to("Move", back=True)
    w.page.keys("Enter")
    w.has("--dry-run")
    w.check("bulk")
    w.page.until("document.querySelectorAll('#dialog option').length > 3", "the hosts are there")
    w.tab_to("Where to")
    w.page.keys("s", "3")
    w.has("--to s3")
    w.tab_to("Make the plan")
    w.page.keys("Enter")
    w.has("draft", "document.querySelector('.facts')")
    for text, result in (("left out", "--skip 1"), (None, "--to 2=s1")):
        n = result.split()[1][0]
        w.page.until(f"!!document.querySelector('[aria-label=\"Change step {n}\"]')", "the step can be changed")
        w.press(f"Change step {n}")
        w.page.until("document.querySelectorAll('#dialog option').length > 3", "the hosts are there")
        if text:
            w.check("a step is changed")
            w.tab_to("It goes to")
            w.page.keys("ArrowDown")
        else:
            w.tab_to("Host")
            w.page.keys("s", "1")
        w.has(result, "document.querySelector('#dialog .command')")
        w.tab_to("Change it")
        w.page.keys("Enter")
        w.page.until("!document.querySelector('#dialog').open", "it is changed")
    w.has("skipped", "document.querySelector('#steps + .scroll')")
    w.check("a plan with a step that is left out")

    def numbers(wanted: str) -> None:
        w.page.until(f"[...document.querySelectorAll('#steps + .scroll tbody td:first-child')].map((e) => e.innerText).join() === '{wanted}'", f"the order is {wanted}")
    numbers("1,2")
    w.press("Step 2 up")
    numbers("2,1")
    w.page.until("document.activeElement.getAttribute('aria-label') === 'Change step 2'", "the focus goes with the step")
    w.press("Step 2 down")
    numbers("1,2")
    w.press("Take in step 1")
    w.page.until("!!document.querySelector('[aria-label=\"Change step 1\"]')", "it is in again")
    assert "skipped" not in w.page.ask("document.querySelector('#steps + .scroll').innerText")
    w.has("s1", "document.querySelector('#steps + .scroll')")
    w.check("a plan that was changed")
    number = w.page.ask("location.pathname").rsplit("/", 1)[1]
    assert w.api.call("DELETE", f"/drover/v1/plans/{number}").status == 204
    return f"plan {number}"


def queue(w: World) -> str:
    """One runs for minutes, three wait: what waits goes first."""
    names = [w.server("s2", n) for n in range(4)]
    for server in names:
        assert w.api.live_migrate(server["id"], "s3").status == 202

    def order() -> str:
        return w.page.ask("[...document.querySelectorAll('main tbody tr')].map((e) => e.children[1].innerText).join()")
    w.at("/migrations?status=queued", "main tbody tr")
    w.page.until("document.querySelectorAll('main tbody tr').length === 3", "three wait")
    a, b, c = order().split(",")
    w.check("a queue")
    # the focus goes with the migration, so that a second Enter moves it on
    for label, orders in ((f"Migration {c} up", (f"{a},{c},{b}", f"{c},{a},{b}")), (f"Migration {b} first", (f"{b},{c},{a}",)), (f"Migration {b} down", (f"{c},{b},{a}", f"{c},{a},{b}"))):
        w.tab_to(label)
        for wanted in orders:
            w.page.keys("Enter")
            wait_for(lambda wanted=wanted: order() == wanted, 20, f"the order is {wanted}")
            w.page.until(f"document.activeElement.ariaLabel === {json.dumps(label)}", "the focus has gone with it")
    w.visit(f"/migrations/{b}", "#events")
    w.press("Priority")
    w.asks(f"Priority of migration {b}")
    w.fill("Priority", "900")
    assert w.command() == f"drover migration set {b} --priority 900", w.command()
    w.check("priority")
    w.press("Set it")
    w.asked()
    w.fact_is("In the queue", "1., with priority 900")
    for server in names:
        number = w.api.running_migration(server["id"])["id"]
        assert w.api.call("DELETE", f"/v2.1/servers/{server['id']}/migrations/{number}", mv="2.96").status == 202
    for server in names:
        wait_for(lambda server=server: w.api.server(server["id"])["status"] == "ACTIVE", 60, "it stays")
    return f"{a},{b},{c}"


def migrates(w: World) -> str:
    """By keyboard alone: the dialog with each host's reasons, then the migration to its end without a reload."""
    server = w.server("s1")
    w.at(f"/servers/{server['id']}", "#actions")
    w.has(server["name"], "document.querySelector('h1')")
    w.page.ask("loaded = performance.now()")
    w.page.keys("m")
    w.page.until("document.querySelector('#dialog').open && !!document.querySelector('details .reasons')", "each host was asked")
    assert "RamFilter" in w.page.ask("document.querySelector('.reasons').textContent"), w.page.ask("document.querySelector('.reasons').textContent.slice(0, 500)")
    w.has("Expected: about ", "document.querySelector('#dialog')")
    w.check("migrate")
    w.tab_to(str(w.page.ask("document.querySelector('#dialog summary').innerText")))
    w.page.keys("Enter")
    w.has("RamFilter", "document.querySelector('#dialog')")
    w.check("migrate, with the reasons")
    w.picture("migrate")
    w.page.keys("Enter")
    w.press("Options")
    w.tab_to("Priority in the queue")
    w.page.keys("ArrowUp")
    w.tab_to("Give up after")
    w.page.keys("ArrowUp")
    w.has(f"drover plan bulk {server['id']} --yes --priority 1 --deadline 1", "document.querySelector('#dialog .command')")
    w.check("migrate, with options")
    w.page.keys("ArrowDown")
    w.tab_to("Priority in the queue", back=True)
    w.page.keys("ArrowDown")
    w.tab_to("The host that fits best")
    for _ in range(20):
        if "--host s3" in w.page.ask("document.querySelector('#dialog .command').innerText"):
            break
        w.page.keys("ArrowDown")
    assert w.page.ask("document.querySelector('#dialog .command').innerText") == f"As a command: drover server migrate {server['id']} --live --host s3"
    w.tab_to("Migrate")
    w.page.keys("Enter")
    w.page.until("!document.querySelector('#dialog').open", "it is asked for")
    w.has("completed", "document.querySelector('#moves + .scroll, section[aria-labelledby=moves]')")
    w.page.until("[...document.querySelectorAll('.facts dd')].some((e) => e.innerText === 's3')", "its host is s3")
    assert w.page.ask("loaded > 0"), "the page was loaded again"
    number = w.api.get(f"/drover/v1/migrations?server={server['id']}", None)["migrations"][0]["id"]
    w.at(f"/migrations/{number}", "#events")
    w.has("completed")
    w.check("migration")
    return f"migration {number}"


def stops_one(w: World) -> str:
    """A migration that takes minutes: its progress lives, its priority and its end are asked for."""
    server = w.server("s2")
    assert w.api.live_migrate(server["id"], "s3").status == 202
    number = wait_for(lambda: w.api.running_migration(server["id"]), 20, "the migration runs")["id"]
    w.at(f"/migrations/{number}", "#copy")
    w.has("Time left")
    w.page.until("document.querySelectorAll('.graph .line').length >= 2 && document.querySelector('.graph .left').getAttribute('d').includes('L')", "its graph is drawn")
    w.check("a migration that runs")
    w.at("/servers?status=MIGRATING", "progress")
    w.at(f"/migrations/{number}", "#copy")
    w.tab_to("Abort")
    w.page.keys("Enter")
    w.has("What was sent is lost")
    w.has(f"drover migration abort {number}")
    w.check("abort")
    w.tab_to("Abort it")
    w.page.keys("Enter")
    w.has("cancelled", "document.querySelector('.facts')")
    w.at("/", "#failures")
    w.check("fleet")
    return f"migration {number}"


def graph(w: World) -> str:
    """Of the migration that palette() began: it has ended, and something was decided meanwhile."""
    number = w.api.get("/drover/v1/migrations?host=s4", None)["migrations"][0]["id"]
    wait_for(lambda: w.api.get(f"/drover/v1/migrations/{number}", None)["migration"]["final"], 120, "it has ended")
    w.at(f"/migrations/{number}", "#graph")
    w.page.until("document.querySelectorAll('.graph .mark').length > 0 && document.querySelectorAll('.decisions li').length > 0", "decisions are marked")
    w.check("a graph with decisions")
    w.picture("migration")
    marks = w.page.ask("document.querySelectorAll('.graph .mark').length")
    return f"{marks} decisions"


def starts_it(w: World) -> None:
    """A draft that is shown, to its end."""
    w.press("Start")
    w.asks("The first steps begin now")
    w.press("Start")
    w.fact_is("State", "done")


def drains(w: World) -> str:
    """A host's drain is a plan: made, read, started, done."""
    w.at("/hosts/s1", "#guests + .scroll")
    w.tab_to("Drain")
    w.page.keys("Enter")
    w.has("drover host drain s1 --dry-run")
    w.check("drain")
    w.tab_to("Make the plan")
    w.page.keys("Enter")
    w.page.until("/^.dashboard.plans.\\d+$/.test(location.pathname)", "the plan is shown")
    w.has("draft", "document.querySelector('.facts')")
    w.check("plan")
    starts_it(w)
    w.page.until("[...document.querySelectorAll('#steps + .scroll tbody tr td:nth-child(6)')].every((e) => e.innerText === 'done')", "each step is done")
    w.at("/plans", "tbody tr")
    w.check("plans")
    done = w.page.ask("document.querySelector('tbody tr').innerText").replace("\t", " ")[:40]
    w.at("/hosts/s1", "#guests + .scroll")
    w.tab_to("Undrain")
    w.page.keys("Enter")
    w.has("drover host undrain s1 --dry-run --bring-back")
    w.check("undrain")
    w.tab_to("Make the plan")
    w.page.keys("Enter")
    w.has("draft", "document.querySelector('.facts')")
    starts_it(w)
    return done


def power(w: World) -> str:
    server = w.server("s2", 1)
    w.at(f"/servers/{server['id']}", "#actions")
    w.press("Pause")
    w.asks(f"drover server pause {server['id']}")
    w.check("power")
    w.press("Pause")
    w.fact_is("Status", "PAUSED")
    for name, status in (("Unpause", "ACTIVE"), ("Suspend", "SUSPENDED"), ("Resume", "ACTIVE"), ("Shut off", "SHUTOFF"), ("Start", "ACTIVE")):
        w.press(name, name)
        w.fact_is("Status", status)
    return server["name"]


PIXEL = "(() => { const c = document.querySelector('#screen canvas'); return c && c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; })()"


def consoles(w: World) -> str:
    """In a window of its own: a screen and a serial console, both through a migration, and the way out of them by keyboard."""
    server, first = w.server("s1", 2), w.page.session
    url = f"{w.daemon.url}/dashboard/console/{server['id']}"

    def connected(n: int) -> None:
        w.page.until(f"document.body.dataset.state === 'connected' && document.body.dataset.connections === '{n}'", f"it is connected, for the {n}. time")

    def shows(char: str) -> None:
        w.page.until(f"{PIXEL} === {ord(char)}", f"the guest has {char}")
    w.page.open(url, WATCH)
    connected(1)
    w.page.press("a")
    shows("a")
    assert w.api.live_migrate(server["id"], "s3").status == 202
    connected(2)
    w.page.press("b")
    shows("b")
    w.check("screen")
    assert w.page.ask("document.activeElement.tagName") == "CANVAS"
    w.page.chord("Home", ctrl=True, alt=True)
    assert w.page.ask("document.activeElement.innerText") == "Ctrl-Alt-Del"
    w.tab_to("Type a text")
    w.page.keys("Enter")
    w.page.write("xyz")
    w.check("typing a text")
    w.tab_to("Type it")
    w.page.keys("Enter")
    shows("z")
    wait_for(lambda: not w.api.running_migration(server["id"]), 20, "it has ended")
    w.page.call("Page.navigate", url=url + "?type=serial")
    connected(1)
    w.page.keys(*"ping")
    w.has("ping", "document.querySelector('.xterm-rows')")
    w.check("serial console")
    assert w.api.live_migrate(server["id"], "s1").status == 202
    wait_for(lambda: w.api.host_of(server["id"]) == "s1", 60, "it is back")
    w.page.keys(*"pong")
    w.has("pong", "document.querySelector('.xterm-rows')")
    connected(1)
    assert w.act(server, "os-stop", None).status == 202
    w.page.until("document.body.dataset.state === 'ended'", "the end is told")
    w.has("The server was stopped")
    w.check("the end of a console")
    assert raw(w.daemon.url, "GET", "/dashboard/novnc/vnc.html", {})[0] == 404 and raw(w.daemon.url, "GET", "/dashboard/novnc/core/../../x.js", {})[0] == 404
    w.page.call("Page.close")
    w.front(first)
    wait_for(lambda: w.api.server(server["id"])["status"] == "SHUTOFF", 60, "it is off")
    assert w.act(server, "os-start", None).status == 202
    wait_for(lambda: w.api.server(server["id"])["status"] == "ACTIVE", 60, "it runs again")
    return "VNC and serial"


def many_tabs(w: World) -> str:
    """Twelve of them, which is more than a browser has connections to one place: one reads the stream for all, and another does when it is closed."""
    first = w.page.session
    tabs = []
    for _ in range(11):
        tabs.append(w.page.open(w.daemon.url + "/dashboard/hosts", WATCH))
        w.front(tabs[-1])
        w.live()
        w.page.until("document.querySelectorAll('tbody tr').length > 5", "the hosts are shown")
    assert streams(w) == 1, streams(w)
    w.page.session = first
    w.page.call("Page.close")
    w.page.session = None
    for tab in tabs:
        w.front(tab)
        w.live()
    wait_for(lambda: streams(w) == 1, 20, "one tab reads")
    uuid = w.api.get("/drover/v1/hosts/b8", None)["host"]["uuid"]
    assert w.api.call("PUT", f"/v2.1/os-services/{uuid}", {"status": "disabled", "disabled_reason": "for all tabs"}, mv="2.96").status == 200
    for tab in tabs:
        w.front(tab)
        w.has("for all tabs")
        assert w.page.ask("JSON.stringify(bad)") == "[]", w.page.ask("JSON.stringify(bad)")
        if tab != tabs[0]:
            w.page.call("Page.close")
    w.front(tabs[0])
    w.live()
    return f"{len(tabs) + 1} tabs"


def streams(w: World) -> int:
    return int(re.search(r"^drover_event_streams (\d+)", w.api.call("GET", "/metrics").body.decode(), re.MULTILINE)[1])


def comes_back(w: World) -> str:
    """The controller is killed: the page says that it is not live, and goes on by itself."""
    w.at("/hosts", "tbody tr")
    w.page.ask("loaded = performance.now()")
    w.daemon.kill()
    conf = w.daemon.dir / "drover.conf"
    conf.write_text(conf.read_text().replace(HOSTS["dead"], "qemu+tcp://127.0.0.1:1/system"))
    w.has("Not live", "document.querySelector('#live')")
    w.check("not live")
    w.daemon.start()
    w.live()
    w.api = w.daemon.api()
    assert w.page.ask("loaded > 0"), "the page was loaded again"
    wait_for(lambda: w.api.get("/drover/v1/hosts/s3", None)["host"]["state"] == "up", 20, "the host is up")
    w.page.until("[...document.querySelectorAll('tbody tr')].some((e) => /^s3\\s+up/.test(e.innerText))", "the page says so")
    return "the same session"


def evacuates(w: World) -> str:
    """A host that died with the controller: what is required, an administrator's word, and a verdict for each of its servers."""
    wait_for(lambda: w.api.get("/drover/v1/hosts/dead", None)["host"]["state"] == "down", 60, "it is down")
    w.at("/hosts/dead", "#guests + .scroll")
    w.tab_to("Evacuate")
    w.page.keys("Enter")
    w.has("It is certain to be off")
    w.has("Each of its 2 servers is started again at another host")
    w.check("evacuate, not yet")
    w.tab_to("I have seen that it is off")
    w.page.keys("Enter")
    w.has("openstack compute service set --down dead nova-compute")
    w.fill("Type dead", "death")
    w.page.keys("Enter")
    w.has("That is not dead")
    w.check("not its name")
    w.fill("Type dead", "dead")
    w.page.keys("Enter")
    w.has("an administrator has said so")
    w.has("drover host evacuate dead")
    w.check("evacuate")
    w.tab_to("Where to")
    w.press("Evacuate")
    w.page.until("document.querySelectorAll('#dialog tbody tr').length === 2", "each has a verdict")
    w.check("verdicts")
    said = w.page.ask("document.querySelector('#dialog tbody tr').innerText").replace("\t", " ")
    w.page.keys("Escape")
    return said


def session_ends(w: World) -> str:
    """In the middle: the page asks for a login, and goes on where it was."""
    w.at("/hosts/s3", "#guests")
    cookies = w.page.call("Network.getCookies", urls=[w.daemon.url])["cookies"]
    cookie = next(c for c in cookies if c["name"] == "drover")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict", cookie
    got = w.api.call("DELETE", "/v3/auth/tokens", headers={"X-Subject-Token": cookie["value"]})
    assert got.status == 204, got.fault
    w.page.ask("dispatchEvent(new PopStateEvent('popstate')); history.pushState(null, '', '/dashboard/hosts/s2'); dispatchEvent(new PopStateEvent('popstate'))")
    w.has("The session has ended")
    w.check("the session has ended")
    w.log_in(w.user, w.password)
    w.has("Host s2", "document.querySelector('h1')")
    w.live()
    return "/hosts/s2"


def member(w: World) -> str:
    """It sees its project's servers, and nothing of hosts."""
    def make(kind: str, **fields: object) -> str:
        got = w.api.call("POST", f"/v3/{kind}s", {kind: fields})
        assert got.status == 201, got.fault
        return got.json[kind]["id"]
    project = make("project", name="other")
    user = make("user", name="mia", password="a l0ng one", default_project_id=project)
    role = next(r["id"] for r in w.api.get("/v3/roles", None)["roles"] if r["name"] == "member")
    assert w.api.call("PUT", f"/v3/projects/{project}/users/{user}/roles/{role}").status == 204
    w.press("Log out")
    w.log_in("mia", "a l0ng one")
    w.has("0 servers") if w.page.ask("location.pathname.endsWith('/servers')") else w.page.until("!!document.querySelector('nav')", "it is in")
    w.at("/", "#servers")
    w.has("0 servers")
    w.check("fleet, of a member")
    assert w.page.ask("[...document.querySelectorAll('nav a')].map((e) => e.innerText).join()") == "Fleet,Servers,Settings"
    w.at("/servers", ".window")
    w.has("0 servers")
    w.check("servers, of a member")
    return "mia"


def main() -> int:
    t = Tap()
    only = sys.argv[1:]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    vnc = FakeVnc(paint).port
    hosts = {name: uri + (f"&vnc={vnc}" if name in ("s1", "s3") else "") for name, uri in HOSTS.items()}
    options = {"DEFAULT": {"osapi_compute_listen_port": port}, "serial_console": {"enabled": "true"},
               "vnc": {"enabled": "true", "novncproxy_port": "0", "server_proxyclient_address": "127.0.0.1"}}
    with Daemon(hosts, options=options, tag="dashboard") as daemon:
        daemon.wait_hosts_up(len(HOSTS))
        w = World(daemon)
        wait_for(lambda: w.api.get("/drover/v1/summary", None)["summary"]["servers"]["total"] == SERVERS, 60, "the servers are known")
        with Browser() as w.page:
            for case in (files, types, sessions, logs_in, each_page, events_and_settings, all_servers, palette, bulk, consoles, migrates, queue, stops_one, graph, drains, power, many_tabs, comes_back, evacuates, session_ends, member):
                if only and case.__name__ not in only and case is not logs_in:
                    continue
                with t.test(case.__name__.replace("_", " ")) as notes:
                    notes.append(case(w))
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
