"""A study of a network in fp32 and in int8, from the library's file to the report."""

from __future__ import annotations

import pandas as pd
import pytest
from workflow.study import Checkout

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow("installs two inference libraries, 90 MB, and measures with them"),
]

PAIRS = {
    "onnxruntime-int8-1.32.0": "onnxruntime-1.32.0",
    "openvino-int8-2026.4.1": "openvino-2026.4.1",
}
REPETITIONS = 16  # four processes


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The finished study.  Not to be changed."""
    checkout = Checkout.make(
        tmp_path_factory.mktemp("int8") / "checkout",
        libraries=["onnxruntime", "onnxruntime-int8", "openvino", "openvino-int8"],
        networks=["trial"],
        operators=["conv"],
        tuners=["DEFAULT"],
        repetitions=REPETITIONS,
        end_to_end=True,
    )
    checkout.run()
    return checkout


def rows(checkout: Checkout, table: str) -> pd.DataFrame:
    return pd.read_parquet(checkout.results / "tables" / f"{table}.parquet")


def test_every_output_was_right(study: Checkout) -> None:
    measured = rows(study, "measurements")
    assert set(measured["status"]) == {"ok"}
    assert set(measured["operator"]) == {"conv", "conv-int8", "network", "network-int8"}
    for library in ("onnxruntime-int8", "openvino-int8"):
        for line in study.journal(library):
            assert line["run_time_state"]["data_bits"] == 8
            assert line["output_check"]["ok"]


def test_each_layer_and_the_network_have_a_row(study: Checkout) -> None:
    table = rows(study, "against_fp32")
    for library, single in PAIRS.items():
        own = table[table["library"] == library]
        assert set(own["single_library"]) == {single}
        assert own["species"].tolist() == ["network", "conv", "conv"]
        changes = own[["kernels_change", "reorders_change", "outside_change"]].sum(axis=1)
        assert changes.to_numpy() == pytest.approx(own["ratio"].to_numpy() - 1)
    words = {"gains", "loses", "no difference"}
    assert set(table["verdict"]) <= words
    assert table["why"].str.contains("in place of").all()


def test_int8_is_ranked_and_estimated_for_itself(study: Checkout) -> None:
    for table in ("network_ranking", "estimate"):
        by_library = rows(study, table).groupby("data_type")["library"].agg(set)
        assert PAIRS.keys() <= by_library["int8"]
        assert set(PAIRS.values()) <= by_library["fp32"]


def test_the_report_says_it(study: Checkout) -> None:
    page = (study.results / "report.html").read_text("utf-8")
    assert '<section id="data-types">' in page and 'href="#data-types"' in page
    for library in PAIRS:
        assert f"<li>{library} (DEFAULT) on " in page


def test_both_precisions_share_the_wheels(study: Checkout) -> None:
    environments = (study.folder / "results/boards/here/pip").iterdir()
    assert sorted(path.name.rpartition("-")[0] for path in environments) == [
        "onnxruntime",
        "openvino",
    ]
