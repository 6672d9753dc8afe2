#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What must not stop the daemon: a log that is not read. On simulated hosts."""
import fcntl
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import prom
from api import Api
from daemon import Daemon
from tap import Tap

HOSTS = {"s1": "sim://s1?servers=3&server_memory=2048&memory=65536"}
PIPE = 4096
CHANGES = 400  # each is a line of the log, all of them twenty times the pipe


class Unread(Daemon):
    """Its log is a pipe of one page that is read until the daemon is ready, and then by read_log() only."""


    def _pump(self, proc: subprocess.Popen) -> None:
        fcntl.fcntl(proc.stderr.fileno(), fcntl.F_SETPIPE_SZ, PIPE)
        for line in proc.stderr:
            event = json.loads(line)
            with self._grown:
                self.events.append(event)
                self._grown.notify_all()
            if event["event"] == "ready":
                return

    def read_log(self) -> None:
        super()._pump(self.proc)


def disable(api: Api, times: int) -> None:
    """So many lines of the log."""
    service = api.get("/v2.1/os-services?binary=nova-compute")["services"][0]["id"]
    for n in range(times):
        got = api.call("PUT", f"/v2.1/os-services/{service}", {"status": "disabled", "disabled_reason": f"{n}" * 20}, mv="2.96")
        assert got.status == 200, got.fault


def unread_log() -> None:
    """D11: the pipe is full after some dozen lines; requests are answered, and nothing is lost that the queue can hold."""
    with Unread(HOSTS, tag="stalls") as daemon:
        (daemon.dir / "log").touch()
        disable(daemon.api(), CHANGES)
        text = Api(daemon.url).call("GET", "/metrics", token=None).body.decode()
        assert prom.Metrics(text).get("drover_log_dropped_lines_total") == 0
        daemon.proc.terminate()
        daemon.read_log()
        assert daemon.proc.wait() == 0
        logged = sum(event["event"] == "host_set" for event in daemon.events)
        assert logged == CHANGES, logged
        assert daemon.find_event("stopped")


def main() -> int:
    t = Tap()
    with t.test("D11: a log that is not read stops no request, and has every line when it is read"):
        unread_log()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
