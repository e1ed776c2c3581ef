"""What a dry run says is still to be measured is what the runner will measure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.codehash import source_hash
from nntest.config import Study, load_study
from nntest.measuring.installed import Installed
from nntest.measuring.libraries import KINDS
from nntest.measuring.pending import pending_repetitions
from nntest.measuring.plan import build_plan, sweep_folder
from onboard.outcomes import FINAL, STATUSES

HOME = Path(__file__).parents[2]
FACTS: dict[str, Any] = {
    "machine": "x86_64", "platform": "Board", "model": "Board", "vendor": "", "cpus": [],
    "distribution": "", "kernel": "", "cpufreq_policies": [], "devfreq_devices": [],
    "thermal_zones": [], "throttle_counters": [],
}  # fmt: skip


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    board = {"connect": {"transport": "local"}, "work_dir": str(tmp_path / "board")}
    (tmp_path / "config" / "boards").mkdir(parents=True)
    (tmp_path / "config" / "boards" / "here.yaml").write_text(yaml.safe_dump(board))
    config = {
        "study": "s", "networks": ["mobilenet-v1-1.0-224"], "boards": ["here"],
        "libraries": ["opencl-reference"], "operators": ["conv"], "tuners": ["NONE"],
        "repetitions": 4,
    }  # fmt: skip
    return load_study(config, HOME)


def test_a_final_failure_is_not_pending_and_a_passing_one_is(study: Study, tmp_path: Path) -> None:
    sweep = study.sweeps()[0]
    kind = KINDS[sweep.library.kind](sweep.library)
    installed = Installed("opencl-reference", "1", "tag", source_hash(kind.sources()), {})
    results = tmp_path / "results"
    for name, content in (("facts", FACTS), ("opencl-reference", installed.as_json())):
        path = results / "boards" / "here" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    plan = build_plan(study, sweep, installed, FACTS, programs="", folder="", planned_at="")
    ids = [point["id"] for point in plan["points"]]
    total = 4 * len(ids)
    assert pending_repetitions(study, sweep, results) == total

    def line(point: str, repetition: int, status: str) -> str:
        content = {"point": point, "repetition": repetition, "process": 0, "status": status}
        content |= {"time_s": 0.001} if status == "ok" else {}
        return json.dumps(content) + "\n"

    here = Path(sweep_folder(study, sweep, sweep.board.work_dir)) / "journal.jsonl"
    pulled = results / "sweeps" / f"{sweep.name}.journal.jsonl"
    for path in (here, pulled):
        path.parent.mkdir(parents=True)
    for status in (*STATUSES[1:], "crashed(exit 9)"):
        here.write_text('{"journal": "x"}\n[]\n' + line(ids[0], 0, status), encoding="utf-8")
        left = total - 4 * (status in FINAL)
        assert pending_repetitions(study, sweep, results) == left, status
    # A failure that a later success overtook; the pulled journal is older.
    pulled.write_text(line(ids[0], 0, "not-supported"), encoding="utf-8")
    here.write_text(
        pulled.read_text() + line(ids[0], 0, "ok") + "not JSON\n" + line(ids[0], 1, "ok")
    )
    assert pending_repetitions(study, sweep, results) == total - 2
