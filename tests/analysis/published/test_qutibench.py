"""QuTiBench's measurement table: the page's counts, its anomalies, its fronts, its errors."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from analysis.published.published_data import QUTIBENCH, needs_data, published_networks, shipped
from nntest.analysis.pareto import Axis, pareto_front
from nntest.analysis.published.against_roofs import BEST, error_summary, measured_over_predicted
from nntest.analysis.published.lint import lint
from nntest.analysis.published.networks import operations_of
from nntest.analysis.published.overview import NONE, claims, overview, overview_matrix
from nntest.analysis.published.page import drawn_ridge, page_errors, page_heat_map
from nntest.analysis.published.qutibench import (
    NAMES,
    NUMBERS,
    at_maximum_power,
    filter_counts,
    panel,
    read_raw,
    typed,
    with_accuracy,
)
from nntest.analysis.published.repair import import_published, repaired
from nntest.analysis.roofline.model import roofs_of
from nntest.config.published import CellRepair, PublishedFile
from nntest.domain.traffic import TRAFFIC_MODELS
from nntest.errors import UserError

PLATFORMS = shipped()
EXPECTED = QUTIBENCH / "expected"
ACCURACY, FRAMES = Axis("top1_percent", "max"), Axis("frames_per_s", "max")


@pytest.fixture(scope="module")
def raw():
    return read_raw(QUTIBENCH / "backup.csv")


@pytest.fixture(scope="module")
def frame(raw):
    return typed(raw, PLATFORMS)


@pytest.fixture(scope="module")
def anomalies():
    """(line, kind) of what is known to be wrong."""
    kinds = {
        "fps": "frames-times-latency", "Pre": "precision-drag-filled", "top": "accuracy-changes",
    }  # fmt: skip
    rows = pd.read_csv(EXPECTED / "seed_backup_anomalies.csv")
    found = {(row.csv_line, kinds[row.problem[:3]]) for row in rows.itertuples()}
    assert len(found) == len(rows) == 174
    return found


@needs_data
class TestImport:
    def test_counts_of_the_pages_filters(self, frame):
        counts = dict(filter_counts(frame)[["step", "rows"]].to_numpy())
        assert counts == {
            "rows of the file": 2604, "measured": 956, "at maximum power": 2220,
            "CNV with accuracy and latency": 250, "panel a": 102, "panel b": 183,
            "groups": 30, "facets": 9,
        }  # fmt: skip

    def test_the_250_rows(self, frame):
        expected = pd.read_csv(EXPECTED / "seed_cnv_df.csv")
        ours = with_accuracy(at_maximum_power(frame))
        pairs = {
            "top1_percent": "top1", "pruning_percent": "PruningFactor", "precision": "Precision",
            "hardware": "HWType", "group": "hw_quant_prun", "facet": "quant_model",
            "batch_size": "batch/thread/stream", "latency_ms": "lat-comp",
            "frames_per_s": "fps-comp", "full_power_w": "Full_Pwr_W", "gops": "tp-comp",
        }  # fmt: skip
        assert len(ours) == len(expected) == 250
        for name, theirs in pairs.items():
            for one, other in zip(ours[name], expected[theirs], strict=True):
                assert one == other or (pd.isna(one) and pd.isna(other)), name
        assert len(panel(ours, "a")) == 102

    def test_every_row_has_its_platform_and_energy(self, frame):
        assert (frame["platform_file"] != "").all()
        first = frame.iloc[0]
        assert first["energy_per_frame_j"] == pytest.approx(1.728796 / 200.838)

    @pytest.mark.parametrize(
        ("change", "reported"),
        [
            (lambda text: text.replace("lat-comp", "latency"), "no column lat-comp"),
            (lambda text: text + "CNV,NCS,FP16\n", "line 4: 3 cells, but the heading has 18"),
        ],
    )
    def test_a_file_that_is_none(self, tmp_path, change, reported):
        text = "".join((QUTIBENCH / "backup.csv").read_text().splitlines(keepends=True)[:3])
        (tmp_path / "t.csv").write_text(change(text))
        with pytest.raises(UserError, match=reported):
            read_raw(tmp_path / "t.csv")


@needs_data
class TestLint:
    def test_finds_every_known_anomaly_and_no_other_of_their_kinds(self, raw, anomalies):
        kinds = {kind for _, kind in anomalies}
        found = {(f.line, f.kind) for f in lint(raw, PLATFORMS) if f.kind in kinds}
        assert found == anomalies

    def test_what_else_it_finds(self, raw):
        kinds = {"frames-times-latency", "precision-drag-filled", "accuracy-changes"}
        others = [f for f in lint(raw, PLATFORMS) if f.kind not in kinds]
        assert {(f.line, f.kind) for f in others} == {
            (663, "operations-differ"),  # 100 typed for a throughput
            *((line, "operations-differ") for line in range(581, 589)),  # RN50 on ZCU102-DPU
            (1973, "power-order"),
        }
        # With the layers known: the MLP measured on GPU and NCS had fewer operations than theirs,
        # and MNv1 on the TPU has GNv1's.
        known = operations_of(published_networks())
        more = [f for f in lint(raw, PLATFORMS, known) if f.kind == "operations-differ"]
        assert {f.line for f in others if f.kind == "operations-differ"} < {f.line for f in more}
        assert {(r["NN_Topology"], r["HWType"]) for r in raw.rows if r.line in
                {f.line for f in more} - {f.line for f in others}} == {
            ("MLP", "GPU"), ("MLP", "NCS"), ("MNv1", "TPU"),
        }  # fmt: skip

    def test_finds_nothing_in_clean_data(self, raw, tmp_path):
        wrong = {f.line for f in lint(raw, PLATFORMS)}
        lines = (QUTIBENCH / "backup.csv").read_text().splitlines(keepends=True)
        clean = [line for number, line in enumerate(lines, start=1) if number not in wrong]
        (tmp_path / "clean.csv").write_text("".join(clean))
        assert lint(read_raw(tmp_path / "clean.csv"), PLATFORMS) == []
        assert len(clean) > 2400

    def test_repairs_only_what_the_config_says(self, raw):
        findings = lint(raw, PLATFORMS)
        same, mended = repaired(raw, findings, [])
        assert same == raw and mended == []
        file = PublishedFile(
            file=str(QUTIBENCH / "backup.csv"),
            format="qutibench",
            repairs=["accuracy-changes", "precision-drag-filled"],
        )
        got = import_published([file], PLATFORMS)
        assert got.findings["repaired"].sum() == 86
        assert set(got.findings.loc[got.findings["repaired"], "kind"]) == set(file.repairs)
        assert not set(got.rows["precision"]) - {"INT2", "INT4", "INT8", "FP16", "FP32"}
        (row,) = got.rows[got.rows["line"] == 94].to_dict("records")
        assert row["top1_percent"] == 87.42
        assert row["repaired"] == "top1 [%]: 88.42 → 87.42 (accuracy-changes)"
        assert (got.rows["repaired"] != "").sum() == 86


@needs_data
class TestPareto:
    def rows(self, repairs):
        file = PublishedFile(
            file=str(QUTIBENCH / "backup.csv"), format="qutibench", repairs=repairs
        )
        shown = with_accuracy(at_maximum_power(import_published([file], PLATFORMS).rows))
        return shown, pareto_front(shown, [ACCURACY, FRAMES])

    @pytest.mark.parametrize(
        ("repairs", "file", "size"),
        [
            ([], "seed_pareto_true_rows_raw_data.csv", 8),
            (["accuracy-changes"], "seed_pareto_true_rows_top1_corrected.csv", 10),
            (
                [
                    CellRepair(line=94, column="top1 [%]", was="88.42", to="87.42"),
                    CellRepair(line=745, column="top1 [%]", was="85.88", to="84.88"),
                ],
                "seed_pareto_true_rows_top1_corrected.csv",
                10,
            ),
        ],
    )
    def test_the_fronts(self, repairs, file, size):
        shown, front = self.rows(repairs)
        expected = pd.read_csv(EXPECTED / file)
        assert front.on_front.sum() == len(expected) == size
        assert front.missing == 0
        ours = shown[front.on_front].sort_values("frames_per_s")
        for name, theirs in {
            "group": "hw_quant_prun", "batch_size": "batch/thread/stream", "top1_percent": "top1",
            "frames_per_s": "fps-comp", "latency_ms": "lat-comp",
        }.items():  # fmt: skip
            assert ours[name].tolist() == expected[theirs].tolist()

    def test_a_repair_of_a_cell_that_says_something_else(self, raw):
        for cell, reported in [
            (CellRepair(line=94, column="top1 [%]", was="87.42", to="1"), "says '88.42', not '87"),
            (CellRepair(line=94, column="top1", was="88.42", to="1"), "no column 'top1'"),
            (CellRepair(line=9999, column="top1 [%]", was="1", to="2"), "no such line"),
        ]:
            with pytest.raises(UserError, match=reported):
                repaired(raw, [], [cell])


@needs_data
class TestPage:
    def test_what_the_page_claims_to_have_measured(self, frame):
        counted = claims(QUTIBENCH / "overview_experiments_cifar10_.csv", frame)
        assert len(counted) == 12
        assert counted[["claimed", "with_accuracy"]].sum().tolist() == [424, 378]

    def test_overview(self, frame):
        long = overview(frame)
        assert len(long) == 12 * 5
        assert long["measured"].sum() == 956
        assert long["listed"].sum() == 2604
        matrix = overview_matrix(frame).set_index("platform")
        assert matrix.loc["ZCU104 BISMO", "CNV"] == "int2, int4 × 50, 25, 12.5 %: 35"
        assert matrix.loc["ZCU102 DPU", "CNV"] == NONE

    def test_the_pages_heat_map(self):
        """Our account of how the page computes gives its figures, so its errors are known."""
        expected = pd.read_csv(EXPECTED / "seed_prediction_cifar10_matrix.csv").set_index("y")
        ours = page_heat_map(QUTIBENCH)
        checked = 0
        for row in ours.to_dict("records"):
            platform = row["platform"].replace(" - ", "-").replace(" (MyriadX)", "")
            name = platform if "A53" in platform else f"{platform}-{row['data_type'].upper()}"
            column = f"{row['network']}-{row['data_type'].upper()}"
            if column in expected.columns:
                shown = expected.loc[name, column]
                assert row["page_frames_per_s"] == pytest.approx(shown, abs=0.51)
                checked += 1
        assert checked == 4 * (6 + 1 + 2 * 2 + 2)

    def test_every_error_of_the_page_with_the_right_figure(self, frame):
        errors = page_errors(QUTIBENCH, frame, published_networks())
        by_what = {(row["table"], row["what"]): row for row in errors.to_dict("records")}
        wrong = by_what["topology_details.csv", "CNV-12.5%: operations"]
        assert (wrong["line"], wrong["given"], wrong["right"]) == (22, 8_124_928, 8_017_792)
        batch = by_what["topology_details.csv", "ResNet-50_: operations"]
        assert "of a batch" in batch["why"]
        assert by_what["overview_experiments_cifar10_.csv", "all platforms: CNV configurations"][
            "given"
        ] == 424  # fmt: skip
        heat = errors[errors["table"] == "heat map"]
        low = heat[heat["what"].str.contains("12.5%")]
        assert len(low) == 13
        assert low["difference_percent"].between(-20, -18.7).all()
        assert not heat["what"].str.contains("100%").any()
        exact = pd.read_csv(EXPECTED / "prediction_exact_cnv_mlp.csv")
        right = exact.loc[exact["network"] == "CNV 12.5%", "pred_fps_batch1"]
        assert sorted(low["right"]) == pytest.approx(sorted(right))
        bismo = errors[errors["what"].str.contains("BISMO.*peak")]
        assert bismo["right"].isna().all() and len(bismo) == 2

    def test_ridges_as_drawn(self, frame):
        given = pd.read_csv(EXPECTED / "ridge_points_exact.csv")
        given = given[given["commit"] == "seed"]
        for row in given.itertuples():
            assert drawn_ridge(row.ridge_exact_ops_per_byte) == pytest.approx(row.ridge_as_coded)
        errors = page_errors(QUTIBENCH, frame, {})
        ours = errors[errors["what"].str.contains("ridge")]
        assert ours["right"].tolist() == pytest.approx(given["ridge_exact_ops_per_byte"].tolist())


@needs_data
def test_measured_over_predicted(frame):
    roofs = [roof for platform in PLATFORMS for roof in roofs_of(platform)]
    ratios = measured_over_predicted(frame, published_networks(), roofs, TRAFFIC_MODELS)
    row = ratios[(ratios["line"] == 2) & (ratios["traffic_model"] == "weights-per-image")]
    assert row["measured_over_predicted"].item() == pytest.approx(
        200.838 / (12.8e9 * 469449728 / 6157696 / 2 / 469449728)
    )
    summary = (
        error_summary(ratios)
        .set_index(["platform", "data_type", "ceiling", "traffic_model", "of"])
        .sort_index()
    )
    finn = summary.loc[("ZCU104 FINN", "int2", "data sheet")]
    # FINN keeps weights on the chip, so it breaks the roof of a model that streams them.
    assert finn.loc[("weights-per-image", BEST), "above_roof"] == 4
    assert finn.loc[("on-chip", BEST), "above_roof"] == 0
    assert (summary["typical_factor"] >= 1).all()
    assert (summary["lowest"] <= summary["median"]).all()
    one = ratios[ratios["line"] == 2]
    alone = error_summary(one)
    factor = abs(math.log(alone["median"].iloc[0]))
    assert alone["typical_factor"].iloc[0] == pytest.approx(math.exp(factor))


# -- without the data folder -------------------------------------------------------------------


def row(**changes):
    base = {
        **dict.fromkeys((*NAMES, *NUMBERS), ""), "NN_Topology": "CNV", "HWType": "NCS",
        "Precision": "FP16", "batch/thread/stream": "1", "lat-comp": "5", "fps-comp": "200",
        "tp-comp": "100", "top1 [%]": "87.02", "Idle_Pwr_W": "1.2", "Full_Pwr_W": "1.8",
        "PruningFactor": "100%", "level": "l3",
    }  # fmt: skip
    return {**base, **changes}


def batch(size, **changes):
    figures = {"batch/thread/stream": str(size), "lat-comp": str(5 * size)}
    return row(**{**figures, **changes})


CLEAN = [batch(size) for size in (1, 2, 4, 8)]


def findings(tmp_path, rows):
    path = tmp_path / "table.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return [(f.line, f.kind, f.column, f.expected) for f in lint(read_raw(path), PLATFORMS)]


def test_clean_rows_have_no_finding(tmp_path):
    assert findings(tmp_path, CLEAN) == []


@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        ({"Precision": "FP17"}, ("precision-drag-filled", "Precision", "FP16")),
        ({"Precision": "FPP16"}, ("unknown-name", "Precision", "FP16")),
        ({"NN_Topology": "CNB"}, ("unknown-name", "NN_Topology", "CNV")),
        ({"HWType": "NSC"}, ("unknown-name", "HWType", "NCS")),
        ({"HWType": "TX2", "Op mode": "maxnn"}, ("unknown-name", "Op mode", "maxn")),
        ({"PruningFactor": "33%"}, ("unknown-name", "PruningFactor", "")),
        ({"PruningFactor": "0.5"}, ("mixed-units", "PruningFactor", "50%")),
        ({"top1 [%]": "88.02"}, ("accuracy-changes", "top1 [%]", "87.02")),
        ({"top1 [%]": "0.8702"}, ("mixed-units", "top1 [%]", "87.02")),
        ({"lat-comp": "10.2"}, ("frames-times-latency", "fps-comp", "")),
        ({"lat-comp": "0.04"}, ("mixed-units", "lat-comp", "40")),
        ({"lat-comp": "40000"}, ("mixed-units", "lat-comp", "40")),
        ({"lat-comp": "40 ms"}, ("mixed-units", "lat-comp", "")),
        ({"lat-comp": "n.m."}, ("not-a-number", "lat-comp", "")),
        ({"tp-comp": "80"}, ("operations-differ", "tp-comp", "")),
        ({"tp-comp": "0.1"}, ("mixed-units", "tp-comp", "")),
        ({"Full_Pwr_W": "1800"}, ("mixed-units", "Full_Pwr_W", "")),
        ({"Full_Pwr_W": "1.1"}, ("power-order", "Full_Pwr_W", "")),
        ({"batch/thread/stream": "4", "lat-comp": "20"}, ("duplicate", "NN_Topology", "")),
    ],
)
def test_one_wrong_cell_is_one_finding_with_its_line(tmp_path, changes, reported):
    found = findings(tmp_path, [*CLEAN[:3], batch(8, **changes)])
    assert found == [(5, *reported)]
