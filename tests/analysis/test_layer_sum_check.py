"""The layer-sum check: one factor, two halves, interpolation, and the published files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from nntest.analysis.layer_sum_check import (
    LINE,
    SUM,
    TIMED,
    fit_costs,
    layer_sum_check,
    read_layer_times,
    read_measured,
)
from nntest.domain.networks import mobilenet_v1
from nntest.domain.tensors import Tensor
from nntest.errors import UserError

DATA = Path(__file__).parents[3] / "shared" / "data" / "mobilenets"
SHAPES = [(width, size) for width in (0.25, 0.5, 1.0) for size in (128, 192)]


def made_up_times():
    """Convolutions that cost 5 + 2e-6 a MAC + 1e-4 an element, of all networks of SHAPES."""
    times = {}
    for shape in SHAPES:
        for tensor in mobilenet_v1(*shape).repeats("conv"):
            elements = np.prod(tensor.in_shape) + np.prod(tensor.out_shape)
            elements += tensor.in_shape[0] * tensor.out_shape[0] * tensor.kernel**2
            times[tensor] = 5 + 2e-6 * tensor.executed_flops(1) / 2 + 1e-4 * float(elements)
    return times


def test_costs_are_found():
    costs = fit_costs(made_up_times())
    assert (costs.fixed, costs.per_mac, costs.per_element) == pytest.approx((5, 2e-6, 1e-4))
    depthwise = Tensor.parse("depthwiseconv", "8-16-16-1-1")
    elements = 2 * 8 * 16 * 16 + 8 * 9
    assert costs.of(depthwise, alone=False) == pytest.approx(
        2e-6 * 8 * 16 * 16 * 9 + 1e-4 * elements
    )


def test_one_factor_is_fitted_on_the_other_half():
    times = made_up_times()
    costs = fit_costs(times)
    measured = {}
    for shape in SHAPES:
        network = mobilenet_v1(*shape)
        total = 0.0
        for layer in network.layers:
            tensor = network.measured_tensor(layer, "study")
            total += times[tensor] if tensor in times else costs.of(tensor, alone=False)
        measured[shape] = 0.3 * total
    rows, summary = layer_sum_check(times, {"board": measured})
    assert rows.groupby("model").size().to_dict() == {SUM: 6, TIMED: 6, LINE: 6}
    sums = rows[rows["model"] == SUM]
    assert sums["error"].to_numpy() == pytest.approx(0.0, abs=1e-9)
    assert sums["scale"].to_numpy() == pytest.approx(0.3)
    by_model = summary.set_index("model")["mean_error"]
    assert by_model[SUM] < 1e-9 < by_model[TIMED] < by_model[LINE]
    # A network's own time has no part in its estimate: it can be anything.
    measured[SHAPES[0]] *= 2
    again, _ = layer_sum_check(times, {"board": measured})
    own = (rows["network"] == "mobilenet-v1-0.25-128") & (rows["model"] == SUM)
    assert again.loc[own, "estimated_ms"].item() == rows.loc[own, "estimated_ms"].item()
    assert again.loc[own, "error"].item() == pytest.approx(-0.5)


def test_a_convolution_that_was_not_timed_is_interpolated():
    times = made_up_times()
    network = mobilenet_v1(1.0, 192)
    left = times.pop(network.measured_tensor(network.layers[0], "study"))
    full, _ = layer_sum_check(made_up_times(), {"b": dict.fromkeys(SHAPES, 10.0)})
    part, _ = layer_sum_check(times, {"b": dict.fromkeys(SHAPES, 10.0)})
    assert left > 0
    assert part["estimated_ms"][:6].to_numpy() == pytest.approx(full["estimated_ms"][:6].to_numpy())
    assert part["interpolated_share"][5] > full["interpolated_share"][5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,time\na,1\n", "needs a column `tensor`"),
        ("tensor,conv_us\n1-2-3,4\n", "line 2: tensor '1-2-3'"),
        ("tensor,conv_us\n8-4-4-1-8-1-0,soon\n", "line 2: conv_us is not a time: 'soon'"),
        ("tensor,conv_us\n8-4-4-1-8-1-0,1\n", "interpolation needs 4"),
    ],
)
def test_mistakes_in_the_file_of_layer_times(tmp_path, text, said):
    path = tmp_path / "layers.csv"
    path.write_text(text)
    with pytest.raises(UserError, match="layers") as error:
        read_layer_times(path)
    assert said in str(error.value)


def test_a_system_that_is_not_there(tmp_path):
    path = tmp_path / "networks.csv"
    path.write_text("system,workload,p50_ms\nboard,mobilenet-v1-1.0-224,5\n")
    with pytest.raises(UserError, match="six MobileNets") as error:
        read_measured(path, "*")
    assert "systems: board" in str(error.value)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared data folder is not beside this one")
def test_the_published_figures():
    """What docs/layer-sums.md states."""
    times = read_layer_times(DATA / "perri_firefly_armcl_conv_layer_times.csv")
    measured = read_measured(DATA / "mlperf_v05_firefly_rk3399.csv", "firefly-*-opencl")
    assert len(times) == 164
    assert [len(found) for found in measured.values()] == [16]
    _, summary = layer_sum_check(times, measured)
    by_model = summary.set_index("model")
    assert by_model["mean_error"].round(3).to_dict() == {SUM: 0.055, TIMED: 0.057, LINE: 0.088}
    assert by_model.loc[LINE, "fitted_error"] == pytest.approx(0.075, abs=0.0005)
