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


