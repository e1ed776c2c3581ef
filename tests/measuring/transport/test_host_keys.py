"""Knowing a board by its host key."""

from __future__ import annotations

import base64
import subprocess
import threading
from pathlib import Path

import pytest
from measuring.transport.sshd import Sshd, make_key, says
from nntest.errors import UserError
from nntest.measuring.transport import (
    HostKeyChanged,
    HostKeyUnknown,
)

pytestmark = pytest.mark.sshd


def test_a_host_never_seen_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    with pytest.raises(HostKeyUnknown) as failure:
        sshd.connect(known_hosts=str(known))
    fingerprint = subprocess.run(
        ["ssh-keygen", "-lf", f"{sshd.host_key}.pub"], capture_output=True, text=True, check=True
    ).stdout.split()[1]
    assert fingerprint in str(failure.value)
    assert str(known) in str(failure.value)
    assert "trust_on_first_use" in str(failure.value)
    assert not known.exists()


def test_trust_on_first_use_is_for_the_first_use(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "folder" / "known_hosts"
    for _ in range(2):
        says(sshd.connect(known_hosts=str(known), trust_on_first_use=True))
    assert known.read_text() == f"[127.0.0.1]:{sshd.port} {sshd.public(sshd.host_key)}\n"
    assert known.stat().st_mode & 0o777 == 0o600
    # From now on it is known without trust.
    assert says(sshd.connect(known_hosts=str(known))) == "here\n"

    changed = make_key(tmp_path / "other_host_key")
    known.write_text(f"# mine\n[127.0.0.1]:{sshd.port} {sshd.public(changed)}\n")
    before = known.read_bytes()
    with pytest.raises(HostKeyChanged) as failure:
        sshd.connect(known_hosts=str(known), trust_on_first_use=True)
    assert f"{known}:2" in str(failure.value)
    assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f {known}" in str(failure.value)
    assert known.read_bytes() == before


def test_a_new_host_is_added_to_what_is_there(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("other.example ssh-ed25519 AAAA")
    says(sshd.connect(known_hosts=str(known), trust_on_first_use=True))
    lines = known.read_text().splitlines()
    assert lines[0] == "other.example ssh-ed25519 AAAA"
    assert lines[1].startswith(f"[127.0.0.1]:{sshd.port} ssh-ed25519 ")
    checked = subprocess.run(
        ["ssh-keygen", "-F", f"[127.0.0.1]:{sshd.port}", "-f", str(known)],
        capture_output=True,
        check=True,
    )
    assert checked.stdout


def test_many_jobs_meet_a_new_host_at_once(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    failures: list[BaseException] = []

    def job() -> None:
        try:
            says(sshd.connect(known_hosts=str(known), trust_on_first_use=True))
        except BaseException as error:
            failures.append(error)

    jobs = [threading.Thread(target=job) for _ in range(4)]
    for one in jobs:
        one.start()
    for one in jobs:
        one.join()
    assert failures == []
    assert len(known.read_text().splitlines()) == 1


def test_hashed_and_revoked_host_keys(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(sshd.known_hosts.read_text().splitlines()[0] + "\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", str(known)], check=True, capture_output=True)
    assert known.read_text().startswith("|1|")
    assert says(sshd.connect(known_hosts=str(known))) == "here\n"
    known.write_text(f"@revoked * {sshd.public(sshd.host_key)}\n")
    with pytest.raises(HostKeyChanged, match="revoked"):
        sshd.connect(known_hosts=str(known), trust_on_first_use=True)


def test_the_host_key_on_file_is_asked_for(tmp_path: Path) -> None:
    """A server with several host keys shows the one that is known, be it not its best."""
    rsa = make_key(tmp_path / "rsa", kind="rsa")
    server = Sshd(tmp_path / "board", settings=f"HostKey {rsa}")
    known = tmp_path / "known_hosts"
    try:
        known.write_text(f"[127.0.0.1]:{server.port} {server.public(rsa)}\n")
        assert says(server.connect(known_hosts=str(known))) == "here\n"
        ecdsa = make_key(tmp_path / "ecdsa", kind="ecdsa")
        known.write_text(f"[127.0.0.1]:{server.port} {server.public(ecdsa)}\n")
        with pytest.raises(HostKeyChanged):
            server.connect(known_hosts=str(known), trust_on_first_use=True)
    finally:
        server.stop()


def test_a_known_hosts_file_that_cannot_be_written(sshd: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    known = tmp_path / "file" / "known_hosts"
    with pytest.raises(UserError, match=f"cannot be noted in {known}"):
        sshd.connect(known_hosts=str(known), trust_on_first_use=True)


def test_a_certificate_authority_is_no_host_key(sshd: Sshd, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    blob = base64.b64encode(b"nonsense").decode()
    known.write_text(
        f"@cert-authority * {sshd.public(sshd.host_key)}\n"
        f"*.example,!127.* ssh-ed25519 {blob}\nnot a line\n[127.0.0.1]:* ssh-ed25519 %%%\n"
    )
    with pytest.raises(HostKeyUnknown):
        sshd.connect(known_hosts=str(known))
