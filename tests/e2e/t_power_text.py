#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the stock clients print of power actions and locks: done, asked twice, in a wrong state, of a busy and of a locked server.

It is compared with golden/power/NAME.txt; REGEN=1 writes these. The words are Nova's (compute/api.py, check_instance_state()). The hosts are
simulated: t_power.py does the same actions on real ones.
"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import Daemon
from stock import Clients
from tap import Tap
from transcript import Transcript, chosen
from wait import wait_for

HOSTS = {
    # a migration from here takes minutes
    "s1": "sim://s1?servers=2&server_memory=2048&bandwidth=8&working=1024&memory=65536",
    "s2": "sim://s2?memory=65536&bandwidth=8",
}
VM, BUSY = "s1-0001", "s1-0002"
STATE = "-c status -c OS-EXT-STS:task_state -c OS-EXT-STS:vm_state -c OS-EXT-STS:power_state"
LOCK = "-c locked -c locked_reason -c status"
MEMBER, PASSWORD = "operator", "correct horse battery"
# state -> what it does not permit
WRONG = {
    "active": ("start", "unpause", "resume"),
    "stopped": ("stop", "pause", "unpause", "suspend", "resume", "reboot"),
    "paused": ("start", "stop", "pause", "suspend", "resume", "reboot"),
    "suspended": ("start", "stop", "pause", "unpause", "suspend", "reboot"),
}


class Story:
    def __init__(self, t: Tap, daemon: Daemon) -> None:
        self.t, self.daemon = t, daemon
        self.api = daemon.api()
        self.uuids = {server["name"]: server["id"] for server in self.api.servers()}
        self.clients = Clients(daemon.openrc)
        self.text = self.of(self.clients)
        self.say = self.text.step

    def of(self, clients: Clients) -> Transcript:
        return Transcript(self.t, clients, {self.uuids[VM]: "<vm>", self.uuids[BUSY]: "<busy>", self.daemon.url: "<url>"}, "power")

    def becomes(self, status: str) -> None:
        def is_so() -> bool:
            s = self.api.server(self.uuids[VM])
            return s["status"] == status and s["OS-EXT-STS:task_state"] is None
        wait_for(is_so, 60, f"it is {status}")

    def does(self, command: str, status: str, client: str = "openstack server") -> None:
        word = client.split()[0]
        self.say(f"{word} {command}", f"{client} {command} {VM}")
        self.becomes(status)

    def wrong(self, state: str, twice: str) -> None:
        """@twice: what has led to this state, by nova's client."""
        self.say(f"{state}", f"openstack server show {VM} {STATE}")
        for action in WRONG[state]:
            self.say(f"{action} when {state}", f"openstack server {action} {VM}", status=1)
        self.say(f"nova {twice} when {state}", f"nova {twice} {VM}", status=1)

    def states(self) -> None:
        self.wrong("active", "start")
        self.does("stop", "SHUTOFF")
        self.wrong("stopped", "stop")
        self.does("start", "ACTIVE")
        self.does("pause", "PAUSED")
        self.wrong("paused", "pause")
        self.does("unpause", "ACTIVE")
        self.does("suspend", "SUSPENDED")
        self.wrong("suspended", "suspend")
        self.does("resume", "ACTIVE")
        self.does("reboot --hard --wait", "ACTIVE")
        self.does("reboot --wait", "ACTIVE")

    def by_nova(self) -> None:
        for action, status in (("stop", "SHUTOFF"), ("start", "ACTIVE"), ("pause", "PAUSED"), ("unpause", "ACTIVE"), ("suspend", "SUSPENDED"),
                               ("resume", "ACTIVE"), ("reboot --poll", "ACTIVE"), ("reboot --hard --poll", "ACTIVE")):
            self.does(action, status, "nova")
        self.say("actions", f"openstack server event list {VM} --limit 8 -c Action")

    def busy(self) -> None:
        """Nothing but a lock is taken from it."""
        self.clients.must(f"nova live-migration {BUSY} s2")
        for action in ("stop", "reboot", "reboot --hard", "pause", "suspend"):
            self.say(f"{action} of a busy server", f"openstack server {action} {BUSY}", status=1)
        self.say("start of a busy server", f"openstack server start {BUSY}", status=1)
        self.say("nova stop of a busy server", f"nova stop {BUSY}", status=1)
        self.say("lock of a busy server", f"openstack server lock {BUSY}")
        self.clients.must(f"openstack server unlock {BUSY}")

    def member(self) -> Clients:
        """A user without rights of an administrator, in the project of the servers."""
        project = self.daemon.openrc["OS_PROJECT_NAME"]
        self.clients.must(f"openstack user create --password '{PASSWORD}' {MEMBER}")
        self.clients.must(f"openstack role add --user {MEMBER} --project {project} member")
        return Clients({**self.daemon.openrc, "OS_USERNAME": MEMBER, "OS_PASSWORD": PASSWORD})

    def locked(self) -> None:
        self.say("lock", f"openstack server lock --reason 'its disks are repaired' {VM}")
        self.say("locked", f"openstack server show {VM} {LOCK}")
        self.say("lock twice", f"openstack server lock --reason other {VM}")
        self.say("locked with the first reason", f"openstack server show {VM} {LOCK}")
        self.say("stop by an administrator", f"openstack server stop {VM}")
        self.becomes("SHUTOFF")
        member = self.of(self.member()).step
        for action in ("start", "reboot --hard", "pause"):
            member(f"{action} when locked", f"openstack server {action} {VM}", status=1)
        member("nova start when locked", f"nova start {VM}", status=1)
        member("unlock by a member", f"openstack server unlock {VM}")
        member("start when unlocked", f"openstack server start {VM}")
        self.becomes("ACTIVE")
        self.say("lock before 2.73", f"openstack --os-compute-api-version 2.72 server lock {VM}")
        self.say("reason before 2.73", f"openstack --os-compute-api-version 2.72 server lock --reason repair {VM}", status=1)
        self.say("nova lock", f"nova lock --reason repair {VM}")
        self.say("nova unlock", f"nova unlock {VM}")
        self.say("unlocked", f"openstack server show {VM} {LOCK}")


def main() -> int:
    t = Tap()
    with Daemon(HOSTS, tag="powertext") as daemon:
        daemon.wait_hosts_up(len(HOSTS))
        story = Story(t, daemon)
        for part in chosen(story.states, story.by_nova, story.busy, story.locked):
            part()
        with t.test("droverd ends well"):
            daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
