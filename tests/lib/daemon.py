# SPDX-License-Identifier: Apache-2.0
"""A droverd with a state folder of its own that lives as long as a "with" block."""
from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from typing import Callable

from api import Api, read_openrc
from lab import KEPT, ROOT, Lab, terminate
from wait import HANG_S, wait_for

SERVE = ROOT / "tests" / "lib" / "serve"
BUILD = Path(os.environ.get("DROVER_BUILD", ROOT / "build" / "gcc"))


def lab_hosts(lab: Lab) -> dict[str, str]:
    return {host: lab.uri(host) for host in lab.hosts}


def write_conf(path: Path, hosts: dict[str, str], options: dict[str, dict[str, object]]) -> None:
    """@hosts: name -> URI. @options: section -> name -> value; of a "host NAME" beside its URI."""
    sections = {**options}
    for name, uri in hosts.items():
        sections[f"host {name}"] = {"uri": uri, **options.get(f"host {name}", {})}
    lines = []
    for section, values in sections.items():
        lines += [f"[{section}]"] + [f"{name} = {value}" for name, value in values.items()]
    path.write_text("\n".join(lines) + "\n")


class Daemon:
    """
    @lab: its controller's namespace is where the daemon runs, while it listens here; None: it needs none
    @options: section -> name -> value, over what tests need
    """

    def __init__(self, hosts: dict[str, str], lab: Lab | None = None, options: dict | None = None, tag: str = "test") -> None:
        self.dir = Path(tempfile.mkdtemp(prefix=f"drover-{tag}-", dir="/var/tmp"))
        self.tag = tag
        self.lab = lab
        self.events: list[dict] = []
        self.watchers: list[Callable[[dict], None]] = []
        self.proc: subprocess.Popen | None = None
        self.pump: threading.Thread | None = None
        self.url = ""
        self.env: dict[str, str] = {}  # over ours, from the next start on
        if lab and "ASAN_OPTIONS" in os.environ:
            # libvirt keeps no frame pointers: without this nothing behind its frames is known, and lsan.supp cannot name it
            self.env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"] + ":fast_unwind_on_malloc=0"
        self.wrap: list[str] = []      # before the command, likewise
        self._grown = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512) if lab else None
        merged = {"DEFAULT": {"state_path": self.dir / "state", "osapi_compute_listen_port": 0, "log_format": "json",
                              "report_interval": 1}}
        if any(uri.startswith(("sim:", "test:")) for uri in hosts.values()):
            merged["workarounds"] = {"allow_any_uri": "true"}
        for section, values in (options or {}).items():
            merged.setdefault(section, {}).update(values)
        write_conf(self.dir / "drover.conf", hosts, merged)

    # ---- life ----

    def __enter__(self) -> Daemon:
        signal.signal(signal.SIGTERM, terminate)
        try:
            self.start()
        except BaseException as why:
            self.__exit__(type(why), why, None)
            raise
        return self

    def __exit__(self, *why: object) -> None:
        self.kill()
        if self._listener:
            self._listener.close()
        KEPT.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.dir / "log", KEPT / f"droverd-{self.tag}.log")
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self) -> None:
        seen = len(self.events)
        self.spawn()
        self.url = self.wait_event("ready", 20, since=seen)["url"]

    def spawn(self) -> None:
        """Without waiting for it."""
        # so that it ends if two threads are in one connection of libvirt, see tests/hv/wakes.c
        preload = " ".join([str(BUILD / "tests/hv/wakes.so"), *filter(None, [self.env.get("LD_PRELOAD")])])
        command = [*self.wrap, "env", f"LD_PRELOAD={preload}", str(BUILD / "src" / "droverd"), "--config", str(self.dir / "drover.conf")]
        fds = ()
        if self._listener:
            fds = (self._listener.fileno(),)
            command = [str(SERVE), "--netns", self.lab.netns, "--fd", str(fds[0])] + command
        with open(self.dir / "log", "ab") as log:
            log.write(b"--- start\n")
        self.proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=fds,
                                     env={**os.environ, **self.env})
        self.pump = threading.Thread(target=self._pump, args=(self.proc,), daemon=True)
        self.pump.start()

    def _pump(self, proc: subprocess.Popen) -> None:
        """Each line at once to the watchers: a test may kill the daemon upon one."""
        with open(self.dir / "log", "ab", buffering=0) as log:
            for line in proc.stderr:
                log.write(line)
                try:
                    event = json.loads(line)
                except ValueError:
                    event = {"event": "text", "text": line.decode(errors="replace").rstrip()}
                for watcher in list(self.watchers):
                    watcher(event)
                with self._grown:
                    self.events.append(event)
                    self._grown.notify_all()
        with self._grown:
            self.events.append({"event": "end of log"})
            self._grown.notify_all()

    def signal(self, number: int) -> None:
        if self.proc:
            self.proc.send_signal(number)

    def kill(self) -> None:
        """As a crash."""
        if self.proc:
            self.proc.kill()
            self.proc.wait()
            self.pump.join()
            self.proc = None

    def alive(self) -> bool:
        return self.proc is not None and self.proc.poll() is None

    def stop(self) -> None:
        """As an administrator does; it must end well, and sanitizers have nothing to say."""
        proc, self.proc = self.proc, None
        proc.terminate()
        try:
            status = proc.wait(HANG_S)
        except subprocess.TimeoutExpired:
            proc.kill()
            raise
        self.pump.join()
        if status != 0:
            text = [event["text"] for event in self.events if event["event"] == "text"]
            raise RuntimeError(f"droverd ended with status {status}\n" + "\n".join(text[-60:]))

    def restart(self) -> None:
        self.kill()
        self.start()

    # ---- what it says ----

    @staticmethod
    def _is(event: dict, name: str, want: dict[str, object]) -> bool:
        return event["event"] == name and all(event.get(key) == value for key, value in want.items())

    def find_event(self, name: str, since: int = 0, **want: object) -> dict | None:
        return next((event for event in self.events[since:] if self._is(event, name, want)), None)

    def wait_event(self, name: str, seconds: float, since: int = 0, **want: object) -> dict:
        """@seconds: as of wait_for(). @want: "from" is a word of Python's, so write **{"from": "copy"}."""
        seconds = max(seconds, HANG_S)
        found: dict | None = None
        ended, at = False, since

        def there() -> bool:
            """Each event is looked at once, however many are waited for at a time."""
            nonlocal found, ended, at
            for event in self.events[at:]:
                at += 1
                ended |= event["event"] == "end of log"
                if self._is(event, name, want):
                    found = event
                    return True
            return ended
        with self._grown:
            self._grown.wait_for(there, seconds)
        if not found:
            last = "\n".join(str(event) for event in self.events[-12:])
            raise TimeoutError(f"droverd did not log {name} {want} within {seconds:g} s; the last it said:\n{last}")
        return found

    # ---- its clients ----

    @property
    def openrc(self) -> dict[str, str]:
        """As droverd wrote it, and where drover keeps its tokens: not among the user's own."""
        return {**read_openrc(self.dir / "state" / "admin-openrc"), "XDG_CACHE_HOME": str(self.dir / "cache")}

    def query(self, sql: str, *values: object) -> list[tuple]:
        """Of its database, beside it."""
        with closing(sqlite3.connect(f"file:{self.dir}/state/drover.sqlite?mode=ro", uri=True)) as db:
            return db.execute(sql, values).fetchall()

    def folders_proved(self) -> int:
        """Of so many folders it is known how to prove that another host shares them (fleet/marker.h)."""
        return self.query("SELECT count(*) FROM storage_markers WHERE changed_ns > 0")[0][0]

    def api(self) -> Api:
        api = Api(self.url)
        api.login(self.openrc)
        return api

    def wait_hosts_up(self, count: int, seconds: float = 20) -> None:
        """Until so many hosts are up and what they run was adopted."""
        api = self.api()

        def up() -> list:
            services = api.get("/v2.1/os-services?binary=nova-compute")["services"]
            return [s for s in services if s["state"] == "up"]
        wait_for(lambda: len(up()) >= count, seconds, f"{count} hosts are up")


class Supervisor:
    """Starts droverd again as soon as it is dead."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon, self.ended = daemon, threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *why: object) -> None:
        self.ended.set()
        self.thread.join()

    def _dead(self) -> bool:
        try:
            self.daemon.proc.wait(0.1)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _watch(self) -> None:
        while not self.ended.is_set():
            if not self._dead():
                continue
            self.daemon.kill()
            try:
                self.daemon.start()
            except TimeoutError:
                pass  # it died before it was ready
