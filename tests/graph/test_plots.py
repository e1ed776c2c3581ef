"""Which pictures a study has: none that would show the same twice, or a single bar."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nntest.config import Study, load_study
from nntest.graph.plots import plots_of

HOME = Path(__file__).parents[2]


def study(**changes: Any) -> Study:
    config = {
        "study": "s", "networks": ["mobilenet-v1-0.25-128"], "boards": ["localhost"],
        "libraries": ["onnxruntime"], "operators": ["conv"], "tuners": ["DEFAULT"], **changes,
    }  # fmt: skip
    return load_study(config, HOME)


@pytest.mark.parametrize(
    ("changes", "violins", "speedups"),
    [
        ({}, ["operator"], 0),
        ({"operators": ["conv", "avgpool"]}, ["operator"], 0),
        ({"libraries": ["onnxruntime", "ncnn"]}, ["library"], 0),
        ({"tuners": ["NONE", "DEFAULT"]}, ["operator"], 2),
        ({"operators": ["conv", "directconv"], "libraries": ["opencl-reference"]}, ["operator"], 2),
        ({"boards": ["localhost", "virtual-rk3399"]}, ["platform"], 0),
        (
            {"libraries": ["onnxruntime", "ncnn"], "tuners": ["NONE", "DEFAULT"]},
            ["operator", "library"], 2,
        ),
        ({"imports": ["somewhere.zip"]}, ["operator", "platform", "library"], 2),
    ],
)  # fmt: skip
def test_pictures_that_say_something(
    changes: dict[str, Any], violins: list[str], speedups: int
) -> None:
    found = plots_of(study(**changes))
    assert [name.split(".")[1] for name in found if name.endswith("time_us")] == violins
    assert sum(name.startswith("speedup.") for name in found) == speedups
    assert {"layers", "end_to_end"} <= set(found)
