"""A virtual board of the tests' own, and its commands."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from nntest.config import Board
from workflow.study import HOME, Checkout

SCRIPT = HOME / "scripts" / "virtual_board" / "board.py"
TOOLS = ("mmdebstrap", "qemu-aarch64-static", "update-binfmts", "aarch64-linux-gnu-g++")


def why_not() -> str | None:
    """Why there can be no virtual board here, or None."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        return "needs root on Linux"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing and shutil.which("apt-get") is None:
        return f"needs {', '.join(missing)}, and there is no apt to get them with"
    return None


@dataclass(frozen=True)
class VirtualBoard:
    """The board's folder and port, and its commands."""

    folder: Path
    port: int

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the commands, as from a shell."""
        return subprocess.run(
            [sys.executable, str(SCRIPT), *arguments, "--dir", str(self.folder)],
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )

    def do(self, *arguments: str) -> str:
        """Run a command that must succeed; what it prints."""
        done = self.command(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> str:
        """Start it on its port."""
        return self.do("start", "--port", str(self.port))

    @property
    def board(self) -> Board:
        """The board as a board file describes it."""
        return Board.model_validate(
            {
                "name": "virtual",
                "connect": {
                    **{"transport": "ssh", "host": "127.0.0.1", "port": self.port, "user": "root"},
                    **{"key": f"{self.folder}/key", "known_hosts": f"{self.folder}/known_hosts"},
                },
                "work_dir": "nntest-flow",
                "emulated": True,
                "environment": {
                    "LD_LIBRARY_PATH": "/opt/virtual-mali",
                    "POCL_CACHE_DIR": "/var/cache/pocl",
                    "VIRTUAL_MALI_MAX_GROUP": "4",
                },
            }
        )

    def checkout(self, folder: Path, port: int | None = None) -> Checkout:
        """A check-out whose virtual boards are this one, reached by `port` if that is another."""
        checkout = Checkout.make(folder)
        shutil.copy(HOME / "config/config.yaml", folder / "config/config.yaml")
        known_hosts = folder / "known_hosts"
        known = (self.folder / "known_hosts").read_text("utf-8")
        known_hosts.write_text(known.replace(f":{self.port} ", f":{port or self.port} "))
        for path in (folder / "config/boards").glob("virtual-*.yaml"):
            content = yaml.safe_load(path.read_text("utf-8"))
            content["connect"] |= {
                **{"port": port or self.port, "key": f"{self.folder}/key"},
                "known_hosts": str(known_hosts),
            }
            checkout.write(f"config/boards/{path.name}", **content)
        return checkout
