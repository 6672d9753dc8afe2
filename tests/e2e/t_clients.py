#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the stock clients ask besides migrations, on simulated hosts: addresses, quotas, usage, security groups (F14), empty lists, application credentials (F13)."""
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon
from stock import Clients
from tap import Tap
from wait import wait_for

HOSTS = {
    "s1": "sim://s1?servers=3&server_memory=2048&memory=65536&network=7",
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


def empty_lists(tap: Tap, clients: Clients) -> None:
    with tap.test("what Drover keeps nothing of is an empty list"):
        for line in ("group list", "group list --user admin", "credential list", "policy list", "limit list", "registered limit list",
                     "extension list --compute", "extension list --network", "subnet pool list", "ip availability list"):
            check(listed(clients, f"openstack {line}") == [], line)
    with tap.test("a method and a path that are absent are told as such"):
        for line, why in (("openstack group create g", "POST is not supported for this resource; it has GET."),
                          ("openstack aggregate create a", "POST is not supported for this resource; it has GET."),
                          ("nova diagnostics s1-0001", "this API has no such path")):
            status, text = clients.run(line)
            check(status != 0 and why in text, f"{line}: {status} {text}")


def addresses(tap: Tap, clients: Clients) -> None:
    """Of s1's servers; s2's have none."""
    with tap.test("openstack server list shows addresses, by network"):
        def known() -> list[dict]:
            rows = [row for row in listed(clients, "openstack server list") if row["Name"].startswith("s1-")]
            return rows if all(row["Networks"]["br0"] for row in rows) else []
        rows = wait_for(known, 60, "the addresses are known", 0.5)
        check({row["Name"]: row["Networks"] for row in rows} == {f"s1-000{n}": {"br0": [f"10.7.0.{n}"]} for n in (1, 2, 3)}, rows)
    with tap.test("openstack server list --ip, --ip6"):
        check([row["Name"] for row in listed(clients, "openstack server list --ip '^10\\.7\\.0\\.2$'")] == ["s1-0002"], "--ip")
        check([row["Name"] for row in listed(clients, "openstack server list --ip 10.7.0.3")] == ["s1-0003"], "a literal")
        check(listed(clients, "openstack server list --ip6 2001") == [], "--ip6")
    with tap.test("openstack server show, nova list, nova interface-list"):
        check(shown(clients, "openstack server show s1-0001")["addresses"] == {"br0": ["10.7.0.1"]}, "show")
        check("br0=10.7.0.1" in clients.must("nova list"), "nova list")
        check("10.7.0.1" in clients.must("nova interface-list s1-0001"), "nova interface-list")
    with tap.test("openstack port list --server, port show"):
        ports = listed(clients, "openstack port list --server s1-0001")
        check(len(ports) == 1 and ports[0]["Fixed IP Addresses"][0]["ip_address"] == "10.7.0.1", ports)
        port = shown(clients, f"openstack port show {ports[0]['ID']}")
        check(port["binding_host_id"] == "s1" and port["device_owner"] == "compute:nova" and port["status"] == "ACTIVE", port)
        check(listed(clients, "openstack port list --host s2 --server s1-0001") == [], "--host")
        check(len(listed(clients, f"openstack port list --mac-address {port['mac_address']}")) == 1, "--mac-address")
        check(len(listed(clients, "openstack port list --fixed-ip ip-address=10.7.0.2")) == 1, "--fixed-ip")
    with tap.test("openstack network and subnet list, show; port list --network"):
        networks = listed(clients, "openstack network list")
        check([row["Name"] for row in networks] == ["br0"], networks)
        subnets = listed(clients, "openstack subnet list")
        check([row["Subnet"] for row in subnets] == ["10.7.0.0/16"] and networks[0]["Subnets"] == [subnets[0]["ID"]], subnets)
        check(shown(clients, f"openstack subnet show {subnets[0]['ID']}")["network_id"] == networks[0]["ID"], "subnet show")
        check(shown(clients, "openstack network show br0")["id"] == networks[0]["ID"], "network show")
        check(len(listed(clients, "openstack port list --network br0")) == SERVERS, "--network")


def with_credential(daemon: Daemon, credential: dict) -> Clients:
    """By clouds.yaml, as programs have it."""
    folder = daemon.dir / "robot"
    folder.mkdir(exist_ok=True)
    (folder / "clouds.yaml").write_text(json.dumps({"clouds": {"robot": {
        "auth_type": "v3applicationcredential", "region_name": "RegionOne",
        "auth": {"auth_url": daemon.openrc["OS_AUTH_URL"], "application_credential_id": credential["id"],
                 "application_credential_secret": credential["secret"]}}}}))
    os.chmod(folder / "clouds.yaml", 0o600)
    return Clients({"OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"), "OS_CLOUD": "robot"})


def credentials(tap: Tap, daemon: Daemon, clients: Clients) -> None:
    with tap.test("F13: openstack application credential create, list, show"):
        made = shown(clients, "openstack application credential create robot --role reader --role member")
        check(made["secret"] and made["name"] == "robot" and not made["unrestricted"], made)
        check([row["Name"] for row in listed(clients, "openstack application credential list")] == ["robot"], "list")
        again = shown(clients, "openstack application credential show robot")
        check(again["id"] == made["id"] and "secret" not in again, again)
    robot = with_credential(daemon, made)
    with tap.test("F13: clouds.yaml with v3applicationcredential: servers are listed, users are not"):
        check(len(listed(robot, "openstack server list")) == SERVERS, "list")
        status, text = robot.run("openstack user list")
        check(status != 0 and "identity:list_users" in text, text)
        check(shown(robot, "openstack token issue")["project_id"], "token issue")
    with tap.test("F13: it makes no others"):
        status, text = robot.run("openstack application credential create child")
        check(status != 0 and "not allowed for managing additional application credentials" in text, text)
    with tap.test("F13: a domain scope is refused by its name"):
        keep = {name: value for name, value in daemon.openrc.items() if not name.startswith("OS_PROJECT")}
        status, text = Clients({**keep, "OS_DOMAIN_ID": "default"}).run("openstack token issue")
        check(status != 0 and "unsupported scope: domain" in text, text)
    with tap.test("F13: it is good after a restart, and over when it is deleted"):
        daemon.restart()
        daemon.wait_hosts_up(len(HOSTS))
        fresh = Clients(daemon.openrc)
        robot = with_credential(daemon, made)
        check(len(listed(robot, "openstack server list")) == SERVERS, "after a restart")
        fresh.must("openstack application credential delete robot")
        status, text = robot.run("openstack server list")
        check(status != 0 and "requires authentication" in text, text)


def main() -> int:
    tap = Tap()
    with Daemon(HOSTS, tag="clients") as daemon:
        daemon.wait_hosts_up(len(HOSTS))
        clients = Clients(daemon.openrc)
        quotas(tap, clients)
        usage(tap, clients)
        security_groups(tap, clients)
        empty_lists(tap, clients)
        addresses(tap, clients)
        credentials(tap, daemon, clients)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
