#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Stock Horizon in Chromium, on simulated hosts: each page without a red message, and an operator's work by its buttons. What it offers and Drover has not
is refused in words: REFUSED and NO_LOG, which docs/API.md tells. A real guest is live-migrated at the end.
"""
from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from horizon import Horizon
from lab import BEATS, Lab
from rfb import FakeVnc, paint
from tap import Tap
from wait import HANG_S, wait_for

HOSTS = {f"s{n:02}": f"sim://s{n:02}?servers={3 if n < 3 else 0}&server_memory=1024&memory=65536&vcpus=64&network={n}" for n in range(1, 5)}
SERVERS = 6
# Pages and what each shows of this fleet. {server}, {hypervisor}, {project}, {user}: ids.
PAGES = (
    ("/project/", "Limit Summary", "s01-0001"),
    ("/project/instances/", "s01-0001", "10.1.0.1", "Running"),
    ("/project/instances/{server}/", "s01-0001", "10.1.0.1"),
    ("/project/instances/{server}/?tab=instance_details__interfaces", "br0", "10.1.0.1", "Active"),
    ("/project/instances/{server}/?tab=instance_details__audit", "Action"),
    ("/project/api_access/", "/identity/v3", "/v2.1"),
    ("/project/images/", "Images"),
    ("/project/key_pairs", "Key Pairs"),
    ("/project/server_groups/", "Server Groups"),
    ("/project/networks/", "br0", "10.1.0.0/16"),
    ("/project/network_topology/", "Network Topology"),
    ("/project/routers/", "No items"),
    ("/project/security_groups/", "No items"),
    ("/project/floating_ips/", "No items"),
    ("/admin/", "Usage Summary", "admin"),
    ("/admin/hypervisors/", "s01", "s04", "Local Storage"),
    ("/admin/hypervisors/?tab=hypervisor_info__compute_host", "s01", "Enabled"),
    ("/admin/hypervisors/{hypervisor}/", "s01-0001", "s01-0003"),
    ("/admin/aggregates/", "nova", "s01"),
    ("/admin/instances/", "s01-0001", "s02-0003", "10.2.0.3"),
    ("/admin/instances/{server}/detail", "s01-0001"),
    ("/admin/flavors/", "1GB"),
    ("/admin/images/", "Images"),
    ("/admin/networks/", "br0"),
    ("/admin/routers/", "No items"),
    ("/admin/floating_ips/", "No items"),
    ("/admin/defaults/", "Compute Quotas", "VCPUs"),
    ("/admin/defaults/?tab=defaults__network_quotas", "Ports"),
    ("/admin/metadata_defs/", "Metadata Definitions"),
    ("/admin/info/", "keystone", "/network"),
    ("/admin/info/?tab=system_info__nova_services", "nova-compute", "s04"),
    ("/identity/", "admin"),
    ("/identity/{project}/detail/", "admin"),
    ("/identity/{project}/detail/?tab=project_details__users", "admin"),
    ("/identity/{project}/detail/?tab=project_details__groups", "No items"),
    ("/identity/{project}/usage/", "Usage Summary", "s01-0001"),
    ("/identity/{project}/update/", "admin"),
    ("/identity/{project}/update_quotas/", "VCPUs"),
    ("/identity/users/", "admin"),
    ("/identity/users/create/", "Create User"),
    ("/identity/users/{user}/detail/", "admin"),
    ("/identity/users/{user}/detail/?tab=user_details__roleassignments", "admin"),
    ("/identity/users/{user}/detail/?tab=user_details__groups", "No items"),
    ("/identity/groups/", "No items"),
    ("/identity/roles/", "admin", "member", "reader"),
    ("/identity/application_credentials/", "No items"),
    ("/identity/application_credentials/create/", "Create Application Credential"),
)
NO_LOG = "Unable to get log for instance"
# Actions that Horizon offers in the table of a project's servers, what it says of them, and what their forms ask for.
REFUSED = {"delete": ("Unable to delete instance", {}), "shelve": ("Unable to shelve instance", {}), "snapshot": ("Unable to create snapshot", {"name": "s"})}
PASSWORD = "member-pass-0"


class World:
    def __init__(self, daemon: Daemon, horizon: Horizon, vnc: FakeVnc | None = None) -> None:
        self.daemon, self.horizon, self.vnc, self.api = daemon, horizon, vnc, daemon.api()
        self.ids = {server["name"]: server["id"] for server in self.api.servers()}
        self.project = self.api.get("/v3/projects", mv=None)["projects"][0]["id"]
        self.user = self.api.get("/v3/users", mv=None)["users"][0]["id"]

    def places(self) -> dict[str, str]:
        hypervisor = next(row for row in self.api.get("/v2.1/os-hypervisors", mv="2.1")["hypervisors"] if row["hypervisor_hostname"] == "s01")
        return {"server": self.ids["s01-0001"], "project": self.project, "user": self.user, "hypervisor": f"{hypervisor['id']}_s01"}

    def on_server(self, name: str, action: str, page: str = "/admin/instances/", /, **values: str) -> list[str]:
        """Return: what Horizon says in red then."""
        assert self.horizon.go(page) == []
        return self.horizon.act("instances", self.ids[name], action, **values)

    def on_host(self, name: str, action: str, **values: str) -> list[str]:
        assert self.horizon.go("/admin/hypervisors/?tab=hypervisor_info__compute_host") == []
        return self.horizon.act("compute_host", name, action, **values)

    def is_on(self, name: str, *hosts: str) -> str:
        """Once it runs there and nothing is done with it."""
        def there() -> str:
            server = self.api.server(self.ids[name])
            host = server["OS-EXT-SRV-ATTR:host"]
            return host if host in hosts and server["OS-EXT-STS:task_state"] is None and server["status"] == "ACTIVE" else ""
        return wait_for(there, HANG_S, f"{name} is on {hosts}")

    def has_status(self, name: str, status: str) -> None:
        wait_for(lambda: self.api.server(self.ids[name])["status"] == status, HANG_S, f"{name} is {status}")


def check(good: object, what: object) -> None:
    if not good:
        raise AssertionError(what)


def logs_in(w: World) -> str:
    env = w.daemon.openrc
    check(w.horizon.log_in(env["OS_USERNAME"], "wrong") == ["Invalid credentials."], w.horizon.text())
    check(w.horizon.log_in(env["OS_USERNAME"], env["OS_PASSWORD"]) == [], w.horizon.red())
    check("Overview" in w.horizon.text(), w.horizon.text())
    return "as the administrator"


def each_page(w: World) -> str:
    wrong, places = [], w.places()
    for path, *words in PAGES:
        red, text = w.horizon.go(path.format(**places)), w.horizon.text()
        if red or not all(word in text for word in words):
            wrong.append(f"{path}: {red or text}")
    check(not wrong, "\n".join(wrong))
    return f"{len(PAGES)} pages"


def has_no_log(w: World) -> str:
    """Absent by design: no guest's console is kept."""
    check(w.horizon.go(f"/project/instances/{w.ids['s01-0001']}/?tab=instance_details__log") == [], w.horizon.red())
    check(NO_LOG in w.horizon.text(), w.horizon.text())
    return NO_LOG


def shows_a_screen(w: World) -> str:
    seen = len(w.vnc.seen)
    check(w.horizon.go(f"/project/instances/{w.ids['s01-0001']}/?tab=instance_details__console") == [], w.horizon.red())
    wait_for(lambda: len(w.vnc.seen) > seen, HANG_S, "the frame is connected")
    w.horizon.page.call("Page.navigate", url=str(w.horizon.page.ask("document.querySelector('iframe').src")))
    w.horizon.page.until("document.body && document.body.dataset.state == 'connected'", "the page alone is connected")
    return "in its frame and alone"


def live_migrates(w: World) -> str:
    check(w.on_server("s01-0001", "live_migrate", host="s03") == [], w.horizon.red())
    w.is_on("s01-0001", "s03")
    check(w.on_server("s01-0002", "live_migrate", host="AUTO_SCHEDULE") == [], w.horizon.red())
    return "to s03; automatically to " + w.is_on("s01-0002", "s02", "s03", "s04")


def cold_migrates(w: World) -> str:
    check(w.on_server("s02-0001", "migrate") == [], w.horizon.red())
    w.has_status("s02-0001", "VERIFY_RESIZE")
    check(w.on_server("s02-0001", "confirm") == [], w.horizon.red())
    host = w.is_on("s02-0001", "s01", "s03", "s04")
    check(w.on_server("s02-0002", "migrate") == [], w.horizon.red())
    w.has_status("s02-0002", "VERIFY_RESIZE")
    check(w.on_server("s02-0002", "revert") == [], w.horizon.red())
    return f"confirmed on {host}, reverted to {w.is_on('s02-0002', 's02')}"


def powers(w: World) -> str:
    page = "/project/instances/"
    for action, status in (("stop", "SHUTOFF"), ("start", "ACTIVE"), ("pause", "PAUSED"), ("pause", "ACTIVE"), ("suspend", "SUSPENDED"),
                           ("suspend", "ACTIVE"), ("soft_reboot", "ACTIVE"), ("reboot", "ACTIVE")):
        check(w.on_server("s02-0003", action, page) == [], (action, w.horizon.red()))
        w.has_status("s02-0003", status)
        if status == "ACTIVE":
            w.is_on("s02-0003", "s02")
    for action, locked in (("lock", True), ("unlock", False)):
        check(w.on_server("s02-0003", action, page) == [], (action, w.horizon.red()))
        wait_for(lambda: w.api.server(w.ids["s02-0003"])["locked"] == locked, HANG_S, action)
    return "stop, start, pause, suspend, reboot, lock"


def empties_a_host(w: World) -> str:
    """Disabled, then its servers by Horizon's loop, live and cold; enabled again."""
    check(w.on_host("s02", "disable", reason="disks") == [], w.horizon.red())
    check(w.api.get("/v2.1/os-services?host=s02")["services"][0]["disabled_reason"] == "disks", "the reason")
    running = [name for name, uuid in w.ids.items() if w.api.host_of(uuid) == "s02"]
    check(len(running) >= 2, running)
    check(w.on_host("s02", "migrate_maintenance", migrate_type="live_migrate") == [], w.horizon.red())
    for name in running:
        w.is_on(name, "s01", "s03", "s04")
    check(w.on_host("s02", "enable") == [], w.horizon.red())
    check(w.api.get("/v2.1/os-services?host=s02")["services"][0]["status"] == "enabled", "enabled")
    check(w.on_host("s03", "disable", reason="fans") == [], w.horizon.red())
    cold = [name for name, uuid in w.ids.items() if w.api.host_of(uuid) == "s03"]
    check(cold and w.on_host("s03", "migrate_maintenance", migrate_type="cold_migrate") == [], w.horizon.red())
    for name in cold:
        w.has_status(name, "VERIFY_RESIZE")
        check(w.on_server(name, "confirm") == [], w.horizon.red())
        w.is_on(name, "s01", "s02", "s04")
    return f"{len(running)} live, {len(cold)} cold"


def refuses(w: World) -> str:
    for action, (words, values) in REFUSED.items():
        red = w.on_server("s01-0003", action, "/project/instances/", **values)
        check(len(red) == 1 and words in red[0], (action, red))
    w.is_on("s01-0003", *HOSTS)
    return ", ".join(REFUSED)


def of_a_member(w: World) -> str:
    """That user sees one project, and no page of the administrator's."""
    roles = {role["name"]: role["id"] for role in w.api.get("/v3/roles", mv=None)["roles"]}
    made = [w.api.call("POST", "/v3/projects", {"project": {"name": "shop"}}), w.api.call("POST", "/v3/users", {"user": {"name": "mia", "password": PASSWORD}})]
    check([reply.status for reply in made] == [201, 201], made)
    project, user = made[0].json["project"]["id"], made[1].json["user"]["id"]
    check(w.api.call("PUT", f"/v3/projects/{project}/users/{user}/roles/{roles['member']}").status == 204, "the role")
    w.horizon.go("/auth/logout/")
    check(w.horizon.log_in("mia", PASSWORD) == [], w.horizon.red())
    for path in "/project/", "/project/instances/", "/identity/":
        check(w.horizon.go(path) == [], (path, w.horizon.red()))
    check(w.horizon.go("/project/instances/") == [] and "No items" in w.horizon.text(), w.horizon.text())
    w.horizon.go("/admin/instances/")
    check("not authorized" in w.horizon.text(), w.horizon.text())
    return "mia"


def on_simulated_hosts(tap: Tap, only: list[str]) -> None:
    vnc = FakeVnc(paint)
    options = {"vnc": {"enabled": "true", "novncproxy_port": "0", "server_proxyclient_address": "127.0.0.1"}}
    with Daemon({name: f"{uri}&vnc={vnc.port}" for name, uri in HOSTS.items()}, options=options, tag="horizon") as daemon:
        daemon.wait_hosts_up(len(HOSTS))
        wait_for(lambda: len(daemon.api().servers()) == SERVERS, 60, "the servers are known")
        with Horizon(daemon) as horizon:
            w = World(daemon, horizon, vnc)
            for case in (logs_in, each_page, has_no_log, shows_a_screen, live_migrates, cold_migrates, powers, empties_a_host, refuses, of_a_member):
                if only and case.__name__ not in only and case is not logs_in:
                    continue
                with tap.test(case.__name__.replace("_", " ")) as notes:
                    notes.append(case(w))


def real_guest(lab: Lab, daemon: Daemon) -> str:
    """Its heartbeat goes on, and it runs there alone."""
    with Horizon(daemon) as horizon:
        w = World(daemon, horizon)
        check(horizon.log_in(daemon.openrc["OS_USERNAME"], daemon.openrc["OS_PASSWORD"]) == [], horizon.red())
        check(w.on_server("vm1", "live_migrate", host="h2") == [], horizon.red())
        w.is_on("vm1", "h2")
    check(lab.running_on("vm1") == ["h2"], lab.running_on("vm1"))
    return f"{len(w.api.migrations(w.ids['vm1']))} migration, {lab.beat('vm1')['received']} beats"


def main() -> int:
    tap, only = Tap(), sys.argv[1:]
    with Lab(2, "e2e-horizon") as lab:
        uuid = lab("guest", "h1", "vm1", *BEATS).split()[0]  # it boots meanwhile
        on_simulated_hosts(tap, only)
        if not only or "real_guest" in only:
            lab("heartbeat", "wait", "vm1", str(HANG_S))
            with Daemon(lab_hosts(lab), lab, tag="horizon-lab") as daemon:
                daemon.wait_hosts_up(2)
                daemon.wait_event("server_adopted", 20, server=uuid)
                with tap.test("real guest") as notes:
                    notes.append(real_guest(lab, daemon))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
