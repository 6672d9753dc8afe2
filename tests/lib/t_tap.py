#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What collect.py takes for a pass and for a failure."""
import sys

import tap

CASES = [
    # name, output, status, "passed failed skipped"
    ("all good", "ok 1 - a\nok 2 - b\n1..2\n", 0, "2 0 0"),
    ("GLib's way", "TAP version 13\n# random seed: x\n1..1\n# Start of a tests\nok 1 /a/b\n# End\n", 0, "1 0 0"),
    ("one fails", "1..2\nok 1 - a\nnot ok 2 - b\n", 1, "1 1 0"),
    ("a failure with status 0", "1..1\nnot ok 1 - b\n", 0, "0 1 0"),
    ("status without a failure", "1..1\nok 1 - b\n", 1, "1 1 0"),
    ("killed", "ok 1 - a\n", -11, "1 1 0"),
    ("no output", "", 0, "0 1 0"),
    ("too few", "1..3\nok 1\nok 2\n", 0, "2 1 0"),
    ("too many", "1..1\nok 1\nok 2\n", 0, "2 1 0"),
    ("bail out", "1..2\nok 1\nBail out! ERROR\n", -6, "1 2 0"),
    ("a skip", "ok 1 - a # SKIP no kvm\n1..1\n", 0, "0 0 1"),
    ("all skipped", "1..0 # SKIP no database\n", 0, "0 0 1"),
    ("todo", "not ok 1 - a # TODO later\n1..1\n", 0, "1 0 0"),
    ("subtests do not count", "1..1\n    ok 1 - x\n    not ok 2 - y\nok 1 - a\n", 0, "1 0 0"),
]

TRACE = """not ok 1 - a
# Traceback (most recent call last):
#   File "/x/tests/lib/tap.py", line 44, in test
#     yield notes
#   File "/x/tests/e2e/t_a.py", line 5, in run
#     assert 1 == 2, "why"
# AssertionError: why
# more
ok 2 - b
# of b
1..2
"""
SAID = [
    # name, output, failure, what is said of it
    ("a traceback", TRACE, "a", ["test tap.py:44 > run t_a.py:5", "AssertionError: why", "more"]),
    ("GLib's way, before", "1..2\nok 1 /a\n# GLib: of b\n**\nERROR:t.c:5\nnot ok 2 /b\n# End of x tests\n", "/b", ["GLib: of b", "**", "ERROR:t.c:5"]),
    ("Tap's way, behind", "ok 1 - a\nnot ok 2 - b\n# of b\nnot ok 3 - c\n# of c\n1..3\n", "b", ["of b"]),
    ("a crash", "ok 1 - a\nSegmentation fault\n", "ended with status -11 and printed no plan", ["Segmentation fault"]),
    ("nothing is said", "not ok 1 - a\n1..1\n", "a", []),
    ("no output", "", "still running", []),
]


def main() -> int:
    t = tap.Tap()
    for name, output, status, want in CASES:
        r = tap.read(output, status)
        got = f"{r.passed} {len(r.failures)} {r.skipped}"
        t.ok(got == want, name, f"got {got}, want {want}")
    for name, output, failure, told in SAID:
        got = tap.brief(tap.said(output, failure))
        t.ok(got == told, f"said: {name}", f"got {got}, want {told}")
    return t.done()


sys.exit(main())
