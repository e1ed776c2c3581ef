"""A study of a model with labelled images, through the whole workflow."""

from __future__ import annotations

import pandas as pd
import pytest
from measuring.colour_classifier import RIGHT, write_network
from workflow.study import Checkout

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow("installs an inference library, and measures with it"),
]
PUBLISHED = {"top1_percent": 60.0, "source": "the test"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The finished study."""
    made = Checkout.make(
        tmp_path_factory.mktemp("accuracy") / "checkout",
        libraries=["onnxruntime"],
        networks=["colours"],
        operators=["conv"],
        tuners=["DEFAULT"],
        repetitions=2,
        end_to_end=True,
        baseline={"operator": "conv", "tuner": "DEFAULT"},
    )
    write_network(made.folder / "config" / "networks", **PUBLISHED)
    assert "preparing 9 images for colours and sending them to the board" in made.run()
    return made


def rows(checkout: Checkout, table: str) -> pd.DataFrame:
    return pd.read_parquet(checkout.results / "tables" / f"{table}.parquet")


def test_the_accuracy_is_what_the_images_say(checkout: Checkout) -> None:
    (row,) = rows(checkout, "accuracy").to_dict("records")
    assert (row["network"], row["data_type"]) == ("colours", "fp32")
    assert row["library"].startswith("onnxruntime-")
    assert row["images"] == RIGHT["images"]
    assert row["top1_percent"] == pytest.approx(100 * RIGHT["top1"] / RIGHT["images"])
    assert row["top5_percent"] == pytest.approx(100 * RIGHT["top5"] / RIGHT["images"])
    assert (row["top1_published_percent"], row["note"]) == (60.0, "")


def test_it_stands_beside_the_published_one_in_configurations(checkout: Checkout) -> None:
    (row,) = rows(checkout, "configurations").to_dict("records")
    assert row["top1_percent"] == pytest.approx(100 * RIGHT["top1"] / RIGHT["images"])
    assert row["top1_low_percent"] < row["top1_percent"] < row["top1_high_percent"]
    assert row["top1_published_percent"] == 60.0
    assert "Accuracy" in (checkout.results / "report.html").read_text("utf-8")


def test_classifying_is_no_measurement(checkout: Checkout) -> None:
    measured = rows(checkout, "measurements")
    assert len(measured) == 2 * 2  # a layer and the network
    assert len(rows(checkout, "accuracy_runs")) == 1


def test_a_second_run_has_nothing_to_do(checkout: Checkout) -> None:
    assert checkout.would_run() == {}


def test_another_label_asks_again(checkout: Checkout) -> None:
    labels = checkout.folder / "config" / "networks" / "labels.csv"
    labels.write_text(labels.read_text("utf-8").replace("red.png,0", "red.png,1"), "utf-8")
    assert "sweep_network" in checkout.would_run()
