#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
Consoles by WebSocket, serial ones and screens: what the proxy refuses and lets in, on a simulated host; and on real guests, through a live migration,
a restart of the daemon, a reboot and the server's stop, asked for by the stock clients.
"""
from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Callable
from urllib.error import HTTPError
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from browser import Browser
from consoles import NOT_VALID, OPTIONS, Silent, World, expect_refused, socket_of
from daemon import Daemon, lab_hosts
from lab import Lab
from rfb import VERSION, FakeVnc, Screen, paint, says
from stock import Clients
from tap import Tap
from wait import HANG_S, wait_for
from ws import BINARY, CONT, TEXT, WebSocket

# ---- on a simulated host, whose guests echo ----

def tokens(w: World) -> str:
    one, other = (server["id"] for server in w.api.servers()[:2])
    url = w.url(one)
    base, token = url.split("?token=")
    for bad in ("", "?token=", "?token=" + "0" * 36, "?token=" + "x" * 500, "?token=" + token[:-1], "?token=" + token.upper()):
        expect_refused(base + bad, 403, NOT_VALID)
    assert w.api.get(f"/v2.1/os-console-auth-tokens/{token}")["console"]["instance_uuid"] == one
    assert w.api.call("GET", "/v2.1/os-console-auth-tokens/nothing", mv="2.96").fault == "itemNotFound: Token not found"
    assert w.api.call("GET", f"/v2.1/os-console-auth-tokens/{token}", mv="2.30").status == 404
    first = w.open(url)
    first.send("to one")
    assert first.until("to one") == "to one"
    # it comes again: the first connection is a dead one's, for all that is known
    again = w.open(url)
    assert first.ends().code == 4009
    again.send("still")
    again.until("still")
    # a second token of the same server finds the console in use
    assert "Active console session" in w.open(w.url(one)).ends().why
    away = w.open(base + "?path=%3Ftoken%3D" + w.url(other).split("=")[1])
    away.send("to the other")
    away.until("to the other")
    again.close()
    text = (w.daemon.dir / "log").read_text()
    assert token not in text and one in text, "the log has a token"
    stored = w.daemon.query("SELECT token_hash, server_uuid FROM console_tokens")
    assert all(token not in row for row in stored) and (one in {row[1] for row in stored})
    return f"{len(stored)} tokens"


def openings(w: World) -> str:
    """tests/unit/t_handshake.c has each; these go the whole way."""
    url = w.url(w.api.servers()[0]["id"])
    expect_refused(url, 403, "Origin header does not match this host", headers={"Origin": "http://evil.example"})
    expect_refused(url, 403, "Origin header protocol does not match this host", headers={"Origin": "https://127.0.0.1"})
    expect_refused(url, 426, "must be 13", headers={"Sec-WebSocket-Version": "8"})
    expect_refused(url, 404, "Only consoles are here", headers={"Upgrade": ""})
    w.open(url, headers={"Origin": "http://127.0.0.1:1"}).close()
    return url.split("?")[0]


def frames(w: World) -> str:
    """What a client must not send ends its connection with RFC 6455's number, and nothing else."""
    url = w.url(w.api.servers()[2]["id"])

    def ends(code: int, *sent: tuple[int, bytes, dict]) -> None:
        ws = w.open(url)
        for opcode, data, how in sent:
            ws.frame(opcode, data, **how)
        end = ws.ends()
        assert end.code == code, (sent[0][0], end)
    ends(1002, (BINARY, b"clear", {"masked": False}))
    ends(1009, (BINARY, b"x" * 65536, {}))
    ends(1009, (BINARY, b"", {"length": 1 << 40}))
    ends(1009, (BINARY, b"x" * 30000, {"fin": False}), (CONT, b"x" * 30000, {"fin": False}), (CONT, b"x" * 30000, {"fin": False}))
    ends(1002, (CONT, b"of nothing", {}))
    ends(1002, (11, b"", {}))
    ends(1007, (TEXT, b"\xff\xfe", {}))
    ws = w.open(url)
    for piece in "whole":
        ws.frame(BINARY if piece == "w" else CONT, piece.encode(), fin=piece == "e")
    ws.until("whole")
    ws.frame(8, (1000).to_bytes(2, "big"))
    assert ws.ends().code == 1000
    return "8 ways to end"


def stopped(w: World) -> str:
    """It ends sessions and tokens, and there are no new ones."""
    server = w.api.servers()[3]["id"]
    ws = w.open(w.url(server))
    ws.send("in")
    ws.until("in")
    seen = len(w.daemon.events)
    w.api.call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None})
    end = ws.ends()
    assert (end.code, end.why) == (4003, "The server was stopped"), end
    w.daemon.wait_event("console_token_revoked", 20, since=seen, server=server)
    reply = w.api.call("POST", f"/v2.1/servers/{server}/remote-consoles", {"remote_console": {"protocol": "serial", "type": "serial"}}, mv="2.6")
    assert reply.fault == "conflictingRequest: Instance not yet ready", reply.fault
    return end.why


def older_calls(w: World) -> str:
    server = w.api.servers()[4]["id"]
    action = f"/v2.1/servers/{server}/action"
    reply = w.api.call("POST", action, {"os-getSerialConsole": {"type": "serial"}}, mv="2.1")
    assert reply.status == 200 and reply.json["console"]["type"] == "serial", reply.fault
    w.open(reply.json["console"]["url"]).close()
    assert w.api.call("POST", action, {"os-getSerialConsole": {"type": "serial"}}, mv="2.6").status in (400, 404)
    reply = w.api.call("POST", action, {"os-getVNCConsole": {"type": "novnc"}}, mv="2.5")
    assert reply.status == 200 and reply.json["console"]["type"] == "novnc" and "path=%3Ftoken%3D" in reply.json["console"]["url"], reply.fault
    assert w.api.call("POST", action, {"os-getVNCConsole": {"type": "xvpvnc"}}, mv="2.1").fault == "badRequest: Unavailable console type xvpvnc."
    reply = w.api.call("POST", action, {"os-getConsoleOutput": {}}, mv="2.96")
    assert reply.status == 404 and reply.fault == "itemNotFound: Guest does not have a console available.", reply.fault
    body = {"remote_console": {"protocol": "serial", "type": "novnc"}}
    reply = w.api.call("POST", f"/v2.1/servers/{server}/remote-consoles", body, mv="2.6")
    assert reply.fault == "badRequest: Unavailable console type novnc.", reply.fault
    return reply.fault


def by_nova(w: World) -> str:
    """At its own microversion it asks as openstack does, and up to 2.5 by the older actions."""
    server, clients, asked = w.api.servers()[5]["id"], Clients(w.daemon.openrc), []
    for version in "", "--os-compute-api-version 2.5", "--os-compute-api-version 2.6":
        for what, kind in ("get-vnc-console", f"{server} novnc"), ("get-serial-console", server):
            status, text = clients.run(f"nova --debug {version} {what} {kind}")
            asked.append(re.findall(r"POST \S+/servers/[^/]+/(\S+).*?-d '\{\"(\w+-\w+|\w+)\"", text)[-1])
            row = re.search(r"\| (?:novnc|serial)\s+\| (\S+)", text)
            assert status == 0 and row, text
            if what == "get-vnc-console":
                assert any(Screen(w.open(socket_of(row[1]))).picture())
            else:
                ws = w.open(row[1])
                ws.send("asked")
                ws.until("asked")
                ws.close()
    new, old = ("remote-consoles", "remote_console"), [("action", "os-getVNCConsole"), ("action", "os-getSerialConsole")]
    assert asked == [new, new, *old, new, new], asked
    return f"{len(asked)} addresses"


def many(w: World) -> str:
    """As many as there are servers, at once, each its own bytes."""
    all_ = [w.open(w.url(server["id"])) for server in w.api.servers() if server["status"] == "ACTIVE"]
    for n, ws in enumerate(all_):
        ws.send(f"<{n}>" * 100)
    for n, ws in enumerate(all_):
        assert ws.until(f"<{n}>" * 100) == f"<{n}>" * 100
        ws.close()
    return f"{len(all_)} consoles"


# ---- screens, on a simulated host whose VNC is the test's ----

def screens(w: World, fake: FakeVnc) -> str:
    fake.serve = paint
    server = w.api.servers()[6]["id"]
    one, two = Screen(w.screen(server)), Screen(w.screen(server))  # two viewers of the same guest
    assert (one.width, one.height, one.name) == (64, 48, "fake")
    one.key(0x33)
    assert set(one.picture()) == {0x33} and set(two.picture()) == {1}
    seen = len(w.daemon.events)
    w.api.call("POST", f"/v2.1/servers/{server}/action", {"os-stop": None})
    assert one.ws.ends().code == two.ws.ends().code == 4003
    w.daemon.wait_event("console_token_revoked", 20, since=seen, server=server)
    return one.name


def screens_refused(w: World, fake: FakeVnc) -> str:
    """What a guest's VNC server may say, and what the client is told of it."""
    server = w.api.servers()[7]["id"]
    rows: list[tuple[int, str, object]] = [
        (1011, "it speaks no RFB", says(b"SSH-2.0-OpenSSH\r\n")),
        (1011, "another version of RFB", says(b"RFB 003.003\n")),
        (1011, "it asks for a password", says(VERSION, b"\1\2")),
        (1011, "add vencrypt to [vnc] auth_schemes", says(VERSION, b"\1\x13")),
        (1011, "no security type", says(VERSION, b"\1\x63")),
        (1011, "it refuses: too many of you", says(VERSION, b"\0\0\0\0\x0ftoo many of you")),
        (1011, "it refuses: not today", says(VERSION, b"\1\1", b"\0\0\0\1\0\0\0\x09not today")),
        (1011, "bytes came that were not asked for", says(VERSION, b"\1\1", bytes(4), b"early")),
    ]
    for code, words, serve in rows:
        fake.serve = serve
        end = w.screen(server).ends()
        assert end.code == code and words in end.why, (words, end)
    fake.serve = paint
    clients: list[tuple[str, list[bytes]]] = [("another version", [b"RFB 003.003\n"]), ("not offered", [VERSION, b"\2"])]
    for words, sent in clients:
        ws = w.screen(server)
        assert ws.receive() == VERSION
        for data in sent:
            ws.frame(BINARY, data)
        end = ws.ends()
        assert end.code == 1008 and words in end.why, end
    return f"{len(rows) + len(clients)} ways"


def screen_that_comes_later(w: World, fake: FakeVnc) -> str:
    """One that closes at once is tried again, until it does better; one that ends is the page's to open again."""
    left = [2]

    def late(sock: object) -> None:
        if left[0]:
            left[0] -= 1
            return
        paint(sock)
    fake.serve = late
    url = socket_of(w.url(w.api.servers()[8]["id"], "vnc", "novnc"))
    screen = Screen(w.open(url))
    assert set(screen.picture()) == {1} and left == [0]
    fake.seen[-1].shutdown(socket.SHUT_RDWR)
    assert screen.ws.ends().code == 4001
    assert set(Screen(w.open(url)).picture()) == {1}, "the token is good again"
    return "the same token"


def page(w: World) -> str:
    """Ours and noVNC's, and nothing outside of its folder."""
    base = w.url(w.api.servers()[9]["id"], "vnc", "novnc").split("/console.html")[0]
    with urlopen(f"{base}/console.html?path=%3Ftoken%3Dabc") as got:
        text, fields = got.read().decode(), got.headers
    assert "console.js" in text and "default-src 'self'" in fields["Content-Security-Policy"] and fields["X-Content-Type-Options"] == "nosniff"
    kinds = {}
    for path in "/console.js", "/core/rfb.js", "/vendor/pako/lib/zlib/inflate.js", "/vnc_lite.html", "/app/styles/base.css":
        with urlopen(base + path) as got:
            kinds[path] = got.headers["Content-Type"].split(";")[0]
            assert got.read()
    assert kinds["/core/rfb.js"] == "text/javascript" and kinds["/vnc_lite.html"] == "text/html", kinds
    for path in "/", "/core", "/core/../core/rfb.js", "/..%2f..%2fetc/passwd", "/nothing.js", "//core/rfb.js":
        try:
            urlopen(base + path)
            raise AssertionError(path)
        except HTTPError as why:
            assert why.code == 404, (path, why)
    return f"{len(kinds)} files"


def by_tls(path: Path) -> str:
    """The same by TLS, whose lowest version and certificate the configuration names."""
    cert = path / "console.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=console",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", cert, "-out", path / "cert.pem"], check=True, capture_output=True)
    cert.write_text(cert.read_text() + (path / "cert.pem").read_text())
    cert.chmod(0o600)
    options = {**OPTIONS, "DEFAULT": {"cert": cert}, "console": {"ssl_minimum_version": "tlsv1_3"}}
    with Daemon({"h1": "sim://h1?servers=1"}, options=options, tag="consoletls") as daemon:
        daemon.wait_hosts_up(1)
        context = ssl.create_default_context(cafile=str(path / "cert.pem"))
        w = World(daemon, None, context=context)
        url = w.url(w.api.servers()[0]["id"])
        assert url.startswith("wss://"), url
        expect_refused(url, 403, "protocol does not match", headers={"Origin": "http://127.0.0.1"}, context=context)
        ws = w.open(url, headers={"Origin": "https://127.0.0.1"})
        ws.send("sealed")
        ws.until("sealed")
        version = ws.sock.version()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        try:
            w.open(url)
        except ssl.SSLError as why:
            return f"{version}; 1.2: {why.reason}"
    raise AssertionError("TLS 1.2 was let in")


# ---- on real hosts ----

LINES_LATER = 500
CONNECTED = "document.body.dataset.state == 'connected'"


class Real:
    def __init__(self, lab: Lab, daemon: Daemon, uuid: str) -> None:
        self.lab, self.daemon, self.uuid = lab, daemon, uuid
        self.world = World(daemon, lab.netns)
        self.clients = Clients(daemon.openrc)
        self.ws: WebSocket | None = None
        self.screen: Screen | None = None
        self.screen_url = ""
        self.typed = 0
        self.lost: list[int] = []
        self.page: Browser | None = None
        self.url = ""

    def type(self, text: str, wanted: str) -> str:
        self.ws.send(text)
        return self.ws.until(wanted)


def by_stock_client(r: Real) -> str:
    r.url = r.clients.value("openstack console url show --serial vm1", "url")
    r.ws = r.world.open(r.url)
    r.type("\nstty -echo; echo to''gether\n", "together")
    return r.url.split("?")[0]


def log_of_a_guest(r: Real) -> str:
    """What it has written since it booted, as far as its host keeps that; the end alone where that is asked for."""
    r.ws.send("echo; echo the last' 'line of all\n")
    r.ws.until("the last line of all\r\n")
    wait_for(lambda: "the last line of all" in r.clients.must("openstack console log show vm1"), 20, "the log has what was written")
    text = r.clients.must("openstack console log show vm1")
    assert "\r" not in text and "lab-guest-up vm1" in text, text[:300]
    some = r.clients.must("openstack console log show --lines 3 vm1")
    assert "the last line of all" in some and text.endswith(some) and len(some.splitlines()) <= 3, some
    action = f"/v2.1/servers/{r.uuid}/action"
    for length, status in ((0, 200), ("2", 200), (None, 200), (-1, 200), (-2, 400), ("two", 400), (1.5, 400)):
        reply = r.world.api.call("POST", action, {"os-getConsoleOutput": {"length": length}}, mv="2.1")
        assert reply.status == status, (length, reply.fault)
    assert r.world.api.call("POST", action, {"os-getConsoleOutput": None}, mv="2.1").status == 400
    assert r.world.api.call("POST", action, {"os-getConsoleOutput": {"length": 0}}, mv="2.1").json == {"output": ""}
    return f"{len(text)} characters"


def slow_reader(r: Real) -> str:
    """A guest that writes a quarter of a megabyte to a client that does not read for a while: nothing is lost."""
    lines = 50000
    r.ws.send(f"echo; seq 1 {lines}; echo al''l\n")
    text = r.ws.until("all\r\n")
    numbers = [line for line in text.split("\r\n") if line.isdigit()]
    assert numbers == [str(n) for n in range(1, lines + 1)], (len(numbers), numbers[:3], numbers[-3:])
    return f"{len(text)} bytes"


def screen_of_a_guest(r: Real) -> str:
    """What the guest draws is seen, and what is typed at the screen comes to the guest."""
    r.screen_url = socket_of(r.clients.value("openstack console url show --novnc vm1", "url"))
    r.screen = Screen(r.world.open(r.screen_url))
    before = r.screen.picture()
    assert any(before), "the screen is black"
    # it has its terminal open before it draws: what is typed at one that is not is lost, and so is what QEMU's keyboard has no room for (16 bytes, three a key)
    r.ws.send("{ for i in 1 2 3 4 5 6 7 8 9; do echo DRAWN > /dev/tty1; done; head -n 1; } < /dev/tty1; echo re''ad\n")
    wait_for(lambda: r.screen.picture() != before, HANG_S, "the guest has drawn")
    r.screen.type("yes\n")
    assert "yes\r\n" in r.ws.until("read\r\n")
    return f"{r.screen.width}x{r.screen.height}, {r.screen.name}"


def through_migrations(r: Real) -> str:
    """The same socket before, during and after, there and back, and not a byte lost on it; the screen's comes again with its token."""
    picture = r.screen.picture()
    r.ws.send("(i=0; while [ ! -e /stop ]; do i=$((i+1)); echo count-$i; usleep 3000; done; echo count''ed) & while read l && [ $l != end ]; do echo got-$l; done\n")
    r.page.open(r.world.url(r.uuid, "vnc", "novnc"))
    r.page.until(CONNECTED, "the page shows the guest")
    for n, host in enumerate(("h2", "h1")):
        moved(r, host)
        r.page.until(f"{CONNECTED} && document.body.dataset.connections == {n + 2}", "the page shows it again")
    assert (r.screen.width * r.screen.height * 4) == len(picture) and any(r.screen.picture())
    r.ws.send("end\n")
    r.ws.send("touch /stop\n")
    text = r.ws.until("counted\r\n")
    counts, got = ([int(n) for n in re.findall(rf"{word}-(\d+)\r\n", text)] for word in ("count", "got"))
    assert counts == list(range(1, len(counts) + 1)), [n for n in range(1, counts[-1]) if n not in counts]
    assert got == [n for n in range(1, r.typed + 1) if n not in r.lost] and len(r.lost) <= 2, (r.lost, [n for n in range(1, r.typed + 1) if n not in got])
    return f"one socket, {len(counts)} lines, {len(got)} typed, {len(r.lost)} at a switch; the page was without a screen for {r.page.ask('document.body.dataset.gaps')} ms"


def type_line(r: Real, host: str, seen: int) -> None:
    """The next one when this has come. One that is typed in the moment of the switch is the stopped guest's, and is given up when long after it has not come."""
    r.typed += 1
    wanted, limit = f"got-{r.typed}\r\n".encode(), 0
    r.ws.send(f"{r.typed}\n")
    while wanted not in r.ws.got:
        r.ws.got += r.ws.receive()
        if not limit and r.daemon.find_event("console_at", seen, host=host):
            limit = r.ws.got.count(b"count-") + LINES_LATER
        if limit and r.ws.got.count(b"count-") > limit:
            r.lost.append(r.typed)
            return


def moved(r: Real, host: str) -> None:
    seen = len(r.daemon.events)
    assert r.world.api.live_migrate(r.uuid, host).status == 202
    while r.world.api.host_of(r.uuid) != host:
        type_line(r, host, seen)
    for _ in range(10):
        type_line(r, host, seen)
    wait_for(lambda: r.world.api.server(r.uuid)["OS-EXT-STS:task_state"] is None, 60, "the migration is over")
    wait_for(lambda: r.daemon.find_event("console_at", host=host), 30, "the console is there")
    assert r.screen.ws.ends().code == 4001
    r.screen = Screen(r.world.open(r.screen_url))


def restarts(r: Real) -> str:
    """It ends the sockets, and the tokens are good again for a while: the page comes again by itself."""
    pages = r.page.ask("document.body.dataset.connections")
    r.daemon.stop()
    assert r.ws.ends().code in (1001, 1006)
    r.daemon.start()
    r.daemon.wait_hosts_up(2)
    r.world = World(r.daemon, r.lab.netns)
    r.ws = r.world.open(r.url)
    r.type("\necho ba''ck\n", "back")
    r.page.until(f"{CONNECTED} && document.body.dataset.connections > {pages}", "the page shows it again")
    return "the same tokens"


def reboots_and_stops(r: Real) -> str:
    """Each reboot is another QEMU's: the serial console's socket stays open, the page comes again by itself until the server is stopped."""
    for kind in "SOFT", "HARD":  # the guest has long heard of buttons when it is asked
        pages = r.page.ask("document.body.dataset.connections")
        assert r.world.api.call("POST", f"/v2.1/servers/{r.uuid}/action", {"reboot": {"type": kind}}).status == 202
        r.ws.until("BusyBox v")
        wait_for(lambda: r.world.api.server(r.uuid)["OS-EXT-STS:task_state"] is None, HANG_S, "the reboot is over")
        r.page.until(f"{CONNECTED} && document.body.dataset.connections > {pages}", f"the page shows it again after {kind}")
    gaps = r.page.ask("document.body.dataset.gaps").split(", ")[-2:]
    r.world.api.call("POST", f"/v2.1/servers/{r.uuid}/action", {"os-stop": None})
    end = r.ws.ends()
    assert end.code == 4003, end
    assert r.page.until("document.body.dataset.state == 'ended' && document.getElementById('said').textContent", "the page tells the end") == end.why
    status, text = r.clients.run("openstack console url show --serial vm1")
    assert status and "Instance not yet ready" in text, text
    return f"{end.why}; without a screen for {', '.join(gaps)} ms in the reboots"


def main() -> int:
    t = Tap()
    only = sys.argv[1:]

    def run(case: object, *args: object) -> None:
        if not only or "sim" in only or case.__name__ in only:
            with t.test(case.__name__.replace("_", " ")) as notes:
                notes.append(case(*args))
    fake = FakeVnc(paint)
    options = {**OPTIONS, "vnc": {**OPTIONS["vnc"], "server_proxyclient_address": "127.0.0.1"}}
    with Daemon({"h1": f"sim://h1?servers=20&vnc={fake.port}"}, options=options, tag="console") as daemon:
        daemon.wait_hosts_up(1)
        wait_for(lambda: len(daemon.api().servers()) == 20, 20, "the servers are known")
        w = World(daemon, None)
        for case in (tokens, openings, frames, stopped, older_calls, by_nova, many):
            run(case, w)
        for case in (screens, screens_refused, screen_that_comes_later):
            run(case, w, fake)
        run(page, w)
        run(by_tls, daemon.dir)
        if "sim" in only:
            return t.done()
        silent = None if only else Silent(w)
        on_real_hosts(run)
        if silent:
            with t.test("clients that are not there") as notes:
                notes.append(silent.ends())
    return t.done()


def on_real_hosts(run: Callable) -> None:
    with Lab(2, "console") as lab:
        uuid = lab.guest("h1", "vm1", "--mem", "128", "--vnc", "--wait").split()[0]
        # a port of its own network, so that it is the same after a restart
        with Daemon(lab_hosts(lab), lab, {**OPTIONS, "vnc": {**OPTIONS["vnc"], "novncproxy_port": "6080"}}, "consolelab") as daemon:
            daemon.wait_hosts_up(2)
            wait_for(lambda: daemon.api().servers(), 20, "the guest is known")
            r = Real(lab, daemon, uuid)
            with Browser(lab.netns) as r.page:
                for case in (by_stock_client, log_of_a_guest, slow_reader, screen_of_a_guest, through_migrations, restarts, reboots_and_stops):
                    run(case, r)


if __name__ == "__main__":
    sys.exit(main())
