"""Opening the connection: reach each server on the way, know it, log in."""

from __future__ import annotations

import errno
import logging
import re
import socket
from collections.abc import Callable, Sequence
from typing import cast

import paramiko
from paramiko.ssh_exception import (
    AuthenticationException,
    BadAuthenticationType,
    ChannelException,
    IncompatiblePeer,
    SSHException,
)

from nntest.measuring.transport.base import TransportError
from nntest.measuring.transport.certificates import HOST_KINDS
from nntest.measuring.transport.known_hosts import check_host_key, known_algorithms
from nntest.measuring.transport.retry import Patience, with_retries
from nntest.measuring.transport.ssh_config import Hop
from nntest.measuring.transport.ssh_errors import (
    AuthenticationFailed,
    NotAnSshServer,
    UnknownName,
    Unreachable,
)
from nntest.measuring.transport.ssh_keys import Keyring
from nntest.measuring.transport.ssh_link import Link, OpenHop
from nntest.measuring.transport.ssh_proxy import ProxyStream
from nntest.measuring.transport.ssh_socket import Stream, WatchedStream, dial

DIAL_TIMEOUT_S = 8.0
BANNER_TIMEOUT_S = 8.0
HANDSHAKE_TIMEOUT_S = 15.0
LOGIN_TIMEOUT_S = 20.0
# AES-GCM does the sums in one go: twice the throughput of paramiko's first choice (measured).
CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr")
LOG = "nntest.measuring.transport.paramiko"
ANSWERS_OF_BUSY_SERVERS = (b"Exceeded MaxStartups", b"Not allowed at this time")


def open_link(hops: Sequence[Hop], patience: Patience) -> Link:
    """Connect through all the hops, again and again where that may help.

    Raises the errors of `ssh_errors`, each with its hint.
    """
    # paramiko's complaints would reach the terminal as tracebacks; ours say what they mean.
    log = logging.getLogger(LOG)
    log.propagate = False
    if not log.handlers:
        log.addHandler(_LastWords())
    log.setLevel(logging.INFO)
    return with_retries(lambda: _open_all(hops), patience)


def _open_all(hops: Sequence[Hop]) -> Link:
    opened: list[OpenHop] = []
    try:
        for hop in hops:
            stream = WatchedStream(_reach(hop, opened))
            opened.append(_log_in(hop, stream))
        return Link(opened)
    except BaseException:
        for one in reversed(opened):
            one.transport.close()
        raise


def _reach(hop: Hop, way: Sequence[OpenHop]) -> Stream:
    """A stream to the server: TCP, a command, or a channel through the last hop so far."""
    if way:
        return _reach_through(hop, way[-1])
    if hop.proxy_command is not None:
        return ProxyStream(hop.proxy_command)
    hint = "see that the board is up, that connect: host and port are right, and that sshd runs"
    try:
        return dial(hop.host, hop.port, DIAL_TIMEOUT_S)
    except socket.gaierror as error:
        raise UnknownName(
            f"{hop.label}: no address is known for {hop.host!r} ({error.strerror})",
            "correct connect: host in the board's file, or see that the board, which may give its "
            "name itself, and the name service are up",
        ) from None
    except UnicodeError:
        raise UnknownName(f"{hop.label}: {hop.host!r} is not a host name", hint) from None
    except TimeoutError:
        raise Unreachable(
            f"{hop.label}: no answer to a connection within {DIAL_TIMEOUT_S:g} s", hint
        ) from None
    except OSError as error:
        if error.errno == errno.ECONNREFUSED:
            reason = f"nothing listens on port {hop.port}"
        else:
            reason = f"cannot be reached: {error.strerror or error}"
        raise Unreachable(f"{hop.label}: {reason}", hint) from None


def _reach_through(hop: Hop, last: OpenHop) -> Stream:
    hint = f"see that the board is up, and that {last.hop.host} may reach and forward to it"
    try:
        channel = last.transport.open_channel(
            "direct-tcpip", (hop.host, hop.port), ("127.0.0.1", 0), timeout=DIAL_TIMEOUT_S
        )
    except ChannelException as error:
        raise Unreachable(
            f"{hop.label}: {last.hop.label} cannot connect to it: {error.text}", hint
        ) from None
    except (SSHException, EOFError, OSError):
        raise Unreachable(
            f"{hop.label}: {last.hop.label} gave no answer to a connection", hint
        ) from None
    return cast(Stream, channel)


def _log_in(hop: Hop, stream: WatchedStream) -> OpenHop:
    """Shake hands, check who it is, authenticate."""
    transport = paramiko.Transport(cast(socket.socket, stream))
    try:
        transport.set_log_channel(LOG)
        transport.banner_timeout = BANNER_TIMEOUT_S
        transport.handshake_timeout = HANDSHAKE_TIMEOUT_S
        transport.auth_timeout = LOGIN_TIMEOUT_S
        options = transport.get_security_options()
        options.ciphers = tuple(name for name in CIPHERS if name in options.ciphers)
        able = (*options.key_types, *HOST_KINDS)
        known = [kind for kind in known_algorithms(hop) if kind in able]
        options.key_types = (*known, *(kind for kind in options.key_types if kind not in known))
        try:
            transport.start_client(timeout=BANNER_TIMEOUT_S + HANDSHAKE_TIMEOUT_S)
            # start_client returns after its timeout as if all were well; this raises then.
            host_key = transport.get_remote_server_key()
        except IncompatiblePeer as error:
            raise NotAnSshServer(
                f"{hop.label}: no common algorithm: {error}",
                "give the board's sshd an ed25519 host key (ssh-keygen -A), or update it: "
                "ssh-dss, and ssh-rsa with SHA-1, can be forged",
            ) from None
        except (SSHException, EOFError, OSError) as error:
            raise _no_handshake(hop, stream, error) from None
        check_host_key(hop, host_key)
        _authenticate(hop, transport, stream)
    except BaseException:
        transport.close()
        stream.close()
        raise
    return OpenHop(hop, stream, transport)


def _no_handshake(hop: Hop, stream: WatchedStream, error: BaseException) -> TransportError:
    """Why there was no handshake, by what the other side said first."""
    said = stream.first_bytes
    busy = "see that the board is up and not too busy, and try again"
    if isinstance(stream.below, ProxyStream) and not said:
        complaint = stream.below.complaint() or "it sends nothing"
        return Unreachable(
            f"{hop.label}: the ProxyCommand of the ssh configuration, {hop.proxy_command}, gives "
            f"no connection: {complaint}",
            "see that the board is up and that the command works by itself",
        )
    if said.startswith(b"SSH-"):
        return Unreachable(f"{hop.label}: the connection ended during the handshake: {error}", busy)
    if said.startswith(ANSWERS_OF_BUSY_SERVERS):
        return Unreachable(
            f"{hop.label}: the server refuses the connection: {_printable(said)}", busy
        )
    if not said:
        return Unreachable(
            f"{hop.label}: it accepts connections but sends nothing (an SSH server greets first)",
            f"see that port {hop.port} is that of sshd, and that the board is not too busy",
        )
    if said.startswith(b"HTTP/") or re.search(rb"<!doctype html|<html", said, re.IGNORECASE):
        what = "it is a web server, not an SSH server"
    elif said.startswith(b"\x15\x03"):
        what = "it is a TLS server (HTTPS, perhaps), not an SSH server"
    else:
        what = f"it is not an SSH server: it says {_printable(said)!r}"
    return NotAnSshServer(
        f"{hop.label}: {what}", "correct connect: host or port in the board's file"
    )


def _printable(said: bytes) -> str:
    line = said.splitlines()[0][:80].decode("ascii", "replace")
    return "".join(sign if sign.isprintable() else "?" for sign in line)


def _authenticate(hop: Hop, transport: paramiko.Transport, stream: WatchedStream) -> None:
    """Offer one key after the other."""
    ring = Keyring(hop)
    tried: list[str] = []
    sha1 = False
    try:
        # As ssh does: the answer says what the server takes, and which signatures it knows.
        if _offer(hop, transport, stream, tried, lambda: transport.auth_none(hop.user)):
            return
        for name, key in ring.offers():
            if key.get_name().startswith("ssh-rsa"):
                sha1 = True
                if _refuses_rsa(transport):
                    ring.notes.append(f"the RSA key {name} was not offered")
                    continue
            tried.append(name)
            if _offer(
                *(hop, transport, stream, tried),
                lambda key=key: transport.auth_publickey(hop.user, key),  # type: ignore[misc]
            ):
                return
    finally:
        ring.close()
    said = [*ring.notes, *hop.notes]
    if sha1 and _refuses_rsa(transport):
        said.append(
            "the server takes RSA keys with SHA-1 signatures (ssh-rsa) or not at all; SHA-1 can "
            "be forged and is not used here"
        )
    elif sha1:
        said.append(
            "RSA keys are offered with SHA-2 signatures; a server that knows only those with "
            "SHA-1 (ssh-rsa) needs a key of another kind"
        )
    notes = f" ({'; '.join(said)})" if said else ""
    if sha1 and _refuses_rsa(transport):
        raise AuthenticationFailed(
            f"{hop.label}: the server accepts none of our keys for {hop.user}: tried "
            f"{_listed(tried) or 'none'}{notes}",
            "log in with a key of another kind (`ssh-keygen -t ed25519`, or -t ecdsa for very old "
            "servers, then ssh-copy-id it), or bring the server up to date",
        )
    if not tried:
        raise AuthenticationFailed(
            f"{hop.label}: there is no key to log in with: none in ~/.ssh, none in an SSH "
            f"agent{notes}",
            "name one with connect: key in the board's file, or load it with ssh-add",
        )
    raise AuthenticationFailed(
        f"{hop.label}: the server accepts none of our keys for {hop.user}: tried "
        f"{_listed(tried)}{notes}",
        f"`ssh-copy-id -p {hop.port} {hop.user}@{hop.host}`, or correct connect: user or key in "
        "the board's file",
    )


def _offer(
    hop: Hop,
    transport: paramiko.Transport,
    stream: WatchedStream,
    tried: Sequence[str],
    log_in: Callable[[], list[str]],
) -> bool:
    """Whether one way to log in worked; raises where no other need be tried."""
    try:
        rest = log_in()
    except BadAuthenticationType as error:
        if "publickey" in error.allowed_types:
            return False
        raise AuthenticationFailed(
            f"{hop.label}: the server takes no keys, only {', '.join(error.allowed_types)}",
            "set PubkeyAuthentication yes in its sshd_config",
        ) from None
    except (AuthenticationException, SSHException, EOFError, OSError) as error:
        if not transport.is_active():
            raise _broken_off(hop, stream, tried) from None
        if "timeout" in str(error).lower():
            raise Unreachable(
                f"{hop.label}: no answer to the login within {LOGIN_TIMEOUT_S:g} s"
            ) from None
        return False
    if not rest:
        return True
    raise AuthenticationFailed(
        f"{hop.label}: the key {tried[-1]} is accepted, but the server wants more: "
        f"{', '.join(rest)}",
        "allow the key alone: AuthenticationMethods publickey in its sshd_config",
    )


def _refuses_rsa(transport: paramiko.Transport) -> bool:
    """Whether the server knows no RSA signature with SHA-2, by its list or by its age."""
    extensions: dict[str, bytes] = transport.server_extensions  # type: ignore[attr-defined]
    listed = extensions.get("server-sig-algs", b"").decode("ascii", "replace")
    if listed:
        return "rsa-sha2-" not in listed
    # RSA with SHA-2 came with OpenSSH 7.2 and dropbear 2020.79.
    version = re.search(r"(OpenSSH|dropbear)_(\d+)\.(\d+)", transport.remote_version)
    if version is None:
        return False
    number = int(version[2]), int(version[3])
    return number < ((7, 2) if version[1] == "OpenSSH" else (2020, 79))


def _broken_off(hop: Hop, stream: WatchedStream, tried: Sequence[str]) -> TransportError:
    """What it means that the connection ended while logging in."""
    words = _LastWords.last
    if "authentication failures" in words:
        return AuthenticationFailed(
            f"{hop.label}: too many keys were tried ({_listed(tried)}): {words}",
            "name the right one with connect: key in the board's file",
        )
    return Unreachable(
        f"{hop.label}: the connection ended while logging in" + (f": {words}" if words else ""),
        "see that the board is up and that the account may log in, and try again",
    )


def _listed(names: Sequence[str]) -> str:
    """Names, each once, with how often it came."""
    unique = dict.fromkeys(names)
    return ", ".join(
        f"{name} ({names.count(name)} times)" if names.count(name) > 1 else name for name in unique
    )


class _LastWords(logging.Handler):
    """Keeps what a server said when it hung up, which paramiko only logs; drops all else."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a disconnect message."""
        message = record.getMessage()
        if message.startswith("Disconnect (code"):
            said = message.partition(": ")[2]
            _LastWords.last = "".join(sign for sign in said if sign.isprintable())[:200]
        elif message.startswith("Connected (version"):
            _LastWords.last = ""
