"""The way to a board: what its file says, filled up from the user's ~/.ssh/config."""

from __future__ import annotations

import getpass
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paramiko import SSHConfig
from paramiko.config import SSHConfigDict
from paramiko.ssh_exception import SSHException

from nntest.config.board import SshConnection
from nntest.errors import UserError

SSH_PORT = 22
DEEPEST_INCLUDE = 8
MOST_HOPS = 8
SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")
HOST = re.compile(r"[\w.:%_][\w.:%_-]*")
USER = re.compile(r"[^\s'\"`$\\;&|<>(){}\x00-\x1f-][^\s'\"`$\\;&|<>(){}\x00-\x1f]*")
"""Both reach command lines of the user's own ssh configuration: no shell's signs in them."""


@dataclass(frozen=True)
class Hop:
    """One SSH server on the way to a board, the board itself being the last."""

    label: str
    """Who it is in messages, such as `board firefly (pi@10.0.0.7:22)`."""
    host: str
    port: int
    user: str
    key: Path | None
    """The only key to use, where the board's file names one."""
    identities: tuple[Path, ...]
    """Keys that ~/.ssh/config names, to be tried first."""
    spare_key: Path | None
    """The board's key, which may open the jump host as well."""
    use_agent: bool
    only_identities: bool
    """`IdentitiesOnly`: of the agent's keys, none but those named."""
    known_hosts: tuple[Path, ...]
    """Files to look the host's key up in; a new one is added to the first."""
    host_key_names: tuple[str, ...]
    """Names under which its key may be on file, the one to write first."""
    trust_on_first_use: bool


def route(connection: SshConnection, board: str, ssh_folder: Path) -> list[Hop]:
    """The SSH servers to go through, in order; the last one is the board.

    Raises `UserError` for a name that cannot be one, for an unreadable ~/.ssh/config, and for
    what it asks for and this program cannot do.
    """
    settings = _Settings(ssh_folder)
    return settings.route(connection, f"board {board}", ())


class _Settings:
    """~/.ssh/config, and what follows from it for a host."""

    def __init__(self, ssh_folder: Path) -> None:
        self._folder = ssh_folder
        self._path = ssh_folder / "config"
        try:
            self._config = SSHConfig.from_text("\n".join(_lines(self._path, ssh_folder)))
        except SSHException as error:
            raise UserError(f"{self._path}: cannot be understood: {error}") from None

    def _lookup(self, host: str) -> SSHConfigDict:
        try:
            return self._config.lookup(host)
        except (SSHException, KeyError, ValueError) as error:
            raise UserError(
                f"{self._path}: what it says of {host} makes no sense: {error}"
            ) from None

    def route(self, to: SshConnection, who: str, behind: tuple[str, ...]) -> list[Hop]:
        """The way to one server; `behind` are the servers that it is the way to."""
        here = f"{to.host}:{to.port or ''}".rstrip(":")
        if not HOST.fullmatch(to.host):
            raise UserError(f"{who}: {to.host!r} is no host name", "correct connect: host")
        if len(behind) >= MOST_HOPS or here in behind:
            raise UserError(f"{who}: the jump hosts go in a circle: {' <- '.join(behind)}")
        found = self._lookup(to.host)
        user = to.user or found.get("user") or getpass.getuser()
        if not USER.fullmatch(user):
            raise UserError(f"{who}: {user!r} is no user name", "correct connect: user")
        jumps = to.jump_host if to.jump_host is not None else found.get("proxyjump", "none")
        hops: list[Hop] = []
        if jumps.lower() != "none":
            for index, jump in enumerate(jumps.split(",")):
                hop = _parse_jump(jump.strip(), to, who)
                if index > 0:
                    # The ones before it are its way.
                    hop = hop.model_copy(update={"jump_host": "none"})
                label = f"{who}: jump host"
                hops += self.route(hop, label, (*behind, here))
        elif found.get("proxycommand") is not None:
            raise UserError(
                f"{who}: {self._path} goes through a ProxyCommand, which is not supported",
                "use ProxyJump there, or jump_host in the board's file",
            )
        return [*hops, self._hop(to, found, user, who, is_jump=bool(behind))]

    def _hop(
        self, to: SshConnection, found: SSHConfigDict, user: str, who: str, *, is_jump: bool
    ) -> Hop:
        host = found["hostname"]
        try:
            port = to.port or int(found.get("port", SSH_PORT))
        except ValueError:
            raise UserError(f"{self._path}: the Port of {to.host} is no number") from None
        key = Path(to.key).expanduser() if to.key is not None else None
        alias = found.get("hostkeyalias")
        if alias is not None:
            names: tuple[str, ...] = (alias.lower(),)
        elif port == SSH_PORT:
            names = (host.lower(),)
        else:
            names = (f"[{host.lower()}]:{port}", host.lower())
        return Hop(
            label=f"{who} ({user}@{host}:{port})",
            host=host,
            port=port,
            user=user,
            key=None if is_jump else key,
            identities=tuple(Path(file).expanduser() for file in found.get("identityfile", [])),
            spare_key=key if is_jump else None,
            use_agent=found.get("identityagent", "").lower() != "none",
            only_identities=found.get("identitiesonly", "no").lower() == "yes",
            known_hosts=self._known_hosts(to, found),
            host_key_names=names,
            trust_on_first_use=to.trust_on_first_use,
        )

    def _known_hosts(self, to: SshConnection, found: SSHConfigDict) -> tuple[Path, ...]:
        if to.known_hosts is not None:
            return (Path(to.known_hosts).expanduser(),)
        named = found.get("userknownhostsfile")
        if named is None:
            return (self._folder / "known_hosts", SYSTEM_KNOWN_HOSTS)
        files = [Path(file).expanduser() for file in shlex.split(named) if file != "none"]
        return (*files, SYSTEM_KNOWN_HOSTS)


def _parse_jump(text: str, to: SshConnection, who: str) -> SshConnection:
    """`user@host:port`, `[2001:db8::1]:22` or `ssh://...` as a connection of its own."""
    bare = text.removeprefix("ssh://").rstrip("/")
    parts = re.fullmatch(
        r"(?:(?P<user>.+)@)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>\d+))?", bare
    )
    port = int(parts["port"]) if parts is not None and parts["port"] else None
    if parts is None or not (port is None or 0 < port < 65536):
        raise UserError(f"{who}: {text!r} is no jump host", "write user@host:port")
    return SshConnection(
        transport="ssh",
        host=parts["six"] or parts["host"],
        port=port,
        user=parts["user"],
        key=to.key,
        known_hosts=to.known_hosts,
        trust_on_first_use=to.trust_on_first_use,
    )


def _lines(path: Path, folder: Path, depth: int = 0) -> Iterator[str]:
    """The lines of an ssh configuration with its `Include`s in place, which paramiko lacks.

    The section that an `Include` interrupts is taken up again after it.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    section = "Host *"
    for line in text.splitlines():
        keyword, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        if keyword.lower() in ("host", "match"):
            section = line
        if keyword.lower() == "userknownhostsfile":
            # paramiko takes off the outer quotes, be they those of one file or of two.
            yield f"{line} none"
            continue
        if keyword.lower() != "include":
            yield line
            continue
        if depth >= DEEPEST_INCLUDE:
            raise UserError(f"{path}: Include goes in a circle")
        for pattern in shlex.split(rest):
            for included in _glob(pattern, folder):
                yield from _lines(included, folder, depth + 1)
                yield section


def _glob(pattern: str, folder: Path) -> list[Path]:
    """Files that a pattern stands for; a relative one is below ~/.ssh."""
    whole = folder / Path(pattern).expanduser()
    return sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor))))
