#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./demo shows what it promises, leaves what it shall leave, and cleans up."""
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import read_openrc
from browser import Browser
from dashboard import WATCH, Dashboard
from lab import ROOT
from stock import Clients
from tap import Tap

NAME = f"demo-{os.getpid()}"
DIR = Path("/var/tmp") / f"drover-{NAME}"
SHOWS = [
    ("droverd adopted the guest", r"server_adopted.*name=vm1"),
    ("its host changed", r"\| OS-EXT-SRV-ATTR:host +\| h2 "),
    ("the record of the migration", r"\| h1 +\| h2 +\| completed "),
    ("the downtime that libvirt measured", r"libvirt measured +\d+ ms"),
    ("the longest gap", r"between heartbeats +\d+ ms"),
    ("no heartbeat was lost", r"heartbeats lost +0$"),
    ("where the API listens", r"The API +http://127\.0\.0\.1:\d+$"),
    ("the credentials", r"source /\S+/admin-openrc$"),
    ("where the dashboard is", r"http://127\.0\.0\.1:\d+/dashboard/ as admin"),
    ("how to take it down", r"\./demo down"),
]


def demo(*words: str) -> tuple[int, str]:
    got = subprocess.run([ROOT / "demo", *words], env={**os.environ, "DEMO_NAME": NAME}, stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return got.returncode, got.stdout


def in_a_browser(shown: str) -> None:
    """As it is shown: the address, admin, the password of that file."""
    view = Dashboard()
    view.url = re.search(r"(http://\S+)/dashboard/ as admin", shown)[1]
    with Browser() as view.page:
        view.page.open(f"{view.url}/dashboard/", WATCH)
        view.log_in("admin", read_openrc(DIR / "state" / "admin-openrc")["OS_PASSWORD"])
        view.live()
        view.at("/servers", "tbody tr[data-id]")
        view.has("vm1")


def left_over() -> list[str]:
    found = [str(path) for path in (DIR, Path("/var/tmp/drover-lab") / NAME) if path.exists()]
    found += [str(path) for path in Path("/run/netns").glob(f"{NAME}-*")]
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if NAME.encode() in cmdline.read_bytes():
                found.append(cmdline.read_text().replace("\0", " "))
        except OSError:
            pass  # it ended meanwhile
    return found


def main() -> int:
    t = Tap()
    try:
        status, shown = demo("--keep")
        t.ok(status == 0, "demo --keep", shown)
        for name, pattern in SHOWS:
            t.ok(re.search(pattern, shown, re.MULTILINE), f"it shows {name}", shown)
        with t.test("it runs on, and takes the credentials that it shows"):
            assert Clients(read_openrc(DIR / "state" / "admin-openrc")).value("openstack server list", "Name") == "vm1"
        with t.test("its dashboard shows the guest to admin"):
            in_a_browser(shown)
        status, shown = demo()
        t.ok(status != 0 and "demo down" in shown, "a second one is refused", shown)
        status, shown = demo("down")
        t.ok(status == 0 and not left_over(), "demo down leaves nothing", shown + str(left_over()))
        status, shown = demo()
        t.ok(status == 0 and not left_over(), "demo alone leaves nothing", shown + str(left_over()))
    finally:
        demo("down")
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
