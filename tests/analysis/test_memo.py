"""What is made of a data frame is kept with it, and with nothing else."""

from __future__ import annotations

import gc
import weakref

import pandas as pd
from analysis.made_up_study import NETWORK, study_frame
from nntest.analysis.estimate import estimates
from nntest.analysis.memo import memoised_by_frame
from nntest.analysis.points import labelled, operator_points, points


class Made:
    """Something that weak references take."""


def test_one_frame_is_worked_through_once_for_each_argument() -> None:
    calls = []

    @memoised_by_frame
    def total(frame: pd.DataFrame, column: str, times: int = 1) -> int:
        calls.append((column, times))
        return times * int(frame[column].sum())

    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    assert [total(frame, "a"), total(frame, "b"), total(frame, "a")] == [3, 7, 3]
    assert [total(frame, "a", times=2), total(frame, "a", times=2)] == [6, 6]
    assert total(frame.copy(), "a") == 3
    assert calls == [("a", 1), ("b", 1), ("a", 2), ("a", 1)]


def test_results_end_with_their_frame() -> None:
    make = memoised_by_frame(lambda _: Made())
    frame = pd.DataFrame({"a": [1]})
    made = weakref.ref(make(frame))
    assert made() is make(frame)
    del frame
    gc.collect()
    assert made() is None


def test_tables_share_what_they_need_of_the_measurements() -> None:
    frame = study_frame(repetitions=4)
    assert labelled(frame) is labelled(frame)
    assert points(frame, 1) is points(frame, 1)
    assert points(frame, 2) is not points(frame, 1)
    assert operator_points(frame, 1) is operator_points(frame, 1)
    shared = estimates(frame, [NETWORK], "study", 1)
    assert estimates(frame, (NETWORK,), "study", 1) is shared
