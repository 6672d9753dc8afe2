#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
The check of the set-up on four real hosts: none is found wrong while all are well; each of many mistakes, made on purpose and several at a time, is found with
its host or its pair, and with the file to change, and nothing else is; an empty guest goes from each to each other.
"""
from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Callable, ContextManager, Iterator, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from daemon import BUILD, Daemon, lab_hosts
from lab import Lab
from stock import Clients
from tap import Tap
from wait import wait_for

SHARED = "/var/lib/libvirt/drover/shared"
LOCAL = "/var/lib/libvirt/drover/instances"
BINDFS = ("bindfs", "--multithreaded", "-o", "subtype=glusterfs,direct_io,attr_timeout=0,entry_timeout=0,negative_timeout=0")
CONSOLE = """<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>4</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><graphics type='vnc' autoport='yes' listen='{listen}'/><controller type='usb' model='none'/><memballoon model='none'/></devices>
</domain>
"""


class World:
    def __init__(self, lab: Lab, daemon: Daemon) -> None:
        self.lab, self.daemon = lab, daemon
        self.api = daemon.api()
        self.clients = Clients(daemon.openrc)
        for host in lab.hosts:
            self.up(host)

    def cli(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([BUILD / "cli" / "drover", "host", "check", *words], env=self.clients.env, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)

    def check(self, *words: str) -> list[dict]:
        got = self.cli(*words, "-f", "json", "--long")
        assert got.returncode in (0, 1), got
        found = [{key.lower(): value for key, value in row.items()} for row in json.loads(got.stdout)]
        assert got.returncode == bool(found), got
        return found

    def up(self, host: str) -> None:
        wait_for(lambda: self.api.get(f"/drover/v1/hosts/{host}", None)["host"]["state"] == "up", 120, f"{host} is up")

    def down(self, host: str) -> None:
        wait_for(lambda: self.api.get(f"/drover/v1/hosts/{host}", None)["host"]["state"] == "down", 120, f"{host} is down")

    def restart(self, hosts: list[str], up: bool = True) -> None:
        """Their libvirtds read their files again."""
        for host in hosts:
            self.lab("kill-libvirtd", host)
        for host in hosts:
            self.down(host)
        for host in hosts:
            self.lab("start-libvirtd", host)
        for host in hosts if up else ():
            self.up(host)

    def sh(self, host: str, command: str) -> str:
        return self.lab("exec", host, "sh", "-ec", command)


# ---- mistakes: each is made for the length of a "with" block ----

@contextmanager
def edited(w: World, host: str, path: str, pattern: str, text: str) -> Iterator[None]:
    """The libvirtd of the host reads it when it is started again."""
    file = w.lab.dir / host / "etc" / path
    was = file.read_text()
    file.write_text(re.sub(pattern, text, was, flags=re.M))
    assert file.read_text() != was
    try:
        yield
    finally:
        file.write_text(was)


@contextmanager
def done(w: World, host: str, command: str, undo: str) -> Iterator[None]:
    w.sh(host, command)
    try:
        yield
    finally:
        w.sh(host, undo)


@contextmanager
def libvirtd_away(w: World, host: str) -> Iterator[None]:
    w.lab("kill-libvirtd", host)
    w.down(host)
    try:
        yield
    finally:
        w.lab("start-libvirtd", host)
        w.up(host)


def cloned(w: World) -> ContextManager:
    uuid = (w.lab.dir / "h1" / "uuid").read_text().strip()
    return edited(w, "h4", "libvirt/libvirtd.conf", r'^host_uuid = .*$', f'host_uuid = "{uuid}"')


def block(host: str, to: str, port: str) -> Callable[[World], ContextManager]:
    def make(w: World) -> ContextManager:
        rule = f"ip rule {{}} pref 10 to {w.lab('ip', to)} ipproto tcp dport {port} prohibit"
        return done(w, host, rule.format("add"), rule.format("del"))
    return make


@contextmanager
def domain(w: World, host: str, xml: str, *words: tuple[str, ...]) -> Iterator[None]:
    file = w.lab.dir / "check.xml"
    file.write_text(xml)
    w.lab.virsh(host, "define", str(file))
    name = re.search(r"<name>(.*)</name>", xml)[1]
    try:
        for command in words:
            w.lab.virsh(host, command[0], name, *command[1:])
        yield
    finally:
        w.lab.virsh(host, "destroy", name, check=False)
        w.lab.virsh(host, "undefine", name)


@contextmanager
def stray(w: World) -> Iterator[None]:
    with domain(w, "h2", w.lab.virsh("h1", "dumpxml", "--inactive", "g1"), ("autostart",)):
        yield


@contextmanager
def listens(w: World) -> Iterator[None]:
    uuid = "c0ffee00-0000-4000-8000-000000000001"
    with domain(w, "h1", CONSOLE.format(name="shown", uuid=uuid, listen=w.lab("ip", "h1")), ("start", "--paused")):
        wait_for(lambda: any(s["id"] == uuid for s in w.api.get("/v2.1/servers?all_tenants=1")["servers"]), 60, "it is adopted")
        yield
    wait_for(lambda: not any(s["id"] == uuid for s in w.api.get("/v2.1/servers?all_tenants=1")["servers"]), 60, "it is gone")


class Mistake(NamedTuple):
    name: str
    make: Callable[[World], ContextManager]
    found: tuple[str, ...]   # "CHECK HOST TO", each
    where: str               # of the first: a pattern


def mount(w: World, *options: str) -> str:
    return f"{' '.join(BINDFS)} {' '.join(options)} {w.lab.dir}/shared {SHARED}"


AT_ONCE = (
    Mistake("a way to another libvirtd that is blocked in one direction", block("h1", "h2", "16509"), ("peer h1 h2",),
            r"drover\.conf:\d+: \[host h2\]: live_migration_uri = qemu\+tcp://.*; h2:/etc/libvirt/libvirtd\.conf"),
    Mistake("a shared folder that is not mounted", lambda w: done(w, "h3", f"umount -l {SHARED}", mount(w)), ("storage h3 h1",), rf"h3:/etc/fstab: {SHARED}"),
    Mistake("root squash", lambda w: done(w, "h4", f"umount -l {SHARED}; {mount(w, '--create-for-user=65534 --chown-deny --chgrp-deny')}",
                                         f"umount -l {SHARED}; {mount(w)}"),
            ("squash h4 -",), r"the file server's /etc/exports: no_root_squash, rw"),
    Mistake("a folder without space", lambda w: done(w, "h2", f"mount -t tmpfs -o size=64m none {LOCAL}", f"umount -l {LOCAL}"), ("space h2 -",), rf"h2:{LOCAL}"),
    Mistake("a bridge with another MTU", lambda w: done(w, "h2", "ip link set br0 mtu 1400", "ip link set br0 mtu 1500"), ("mtu h2 h1",),
            r"h2:/etc/network/interfaces: br0: mtu"),
    Mistake("a guest that its old host would start, too", stray, ("autostart h2 h1",), r"h2:/etc/libvirt/qemu/autostart/g1\.xml"),
    Mistake("a console on the host's own address", listens, ("console h1 h2", "console h1 h3", "console h1 h4"), r"drover\.conf:\d+: \[host h2\]: server_listen"),
)
# seen when the libvirtds are started again
IN_FILES = (
    Mistake("QEMU runs as another user", lambda w: edited(w, "h2", "libvirt/qemu.conf", r"^user = .*$", 'user = "nobody"'), ("user h2 h1",),
            r"h2:/etc/libvirt/qemu\.conf: user, group"),
    Mistake("a folder that QEMU's user may not search", lambda w: done(w, "h2", f"chmod 0700 {SHARED}", f"chmod 0755 {SHARED}"), ("search h2 -",), rf"h2:{SHARED}"),
    Mistake("two hosts of one name", lambda w: done(w, "h3", "hostname h1", "hostname h3"), ("identity h3 h1",), r"h3:/etc/hostname"),
    Mistake("two hosts with one UUID", cloned, ("identity h4 h1",), r"h4:/etc/libvirt/libvirtd\.conf: host_uuid"),
)
DEEP = (
    Mistake("a libvirtd that does not run", lambda w: libvirtd_away(w, "h4"), ("reach h4 -",), r"h4:/etc/libvirt/libvirtd\.conf: listen_tcp = 1"),
    Mistake("ports of migrations that are blocked in one direction", block("h2", "h3", "49152-49215"), ("ports h2 h3",),
            r"h3:/etc/nftables\.conf: tcp dport 49152-49215"),
)


def labels(found: list[dict]) -> list[str]:
    return sorted(f"{row['check']} {row['host'] or '-'} {row['to'] or '-'}" for row in found)


def judge(t: Tap, mistakes: tuple[Mistake, ...], found: list[dict]) -> None:
    """Each of them is found, and nothing else."""
    for m in mistakes:
        with t.test(m.name) as notes:
            rows = [row for label in m.found for row in found if labels([row]) == [label]]
            assert labels(rows) == sorted(m.found), found
            assert re.search(m.where, rows[0]["where"]), rows[0]
            assert all(row["found"] and row["breaks"] and row["change"] for row in rows), rows
            notes.append(rows[0]["found"])
    with t.test(f"nothing else is found beside these {len(mistakes)}"):
        assert labels(found) == sorted(label for m in mistakes for label in m.found), found


@contextmanager
def made(w: World, mistakes: tuple[Mistake, ...]) -> Iterator[None]:
    with ExitStack() as stack:
        for m in mistakes:
            stack.enter_context(m.make(w))
        yield


def at_once(t: Tap, w: World) -> None:
    with made(w, AT_ONCE):
        judge(t, AT_ONCE, w.check())
        with t.test("the text, the exit status") as notes:
            notes.append(text(w))


def in_files(t: Tap, w: World) -> None:
    hosts = ["h2", "h3", "h4"]
    try:
        with made(w, IN_FILES):
            w.restart(hosts, up=False)
            for host in ("h2", "h3"):
                w.up(host)
            wait_for(lambda: "UUID of h1" in str(w.api.get("/drover/v1/hosts/h4", None)["host"]["state_reason"]), 120, "h4 is known to be the same as h1")
            judge(t, IN_FILES, w.check())
    finally:
        w.restart(hosts)


def deep(t: Tap, w: World) -> None:
    with made(w, DEEP):
        judge(t, DEEP, w.check("h2", "h3", "h4", "--deep"))


def well(w: World, *words: str) -> str:
    """Nothing is found, and nothing is left."""
    found = w.check(*words)
    assert found == [], found
    for host in w.lab.hosts:
        assert w.lab.virsh(host, "list", "--all", "--name").split() == (["g1"] if host == "h1" else []), host
        assert "drover-check" not in w.sh(host, f"ls -A {SHARED} {LOCAL}"), host
        assert w.lab.virsh(host, "pool-list", "--all", "--name").split() == ["instances", "shared"], host
    last = w.api.get("/drover/v1/checks", None)["checks"]["last"]
    hosts = [word for word in words if word != "--deep"] or w.lab.hosts
    assert last["deep"] == ("--deep" in words) and last["hosts_checked"] == len(hosts), last
    return f"{len(last['not_checked'])} not checked"


def text(w: World) -> str:
    """Of a bridge with another MTU, a guest that h2 would start, a folder without space, a way that is blocked, and a console."""
    got = w.cli("h1", "h2")
    assert got.returncode == 1, got
    assert "warning: mtu: h2 -> h1\n  found   the MTU of br0 is 1400 on h2, and 1500 on h1\n  breaks " in got.stdout, got.stdout
    assert got.stdout.rstrip().splitlines()[-1].startswith("2 hosts, 3 errors, 2 warnings, "), got.stdout
    got = w.cli("h9")
    assert (got.returncode, got.stderr) == (2, "drover: Compute host h9 could not be found. (HTTP 400)\n"), got
    metrics = w.api.call("GET", "/metrics").body.decode()
    assert 'drover_check_findings{severity="warning"} 2' in metrics and 'drover_check_findings{severity="error"} 3' in metrics, metrics
    return "as it should"


def killed(w: World) -> str:
    """An empty guest is on its way: the next start removes it."""
    since = len(w.daemon.events)
    assert w.api.call("POST", "/drover/v1/checks", {"check": {"deep": True}}).status == 202
    wait_for(lambda: any("drover-carrier-" in w.lab.virsh(host, "list", "--name") for host in w.lab.hosts), 120, "an empty guest is there")
    w.daemon.kill()
    w.daemon.start()
    w.api = w.daemon.api()
    wait_for(lambda: not any("drover-carrier-" in w.lab.virsh(host, "list", "--all", "--name") for host in w.lab.hosts), 120, "it is gone")
    assert w.api.get("/drover/v1/checks", None)["checks"]["last"] is None
    for host in w.lab.hosts:
        w.sh(host, f"rm -f {SHARED}/drover-check-* {LOCAL}/drover-check-*")
    return f"{len(w.daemon.events) - since} lines of log"


# ---- certificates ----

def reissue(w: World, host: str, names: str, days: int) -> None:
    tls, pki = w.lab.dir / "tls", w.lab.dir / host / "etc" / "pki" / "libvirt"
    subprocess.run(f"openssl req -new -key {pki}/private/serverkey.pem -subj /CN={host} | openssl x509 -req -CA {tls}/ca.pem -CAkey {tls}/ca-key.pem -days {days} "
                   f"-out {pki}/servercert.pem -extfile <(printf 'keyUsage=critical,digitalSignature,keyEncipherment\\nextendedKeyUsage=serverAuth,clientAuth\\n"
                   f"subjectAltName={names}\\n')", shell=True, executable="/bin/bash", check=True, stderr=subprocess.DEVNULL)


@contextmanager
def certificate(w: World, host: str, names: str, days: int) -> Iterator[None]:
    pki = w.lab.dir / host / "etc" / "pki" / "libvirt" / "servercert.pem"
    was = pki.read_bytes()
    reissue(w, host, names, days)
    try:
        yield
    finally:
        pki.write_bytes(was)


# libvirt's own connection refuses the second one as well: the hosts cannot reach it, and what the controller sees says why
CERTIFICATES = (
    Mistake("a certificate that ends soon", lambda w: certificate(w, "h3", f"DNS:h3,IP:{w.lab('ip', 'h3')},IP:127.0.0.1", 10), ("expiry h3 -",),
            r"h3:/etc/libvirt/libvirtd\.conf: cert_file"),
    Mistake("a certificate without the name by which the host is reached", lambda w: certificate(w, "h2", "DNS:h2", 100),
            ("certificate h2 -", "peer h1 h2", "peer h3 h2", "peer h4 h2"), r"h2:/etc/libvirt/libvirtd\.conf: cert_file"),
)


def certificates(t: Tap, w: World) -> None:
    with made(w, CERTIFICATES):
        w.restart(["h2", "h3"])
        judge(t, CERTIFICATES, w.check())


def tls_options(lab: Lab) -> dict:
    return {"libvirt": {"live_migration_with_native_tls": "true"},
            **{f"host {host}": {"live_migration_uri": f"qemu+tls://{lab('ip', host)}/system"} for host in lab.hosts}}


def main() -> int:
    t = Tap()
    with Lab(4, "e2e-check", "--tls") as lab:
        lab.guest("h1", "g1", "--mem", "128")
        with Daemon(lab_hosts(lab), lab, tag="check") as daemon:
            w = World(lab, daemon)
            with t.test("a good lab, and --deep between all of its four hosts") as notes:
                notes.append(well(w, "--deep"))
            at_once(t, w)
            in_files(t, w)
            deep(t, w)
            with t.test("the controller is killed while an empty guest is on its way") as notes:
                notes.append(killed(w))
            with t.test("a good lab, in the end") as notes:
                notes.append(well(w))
            with t.test("droverd ends well"):
                daemon.stop()
        with Daemon(lab_hosts(lab), lab, tls_options(lab), "check-tls") as daemon:
            w = World(lab, daemon)
            with t.test("certificates that are right, --deep with TLS") as notes:
                notes.append(well(w, "h1", "h2", "--deep"))
            certificates(t, w)
            with t.test("droverd ends well"):
                daemon.stop()
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
