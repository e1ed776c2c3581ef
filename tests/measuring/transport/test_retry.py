"""Trying again: what, how often, how long."""

from __future__ import annotations

import pytest
from measuring.paused_clock import PausedClock
from nntest.measuring.transport import (
    AuthenticationFailed,
    LostLink,
    Patience,
    TransportError,
    with_retries,
)


class _Flaky:
    def __init__(self, *failures: TransportError) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


pytestmark = pytest.mark.usefixtures("clock")


QUICK = Patience(attempts=4)


def test_what_passes_is_waited_for() -> None:
    reported: list[TransportError] = []
    action = _Flaky(LostLink("one"), LostLink("two"))
    assert with_retries(action, QUICK, on_retry=reported.append) == "done"
    assert [error.message for error in reported] == ["one", "two"]
    assert action.calls == 3


def test_the_last_failure_is_raised() -> None:
    action = _Flaky(*(LostLink(str(number)) for number in range(9)))
    with pytest.raises(LostLink, match=r"^3$"):
        with_retries(action, QUICK)
    assert action.calls == 4


def test_what_needs_a_mend_is_not_tried_again() -> None:
    action = _Flaky(AuthenticationFailed("no"))
    with pytest.raises(AuthenticationFailed):
        with_retries(action, QUICK)
    assert action.calls == 1


def test_pauses_grow_and_time_runs_out(clock: PausedClock) -> None:
    action = _Flaky(*(LostLink("x") for _ in range(1000)))
    with pytest.raises(LostLink):
        with_retries(action, Patience(attempts=1000, first_pause_s=0.02, give_up_after_s=0.5))
    assert clock.now <= 0.5
    assert 3 <= action.calls <= 7
