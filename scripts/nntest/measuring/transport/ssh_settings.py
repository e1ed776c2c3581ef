"""The user's ssh configuration for one host, as OpenSSH's own client reads it (`ssh -G`).

Without that client, paramiko reads the plain cases, and the others are refused by name.
"""

from __future__ import annotations

import os
import pwd
import re
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paramiko import SSHConfig
from paramiko.ssh_exception import SSHException

from nntest.errors import UserError
from nntest.owner import user_name

SSH = "ssh"
TIMEOUT_S = 30.0
"""For `ssh -G`, which runs the commands of `Match exec` and may ask a name service."""
NO_CLIENT = "install OpenSSH's client (openssh-client), which reads it"
# What a plain configuration leaves to OpenSSH.
DEFAULTS = {
    "port": ["22"],
    "identityfile": ["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"],
    "userknownhostsfile": ["~/.ssh/known_hosts ~/.ssh/known_hosts2"],
    "globalknownhostsfile": ["/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"],
}
SEVERAL_FILES = ("userknownhostsfile", "globalknownhostsfile")


@dataclass(frozen=True)
class Settings:
    """What the configuration says of a host: keywords in small letters, with their values."""

    alias: str
    """The host as the user calls it."""
    values: Mapping[str, Sequence[str]]
    label: str
    ssh_folder: Path | None
    home: Path = field(default_factory=lambda: _home())

    @property
    def host(self) -> str:
        """Its name or address."""
        return self.one("hostname") or self.alias

    @property
    def port(self) -> int:
        """The port of its sshd."""
        return int(self.one("port") or 22)

    @property
    def user(self) -> str:
        """The account on it."""
        return self.one("user") or user_name()

    def all(self, keyword: str) -> Sequence[str]:
        """All values, as they are written."""
        return self.values.get(keyword, ())

    def one(self, keyword: str) -> str | None:
        """The value; None if there is none."""
        return next((value for value in self.all(keyword) if value), None)

    def says(self, keyword: str) -> bool:
        """Whether it is `yes`."""
        return (self.one(keyword) or "no").lower() in ("yes", "true")

    def expanded(self, keyword: str) -> str | None:
        """The value with its tokens (%h and the like) replaced; None if there is none."""
        value = self.one(keyword)
        return None if value is None or value.lower() == "none" else self._expand(keyword, value)

    def paths(self, keyword: str) -> tuple[Path, ...]:
        """The files that it names, `none` left out."""
        names = list(self.all(keyword))
        if keyword in SEVERAL_FILES:
            # `ssh -G` writes names with blanks without quotes; all of them are absolute by then.
            names = [name for value in names for name in re.split(r"\s+(?=[/~]|none$)", value)]
        found = []
        for name in names:
            if name.lower() in ("none", ""):
                continue
            path = Path(self._expand(keyword, re.sub(r"^~(?=/|$)", str(self.home), name)))
            if self.ssh_folder is not None and path.is_relative_to(self.home / ".ssh"):
                path = self.ssh_folder / path.relative_to(self.home / ".ssh")
            found.append(path.expanduser())
        return tuple(found)

    def _expand(self, keyword: str, text: str) -> str:
        """Replace the tokens of ssh_config(5) and `${VARIABLES}`."""
        here = socket.gethostname()
        tokens = {"%": "%", "h": self.host, "n": self.alias, "p": str(self.port), "r": self.user}
        tokens |= {"d": str(self.home), "i": str(os.getuid()), "u": user_name(), "l": here}
        tokens |= {"L": here.partition(".")[0], "k": self.one("hostkeyalias") or self.alias}
        try:
            text = re.sub(r"%(.?)", lambda found: tokens[found[1]], text)
            return re.sub(r"\$\{(\w+)\}", lambda found: os.environ[found[1]], text)
        except KeyError as missing:
            raise UserError(
                f"{self.label}: the ssh configuration's {keyword} {text!r} has {missing.args[0]!r} "
                "in it, which is not known here",
                "write it out in ~/.ssh/config",
            ) from None


def read_settings(
    host: str, port: int | None, user: str | None, label: str, ssh_folder: Path | None
) -> Settings:
    """The user's ssh configuration for `host`; `port` and `user` come before it.

    `ssh_folder` stands in for ~/.ssh.  Raises `UserError` if it cannot be read.
    """
    options = ["-F", _config_file(ssh_folder)] if ssh_folder is not None else []
    options += ["-p", str(port)] if port is not None else []
    options += ["-l", user] if user is not None else []
    text = _ask_ssh([*options, "--", host], label)
    if text is None:
        values = _plain((ssh_folder or _home() / ".ssh") / "config", host, label)
        values |= {"port": [str(port)]} if port is not None else {}
        values |= {"user": [user]} if user is not None else {}
    else:
        values = {}
        for line in text.splitlines():
            keyword, _, value = line.partition(" ")
            values.setdefault(keyword.lower(), []).append(value)
    return Settings(host, values, label, ssh_folder)


def _ask_ssh(arguments: Sequence[str], label: str) -> str | None:
    """What `ssh -G` says; None without a client, or where it does not know its user."""
    try:
        process = subprocess.Popen(
            [SSH, "-G", "-T", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError:
        return None
    with process:
        try:
            out, err = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # The commands of `Match exec`, too: they hold its stderr.
            os.killpg(process.pid, signal.SIGKILL)
            raise UserError(
                f"{label}: `ssh -G` has not read the ssh configuration within {TIMEOUT_S:g} s",
                "see what its Match exec commands wait for",
            ) from None
    said = err.decode("utf-8", "replace").strip()
    if process.returncode == 0:
        return out.decode("utf-8", "surrogateescape")
    if said.startswith("No user exists for uid"):
        return None
    raise UserError(
        f"{label}: ssh cannot follow its configuration: {said}",
        f"`ssh -G {arguments[-1]}` says the same; correct ~/.ssh/config",
    )


def _config_file(ssh_folder: Path) -> str:
    path = ssh_folder / "config"
    return str(path) if path.exists() else "none"


def _home() -> Path:
    """The user's home folder, which to ssh is the one of the passwd file, whatever HOME says."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path.home()


def _plain(path: Path, host: str, label: str) -> dict[str, list[str]]:
    """A plain configuration as paramiko reads it; what it misreads is refused."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        text = ""
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    for number, line in enumerate(text.splitlines(), 1):
        keyword = re.split(r"[\s=]", line.strip(), maxsplit=1)[0]
        if keyword.lower() in ("include", "match", "canonicalizehostname"):
            raise UserError(f"{label}: {path}:{number}: {keyword} cannot be followed", NO_CLIENT)
        if not keyword.startswith("#") and ("#" in line or '"' in line):
            raise UserError(
                f"{label}: {path}:{number}: quotes and comments after a value cannot be followed",
                NO_CLIENT,
            )
    try:
        config = SSHConfig.from_text(text)
        found = config.lookup(host)
        if not 0 < int(found.get("port", 22)) < 65536:
            raise ValueError(f"Port {found['port']} is not a port")
    except (SSHException, KeyError, ValueError) as error:
        raise UserError(f"{label}: {path}: cannot be understood: {error}", NO_CLIENT) from None
    values = {key: value if isinstance(value, list) else [value] for key, value in found.items()}
    return {**DEFAULTS, **values}
