"""Certificates of OpenSSH: whose key they are of, and whether one holds for a host."""

from __future__ import annotations

import base64
import re
import time

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    SSHCertificateType,
    SSHCertPublicKeyTypes,
    load_ssh_public_identity,
)

HOST_KINDS = (
    "ssh-ed25519-cert-v01@openssh.com",
    "ecdsa-sha2-nistp256-cert-v01@openssh.com",
    "ecdsa-sha2-nistp384-cert-v01@openssh.com",
    "ecdsa-sha2-nistp521-cert-v01@openssh.com",
    "rsa-sha2-512-cert-v01@openssh.com",
    "rsa-sha2-256-cert-v01@openssh.com",
)
"""Algorithms to ask for where an authority is on file."""


class NotCertified(Exception):
    """Why a certificate does not hold."""


def authority(kind: str, blob: bytes) -> bytes:
    """The public key that signed a certificate, in SSH's own form; raises `NotCertified`."""
    return _form(_load(kind, blob).signature_key())


def certified_key(kind: str, blob: bytes) -> bytes:
    """The public key that a certificate is of, in SSH's own form; raises `NotCertified`."""
    return _form(_load(kind, blob).public_key())


def _form(key: SSHCertPublicKeyTypes) -> bytes:
    return base64.b64decode(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])


def check_certificate(kind: str, blob: bytes, host: str) -> None:
    """Raise `NotCertified` unless the certificate is signed, of today, and for `host`."""
    certificate = _load(kind, blob)
    try:
        certificate.verify_cert_signature()
    except (InvalidSignature, UnsupportedAlgorithm):
        raise NotCertified("its signature is not the authority's") from None
    if certificate.type is not SSHCertificateType.HOST:
        raise NotCertified("it is a user's, not a host's")
    if certificate.critical_options:
        raise NotCertified("it has options that are not known here")
    if not certificate.valid_after <= time.time() < certificate.valid_before:
        raise NotCertified("it has expired, or is not valid yet (whose clock is wrong?)")
    names = [name.decode("utf-8", "replace") for name in certificate.valid_principals]
    if not any(_matches(name, host) for name in names):
        raise NotCertified(f"it is for {', '.join(names) or 'nobody by name'}, not for {host}")


def _load(kind: str, blob: bytes) -> SSHCertificate:
    try:
        found = load_ssh_public_identity(f"{kind} {base64.b64encode(blob).decode()}".encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotCertified(f"it cannot be read: {error}") from None
    if not isinstance(found, SSHCertificate):
        raise NotCertified("it is a plain key")
    return found


def _matches(pattern: str, host: str) -> bool:
    expression = re.escape(pattern.lower()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, host) is not None
