"""From a board's file and ~/.ssh/config to the servers on the way."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from nntest.config.board import SshConnection
from nntest.errors import UserError
from nntest.measuring.transport import ssh_settings
from nntest.measuring.transport.ssh_config import Hop, route

SYSTEM_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))

needs_client = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client")


@pytest.fixture(params=["ssh", "paramiko"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who reads the configuration: plain cases come out the same."""
    if request.param == "paramiko":
        monkeypatch.setattr(ssh_settings, "SSH", "no-such-program")
    elif shutil.which("ssh") is None:
        pytest.skip("needs OpenSSH's client")
    return str(request.param)


def _route(folder: Path, config: str, **fields: Any) -> list[Hop]:
    (folder / "config").write_text(config)
    return route(SshConnection(transport="ssh", **fields), "bench", folder)


@pytest.mark.usefixtures("reader")
def test_without_a_config(tmp_path: Path) -> None:
    [hop] = route(SshConnection(transport="ssh", host="pi.local"), "bench", tmp_path)
    assert (hop.host, hop.port, hop.user) == ("pi.local", 22, getpass.getuser())
    own = (tmp_path / "known_hosts", tmp_path / "known_hosts2")
    assert hop.known_hosts == (*own, *SYSTEM_KNOWN_HOSTS)
    assert hop.remember_in == tmp_path / "known_hosts"
    assert hop.host_key_names == ("pi.local",)
    assert hop.label == f"board bench ({getpass.getuser()}@pi.local:22)"
    assert hop.key is None
    assert hop.identities == ()
    assert {tmp_path / "id_rsa", tmp_path / "id_ed25519"} <= set(hop.spare_identities)
    assert (hop.agent, hop.proxy_command, hop.trust_on_first_use) == (None, None, False)


@pytest.mark.usefixtures("reader")
def test_the_board_file_comes_first(tmp_path: Path) -> None:
    config = "Host pi\n  HostName 10.0.0.7\n  Port 2222\n  User them\n  IdentityFile /k/theirs\n"
    [theirs] = _route(tmp_path, config, host="pi")
    assert (theirs.host, theirs.port, theirs.user) == ("10.0.0.7", 2222, "them")
    assert theirs.identities == (Path("/k/theirs"),)
    assert theirs.host_key_names == ("[10.0.0.7]:2222", "10.0.0.7")
    [ours] = _route(
        tmp_path, config, host="pi", port=22, user="us", key="/k/ours", known_hosts="/k/hosts"
    )
    assert (ours.host, ours.port, ours.user) == ("10.0.0.7", 22, "us")
    assert ours.key == Path("/k/ours")
    assert ours.known_hosts == (Path("/k/hosts"),)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("jump", "way"),
    [
        ("gate", ["me@gate:22"]),
        ("you@gate:2222", ["you@gate:2222"]),
        ("ssh://you@gate:2222", ["you@gate:2222"]),
        ("you@[2001:db8::1]:23", ["you@2001:db8::1:23"]),
        ("one,you@two:2", ["me@one:22", "you@two:2"]),
        ("inner", ["me@outer:22", "me@inner:22"]),
        ("NONE", []),
    ],
)
def test_ways_through_jump_hosts(tmp_path: Path, jump: str, way: list[str]) -> None:
    config = "Host inner\n  ProxyJump outer\nHost *\n  User me\n"
    expected = [*way, "me@pi:22"]
    hops = _route(tmp_path, config, host="pi", jump_host=jump, key="/k/ours")
    assert [f"{hop.user}@{hop.host}:{hop.port}" for hop in hops] == expected
    assert hops[-1].key == Path("/k/ours")
    assert all(hop.key is None for hop in hops[:-1])
    assert all(hop.spare_identities[-1] == Path("/k/ours") for hop in hops[:-1])
    named = _route(tmp_path, f"Host pi\n  ProxyJump {jump}\n{config}", host="pi")
    assert [f"{hop.user}@{hop.host}:{hop.port}" for hop in named] == expected


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize(
    ("config", "jump", "says"),
    [
        ("", "a:b:c", "is not a jump host"),
        ("", "gate:99999", "is not a jump host"),
        ("", "", "is not a jump host"),
        ("", "x;reboot", "is not a host name"),
        ("", "$(x)@gate", "is not a user name"),
        ("Host a\nProxyJump b\nHost b\nProxyJump a\n", "a", "go in a circle"),
        ("Host pi\nProxyCommand x\nProxyUseFdpass yes\n", None, "ProxyUseFdpass"),
        ("Port many\n", None, "config.*(many|[Bb]ad)"),
        ("IdentityFile /keys/%Q\n", None, "identityfile '/keys/%Q' has 'Q'"),
        ("IdentityFile /keys/${NO_SUCH_VARIABLE}\n", None, "NO_SUCH_VARIABLE"),
    ],
)
def test_what_cannot_be_followed(tmp_path: Path, config: str, jump: str | None, says: str) -> None:
    with pytest.raises(UserError, match=says):
        _route(tmp_path, config, host="pi", jump_host=jump)


def test_without_a_client_what_is_not_plain_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_settings, "SSH", "no-such-program")
    for config, word in (
        ("Host a\n  Include x\n", "config:2: Include"),
        ("match exec true\n  Port 3\n", "config:1: match"),
        ("CanonicalizeHostname yes\n", "CanonicalizeHostname"),
        ("User me # note\n", "comments after a value"),
        ('IdentityFile "/a b"\n', "quotes"),
        ("nonsense\n", "cannot be understood"),
    ):
        with pytest.raises(UserError, match=word) as failure:
            _route(tmp_path, config, host="pi")
        assert "openssh-client" in str(failure.value)
    [hop] = _route(tmp_path, "# my boards\n\nHost pi\n  # this one\n  Port 3\n", host="pi")
    assert hop.port == 3


def test_a_user_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container, where ssh itself refuses: the plain configuration is read."""
    fake = tmp_path / "ssh"
    fake.write_text("#!/bin/sh\necho 'No user exists for uid 1234' >&2; exit 255\n")
    fake.chmod(0o755)
    monkeypatch.setattr(ssh_settings, "SSH", str(fake))
    [hop] = _route(tmp_path, "Host pi\n  Port 3\n", host="pi")
    assert hop.port == 3


@needs_client
class TestAsSshReadsIt:
    """What paramiko's reader, or a reader of ours, gets wrong."""

    def test_include_inside_a_host_block(self, tmp_path: Path) -> None:
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "a.conf").write_text("ProxyJump gate\n")
        config = f"Host pi\n  Include {tmp_path}/d/*.conf {tmp_path}/missing\nHost *\n  User all\n"
        hops = _route(tmp_path, config, host="pi")
        assert [(hop.host, hop.user) for hop in hops] == [("gate", "all"), ("pi", "all")]
        (tmp_path / "d" / "a.conf").write_text(f"Include {tmp_path}/d/a.conf\n")
        with pytest.raises(UserError, match=r"ssh cannot follow its configuration.*[Ii]nclude"):
            _route(tmp_path, config, host="pi")

    def test_match_exec_is_asked(self, tmp_path: Path) -> None:
        config = (
            f'Match exec false\n  Port 1\nMatch exec "touch {tmp_path}/ran; test %h = pi"\n'
            "  Port 2\nMatch !exec true\n  User them\n"
        )
        [hop] = _route(tmp_path, config, host="pi")
        assert (hop.port, hop.user) == (2, getpass.getuser())
        assert (tmp_path / "ran").exists()

    def test_match_exec_that_hangs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ssh_settings, "TIMEOUT_S", 0.5)
        began = time.monotonic()
        with pytest.raises(UserError, match=r"within 0.5 s") as failure:
            _route(tmp_path, 'Match exec "sleep 60; true"\n  Port 2\n', host="pi")
        assert "Match exec" in str(failure.value)
        assert time.monotonic() - began < 20

    def test_match_localnetwork(self, tmp_path: Path) -> None:
        """Since OpenSSH 9.4; older ones refuse it, and so do we then, with their words."""
        config = "Match localnetwork 192.0.2.0/24\n  Port 2\n"
        (tmp_path / "config").write_text(config)
        asked = ["ssh", "-G", "-F", str(tmp_path / "config"), "pi"]
        if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            [hop] = _route(tmp_path, config, host="pi")
            assert hop.port == 22
        else:
            with pytest.raises(UserError, match="localnetwork"):
                _route(tmp_path, config, host="pi")

    def test_match_final_and_canonical_for_others(self, tmp_path: Path) -> None:
        config = (
            "Host other\n  Port 1\nMatch final host other\n  Port 2\nMatch canonical host other\n"
            "  Port 3\nMatch final host pi\n  Port 4\n"
        )
        [hop] = _route(tmp_path, config, host="pi")
        assert hop.port == 4

    def test_a_comment_after_a_value(self, tmp_path: Path) -> None:
        [hop] = _route(tmp_path, "Host pi\n  User me # note\n", host="pi")
        assert hop.user == "me"

    def test_the_port_and_user_of_the_board_file_are_what_match_sees(self, tmp_path: Path) -> None:
        config = "Match user pi\n  IdentityFile /k/pi\n"
        [hop] = _route(tmp_path, config, host="pi", user="pi")
        assert hop.identities == (Path("/k/pi"),)

    def test_tokens_and_variables_in_names_of_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KEYS", "/keys")
        config = (
            "HostName 10.0.0.7\nUser me\nPort 5\n"
            'IdentityFile "/a b/%n-%h-%p-%r"\nIdentityFile ${KEYS}/100%%\nIdentityFile %d/.ssh/x\n'
            "IdentityFile ~/.ssh/y\nCertificateFile /c/%n\n"
            "ProxyCommand nc -x %n 'a b' %h %p 100%%\n"
        )
        [hop] = _route(tmp_path, config, host="pi")
        assert hop.identities == (
            Path("/a b/pi-10.0.0.7-5-me"),
            Path("/keys/100%"),
            tmp_path / "x",
            tmp_path / "y",
        )
        assert hop.certificates == (Path("/c/pi"),)
        assert hop.proxy_command == "nc -x pi 'a b' 10.0.0.7 5 100%"

    @pytest.mark.parametrize(
        ("named", "files"),
        [
            ('"/a b"', ["/a b"]),
            ("/a /b", ["/a", "/b"]),
            ('"/a b" "/c d"', ["/a b", "/c d"]),
            ("/dev/null", ["/dev/null"]),
            ("none", []),
        ],
    )
    def test_files_of_known_hosts(self, tmp_path: Path, named: str, files: list[str]) -> None:
        [hop] = _route(tmp_path, f"UserKnownHostsFile {named}\n", host="pi")
        assert hop.known_hosts == (*map(Path, files), *SYSTEM_KNOWN_HOSTS)
        # A new key never goes into the system's file.
        assert hop.remember_in == (Path(files[0]) if files else None)

    @pytest.mark.parametrize(
        ("says", "trusts"),
        [("no", True), ("off", True), ("accept-new", True), ("ask", False), ("yes", False)],
    )
    def test_strict_host_key_checking(self, tmp_path: Path, says: str, trusts: bool) -> None:
        [hop] = _route(tmp_path, f"StrictHostKeyChecking {says}\n", host="pi")
        assert hop.trust_on_first_use is trusts

    def test_agent_and_alias(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSH_AUTH_SOCK", "/run/usual")
        monkeypatch.setenv("OTHER", "/run/other")
        config = "IdentitiesOnly yes\nHostKeyAlias Bench\n"
        for named, agent in (
            ("", "/run/usual"),
            ("IdentityAgent SSH_AUTH_SOCK\n", "/run/usual"),
            ("IdentityAgent $OTHER\n", "/run/other"),
            ("IdentityAgent /run/%h\n", "/run/pi"),
            ("IdentityAgent ~/.ssh/agent\n", str(tmp_path / "agent")),
            ("IdentityAgent none\n", None),
        ):
            [hop] = _route(tmp_path, named + config, host="pi")
            assert hop.agent == (Path(agent) if agent else None)
            assert hop.only_identities
            assert hop.host_key_names == ("bench",)

    def test_a_proxy_command_is_not_for_a_way_that_is_given(self, tmp_path: Path) -> None:
        config = "ProxyCommand nc %h %p\n"
        assert _route(tmp_path, config, host="pi")[0].proxy_command == "nc pi 22"
        assert _route(tmp_path, config, host="pi", jump_host="none")[0].proxy_command is None
        way = _route(tmp_path, config, host="pi", jump_host="one,two")
        assert [hop.proxy_command for hop in way] == ["nc one 22", None, None]
        assert _route(tmp_path, "ProxyCommand none\n", host="pi")[0].proxy_command is None

    def test_what_is_not_supported_is_named(self, tmp_path: Path) -> None:
        [hop] = _route(tmp_path, "PKCS11Provider /lib/card.so\n", host="pi")
        assert "pkcs11provider" in hop.notes[0]
        assert "ssh-add -s" in hop.notes[0]

    def test_the_home_folder_is_the_one_of_the_passwd_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As for ssh, which does not look at HOME."""
        before = route(SshConnection(transport="ssh", host="pi"), "bench")
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / ".ssh").mkdir()
        (tmp_path / ".ssh" / "config").write_text("Port 5\n")
        assert route(SshConnection(transport="ssh", host="pi"), "bench") == before
        assert os.environ["HOME"] == str(tmp_path)
