"""The benchmark of predictions, on times that follow a law."""

from __future__ import annotations

from pathlib import Path

import prediction
import pytest
from analysis.test_layer_model import ALL, noisy
from analysis.test_layer_sum_check import DATA

PUBLISHED = DATA / "perri_firefly_armcl_conv_layer_times.csv"


def layer_times(path: Path, spread: float) -> Path:
    lines = [f"{tensor.name},{time}" for tensor, time in noisy(ALL, 3, spread).items()]
    path.write_text("\n".join(["tensor,conv_us", *lines]))
    return path


def test_a_law_is_predicted_and_the_bars_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = layer_times(tmp_path / "law.csv", 0.03)
    assert prediction.main(["--layer-times", str(path)]) == 0
    networks, sums, layers = capsys.readouterr().out.splitlines()[1:]
    assert networks.split()[:3] == ["law", "networks", "176"]
    assert sums.split()[:3] == ["law", "sums", "16"]
    assert layers.split()[:3] == ["law", "layers", str(len(ALL))]


def test_times_without_a_law_do_not_keep_them(tmp_path: Path) -> None:
    assert prediction.main(["--layer-times", str(layer_times(tmp_path / "odd.csv", 1.0))]) == 1


@pytest.mark.skipif(not PUBLISHED.exists(), reason="published layer times are not here")
def test_published_times_keep_the_bars(capsys: pytest.CaptureFixture[str]) -> None:
    assert prediction.main(["--layer-times", str(PUBLISHED)]) == 0
    networks, _, layers = capsys.readouterr().out.splitlines()[1:]
    assert networks.split()[1:5] == ["networks", "176", "4.9%", "89.8%"]  # docs/layer-prediction.md
    assert layers.split()[1:5] == ["layers", "164", "4.5%", "89.0%"]


def test_what_is_missing_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        prediction.main([])
    assert "--layer-times" in capsys.readouterr().err
