"""A check-out, and a board behind a real sshd that it reaches through a wire that can be cut."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring.transport.sshd import Proxy, Sshd
from workflow.study import Checkout, end_what_runs_in


class SshBench:
    """A check-out, and a board that it reaches through a wire that can be cut."""

    def __init__(self, folder: Path, **config: Any) -> None:
        """`config` changes the study's."""
        self.folder = folder
        self.sshd = Sshd(folder / "board")
        self.wire = Proxy(self.sshd.port)
        self.sshd.is_known_behind(self.wire)
        self.checkout = Checkout.make(folder / "checkout", **config)
        self.board("here")

    def board(self, name: str, **changes: Any) -> None:
        """Write a board file for the board behind the wire."""
        self.checkout.write(
            f"config/boards/{name}.yaml",
            **{
                "connect": self.sshd.connection(port=self.wire.port).model_dump(
                    mode="json", exclude_unset=True
                ),
                "work_dir": f"work folder of {name}",
                "lock_file": str(self.sshd.folder / f"{name}.lock"),
                "python": sys.executable,
                # PoCL's kernels, compiled by other tests already, for the board's other home.
                "environment": {"POCL_CACHE_DIR": str(Path.home() / ".cache/pocl/kcache")},
                **changes,
            },
        )

    def work(self, name: str = "here") -> Path:
        return self.sshd.home / f"work folder of {name}" / "studies/tiny/opencl-reference"

    def journal(self, name: str = "here") -> list[dict[str, Any]]:
        path = self.work(name) / "journal.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]][1:]

    def output(self) -> str:
        return self.checkout.output()

    def wait_for(self, condition: Callable[[], bool], patience_s: float = 120) -> None:
        self.checkout.wait_for(condition, patience_s)

    def assert_all_once(self, total: int) -> None:
        done = [(line["point"], line["repetition"]) for line in self.journal()]
        assert len(done) == len(set(done)) == total
        pulled = self.checkout.results / "sweeps/here.opencl-reference.journal.jsonl"
        assert pulled.read_bytes() == (self.work() / "journal.jsonl").read_bytes()

    def close(self) -> None:
        """End all that runs on it."""
        self.wire.close()
        self.sshd.stop()
        end_what_runs_in(self.folder)
