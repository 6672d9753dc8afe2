# SPDX-License-Identifier: Apache-2.0
"""TAP, both ways: a test program writes it by Tap, collect.py reads it by read()."""
from __future__ import annotations

import re
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Iterator


class Skip(Exception):
    """Raised inside a test: it cannot be run here, and why."""


class Tap:
    """Numbers the tests of a program. Each is a block: what it raises makes it fail."""

    def __init__(self) -> None:
        self.count = 0
        self.failed = 0

    def line(self, good: bool, name: str, more: str = "") -> None:
        self.count += 1
        self.failed += not good
        # a '#' in the name would begin a directive
        print(f"{'ok' if good else 'not ok'} {self.count} - {name.replace('#', '')}{more}", flush=True)

    def diag(self, text: str) -> None:
        for line in str(text).splitlines():
            print(f"# {line}", flush=True)

    def ok(self, good: object, name: str, detail: str = "") -> bool:
        self.line(bool(good), name)
        if not good and detail:
            self.diag(detail)
        return bool(good)

    @contextmanager
    def test(self, name: str) -> Iterator[list[str]]:
        """Yields a list; what is appended to it goes behind the name: figures."""
        notes: list[str] = []
        try:
            yield notes
        except Skip as why:
            self.line(True, name, f" # SKIP {why}")
        except Exception:  # the next tests shall still be run
            self.line(False, name)
            self.diag(traceback.format_exc())
        else:
            self.line(True, ", ".join([name] + notes))

    def done(self) -> int:
        print(f"1..{self.count}", flush=True)
        return int(self.failed > 0)


@dataclass
class Result:
    passed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)

    def add(self, other: Result) -> None:
        self.passed += other.passed
        self.skipped += other.skipped
        self.failures += other.failures
        self.skips += other.skips

    def __str__(self) -> str:
        text = f"{self.passed} passed, {len(self.failures)} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


_test = re.compile(r"(not )?ok\b\s*(\d+)?\s*-?\s*(.*?)(?:\s*#\s*(skip|todo)\b\S*\s*(.*))?$", re.IGNORECASE)
_plan = re.compile(r"1\.\.(\d+)\s*(?:#\s*skip\S*\s*(.*))?$", re.IGNORECASE)


def read(output: str, status: int, why: str = "") -> Result:
    """What a program's output means. A crash, a missing plan or an unsaid failure is a failure of its own."""
    res, plan, ran = Result(), None, 0
    for line in output.splitlines():
        if match := _plan.match(line):
            plan = int(match[1])
            if plan == 0:
                res.skipped += 1
                res.skips.append(match[2] or "no reason given")
        elif match := _test.match(line):
            ran += 1
            _count(res, match)
        elif line.startswith("Bail out!"):
            res.failures.append(line)
    if why:
        res.failures.append(why)
    elif plan is None:
        res.failures.append(f"ended with status {status} and printed no plan")
    elif plan != ran:
        res.failures.append(f"planned {plan} tests, ran {ran}, ended with status {status}")
    elif status != 0 and not res.failures:
        res.failures.append(f"ended with status {status}")
    return res


def _count(res: Result, match: re.Match) -> None:
    directive = (match[4] or "").lower()
    if directive == "skip":
        res.skipped += 1
        res.skips.append(f"{match[3]}: {match[5]}")
    elif directive == "todo" or not match[1]:
        res.passed += 1
    else:
        res.failures.append(match[3])


# ---- what a program said of a failure, in few lines ----

_frame = re.compile(r'\s+File "(?:.*/)?([^"]+)", line (\d+), in (\S+)')


def said(output: str, failure: str) -> list[str]:
    """Of one that read() found: by Tap behind its line, by GLib before it; the last of all, if it has no line of its own."""
    before: list[str] = []
    lines = output.splitlines()
    for at, line in enumerate(lines):
        match = _test.match(line)
        if not match:
            before.append(line)
            continue
        if match[1] and match[3] == failure:
            return [text.removeprefix("# ") for text in _untested(lines[at + 1:]) or before[-SAID_LINES:]]
        before.clear()
    return [text.removeprefix("# ") for text in before[-SAID_LINES:] or lines[-SAID_LINES:] if not text.startswith(failure)]


SAID_LINES = 12


def _untested(lines: list[str]) -> list[str]:
    """Those up to the next test."""
    end = next((at for at, line in enumerate(lines) if _test.match(line) or _plan.match(line)), len(lines))
    return [line for line in lines[:end] if line.startswith("#") and not line.startswith(("# Start of ", "# End of "))]


def brief(lines: list[str]) -> list[str]:
    """A traceback becomes the way to where it was raised, in one line, and what was raised; the rest stays as it is."""
    frames = [(at, match) for at, line in enumerate(lines) if (match := _frame.match(line))]
    if not frames:
        return lines
    way = " > ".join(f"{match[3]} {match[1]}:{match[2]}" for _at, match in frames)
    raised = [line for line in lines[frames[-1][0] + 1:] if not line.startswith("    ")]
    return [way] + raised
