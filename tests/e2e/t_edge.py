#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The edge as others use it: curl, Python, Node and Chromium, with TLS and without; behind nginx and HAProxy, and what could smuggle a request past them."""
from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import requests
from daemon import Daemon
from tap import Tap
from wait import wait_for

HOSTS = {"s1": "sim://s1?servers=200"}
WAIT_S = 120
NO_PROXY = {"http": "", "https": ""}  # of the machine's
BIG = 100_000  # of a body: below [oslo_middleware] max_request_body_size, and more than a socket takes at once

NGINX = """
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/nginx.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;
  upstream droverd {{ server 127.0.0.1:{port}; keepalive 1; }}
  server {{ listen 127.0.0.1:{own}; location / {{
    proxy_pass http://droverd; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; proxy_request_buffering off; proxy_buffering off;
  }} }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  http-reuse always
listen droverd
  bind 127.0.0.1:{own}
  server one 127.0.0.1:{port} maxconn 1 pool-max-conn 1
"""
NODE = r"""
const http = require(process.argv[2].startsWith('https') ? 'https' : 'http')
const [, , url, token] = process.argv
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })
const ask = path => new Promise((done, fail) => http.get(url + path, { agent, headers: { 'X-Auth-Token': token } }, res => {
  let text = ''
  res.on('data', part => text += part).on('end', () => done([res.statusCode, text]))
}).on('error', fail))
const all = Array.from({ length: 50 }, (_, i) => ask('/v2.1/servers?all_tenants=1&limit=' + (i + 1)))
Promise.all(all).then(async got => {
  const fetched = await fetch(url + '/v2.1/limits', { headers: { 'X-Auth-Token': token } })
  console.log(JSON.stringify({ counts: got.map(([status, text]) => status == 200 ? JSON.parse(text).servers.length : status), fetched: fetched.status }))
  agent.destroy()
}).catch(err => { console.error(err); process.exit(1) })
"""


def run(*words: str, **more: object) -> str:
    return subprocess.run(list(words), check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=WAIT_S, **more).stdout


# ---- clients ----

def try_curl(t: Tap, url: str, token: str, *tls: str) -> None:
    kind = "TLS" if tls else "plain"
    auth = ("-sS", "-H", f"X-Auth-Token: {token}", *tls)
    with t.test(f"curl, {kind}: two requests on one connection"):
        got = run("curl", *auth, "-o", "/dev/null", "-o", "/dev/null", "-w", "%{http_code} %{num_connects} %{http_version}\\n", f"{url}/v2.1/limits", f"{url}/v2.1/os-services")
        assert got.split() == ["200", "1", "1.1", "200", "0", "1.1"], got
    with t.test(f"curl, {kind}: HTTP/1.0, and an upgrade to HTTP/2 that is not taken"):
        assert run("curl", *auth, "--http1.0", "-o", "/dev/null", "-w", "%{http_code}", f"{url}/v2.1/limits") == "200"
        assert run("curl", *auth, "--http2", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", f"{url}/v2.1/limits") == "200 1.1"
    with t.test(f"curl, {kind}: HEAD has the length of GET and no body"):
        head = run("curl", *auth, "-I", f"{url}/v2.1/limits")
        body = run("curl", *auth, f"{url}/v2.1/limits")
        assert re.search(rf"(?im)^content-length: {len(body)}\r?$", head), head
    with t.test(f"curl, {kind}: a large body, with Expect, and in chunks"):
        name = "n" * BIG
        body = json.dumps({"project": {"name": name}})
        for more in ("Expect: 100-continue",), ("Transfer-Encoding: chunked",), ("Expect: 100-continue", "Transfer-Encoding: chunked"):
            words = [word for header in more for word in ("-H", header)]
            got = run("curl", *auth, *words, "-H", "Content-Type: application/json", "-d", "@-", "-w", " %{http_code}", f"{url}/identity/v3/projects", input=body)
            assert got.endswith(" 400") and "name" in got, got[-300:]


def try_python(t: Tap, url: str, token: str, ca: str | bool) -> None:
    with t.test(f"Python requests, {'TLS' if ca is not True else 'plain'}: a session"), requests.Session() as session:
        session.trust_env = False  # no bundle or proxy of the machine's
        session.verify = ca
        session.headers["X-Auth-Token"] = token
        for limit in range(1, 30):
            got = session.get(f"{url}/v2.1/servers", params={"all_tenants": 1, "limit": limit}, timeout=WAIT_S)
            assert len(got.json()["servers"]) == limit, got.text


def try_node(t: Tap, url: str, token: str, ca: str = "") -> None:
    with t.test(f"Node, {'TLS' if ca else 'plain'}: fifty requests on four connections, and fetch()"), tempfile.NamedTemporaryFile("w", suffix=".js") as script:
        script.write(NODE)
        script.flush()
        got = json.loads(run("node", script.name, url, token, env={"PATH": "/usr/bin:/bin", "NODE_EXTRA_CA_CERTS": ca}))
        assert got == {"counts": list(range(1, 51)), "fetched": 200}, got


def try_chromium(t: Tap, url: str, pin: str = "") -> None:
    with t.test(f"Chromium, {'TLS' if pin else 'plain'}"), tempfile.TemporaryDirectory() as home:
        got = run("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={home}",
                  f"--ignore-certificate-errors-spki-list={pin}", "--virtual-time-budget=10000", "--dump-dom", f"{url}/v2.1/", env={"PATH": "/usr/bin:/bin", "HOME": home})
        assert '"id":"v2.1"' in got.replace(" ", "") and '"status"' in got, got


# ---- TLS ----

def make_certificate(folder: Path) -> str:
    """Return: its key's pin, as Chromium takes it."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7", "-subj", "/CN=127.0.0.1", "-addext",
        "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    (folder / "key.pem").chmod(0o600)
    public = subprocess.run(["openssl", "x509", "-in", str(folder / "cert.pem"), "-pubkey", "-noout"], check=True, capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=public, check=True, capture_output=True).stdout
    digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der, check=True, capture_output=True).stdout
    return subprocess.run(["openssl", "base64", "-A"], input=digest, check=True, capture_output=True).stdout.decode()


# ---- proxies ----

def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def proxy(name: str, text: str, port: int) -> Iterator[str]:
    """Return: the URL that leads through it."""
    own = free_port()
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / "conf"
        conf.write_text(text.format(dir=folder, port=port, own=own))
        command = ["/usr/sbin/nginx", "-p", folder, "-e", f"{folder}/nginx.log", "-c", str(conf)] if name == "nginx" else ["/usr/sbin/haproxy", "-db", "-f", str(conf)]
        with open(Path(folder) / "log", "wb") as log:
            proc = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(lambda: proc.poll() is not None or answers(own), 20, f"{name} answers")
            assert proc.poll() is None, (Path(folder) / "log").read_text()
            yield f"http://127.0.0.1:{own}"
        finally:
            proc.terminate()
            proc.wait()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    except ConnectionError:
        return False


HIDDEN = "GET /v2.1/hidden HTTP/1.1\r\nHost: h\r\nX-Ignore: "
# What one reader takes for one request and another for two. {n}: the length of what hides.
SMUGGLERS = {
    "CL and TE": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {n5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
    "TE and CL": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{x}\r\n{hidden}\r\n0\r\n\r\n",
    "two lengths": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: {n}\r\n\r\n{hidden}",
    "a list of lengths": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0, {n}\r\n\r\n{hidden}",
    "a signed length": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +0\r\n\r\n{hidden}",
    "a hexadecimal length": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x0\r\n\r\n{hidden}",
    "a length with NUL": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\0{n}\r\n\r\n{hidden}",
    "unknown coding": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\nContent-Length: {n}\r\n\r\n{hidden}",
    "coding twice": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}",
    "coding not last": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}",
    "space before the colon": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\nContent-Length: {n5}\r\n\r\n0\r\n\r\n{hidden}",
    "a folded coding": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n chunked\r\nContent-Length: {n5}\r\n\r\n0\r\n\r\n{hidden}",
    "bare LF": "POST / HTTP/1.1\r\nHost: h\r\nX: a\nTransfer-Encoding: chunked\r\nContent-Length: {n5}\r\n\r\n0\r\n\r\n{hidden}",
    "bare CR": "POST / HTTP/1.1\r\nHost: h\r\nX: a\rTransfer-Encoding: chunked\r\nContent-Length: {n5}\r\n\r\n0\r\n\r\n{hidden}",
    "coding with a control": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\nContent-Length: {n5}\r\n\r\n0\r\n\r\n{hidden}",
    "quoted coding": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \"chunked\"\r\nContent-Length: {n5}\r\n\r\n0\r\n\r\n{hidden}",
    "a chunk size that overflows": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{hidden}",
    "a chunk size with a sign": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-0\r\n\r\n{hidden}",
    "a chunk ended by LF": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\n\n{hidden}",
    "a chunk without its end": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n{hidden}",
    "an extension with LF": "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n{hidden}",
    "GET with a body": "GET /v2.1/ HTTP/1.1\r\nHost: h\r\nContent-Length: {n}\r\n\r\n{hidden}",
    "a body in HTTP/1.0": "POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: {n5}\r\n\r\n0\r\n\r\n{hidden}",
    "two hosts": "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\nContent-Length: {n}\r\n\r\n{hidden}",
    "an upgrade": "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\nContent-Length: {n}\r\n\r\n{hidden}",
    "Expect and a refusal": "POST /v2.1/none HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {n}\r\n\r\n{hidden}",
}


def send_raw(port: int, data: bytes) -> bytes:
    """Until the other side closes, or has nothing more to say for a while."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while part := sock.recv(65536):
                got += part
        return got


def try_smugglers(t: Tap, name: str, url: str, token: str) -> None:
    """What comes after each on the proxy's connections to the daemon is another client's, and gets its own answer."""
    port = int(url.rsplit(":", 1)[1])
    for what, text in SMUGGLERS.items():
        with t.test(f"{name}: {what}"):
            data = text.format(n=len(HIDDEN), n5=len(HIDDEN) + 5, x=f"{len(HIDDEN):x}", hidden=HIDDEN).encode("latin-1")
            send_raw(port, data)
            for _ in range(3):
                own = str(uuid.uuid4())
                got = requests.get(f"{url}/v2.1/servers/{own}", headers={"X-Auth-Token": token}, timeout=WAIT_S, proxies=NO_PROXY)
                assert got.status_code == 404 and own in got.text, f"{got.status_code} {got.text}"


def main() -> int:
    t = Tap()
    with Daemon(HOSTS, tag="edge") as daemon:
        daemon.wait_hosts_up(1)
        token = daemon.api().token
        try_curl(t, daemon.url, token)
        try_python(t, daemon.url, token, True)
        try_node(t, daemon.url, token)
        try_chromium(t, daemon.url)
        for name, conf in ("nginx", NGINX), ("haproxy", HAPROXY):
            with proxy(name, conf, int(daemon.url.rsplit(":", 1)[1])) as url:
                try_python(t, url, token, True)
                try_smugglers(t, name, url, token)
        daemon.stop()
    with tempfile.TemporaryDirectory() as folder:
        pin = make_certificate(Path(folder))
        cert = f"{folder}/cert.pem"
        with Daemon(HOSTS, tag="edge-tls", options={"wsgi": {"ssl_cert_file": cert, "ssl_key_file": f"{folder}/key.pem"}}) as daemon:
            wait_for(lambda: daemon.url, 20, "it listens")
            token = login(daemon, cert)
            try_curl(t, daemon.url, token, "--cacert", cert)
            try_python(t, daemon.url, token, cert)
            try_node(t, daemon.url, token, cert)
            try_chromium(t, daemon.url, pin)
            for version, good in ("1.1", False), ("1.2", True), ("1.3", True):
                with t.test(f"TLS {version}"):
                    got = subprocess.run(["curl", "-sS", "--cacert", cert, f"--tlsv{version}", "--tls-max", version, f"{daemon.url}/v2.1"], capture_output=True, text=True)
                    assert (got.returncode == 0) == good, got.stdout + got.stderr
            daemon.stop()
    return t.done()


def login(daemon: Daemon, cert: str) -> str:
    openrc = daemon.openrc
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": openrc["OS_USERNAME"], "password": openrc["OS_PASSWORD"],
                                                                                 "domain": {"name": "Default"}}}},
                     "scope": {"project": {"name": openrc["OS_PROJECT_NAME"], "domain": {"name": "Default"}}}}}
    got = requests.post(f"{daemon.url}/identity/v3/auth/tokens", json=body, verify=cert, timeout=WAIT_S, proxies=NO_PROXY)
    assert got.status_code == 201, got.text
    return got.headers["X-Subject-Token"]


if __name__ == "__main__":
    sys.exit(main())
