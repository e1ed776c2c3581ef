"""Retries with growing pauses of what may succeed a little later."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from nntest.measuring.transport.base import TransportError

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """How often, and for how long, to try again."""

    attempts: int = 4
    first_pause_s: float = 0.5
    longest_pause_s: float = 8.0
    """Each pause is twice the one before, up to this."""
    give_up_after_s: float = 20.0
    """No new attempt begins later than this after the first one began."""

    @classmethod
    def lasting(cls, seconds: float, first_pause_s: float) -> Patience:
        """However many attempts there are in that time, some seconds apart."""
        return cls(1_000_000, first_pause_s, longest_pause_s=15.0, give_up_after_s=seconds)


def with_retries(
    action: Callable[[], Result],
    patience: Patience,
    *,
    on_retry: Callable[[TransportError], None] = lambda error: None,
    may_pass: Callable[[TransportError], bool] = lambda error: error.retryable,
    last_resort: Callable[[TransportError], bool] = lambda error: False,
) -> Result:
    """The result of `action`, tried again after every `TransportError` that may pass.

    `on_retry` is called for each failure that is followed by another attempt.  Where patience ends
    `last_resort` is called; if it did something about it, patience begins anew.  Only for what may
    be done twice: a command whose link broke may have run.  Raises the last failure, and at once
    every error that does not pass by itself.
    """
    began = time.monotonic()
    pause = patience.first_pause_s
    attempt = 1
    while True:
        try:
            return action()
        except TransportError as error:
            # Many controllers that were cut off together must not come back in step.
            wait = pause * random.uniform(0.8, 1.2)
            late = time.monotonic() + wait - began > patience.give_up_after_s
            if not may_pass(error):
                raise
            if attempt >= patience.attempts or late:
                if not last_resort(error):
                    raise
                began, pause, attempt = time.monotonic(), patience.first_pause_s, 0
                wait = pause
            else:
                on_retry(error)
        time.sleep(wait)
        pause = min(2 * pause, patience.longest_pause_s)
        attempt += 1
