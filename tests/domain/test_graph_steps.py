"""Networks as steps: which run whole, and what is said of those that do not."""

from __future__ import annotations

import pytest
from nntest.domain.graph_steps import (
    Step,
    chained,
    input_numbers,
    is_chain,
    output_shapes,
    why_no_graph,
)
from nntest.domain.tensors import Tensor


def conv(name: str, tensor: str, *inputs: str) -> Step:
    return Step(name, "conv", inputs or ("",), Tensor.parse("conv", tensor))


STEM = conv("stem", "3-8-8-3-4-1-1")
SAME = conv("same", "4-8-8-3-4-1-1", "stem")
WIDE = conv("wide", "4-8-8-3-6-1-1", "stem")
POOL = Step("pool", "avgpool", ("same",), Tensor.parse("avgpool", "4-8-8-8-1"))


@pytest.mark.parametrize(
    ("join", "shape"),
    [
        (Step("j", "add", ("same", "stem")), (4, 8, 8)),
        (Step("j", "mul", ("stem", "pool")), (4, 8, 8)),
        (Step("j", "mul", ("stem", "same")), (4, 8, 8)),
        (Step("j", "concat", ("same", "wide", "stem")), (14, 8, 8)),
        (Step("j", "activation", ("same",), activation="relu"), (4, 8, 8)),
    ],
)
def test_joins(join: Step, shape: tuple[int, int, int]) -> None:
    assert output_shapes([STEM, SAME, WIDE, POOL, join])["j"] == shape


def test_a_residual_block_runs_whole_and_is_no_chain() -> None:
    steps = [STEM, SAME, Step("sum", "add", ("same", "stem"))]
    assert why_no_graph(steps) == ""
    assert not is_chain(steps)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([STEM, WIDE, Step("j", "add", ("wide", "stem"))], "j (add) does not take 6x8x8, 4x8x8"),
        ([STEM, Step("j", "add", ("stem",))], "j (add) does not take 4x8x8"),
        ([STEM, SAME, POOL, Step("j", "mul", ("pool", "stem"))], "j (mul) does not take"),
        ([STEM, SAME, POOL, Step("j", "concat", ("pool", "stem"))], "j (concat) does not take"),
        ([STEM, Step("j", "activation", ("stem",), activation="gelu")], "j (activation) does not"),
        ([STEM, Step("j", "add", ("stem", "later"))], "j reads what no step before it gives"),
        ([STEM, conv("b", "6-8-8-3-4-1-1", "stem")], "b takes 6x8x8, but stem gives 4x8x8"),
        ([STEM, SAME, WIDE], "no step reads same"),
    ],
)
def test_what_does_not_run_whole_is_named(steps: list[Step], why: str) -> None:
    assert why_no_graph(steps).startswith(why)


def test_a_fully_connected_layer_takes_any_shape_of_as_many_elements() -> None:
    flat = Step("fc", "fullyconnected", ("stem",), Tensor.parse("fullyconnected", "256-1-1-9-1-1"))
    assert why_no_graph([STEM, flat]) == ""


def test_a_chain() -> None:
    steps = list(chained([STEM, SAME, POOL]))
    assert is_chain(steps)
    assert [step.inputs for step in steps] == [("",), ("stem",), ("same",)]
    assert [input_numbers(steps, step) for step in steps] == [[-1], [0], [1]]
