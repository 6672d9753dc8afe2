# SPDX-License-Identifier: Apache-2.0
"""Management controllers of a lab's hosts: ipmi_sim, whose power switch is the lab's."""
from __future__ import annotations

import os
import signal
import subprocess

from lab import ROOT, Lab

PORT = 6231
# what a test writes into the file "mode" of a host: how its power switch behaves
POWER = """#!/bin/sh
# called as: power get power | power set power 0|1
read -r mode < {dir}/mode
case "$mode $1 $3" in
	lies\\ get\\ *) echo power:0 && exit ;;
	hangs\\ *) tail -f /dev/null ;;
	*\\ get\\ *) ip -n {netns} link show lo > /dev/null 2>&1 && [ -e {dir}/on ] && echo power:1 || echo power:0 ;;
	*\\ set\\ 0) rm -f {dir}/on; LAB_NAME={lab} {program} kill {host} ;;
	*\\ set\\ 1) [ -e {dir}/on ] || {{ touch {dir}/on; LAB_NAME={lab} {program} boot {host}; }} ;;
esac
"""
LAN = """name "{host}bmc"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 {port}
  priv_limit admin
  allowed_auths_admin md5
  guid "00112233445566778899aabbccddee{port:02x}"
endlan
chassis_control "{power}"
user 2 true "admin" "s3cret" admin 10 md5
"""
EMULATION = """mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
mc_enable 0x20
"""


class Bmc:
    """The management controller of a host, in the controller's namespace, while a "with" block lasts."""

    def __init__(self, lab: Lab, host: str, port: int) -> None:
        self.lab, self.host, self.port = lab, host, port
        self.dir = lab.dir / f"bmc-{host}"
        self.proc: subprocess.Popen | None = None

    def __enter__(self) -> Bmc:
        self.dir.mkdir()
        self.mode("works")
        (self.dir / "on").touch()
        power = self.write("power", POWER.format(dir=self.dir, netns=f"{self.lab.name}-{self.host}", lab=self.lab.name, host=self.host,
                                                 program=ROOT / "lab" / "lab"), 0o755)
        lan = self.write("lan.conf", LAN.format(host=self.host, port=self.port, power=power), 0o600)
        emulation = self.write("emu", EMULATION, 0o600)
        self.proc = subprocess.Popen(["ip", "netns", "exec", self.lab.netns, "ipmi_sim", "-n", "-c", lan, "-f", emulation, "-s", self.dir],
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        return self

    def __exit__(self, *why: object) -> None:
        os.killpg(self.proc.pid, signal.SIGKILL)  # its power switch may hang
        self.proc.wait()

    def write(self, name: str, text: str, mode: int) -> str:
        path = self.dir / name
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def mode(self, word: str) -> None:
        (self.dir / "mode").write_text(word + "\n")

    def options(self, name: str = "options", password: str = "s3cret") -> str:
        lines = {"ip": "127.0.0.1", "ipport": self.port, "username": "admin", "password": password, "lanplus": 1, "cipher": 3, "power_wait": 0}
        return self.write(name, "".join(f"{key}={value}\n" for key, value in lines.items()), 0o600)
