"""Files of labels: the ways in which lines are written, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from nntest.domain.image_labels import LabelledImage, read_labels
from nntest.errors import UserError


def folder_of(path: Path, *names: str) -> Path:
    for name in names:
        (path / name).parent.mkdir(exist_ok=True, parents=True)
        (path / name).touch()
    return path


def labels(path: Path, text: str) -> Path:
    file = path / "labels"
    file.write_text(text, encoding="utf-8")
    return file


def test_lines_of_every_kind(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "a.png", "b c.png", "d/e.png", "f.png")
    file = labels(tmp_path, "image,class\n# mine\na.png,1\n\nb c.png 22\nd/e.png\t3\nf.png ; 4\r\n")
    assert read_labels(file, folder) == tuple(
        LabelledImage(folder / name, right)
        for name, right in (("a.png", 1), ("b c.png", 22), ("d/e.png", 3), ("f.png", 4))
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "lists no image"),
        ("a.png cat", "line 1: not a label: 'a.png cat'"),
        ("a.png -1", "line 1: not a label"),
        ("a.png,1\na.png,2", "line 2: a.png is listed twice"),
        ("a.png,1\nb.png,2", "1 of its images are not there, e.g. .*b.png"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    folder = folder_of(tmp_path, "a.png")
    with pytest.raises(UserError, match=said):
        read_labels(labels(tmp_path, text), folder)


def test_labels_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        read_labels(tmp_path / "none", tmp_path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe1")
    with pytest.raises(UserError, match="cannot be read: it is not UTF-8"):
        read_labels(tmp_path / "bytes", tmp_path)
