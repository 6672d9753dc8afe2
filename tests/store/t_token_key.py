#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The key for tokens is changed while droverd runs: droverd --rotate-token-key and SIGHUP. Without hosts."""
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from api import Api
from daemon import BUILD, Daemon
from tap import Tap
from wait import HANG_S

AT_ONCE = 6


def rotate(d: Daemon) -> subprocess.Popen:
    command = [BUILD / "src" / "droverd", "--config", d.dir / "drover.conf", "--rotate-token-key"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def rotated(d: Daemon) -> None:
    proc = rotate(d)
    out, err = proc.communicate(timeout=HANG_S)
    assert proc.returncode == 0 and "A new key is written" in out and not err, (out, err)


def reload(d: Daemon, event: str = "reloaded") -> dict:
    seen = len(d.events)
    d.signal(signal.SIGHUP)
    return d.wait_event(event, HANG_S, since=seen)


def good(d: Daemon, token: str) -> bool:
    status = Api(d.url, token).call("GET", "/v3/users").status
    assert status in (200, 401), status
    return status == 200


def main() -> int:
    tap = Tap()
    with Daemon({}, tag="token-key") as d:
        path = d.dir / "state" / "token.key"
        first = d.api().token

        with tap.test("a new key beside the old one: tokens of both are good, also of a daemon that was killed"):
            rotated(d)
            assert path.stat().st_mode & 0o777 == 0o600
            assert len(path.read_text().splitlines()) == 2
            assert [name.name for name in path.parent.glob("token.key*")] == ["token.key"]
            between = d.api().token  # the daemon has not been told yet
            reload(d)
            second = d.api().token
            assert all(good(d, token) for token in (first, between, second))
            d.restart()
            assert all(good(d, token) for token in (first, between, second))

        with tap.test("the old key is removed by hand: what it sealed ends, nothing else"):
            path.write_text(path.read_text().splitlines()[0] + "\n")
            reload(d)
            assert [good(d, token) for token in (first, between, second)] == [False, False, True]

        with tap.test("a file that is damaged: it is told, and neither the daemon nor a rotation takes it"):
            kept = path.read_text()
            path.write_text("what is this\n")
            assert "is not a token key" in reload(d, "reload_refused")["mistake"]
            assert good(d, second) and good(d, d.api().token)
            proc = rotate(d)
            out, err = proc.communicate(timeout=HANG_S)
            assert proc.returncode == 1 and "no key was written" in err, (out, err)
            assert path.read_text() == "what is this\n"
            path.write_text(kept)

        with tap.test("several rotations at once: none is lost"):
            procs = [rotate(d) for _ in range(AT_ONCE)]
            assert all(proc.wait(HANG_S) == 0 for proc in procs)
            assert len(path.read_text().splitlines()) == 1 + AT_ONCE
            reload(d)
            assert good(d, second)
            d.stop()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
