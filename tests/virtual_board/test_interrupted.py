"""Arm Compute Library 18.05 for the virtual board: killed and cut in the middle of everything.

`NNTEST_ARMCL_SOURCES` names an archive of its sources.  The OpenCL part alone is built, then two
tensors are measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from measuring.libraries.scons_library import Compiler
from measuring.transport.sshd import Proxy
from virtual_board.own_board import VirtualBoard
from workflow.study import HOME, Checkout, end_what_runs_in

SOURCES = os.environ.get("NNTEST_ARMCL_SOURCES")
pytestmark = [
    pytest.mark.virtual_board,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(
        not SOURCES, reason="half an hour: NNTEST_ARMCL_SOURCES names no archive of ArmCL 18.05"
    ),
]
LIBRARY = "armcl-opencl-18.05-cross"
STUDY = (
    *("--configfile", "config/virtual-18.05.yaml", "--until", "sweep", "--config"),
    *("study=interrupted", "networks=[trial]", f"libraries=[{LIBRARY}]"),
)
REPETITIONS = 2 * 2 * 2 * 2
"""Tensors, operators, tuners, repetitions."""


def test_all_is_compiled_and_measured_once(
    machine: VirtualBoard,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    machine.start()
    wire = Proxy(machine.port)
    request.addfinalizer(wire.close)
    compiler = Compiler(tmp_path / "compiler", "aarch64-linux-gnu-")
    monkeypatch.setenv("PATH", f"{compiler.path.parent}{os.pathsep}{os.environ['PATH']}")
    checkout = machine.checkout(tmp_path / "checkout", wire.port)
    request.addfinalizer(lambda: end_what_runs_in(checkout.folder))
    library(checkout, compiler.path.name)
    journal = machine.folder / f"root/root/nntest-flow/studies/interrupted/{LIBRARY}/journal.jsonl"

    def wait_for(condition: Callable[[], bool], running: subprocess.Popen[str] | None) -> None:
        """Until it is so; a workflow that is to run meanwhile must."""

        def so() -> bool:
            assert running is None or running.poll() is None, checkout.output()
            return condition()

        checkout.wait_for(so, 3600)

    # The workflow is killed; the build goes on by itself.
    running = checkout.start(*STUDY)
    wait_for(lambda: len(compiler.objects()) > 10, running)
    running.kill()
    running.wait()
    wait_for(lambda: len(compiler.objects()) > 20, None)
    # Everything on this machine is killed, the build as well.
    end_what_runs_in(checkout.folder)
    before_the_kill = len(compiler.objects())
    running = checkout.start(*STUDY)
    # The link is cut in the middle of the sweep, and the board goes on by itself.
    wait_for(lambda: measured(journal) >= 2, running)
    twice = [name for name, count in Counter(compiler.objects()).items() if count > 1]
    assert len(twice) <= (os.cpu_count() or 1), "only what was being compiled"
    assert len(set(compiler.objects())) > before_the_kill
    wire.cut()
    wait_for(lambda: "the board continues on its own" in checkout.output(), running)
    wire.mend()
    # The workflow is killed in the middle of the sweep.
    seen = measured(journal)
    wait_for(lambda: measured(journal) > seen, running)
    running.kill()
    running.wait()
    compiled = len(compiler.objects())
    said = checkout.run(*STUDY)
    assert f"{REPETITIONS} in all" in said
    assert len(compiler.objects()) == compiled
    lines = [json.loads(line) for line in journal.read_text().splitlines()[1:]]
    done = [(line["point"], line["repetition"]) for line in lines if line["status"] == "ok"]
    assert len(done) == len(set(done)) == REPETITIONS


def library(checkout: Checkout, compiler: str) -> None:
    """Have the library's OpenCL part alone built, from the sources at hand."""
    path = f"config/libraries/{LIBRARY}.yaml"
    content = yaml.safe_load((HOME / path).read_text("utf-8"))
    archive = Path(str(SOURCES)).resolve()
    way = content["install"]
    for key in ("git", "tag", "commit"):
        del way[key]
    way |= {"archive": str(archive), "sha256": hashlib.sha256(archive.read_bytes()).hexdigest()}
    way |= {"compiler": compiler, "neon": False, "graph": False}
    content["operators"] = {name: content["operators"][name] for name in ("conv", "directconv")}
    checkout.write(path, **content)


def measured(journal: Path) -> int:
    """Lines that a board's journal has by now."""
    return journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0
