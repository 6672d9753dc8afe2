#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wrong requests get Nova's code and Nova's words (nova.md 4.4). On simulated hosts: s1 to s3, one disabled, one that is not there."""
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api, Reply
from daemon import Daemon
from tap import Tap
from wait import wait_for

HOSTS = {
    # a migration from here takes minutes
    "s1": "sim://s1?servers=3&server_memory=2048&bandwidth=8&working=1024&memory=65536",
    "s2": "sim://s2?memory=65536&bandwidth=8",
    "s3": "sim://s3?servers=1&memory=65536",
    "off": "sim://off?memory=65536",
    "gone": "qemu+tcp://127.0.0.1:9/system",
}
NOBODY = "00000000-0000-4000-8000-000000000000"
BODY_MAX = 114688  # [oslo_middleware] max_request_body_size
TOKEN_SECONDS = 10  # in which a login and a request are done


@dataclass
class Row:
    name: str
    method: str
    path: str
    status: int
    fault: str            # a pattern of "NAME: message"
    body: Any = None
    mv: str | None = "2.30"
    token: str | None = ""


def live(host: str | None, **more: Any) -> dict:
    return {"os-migrateLive": {"host": host, "block_migration": False, **more}}


def rows(free: str, moving: str, mig: int) -> list[Row]:
    """@free: a server of s1 that does nothing. @moving: one with the migration @mig that runs."""
    act = f"/v2.1/servers/{free}/action"
    no_host = "badRequest: No valid host was found. .*"
    return [
        Row("unknown server", "POST", f"/v2.1/servers/{NOBODY}/action", 404, f"itemNotFound: Instance {NOBODY} could not be found.", live("s2")),
        Row("unknown server, shown", "GET", f"/v2.1/servers/{NOBODY}", 404, f"itemNotFound: Instance {NOBODY} could not be found."),
        Row("unknown host", "POST", act, 400, "badRequest: Compute host nowhere could not be found.", live("nowhere")),
        Row("same host", "POST", act, 400, f"badRequest: Unable to migrate instance \\({free}\\) to current host \\(s1\\).", live("s1")),
        Row("host down", "POST", act, 400, no_host + "gone.*", live("gone")),
        Row("host down, forced", "POST", act, 400, "badRequest: Compute service of gone is unavailable at this time.", live("gone", force=True)),
        Row("host disabled", "POST", act, 400, no_host + "off.*", live("off")),
        Row("force without a host", "POST", act, 400, "badRequest: Can't force to a non-provided destination", live(None, force=True)),
        Row("wrong state", "POST", f"/v2.1/servers/{moving}/action", 409,
            f"conflictingRequest: Cannot 'os-migrateLive' instance {moving} while it is in task_state migrating", live("s2")),
        Row("abort of no migration", "DELETE", f"/v2.1/servers/{moving}/migrations/{mig + 99}", 404,
            f"itemNotFound: Migration {mig + 99} not found for instance {moving}"),
        Row("abort where nothing moves", "DELETE", f"/v2.1/servers/{free}/migrations/{mig}", 409,
            f"conflictingRequest: Cannot 'abort live migration' instance {free} while it is in task_state None"),
        Row("force-complete of no migration", "POST", f"/v2.1/servers/{moving}/migrations/{mig + 99}/action", 400,
            f"badRequest: Migration {mig + 99} not found for instance {moving}", {"force_complete": None}),
        Row("bad JSON", "POST", act, 400, "badRequest: Malformed request body.*", b'{"os-migrateLive": {'),
        Row("JSON that is no object", "POST", act, 400, "badRequest: Malformed request body.*", b"[]"),
        Row("a wrong type", "POST", act, 400, "badRequest: Invalid input for field/attribute .*", live(7)),
        Row("a field that is missing", "POST", act, 400, "badRequest: Invalid input for field/attribute os-migrateLive.*", {"os-migrateLive": {}}),
        Row("a field that is not yet there", "POST", act, 400, "badRequest: .*force.*", live("s2", force=True), mv="2.29"),
        Row("a field that is there no more", "POST", act, 400, "badRequest: .*force.*", live("s2", force=True), mv="2.68"),
        Row("unknown action", "POST", act, 400, "badRequest: There is no such action: fly", {"fly": None}),
        Row("bad microversion", "GET", "/v2.1/servers", 400, "badRequest: API Version String 'x' is of invalid format.*", mv="x"),
        Row("microversion too new", "GET", "/v2.1/servers", 406, "computeFault: Version 2.9999 is not supported by the API.*", mv="2.9999"),
        Row("a call that is not yet there", "GET", f"/v2.1/servers/{free}/migrations", 404, "itemNotFound: .*", mv="2.22"),
        Row("no token", "POST", act, 401, "error: The request you have made requires authentication.", live("s2"), token=None),
        Row("a token that is none", "POST", act, 401, "error: The request you have made requires authentication.", live("s2"), token="x" * 64),
        Row("body over the limit", "POST", act, 413, "overLimit: Request is too large.", b" " * (BODY_MAX + 1)),
        Row("unknown path", "GET", "/v2.1/nothing", 404, "itemNotFound: The resource could not be found: this API has no such path."),
    ]


def check(t: Tap, got: Reply, row: Row) -> None:
    good = got.status == row.status and re.fullmatch(row.fault, got.fault, re.DOTALL)
    t.ok(good, f"{row.name}: {row.status} {got.fault.splitlines()[0][:90] if got.fault else ''}",
         f"got {got.status} {got.fault}\nwant {row.status} {row.fault}\nbody {got.body[:400]!r}")


def begin_long_migration(api: Api, uuid: str) -> int:
    got = api.live_migrate(uuid, "s2")
    assert got.status == 202, got.fault
    return wait_for(lambda: api.running_migration(uuid), 10, "the migration runs")["id"]


def disable(api: Api, host: str) -> None:
    found = [s for s in api.get("/v2.1/os-services")["services"] if s["host"] == host and s["binary"] == "nova-compute"]
    got = api.call("PUT", f"/v2.1/os-services/{found[0]['id']}", {"status": "disabled", "disabled_reason": "a test"}, mv="2.96")
    assert got.status == 200, got.fault


def make_user(api: Api) -> dict[str, str]:
    """A user that may see the project's servers, but is not an admin. Return: as in a credentials file."""
    got = api.call("POST", "/v3/users", {"user": {"name": "bob", "password": "b0b's secret", "domain_id": "default"}})
    assert got.status == 201, got.fault
    roles = {role["name"]: role["id"] for role in api.get("/v3/roles", None)["roles"]}
    project = api.get("/v3/projects", None)["projects"][0]
    put = api.call("PUT", f"/v3/projects/{project['id']}/users/{got.json['user']['id']}/roles/{roles['member']}")
    assert put.status == 204, put.fault
    return {"OS_USERNAME": "bob", "OS_PASSWORD": "b0b's secret", "OS_PROJECT_NAME": project["name"]}


def not_admin(t: Tap, daemon: Daemon, free: str) -> None:
    with t.test("a user that is not an admin gets a token"):
        bob = Api(daemon.url)
        bob.login(make_user(daemon.api()))
    check(t, bob.call("POST", f"/v2.1/servers/{free}/action", live("s2"), mv="2.30"),
          Row("not admin, migrate", "", "", 403, "forbidden: Policy doesn't allow os_compute_api:os-migrate-server:migrate_live to be performed."))
    check(t, bob.call("GET", "/v2.1/os-services", mv="2.30"),
          Row("not admin, services", "", "", 403, "forbidden: Policy doesn't allow os_compute_api:os-services:list to be performed."))
    check(t, bob.call("GET", "/v2.1/servers", mv="2.30"), Row("it may list its servers", "", "", 200, ".*"))


def expired(t: Tap) -> None:
    with Daemon({"s1": HOSTS["s3"]}, options={"token": {"expiration": TOKEN_SECONDS}}, tag="expired") as daemon:
        api = daemon.api()
        t.ok(api.call("GET", "/v2.1/servers").status == 200, "a token is good at first")
        with t.test("and is not, when it has expired"):
            got = wait_for(lambda: (reply := api.call("GET", "/v2.1/servers")).status != 200 and reply, TOKEN_SECONDS + 5, "it expires", 0.2)
        check(t, got, Row("expired token", "", "", 401, "error: The request you have made requires authentication."))


def later(t: Tap, api: Api, free: str) -> None:
    """From 2.34 on the checks come after the answer, so their words are in the migration's record and the server's actions."""
    got = api.live_migrate(free, "off")
    t.ok(got.status == 202, "2.34 and later: taken at first", got.fault)
    with t.test("and the migration ends as error, the server is as before"):
        wait_for(lambda: api.migrations(free)[0]["status"] == "error", 10, "the migration ends")
        server = api.server(free)
        assert (server["status"], server["OS-EXT-STS:task_state"], server["OS-EXT-SRV-ATTR:host"]) == ("ACTIVE", None, "s1"), server
    with t.test("the server's action tells why"):
        action = api.get(f"/v2.1/servers/{free}/os-instance-actions")["instanceActions"][0]
        whole = api.get(f"/v2.1/servers/{free}/os-instance-actions/{action['request_id']}")["instanceAction"]
        assert whole["message"] == "Error" and "No valid host was found" in json.dumps(whole["events"]), whole


def main() -> int:
    t = Tap()
    with Daemon(HOSTS, tag="errors") as daemon:
        daemon.wait_hosts_up(4)
        api = daemon.api()
        disable(api, "off")
        free, moving = [s["id"] for s in api.servers() if s["OS-EXT-SRV-ATTR:host"] == "s1"][:2]
        mig = begin_long_migration(api, moving)
        for row in rows(free, moving, mig):
            check(t, api.call(row.method, row.path, row.body, row.mv, row.token), row)
        later(t, api, free)
        not_admin(t, daemon, free)
        t.ok(api.server(moving)["status"] == "MIGRATING", "the migration was not disturbed")
        with t.test("droverd ends well"):
            daemon.stop()
    expired(t)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
