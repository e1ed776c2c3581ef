"""Files that users have: Git LFS pointers, and the CSV of a European Excel."""

from __future__ import annotations

from pathlib import Path

import pytest
from nntest.analysis.layer_sum_check import read_layer_times
from nntest.analysis.published.qutibench import read_raw
from nntest.archives.ck import read_rows
from nntest.domain.csv_text import read_csv_text
from nntest.domain.onnx_files.reading import read_onnx
from nntest.domain.tflite_files.reading import read_tflite
from nntest.errors import UserError

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00ff\nsize 17\n"
READERS = [read_onnx, read_tflite, read_raw, read_layer_times, lambda path: list(read_rows(path))]


def refused(read, path: Path) -> UserError:
    with pytest.raises(UserError) as caught:
        read(path)
    assert str(path) in caught.value.message
    return caught.value


@pytest.mark.parametrize("read", READERS, ids=["onnx", "tflite", "qutibench", "layer-times", "ck"])
def test_a_git_lfs_pointer_is_called_by_its_name(tmp_path, read):
    (tmp_path / "model.onnx").write_bytes(POINTER)
    error = refused(read, tmp_path / "model.onnx")
    assert "Git LFS pointer" in error.message
    assert "git lfs pull" in (error.hint or "")


@pytest.mark.parametrize("read", [read_raw, read_layer_times])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"tensor;a_us\n3-2-2-1-4-1-0;12,5\n", "semicolons separate its cells"),
        ("tensor;a_us\n3-2-2-1-4-1-0;12,5\n".encode("utf-16"), "UTF-16"),
        ("tensor\ta_us\n3-2-2-1-4-1-0\t12.5\n".encode("utf-16-be"), "UTF-16"),
        (b"tensor\ta_us\n3-2-2-1-4-1-0\t12.5\n", "tabs separate its cells"),
        ("tensor,a_us\nMüller,12.5\n".encode("latin-1"), "line 2: is not UTF-8"),
    ],
)
def test_a_european_excels_csv_is_called_by_its_name(tmp_path, read, content, said):
    (tmp_path / "t.csv").write_bytes(content)
    error = refused(read, tmp_path / "t.csv")
    assert said in error.message
    assert "CSV UTF-8" in (error.hint or "")


def test_a_decimal_comma_is_refused_with_its_line(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('tensor,a_us\n3-2-2-1-4-1-0,12.5\n3-2-2-1-4-1-0,"12,5"\n')
    error = refused(read_layer_times, path)
    assert "line 3: a_us says '12,5'" in error.message


def test_a_byte_order_mark_is_no_part_of_the_heading(tmp_path):
    (tmp_path / "t.csv").write_text("tensor,a_us\r\n", "utf-8-sig", newline="")
    assert read_csv_text(tmp_path / "t.csv") == "tensor,a_us\r\n"
