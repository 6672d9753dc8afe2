# SPDX-License-Identifier: Apache-2.0
"""The one place where a test waits for what sends no event."""
from __future__ import annotations

import time
from typing import Callable, TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], seconds: float, what: str, interval: float = 0.05) -> T:
    """Ask until the answer is true, and return it. TimeoutError names @what and the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}; the last answer was {answer!r}")
        time.sleep(interval)
