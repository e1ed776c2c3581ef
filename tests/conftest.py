"""Which tests run: the quick ones, those that are named, or with `--all` every one."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Examples of each property; a busy machine is no failure.
for profile, examples in {"quick": 20, "all": 100, "long": 2000}.items():
    settings.register_profile(
        profile, max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck)
    )

KINDS = {
    "network": "need the Python package index",
    "virtual_board": "run on the virtual board",
}
"""Marks of tests that are slow without saying so, and what such tests do."""

ALONE = ("test_mishaps.py", "test_over_ssh.py", "test_reruns.py", "test_results.py")
"""Files whose tests share nothing with each other."""

_left_out = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the slow tests, too")


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption("--hypothesis-profile"):
        settings.load_profile("all" if config.getoption("--all") else "quick")


def slow_kind(item: pytest.Item) -> str | None:
    """What a slow test does, in words that follow its number; None for a quick one."""
    for mark, kind in KINDS.items():
        if item.get_closest_marker(mark) is not None:
            return kind
    slow = item.get_closest_marker("slow")
    return None if slow is None else str(slow.args[0])


def work_unit(nodeid: str) -> str:
    """Tests of one unit run in one process, so that what they share is made once."""
    path = PurePosixPath(nodeid.partition("::")[0])
    if "virtual_board" in path.parts:
        return "virtual_board"
    # Whole studies take a minute each and share only the one that all of tests/workflow start from.
    return nodeid if path.name in ALONE else str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out units of work in the order of `_longest_first`."""
    from xdist.scheduler import LoadScopeScheduling  # only where tests run in several processes

    class ByUnit(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return work_unit(nodeid)

    config.option.loadscopereorder = False  # by their number of tests, of which most are quick
    return ByUnit(config, log)


def _longest_first(items: list[pytest.Item]) -> None:
    """Order tests so that units of many slow ones begin first: none is left for the end alone."""
    slow = Counter(work_unit(item.nodeid) for item in items if slow_kind(item) is not None)
    slow["virtual_board"] = len(items)
    items.sort(key=lambda item: -slow[work_unit(item.nodeid)])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out slow tests, but for those that the command line names by their file."""
    config.stash[_left_out] = Counter()
    _longest_first(items)
    if config.getoption("--all") or config.getoption("markexpr"):
        return
    here = config.invocation_params.dir
    named = {(here / argument.partition("::")[0]).resolve() for argument in config.args}
    kept, left_out = [], []
    for item in items:
        kind = slow_kind(item)
        if kind is None or item.path in named:
            kept.append(item)
        else:
            left_out.append(item)
            config.stash[_left_out][kind] += 1
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left_out = terminalreporter.config.stash.get(_left_out, Counter())
    if left_out:
        kinds = ", ".join(f"{count} that {kind}" for kind, count in left_out.most_common())
        terminalreporter.write_line(
            f"left out: {left_out.total()} slow tests ({kinds}). "
            "`make test-all` runs everything, `pytest FILE` all tests of a file."
        )
