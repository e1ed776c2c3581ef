"""Wheels for a board: which fit, what is said where none does.  No index: pip's find-links."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from nntest.codehash import ONBOARD
from nntest.errors import UserError
from nntest.measuring.wheels import Target, fetch_package, fetch_wheels, locked

HERE = Target(
    "{}.{}.{}".format(*sys.version_info), "x86_64", ("glibc", "2.36")
)  # whatever this machine is: nothing of these wheels is compiled
BOARD = Target("3.11.2", "aarch64", ("glibc", "2.31"))


def make_wheel(
    folder: Path,
    name: str,
    tag: str = "py3-none-any",
    *,
    code: str = "",
    version: str = "1.0",
    needs: str = "",
) -> Path:
    """A wheel of one module, which needs another."""
    path = folder / f"{name}-{version}-{tag}.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = ""
    for file, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record += f"{file},sha256={digest.decode()},{len(text)}\n"
    with zipfile.ZipFile(path, "w") as wheel:
        for file, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            wheel.writestr(file, text)
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that pip knows."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(name, raising=False)
    return folder


def lock_of(folder: Path, *wheels: Path, marker: str = "") -> Path:
    """A lock file of some wheels."""
    lines = []
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{name}=={version}{marker} \\\n    --hash=sha256:{digest}\n")
    lock = folder / "some.lock"
    lock.write_text("".join(lines))
    return lock


@pytest.mark.parametrize(
    ("target", "first", "also", "never"),
    [
        (HERE, "manylinux_2_36_x86_64", "manylinux1_x86_64", "manylinux_2_37_x86_64"),
        (BOARD, "manylinux_2_31_aarch64", "manylinux2014_aarch64", "manylinux_2_16_aarch64"),
        (
            Target("3.12.1", "aarch64", ("musl", "1.2.4")),
            "musllinux_1_2_aarch64", "musllinux_1_0_aarch64", "manylinux_2_17_aarch64",
        ),
        (Target("3.12.1", "riscv64", ("", "")), "linux_riscv64", "linux_riscv64", "any"),
    ],
)  # fmt: skip
def test_platform_tags(target: Target, first: str, also: str, never: str) -> None:
    tags = target.platforms()
    assert tags[0] == first
    assert also in tags
    assert never not in tags


def test_a_lock_is_read_for_the_board_and_not_for_this_machine(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text(
        "# comment\nolder==1 ; python_full_version < '3.11' --hash=sha256:aa\n"
        "arm==2 ; platform_machine == 'aarch64' \\\n  --hash=sha256:bb --hash=sha256:cc\n"
    )
    assert locked(lock, BOARD) == ["arm==2 --hash=sha256:bb --hash=sha256:cc"]
    assert locked(lock, Target("3.10.4", "x86_64", ("glibc", "2.36")))[0].startswith("older")


@pytest.mark.parametrize("line", ["loose>=1 --hash=sha256:aa", "unhashed==1", "=nonsense"])
def test_a_lock_that_pins_nothing_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "x.lock").write_text(line + "\n")
    with pytest.raises(UserError, match=r"x\.lock"):
        locked(tmp_path / "x.lock", BOARD)


def test_wheels_are_fetched_once(index: Path, tmp_path: Path) -> None:
    wheel = make_wheel(index, "one", "cp311-cp311-manylinux_2_17_aarch64")
    lock = lock_of(tmp_path, wheel)
    found = fetch_wheels(lock, BOARD, tmp_path / "wheels", "board b")
    assert [path.name for path in found] == [wheel.name]
    wheel.unlink()
    assert fetch_wheels(lock, BOARD, tmp_path / "wheels", "board b") == found


def test_a_package_comes_with_what_it_needs_on_the_board(index: Path, tmp_path: Path) -> None:
    package = make_wheel(index, "one", needs="two")
    for machine in ("aarch64", "x86_64"):
        make_wheel(index, "two", f"cp311-cp311-manylinux_2_17_{machine}")
    found = fetch_package("one==1.0", BOARD, tmp_path / "wheels", "board b")
    assert [path.name for path in found] == [
        package.name,
        "two-1.0-cp311-cp311-manylinux_2_17_aarch64.whl",
    ]
    package.unlink()
    assert fetch_package("one==1.0", BOARD, tmp_path / "wheels", "board b") == found


def test_a_package_that_the_index_lacks(index: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"board b: no wheel of one 1\.0 fits Python") as error:
        fetch_package("one==1.0", BOARD, tmp_path / "wheels", "board b")
    assert "name another one" in (error.value.hint or "")
    assert not (tmp_path / "wheels").exists()


def test_no_wheel_fits(index: Path, tmp_path: Path) -> None:
    wheels = [
        make_wheel(index, "one", f"{tag}-{tag}-manylinux_2_28_x86_64") for tag in ("cp312", "cp39")
    ]
    lock = lock_of(tmp_path, wheels[0])
    with pytest.raises(UserError) as error:
        fetch_wheels(lock, BOARD, tmp_path / "wheels", "board b, library l")
    assert "board b, library l: no wheel of one 1.0 fits Python 3.11.2 on aarch64, glibc 2.31" in (
        error.value.message
    )
    assert "CPython 3.9, CPython 3.12 and manylinux_2_28_x86_64" in (error.value.hint or "")


def test_no_such_version(index: Path, tmp_path: Path) -> None:
    make_wheel(index, "one", version="1.0")
    lock = lock_of(tmp_path, make_wheel(tmp_path, "one", version="9.9"))
    with pytest.raises(UserError, match=r"no wheel of one 9\.9 fits Python") as error:
        fetch_wheels(lock, BOARD, tmp_path / "wheels", "board b")
    assert "the package index has no wheel of that version" in (error.value.hint or "")


def test_another_hash(index: Path, tmp_path: Path) -> None:
    lock = lock_of(tmp_path, make_wheel(index, "one", code="x = 1"))
    make_wheel(index, "one", code="x = 2")
    with pytest.raises(UserError, match=r"one-1\.0-py3-none-any\.whl than the lock file's hashes"):
        fetch_wheels(lock, BOARD, tmp_path / "wheels", "board b")


def test_index_out_of_reach(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = lock_of(tmp_path, make_wheel(tmp_path, "one"))
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(UserError, match="the package index cannot be reached"):
        fetch_wheels(lock, BOARD, tmp_path / "wheels", "board b")


@pytest.fixture(scope="module")
def pip_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pip as a wheel, made of the pip that is installed: no index is needed."""
    import pip

    folder = tmp_path_factory.mktemp("pip")
    home = Path(pip.__file__).parent
    info = next(home.parent.glob("pip-*.dist-info"))
    path = folder / f"{info.name.removesuffix('.dist-info')}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file in (*home.rglob("*"), *info.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                wheel.write(file, file.relative_to(home.parent))
    return path


def install(folder: Path, wheels: Path, module: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, ONBOARD / "pip_install.py", folder, wheels, module],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os, signal; print('last word'); os.kill(os.getpid(), signal.SIGILL)", "SIGILL"),
        ("raise ImportError('libfoo.so.1: cannot open shared object file')", "libfoo.so.1"),
    ],
)
def test_a_library_that_cannot_be_imported(
    tmp_path: Path, pip_wheel: Path, code: str, said: str
) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / pip_wheel.name).write_bytes(pip_wheel.read_bytes())
    make_wheel(wheels, "one", code=code)
    assert said in str(install(tmp_path / "env", wheels, "one")["problem"])


def test_installed_once_and_offline(tmp_path: Path, pip_wheel: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / pip_wheel.name).write_bytes(pip_wheel.read_bytes())
    # A library that prints when it is imported spoils no answer.
    make_wheel(wheels, "one", code="print('hello')", version="2.5")
    answer = install(tmp_path / "env", wheels, "one")
    assert answer["versions"] == {"one": "2.5"}
    made = (tmp_path / "env" / "venv").stat().st_mtime_ns
    assert install(tmp_path / "env", wheels, "one") == answer
    assert (tmp_path / "env" / "venv").stat().st_mtime_ns == made
