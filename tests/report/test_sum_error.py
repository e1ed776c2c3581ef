"""What the report says of the error of the sum over layers."""

from __future__ import annotations

import pytest
from nntest.analysis.sum_error import EMPTY_KERNEL
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import SUM_ERROR
from nntest.report.sum_error import error_sentences, own_errors

ROW = {
    **dict.fromkeys(SUM_ERROR.names),
    "network": "net", "library": "lib-1", "batch_size": 1, "choice": "best", "error": 0.5,
}  # fmt: skip
KNOWN = {
    "own_us": 8000.0, "own_error": 0.02, "outside_error": 0.1, "reorders_error": 0.45,
    "nodes_error": -0.05, "outside_alone_us": 1200.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            KNOWN,
            "net, lib-1, batch 1: the sum over layers is +50.0 % off; of that +45.0 % reorders at "
            "the ends of one-node graphs, +10.0 % what is outside of nodes (starting, waking "
            "threads, waiting), -5.0 % the nodes themselves (caches, kernels, tensors); the "
            "layers' own times add up to 8.000 ms, +2.0 % off.",
        ),
        (
            {**KNOWN, "reorders_error": None, "choice": "conv NONE", "threads": 2},
            "net, lib-1 (conv NONE), batch 1, 2 threads: the sum over layers is +50.0 % off; of "
            "that +10.0 % what is outside of nodes (starting, waking threads, waiting), -5.0 % the "
            "nodes themselves with the reorders that they need; the layers' own times add up to "
            "8.000 ms, +2.0 % off.",
        ),
        (
            {
                "own_us": 8000.0,
                "own_error": 0.02,
                "outside_alone_us": 1200.0,
                "timed_by": EMPTY_KERNEL,
            },
            "net, lib-1, batch 1: the sum over layers is +50.0 % off; waiting for an empty kernel "
            "as often as for the layers takes 1.200 ms, without which they add up to 8.000 ms, "
            "+2.0 % off; how long the network waits is not known.",
        ),
        (
            {"own_us": 8000.0, "own_error": 0.02, "timed_by": "profile"},
            "net, lib-1, batch 1: the sum over layers is +50.0 % off; the layers' own times add up "
            "to 8.000 ms, +2.0 % off; the network's nodes were not timed.",
        ),
        (
            {},
            "net, lib-1, batch 1: the sum over layers is +50.0 % off; why is not known, since the "
            "nodes of the library's graphs were not timed.",
        ),
    ],
)
def test_a_sentence_for_each_library(changes, words):
    assert error_sentences(frame_of([{**ROW, **changes}], SUM_ERROR)) == [words]


def test_own_times_are_those_that_were_timed():
    rows = [
        {**ROW, "library": library, "own_error": error, "timed_by": timed_by}
        for library, error, timed_by in (
            ("timed", 0.1, "profile"), ("waits", 0.1, EMPTY_KERNEL), ("neither", None, ""),
        )
    ]  # fmt: skip
    assert own_errors(frame_of(rows, SUM_ERROR))["library"].tolist() == ["timed"]


def test_no_table_no_sentence():
    assert error_sentences(None) == []
    assert own_errors(None).empty
