"""Published figures from which the way of estimating is checked; files that the user names."""

from __future__ import annotations

from pydantic import Field

from nntest.config.fields import Strict


class LayerSumCheck(Strict):
    """Layer times of one source, times of whole networks of another, both as CSV."""

    layer_times: str = Field(
        description="CSV with `tensor` (CK-NNTest's naming) and times of its convolution, in any "
        "unit: columns that end in `_us`"
    )
    measured: str = Field(
        description="CSV with MLPerf's `system`, `workload` (e.g. mobilenet-v1-1.0-224), `p50_ms`"
    )
    system: str = Field(
        default="*", description="pattern for the `system` of `measured`: firefly-*-opencl"
    )
