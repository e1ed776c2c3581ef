"""A board that is dead: the others' report, an exit status that says so, and a second try."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from measuring.transport.sshd import SSHD, free_port
from workflow.ssh_bench import SshBench
from workflow.study import SWEEP

pytestmark = [
    pytest.mark.slow("measure over SSH"),
    pytest.mark.sshd,
    pytest.mark.skipif(not SSHD.exists(), reason=f"needs OpenSSH's server ({SSHD} is missing)"),
]
ALIVE = ["a", "b", "c", "d"]
BOARDS = ["a", "b", "fifth", "c", "d"]
SMALL = {"boards": BOARDS, "operators": ["conv"], "tuners": ["NONE"], "repetitions": 1}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SshBench]:
    """Five boards, of which the fifth is dead; two points each."""
    bench = SshBench(tmp_path, **SMALL)
    for name in ALIVE:
        bench.board(name, platform={"name": f"Board {name}"})
    die(bench)
    yield bench
    bench.close()


def die(bench: SshBench) -> None:
    dead = bench.sshd.connection(port=free_port()).model_dump(mode="json", exclude_unset=True)
    bench.board("fifth", connect=dead, patience_s=12, platform={"name": "Board fifth"})


def come_back(bench: SshBench) -> None:
    bench.board("fifth", platform={"name": "Board fifth"})


def rows(bench: SshBench) -> dict[str, int]:
    """Rows of the measurement table by platform."""
    table = pd.read_parquet(bench.checkout.results / "tables/measurements.parquet")
    return {str(name): int(count) for name, count in table["platform"].value_counts().items()}


def test_a_dead_board_among_five(bench: SshBench) -> None:
    results = bench.checkout.results
    missing = "missing: board fifth"
    reason = "nothing listens on port"
    status, output = bench.checkout.run_anyhow("--keep-going")
    assert status != 0
    assert "Traceback" not in output
    end = output[output.index("report: results/tiny/report.html") :]
    assert "error: the study is not complete" in end
    assert missing in end and reason in end
    assert rows(bench) == {f"Board {name}": 2 for name in ALIVE}
    page = (results / "report.html").read_text("utf-8")
    assert missing in page and reason in page
    assert (results / "headline.txt").read_text("utf-8").startswith(missing)
    assert (results / "plots/layers.svg").exists()
    assert bench.journal("fifth") == []

    # Nothing but the dead board is tried again, and the same run makes the whole report.
    jobs = bench.checkout.would_run()
    assert (jobs["probe"], jobs["install"], jobs["sweep"]) == (1, 1, 1)
    come_back(bench)
    output = bench.checkout.run("--keep-going")
    assert "Sweep a with" not in output
    assert rows(bench) == {f"Board {name}": 2 for name in BOARDS}
    assert missing not in (results / "report.html").read_text("utf-8")
    assert bench.checkout.would_run() == {}

    # Dead again, with an older result that is not what is asked for now.
    die(bench)
    assert bench.checkout.would_run() == {}, "it has what the study asks for"
    more = {"tuners": ["NONE", "DEFAULT"], "sweep_by": "operator-tuner"}
    bench.checkout.configure(**{**SMALL, **more})
    status, output = bench.checkout.run_anyhow("--until", "tidy")
    assert status != 0
    assert output.count("error: board fifth") == 2, "of two sweeps"
    assert output.count("trying again for 12 s") == 1, "the second does not wait as well"
    assert "the study is not complete" in output, "of a run without its last step, too"
    assert rows(bench) == {f"Board {name}": 4 for name in ALIVE}


def test_every_board_dead(bench: SshBench) -> None:
    bench.checkout.configure(**{**SMALL, "boards": ["fifth", "sixth"]})
    die(bench)
    fifth = bench.checkout.folder / "config/boards/fifth.yaml"
    fifth.with_name("sixth.yaml").write_text(fifth.read_text("utf-8"), "utf-8")
    status, output = bench.checkout.run_anyhow()
    assert status != 0
    assert "error: nothing was measured" in output
    assert "missing: board fifth" in output and "missing: board sixth" in output
    assert not (bench.checkout.results / "report.html").exists()


def test_a_study_that_wants_all_or_nothing(bench: SshBench) -> None:
    bench.checkout.configure(**{**SMALL, "boards": ["a", "fifth"]}, on_missing_board="fail")
    status, output = bench.checkout.run_anyhow()
    assert status != 0
    assert "error: board fifth" in output
    assert len(bench.journal("a")) == 2, "the others are measured all the same"
    assert not bench.checkout.results.joinpath("tiny.zip").exists()
    assert bench.checkout.run_anyhow(*SWEEP)[0] != 0
