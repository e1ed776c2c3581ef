"""`make board-file > board.yaml` on a fresh check-out: the draft, and nothing else, is in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]

# In the place of Python: makes a virtual environment whose programs talk as much as they can.
PYTHON = """\
#!/bin/sh
echo "python $*"
case "$*" in *venv*)
    mkdir -p .venv/bin
    printf '#!/bin/sh\\necho "pip $*"; echo "a warning" >&2\\n' > .venv/bin/pip
    printf '#!/bin/sh\\necho "name: $2"\\n' > .venv/bin/nntest
    chmod +x .venv/bin/pip .venv/bin/nntest
esac
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_a_draft_is_all_that_a_fresh_check_out_prints(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(HOME / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(PYTHON, encoding="utf-8")
    python.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}

    def draft() -> subprocess.CompletedProcess[str]:
        command = ["make", "board-file", "HOST=rk3399", f"PYTHON={python}"]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )

    first = draft()
    assert first.stdout == "name: rk3399\n"
    assert "pip install" in first.stderr  # the environment was made, and said so elsewhere
    assert draft().stdout == "name: rk3399\n"
