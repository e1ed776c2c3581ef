"""What Arm NN's profiler says, and layouts; the library itself runs on the virtual board alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from onboard.imported import imported_from

FRAMEWORKS = Path(__file__).parents[3] / "scripts" / "onboard" / "frameworks"


@pytest.fixture
def backend(common: SimpleNamespace) -> Iterator[Any]:
    with imported_from(FRAMEWORKS, "backends.armnn") as modules:
        yield modules.armnn


@pytest.fixture
def writer(common: SimpleNamespace) -> Iterator[Any]:
    with imported_from(FRAMEWORKS, "writers.armnn") as modules:
        yield modules.armnn


def event(number: int, *raw: float, **kernels: list[float]) -> dict[str, Any]:
    """As Arm NN 20.08 writes it."""
    measured = {
        "Wall clock time": list(raw),
        "Wall clock time (Start)": [1.0] * len(raw),
        **kernels,
    }
    return {
        "type": "Event",
        **{f"{name}_#{number}": {"type": "Measurement", "raw": own, "unit": "us"}
           for name, own in measured.items()},
    }  # fmt: skip


def test_workloads_are_named_by_the_kernels_that_they_ran(backend: Any) -> None:
    conv = event(
        8, 700.0, 600.0,
        **{"NeonKernelTimer/0: NEIm2ColKernel": [1.0, 2.0],
           "NeonKernelTimer/1: NEGEMMAssemblyWrapperKernel/hybrid_fp32_mla_16x4": [3.0, 4.0]},
    )  # fmt: skip
    said = {"ArmNN": {"inference_measurements_#1": {
        **event(1, 900.0, 800.0),
        "PrepareInputs_#2": event(2, 5.0),
        "Execute_#4": {
            **event(4, 800.0),
            "Working Memory Allocation_#5": event(5, 1.0),
            "CopyMemGeneric_Execute_#6": event(6, 9.0, 7.0),
            "NeonConvolution2dWorkload_Execute_#8": conv,
            "RefSoftmaxWorkload_Execute_#9": event(9, 2.0),
        },
    }}}  # fmt: skip
    nodes = backend.workloads(said)
    assert [(node["node"], node["kernel"]) for node in nodes] == [
        ("CopyMemGeneric", "CopyMemGeneric"),
        (
            "NeonConvolution2dWorkload",
            "NEIm2ColKernel + NEGEMMAssemblyWrapperKernel/hybrid_fp32_mla_16x4",
        ),
        ("RefSoftmaxWorkload", "RefSoftmaxWorkload"),
    ]
    assert [node["seconds"] for node in nodes] == pytest.approx([7e-6, 6e-4, 2e-6])


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_layouts_and_back(writer: Any, layout: str) -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    written = writer.to_layout(values, layout)
    assert written.shape == ((2, 3, 4, 5) if layout == "NCHW" else (2, 4, 5, 3))
    back = writer.from_layout(written.ravel(), values.shape, layout)
    assert np.array_equal(back, values)
    vector = values[:, :, 0, 0]
    assert np.array_equal(writer.to_layout(vector, layout), vector)
    assert np.array_equal(writer.from_layout(vector, (2, 3), layout), vector)
