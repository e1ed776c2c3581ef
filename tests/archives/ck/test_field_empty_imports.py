"""An archive that yields no row is said, and the exit status is not 0."""

from __future__ import annotations

import pytest
from archives.ck.ck_samples import ck_members, ck_point, zip_of
from commands.command_line import nntest
from nntest.archives.ck import has_rows

POINT = "a" * 16 + ".0001"
SYNTHETIC = ck_point(dataset_uoa="tensor-conv-synthetic-7")
NO_ROWS = {
    "no entry": {},
    "an entry without a point": ck_members({}),
    "a point without a repetition": ck_members({POINT: {**ck_point(), "characteristics_list": []}}),
    "a point that is not JSON": {
        name: b"{" if "ckp-" in name else data
        for name, data in ck_members({POINT: ck_point()}).items()
    },
    "synthetic points alone": ck_members({POINT: SYNTHETIC}),
}


@pytest.mark.parametrize("name", NO_ROWS)
def test_convert_says_so(tmp_path, name):
    path = zip_of(tmp_path / "theirs.zip", NO_ROWS[name])
    assert not has_rows(path)
    done = nntest("ck", "convert", path, tmp_path / "t.csv")
    assert done.status == 1
    assert f"{path}: yields no row" in done.stderr
    assert not (tmp_path / "t.csv").exists()


def test_failed_and_profiled_points_are_rows(tmp_path):
    failed, profiled = ck_point(runs=[{}]), ck_point(dvdt_prof="yes")
    for content in (failed, profiled):
        assert has_rows(zip_of(tmp_path / "a.zip", ck_members({POINT: content})))
    synthetic = zip_of(tmp_path / "a.zip", ck_members({POINT: SYNTHETIC}))
    assert has_rows(synthetic, synthetic=True)
