#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What must not stop the daemon: a log that is not read, lists over many records, files that may not grow, signals. On simulated hosts."""
import fcntl
import json
import resource
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import prom
from api import Api
from daemon import Daemon
from tap import Tap
from wait import HANG_S

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


RECORDS = 20001
INSERT = """
INSERT INTO migrations (uuid, server_uuid, type, phase, status, source, dest, options, user_id, project_id, request_id, action_id,
created_at, updated_at, ended_at) WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < ?)
SELECT printf('00000000-0000-4000-8000-%012d', x), printf('00000000-0000-4000-8000-%012d', x % 50), 'live-migration', 'done', 'completed',
'h1', 'h2', '{}', iif(x = 7, 'rare', 'u'), 'p', 'r', x, x, x, x FROM c
"""


def walk(api: Api, path: str, key: str = "migrations") -> list[int]:
    """All pages of a list; the ids."""
    found, query = [], path
    while query:
        page = api.get(query)
        found += [m["id"] for m in page[key]]
        links = [link["href"] for link in page.get(f"{key}_links", [])]
        query = links[0][len(api.url):] if links else None
    return found


def many_migrations() -> None:
    """D9: by any filter, each record is examined once, and in parts."""
    with Daemon(HOSTS, tag="stalls") as daemon:
        daemon.stop()
        with sqlite3.connect(daemon.dir / "state" / "drover.sqlite") as db:
            db.execute(INSERT, (RECORDS,))
        db.close()
        daemon.start()
        api = daemon.api()
        assert walk(api, "/v2.1/os-migrations?limit=1&user_id=rare") == [7]
        assert walk(api, "/v2.1/os-migrations?user_id=nobody") == []
        assert walk(api, "/v2.1/os-migrations?limit=1&user_id=rare&status=completed&host=h2") == [7]
        assert walk(api, "/v2.1/os-migrations?status=error") == []
        assert walk(api, "/v2.1/os-migrations?changes-before=1970-01-01T00:00:00.000009Z") == list(range(9, 0, -1))
        assert walk(api, "/v2.1/os-migrations?project_id=p&host=h1") == list(range(RECORDS, 0, -1))
        assert walk(api, "/drover/v1/migrations?host=h9") == []
        # Nova's limit=0 is a page without entries
        assert api.get("/drover/v1/migrations?limit=0")["migrations"] == []
        assert len(api.get("/drover/v1/migrations")["migrations"]) == 1000
        daemon.stop()


def loosened_modes() -> None:
    """D22: the database and its folder are for one user again, and the log tells."""
    with Daemon(HOSTS, tag="stalls") as daemon:
        daemon.stop()
        state = daemon.dir / "state"
        state.chmod(0o777)
        (state / "drover.sqlite").chmod(0o666)
        seen = len(daemon.events)
        daemon.start()
        assert (state / "drover.sqlite").stat().st_mode & 0o777 == 0o600
        assert state.stat().st_mode & 0o777 == 0o755
        told = {event["path"]: event["was"] for event in daemon.events[seen:] if event["event"] == "mode_corrected"}
        assert told == {str(state): "0777", str(state / "drover.sqlite"): "0666"}, told
        daemon.stop()
        daemon.start()
        daemon.stop()
        assert sum(event["event"] == "mode_corrected" for event in daemon.events) == 2


def signals_and_limits() -> None:
    """D24: signals that mean nothing do nothing, and a file that may not grow is an error of the request."""
    with Daemon(HOSTS, tag="stalls") as daemon:
        api = daemon.api()
        daemon.wait_hosts_up(1)
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGPIPE, signal.SIGXFSZ):
            daemon.signal(number)
        disable(api, 1)
        kept = resource.prlimit(daemon.proc.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(daemon.proc.pid, resource.RLIMIT_FSIZE, (4096, kept[1]))
        service = api.get("/v2.1/os-services?binary=nova-compute")["services"][0]["id"]
        got = api.call("PUT", f"/v2.1/os-services/{service}", {"status": "enabled"}, mv="2.96")
        assert got.status >= 500, got.status
        resource.prlimit(daemon.proc.pid, resource.RLIMIT_FSIZE, kept)
        got = api.call("PUT", f"/v2.1/os-services/{service}", {"status": "enabled"}, mv="2.96")
        assert got.status == 200, got.fault
        daemon.signal(signal.SIGQUIT)
        assert daemon.proc.wait(HANG_S) == -signal.SIGQUIT
        daemon.restart()
        daemon.stop()


def main() -> int:
    t = Tap()
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # a shell's job in the background has it ignored, and droverd would
    with t.test("D11: a log that is not read stops no request, and has every line when it is read"):
        unread_log()
    with t.test(f"D9: lists of {RECORDS} migrations"):
        many_migrations()
    with t.test("D22: modes that were loosened by hand"):
        loosened_modes()
    with t.test("D24: signals, and files that may not grow"):
        signals_and_limits()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
