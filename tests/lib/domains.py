# SPDX-License-Identifier: Apache-2.0
"""What the hosts of a lab say of their domains, by a virsh that stays: to start one for each question takes longer than all else of a test."""
from __future__ import annotations

import subprocess
import threading

from lab import ROOT, Lab


class Domains:
    """
    Of one host. A libvirtd that was killed is connected to again, and so is a host.
    """

    def __init__(self, lab: Lab, host: str) -> None:
        self.lab, self.host = lab, host
        self.count = 0
        self.lock = threading.Lock()
        self.proc: subprocess.Popen | None = None

    def close(self) -> None:
        if self.proc:
            self.proc.kill()
            self.proc.wait()
        self.proc = None

    def _begin(self) -> subprocess.Popen:
        command = [ROOT / "lab" / "lab", "exec", self.host, "stdbuf", "-oL", "virsh", "-q"]
        return subprocess.Popen(command, env=self.lab.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def _once(self, command: str) -> str | None:
        """None: it has ended."""
        self.proc = self.proc or self._begin()
        self.count += 1
        end, lines = f"end-{self.count}", []
        try:
            self.proc.stdin.write(f"{command}\necho {end}\n")
            self.proc.stdin.flush()
        except BrokenPipeError:
            return None
        for line in self.proc.stdout:
            text = line.strip()
            if text.endswith(f"# echo {end}"):  # read behind the prompt, when the command before it is over; what it prints ends no line
                return "\n".join(lines)
            if text and not text.endswith(f"# {command}"):
                lines.append(text)
        return None

    def ask(self, command: str) -> str:
        """What it prints; "" when it fails, as without a libvirtd."""
        with self.lock:
            for _attempt in range(2):
                said = self._once(command)
                if said is not None:
                    return said
                self.close()
        return ""

    def state(self, domain: str) -> str:
        """"running", "shut off", ...; "" without one."""
        return self.ask(f"domstate {domain}")

    def names(self) -> list[str]:
        return self.ask("list --all --name").split()
