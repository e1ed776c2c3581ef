"""The roofline model, against figures worked out by hand and those of QuTiBench's page."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import yaml
from analysis.published.published_data import (
    HOME,
    QUTIBENCH,
    SHARED,
    derived_networks,
    needs_data,
    platform,
    shipped,
)
from nntest.analysis.roofline.model import roofs_of, roofs_of_board
from nntest.analysis.roofline.tables import intensity_table, prediction, roof_table
from nntest.config.load import load_study
from nntest.domain.networks import mobilenet_v1
from nntest.domain.tensors import Tensor
from nntest.domain.traffic import TRAFFIC_MODELS, Work, network_work, tensor_work
from nntest.errors import UserError


@pytest.fixture(scope="module")
def roofs():
    return [roof for one in shipped() for roof in roofs_of(one)]


class TestRoof:
    def test_both_bounds_meet_at_the_ridge(self):
        (roof,) = [r for r in roofs_of(platform("ncs")) if r.data_type == "fp16"]
        assert roof.ridge == 39.0625
        assert roof.attainable_gops(39.0625) == roof.peak_gops == 500
        assert roof.attainable_gops(10) == 128
        assert roof.attainable_gops(math.inf) == 500
        assert (roof.bound(39), roof.bound(39.0625)) == ("memory", "compute")

    def test_a_measured_peak_meets_the_measured_bandwidth(self):
        fp32 = [r for r in roofs_of(platform("mali-t860-rk3399")) if r.data_type == "fp32"]
        assert [(r.kind, r.peak_gops, r.bandwidth_gb_s, r.rank) for r in fp32] == [
            ("measured", 46.16, 7.33, 0),
            ("mul-add", 51.2, 12.8, 1),
            ("vendor formula", 108.8, 12.8, 2),
        ]

    def test_a_board_names_its_platform(self, monkeypatch, tmp_path):
        monkeypatch.chdir(tmp_path)
        study = load_study(
            {
                "study": "s", "networks": ["mobilenet-v1-1.0-224"], "boards": ["firefly-rk3399"],
                "libraries": ["opencl-reference"], "operators": ["conv"], "tuners": ["NONE"],
            },
            HOME,
        )  # fmt: skip
        (board,) = study.boards
        (mali,) = (p for p in study.all_platforms if p.name == board.platform.ceilings)
        found = roofs_of_board(board, mali)
        assert {roof.platform for roof in found} == {"Firefly RK3399"}
        assert [roof.peak_gops for roof in found] == [93.96, 102.4, 46.16, 51.2, 108.8]
        assert roofs_of_board(board, None) == []


class TestTraffic:
    WORK = Work(operations=8000, weights=100, inputs=30, outputs=20)

    @pytest.mark.parametrize(
        ("traffic", "batch", "size"),
        [
            ("weights-per-image", 1, 400),
            ("weights-per-image", 10, 400),
            ("weights-per-batch", 10, 40),
            ("on-chip", 1, 0),
            ("weights-and-activations", 1, 600),
            ("weights-and-activations", 10, 240),
        ],
    )
    def test_bytes_of_an_image(self, traffic, batch, size):
        assert self.WORK.bytes_per_image("fp32", traffic, batch) == size
        intensity = self.WORK.intensity("fp32", traffic, batch)
        assert intensity == (8000 / size if size else math.inf)

    @pytest.mark.parametrize(
        ("data_type", "size"),
        [("binary", 12.5), ("ternary", 25), ("int4", 50), ("int8", 100), ("fp16", 200)],
    )
    def test_data_types_by_their_bits(self, data_type, size):
        assert self.WORK.bytes_per_image(data_type, "weights-per-image") == size

    def test_a_network_is_its_multiply_adds(self):
        work = network_work(mobilenet_v1(1.0, 224))
        assert work.operations == 2 * 568_741_376
        assert work.weights == 4_210_112

    @needs_data
    def test_layers_of_mobilenet_on_the_mali(self):
        given = pd.read_csv(SHARED / "mobilenets/mali_t860_layer_roofline.csv")
        fp32 = [r for r in roofs_of(platform("mali-t860-rk3399")) if r.data_type == "fp32"]
        for row in given.itertuples():
            tensor = Tensor.parse("conv", row.tensor)
            work = tensor_work(tensor)
            assert (work.weights, work.inputs, work.outputs) == (
                row.weights,
                row.in_elems,
                row.out_elems,
            )
            intensity = work.intensity("fp32", "weights-and-activations")
            assert intensity == pytest.approx(row.ai_fp32, abs=1e-4)
            assert work.intensity("fp16", "weights-and-activations") == pytest.approx(
                row.ai_fp16, abs=1e-4
            )
            for roof, prefix in zip(fp32[:2], ("fp32_clpeak", "fp32_theory"), strict=True):
                attainable = given.loc[row.Index, f"{prefix}_attainable_gflops"]
                assert roof.attainable_gops(intensity) == pytest.approx(attainable, abs=1e-3)
                assert roof.bound(intensity) == given.loc[row.Index, f"{prefix}_bound"]


@needs_data
class TestQutibench:
    def test_all_nineteen_platforms(self, roofs):
        given = pd.read_csv(QUTIBENCH / "peakPerfBandHardPlatf.csv")
        assert len(given) == 19
        found = {(r.platform.upper(), r.data_type): [] for r in roofs}
        for roof in roofs:
            found[roof.platform.upper(), roof.data_type].append(roof)
        ridges = pd.read_csv(QUTIBENCH / "expected/ridge_points_exact.csv")
        exact = dict(
            ridges[ridges["commit"] == "seed"][["hardware", "ridge_exact_ops_per_byte"]].to_numpy()
        )
        titles = {"ZCU104": "ZCU104 DPU", "ZCU102": "ZCU102 DPU"}
        for name, peak, bandwidth in given.to_numpy():
            title, data_type = name.rsplit(" ", 1)
            title = titles.get(title, title).replace("TPU", "EDGE TPU").upper()
            title += " CLOCK" if "TPU" in title else ""
            under = found[title, data_type.lower()]
            (roof,) = [r for r in under if r.peak_gops == pytest.approx(peak * 1000)]
            assert roof.bandwidth_gb_s == pytest.approx(bandwidth * 1000)
            assert roof.ridge == pytest.approx(exact[name], abs=1e-6)
        table = roof_table(roofs)
        assert (table["peak_source"].str.len() > 10).all()

    def test_intensities(self):
        given = pd.read_csv(QUTIBENCH / "expected/ai_exact_all_topologies.csv")
        ours = intensity_table(
            derived_networks(), ["int2", "int4", "int8", "fp16", "fp32"], ["weights-per-image"]
        )
        whole = ours[ours["layer"] == ""]
        checked = 0
        for row in given.itertuples():
            name = row.topology.replace("-", " ") if "-" in row.topology else f"{row.topology} 100%"
            found = whole[(whole["network"] == name) & (whole["data_type"] == row.datatype.lower())]
            if name == "CNV 12.5%":  # the page's operation count, not the layers'
                (operations,) = found["operations"]
                assert (operations, row.ops_as_given) == (8_017_792, 8_124_928)
            elif len(found):
                (intensity,) = found["intensity_ops_per_byte"]
                assert intensity == pytest.approx(row.ai_ops_per_weight_byte, rel=1e-12)
                checked += 1
        assert checked == 30

    def test_the_exact_prediction_matrix(self, roofs):
        given = pd.read_csv(QUTIBENCH / "expected/prediction_exact_cnv_mlp.csv")
        files = {"NCS": "ncs", "U96-Quadcore A53": "ultra96-a53"}
        ours = prediction(roofs, derived_networks(), ["weights-per-image", "on-chip"])
        ours = ours[ours["rank"] == 0].set_index(
            ["platform_file", "data_type", "network", "traffic_model"]
        )
        assert len(given) == 104
        for row in given.itertuples():
            key = (files.get(row.hardware, row.hardware.lower()), row.datatype.lower(), row.network)
            found = ours.loc[(*key, "weights-per-image")]
            assert found["bound"] == row.bound
            for column, value in {
                "intensity_ops_per_byte": row.ai,
                "ridge_ops_per_byte": row.ridge,
                "attainable_gops": row.attainable_TOPs * 1e3,
                "frames_per_s": row.pred_fps_batch1,
                "peak_frames_per_s": row.peak_fps,
                "latency_ms": row.latency_us_batch1 / 1e3,
            }.items():
                assert found[column] == pytest.approx(value, rel=1e-9), (key, column)
            free = ours.loc[(*key, "on-chip")]
            assert free["frames_per_s"] == found["peak_frames_per_s"]
            assert free["bound"] == "compute"


def test_layers_one_by_one_are_never_faster_than_the_whole(roofs):
    ours = prediction(roofs, [mobilenet_v1(1.0, 224)], TRAFFIC_MODELS, [1, 8])
    assert (ours["layers_frames_per_s"] <= ours["frames_per_s"] * (1 + 1e-9)).all()
    slower = ours["layers_frames_per_s"] < 0.9 * ours["frames_per_s"]
    assert slower.any()


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        ({"peaks": {"fp31": [{"gops": 1, "source": "none"}]}}, "'fp31' is not a data type"),
        ({"peaks": {"fp32": [{"gops": 1}]}}, "key `peaks.fp32[0].source` is missing"),
        ({"peaks": {"fp32": [{"gops": 1e12, "source": "none"}]}}, "out of range for a value in GO"),
        ({"peaks": {"fp32": [{"gops": n, "source": "abc"} for n in (1, 2)]}}, "two ceilings of ki"),
        ({"bandwith": []}, "unknown key `bandwith` (did you mean `bandwidth`?)"),
    ],
)
def test_a_mistake_in_a_platform_file(content, reported, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    good = {
        "title": "P", "hardware": "CPU", "peaks": {"fp32": [{"gops": 5, "source": "by hand"}]},
        "bandwidth": [{"gb_s": 5, "source": "by hand"}],
    }  # fmt: skip
    config = {
        "study": "s", "networks": ["trial"], "boards": ["localhost"], "operators": ["conv"],
        "libraries": ["opencl-reference"], "tuners": ["NONE"], "platforms": ["p.yaml"],
    }  # fmt: skip
    Path("p.yaml").write_text(yaml.safe_dump(good))
    assert load_study(config, HOME).platforms[0].title == "P"
    Path("p.yaml").write_text(yaml.safe_dump({**good, **content}))
    with pytest.raises(UserError) as caught:
        load_study(config, HOME)
    assert reported in str(caught.value)
    config["platforms"] = ["ncs", "nsc"]
    with pytest.raises(UserError, match="did you mean 'ncs'"):
        load_study(config, HOME)
