"""The board's lock: who has it, asked by many at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ONBOARD = Path(__file__).parents[2] / "scripts" / "onboard"
ASKS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from board_lock import BoardLock
print(json.dumps([BoardLock(sys.argv[2]).owner() for _ in range(2000)]))
"""
HOLDS = """
import sys
sys.path.insert(0, sys.argv[1])
from board_lock import BoardLock
for _ in range(200):
    lock = BoardLock(sys.argv[2])
    assert lock.acquire({"user": "holder"}, 5.0)
    import os; os.close(lock.descriptor)
assert lock.acquire({"user": "holder"}, 5.0)
print("held", flush=True)
sys.stdin.read()
"""


def start(code: str, lock: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, ONBOARD, lock],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_who_only_asks_is_not_taken_for_an_owner(tmp_path: Path) -> None:
    # An earlier owner's name is still in the file: a lock that nobody holds has no owner.
    lock = tmp_path / "lock"
    lock.write_text(json.dumps({"user": "an earlier one", "folder": "/work"}))
    asking = [start(ASKS, lock) for _ in range(6)]
    for process in asking:
        answers = json.loads(process.communicate(timeout=60)[0])
        assert [answer for answer in answers if answer] == []


def test_who_asks_does_not_keep_the_lock_from_others(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    asking = [start(ASKS, lock) for _ in range(4)]
    holder = start(HOLDS, lock)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    (answer,) = {json.dumps(one) for one in json.loads(start(ASKS, lock).communicate()[0])}
    assert json.loads(answer) == {"user": "holder"}
    for process in asking:
        process.communicate(timeout=60)
    holder.communicate(timeout=60)
    assert holder.returncode == 0
