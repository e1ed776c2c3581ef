"""What makes times of two runs comparable."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from nntest.codehash import SCRIPTS
from nntest.config import load_study
from nntest.graph.history import history_spec


def comparable(**changes: Any) -> str:
    """What identifies how the default study's network is measured."""
    text = (SCRIPTS.parent / "config" / "config.yaml").read_text(encoding="utf-8")
    study = load_study({**yaml.safe_load(text), **changes}, SCRIPTS.parent)
    (found,) = history_spec(study)["comparable"].values()
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize("changes", [{"repetitions": 30}, {"seed": 7}, {"study": "other"}])
def test_more_repetitions_another_seed_or_name_measure_the_same(changes: dict[str, Any]) -> None:
    assert comparable(**changes) == comparable()


@pytest.mark.parametrize(
    "changes",
    [
        {"networks": ["mobilenet-v1-0.5-224"]},
        {"activations": "none"},
        {"padding": "exact"},
    ],
)
def test_other_layers_or_ways_to_measure_do_not_compare(changes: dict[str, Any]) -> None:
    assert comparable(**changes) != comparable()
