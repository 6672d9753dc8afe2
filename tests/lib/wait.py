# SPDX-License-Identifier: Apache-2.0
"""The one place where a test waits for what sends no event."""
from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")

HANG_S = 240  # no test claims that something is done in so many seconds: what takes longer hangs


def wait_for(condition: Callable[[], T], seconds: float, what: str, interval: float = 0.05) -> T:
    """
    Ask until the answer is true, and return it. TimeoutError names @what and the last answer.

    @seconds: HANG_S if that is longer: a busy machine is slow, and a test that fails may be
    @interval: longer after a question that took long: asking takes a third of the time at most, the guests want the rest
    """
    deadline = time.monotonic() + max(seconds, HANG_S)
    while True:
        asked = time.monotonic()
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {max(seconds, HANG_S):g} s: {what}; the last answer was {answer!r}")
        time.sleep(max(interval, 2 * (time.monotonic() - asked)))
