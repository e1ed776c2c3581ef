"""What a board has to build with."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from armcl import build_library


def test_a_python2_that_hangs_is_passed_over_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrapper, such as pyenv's, that starts something else, which never ends."""
    mark = tmp_path / "still-there"
    wrapper = tmp_path / "python2"
    wrapper.write_text(f"#!/bin/sh\n(sleep 2; touch {mark}) & wait\n")
    wrapper.chmod(0o755)
    monkeypatch.setattr(build_library, "PROBE_TIMEOUT_S", 0.5)
    assert build_library.probe_scons([str(wrapper)]) is None
    time.sleep(2.5)
    assert not mark.exists()


def test_one_that_says_nothing_of_scons_is_passed_over(tmp_path: Path) -> None:
    assert build_library.probe_scons(["echo"]) is None
    assert build_library.probe_scons(["false"]) is None
    assert build_library.probe_scons([str(tmp_path / "nothing")]) is None
