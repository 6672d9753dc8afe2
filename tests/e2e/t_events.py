#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The stream of events: a whole migration, reconnecting after a break and after a kill, clients that do not read; the queue by the client. Simulated hosts."""
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import BUILD, Daemon
from sse import Events, Refused, gaps, number, run
from tap import Skip, Tap
from wait import wait_for

HOSTS = {
    # 2 GiB at 512 MiB a second: some samples
    "s1": "sim://s1?servers=2&server_memory=2048&bandwidth=512&memory=65536",
    "s2": "sim://s2?memory=65536&bandwidth=512",
}
HISTORY = 64
STREAMS_MAX = 4
# so many events do not fit between the daemon and a client that does not read
TOGGLES = 1000
REASON = "x" * 255
WAY = ["check", "queued", "schedule", "prepare", "copy", "finish", "done"]


def ended(migration: int):
    return lambda e: e["type"] == "migration" and e["migration_id"] == migration and e["final"]


def start(api: Api, uuid: str) -> None:
    got = api.live_migrate(uuid)
    assert got.status == 202, got.fault


def toggle(api: Api, service: str, times: int) -> None:
    for i in range(times):
        got = api.call("PUT", f"/v2.1/os-services/{service}", {"status": "disabled", "disabled_reason": REASON} if i % 2 == 0 else {"status": "enabled"}, mv="2.96")
        assert got.status == 200, got.fault


def service_of(api: Api, host: str) -> str:
    return api.get(f"/v2.1/os-services?host={host}&binary=nova-compute")["services"][0]["id"]


def whole(daemon: Daemon, api: Api, uuid: str) -> str:
    with Events(daemon.url, api.token) as all_events:
        source = api.host_of(uuid)
        start(api, uuid)
        last = all_events.until(lambda e: e["type"] == "migration" and e["final"])
        migration = last["migration_id"]
        moved = all_events.until(lambda e: e["type"] == "server" and e["task_state"] is None)
    assert not gaps(all_events.all), gaps(all_events.all)
    phases = all_events.of("migration")
    assert [e["to"] for e in phases] == WAY, phases
    assert [e["from"] for e in phases] == [None] + WAY[:-1], phases
    assert all(e["server_uuid"] == uuid and e["source"] == source for e in phases)
    samples = [e for e in all_events.of("progress") if e["migration_id"] == migration]
    sent = [e["progress"]["memory_processed_bytes"] for e in samples]
    assert len(sent) >= 2 and sent == sorted(sent), sent
    tasks = [e["task_state"] for e in all_events.of("server") if e["server_uuid"] == uuid and "task_state" in e["changed"]]
    assert tasks == ["migrating", None], tasks
    assert api.host_of(uuid) == last["dest"] == moved["host"] != source
    record = api.get(f"/drover/v1/migrations/{migration}", None)["migration"]
    assert record["status"] == last["status"] == "completed"
    return f"{len(all_events.all)} events, {len(samples)} samples"


def back_after_a_break(daemon: Daemon, api: Api, uuid: str) -> str:
    """A client that reconnects in time has missed nothing."""
    with Events(daemon.url, api.token) as stream:
        start(api, uuid)
        event = stream.until(lambda e: e["type"] == "migration" and e["to"] == "copy")
    migration = event["migration_id"]
    wait_for(lambda: api.migrations(uuid)[0]["status"] == "completed", 30, "the migration ends unwatched")
    with Events(daemon.url, api.token, last_id=stream.last_id) as again:
        again.until(ended(migration))
    assert not gaps(stream.all + again.all), stream.all + again.all
    with Events(daemon.url, api.token, query=f"last_event_id={stream.last_id}&type=migration&migration={migration}") as some:
        some.until(ended(migration))
    assert [e["to"] for e in some.all] == ["finish", "done"], some.all
    return f"{len(again.all)} events were waiting"


def back_after_a_kill(daemon: Daemon, api: Api, uuid: str) -> str:
    """What the old process said last is not known to have been all: the new one says so, and goes on."""
    with Events(daemon.url, api.token) as stream:
        start(api, uuid)
        event = stream.until(lambda e: e["type"] == "progress")
        migration = event["migration_id"]
        daemon.kill()
        try:
            while stream.next():
                pass
        except OSError:
            pass
    daemon.start()
    api = daemon.api()
    with Events(daemon.url, api.token, last_id=stream.last_id) as again:
        reset = again.next()
        assert (reset["type"], reset["reason"]) == ("reset", "restart"), reset
        assert run(reset["id"]) > run(stream.last_id)
        # the lists, as it says; then nothing more is missed
        record = api.get(f"/drover/v1/migrations/{migration}", None)["migration"]
        if not record["final"]:
            again.until(ended(migration))
        daemon.wait_hosts_up(2)
        start(api, uuid)
        again.until(lambda e: e["type"] == "migration" and e["final"] and e["migration_id"] > migration)
    assert [number(e["id"]) for e in again.all] == list(range(number(reset["id"]), number(reset["id"]) + len(again.all))), again.all
    return f"the reset, then {len(again.all) - 1} events"


def unread(daemon: Daemon, api: Api, service: str) -> str:
    """One does not read, another does: the first loses only its place, the second misses nothing."""
    with Events(daemon.url, api.token, small=True) as lazy, Events(daemon.url, api.token, query="type=host") as keen:
        for _ in range(TOGGLES // 20):
            toggle(api, service, 20)
            for _ in range(20):
                keen.next()
        assert not gaps([e for e in keen.all]), "the keen one missed some"
        read = 0
        while (event := lazy.next())["type"] != "reset":
            read += 1
        assert event["reason"] == "overrun", event
        assert not gaps(lazy.all[:-1]), "it was told too late that it missed some"
        assert event["id"] == keen.last_id, (event, keen.last_id)
        toggle(api, service, 2)
        assert [number(lazy.next()["id"]) for _ in range(2)] == [number(event["id"]) + 1, number(event["id"]) + 2]
    return f"{TOGGLES} events, {read} of them in flight"


def limits(daemon: Daemon, api: Api) -> None:
    for token, query, want in [(None, "", 401), ("x", "", 401), (api.token, "type=all", 400), (api.token, "server=vm1", 400),
                               (api.token, "migration=-1", 400), (api.token, "host=s1", 400)]:
        try:
            Events(daemon.url, token, query).close()
            raise AssertionError(f"{query} was accepted")
        except Refused as why:
            assert why.status == want, why


def too_many(daemon: Daemon, api: Api) -> None:
    """Clients that have gone silently do not count."""
    for _ in range(3 * STREAMS_MAX):
        Events(daemon.url, api.token).close()
    streams = []
    try:
        while len(streams) <= STREAMS_MAX:
            streams.append(Events(daemon.url, api.token))
        raise AssertionError("there is no limit")
    except Refused as why:
        assert why.status == 503, why
    finally:
        for stream in streams:
            stream.close()


def by_curl(daemon: Daemon, api: Api, service: str) -> None:
    if not shutil.which("curl"):
        raise Skip("there is no curl")
    curl = subprocess.Popen(["curl", "-sN", "-H", f"X-Auth-Token: {api.token}", f"{daemon.url}/drover/v1/events?type=host"],
                            stdout=subprocess.PIPE, text=True)
    try:
        assert curl.stdout.readline() == "retry: 2000\n"
        toggle(api, service, 2)
        lines = [curl.stdout.readline() for _ in range(8)]
        assert [line.partition(":")[0].strip() for line in lines] == ["id", "", "id", "event", "data", "", "id", "event"], lines
    finally:
        curl.terminate()
        curl.wait()


def by_client(daemon: Daemon, api: Api, service: str) -> None:
    """drover, from a known event on."""
    with Events(daemon.url, api.token, query="type=host") as stream:
        toggle(api, service, 2)
        first = stream.next()
    command = [str(BUILD / "cli" / "drover"), "event", "watch", "-f", "json", "--type", "host", "--after", first["id"], "--count", "3"]
    with subprocess.Popen(command, env={**os.environ, **daemon.openrc}, stdout=subprocess.PIPE, text=True) as drover:
        second = json.loads(drover.stdout.readline())
        toggle(api, service, 2)
        rest = [json.loads(line) for line in drover.stdout]
    assert drover.returncode == 0
    assert not gaps([first, second] + rest) and len(rest) == 2, rest


def drover(daemon: Daemon, words: str, status: int = 0) -> str:
    got = subprocess.run([str(BUILD / "cli" / "drover")] + words.split(), env={**os.environ, **daemon.openrc}, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert got.returncode == status, (words, got)
    return got.stdout


def queue_by_client() -> None:
    """A host sends one at a time, and this one for minutes: the other waits, and drover gives it another priority."""
    hosts = {name: uri.replace("bandwidth=512", "bandwidth=8") for name, uri in HOSTS.items()}
    with Daemon(hosts, tag="events-queue") as daemon:
        daemon.wait_hosts_up(2)
        api = daemon.api()
        uuids = [server["id"] for server in api.servers()]
        for uuid in uuids:
            start(api, uuid)
        first, second = [api.migrations(uuid)[0]["id"] for uuid in uuids]
        drover(daemon, f"migration set --priority 7 {uuids[1]} {second}")
        shown = json.loads(drover(daemon, f"migration show -f json {second}"))
        assert (shown["Status"], shown["Phase"], shown["Priority"], shown["Queue Position"]) == ("queued", "queued", 7, 1), shown
        assert "slot of source" in shown["Waits For"], shown
        events = json.loads(drover(daemon, f"migration events -f json {second}"))
        assert [e["To"] for e in events] == ["check", "queued", "queued"] and events[-1]["Why"] == "priority 7", events
        for number in (second, first):
            drover(daemon, f"migration abort {number}")
        wait_for(lambda: api.migrations(uuids[0])[0]["status"] == "cancelled", 30, "the first is aborted")
        refused = drover(daemon, f"migration set --priority 7 {first}", 1)
        assert "is cancelled; its priority can no longer be changed. (HTTP 409)" in refused, refused


def token_ends() -> None:
    with Daemon(HOSTS, options={"token": {"expiration": 10}}, tag="events-token") as daemon:
        api = daemon.api()
        with Events(daemon.url, api.token, query="type=progress") as stream:
            assert stream.next() is None
        assert stream.comments[-1] == "the token is no longer valid", stream.comments


def stop(daemon: Daemon, api: Api) -> None:
    """The stream is ended in order: http.client raises IncompleteRead for one that is cut."""
    with Events(daemon.url, api.token) as stream:
        daemon.signal(signal.SIGTERM)
        while stream.next():
            pass
    daemon.stop()


def main() -> int:
    t = Tap()
    options = {"api": {"event_history": HISTORY, "event_streams_max": STREAMS_MAX}}
    with Daemon(HOSTS, options=options, tag="events") as daemon:
        daemon.wait_hosts_up(2)
        api = daemon.api()
        uuid = api.servers()[0]["id"]
        service = service_of(api, "s2")
        with t.test("a whole migration") as notes:
            notes.append(whole(daemon, api, uuid))
        with t.test("coming back in time") as notes:
            notes.append(back_after_a_break(daemon, api, uuid))
        with t.test("by curl"):
            by_curl(daemon, api, service)
        with t.test("by drover"):
            by_client(daemon, api, service)
        with t.test("a client that does not read") as notes:
            notes.append(unread(daemon, api, service))
        with t.test("what is refused"):
            limits(daemon, api)
        with t.test("too many"):
            too_many(daemon, api)
        with t.test("coming back after a kill") as notes:
            notes.append(back_after_a_kill(daemon, api, uuid))
        with t.test("a stop ends it"):
            stop(daemon, daemon.api())
    with t.test("the queue by drover"):
        queue_by_client()
    with t.test("its token's end is its own"):
        token_ends()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
