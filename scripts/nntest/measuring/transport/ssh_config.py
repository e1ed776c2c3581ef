"""The way to a board: what its file says, filled up from the user's ssh configuration."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from nntest.config.board import SshConnection
from nntest.errors import UserError
from nntest.measuring.transport.ssh_settings import Settings, read_settings

MOST_HOPS = 8
TRUST_NEW = ("no", "off", "false", "accept-new")
"""What StrictHostKeyChecking says where a host never seen before is to be trusted."""
HOST = re.compile(r"[\w.:%_][\w.:%_-]*")
USER = re.compile(r"[^\s'\"`$\\;&|<>(){}\x00-\x1f-][^\s'\"`$\\;&|<>(){}\x00-\x1f]*")
"""Both reach command lines of the user's own ssh configuration: no shell's signs in them."""
DEFAULT_IDENTITIES = {f"~/.ssh/id_{kind}" for kind in ("rsa", "ecdsa", "ed25519")}
NOT_SUPPORTED = {
    "pkcs11provider": "keys of a smart card are offered where an SSH agent holds them (ssh-add -s)",
    "knownhostscommand": "write its keys to a file, and name that with UserKnownHostsFile",
}


@dataclass(frozen=True)
class Hop:
    """One SSH server on the way to a board, the board itself being the last."""

    label: str
    """Who it is in messages, such as `board firefly (pi@10.0.0.7:22)`."""
    host: str
    port: int
    user: str
    proxy_command: str | None
    """A shell command whose stdin and stdout are the connection; None for TCP."""
    key: Path | None
    """The only key to use, where the board's file names one."""
    identities: tuple[Path, ...]
    """Keys that the ssh configuration names, to be tried first."""
    spare_identities: tuple[Path, ...]
    """Keys to try last: the usual names, and the board's key, which may open a jump host too."""
    certificates: tuple[Path, ...]
    """`CertificateFile`: certificates of any of the keys."""
    agent: Path | None
    """The socket of the SSH agent."""
    only_identities: bool
    """`IdentitiesOnly`: of the agent's keys, none but those named."""
    known_hosts: tuple[Path, ...]
    """Files to look the host's key up in."""
    remember_in: Path | None
    """Where to add the key of a host never seen before; None for nowhere."""
    host_key_names: tuple[str, ...]
    """Names under which its key may be on file, the one to write first."""
    trust_on_first_use: bool
    notes: tuple[str, ...] = ()
    """What the configuration asks for and is not done here."""


def route(connection: SshConnection, board: str, ssh_folder: Path | None = None) -> list[Hop]:
    """The SSH servers to go through, in order; the last one is the board.

    `ssh_folder` stands in for the user's ~/.ssh.  Raises `UserError` for a name that cannot be
    one, for a configuration that cannot be read, and for what it asks for and this program
    cannot do.
    """
    return _route(connection, f"board {board}", (), ssh_folder)


def _route(
    to: SshConnection, label: str, behind: tuple[str, ...], ssh_folder: Path | None
) -> list[Hop]:
    """The way to one server; `behind` are the servers that it is the way to."""
    here = f"{to.host}:{to.port or ''}".rstrip(":")
    if not HOST.fullmatch(to.host):
        raise UserError(f"{label}: {to.host!r} is not a host name", "correct connect: host")
    if to.user is not None:
        _check_user(to.user, label)
    if len(behind) >= MOST_HOPS or here in behind:
        raise UserError(f"{label}: the jump hosts go in a circle: {' <- '.join(behind)}")
    found = read_settings(to.host, to.port, to.user, label, ssh_folder)
    _check_user(found.user, label)
    hops: list[Hop] = []
    jumps = to.jump_host if to.jump_host is not None else found.expanded("proxyjump") or "none"
    if jumps.lower() != "none":
        for index, jump in enumerate(jumps.split(",")):
            hop = _parse_jump(jump.strip(), to, label)
            if index > 0:
                # The ones before it are its way.
                hop = hop.model_copy(update={"jump_host": "none"})
            hops += _route(hop, f"{label}: jump host", (*behind, here), ssh_folder)
    return [*hops, _hop(to, found, label, is_jump=bool(behind))]


def _check_user(user: str, label: str) -> None:
    if not USER.fullmatch(user):
        raise UserError(f"{label}: {user!r} is not a user name", "correct connect: user")


def _hop(to: SshConnection, found: Settings, label: str, *, is_jump: bool) -> Hop:
    host, port = found.host, found.port
    label = f"{label} ({found.user}@{host}:{port})"
    # With a jump host in the board's file (or `none`), the way is that one.
    command = found.expanded("proxycommand") if to.jump_host is None else None
    if command is not None and found.says("proxyusefdpass"):
        raise UserError(
            f"{label}: the ssh configuration asks for ProxyUseFdpass, which is not supported",
            "use a ProxyCommand without it, or jump_host in the board's file",
        )
    key = Path(to.key).expanduser() if to.key is not None else None
    identities = found.paths("identityfile")
    by_default = set(found.all("identityfile")) >= DEFAULT_IDENTITIES
    alias = found.one("hostkeyalias")
    if alias is not None:
        names: tuple[str, ...] = (alias.lower(),)
    elif port == 22:
        names = (host.lower(),)
    else:
        names = (f"[{host.lower()}]:{port}", host.lower())
    if to.known_hosts is not None:
        own: tuple[Path, ...] = (Path(to.known_hosts).expanduser(),)
    else:
        own = found.paths("userknownhostsfile")
    return Hop(
        label=label,
        host=host,
        port=port,
        user=found.user,
        proxy_command=command,
        key=None if is_jump else key,
        identities=() if by_default else identities,
        spare_identities=(
            *(identities if by_default else ()),
            *((key,) if is_jump and key is not None else ()),
        ),
        certificates=found.paths("certificatefile"),
        agent=_agent(found),
        only_identities=found.says("identitiesonly"),
        known_hosts=own if to.known_hosts else (*own, *found.paths("globalknownhostsfile")),
        remember_in=next(iter(own), None),
        host_key_names=names,
        trust_on_first_use=to.trust_on_first_use
        or (found.one("stricthostkeychecking") or "").lower() in TRUST_NEW,
        notes=tuple(
            f"{keyword} of the ssh configuration is not supported: {way_out}"
            for keyword, way_out in NOT_SUPPORTED.items()
            if found.one(keyword) is not None
        ),
    )


def _agent(found: Settings) -> Path | None:
    """The agent's socket: `IdentityAgent` is a path, a variable that holds one, or `none`."""
    named = found.one("identityagent")
    if named is None or named == "SSH_AUTH_SOCK":
        named = "$SSH_AUTH_SOCK"
    if named.startswith("$") and not named.startswith("${"):
        socket = os.environ.get(named[1:])
        return Path(socket) if socket else None
    return next(iter(found.paths("identityagent")), None)


def _parse_jump(text: str, to: SshConnection, label: str) -> SshConnection:
    """`user@host:port`, `[2001:db8::1]:22` or `ssh://...` as a connection of its own."""
    bare = text.removeprefix("ssh://").rstrip("/")
    parts = re.fullmatch(
        r"(?:(?P<user>.+)@)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>\d+))?", bare
    )
    port = int(parts["port"]) if parts is not None and parts["port"] else None
    if parts is None or not (port is None or 0 < port < 65536):
        raise UserError(f"{label}: {text!r} is not a jump host", "write user@host:port")
    return SshConnection(
        transport="ssh",
        host=parts["six"] or parts["host"],
        port=port,
        user=parts["user"],
        key=to.key,
        known_hosts=to.known_hosts,
        trust_on_first_use=to.trust_on_first_use,
    )
