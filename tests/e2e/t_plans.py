#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
drover and droverd on a thousand simulated servers: host maps, right and wrong, from files, through pipes and on a terminal; and clients that are killed or
left while they wait for a plan, which goes on.
"""
from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import maps
from daemon import BUILD, Daemon
from stock import Clients
from tap import Tap
from wait import HANG_S, wait_for

HOSTS, EACH = 10, 100
SHAPE = "vcpus=256&memory=262144&disk=20000&network_disks=1&server_memory=512&server_load=140"
DONE, PENDING, REFUSED, LEFT = 0, 2, 4, 130
ASKED = re.compile(r"migrate (\S+) from \S+ to ")


def name(host: int, n: int) -> str:
    return f"s{host}-{n:04}"


class World:
    def __init__(self, daemon: Daemon, folder: Path) -> None:
        self.daemon, self.folder = daemon, folder
        self.clients, self.api = Clients(daemon.openrc), daemon.api()

    def host_of(self, server: str) -> str:
        return next(row["OS-EXT-SRV-ATTR:host"] for row in self.api.get(f"/v2.1/servers/detail?all_tenants=1&name=^{server}$")["servers"])

    def place(self) -> maps.Place:
        uuid = next(row["id"] for row in self.api.get(f"/v2.1/servers/detail?all_tenants=1&name=^{name(1, 1)}$")["servers"])
        return maps.Place("s1", "s2", "s3", name(1, 1), name(1, 2), name(3, 1), uuid)

    def file(self, content: object) -> str:
        path = self.folder / "map.json"
        path.write_bytes(maps.data(content))
        return str(path)

    def plan(self, number: int) -> dict:
        return self.api.get(f"/drover/v1/plans/{number}", None)["plan"]

    def newest(self) -> int:
        rows = self.api.get("/drover/v1/plans?limit=1", None)["plans"]
        return rows[0]["id"] if rows else 0

    def spawn(self, *words: str, **streams: object) -> subprocess.Popen:
        return subprocess.Popen([BUILD / "cli" / "drover", *words], env=self.clients.env, **streams)


# All thousand: the full host takes a hundred for the hundred that leave it.
FURTHER = {f"s{host + 1}" if host < 9 else "full": [name(host, n) for n in range(1, EACH + 1)] for host in range(1, 10)} | {
    "s1": [f"full-{n:04}" for n in range(1, EACH + 1)]}

# Beside those of maps.py. What is in a map, and words of each mistake that must be told.
WRONG = [
    ("a host that is full", {"full": ["s1-0001"]}, ["host full would have to give"]),
    ("all at once", '{"s77": ["s1-0001"],\n "s2": ["nothing", "s1-0002", "s1-0002"],\n "full": ["s1-0003"]}', ["s77", "nothing", "s1-0002", "full"]),
]

# ... and how many moves come of it.
RIGHT = [
    ("a ring", {"s1": [name(3, 1)], "s2": [name(1, 1)], "s3": [name(2, 1)]}, 3),
    ("out of the full host", {"s4": ["full-0001"]}, 1),
    ("in the place of what leaves", {"s4": ["full-0001"], "full": [name(4, 1)]}, 2),
    ("in the place of any that may leave", {"version": 1, "servers": {name(4, 1): "full"}, "rest": "anywhere"}, 2),
    ("a host's all", {"s2": [name(1, n) for n in range(1, EACH + 1)]}, 100),
    ("all servers one host further", FURTHER, 1000),
]


def measured(w: World) -> str:
    """A hundred servers that use 0.14 CPUs each, on 256 CPUs."""
    def loads() -> dict[str, object]:
        return {row["Host"]: row["Load %"] for row in json.loads(w.clients.drover("host", "list", "--long", "-f", "json"))}
    wait_for(lambda: None not in loads().values(), HANG_S, "the load of all hosts is known")
    assert all(load == (0 if host == "full" else 5) for host, load in loads().items()), loads()
    return ""


def wrong(w: World) -> str:
    before, table = w.newest(), maps.wrong(w.place()) + WRONG
    for what, text, words in table:
        said = w.clients.drover("host-map", "apply", "--yes", w.file(text), status=REFUSED)
        assert all(word in said for word in words), (what, said)
    assert w.newest() == before
    return f"{len(table)} maps"


def right(w: World) -> str:
    table = maps.right(w.place()) + RIGHT
    for what, text, moves in table:
        said = w.clients.drover("host-map", "diff", w.file(text), "-f", "json", status=PENDING if moves else DONE)
        assert len(json.loads(said)) == moves if moves else True, (what, said)
    return f"{len(table)} maps"


def applied(w: World) -> str:
    """Many at once, and again: there is nothing to do."""
    moved = [name(1, n) for n in range(1, 41)]
    path = w.file({"s2": moved[:20], "s3": moved[20:]})
    w.clients.drover("host-map", "apply", path, "--yes", "--parallel", "20")
    assert [w.host_of(server) for server in (moved[0], moved[19], moved[20], moved[39])] == ["s2", "s2", "s3", "s3"]
    assert "nothing to do" in w.clients.drover("host-map", "apply", path, "--yes")
    return ""


def piped(w: World) -> str:
    """The seed's own spelling, with answers through a pipe: one is left out, one goes."""
    path = w.file({"s2": [name(4, 1), name(4, 2)]})
    got = subprocess.run([BUILD / "cli" / "drover", "host-map", "--host_map", path, "--timeout", "500"], env=w.clients.env, input="no\nyes\n", capture_output=True, text=True)
    assert got.returncode == PENDING, got
    stays, goes = ASKED.findall(got.stderr)
    assert (w.host_of(stays), w.host_of(goes)) == ("s4", "s2"), got
    w.clients.drover("host-map", "--host_map", path, "--timeout", "500", "--y")
    assert w.host_of(stays) == "s2"
    return ""


def on_terminal(w: World, words: list[str], script: list[tuple[bytes, bytes | int]]) -> tuple[int, str]:
    """@script: what is drawn, and what is then sent: keys, or a signal."""
    main, side = pty.openpty()
    client = w.spawn(*words, stdin=side, stdout=side, stderr=side)
    os.close(side)
    drawn, at = b"", 0
    while select.select([main], [], [], HANG_S)[0]:
        try:
            drawn += os.read(main, 65536)
        except OSError:
            break
        while script and (found := drawn.find(script[0][0], at)) >= 0:
            at = found + len(script[0][0])
            send = script.pop(0)[1]
            os.write(main, send) if isinstance(send, bytes) else client.send_signal(send)
    os.close(main)
    assert not script, (script, drawn)
    return client.wait(HANG_S), drawn.decode()


def asked(w: World) -> str:
    path = w.file({"s2": [name(5, 1), name(5, 2), name(5, 3)]})
    ask = b"[yes/no/all/quit] "
    status, said = on_terminal(w, ["host-map", "apply", path], [(ask, b"y\n"), (ask, b"n\n"), (ask, b"a\n")])
    assert status == PENDING, said
    assert [w.host_of(server) for server in ASKED.findall(said)] == ["s2", "s5", "s2"], said
    return ""


def begun(w: World, number: int) -> bool:
    return w.newest() == number and w.plan(number)["counts"]["done"] > 0


def goes_on(w: World, number: int, host: str) -> str:
    left = w.plan(number)
    assert left["state"] == "running" and left["counts"]["waiting"] > 0, left["counts"]
    wait_for(lambda: w.plan(number)["state"] == "done", HANG_S, f"plan {number} goes on")
    steps = w.plan(number)["steps"]
    assert len(steps) >= EACH and all(step["state"] == "done" and step["attempts"] == 1 for step in steps)
    assert not [row for row in w.api.servers() if row["OS-EXT-SRV-ATTR:host"] == host]
    return f"{left['counts']['waiting']} steps had not begun"


def killed(w: World) -> str:
    """SIGKILL while it waits."""
    number = w.newest() + 1
    client = w.spawn("host", "drain", "s8", "--yes", "--parallel", "2", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: begun(w, number), HANG_S, "the drain has begun")
    client.kill()
    client.wait(HANG_S)
    return goes_on(w, number, "s8")


def left(w: World) -> str:
    """Ctrl-C as soon as it is seen to run, and leave it. Its first "done" may come with its end."""
    number = w.newest() + 1
    status, said = on_terminal(w, ["host", "drain", "s9", "--yes", "--parallel", "1"], [(b" running: ", signal.SIGINT), (b"go on] ", b"leave\n")])
    assert status == LEFT and f"plan {number} goes on" in said, (status, said)
    return goes_on(w, number, "s9")


def all_moved(w: World) -> str:
    w.clients.drover("host", "undrain", "s8", "s9", "--yes")
    path = w.file(FURTHER)
    w.clients.drover("host-map", "apply", path, "--yes", "--parallel", "100")
    assert "nothing to do" in w.clients.drover("host-map", "diff", path)
    steps = w.plan(w.newest())["steps"]
    assert len(steps) > 900 and all(step["state"] == "done" and step["attempts"] == 1 for step in steps), steps
    return f"{len(steps)} moves"


CASES = [
    ("the load of hosts is told", measured),
    ("maps that are wrong", wrong),
    ("maps that are right", right),
    ("a map is applied", applied),
    ("answers through a pipe", piped),
    ("answers on a terminal", asked),
    ("the client is killed while it waits", killed),
    ("the client is left", left),
    ("a map of all thousand is applied", all_moved),
]


def main() -> int:
    t = Tap()
    hosts = {f"s{n}": f"sim://s{n}?{SHAPE}&servers={EACH}" for n in range(1, HOSTS)}
    hosts["full"] = f"sim://full?vcpus=256&memory={EACH * 512 + 512}&disk=20000&network_disks=1&server_memory=512&servers={EACH}"
    options = {"DEFAULT": {"load_interval": 1, "max_concurrent_live_migrations": 0, "max_concurrent_inbound_live_migrations": 0}, "filter_scheduler": {"max_instances_per_host": 1000}}
    with tempfile.TemporaryDirectory(prefix="drover-plans-") as folder, Daemon(hosts, options=options, tag="plans") as daemon:
        api = daemon.api()
        wait_for(lambda: len(api.get(f"/v2.1/servers?all_tenants=1&limit={HOSTS * EACH}")["servers"]) == HOSTS * EACH, 60, "the servers are known")
        world = World(daemon, Path(folder))
        for title, run in CASES:
            with t.test(title) as notes:
                notes += filter(None, [run(world)])
        with t.test("droverd ends well"):
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
