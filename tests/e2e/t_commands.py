#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The commands of the stock openstack client, those that Drover has an answer for and those that it has not, on simulated hosts: docs/CLIENTS.md is what came of it,
REGEN=1 writes that. Each that fails says why in words, and each of the client's commands for what is in Drover's catalogue is in commands.txt.
"""
from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import ROOT, Daemon
from stock import Clients, normalise
from tap import Tap
from wait import HANG_S, wait_for

HOSTS = {f"s{n:02}": f"sim://s{n:02}?servers={2 if n == 1 else 0}&server_memory=1024&memory=65536&vcpus=64&network={n}" for n in range(1, 4)}
DOC = ROOT / "docs" / "CLIENTS.md"
BEGIN, END = "<!-- table commands -->", "<!-- end -->"
LIST = Path(__file__).with_name("commands.txt")
NONE = "11111111-2222-3333-4444-555555555555"
AT_ONCE = 4  # of those that change nothing
ASKS = re.compile(r" (list|show|issue)\b|^(configuration|versions|limits|catalog) ")
# Of these groups each command is in the list; of the others those that list, which tell what there is.
WHOLE = ("openstack.common", "openstack.compute.v2", "openstack.image.v2")
LISTS = ("openstack.identity.v3", "openstack.network.v2")
LEFT_OUT = {"server ssh": "it starts ssh"}
# What would be no words: the client's own failure, or an answer without any.
WORDLESS = re.compile(r"Traceback|object has no attribute|Unrecognized schema|HTTP 5\d\d|Internal Server|^\w*$")
# Here it is the client's own, whatever the server.
CLIENTS_OWN = {
    "host set --disable s01": "it reads the words of Keystone's errors only",
    "server group show g": "it does not expect that there is none",
    "server group delete g": "likewise",
    "server rebuild {server}": "it wants an image",
    "server remove fixed ip {server} 10.1.0.1": "its action ended with 2.44",
    "image save --file /dev/null {none}": "it does not expect that there is none",
    "image member list {none}": "it does not expect that there is none",
}
# A summary, whose reason is in the line before.
SUMMARY = re.compile(r"^(\d+ of \d+ .* failed to|Failed to delete \d+ of|Command Failed: One or more)")
# What openstacksdk puts before an answer's words.
BEFORE = re.compile(r"(?:Error while executing command: )?\w+: (\d{3})(?:: Client Error for url: \S+)?, (.*)")


def places(api: Api, folder: Path) -> dict[str, str]:
    rules = folder / "rules.json"
    rules.write_text("{}")
    servers = {server["name"]: server["id"] for server in api.servers()}
    catalogue = api.get("/v3/endpoints", mv=None)["endpoints"]
    return {"rules": str(rules), "server": "s01-0001", "other": "s01-0002", "none": NONE, "flavor": api.get("/v2.1/flavors")["flavors"][0]["name"],
            "project": api.get("/v3/projects", mv=None)["projects"][0]["id"], "user": api.get("/v3/users", mv=None)["users"][0]["id"],
            "service": api.get("/v2.1/os-services?host=s03")["services"][0]["id"], "endpoint": catalogue[0]["id"],
            "port": api.get(f"/network/v2.0/ports?device_id={servers['s01-0001']}", mv=None)["ports"][0]["id"],
            "subnet": api.get("/network/v2.0/subnets", mv=None)["subnets"][0]["id"]}


def settled(api: Api) -> None:
    wait_for(lambda: all(server["OS-EXT-STS:task_state"] is None for server in api.servers()), HANG_S, "no server has a task")


class Run:
    def __init__(self, daemon: Daemon) -> None:
        self.api, self.clients = daemon.api(), Clients(daemon.openrc)
        self.places = places(self.api, daemon.dir)
        self.names = {**{value: f"{{{name}}}" for name, value in self.places.items() if len(value) >= 32}, daemon.url: ""}
        self.lines = [line for line in LIST.read_text().splitlines() if not line.startswith("#")]

    def one(self, line: str) -> tuple[int, str]:
        """Return: its status, and what it says if that is not 0."""
        status, text = self.clients.run("openstack " + line.format(**self.places))
        return status, self.said(text) if status else ""

    def said(self, text: str) -> str:
        """The client's last words, as a cell of a table."""
        text = re.sub(r"<(uuid|hex|time)>", r"{\1}", normalise(text, self.names))
        lines = [line.strip() for line in re.sub(r" ?\(Request-ID: [^)]*\)", "", text).splitlines() if line.strip()]
        last = next((line for line in reversed(lines) if not SUMMARY.search(line)), "")
        return BEFORE.sub(r"\2 (HTTP \1)", re.sub(r"\bs0\d\b", "{host}", last)).replace("|", "\\|")

    def all(self) -> dict[str, tuple[int, str]]:
        """Those that change something one by one, as each finds what the one before left; the others beside them, once nothing changes any more."""
        got = {}
        for line in self.lines:
            if not ASKS.search(line) or line.startswith(("project show", "user show", "application credential show")):
                got[line] = self.one(line)
                settled(self.api)
        asks = [line for line in self.lines if line not in got]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            got.update(zip(asks, pool.map(self.one, asks)))
        return {line: got[line] for line in self.lines}


def table(got: dict[str, tuple[int, str]]) -> str:
    rows = [f"| `{line}` | {'yes' if status == 0 else said} |" for line, (status, said) in got.items()]
    return "\n".join(["| `openstack ...` | |", "|---|---|", *rows])


def of_client(group: str) -> list[str]:
    """Its commands, as a user types them."""
    return [point.name.replace("_", " ") for point in importlib.metadata.entry_points(group=group)]


def missing(lines: list[str]) -> list[str]:
    wanted = [command for group in WHOLE for command in of_client(group)]
    wanted += [command for group in LISTS for command in of_client(group) if command.endswith(" list")]
    return [command for command in wanted if command not in LEFT_OUT and not any(f"{line} ".startswith(f"{command} ") for line in lines)]


def main() -> int:
    tap = Tap()
    with Daemon(HOSTS, options={"serial_console": {"enabled": "true"}, "vnc": {"enabled": "true", "novncproxy_port": "0"}}, tag="commands") as daemon:
        daemon.wait_hosts_up(len(HOSTS))
        wait_for(lambda: len(daemon.api().get("/network/v2.0/subnets", mv=None)["subnets"]) == 1, 60, "the addresses of s01's servers are known")
        run = Run(daemon)
        tap.ok(not missing(run.lines), "each command of the client is tried", f"not in {LIST.name}: {missing(run.lines)}")
        got = run.all()
    wordless = {line: said for line, (status, said) in got.items() if status and WORDLESS.search(said)}
    tap.ok(wordless.keys() == CLIENTS_OWN.keys(), "what fails says why, in words, but for the client's own failures", "\n".join(f"{line}: {said}" for line, said in wordless.items()))
    head, _, rest = DOC.read_text().partition(BEGIN)
    was, _, tail = rest.partition(END)
    now = f"\n{table(got)}\n"
    if os.environ.get("REGEN"):
        DOC.write_text(head + BEGIN + now + END + tail)
        was = now
    differs = [row for row in now.splitlines() if row not in was.splitlines()] + [row for row in was.splitlines() if row not in now.splitlines()]
    tap.ok(was == now, f"{sum(not status for status, _ in got.values())} of {len(got)} commands end well, as {DOC.name} says", "\n".join(differs))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
