"""A pool of two boards, each behind a lock of its own: shared out, taken over, gone on with."""

from __future__ import annotations

from collections import Counter
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


def test_two_libraries_go_to_two_boards_and_stay_there_until_one_is_gone(bench: SshBench) -> None:
    output = bench.checkout.run("--until", "tidy")
    assert "Traceback" not in output
    first = measured(bench)
    assert sorted(map(list, first.values())) == [["again"], ["opencl-reference"]], "one each"
    assert all(count == 3 * POINTS for of in first.values() for count in of.values())
    rows = pd.read_parquet(bench.checkout.results / "tables/measurements.parquet")
    assert set(rows["platform"]) == {"Twin"}
    libraries = rows.groupby("board")["library"].unique()
    assert {board: len(names) for board, names in libraries.items()} == {"a": 1, "b": 1}

    # More repetitions: each library goes on where it was.
    bench.checkout.configure(**{**STUDY, "repetitions": 4})
    bench.checkout.run(*SWEEP)
    second = measured(bench)
    assert second == {board: Counter(dict.fromkeys(of, 4 * POINTS)) for board, of in first.items()}

    # One board is gone: the other has both from then on, and the study is complete.
    gone = next(board for board in first if "again" in first[board])
    other = "b" if gone == "a" else "a"
    bench.checkout.edit(
        f"config/boards/{gone}.yaml", f"port: {bench.wire.port}", f"port: {free_port()}"
    )
    bench.checkout.configure(**{**STUDY, "repetitions": 5})
    output = bench.checkout.run("--until", "tidy")
    assert "another board of pool twins takes twins.again" in output
    third = measured(bench)
    assert third[gone] == second[gone]
    assert third[other] == Counter({"opencl-reference": 5 * POINTS, "again": 5 * POINTS})
    rows = pd.read_parquet(bench.checkout.results / "tables/measurements.parquet")
    assert set(rows["board"]) == {other}
