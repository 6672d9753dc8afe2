# SPDX-License-Identifier: Apache-2.0
"""The adaptive policy against Nova's, on twenty guests in the simulator: see converge.c, whose table is printed too."""
from __future__ import annotations

import re
import subprocess
from typing import Iterator

from daemon import BUILD

SUMMARY = re.compile(r"adaptive: (\d+) faster, (\d+) equal, (\d+) slower, (\d+) lost, median ratio ([\d.]+)")


def run(quick: bool) -> Iterator[tuple[str, float]]:
    del quick  # it is: no time passes but the simulator's
    table = subprocess.run([BUILD / "bench" / "converge"], stdout=subprocess.PIPE, text=True, check=True).stdout
    print(table, end="", flush=True)
    faster, _, slower, lost, ratio = (float(word) for word in SUMMARY.search(table).groups())
    yield "converge_faster", faster
    yield "converge_slower", slower
    yield "converge_lost", lost
    yield "converge_ratio", ratio
