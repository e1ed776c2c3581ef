"""The host keys on file: read in OpenSSH's format, compared, and added to.

paramiko's own reader knows neither patterns nor revoked keys, and replaces lines it reads.
"""

from __future__ import annotations

import base64
import binascii
import errno
import fcntl
import hashlib
import hmac
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

from paramiko import PKey

from nntest.errors import UserError
from nntest.measuring.transport import certificates
from nntest.measuring.transport.certificates import NotCertified
from nntest.measuring.transport.ssh_config import Hop
from nntest.measuring.transport.ssh_errors import HostKeyChanged, HostKeyUnknown

RSA_ALGORITHMS = ("rsa-sha2-512", "rsa-sha2-256")
log_warning = logging.getLogger(__name__).warning


@dataclass(frozen=True)
class _Entry:
    """One line of a known_hosts file that speaks of a host."""

    where: str
    kind: str
    blob: bytes
    marker: str | None
    """`@revoked`, `@cert-authority`, or None for a host's own key."""


def known_algorithms(hop: Hop) -> list[str]:
    """Host key algorithms to ask for first: those of the keys on file.

    A server has several keys; another one than the one on file would look like a change.
    Certificates are asked for where an authority is on file.
    """
    algorithms: list[str] = []
    found = [entry for name in hop.host_key_names for entry in _entries(hop.known_hosts, name)]
    if any(entry.marker == "@cert-authority" for entry in found):
        algorithms += certificates.HOST_KINDS
    for entry in _entries(hop.known_hosts, hop.host_key_names[0]):
        if entry.marker is None:
            algorithms += RSA_ALGORITHMS if entry.kind == "ssh-rsa" else (entry.kind,)
    return list(dict.fromkeys(algorithms))


def check_host_key(hop: Hop, key: PKey) -> None:
    """Return if `key` is the one on file, or may be trusted at first sight and now is on file.

    Raises `HostKeyChanged` or `HostKeyUnknown`.
    """
    if _is_certified(hop, key):
        return
    found = _entries(hop.known_hosts, hop.host_key_names[0])
    _refuse_change(hop, key, found)
    if _has(found, key):
        return
    # Like OpenSSH: a key on file for the bare name will do for another port, too.
    for other in hop.host_key_names[1:]:
        if _has(_entries(hop.known_hosts, other), key):
            return
    shown = f"{key.get_name()} {key.fingerprint}"
    path = hop.remember_in
    # /dev/null, for boards that are flashed daily; appending to it would help nobody.
    forgets = path is None or path.is_char_device()
    if not hop.trust_on_first_use:
        notes = f" ({'; '.join(hop.notes)})" if hop.notes else ""
        place = f"UserKnownHostsFile is {path or 'none'}" if forgets else f"it is not in {path}"
        raise HostKeyUnknown(
            f"{hop.label}: its host key is not known: {place}; it shows {shown}{notes}",
            "on a network that you trust, set connect: trust_on_first_use: true in the board's "
            "file, or StrictHostKeyChecking accept-new beside UserKnownHostsFile"
            if forgets
            else "compare that with the board's own (ssh-keygen -lf /etc/ssh/ssh_host_*.pub), "
            f"then `ssh-keyscan -p {hop.port} {hop.host} >> {path}`; or, on a network that you "
            "trust, set connect: trust_on_first_use: true",
        )
    if path is None or forgets:
        log_warning(
            "%s: its host key %s is trusted unseen, every time: UserKnownHostsFile is %s",
            *(hop.label, shown, path or "none"),
        )
    else:
        _remember(hop, key, path)


def _has(entries: list[_Entry], key: PKey) -> bool:
    return any(entry.blob == key.asbytes() and entry.marker is None for entry in entries)


def _is_certified(hop: Hop, key: PKey) -> bool:
    """Whether an authority on file vouches for the host; raises if its certificate is not valid."""
    certificate = key.public_blob
    if certificate is None:
        return False
    kind, blob = certificate.key_type, certificate.key_blob
    try:
        signer = certificates.authority(kind, blob)
    except NotCertified:
        return False
    found = [entry for name in hop.host_key_names for entry in _entries(hop.known_hosts, name)]
    for entry in found:
        if entry.marker == "@revoked" and entry.blob in (signer, key.asbytes()):
            raise _revoked(hop, key, entry)
    where = [e.where for e in found if e.marker == "@cert-authority" and e.blob == signer]
    if where:
        try:
            certificates.check_certificate(kind, blob, hop.host_key_names[-1])
        except NotCertified as error:
            raise HostKeyUnknown(
                f"{hop.label}: its host key has a certificate of the authority in {where[0]} "
                f"that does not hold: {error}",
                "have the host key signed anew (ssh-keygen -h -s AUTHORITY -n HOST -I HOST KEY)",
            ) from None
    return bool(where)


def _revoked(hop: Hop, key: PKey, entry: _Entry) -> HostKeyChanged:
    return HostKeyChanged(
        f"{hop.label}: its host key {key.fingerprint} is revoked ({entry.where})",
        "do not go on before you know why; give the board a new host key",
    )


def _refuse_change(hop: Hop, key: PKey, found: list[_Entry]) -> None:
    """Raise `HostKeyChanged` if what is on file speaks against `key`."""
    for entry in found:
        if entry.marker == "@revoked" and entry.blob == key.asbytes():
            raise _revoked(hop, key, entry)
    valid = [entry for entry in found if entry.marker is None]
    if valid and all(entry.blob != key.asbytes() for entry in valid):
        places = ", ".join(entry.where for entry in valid)
        raise HostKeyChanged(
            f"{hop.label}: its host key has changed: it shows {key.get_name()} "
            f"{key.fingerprint}, not the key on file ({places}).  Either the board was set up "
            "anew, or somebody is in between",
            f"if you know that it was set up anew: `ssh-keygen -R '{hop.host_key_names[0]}' "
            f"-f {valid[0].where.rpartition(':')[0]}`",
        )


def _remember(hop: Hop, key: PKey, path: Path) -> None:
    """Add the key of a host never seen before to a file.

    One line in one appending write: whole or not at all, and nobody else's line is lost.
    """
    line = f"{hop.host_key_names[0]} {key.get_name()} {key.get_base64()}\n".encode()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        with path.open("ab+", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # Another job of ours may have been faster, and may have met another key.
            found = _entries((path,), hop.host_key_names[0])
            _refuse_change(hop, key, found)
            if _has(found, key):
                return
            end = file.seek(0, os.SEEK_END)
            if end > 0:
                file.seek(end - 1)
                line = line if file.read(1) == b"\n" else b"\n" + line
            if file.write(line) != len(line):
                file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(
            f"{hop.label}: its host key cannot be noted in {path}: {error.strerror}",
            "name another file with connect: known_hosts in the board's file",
        ) from None


def _entries(files: tuple[Path, ...], name: str) -> list[_Entry]:
    """What the files say of a host; lines that cannot be read are passed over, as by OpenSSH."""
    found = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        for number, line in enumerate(text.splitlines(), 1):
            fields = line.split()
            marker = fields.pop(0) if fields and fields[0].startswith("@") else None
            if len(fields) < 3 or fields[0].startswith("#"):
                continue
            try:
                blob = base64.b64decode(fields[2], validate=True)
            except binascii.Error:
                continue
            if _matches(fields[0], name):
                found.append(_Entry(f"{path}:{number}", fields[1], blob, marker))
    return found


def _matches(patterns: str, name: str) -> bool:
    """Whether the first field of a line means a host: names, `*` and `?`, `!` for not, hashes."""
    if patterns.startswith("|1|"):
        salt, _, digest = patterns.removeprefix("|1|").partition("|")
        try:
            expected = base64.b64decode(digest, validate=True)
            key = base64.b64decode(salt, validate=True)
        except binascii.Error:
            return False
        return hmac.compare_digest(hmac.digest(key, name.encode(), hashlib.sha1), expected)
    matched = False
    for pattern in patterns.lower().split(","):
        wanted = pattern.removeprefix("!")
        expression = re.escape(wanted).replace(r"\*", ".*").replace(r"\?", ".")
        if re.fullmatch(expression, name):
            if pattern.startswith("!"):
                return False
            matched = True
    return matched
