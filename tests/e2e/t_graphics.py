#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""F11: consoles that listen on their host's own address listen on the destination's there: VNC, SPICE, and both in one guest."""
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon, lab_hosts
from guest import Guest
from lab import Lab
from tap import Tap
from wait import HANG_S

EVERYWHERE = "0.0.0.0"
CONSOLES = [("VNC", ["vnc"]), ("SPICE", ["spice"]), ("VNC and SPICE", ["vnc", "spice"])]


def graphics(kinds: list[str], address: str) -> str:
    return "".join(f"<graphics type='{kind}' autoport='yes' listen='{address}'/>" for kind in kinds)


def console(lab: Lab, host: str, name: str, kinds: list[str]) -> str:
    """A guest whose servers listen on its host's address alone. Return: its UUID."""
    uuid = lab("guest", host, name, "--vnc").split()[0]
    xml = lab.virsh(host, "dumpxml", "--inactive", name)
    own, found = re.subn(r"<graphics type='vnc'.*?</graphics>", graphics(kinds, lab("ip", host)), xml, flags=re.S)
    assert found == 1, xml
    path = lab.dir / f"{name}.xml"
    path.write_text(own)
    lab.virsh(host, "destroy", name)
    lab.virsh(host, "define", str(path))
    lab.virsh(host, "start", name)
    lab("heartbeat", "wait", name, str(HANG_S))
    return uuid


def listens(lab: Lab, host: str, name: str, *words: str) -> list[str]:
    return re.findall(r"<listen type='address' address='([^']*)'", lab.virsh(host, "dumpxml", *words, name))


def moves(lab: Lab, daemon: Daemon, name: str, uuid: str, kinds: list[str]) -> str:
    g = Guest(lab, daemon, uuid, name)
    assert listens(lab, g.source, name) == [lab("ip", g.source)] * len(kinds)
    g.ask()
    beat = g.ends("completed")
    for words in [], ["--inactive"]:
        assert listens(lab, g.dest, name, *words) == [EVERYWHERE] * len(kinds), lab.virsh(g.dest, "dumpxml", *words, name)
    return f"longest gap {beat['longest_gap_ms']:.0f} ms"


def main() -> int:
    t = Tap()
    with Lab(2, "e2e-graphics") as lab:
        uuids = {f"vm{n}": console(lab, "h1", f"vm{n}", kinds) for n, (_, kinds) in enumerate(CONSOLES)}
        with Daemon(lab_hosts(lab), lab, {"vnc": {"server_listen": EVERYWHERE}}, "graphics") as daemon:
            for (title, kinds), (name, uuid) in zip(CONSOLES, uuids.items()):
                with t.test(f"{title} on the host's own address") as notes:
                    notes.append(moves(lab, daemon, name, uuid, kinds))
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
