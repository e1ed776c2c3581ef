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
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from measuring.libraries.scons_library import Compiler
from measuring.transport.sshd import Proxy
from virtual_board.own_board import VirtualBoard
from workflow.study import HOME, end_what_runs_in

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
    *("--configfile", "config/virtual-18.05.yaml", "--config", "study=interrupted"),
    *("networks=[trial]", f"libraries=[{LIBRARY}]", "--until"),
)
REPETITIONS = 2 * 2 * 2 * 2
"""Tensors, operators, tuners, repetitions."""


class Bench:
    """A check-out, and the virtual board, which it reaches through a wire that can be cut."""

    def __init__(self, machine: VirtualBoard, folder: Path) -> None:
        self.wire = Proxy(machine.port)
        self.checkout = machine.checkout(folder / "checkout", self.wire.port)
        self.compiler = Compiler(folder / "compiler", "aarch64-linux-gnu-")
        studies = machine.folder / "root" / "root" / "nntest-flow" / "studies"
        self._journal = studies / "interrupted" / LIBRARY / "journal.jsonl"

    def journal(self) -> list[tuple[str, int]]:
        """Point and repetition of each line that the board's journal has by now."""
        if not self._journal.exists():
            return []
        lines = self._journal.read_bytes().split(b"\n")[1:-1]
        return [(line["point"], line["repetition"]) for line in map(json.loads, lines)]

    def wait_for(
        self, condition: Callable[[], bool], running: subprocess.Popen[str] | None = None
    ) -> None:
        """Wait until it is so; `running` must run meanwhile."""

        def so() -> bool:
            assert running is None or running.poll() is None, self.checkout.output()
            return condition()

        self.checkout.wait_for(so, 3600)


@pytest.fixture(scope="module")
def bench(machine: VirtualBoard, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    machine.start()
    bench = Bench(machine, tmp_path_factory.mktemp("interrupted"))
    content = yaml.safe_load((HOME / f"config/libraries/{LIBRARY}.yaml").read_text("utf-8"))
    archive = Path(str(SOURCES)).resolve()
    content["install"] = {
        **{key: content["install"][key] for key in ("way", "where", "extra_cxx_flags")},
        **{"archive": str(archive), "sha256": hashlib.sha256(archive.read_bytes()).hexdigest()},
        **{"neon": False, "compiler": bench.compiler.path.name},
    }
    content["operators"] = {name: content["operators"][name] for name in ("conv", "directconv")}
    bench.checkout.write(f"config/libraries/{LIBRARY}.yaml", **content)
    with pytest.MonkeyPatch.context() as patch:
        folder = bench.compiler.path.parent
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        yield bench
    bench.wire.close()
    end_what_runs_in(bench.checkout.folder)


def test_a_killed_workflow_and_a_killed_build_compile_nothing_again(bench: Bench) -> None:
    running = bench.checkout.start(*STUDY, "install")
    bench.wait_for(lambda: len(bench.compiler.objects()) > 10, running)
    running.kill()
    running.wait()
    # The build goes on by itself, until everything on this machine is killed.
    bench.wait_for(lambda: len(bench.compiler.objects()) > 20)
    end_what_runs_in(bench.checkout.folder)
    before = len(bench.compiler.objects())
    bench.checkout.run(*STUDY, "install")
    counts = Counter(bench.compiler.objects())
    assert len(counts) > before
    twice = [name for name, count in counts.items() if count > 1]
    assert len(twice) <= (os.cpu_count() or 1), "only what was being compiled"


def test_a_cut_link_and_a_killed_workflow_measure_nothing_again(bench: Bench) -> None:
    running = bench.checkout.start(*STUDY, "sweep")
    bench.wait_for(lambda: len(bench.journal()) >= 2, running)
    compiled = len(bench.compiler.objects())
    bench.wire.cut()
    bench.wait_for(lambda: "the board continues on its own" in bench.checkout.output(), running)
    bench.wire.mend()
    seen = len(bench.journal())
    bench.wait_for(lambda: len(bench.journal()) > seen, running)
    running.kill()
    running.wait()
    assert f"{REPETITIONS} in all" in bench.checkout.run(*STUDY, "sweep")
    assert len(bench.compiler.objects()) == compiled
    done = bench.journal()
    assert len(done) == len(set(done)) == REPETITIONS
