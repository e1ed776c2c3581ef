"""The private keys to log in with: files and the SSH agent.  There are no passwords here."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from paramiko import Agent, PasswordRequiredException, PKey
from paramiko.pkey import UnknownKeyType
from paramiko.ssh_exception import SSHException

from nntest.measuring.transport.deadline import within
from nntest.measuring.transport.ssh_config import Hop
from nntest.measuring.transport.ssh_errors import AuthenticationFailed

AGENT_TIMEOUT_S = 10.0
DEFAULT_NAMES = ("id_ed25519", "id_ecdsa", "id_rsa")


@dataclass
class Keyring:
    """The keys to offer to one server, in the order in which to offer them.

    After `offers` has run dry, `notes` says what was passed over and why.
    """

    hop: Hop
    ssh_folder: Path
    notes: list[str] = field(default_factory=list)
    _agent: Agent | None = None

    def offers(self) -> Iterator[tuple[str, PKey]]:
        """Each key with the name that messages give it.

        Raises `AuthenticationFailed` if the key that the board's file names cannot be used.
        """
        hop = self.hop
        if hop.key is not None:
            yield self._named_key(hop.key)
            return
        seen: set[bytes] = set()
        files = [*hop.identities, *([hop.spare_key] if hop.spare_key is not None else [])]
        if not hop.identities:
            files += [self.ssh_folder / name for name in DEFAULT_NAMES]
        named = {blob for file in files if (blob := _public_blob(file)) is not None}
        # Keys of files that somebody named come before the agent's: servers allow few tries.
        for file in hop.identities:
            yield from self._file_key(file, seen)
        for key in self._agent_keys():
            if key.asbytes() in seen or (hop.only_identities and key.asbytes() not in named):
                continue
            seen.add(key.asbytes())
            yield "a key of the SSH agent", key
        for file in files:
            if file not in hop.identities:
                yield from self._file_key(file, seen)

    def close(self) -> None:
        """End the conversation with the agent, which signs while logging in."""
        if self._agent is not None:
            self._agent.close()

    def _agent_keys(self) -> list[PKey]:
        if not self.hop.use_agent:
            return []
        try:
            self._agent = within(AGENT_TIMEOUT_S, Agent)
        except (TimeoutError, SSHException, OSError):
            self.notes.append("the SSH agent does not answer")
            return []
        return list(self._agent.get_keys())

    def _named_key(self, path: Path) -> tuple[str, PKey]:
        """The key that the board's file names; where it is locked, the agent may hold it open."""
        mend = "correct connect: key in the board's file"
        try:
            return str(path), _load(path)
        except FileNotFoundError:
            raise AuthenticationFailed(
                f"{self.hop.label}: there is no key file {path}", mend
            ) from None
        except OSError as error:
            raise AuthenticationFailed(
                f"{self.hop.label}: key file {path} cannot be read: {error.strerror}", mend
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
                f"{self.hop.label}: {path} is no private key that can be used: {error}", mend
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
            yield str(path), key


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
