#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the stock clients ask besides migrations, on simulated hosts: quotas, usage, security groups (F14)."""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon
from stock import Clients
from tap import Tap

HOSTS = {
    "s1": "sim://s1?servers=3&server_memory=2048&memory=65536",
    "s2": "sim://s2?servers=1&memory=65536",
}
SERVERS = 4


def shown(clients: Clients, line: str) -> dict:
    return json.loads(clients.must(f"{line} -f json"))


def listed(clients: Clients, line: str) -> list[dict]:
    return json.loads(clients.must(f"{line} -f json"))


def check(good: object, what: object) -> None:
    if not good:
        raise AssertionError(what)


def quotas(tap: Tap, clients: Clients) -> None:
    with tap.test("F14: openstack quota show: unlimited"):
        got = shown(clients, "openstack quota show")
        check(all(got[name] == -1 for name in ("instances", "cores", "ram", "floating-ips", "networks", "ports")), got)
    with tap.test("F14: openstack quota show --default, and of a project by name"):
        for more in ("--default", "admin"):
            got = shown(clients, f"openstack quota show {more}")
            check(got["cores"] == -1, got)
    with tap.test("F14: openstack quota list --detail counts what is used"):
        got = {row["Resource"]: row for row in listed(clients, "openstack quota list --compute --detail")}
        check(got["instances"]["In Use"] == SERVERS and got["instances"]["Limit"] == -1, got)
        got = {row["Resource"]: row for row in listed(clients, "openstack quota list --network --detail")}
        check(got["routers"]["In Use"] == 0 and got["routers"]["Limit"] == -1, got)
    with tap.test("F14: openstack quota list: no project has quotas of its own"):
        check(listed(clients, "openstack quota list --compute") == [], "compute")
        check(listed(clients, "openstack quota list --network") == [], "network")
    with tap.test("F14: nova quota-show, quota-class-show, limits"):
        for command in ("quota-show", "quota-show --detail", "quota-defaults", "quota-class-show default", "limits", "usage", "usage-list"):
            clients.must(f"nova {command}")


def usage(tap: Tap, clients: Clients) -> None:
    with tap.test("F14: openstack usage list and show: the servers of the project"):
        got = listed(clients, "openstack usage list")
        check(len(got) == 1 and len(got[0]["Servers"]) == SERVERS, got)
        got = shown(clients, "openstack usage show")
        check(len(got["Servers"]) == SERVERS and got["CPU Hours"] >= 0, got)
    with tap.test("F14: usage by pages ends"):
        got = listed(clients, "openstack --os-compute-api-version 2.40 usage list")
        check(len(got[0]["Servers"]) == SERVERS, got)
    with tap.test("F14: a period before the servers has none"):
        check(listed(clients, "openstack usage list --start 2012-01-01 --end 2012-02-01") == [], "list")


def security_groups(tap: Tap, clients: Clients) -> None:
    with tap.test("F14: security groups: none"):
        check(listed(clients, "openstack security group list") == [], "list")
        name = listed(clients, "openstack server list")[0]["Name"]
        check("Id" in clients.must(f"nova list-secgroup {name}"), "nova")


def main() -> int:
    tap = Tap()
    with Daemon(HOSTS, tag="clients") as daemon:
        daemon.wait_hosts_up(len(HOSTS))
        clients = Clients(daemon.openrc)
        quotas(tap, clients)
        usage(tap, clients)
        security_groups(tap, clients)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
