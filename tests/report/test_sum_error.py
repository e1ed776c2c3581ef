"""What the report says of the error of the sum over layers."""

from __future__ import annotations

import pytest
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import SUM_ERROR
from nntest.report.sum_error import error_sentences

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
            {"own_us": 8000.0, "own_error": 0.02, "outside_alone_us": 1200.0},
            "net, lib-1, batch 1: the sum over layers is +50.0 % off; 1.200 ms of it is what is "
            "outside of nodes (starting, waking threads, waiting), as far as it is known; how much "
            "of that the network pays is not known; the layers' own times add up to 8.000 ms, "
            "+2.0 % off.",
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


def test_no_table_no_sentence():
    assert error_sentences(None) == []
