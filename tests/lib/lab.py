# SPDX-License-Identifier: Apache-2.0
"""A lab of libvirt hosts (lab/README.md) that lives as long as a "with" block."""
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from wait import HANG_S

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "logs"
BEATS = ("--interval", "50")  # ms. A heartbeat of an emulated guest costs 0.8 ms of a core; at 10 ms, nearly as much as all else it does


def terminate(_signal: int, _frame: object) -> None:
    """So that "with" blocks clean up."""
    sys.exit(1)


class Lab:
    def __init__(self, hosts: int, tag: str, *options: str) -> None:
        self.tag = tag
        self.options = options
        self.name = f"{tag}-{os.getpid()}"
        self.hosts = [f"h{i}" for i in range(1, hosts + 1)]
        self.netns = f"{self.name}-ctl"
        self.dir = Path("/var/tmp/drover-lab") / self.name
        self._uris: dict[str, str] = {}

    def __enter__(self) -> Lab:
        signal.signal(signal.SIGTERM, terminate)
        try:
            self("up", str(len(self.hosts)), *self.options)
        except BaseException:
            self("down", check=False)
            raise
        return self

    def __exit__(self, *why: object) -> None:
        try:
            self.keep_logs()
        finally:
            self("down", check=False)

    def keep_logs(self) -> None:
        """The hosts' and the guests' of the last lab of this tag."""
        kept = KEPT / self.tag
        shutil.rmtree(kept, ignore_errors=True)
        for host in self.hosts:
            shutil.copytree(self.dir / host / "log", kept / host, ignore_dangling_symlinks=True)

    @property
    def env(self) -> dict[str, str]:
        """Of the program that commands it."""
        env = {**os.environ, "LAB_NAME": self.name}
        env.pop("LAB_DIR", None)
        return env

    def __call__(self, *words: str, check: bool = True) -> str:
        got = subprocess.run([ROOT / "lab" / "lab", *words], env=self.env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if check and got.returncode != 0:
            raise RuntimeError(f"lab {' '.join(words)}: {got.stderr.strip()} {got.stdout.strip()}")
        return got.stdout.strip()

    def guest(self, host: str, name: str, *options: str) -> str:
        """Plain libvirt defines and starts it; returns when it beats. Return: its UUID."""
        return self("guest", host, name, *BEATS, *options, "--wait").split()[0]

    def guests(self, wanted: dict[str, tuple[str, ...]]) -> dict[str, str]:
        """They boot at the same time. @wanted: name -> host, options. Return: name -> UUID, once all of them beat."""
        uuids = {name: self("guest", host, name, *BEATS, *options).split()[0] for name, (host, *options) in wanted.items()}
        for name in uuids:
            self("heartbeat", "wait", name, str(HANG_S))
        return uuids

    def address(self, guest: str) -> str:
        return (self.dir / "guests" / guest).read_text().split()[0]

    def uri(self, host: str) -> str:
        if host not in self._uris:
            self._uris[host] = self("uri", host)
        return self._uris[host]

    def virsh(self, host: str, *words: str, check: bool = True) -> str:
        return self("exec", "ctl", "virsh", "-q", "-c", self.uri(host), *words, check=check)

    def state(self, host: str, guest: str) -> str:
        """Its domain's state on a host: "running", "shut off", ...; "" if it has none."""
        return self("exec", "ctl", "virsh", "-q", "-c", self.uri(host), "domstate", guest, check=False)

    def running_on(self, guest: str) -> list[str]:
        return [host for host in self.hosts if self.state(host, guest) == "running"]

    def beat(self, guest: str) -> dict:
        """What was received from it since the last reset."""
        self("heartbeat", "wait", guest, str(HANG_S))
        return json.loads(self("heartbeat", "show", guest))["guests"][0]

    def qemu_waits_in(self, host: str, guest: str) -> str:
        """The kernel's function in which its QEMU's main thread waits: "handle_userfault" is for a page of a post-copy, and it hears no monitor."""
        return self("exec", host, "sh", "-c", f"cat /proc/$(cat /run/libvirt/qemu/{guest}.pid)/wchan", check=False)

    def beat_reset(self, guest: str) -> None:
        self("heartbeat", "reset", guest)
