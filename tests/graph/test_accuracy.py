"""What the measuring of an accuracy depends on: other images, labels or preprocessing ask again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config.test_accuracy import study
from measuring.colour_classifier import write_network
from nntest.graph.boards import sweep_spec
from PIL import Image


def specs(network: Path) -> dict[str, Any]:
    """Of the sweep of layers and of that of whole networks."""
    made = study(network)
    return {
        sweep.name: sweep_spec(made, sweep) for sweep in (*made.sweeps(), *made.network_sweeps())
    }


def test_images_labels_and_preprocessing_are_of_the_networks_sweep(tmp_path: Path) -> None:
    network = write_network(tmp_path)
    layers, whole = specs(network)
    found = [specs(network)]
    network.write_text(network.read_text().replace("bilinear", "nearest"))
    found.append(specs(network))
    labels = tmp_path / "labels.csv"
    labels.write_text(labels.read_text().replace("0 red.png,0", "0 red.png,1"))
    found.append(specs(network))
    Image.new("RGB", (30, 30)).save(tmp_path / "images" / "0 red.png")
    found.append(specs(network))
    assert len({str(spec[whole]) for spec in found}) == len(found)
    assert len({str(spec[layers]) for spec in found}) == 1
    assert specs(network) == found[-1]


def test_the_published_figure_beside_them_is_not(tmp_path: Path) -> None:
    network = write_network(tmp_path)
    _, whole = before = specs(network)
    published = "accuracy:\n  source: mine\n  top1_percent: 50\n"
    network.write_text(network.read_text().replace("accuracy:\n", published))
    assert specs(network)[whole] == before[whole]
