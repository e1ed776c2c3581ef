"""A pool of two boards, each behind a lock of its own: shared out, taken over, gone on with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml
from measuring.transport.sshd import SSHD, free_port
from workflow.ssh_bench import SshBench
from workflow.study import SWEEP

pytestmark = [
    pytest.mark.slow("measure over SSH"),
    pytest.mark.sshd,
    pytest.mark.skipif(not SSHD.exists(), reason=f"needs OpenSSH's server ({SSHD} is missing)"),
]
STUDY = {
    "boards": ["twins"], "libraries": ["opencl-reference", "again"], "operators": ["conv"],
    "tuners": ["NONE"], "repetitions": 3,
}  # fmt: skip
POINTS = 2


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SshBench]:
    bench = SshBench(tmp_path, **STUDY)
    for name in ("a", "b"):
        bench.board(name, platform={"name": "Twin"}, patience_s=5)
    bench.checkout.write("config/boards/twins.yaml", pool=["a", "b"])
    library = bench.checkout.folder / "config/libraries/opencl-reference.yaml"
    library.with_name("again.yaml").write_text(library.read_text("utf-8"), "utf-8")
    yield bench
    bench.close()


def measured(bench: SshBench) -> dict[str, Counter[str]]:
    """Lines in the journals of each board, by library."""
    found: dict[str, Counter[str]] = {}
    for board in ("a", "b"):
        studies = bench.sshd.home / f"work folder of {board}" / "studies/tiny"
        found[board] = Counter(
            {path.parent.name: len(path.read_text().splitlines()) - 1 for path in
             studies.glob("*/journal.jsonl")}
        )  # fmt: skip
    return found


def test_two_libraries_go_to_two_boards_and_one_takes_both_when_the_other_is_gone(
    bench: SshBench,
) -> None:
    output = bench.checkout.run("--until", "tidy", "compare_pools")
    assert "Traceback" not in output
    tables = bench.checkout.results / "tables"
    rows = pd.read_parquet(tables / "measurements.parquet")
    assert set(rows["platform"]) == {"Twin"}
    taken = {
        board: str(name).partition("-1.0")[0]
        for (board, name), _ in rows.groupby(["board", "library"])
    }
    assert sorted(taken.values()) == ["again", "opencl-reference"], "one each"
    (compared,) = pd.read_parquet(tables / "pool_boards.parquet").to_dict("records")
    assert (compared["baseline"], compared["other"], compared["points"]) == ("a", "b", POINTS)
    # By points of the first library, which the board that has it does not measure again.
    once = 3 * POINTS
    first = measured(bench)
    assert first == {
        board: Counter({"opencl-reference": once, library: once})
        for board, library in taken.items()
    }

    gone, other = sorted(taken, key=lambda board: taken[board] != "again")
    path = bench.checkout.folder / f"config/boards/{gone}.yaml"
    content = yaml.safe_load(path.read_text("utf-8"))
    content["connect"]["port"] = free_port()
    path.write_text(yaml.safe_dump(content), "utf-8")
    bench.checkout.configure(**{**STUDY, "repetitions": 5})
    output = bench.checkout.run(*SWEEP)
    assert "another board of pool twins takes twins.again" in output
    once = 5 * POINTS
    assert measured(bench) == {
        gone: first[gone], other: Counter({"opencl-reference": once, "again": once})
    }  # fmt: skip
