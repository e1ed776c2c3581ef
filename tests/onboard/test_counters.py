"""The counter reader's contract, with real reader processes; the numbers stand for no GPU's."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from counters import CounterReader, CounterReaderError

# Counts until SIGTERM, then prints: a stand-in for a Mali's reader, by the documented contract.
READER = """
import signal, sys, threading
over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())
print("ready", flush=True)
over.wait()
{ending}
"""


def reader(tmp_path: Path, ending: str) -> CounterReader:
    path = tmp_path / "reader.py"
    path.write_text(READER.format(ending=ending), encoding="utf-8")
    return CounterReader([sys.executable, str(path)], str(tmp_path))


@pytest.mark.parametrize(
    ("ending", "counters"),
    [
        ("print('GPU ACTIVE 120\\nJS0_JOBS 3.5\\n')", {"GPU ACTIVE": 120.0, "JS0_JOBS": 3.5}),
        (
            'print(\'{"core": [{"cycles": 10}], "jobs": 3}\')',
            {"core": [{"cycles": 10}], "jobs": 3},
        ),
    ],
)
def test_both_formats(tmp_path: Path, ending: str, counters: object) -> None:
    with reader(tmp_path, ending) as running:
        assert running.finish() == counters


@pytest.mark.parametrize(
    ("ending", "problem"),
    [
        ("print('no access', file=sys.stderr); sys.exit(3)", "exit status 3: no access"),
        ("print('cycles many')", "not a name and a number"),
        ("print('{\"cycles\": ')", "did not print JSON"),
        ("pass", "printed no counters"),
    ],
)
def test_what_it_does_wrong_is_said(tmp_path: Path, ending: str, problem: str) -> None:
    with reader(tmp_path, ending) as running, pytest.raises(CounterReaderError, match=problem):
        running.finish()


def test_a_reader_that_is_not_there_or_never_ready(tmp_path: Path) -> None:
    with pytest.raises(CounterReaderError, match="No such file"):
        CounterReader(["/nowhere/reader"], str(tmp_path))
    with pytest.raises(CounterReaderError, match="ended before it was ready"):
        CounterReader([sys.executable, "-c", "pass"], str(tmp_path))


def test_it_never_outlives_the_measurement(tmp_path: Path) -> None:
    with reader(tmp_path, "over.clear(); over.wait()") as running:
        process = running._process
    assert isinstance(process, subprocess.Popen)
    deadline = time.monotonic() + 60
    while process.poll() is None:
        assert time.monotonic() < deadline
