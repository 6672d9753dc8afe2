# SPDX-License-Identifier: Apache-2.0
"""Stock Horizon, of Debian's files as they are, in front of a daemon; and a page of it in Chromium."""
from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from browser import Browser
from daemon import Daemon
from lab import KEPT, ROOT
from wait import HANG_S, wait_for

# What an administrator writes into local_settings.py. Sessions are files: there is no memcached.
SETTINGS = """from openstack_dashboard.settings import *
OPENSTACK_KEYSTONE_URL = "{url}/identity/v3"
ALLOWED_HOSTS = ["127.0.0.1"]
SECRET_KEY = "of-a-test"
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = "{folder}"
"""
# Of a page's requests those that are under way; Horizon's own scripts ask by XMLHttpRequest alone.
WATCH = """window.asking = 0;
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function(...body) {
	window.asking++;
	this.addEventListener('loadend', () => setTimeout(() => window.asking--, 0));
	return send.apply(this, body);
};"""
LOADED = "document.readyState == 'complete' && window.asking == 0"
RED = "[...document.querySelectorAll('.alert-danger, .alert-error')].map((it) => it.innerText.replace(/\\s+/g, ' ').replace('\\u00d7', '').trim())"

# What confirms the dialog in front.
OK = ".modal.in .modal-footer .btn:not([data-dismiss]):not(.cancel)"


class Horizon:
    """Lives as long as a "with" block, with a browser that has one page of it."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon

    def __enter__(self) -> Horizon:
        self.dir = Path(tempfile.mkdtemp(prefix="drover-horizon-", dir="/var/tmp"))
        (self.dir / "settings.py").write_text(SETTINGS.format(url=self.daemon.url, folder=self.dir))
        with open(self.dir / "log", "wb") as log:
            self.proc = subprocess.Popen([ROOT / "tests" / "lib" / "horizond", self.dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        try:
            port = self.proc.stdout.readline().decode().strip()
            assert port, (self.dir / "log").read_text()
            self.url = f"http://127.0.0.1:{port}"
            self.page = Browser()
        except BaseException:
            self._end()
            raise
        self.page.open("about:blank", WATCH)
        self.page.call("Emulation.setDeviceMetricsOverride", width=1400, height=1200, deviceScaleFactor=1, mobile=False)
        return self

    def __exit__(self, *why: object) -> None:
        self.page.__exit__(*why)
        self._end()

    def _end(self) -> None:
        self.proc.kill()
        self.proc.wait()
        self.proc.stdin.close()
        self.proc.stdout.close()
        KEPT.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.dir / "log", KEPT / f"horizon-{self.daemon.tag}.log")
        shutil.rmtree(self.dir, ignore_errors=True)

    # ---- its page ----

    def loaded(self, what: str) -> None:
        """And whatever its scripts have asked for is there: twice in a row, as an answer may lead to another question."""
        wait_for(lambda: self.page.ask(LOADED) and self.page.ask(f"new Promise((done) => setTimeout(() => done({LOADED}), 50))", wait=True), HANG_S, f"{what} is loaded")

    def go(self, path: str) -> list[str]:
        """Return: the red messages of that page."""
        self.page.ask("window.left = true")
        self.page.call("Page.navigate", url=self.url + path)
        self.page.until(f"!window.left && {LOADED}", f"{path} is there")
        self.loaded(path)
        return self.red()

    def red(self) -> list[str]:
        return list(self.page.ask(RED))

    def text(self) -> str:
        return str(self.page.ask("document.body.innerText"))

    def fill(self, **values: str) -> None:
        """Fields of the form that is in front, by their names."""
        for name, value in values.items():
            assert self.page.ask(f"(() => {{ const it = [...document.querySelectorAll('[name={name}]')].pop(); it.value = {json.dumps(value)};"
                                 " it.dispatchEvent(new Event('change', { bubbles: true })); return it.value; })()") == value, (name, value)

    def click(self, selector: str) -> None:
        """What a user would see, first of all that match."""
        assert self.page.ask(f"(() => {{ const it = document.querySelector({json.dumps(selector)}); it && it.click(); return !!it; }})()"), f"no {selector}: {self.text()}"

    def answered(self, what: str) -> list[str]:
        """After a form was sent from a page where window.left was set. Return: what Horizon says in red then."""
        self.page.until(f"!window.left && {LOADED}", f"{what} is answered")
        self.loaded(what)
        return self.red()

    def act(self, table: str, row: str, action: str, **values: str) -> list[str]:
        """An action of a row of the present page's table, with what its form asks for, confirmed. Return: as answered()."""
        self.page.ask("window.left = true")
        self.click(f'[id="{table}__row_{row}__action_{action}"]')
        if self.page.until(f"(!window.left && {LOADED}) ? 'left' : document.querySelector('{OK}') && window.asking == 0 && 'asks'", f"{action} is asked for") == "asks":
            self.fill(**values)
            self.click(OK)
        return self.answered(action)

    def log_in(self, user: str, password: str) -> list[str]:
        self.go("/auth/login/")
        self.fill(username=user, password=password)
        self.page.ask("window.left = true")
        self.click("#loginBtn")
        return self.answered("the login")
