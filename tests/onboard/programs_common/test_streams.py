"""Requests in parallel streams: served at once, none lost, each output checked."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

SETTINGS = {"requests_s": 0.2, "requests": 1}


class Sleeps:
    """Stands for a session that computes for a while without the interpreter's lock."""

    def __init__(self, seconds: float = 0.005, error: float = 0.0) -> None:
        self.seconds, self.error = seconds, error
        self.runs, self.threads = 0, set[int]()
        self.result = np.full(3, np.nan)

    def clear(self) -> None:
        self.result[:] = np.nan

    def run(self) -> None:
        time.sleep(self.seconds)
        self.runs += 1
        self.threads.add(threading.get_ident())
        self.result[:] = self.error

    def output(self) -> Any:
        return self.result


def served(common: SimpleNamespace, streams: list[Sleeps], **settings: Any) -> tuple[Any, Any]:
    made = common.streams.Streams(streams, SimpleNamespace(**{**SETTINGS, **settings}))
    assert [stream.runs for stream in streams] == [1] * len(streams)  # warm
    made.clear()
    made.run()
    return made, made.findings(0.0)["requests"]


def test_all_streams_serve_at_once_until_the_time_is_over(common: SimpleNamespace) -> None:
    streams = [Sleeps(), Sleeps(), Sleeps(0.02)]
    _, requests = served(common, streams)
    assert [len(one["latency_ns"]) for one in requests] == [stream.runs - 1 for stream in streams]
    assert all(len(one["started_ns"]) == len(one["latency_ns"]) > 1 for one in requests)
    assert min(one["started_ns"][0] for one in requests) == 0
    for one, stream in zip(requests, streams, strict=True):
        ends = [at + ns for at, ns in zip(one["started_ns"], one["latency_ns"], strict=True)]
        # In a stream one after the other, and the next at once.
        assert all(end <= at for end, at in zip(ends[:-1], one["started_ns"][1:], strict=True))
        assert min(one["latency_ns"]) >= stream.seconds * 0.99e9
        assert ends[-1] >= 0.15e9
    began, took = requests[2]["started_ns"][1], requests[2]["latency_ns"][1]
    inside = [at for at in requests[0]["started_ns"] if began < at < began + took]
    assert inside, "others go on while one request takes long"


def test_as_many_requests_as_are_asked_for(common: SimpleNamespace) -> None:
    _, requests = served(common, [Sleeps(0.001), Sleeps(0.001)], requests_s=0.0, requests=37)
    assert sum(len(one["latency_ns"]) for one in requests) == 37


def test_no_more_requests_than_a_journal_takes(
    common: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common.streams, "MOST_REQUESTS", 50)
    _, requests = served(common, [Sleeps(0.0), Sleeps(0.0)], requests_s=60.0, requests=1000)
    assert sum(len(one["latency_ns"]) for one in requests) == 50


def test_a_wrong_output_of_any_stream_is_found(common: SimpleNamespace) -> None:
    def compare(output: Any) -> Any:
        worst = float(np.abs(output).max())
        return common.reference.Comparison(worst < 1, worst, 1.0, "")

    made, _ = served(common, [Sleeps(error=0.1), Sleeps(error=0.5), Sleeps()])
    assert made.check(compare).ok and made.check(compare).max_abs_diff == 0.5
    made, _ = served(common, [Sleeps(), Sleeps(error=2.0)])
    assert not made.check(compare).ok


def test_a_stream_that_fails_ends_the_run(common: SimpleNamespace) -> None:
    class Breaks(Sleeps):
        def run(self) -> None:
            super().run()
            if self.runs == 3:
                raise RuntimeError("the library has given up")

    with pytest.raises(RuntimeError, match="given up"):
        served(common, [Sleeps(), Breaks()])
