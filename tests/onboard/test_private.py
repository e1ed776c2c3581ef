"""What is given away holds no login, host name, home folder or kernel build."""

from __future__ import annotations

import json
import zipfile

import ck_entries
import private
import pytest
from archives.ck.ck_samples import bad, good, header, make_plan, make_point

HOST = "bench-of-ann"
# In parts: paths of nobody's machine, in a file that would otherwise look as if it had some.
ANN, ROOT = "/".join(["", "home", "ann"]), "/".join(["", "root"])


@pytest.fixture(autouse=True)
def _known_names(monkeypatch):
    monkeypatch.setattr(private.socket, "gethostname", lambda: f"{HOST}.lab.example")
    monkeypatch.setattr(private.getpass, "getuser", lambda: "ann")


@pytest.mark.parametrize(
    ("said", "given"),
    [
        (f"{ANN}/code/x.cl:3: error", "~/code/x.cl:3: error"),
        (f"-I{ANN}/include", "-I~/include"),
        ("/Users/Ann/a b", "~/a b"),
        (r"C:\\Users\\Ann\\x", r"~\\x"),
        (ROOT, "~"),
        (f"{ROOT}/nntest", "~/nntest"),
        (f"PATH=/bin:{ANN}/bin:{ROOT}/bin", "PATH=/bin:~/bin:~/bin"),
        ("Linux-6.1.0-18-lab-aarch64-with-glibc2.36", "Linux-6.1.0"),
        ("Linux-6.1", "Linux-6.1"),
        ("#1-Ubuntu SMP PREEMPT Mon Feb 3", "(build)"),
        (f"/usr{ROOT}/x /homes/ann /chroot", f"/usr{ROOT}/x /homes/ann /chroot"),
        ("512-14-14-1-512-1-0", "512-14-14-1-512-1-0"),
    ],
)
def test_texts(said, given):
    assert private.public({"a": [said]}) == {"a": [given]}


def test_names_are_taken_out_of_what_programs_said_alone():
    record = {"board": HOST, "log_tail": f"ann@{HOST}: planned", "fail_reason": ["on " + HOST]}
    assert private.public(record) == {
        "board": HOST,
        "log_tail": "(user)@(host): planned",
        "fail_reason": ["on (host)"],
    }


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


@pytest.mark.parametrize("share", [None, "results", "full"])
def test_a_sweeps_zip(tmp_path, share):
    first, second = make_point(), make_point("directconv")
    tail = f"ann@{HOST}:{ANN}/code/conv.cl: broken"
    lines = [header(), good(first), bad(second, log_tail=tail, reason=tail)]
    system = {"name": "Linux", "name_long": "Linux-6.1.0-ann-aarch64", "abi": "a", "bits": "64"}
    ck = {"os": system, "facts": {"kernel": "Linux-6.1.0-ann-aarch64", "python": f"{ROOT}/py"}}
    if share is not None:
        ck["share"] = share
    ck_entries.write_zip(make_plan([first, second], **ck), lines, str(tmp_path / "a.zip"))
    text = contents(tmp_path / "a.zip")
    private_parts = [HOST, ANN, "6.1.0-ann", ROOT]
    assert [part for part in private_parts if part in text] == (
        private_parts if share == "full" else []
    )
    assert json.dumps("Test board") in text
