"""What the report says of other data types."""

from __future__ import annotations

from typing import Any

from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.libraries import AGAINST_FP32
from nntest.report.against_fp32 import data_type_sentences

ROW = {
    **dict.fromkeys(AGAINST_FP32.names),
    "platform": "Board", "library": "ort-int8-1.0", "data_type": "int8", "batch_size": 1,
    "tuner": "DEFAULT", "species": "conv", "tensor": "t", "ratio": 0.5, "verdict": "gains",
}  # fmt: skip
NETWORK = {**ROW, "species": "network", "tensor": "net", "ratio": 0.61, "ci_low": 0.6,
           "ci_high": 0.62, "kernels_change": -0.45, "reorders_change": 0.01}  # fmt: skip


def said(*rows: dict[str, Any]) -> list[str]:
    return data_type_sentences(frame_of(rows, AGAINST_FP32))


def test_layers_are_counted_and_networks_said() -> None:
    lost = {**ROW, "verdict": "loses"}
    assert said(NETWORK, ROW, ROW, lost) == [
        "ort-int8-1.0 (DEFAULT) on Board, batch 1: int8 against fp32, of 3 tensors: gains 2, "
        "loses 1; net as a whole takes 0.610 times its fp32 time (95 % interval 0.600 to 0.620): "
        "gains, most of it by the nodes that compute (-45.0 %)."
    ]


def test_each_library_and_setting_has_a_sentence() -> None:
    assert len(said(ROW, {**ROW, "tuner": "nchw"}, {**ROW, "threads": 2})) == 3


def test_a_network_that_failed() -> None:
    failed = {**NETWORK, "ratio": None, "verdict": "failed", "why": "wrong-output"}
    assert said(failed) == [
        "ort-int8-1.0 (DEFAULT) on Board, batch 1: int8 against fp32, net as a whole: failed, "
        "wrong-output."
    ]


def test_nothing_to_say() -> None:
    assert data_type_sentences(None) == []
    assert said() == []
