"""Slow tests run with `--all`, with `-m`, or by their file's name; the summary counts the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

def test_quick(): pass

@pytest.mark.slow("dig deep")
def test_slow(): pass

@pytest.mark.network
def test_far(): pass
"""


@pytest.mark.parametrize(
    ("arguments", "passed", "deselected", "says"),
    [
        ("folder", 1, 2, True),
        ("folder/test_it.py::test_slow", 1, 0, False),
        ("--all", 3, 0, False),
        ("-m slow", 1, 2, False),
    ],
)
def test_what_runs(
    pytester: pytest.Pytester, arguments: str, passed: int, deselected: int, says: bool
) -> None:
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text("utf-8"))
    (pytester.mkdir("folder") / "test_it.py").write_text(TESTS, encoding="utf-8")
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments.split())
    done.assert_outcomes(passed=passed, deselected=deselected)
    said = [line for line in done.outlines if line.startswith("left out: ")]
    assert bool(said) == says
    for line in said:
        assert line.startswith("left out: 2 slow tests (1 that ")
        assert "1 that dig deep" in line
        assert "`make test-all` runs everything" in line
    assert " passed" in done.outlines[-1]
