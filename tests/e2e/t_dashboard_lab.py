#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The dashboard in Chromium on real hosts with real guests, by keyboard: each is moved, forced, confirmed, drained and evacuated by the page alone. What the page
then shows is held against what virsh says of every host.
"""
from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import read_openrc
from bmc import PORT, Bmc
from browser import Browser
from consoles import OPTIONS as CONSOLES
from daemon import Daemon, lab_hosts
from dashboard import WATCH, Dashboard
from lab import Lab
from relay import Relay
from tap import Tap
from ticker import New, Tickers
from wait import wait_for

BUSY, IDLE = "60:48", "0"  # six times what is sent in the same time
WEB, BUSY_ONE, TICK = "web", "busy", "tick"
OPTIONS = {
    "DEFAULT": {"cpu_allocation_ratio": 100},
    "libvirt": {"live_migration_bandwidth": 8, "live_migration_completion_timeout": 0, "live_migration_policy": "nova"},
    "fencing": {"fence_timeout": 30},
    **CONSOLES,
}
STEPS = "#steps + .scroll"
GUEST, FROM, TO, STEP_STATE = 1, 2, 3, 5  # columns of a plan's steps


class World(Dashboard):
    def __init__(self, lab: Lab, daemon: Daemon, tickers: Tickers, uuids: dict[str, str]) -> None:
        self.lab, self.daemon, self.tickers, self.uuids = lab, daemon, tickers, uuids
        env = read_openrc(daemon.dir / "state" / "admin-openrc")
        self.user, self.password = env["OS_USERNAME"], env["OS_PASSWORD"]

    def halves(self, guest: str) -> dict[str, str]:
        """What libvirt says of its domain, at each host that has one."""
        found = {host: self.lab.state(host, self.uuids[guest]) for host in self.lab.hosts}
        return {host: state for host, state in found.items() if state}

    def become(self, guest: str, halves: dict[str, str]) -> None:
        """The page goes ahead of what is only tidied up."""
        wait_for(lambda: self.halves(guest) == halves, 60, f"{guest} is {halves}, and nowhere else")

    def whole(self, guest: str, reboots: int = 0) -> None:
        beat = self.lab.beat(guest)
        assert not beat["two_copies"] and not beat["disk_errors"] and beat["reboots"] == reboots, beat

    def server(self, guest: str) -> str:
        """Its page. Return: the host that it shows."""
        self.visit(f"/servers/{self.uuids[guest]}", "#actions")
        self.has(guest, "document.querySelector('h1')")
        return self.fact("Host")

    def choose(self, host: str, how: str = "--live") -> None:
        """In the dialog of a migration."""
        self.tab_to("The host that fits best")
        for _ in self.lab.hosts:
            self.page.keys("ArrowDown")
            if self.command().endswith(f"{how} --host {host}"):
                return
        raise AssertionError(f"{host} is not offered: {self.page.ask('document.querySelector(`#dialog`).innerText')}")

    def migrate(self, guest: str, host: str, how: str = "--live") -> str:
        """From its page. Return: the number of the migration, of the row that comes."""
        before = len(self.rows("section[aria-labelledby=moves]"))
        self.page.keys("m")
        self.asks("Where to")
        self.page.until("!!document.querySelector('#dialog .choice small')", "the hosts have answered")
        if how == "--cold":
            self.tab_to("Live: ")
            self.page.keys("ArrowDown")
        self.choose(host, how)
        self.press("Migrate")
        self.asked()
        self.page.until(f"document.querySelectorAll('section[aria-labelledby=moves] tbody tr').length === {before + 1}", "the migration is listed")
        return self.rows("section[aria-labelledby=moves]")[0][0]

    def newest(self) -> list[str]:
        """Of a server's migrations: kind, status, from, to."""
        return self.rows("section[aria-labelledby=moves]")[0][2:6]

    def is_newest(self, *cells: str) -> None:
        wait_for(lambda: self.newest() == list(cells), 120, f"the newest migration is {cells}")

    def steps(self) -> dict[str, list[str]]:
        return {row[GUEST]: row for row in self.rows(STEPS)}


def logs_in(w: World) -> str:
    w.page.open(w.url + "/dashboard/", WATCH)
    w.log_in(w.user, w.password)
    w.has(f"{len(w.uuids)} servers")
    w.live()
    return ""


def live(w: World) -> str:
    """Chosen among the hosts, and seen to its end without a reload."""
    assert w.server(WEB) == "h1"
    w.lab.beat_reset(WEB)
    w.page.ask("loaded = performance.now()")
    number = w.migrate(WEB, "h2")
    w.is_newest("live-migration", "completed", "h1", "h2")
    w.fact_is("Host", "h2")
    w.fact_is("Status", "ACTIVE")
    assert w.page.ask("loaded > 0"), "the page was loaded again"
    w.become(WEB, {"h2": "running"})
    w.whole(WEB)
    return f"migration {number}"


def forced(w: World) -> str:
    """A guest writes faster than it is sent: the page says so, and that its end is not near; then it is brought to its end by hand."""
    assert w.server(BUSY_ONE) == "h1"
    w.lab.beat_reset(BUSY_ONE)
    w.lab("dirty", BUSY_ONE, BUSY)
    number = w.migrate(BUSY_ONE, "h2")
    w.press(number)
    w.page.until(f"location.pathname === '/dashboard/migrations/{number}' && !!document.querySelector('#copy')", "the migration is shown")
    w.page.until("[...document.querySelectorAll('.facts dd')].some((e) => e.innerText.includes('faster than it is sent, so it does not end by itself now'))", "it says that it does not end")
    w.page.until("[...document.querySelectorAll('.facts div')].some((e) => e.innerText.startsWith('Round') && parseInt(e.querySelector('dd').innerText) >= 3)", "rounds begin")
    assert w.halves(BUSY_ONE) == {"h1": "running", "h2": "paused"}, w.halves(BUSY_ONE)
    w.check("a migration that does not end")
    w.press("Force to complete")
    w.asks("The copy is brought to its end now")
    pause = re.search(r"by a pause of the guest of about (\d+ \w+|less than 1 s)", str(w.page.ask("document.querySelector('#dialog').innerText")))
    assert pause and w.command() == f"drover migration force-complete {number}", w.page.ask("document.querySelector('#dialog').innerText")
    w.check("force to complete")
    w.press("Complete it now")
    w.asked()
    w.fact_is("Status", "completed")
    w.lab("dirty", BUSY_ONE, IDLE)
    story = [row[2] for row in w.rows("section[aria-labelledby=events]")]
    assert any("force" in why for why in story), story
    w.become(BUSY_ONE, {"h2": "running"})
    w.whole(BUSY_ONE)
    return f"a pause of about {pause[1]} was told"


def cold(w: World) -> str:
    """It is shut off, goes, and starts there; the old half goes when it is confirmed."""
    assert w.server(TICK) == "h1"
    number = w.migrate(TICK, "h3", "--cold")
    w.fact_is("Status", "VERIFY_RESIZE")
    w.fact_is("Host", "h3")
    w.become(TICK, {"h1": "shut off", "h3": "running"})
    wait_for(lambda: w.tickers.read("h3", TICK).ticked == 2, 60, "it has booted there")
    w.press("Confirm", "Confirm")
    w.fact_is("Status", "ACTIVE")
    w.is_newest("migration", "confirmed", "h1", "h3")
    w.become(TICK, {"h3": "running"})
    ticks = w.tickers.read("h3", TICK)
    assert (ticks.boots, ticks.two) == (2, 0), ticks
    return f"migration {number}"


def consoles(w: World) -> str:
    """A screen and a serial console in tabs of their own go on by themselves while the guest goes to another host."""
    list_tab, uuid = w.page.session, w.uuids[WEB]
    screen = w.page.open(f"{w.url}/dashboard/console/{uuid}", WATCH)
    w.page.until("document.body.dataset.state === 'connected' && document.body.dataset.connections === '1'", "the screen is there")
    serial = w.page.open(f"{w.url}/dashboard/console/{uuid}?type=serial", WATCH)
    w.page.until("document.body.dataset.state === 'connected'", "the serial console is there")

    def types(command: str, line: str) -> None:
        """What it prints on a line of its own is no echo."""
        w.page.keys(*command, "Enter")
        w.page.until(f"[...document.querySelectorAll('.xterm-rows > div')].some((e) => e.innerText.trim() === {line!r})", f"the guest has said {line}")
    w.page.keys("Enter")
    types("seq 41 43", "42")
    w.front(list_tab)
    source = w.server(WEB)
    dest = next(host for host in w.lab.hosts if host != source)
    w.migrate(WEB, dest)
    w.is_newest("live-migration", "completed", source, dest)
    w.become(WEB, {dest: "running"})
    w.front(serial)
    types("seq 51 53", "52")
    assert w.page.ask("document.body.dataset.connections") == "1", "the same socket"
    w.page.call("Page.close")
    w.front(screen)
    w.page.until("document.body.dataset.state === 'connected' && document.body.dataset.connections === '2'", "the screen is there again")
    lit = "(() => { const c = document.querySelector('#screen canvas'); return [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data].some((v, i) => i % 4 !== 3 && v); })()"
    w.page.until(lit, "the guest's screen is seen")
    gaps = w.page.ask("document.body.dataset.gaps")
    w.page.call("Page.close")
    w.front(list_tab)
    return f"{source} to {dest}; without a screen for {gaps} ms"


def drained(w: World) -> str:
    """One at a time. The first does not end, and the plan is paused meanwhile: it ends, and the other waits until the plan is resumed."""
    assert w.server(BUSY_ONE) == "h2"
    if w.server(WEB) != "h2":
        w.migrate(WEB, "h2")
        w.fact_is("Host", "h2")
    for guest in WEB, BUSY_ONE:
        w.lab("dirty", guest, BUSY)
    w.visit("/hosts/h2", "#guests + .scroll")
    w.press("Drain", "Make the plan")
    w.fact_is("State", "draft")
    w.press("Options")
    w.fill("Migrations at once", "1")
    w.press("Change them")
    w.asked()
    w.fact_is("At once", "1")
    w.press("Start", "Start")
    wait_for(lambda: sorted(row[STEP_STATE] for row in w.rows(STEPS)) == ["running", "waiting"], 60, "one goes, one waits")
    first, second = sorted(w.steps(), key=lambda guest: w.steps()[guest][STEP_STATE])
    to = w.steps()[first][TO]
    wait_for(lambda: w.halves(first) == {"h2": "running", to: "paused"}, 60, f"{first} is being copied")
    w.press("Pause", "Pause")
    w.fact_is("State", "paused")
    w.check("a plan that is paused")
    for guest in WEB, BUSY_ONE:
        w.lab("dirty", guest, IDLE)
    wait_for(lambda: [w.steps()[guest][STEP_STATE] for guest in (first, second)] == ["done", "waiting"], 120, "what ran has ended, what waited waits")
    w.become(first, {to: "running"})
    w.become(second, {"h2": "running"})
    assert w.fact("State") == "paused", w.fact("State")
    w.press("Resume", "Resume")
    w.fact_is("State", "done")
    assert {row[STEP_STATE] for row in w.rows(STEPS)} == {"done"}, w.rows(STEPS)
    for guest, row in w.steps().items():
        w.become(guest, {row[TO]: "running"})
        w.whole(guest)
    assert w.lab.virsh("h2", "list", "--all", "--name").split() == []
    w.visit("/hosts/h2", "#guests + .scroll")
    w.fact_is("Servers", "0")
    return f"{first} before {second}"


def known(w: World) -> bool:
    """What is needed after the death of h3 is in the database: all definitions, and what proves that the others share its folder (fleet/keep.h, fleet/marker.h)."""
    kept = w.daemon.query("SELECT count(*) FROM server_definitions")[0][0]
    return kept >= len(w.uuids) and bool(w.daemon.query("SELECT 1 FROM storage_markers WHERE host = 'h3' AND changed_ns > 0"))


def evacuated(w: World) -> str:
    """A host dies. The page says what is required, has it fenced, and gives a verdict of each server; booted again, it has none of them."""
    wait_for(lambda: known(w), 60, "what an evacuation needs is kept")
    guests = [guest for guest in w.uuids if "h3" in w.halves(guest)]
    assert TICK in guests, guests
    w.visit("/hosts/h3", "#guests + .scroll")
    w.fact_is("State", "up")
    w.lab("kill", "h3")
    w.fact_is("State", "down")
    w.press("Evacuate")
    w.asks("It is certain to be off")
    w.press("Fence it")
    w.asks("switches the machine off")
    w.check("fence")
    w.fill("Type h3", "h3")
    w.press("Switch it off")
    w.asks("It is off: fenced")
    assert w.command() == "drover host evacuate h3"
    w.check("evacuate, fenced")
    w.tab_to("Where to")
    w.press("Evacuate")
    w.page.until(f"document.querySelectorAll('#dialog tbody tr').length === {len(guests)}", "each has a verdict")
    verdicts = w.rows("#dialog")
    assert sorted(row[0] for row in verdicts) == sorted(guests) and {row[3] for row in verdicts} == {"passed"}, verdicts
    w.press("Close")
    w.asked()
    for guest in guests:
        w.server(guest)
        w.page.until("['done', 'completed'].includes(document.querySelector('section[aria-labelledby=moves] tbody tr')?.children[3].innerText)", f"{guest} was evacuated")
        w.fact_is("Status", "ACTIVE")
        host = w.fact("Host")
        assert host != "h3", host
        w.become(guest, {host: "running"})
    w.lab("boot", "h3")
    w.visit("/hosts/h3", "#guests + .scroll")
    w.fact_is("State", "up")
    w.fact_is("Servers", "0")
    assert w.lab.virsh("h3", "list", "--all", "--name").split() == [], w.lab.virsh("h3", "list", "--all")
    for guest in guests:
        assert list(w.halves(guest).values()) == ["running"], w.halves(guest)
    return ", ".join(guests)


def main() -> int:
    t = Tap()
    only = sys.argv[1:]
    with Lab(3, "e2e-dash") as lab, Bmc(lab, "h3", PORT) as bmc:
        tickers = Tickers(lab)
        uuids = {TICK: tickers.make("h1", [New(TICK)])[0]}
        uuids |= lab.guests({WEB: ("h1", "--mem", "128", "--disk", "shared", "--vnc"), BUSY_ONE: ("h1", "--mem", "128", "--disk", "shared")})
        options = {**OPTIONS, "host h3": {"fence_agent": "fence_ipmilan", "fence_options": bmc.options()}}
        with Daemon(lab_hosts(lab), lab, options, "dashboard-lab") as daemon:
            daemon.wait_hosts_up(3, 60)
            wait_for(lambda: len(daemon.api().servers()) == len(uuids), 60, "the servers are known")
            w = World(lab, daemon, tickers, uuids)
            # the consoles' proxy listens in the lab, and so does the page's address
            with Relay(daemon.url, lab.netns) as relay, Browser(lab.netns) as w.page:
                w.url = relay.url
                for case in (logs_in, live, forced, cold, consoles, drained, evacuated):
                    if only and case.__name__ not in only and case is not logs_in:
                        continue
                    with t.test(case.__name__.replace("_", " ")) as notes:
                        notes += filter(None, [case(w)])
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
