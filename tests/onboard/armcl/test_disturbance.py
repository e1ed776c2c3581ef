"""What the C++ programs record of the machine around each run: the same as the Python ones."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from onboard.armcl.compiled_programs import COMPILER, compiled, run

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs g++")

SOURCE = """
#include "nntest/disturbance.h"
using namespace nntest;

int main()
{
    for(const auto &thread : read_threads(std::getenv("TASKS"), "1"))
    {
        std::printf("%s %llu %llu %llu\\n", thread.first.c_str(),
                    static_cast<unsigned long long>(thread.second.ran_ns),
                    static_cast<unsigned long long>(thread.second.waited_ns),
                    static_cast<unsigned long long>(thread.second.dispatches));
    }
    Watch watch;
    std::printf("%s\\n", watch.stop().text.c_str());
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("disturbance"), "watch", SOURCE)


def test_all_threads_are_read(program: Path, tmp_path: Path) -> None:
    for thread, content in {"1": "1000 200 3\n", "2": "5 6 7\n", "3": "odd\n"}.items():
        (tmp_path / thread).mkdir()
        (tmp_path / thread / "schedstat").write_text(content)
    (tmp_path / "4").mkdir()  # it has just ended
    assert run(program, TASKS=tmp_path).stdout.splitlines()[:-1] == ["1 1000 200 3", "2 5 6 7"]


@pytest.mark.parametrize("content", ["0 0 0\n", "", None])
def test_a_kernel_that_does_not_count_says_nothing(
    program: Path, tmp_path: Path, content: str | None
) -> None:
    (tmp_path / "1").mkdir()
    if content is not None:
        (tmp_path / "1" / "schedstat").write_text(content)
    assert len(run(program, TASKS=tmp_path).stdout.splitlines()) == 1


def test_the_figures_have_the_names_that_the_python_programs_give_them(
    program: Path, common: SimpleNamespace
) -> None:
    found = json.loads(run(program, TASKS="/nowhere").stdout.splitlines()[-1])
    assert set(found) == set(common.disturbance.Watch().stop())
    assert found["major_faults"] >= 0
    if found["waited_s"] is not None:
        assert found["threads"] == 1
        assert 0 <= found["waited_s"] < 10
        assert set(found["cores"]) <= set(os.sched_getaffinity(0))
