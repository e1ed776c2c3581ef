"""From a board's file and ~/.ssh/config to the servers on the way."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest
from nntest.config.board import SshConnection
from nntest.errors import UserError
from nntest.measuring.transport.ssh_config import SYSTEM_KNOWN_HOSTS, Hop, route


def _route(folder: Path, config: str, **fields: Any) -> list[Hop]:
    (folder / "config").write_text(config)
    return route(SshConnection(transport="ssh", **fields), "bench", folder)


def test_without_a_config(tmp_path: Path) -> None:
    [hop] = route(SshConnection(transport="ssh", host="pi.local"), "bench", tmp_path)
    assert (hop.host, hop.port, hop.user) == ("pi.local", 22, getpass.getuser())
    assert hop.known_hosts == (tmp_path / "known_hosts", SYSTEM_KNOWN_HOSTS)
    assert hop.host_key_names == ("pi.local",)
    assert hop.label == f"board bench ({getpass.getuser()}@pi.local:22)"
    assert hop.key is None
    assert hop.use_agent


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


def test_included_files_and_what_follows_them(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.conf").write_text("Host pi\n  Port 2001\n")
    (tmp_path / "d" / "b.conf").write_text("Host other\n  Port 2002\n")
    config = "include d/*.conf missing\nUser everybody\nHost pi\n  Port 1\n"
    for host, port in (("pi", 2001), ("other", 2002), ("third", 22)):
        [hop] = _route(tmp_path, config, host=host)
        assert (hop.port, hop.user) == (port, "everybody")
    (tmp_path / "d" / "a.conf").write_text("Include a.conf d/a.conf\n")
    with pytest.raises(UserError, match="Include goes in a circle"):
        _route(tmp_path, config, host="pi")


def test_files_of_known_hosts(tmp_path: Path) -> None:
    for named, files in (
        ('"/a b"', ["/a b"]),
        ("/a /b", ["/a", "/b"]),
        ('"/a b" "/c d"', ["/a b", "/c d"]),
        ("none", []),
    ):
        [hop] = _route(tmp_path, f"UserKnownHostsFile {named}\n", host="pi")
        assert hop.known_hosts == (*map(Path, files), SYSTEM_KNOWN_HOSTS)


def test_agent_and_alias(tmp_path: Path) -> None:
    config = "IdentityAgent none\nIdentitiesOnly yes\nHostKeyAlias Bench\n"
    [hop] = _route(tmp_path, config, host="pi")
    assert (hop.use_agent, hop.only_identities) == (False, True)
    assert hop.host_key_names == ("bench",)


@pytest.mark.parametrize(
    ("jump", "way"),
    [
        ("gate", ["me@gate:22"]),
        ("you@gate:2222", ["you@gate:2222"]),
        ("ssh://you@gate:2222/", ["you@gate:2222"]),
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
    assert all(hop.key is None and hop.spare_key == Path("/k/ours") for hop in hops[:-1])
    named = _route(tmp_path, f"Host pi\n  ProxyJump {jump}\n{config}", host="pi")
    assert [f"{hop.user}@{hop.host}:{hop.port}" for hop in named] == expected


@pytest.mark.parametrize(
    ("config", "jump", "says"),
    [
        ("", "a:b:c", "is no jump host"),
        ("", "gate:99999", "is no jump host"),
        ("", "", "is no jump host"),
        ("", "x;reboot", "is no host name"),
        ("", "$(x)@gate", "is no user name"),
        ("Host a\nProxyJump b\nHost b\nProxyJump a\n", "a", "go in a circle"),
        ("Host pi\nProxyCommand nc %h %p\n", None, "ProxyCommand, which is not supported"),
        ("nonsense\n", None, "cannot be understood"),
        ("Port many\n", None, "is no number"),
    ],
)
def test_what_cannot_be_followed(tmp_path: Path, config: str, jump: str | None, says: str) -> None:
    with pytest.raises(UserError, match=says):
        _route(tmp_path, config, host="pi", jump_host=jump)
