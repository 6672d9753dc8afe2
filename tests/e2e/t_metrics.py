#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""GET /metrics, read strictly, before and after a migration; access to it. Simulated hosts."""
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import prom
from api import Api
from daemon import Daemon
from sse import Events
from tap import Tap

HOSTS = {
    "s1": "sim://s1?servers=3&server_memory=2048&bandwidth=256&memory=65536",
    "s2": "sim://s2?memory=65536&bandwidth=256",
}
PROGRAMS = {  # what the parser must not let pass
    "no end of line": "# HELP a b\n# TYPE a gauge\na 1",
    "no type": "# HELP a b\na 1\n",
    "another family": "# HELP a b\n# TYPE a gauge\nb 1\n",
    "twice": "# HELP a b\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"1\"} 2\n",
    "label twice": "# HELP a b\n# TYPE a gauge\na{x=\"1\",x=\"1\"} 1\n",
    "escape": "# HELP a b\n# TYPE a gauge\na{x=\"\\q\"} 1\n",
    "quote": "# HELP a b\n# TYPE a gauge\na{x=\"a\"b\"} 1\n",
    "counter's name": "# HELP a b\n# TYPE a counter\na 1\n",
    "not cumulative": "# HELP a_bytes b\n# TYPE a_bytes histogram\na_bytes_bucket{le=\"1\"} 2\na_bytes_bucket{le=\"+Inf\"} 1\na_bytes_sum 1\na_bytes_count 1\n",
    "no infinity": "# HELP a_bytes b\n# TYPE a_bytes histogram\na_bytes_bucket{le=\"1\"} 1\na_bytes_sum 1\na_bytes_count 1\n",
    "number": "# HELP a b\n# TYPE a gauge\na 0x1\n",
    "milliseconds": "# HELP a_ms b\n# TYPE a_ms gauge\na_ms 1\n",
}


def scrape(daemon: Daemon, token: str | None = None) -> tuple[prom.Metrics, str]:
    got = Api(daemon.url).call("GET", "/metrics", token=token)
    assert got.status == 200, got.fault
    assert got.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8", got.headers
    text = got.body.decode()
    return prom.Metrics(text), text


def parser() -> None:
    for name, text in PROGRAMS.items():
        try:
            prom.Metrics(text)
        except prom.Wrong:
            continue
        raise AssertionError(f"the parser lets pass: {name}")


def at_rest(daemon: Daemon) -> str:
    m, text = scrape(daemon)
    assert m.get("drover_build_info") == 1
    assert (m.get("drover_hosts", state="up"), m.get("drover_hosts", state="down")) == (2, 0)
    assert m.get("drover_servers", status="ACTIVE") == m.sum("drover_servers") == 3
    assert m.sum("drover_migrations") == m.sum("drover_migrations_ended_total") == 0
    assert m.get("drover_hypervisor_calls_total", op="dom_list", outcome="done") >= 2
    assert m.get("drover_store_transaction_duration_seconds_count") > 0
    assert m.get("process_resident_memory_bytes") > 1 << 20
    assert 3 < m.get("process_open_fds") < m.get("process_max_fds")
    return f"{len(m.types)} families, {len(m.values)} samples"


def names_nobody(daemon: Daemon, api: Api) -> None:
    _, text = scrape(daemon)
    for server in api.servers():
        for word in (server["id"], server["name"], server["tenant_id"], server["OS-EXT-SRV-ATTR:host"], server["OS-EXT-SRV-ATTR:instance_name"]):
            assert f'"{word}"' not in text, word


def counted(daemon: Daemon, api: Api) -> None:
    """One migration, one request that is refused, one stream."""
    # an administrator's are of this moment, others up to a second old
    before, _ = scrape(daemon, api.token)
    uuid = api.servers()[0]["id"]
    with Events(daemon.url, api.token) as stream:
        assert api.live_migrate(uuid).status == 202
        stream.until(lambda e: e["type"] == "migration" and e["to"] == "copy")
        during, _ = scrape(daemon, api.token)
        stream.until(lambda e: e["type"] == "migration" and e["final"])
    assert api.call("GET", "/v2.1/nothing").status == 404
    after, _ = scrape(daemon, api.token)
    assert during.get("drover_migrations", status="running") == during.get("drover_migration_slots_in_use") == 1
    assert during.get("drover_event_streams") == 1 and after.get("drover_event_streams_opened_total") == 1
    assert after.get("drover_migrations_ended_total", outcome="completed") == 1 and after.sum("drover_migrations_ended_total") == 1
    assert after.get("drover_migration_slots_in_use") == after.get("drover_migration_queue_length") == 0
    for name in ("duration_seconds", "sent_bytes", "downtime_seconds"):
        assert after.get(f"drover_migration_{name}_count") == 1, name
    assert after.get("drover_migration_sent_bytes_sum") >= 1 << 30
    assert after.get("drover_hypervisor_calls_total", op="migrate", outcome="done") == 1
    assert after.get("drover_events_total", type="progress") >= 1
    assert after.get("drover_api_requests_total", method="POST", status="2xx") == before.get("drover_api_requests_total", method="POST", status="2xx") + 1
    assert after.get("drover_api_requests_total", method="GET", status="4xx") == before.get("drover_api_requests_total", method="GET", status="4xx") + 1
    for (name, labels), value in before.values.items():
        if name.endswith(("_total", "_bucket", "_count")):
            assert after.values[name, labels] >= value, (name, labels)


def by_key(daemon: Daemon, api: Api) -> None:
    """[api] metrics, changed at run time."""
    conf = daemon.dir / "drover.conf"
    text = conf.read_text()
    rows = [  # the key, a token or none, the status, whether hosts are named
        ("off", None, 404, False), ("off", api.token, 404, False), ("token", None, 401, False), ("token", "x", 401, False),
        ("token", api.token, 200, True), ("hosts", None, 200, True), ("totals", None, 200, False), ("totals", api.token, 200, False),
    ]
    for key, token, status, named in rows:
        seen = len(daemon.events)
        conf.write_text(text.replace("[DEFAULT]", f"[api]\nmetrics = {key}\n[DEFAULT]"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_event("reloaded", 10, since=seen)
        got = Api(daemon.url).call("GET", "/metrics", token=token)
        assert got.status == status, (key, token, got.status)
        if status == 200:
            m = prom.Metrics(got.body.decode())
            assert ("drover_host_up" in m.types) == named, key
            assert not named or m.get("drover_host_up", host="s1") == 1


def main() -> int:
    t = Tap()
    with t.test(f"the parser finds {len(PROGRAMS)} mistakes"):
        parser()
    with Daemon(HOSTS, tag="metrics") as daemon:
        daemon.wait_hosts_up(2)
        api = daemon.api()
        with t.test("at rest") as notes:
            notes.append(at_rest(daemon))
        with t.test("a migration is counted"):
            counted(daemon, api)
        with t.test("it names no server, project or host"):
            names_nobody(daemon, api)
        with t.test("access to it"):
            by_key(daemon, api)
        with t.test("droverd ends well"):
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
