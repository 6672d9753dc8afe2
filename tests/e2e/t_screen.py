#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Consoles on a simulated host whose VNC server is the test's, or a QEMU's: the page in Chromium, VeNCrypt, 500 at once, the end of a user's access, TLS
of the proxy by each version and cipher, and "drover server console" in a terminal. t_console.py has real hosts.
"""
from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from browser import Browser
from consoles import NOT_VALID, OPTIONS, World, expect_refused, socket_of
from daemon import BUILD, Daemon
from rfb import FakeVnc, Screen, paint
from stock import Clients
from tap import Tap
from wait import HANG_S, wait_for
from ws import WebSocket

MANY = 500
CONNECTED = "document.body.dataset.state == 'connected'"
# the middle of the screen, of what the page shows
GREY = "(() => { const c = document.querySelector('#screen canvas'); return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[0]; })()"


def options(**more: dict) -> dict:
    merged = {name: dict(values) for name, values in OPTIONS.items()}
    merged["vnc"]["server_proxyclient_address"] = "127.0.0.1"
    for section, values in more.items():
        merged.setdefault(section, {}).update(values)
    return merged


def rss_kib(daemon: Daemon) -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{daemon.proc.pid}/status").read_text()).group(1))


# ---- one daemon ----

def page_in_a_browser(w: World, fake: FakeVnc) -> str:
    """It shows the screen, types, takes its token out of the address, and comes again by itself when the screen was closed."""
    fake.serve = paint
    with Browser() as page:
        page.open(w.url(w.api.servers()[1]["id"], "vnc", "novnc"))
        page.until(CONNECTED, "the page is connected")
        assert page.ask("location.search") == "" and page.ask("document.title") == "Console"
        page.until(f"{GREY} == 1", "the screen is seen")
        page.press("a")
        page.until(f"{GREY} == {ord('a')}", "the key was typed")
        fake.seen[-1].shutdown(2)
        page.until(f"{CONNECTED} && document.body.dataset.connections == 2", "it is connected again")
        page.until("document.getElementById('still').hidden", "the old picture is gone")
        w.api.call("POST", f"/v2.1/servers/{w.api.servers()[1]['id']}/action", {"os-stop": None})
        page.until("document.body.dataset.state == 'ended'", "it tells the end")
        return str(page.ask("document.getElementById('said').textContent"))


def five_hundred(w: World, fake: FakeVnc) -> str:
    """As many screens at once, each its own bytes."""
    fake.serve = paint
    servers = [server["id"] for server in w.api.servers() if server["status"] == "ACTIVE"]
    before = rss_kib(w.daemon)
    screens: list[Screen] = []
    for n in range(MANY):
        screens.append(Screen(w.screen(servers[n % len(servers)])))
        if n % 100 == 99:
            for screen in screens:
                screen.picture()  # that answers pings as well
    for n, screen in enumerate(screens):
        screen.key(1 + n % 250)
    for n, screen in enumerate(screens):
        assert set(screen.picture()) == {1 + n % 250}, n
    grown = (rss_kib(w.daemon) - before) / MANY
    for screen in screens:
        screen.ws.close()
    return f"{grown:.0f} KiB each"


PASSWORD = "viewer-pass-0"


class User:
    """A user with roles in a project, and its session there."""

    def __init__(self, w: World, name: str, project: str, *roles: str) -> None:
        self.w, self.project, self.roles = w, project, {role["name"]: role["id"] for role in w.api.get("/v3/roles", mv=None)["roles"]}
        self.id = self.ask("POST", "/v3/users", {"user": {"name": name, "password": PASSWORD}}, 201)["user"]["id"]
        for role in roles:
            self.ask("PUT", self.role(role), None, 204)
        self.api = self.session({"methods": ["password"], "password": {"user": {"id": self.id, "password": PASSWORD}}}, {"project": {"id": project}})

    def ask(self, method: str, path: str, body: dict | None, status: int, api: Api | None = None) -> dict:
        got = (api or self.w.api).call(method, path, body)
        assert got.status == status, (method, path, got.fault)
        return got.json if got.body else {}

    def role(self, name: str) -> str:
        return f"/v3/projects/{self.project}/users/{self.id}/roles/{self.roles[name]}"

    def session(self, identity: dict, scope: dict | None = None) -> Api:
        api = Api(self.w.daemon.url)
        reply = api.call("POST", "/v3/auth/tokens", {"auth": {"identity": identity, **({"scope": scope} if scope else {})}}, token=None)
        assert reply.status == 201, reply.fault
        api.token = reply.headers["x-subject-token"]
        return api

    def change(self, kind: str, id: str, **what: object) -> None:
        self.ask("PATCH", f"/v3/{kind}s/{id}", {kind: what}, 200)


def taken_role(user: User, of: str) -> None:
    user.ask("DELETE", user.role("member"), None, 204)


def disabled(user: User, of: str) -> None:
    user.change("user", user.id, enabled=False)


def disabled_for_a_moment(user: User, of: str) -> None:
    user.change("user", user.id, enabled=False)
    user.change("user", user.id, enabled=True)


def deleted(user: User, of: str) -> None:
    user.ask("DELETE", f"/v3/users/{user.id}", None, 204)


def project_disabled(user: User, of: str) -> None:
    user.change("project", user.project, enabled=False)


def project_deleted(user: User, of: str) -> None:
    user.ask("DELETE", f"/v3/projects/{user.project}", None, 204)


def credential_deleted(user: User, of: str) -> None:
    user.ask("DELETE", f"/v3/users/{user.id}/application_credentials/{of}", None, 204, user.api)


def answer_pings(ws: WebSocket) -> None:
    try:
        ws.ends()
    except OSError:
        pass


class Access:
    """Consoles whose users may not see the server any more. That is seen within 20 s, which pass beside the other cases."""

    WAYS = (  # what takes it away; of a project of its own; the user's roles
        (taken_role, False, ("member",)), (taken_role, False, ("member", "reader")), (disabled, False, ("member",)),
        (disabled_for_a_moment, False, ("member",)), (deleted, False, ("member",)), (credential_deleted, False, ("member",)),
        (project_disabled, True, ("admin",)), (project_deleted, True, ("admin",)),
    )

    def __init__(self, w: World) -> None:
        self.open: list[tuple[str, WebSocket, str]] = []
        server = w.api.servers()[0]
        for n, (away, own, roles) in enumerate(self.WAYS):
            project = w.api.call("POST", "/v3/projects", {"project": {"name": f"yard-{n}"}}).json["project"]["id"] if own else server["tenant_id"]
            user = User(w, f"viewer-{n}", project, *roles)
            of = self.console(w, user, server["id"], away)
            away(user, of)
        # the password and another credential stay, and so does what came by them
        user = User(w, "viewer", server["tenant_id"], "member")
        credential_deleted(user, self.console(w, user, server["id"], credential_deleted, keep=True))
        self.stays = threading.Thread(target=answer_pings, args=(self.open.pop()[1],), daemon=True)
        self.stays.start()

    def console(self, w: World, user: User, server: str, away: object, keep: bool = False) -> str:
        """Return: the id of the application credential that it came by; "": none."""
        world, of = World(w.daemon, None), ""
        world.api = user.api
        if away is credential_deleted:
            got = user.ask("POST", f"/v3/users/{user.id}/application_credentials", {"application_credential": {"name": "app"}}, 201, user.api)
            of, secret = (got["application_credential"][word] for word in ("id", "secret"))
            if not keep:
                world.api = user.session({"methods": ["application_credential"], "application_credential": {"id": of, "secret": secret}})
        url = socket_of(world.url(server, "vnc", "novnc"))
        self.open.append((away.__name__, Screen(world.open(url)).ws, url))
        return of

    def ends(self) -> str:
        for name, ws, url in self.open:
            end = ws.ends()
            assert end.code == 4401, (name, end)
            expect_refused(url, 403, NOT_VALID)
        assert self.stays.is_alive()
        return f"{len(self.open)} ways"


# ---- a terminal ----

def in_a_terminal(w: World) -> str:
    """Its simulated guest echoes. What is typed comes back, Ctrl-] leaves, and a server that is stopped is told."""
    server = w.api.servers()[2]["id"]
    env = Clients(w.daemon.openrc).env

    def attach() -> tuple[subprocess.Popen, int]:
        ours, its = pty.openpty()
        proc = subprocess.Popen([BUILD / "cli" / "drover", "server", "console", server], stdin=its, stdout=its, stderr=its, env=env, start_new_session=True)
        os.close(its)
        return proc, ours

    def until(fd: int, text: bytes) -> bytes:
        data = b""
        while text not in data:
            assert select.select([fd], [], [], HANG_S)[0], f"{text!r} does not come, only {data!r}"
            data += os.read(fd, 4096)
        return data
    seen = len(w.daemon.events)
    proc, fd = attach()
    until(fd, b"Ctrl-] leaves")
    w.daemon.wait_event("console_at", HANG_S, since=seen, server=server)
    os.write(fd, b"ping-\x03-pong")  # Ctrl-C is the guest's
    until(fd, b"ping-\x03-pong")
    os.write(fd, b"\x1d")
    assert proc.wait(HANG_S) == 0
    proc, fd = attach()
    until(fd, b"Ctrl-] leaves")
    os.write(fd, b"again")
    until(fd, b"again")
    w.api.call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None})
    until(fd, b"The server was stopped")
    assert proc.wait(HANG_S) == 1
    url = Clients(w.daemon.openrc).drover("server", "console", "--vnc", w.api.servers()[3]["id"])
    assert "console.html?path=%3Ftoken%3D" in url, url
    return "Ctrl-]"


# ---- VeNCrypt ----

def certificates(path: Path, name: str) -> Path:
    """A folder with a CA and what it has signed, as QEMU has them."""
    at = path / name
    at.mkdir()

    def run(*words: object) -> None:
        subprocess.run([str(word) for word in words], check=True, capture_output=True, cwd=at)
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run("openssl", "req", "-x509", *new, "-days", "2", "-subj", f"/CN={name}", "-keyout", "ca-key.pem", "-out", "ca-cert.pem")
    for side in "server", "client":
        run("openssl", "req", *new, "-subj", f"/CN={side}", "-keyout", f"{side}-key.pem", "-out", "request.pem")
        run("openssl", "x509", "-req", "-in", "request.pem", "-days", "2", "-CA", "ca-cert.pem", "-CAkey", "ca-key.pem", "-CAcreateserial",
            "-out", f"{side}-cert.pem")
    return at


class Qemu:
    """One that runs nothing, and has a VNC server with TLS alone."""

    def __init__(self, creds: Path, verify: bool) -> None:
        self.proc = subprocess.Popen(
            ["qemu-system-x86_64", "-S", "-m", "16", "-display", "none", "-qmp", "stdio", "-object",
             f"tls-creds-x509,id=tls0,dir={creds},endpoint=server,verify-peer={'on' if verify else 'off'}", "-vnc", "127.0.0.1:100,to=900,tls-creds=tls0"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask("qmp_capabilities")
        self.port = int(self.ask("query-vnc")["service"])

    def ask(self, command: str) -> dict:
        self.proc.stdin.write(json.dumps({"execute": command}) + "\n")
        self.proc.stdin.flush()
        while True:
            line = json.loads(self.proc.stdout.readline())
            if "return" in line:
                return line["return"]
            assert "error" not in line, line

    def __enter__(self) -> Qemu:
        return self

    def __exit__(self, *why: object) -> None:
        self.proc.kill()
        self.proc.wait()


def vencrypt(path: Path) -> str:
    """A real QEMU: let in by the right CA and, where it asks for one, with a certificate; each else is told why."""
    good, evil = certificates(path, "good"), certificates(path, "evil")
    mine = {"vencrypt_client_cert": good / "client-cert.pem", "vencrypt_client_key": good / "client-key.pem"}
    its = {"vencrypt_client_cert": evil / "client-cert.pem", "vencrypt_client_key": evil / "client-key.pem"}
    rows: list[tuple[str, bool, dict, str | None]] = [
        ("CA", False, {"vencrypt_ca_certs": good / "ca-cert.pem"}, None),
        ("wrong CA", False, {"vencrypt_ca_certs": evil / "ca-cert.pem"}, "TLS: "),
        ("client's certificate", True, {"vencrypt_ca_certs": good / "ca-cert.pem", **mine}, None),
        ("another's certificate", True, {"vencrypt_ca_certs": good / "ca-cert.pem", **its}, "VNC at h1"),
        ("no TLS", False, {"auth_schemes": "none"}, "add vencrypt to [vnc] auth_schemes"),
    ]
    for name, verify, more, why in rows:
        vnc = {"auth_schemes": "vencrypt", **more}
        with Qemu(good, verify) as qemu, Daemon({"h1": f"sim://h1?servers=1&vnc={qemu.port}"}, options=options(vnc=vnc), tag="vencrypt") as daemon:
            daemon.wait_hosts_up(1)
            w = World(daemon, None)
            wait_for(w.api.servers, HANG_S, "the server is known")
            ws = w.screen(w.api.servers()[0]["id"])
            if why:
                end = ws.ends()
                assert end.code == 1011 and why in end.why, (name, end)
            else:
                screen = Screen(ws)
                assert any(screen.picture()) and screen.name.startswith("QEMU"), (name, screen.name)
    return ", ".join(row[0] for row in rows)


# ---- TLS of the proxy ----

def console_certificate(path: Path, name: str) -> None:
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", path / "key.pem", "-out", path / "cert.pem"], check=True, capture_output=True)
    (path / "key.pem").chmod(0o600)


def s_client(port: int, version: str, cipher: str) -> str:
    """Return: the cipher that was chosen, and of whom the certificate is; "": refused."""
    suites = ("-ciphersuites", cipher) if version == "tls1_3" and cipher else ("-cipher", (cipher or "ALL") + ":@SECLEVEL=0")
    got = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", f"-{version}", *suites], input="", capture_output=True, text=True, timeout=HANG_S)
    found = re.search(r"^New, \S+, Cipher is (\S+)$", got.stdout, re.M)
    whose = re.search(r"^subject=.*CN = (\S+)$", got.stdout, re.M)
    return f"{found.group(1)} of {whose.group(1)}" if found and whose and found.group(1) != "(NONE)" else ""


# minimum, ciphers of the configuration; version and cipher of the client; whether it is let in
TLS = [
    ("default", "", [("tls1_1", "", False), ("tls1_2", "", True), ("tls1_3", "", True), ("tls1_2", "ECDHE-RSA-AES256-GCM-SHA384", True),
                     ("tls1_2", "ECDHE-RSA-CHACHA20-POLY1305", True), ("tls1_2", "AES128-SHA", False), ("tls1_2", "ECDHE-RSA-AES128-SHA", False),
                     ("tls1_3", "TLS_AES_128_GCM_SHA256", True)]),
    ("tlsv1_1", "", [("tls1_1", "", True), ("tls1_1", "ECDHE-RSA-AES128-SHA", True), ("tls1_1", "AES128-SHA", False), ("tls1_2", "", True), ("tls1_3", "", True)]),
    ("tlsv1_2", "ECDHE-RSA-AES256-GCM-SHA384:AES128-GCM-SHA256", [
        ("tls1_1", "", False), ("tls1_2", "ECDHE-RSA-AES256-GCM-SHA384", True), ("tls1_2", "AES128-GCM-SHA256", True),
        ("tls1_2", "ECDHE-RSA-AES128-GCM-SHA256", False), ("tls1_3", "", True)]),
    ("tlsv1_3", "", [("tls1_1", "", False), ("tls1_2", "", False), ("tls1_3", "", True), ("tls1_3", "TLS_CHACHA20_POLY1305_SHA256", True)]),
]


def tls(path: Path) -> str:
    at = path / "tls"
    at.mkdir()
    console_certificate(at, "first")
    tried = 0
    for minimum, ciphers, clients in TLS:
        console = {"ssl_minimum_version": minimum, **({"ssl_ciphers": ciphers} if ciphers else {})}
        files = {"cert": at / "cert.pem", "key": at / "key.pem"}
        with Daemon({"h1": "sim://h1?servers=1"}, options=options(DEFAULT=files, console=console), tag="tls") as daemon:
            port = int(daemon.wait_event("consoles_ready", HANG_S)["address"].rpartition(":")[2])
            for version, cipher, wanted in clients:
                got = s_client(port, version, cipher)
                assert bool(got) == wanted and (not got or cipher in got), (minimum, ciphers, version, cipher, got)
                tried += 1
            if minimum == "tlsv1_3":
                renewed(daemon, at, port)
    console_certificate(at, "third")
    does_not_start("[DEFAULT] ssl_only is set, and cert is not", {"ssl_only": "true"}, {})
    does_not_start("no cipher of TLS 1.2 named ECDHE-RSA-AES. There are", files, {"ssl_ciphers": "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES"})
    with Daemon({"h1": "sim://h1?servers=1"}, options=options(DEFAULT={**files, "ssl_only": "true"}), tag="tls") as daemon:
        assert daemon.wait_event("consoles_ready", HANG_S)
    return f"{tried} clients"


def does_not_start(words: str, default: dict, console: dict) -> None:
    daemon = Daemon({}, options=options(DEFAULT=default, console=console), tag="tls")
    try:
        daemon.spawn()
        why = daemon.wait_event("not_started", HANG_S)["error"]
        assert words in why, why
    finally:
        daemon.__exit__()


def renewed(daemon: Daemon, at: Path, port: int) -> None:
    """SIGHUP takes a new certificate; of one that is no good it says so, and keeps what there is."""
    console_certificate(at, "second")
    assert "of first" in s_client(port, "tls1_3", "")
    daemon.signal(signal.SIGHUP)
    daemon.wait_event("reloaded", HANG_S)
    assert "of second" in s_client(port, "tls1_3", "")
    (at / "cert.pem").write_text("nothing")
    seen = len(daemon.events)
    daemon.signal(signal.SIGHUP)
    assert "is no certificate" in daemon.wait_event("reload_refused", HANG_S, since=seen)["mistake"]
    assert "of second" in s_client(port, "tls1_3", "")


def main() -> int:
    t = Tap()
    only = sys.argv[1:]

    def run(case: object, *args: object) -> None:
        if not only or case.__name__ in only:
            with t.test(case.__name__.replace("_", " ")) as notes:
                notes.append(case(*args))
    fake = FakeVnc(paint)
    with Daemon({"h1": f"sim://h1?servers=10&vnc={fake.port}"}, options=options(), tag="screen") as daemon:
        daemon.wait_hosts_up(1)
        wait_for(lambda: len(daemon.api().servers()) == 10, HANG_S, "the servers are known")
        w = World(daemon, None)
        access = Access(w) if not only or "ends" in only else None
        for case in (page_in_a_browser, five_hundred):
            run(case, w, fake)
        run(in_a_terminal, w)
        run(vencrypt, daemon.dir)
        run(tls, daemon.dir)
        if access:
            with t.test("users that may not see the server any more") as notes:
                notes.append(access.ends())
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
