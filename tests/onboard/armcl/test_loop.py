"""Runs that the C++ programs time together: the same record as the Python ones'."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from onboard.armcl.compiled_programs import COMPILER, compiled, run

pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs g++")

SOURCE = """
#include "nntest/loop.h"
#include "nntest/settings.h"
using namespace nntest;

int main()
{
    const Settings settings = Settings::from_environment();
    const Rest     rest(settings.rest_s);
    int            runs = 0;
    const Loop     loop(settings.loop_s, [&runs] {
        ++runs;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    });
    std::printf("%s\\n", JsonObject()
        .add("counted", runs)
        .add("seconds_a_run", loop.seconds_a_run())
        .add("loop", loop.described(rest))
        .done().text.c_str());
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("loop"), "loop", SOURCE)


def test_a_loop_takes_as_long_as_asked_for(program: Path) -> None:
    found = json.loads(run(program, NNTEST_LOOP_S="0.2", NNTEST_REST_S="0.1").stdout)
    loop = found["loop"]
    assert set(loop) == {"runs", "seconds", "rested_from", "rest_s"}
    assert found["counted"] == loop["runs"] > 1
    assert loop["seconds"] >= 0.2 and loop["rest_s"] >= 0.1
    assert found["seconds_a_run"] == pytest.approx(loop["seconds"] / loop["runs"])


def test_one_run_without_one(program: Path) -> None:
    loop = json.loads(run(program).stdout)["loop"]
    assert loop["runs"] == 1 and loop["rest_s"] < 0.1
