"""`nntest ck check` tells what an archive reveals."""

from __future__ import annotations

from archives.ck.ck_samples import ck_members, ck_meta, ck_point, zip_of
from commands.command_line import nntest
from nntest.archives.ck import revealed

POINT = "a" * 16 + ".0001"


def archive(tmp_path, content, user=""):
    meta = ck_meta()
    meta["meta"]["user"] = user
    return zip_of(tmp_path / "a.zip", ck_members({POINT: content}, meta=meta))


def test_each_kind_of_private_thing_is_told(tmp_path):
    content = ck_point()
    content["choices"]["env"]["CK_ENV_DATASET_IMAGENET_VAL"] = "/home/jo/imagenet/"
    content["features"]["platform"]["os"] = {"name_long": "Linux-4.4.0-jo-aarch64"}
    content["features"]["host"] = {"hostname": "jos-desk"}
    content["characteristics_list"][0]["run"]["fail_reason"] = "ask jo@lab.example"
    path = archive(tmp_path, content, user="jo")
    assert list(revealed(path, lambda _: None)) == [
        f"{path}: reveals 1 login: jo",
        f"{path}: reveals 1 host name: jos-desk",
        f"{path}: reveals 1 home folder: /home/jo",
        f"{path}: reveals 1 kernel build: Linux-4.4.0-jo-aarch64",
        f"{path}: reveals 1 mail address: jo@lab.example",
    ]
    done = nntest("ck", "check", path)
    assert done.status == 0
    assert "reveals 1 home folder: /home/jo" in done.stdout


def test_many_are_counted_and_a_few_shown(tmp_path):
    content = ck_point()
    folders = [f"/home/user{number}/x" for number in range(7)]
    content["choices"]["env"]["CK_PATHS"] = ":".join(folders)
    [line] = revealed(archive(tmp_path, content), lambda _: None)
    assert "reveals 7 home folders: /home/user0, /home/user1, /home/user2 and 4 more" in line


def test_an_archive_that_reveals_nothing_says_nothing(tmp_path):
    assert list(revealed(archive(tmp_path, ck_point()), lambda _: None)) == []
