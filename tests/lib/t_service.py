#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""packaging/droverd.service: what it lays open, that droverd can live with it, and that its main loop feeds the watchdog."""
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from daemon import Daemon
from lab import ROOT
from tap import Skip, Tap

UNIT = ROOT / "packaging" / "droverd.service"
EXPOSURE_MAX = 1.5
HOSTS = {"s1": "sim://s1?servers=2&memory=65536", "s2": "sim://s2?memory=65536"}


def need_systemd() -> None:
    if not shutil.which("systemd-analyze"):
        raise Skip("systemd-analyze is not installed")


def exposure() -> float:
    got = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT], capture_output=True, text=True, timeout=60)
    found = re.search(r"Overall exposure level for droverd\.service: ([\d.]+)", got.stdout)
    assert found, got
    return float(found[1])


def status(daemon: Daemon, key: str) -> int:
    """A number of the process, in hexadecimal there."""
    return int(re.search(rf"^{key}:\s+(\w+)$", Path(f"/proc/{daemon.proc.pid}/status").read_text(), re.M)[1], 16)


def migrate(daemon: Daemon) -> None:
    daemon.wait_hosts_up(2)
    api = daemon.api()
    server, seen = api.servers()[0]["id"], len(daemon.events)
    got = api.live_migrate(server, "s2")
    assert got.status == 202, got.fault
    daemon.wait_event("migration_phase", 60, since=seen, to="done")
    assert api.host_of(server) == "s2"


def main() -> int:
    tap = Tap()
    with tap.test(f"/service/exposure: {EXPOSURE_MAX} at most") as notes:
        need_systemd()
        value = exposure()
        notes.append(str(value))
        assert value <= EXPOSURE_MAX, value

    with tap.test("/service/confined: droverd starts, logs in and migrates with its system calls and without a capability"):
        need_systemd()
        with Daemon(HOSTS, tag="confined") as daemon:
            daemon.stop()
            daemon.wrap = [str(ROOT / "tests/lib/confined"), str(UNIT)]
            daemon.start()
            assert [status(daemon, key) for key in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")] == [0, 0, 1, 2]
            migrate(daemon)
            daemon.stop()
            assert not daemon.find_event("library"), daemon.find_event("library")

    with tap.test("/service/watchdog: the loop says that it is ready, then feeds it, then that it stops"):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(f"{folder}/notify")
            told.settimeout(120)
            with Daemon({}, tag="watchdog") as daemon:
                daemon.stop()
                daemon.env = {"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "150000"}
                daemon.start()
                assert [told.recv(64) for _ in range(4)] == [b"READY=1"] + [b"WATCHDOG=1"] * 3
                daemon.stop()
                rest = []
                while not rest or rest[-1] != b"STOPPING=1":
                    rest.append(told.recv(64))
                daemon.env["WATCHDOG_PID"] = "1"  # another process is meant
                daemon.start()
                daemon.stop()
                said = []
                while not said or said[-1] != b"STOPPING=1":
                    said.append(told.recv(64))
                assert said[-2:] == [b"READY=1", b"STOPPING=1"], said
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
