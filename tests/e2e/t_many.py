#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Ten guests are asked to move at once, under every limit; each arrives, and no limit is passed at any instant."""
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import Daemon, lab_hosts
from guest import FINAL, Guest
from lab import Lab
from tap import Tap
from wait import wait_for

COUNT = 10
OUT, INTO, FLEET = 2, 2, 3
OPTIONS = {"DEFAULT": {"max_concurrent_live_migrations": OUT, "max_concurrent_inbound_live_migrations": INTO,
                       "max_concurrent_fleet_live_migrations": FLEET}}
ENDS = ("done", "error", "failed", "cancelled")


def records(api: Api) -> list[dict]:
    """Of all migrations, with their events."""
    return [api.get(f"/drover/v1/migrations/{row['id']}", None)["migration"] for row in api.get("/drover/v1/migrations", None)["migrations"]]


def most_at_once(spans: list[tuple[str, str]]) -> int:
    """@spans: begin and end; one that ends when another begins has made room for it."""
    edges = sorted([(begin, 1) for begin, _ in spans] + [(end, -1) for _, end in spans], key=lambda edge: (edge[0], edge[1]))
    now = most = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def span(record: dict, phase: str = "schedule") -> tuple[str, str]:
    """From the last time that it left the queue, or came to a phase, to its end."""
    begin = [event["at"] for event in record["events"] if event["to"] == phase][-1]
    return begin, next(event["at"] for event in record["events"] if event["to"] in ENDS)


def limits_kept(rows: list[dict]) -> str:
    """By the events of the records, which are written before what they tell of is done."""
    source = {host: most_at_once([span(row) for row in rows if row["source"] == host]) for host in {row["source"] for row in rows}}
    dest = {host: most_at_once([span(row, "prepare") for row in rows if row["dest"] == host]) for host in {row["dest"] for row in rows}}
    fleet = most_at_once([span(row) for row in rows])
    assert max(source.values()) <= OUT and max(dest.values()) <= INTO and fleet <= FLEET, (source, dest, fleet)
    assert fleet > 1, "they went one by one"
    return f"at most {max(source.values())} out of a host, {max(dest.values())} into a host, {fleet} in all"


def incoming(lab: Lab, host: str) -> int:
    """Asked of libvirt: a guest that arrives is paused there, and not defined, until it runs. One that leaves is defined."""
    return len(lab.virsh(host, "list", "--name", "--transient", "--state-paused").split())


def all_at_once(lab: Lab, daemon: Daemon, uuids: dict[str, str]) -> str:
    guests = [Guest(lab, daemon, uuid, name) for name, uuid in uuids.items()]
    api = daemon.api()
    before = {g.name: g.source for g in guests}
    seen = [0]

    for g in guests:
        lab.beat_reset(g.name)
        got = api.live_migrate(g.uuid)
        assert got.status == 202, got.fault

    def ended() -> bool:
        seen.extend(incoming(lab, host) for host in lab.hosts)
        return all(row["status"] in FINAL for row in api.get("/drover/v1/migrations", None)["migrations"])
    wait_for(ended, 240, "all have ended")
    assert 0 < max(seen) <= INTO, seen
    rows = records(api)
    assert len(rows) == COUNT and len({row["server_uuid"] for row in rows}) == COUNT, rows
    for g in guests:
        g.dest = api.host_of(g.uuid)
        assert g.dest != before[g.name]
        g.ends("completed")
    for host in lab.hosts:
        want = {g.name for g in guests if g.dest == host}
        assert set(lab.virsh(host, "list", "--all", "--name").split()) == want, host
    return limits_kept(rows)


def main() -> int:
    t = Tap()
    with Lab(3, "e2e-many") as lab:
        names = [f"vm{number}" for number in range(1, COUNT + 1)]
        with ThreadPoolExecutor(2) as pool:
            uuids = dict(zip(names, pool.map(lambda name: lab.guest("h1" if int(name[2:]) % 2 else "h2", name, "--mem", "96", "--dirty", "4:8"), names)))
        with Daemon(lab_hosts(lab), lab, OPTIONS, "many") as daemon:
            with t.test(f"{COUNT} guests at once") as notes:
                notes.append(all_at_once(lab, daemon, uuids))
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
