#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench/run works: each figure of bench/peers comes out. How good they are is not judged here."""
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
from lab import ROOT
from tap import Tap


def main() -> int:
    t = Tap()
    got = subprocess.run([ROOT / "bench" / "run", "--quick"], capture_output=True, text=True)
    t.ok(got.returncode == 0, "bench/run --quick", got.stdout + got.stderr)
    figures = {line.split()[0]: line for line in got.stdout.splitlines()}
    for row in (ROOT / "bench" / "peers").read_text().splitlines():
        if row and not row.startswith("#"):
            name = row.split()[0]
            t.ok(name in figures, " ".join(figures.get(name, name).split()))
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
