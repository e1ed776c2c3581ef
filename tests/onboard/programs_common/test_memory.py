"""How much memory a model takes is counted from before it is loaded, at its peak."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

COMMON = Path(__file__).parents[3] / "scripts" / "onboard" / "programs_common"
MEGABYTE = 1_000_000
# 100 MB before the model; it has 60 MB at its peak, of which 20 MB stay.
PROGRAM = f"""
import json, mmap, sys
sys.path.insert(0, {str(COMMON)!r})
from memory import Memory

def taken(megabytes):
    found = mmap.mmap(-1, megabytes * {MEGABYTE})
    for page in range(0, len(found), mmap.PAGESIZE):
        found[page] = 1
    return found

earlier = taken(100)
earlier.close()
memory = Memory()
model = taken(20)
loading = taken(40)
loading.close()
print(json.dumps(memory.stop()))
"""


def test_peak_and_what_stays() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    before, after = found["before"], found["after"]
    assert before["peak_bytes"] >= before["resident_bytes"] > 0
    stays = (after["resident_bytes"] - before["resident_bytes"]) / MEGABYTE
    assert stays == pytest.approx(20, abs=2)
    if before["peak_bytes"] - before["resident_bytes"] > 50 * MEGABYTE:
        pytest.skip("the kernel does not let a process forget its peak")
    peak = (after["peak_bytes"] - before["resident_bytes"]) / MEGABYTE
    assert peak == pytest.approx(60, abs=2)


@pytest.mark.parametrize("name", ["_STATUS", "_CLEAR"])
def test_a_kernel_that_does_not_say(
    common: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(common.memory, name, str(tmp_path / "none" / "file"))
    found = common.memory.Memory().stop()
    assert bool(found) == (name == "_CLEAR")
