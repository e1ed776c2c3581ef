"""The private keys to log in with: files and the SSH agent.  There are no passwords here."""

from __future__ import annotations

import base64
import binascii
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from paramiko import PasswordRequiredException, PKey
from paramiko.agent import AgentKey, AgentSSH
from paramiko.pkey import PublicBlob, UnknownKeyType
from paramiko.ssh_exception import SSHException

from nntest.measuring.transport.certificates import NotCertified, certified_key
from nntest.measuring.transport.ssh_config import Hop
from nntest.measuring.transport.ssh_errors import AuthenticationFailed

AGENT_TIMEOUT_S = 10.0
LIST_KEYS = b"\x0b"
KEYS_ANSWER = 12
USABLE = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+)(-cert-v01@openssh\.com)?")
"""Kinds of keys that can be offered; others (of a security key, ssh-dss) are passed over."""


@dataclass
class Keyring:
    """The keys to offer to one server, in the order in which to offer them.

    After `offers` has run dry, `notes` says what was passed over and why.
    """

    hop: Hop
    notes: list[str] = field(default_factory=list)
    _agent: _Agent | None = None

    def offers(self) -> Iterator[tuple[str, PKey]]:
        """Each key with the name that messages give it, its certificates first.

        Raises `AuthenticationFailed` if the key that the board's file names cannot be used.
        """
        hop = self.hop
        if hop.key is not None:
            name, key = self._named_key(hop.key)
            yield from self._certified(name, key, hop.key)
            return
        seen: set[bytes] = set()
        files = [*hop.identities, *hop.spare_identities]
        named = {blob for file in files if (blob := _public_blob(file)) is not None}
        # Keys of files that a user named come before the agent's: servers allow few tries.
        for file in hop.identities:
            yield from self._file_key(file, seen)
        for key in self._agent_keys():
            blob = key.public_blob.key_blob if key.public_blob is not None else key.asbytes()
            if blob in seen or (hop.only_identities and blob not in named):
                continue
            seen.add(blob)
            yield from self._certified("a key of the SSH agent", key, None)
        for file in hop.spare_identities:
            yield from self._file_key(file, seen)

    def close(self) -> None:
        """End the conversation with the agent, which signs while logging in."""
        if self._agent is not None:
            self._agent.close()

    def _agent_keys(self) -> Sequence[PKey]:
        if self.hop.agent is None:
            return []
        try:
            if self._agent is None:
                self._agent = _Agent(self.hop.agent, self.notes)
        except (SSHException, OSError):
            self.notes.append(f"the SSH agent does not answer ({self.hop.agent})")
            return []
        return self._agent.get_keys()

    def _certified(self, name: str, key: PKey, path: Path | None) -> Iterator[tuple[str, PKey]]:
        """The key with each certificate that is its own, then the key alone."""
        beside = [path.with_name(f"{path.name}-cert.pub")] if path is not None else []
        for file in dict.fromkeys([*self.hop.certificates, *beside]):
            try:
                blob = PublicBlob.from_file(str(file))
                plain = certified_key(blob.key_type, blob.key_blob)
            except (FileNotFoundError, NotADirectoryError):
                if file in self.hop.certificates:
                    self._note(f"there is no certificate {file}")
                continue
            except (OSError, ValueError, NotCertified) as error:
                self._note(f"certificate {file} cannot be used: {error}")
                continue
            if plain == key.asbytes():
                own, key.public_blob = key.public_blob, blob
                yield f"{name} with certificate {file}", key
                key.public_blob = own
        yield name, key

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _named_key(self, path: Path) -> tuple[str, PKey]:
        """The key that the board's file names; where it is locked, the agent may hold it open."""
        hint = "correct connect: key in the board's file"
        try:
            return str(path), _load(path)
        except FileNotFoundError:
            raise AuthenticationFailed(
                f"{self.hop.label}: there is no key file {path}", hint
            ) from None
        except OSError as error:
            raise AuthenticationFailed(
                f"{self.hop.label}: key file {path} cannot be read: {error.strerror}", hint
            ) from None
        except _Locked:
            public = _public_blob(path)
            for key in self._agent_keys():
                if key.asbytes() == public:
                    return f"{path} (in the SSH agent)", key
            raise AuthenticationFailed(
                f"{self.hop.label}: key file {path} is locked with a passphrase, and the SSH "
                "agent does not hold it",
                f"ssh-add {path}",
            ) from None
        except _NoKey as error:
            raise AuthenticationFailed(
                f"{self.hop.label}: {path} is not a private key that can be used: {error}", hint
            ) from None

    def _file_key(self, path: Path, seen: set[bytes]) -> Iterator[tuple[str, PKey]]:
        """The key of a file that may be missing or locked."""
        try:
            key = _load(path)
        except FileNotFoundError:
            return
        except OSError as error:
            self.notes.append(f"{path} cannot be read: {error.strerror}")
            return
        except _Locked:
            if _public_blob(path) not in seen:
                self.notes.append(f"{path} is locked with a passphrase (ssh-add {path})")
            return
        except _NoKey as error:
            self.notes.append(f"{path} cannot be used: {error}")
            return
        if key.asbytes() not in seen:
            seen.add(key.asbytes())
            yield from self._certified(str(path), key, path)


class _Agent(AgentSSH):
    """The SSH agent behind a socket: paramiko knows SSH_AUTH_SOCK alone, and no time-outs."""

    def __init__(self, path: Path, notes: list[str]) -> None:
        """Ask for its keys; notes those that cannot be used.  Raises `OSError`, `SSHException`."""
        super().__init__()
        self._found: list[AgentKey] = []
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(AGENT_TIMEOUT_S)
            connection.connect(str(path))
            self._conn = connection
            kind, answer = self._send_message(LIST_KEYS)  # type: ignore[attr-defined]
            if kind != KEYS_ANSWER:
                raise SSHException("the agent does not list its keys")
            for _ in range(answer.get_int()):
                blob, comment = answer.get_binary(), answer.get_text()
                self._take(blob, comment, notes)
        except BaseException:
            connection.close()
            raise

    def _take(self, blob: bytes, comment: str, notes: list[str]) -> None:
        try:
            key = _AgentKey(self, blob, comment, notes)
        except Exception:  # Whatever paramiko makes of bytes that are not a key.
            notes.append(f"a key of the SSH agent ({comment}) cannot be read")
            return
        if USABLE.fullmatch(key.get_name()):
            self._found.append(key)
        else:
            notes.append(
                f"a key of the SSH agent ({comment}) is of a kind that is not supported: "
                f"{key.get_name()}"
            )

    def get_keys(self) -> tuple[AgentKey, ...]:
        """The keys that can be offered."""
        return tuple(self._found)

    def close(self) -> None:
        """End the conversation."""
        self._close()  # type: ignore[attr-defined]


class _AgentKey(AgentKey):
    """A key of the agent; where the agent does not sign, the server refuses and the next comes."""

    def __init__(self, agent: _Agent, blob: bytes, comment: str, notes: list[str]) -> None:
        super().__init__(agent, blob, comment)
        self._notes = notes
        inner: PKey | None = self.inner_key  # type: ignore[attr-defined]
        if inner is not None:  # paramiko keeps a certificate there.
            self.public_blob = inner.public_blob  # type: ignore[assignment]

    def sign_ssh_data(self, data: Any, algorithm: str | None = None) -> Any:
        """The agent's signature; nothing where it gives none, which would end the login."""
        try:
            return super().sign_ssh_data(data, algorithm)
        except (SSHException, OSError):
            self._notes.append(f"the SSH agent does not sign with a key ({self.comment})")
            return b""


class _Locked(Exception):
    """A key file that needs a passphrase, or holds the public half alone."""


class _NoKey(Exception):
    """A file without a private key of a kind that is supported."""


def _load(path: Path) -> PKey:
    """The private key in a file; raises `_Locked`, `_NoKey` or `OSError`."""
    try:
        return PKey.from_path(path)
    except (PasswordRequiredException, TypeError):
        raise _Locked from None
    except (UnknownKeyType, UnsupportedAlgorithm):
        raise _NoKey("its kind is not supported") from None
    except (ValueError, SSHException):
        if _blob_of_line(path) is not None:
            raise _Locked from None
        raise _NoKey("it is damaged, or of another format than ssh-keygen's") from None


def _public_blob(path: Path) -> bytes | None:
    """The public half of a key file, from the `.pub` beside it (or the file itself)."""
    blob = _blob_of_line(path.with_name(path.name + ".pub"))
    return blob if blob is not None else _blob_of_line(path)


def _blob_of_line(path: Path) -> bytes | None:
    """The key of a file in the format of `.pub` files, if it is one."""
    try:
        fields = path.read_text(encoding="ascii").split(maxsplit=2)
        if fields[0].startswith(("ssh-", "ecdsa-", "sk-")):
            return base64.b64decode(fields[1], validate=True)
    except (OSError, UnicodeDecodeError, IndexError, binascii.Error):
        pass
    return None
