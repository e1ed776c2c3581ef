"""Blocks by the names of layers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nntest.config.load import load_network
from nntest.domain.blocks import MOST, blocks, name_in_block

NETWORKS = Path(__file__).parents[2] / "config" / "networks"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["Conv2d_0", "Conv2d_1_depthwise", "Conv2d_1_pointwise", "Conv2d_1c_1x1"],
            ["", "Conv2d_1", "Conv2d_1", ""],
        ),
        (["layer1.0.conv1", "layer1.0.add", "layer1.1.add"], ["layer1.0", "layer1.0", ""]),
        (["res2a_branch1", "res2a_branch2a", "res2a"], ["res2a", "res2a", ""]),
        (["conv2d_1", "conv2d_2", "p_re_lu_1", "p_re_lu_2"], [""] * 4),
        (["n1", "n2", "", "/a", "/b"], [""] * 5),
        (["b/se/mean", "b/se/mul", "b/project"], ["b", "b", "b"]),
    ],
)
def test_names_that_networks_have(names: list[str], expected: list[str]) -> None:
    assert blocks(names) == expected


def test_a_large_block_is_divided_where_its_names_allow_it() -> None:
    names = [f"model/stage{stage}/layer{layer}/conv" for stage in (1, 2) for layer in range(10)]
    assert set(blocks(names)) == {"model/stage1", "model/stage2"}
    assert set(blocks([f"model/layer{n}" for n in range(MOST + 1)])) == {""}


@pytest.mark.parametrize(("network", "count"), [("resnet-50", 16), ("mobilenet-v1-1.0-224", 13)])
def test_families_have_the_blocks_of_their_papers(network: str, count: int) -> None:
    steps = load_network(NETWORKS / f"{network}.yaml").build().as_steps
    assert len(set(blocks([step.name for step in steps])) - {""}) == count


@given(names=st.lists(st.text("ab1_./", max_size=8), max_size=30))
def test_any_names(names: list[str]) -> None:
    found = blocks(names)
    assert len(found) == len(names)
    for name, block in zip(names, found, strict=True):
        assert name.startswith(block)
        assert name_in_block(name, block) == (name[len(block) + 1 :] if block else name)
