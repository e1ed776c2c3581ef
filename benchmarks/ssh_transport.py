"""What SSH costs: a small command, and the pull of an archive, beside OpenSSH's own programs.

    python benchmarks/ssh_transport.py [--megabytes 100] [--rounds 5]

Starts an sshd of its own on the loopback (needs OpenSSH's server and client) and prints
milliseconds a command (ours on an open connection; `ssh` once a command; `ssh` over an open
ControlMaster) and MB/s of a pull with its checksum (ours) and without one (scp).  Each round
takes them in turn; medians count.  Bars: 10 ms a command; 60 MB/s, or 0.8 of scp.  Exit status
1 if one does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from nntest.config.board import SshConnection
from nntest.measuring.transport.ssh import SshTransport

SSHD = Path("/usr/sbin/sshd")
SFTP_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server")
COMMANDS = 50
BAR_COMMAND_MS = 10.0
BAR_PULL_MB_S = 60.0
BAR_OF_SCP = 0.8


@contextlib.contextmanager
def own_sshd(folder: Path) -> Iterator[int]:
    """An sshd for this user with keys made for it in `folder`; its port.

    The home folder is one without start-up files: those would be timed with each new session.
    """
    for key in ("user_key", "host_key"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "home").mkdir()
    public = (folder / "user_key.pub").read_text()
    (folder / "authorized_keys").write_text(f'environment="HOME={folder / "home"}" {public}')
    host = (folder / "host_key.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host}")
    sftp = next((server for server in SFTP_SERVERS if Path(server).exists()), "internal-sftp")
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder / 'host_key'}\n"
        f"AuthorizedKeysFile {folder / 'authorized_keys'}\nPidFile none\nStrictModes no\n"
        "UsePAM no\nPermitRootLogin prohibit-password\nPermitUserEnvironment yes\n"
        f"MaxStartups 100\nSubsystem sftp {sftp}\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=log)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        server.terminate()
        server.wait()


def seconds(action: Callable[[], object], times: int = 1) -> float:
    """Seconds that one of several runs of `action` takes."""
    began = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - began) / times


def measure(folder: Path, port: int, megabytes: int, rounds: int) -> dict[str, list[float]]:
    """Milliseconds a command and MB/s a pull, by what did it, for each round."""
    blob = folder / "archive.zip"
    with blob.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))
    user = getpass.getuser()
    options = [
        "-F", "none", "-i", str(folder / "user_key"), "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={folder / 'known_hosts'}",
    ]  # fmt: skip
    ssh = ["ssh", *options, "-p", str(port)]
    master = [*ssh, "-o", f"ControlPath={folder / 'master'}"]
    target = f"{user}@127.0.0.1"

    def call(*argv: str) -> None:
        subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)

    connection = SshConnection(
        transport="ssh",
        host="127.0.0.1",
        port=port,
        user=user,
        key=str(folder / "user_key"),
        known_hosts=str(folder / "known_hosts"),
    )
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    call(*master, "-o", "ControlMaster=yes", "-o", "ControlPersist=yes", "-fN", target)
    try:
        for _ in range(rounds):
            began = time.perf_counter()
            with SshTransport(connection, "loopback") as board:
                board.run(["true"], timeout_s=20)
                note("connect", (time.perf_counter() - began) * 1e3)
                run = seconds(lambda: board.run(["true"], timeout_s=20), COMMANDS)
                note("ours", run * 1e3)
                note("ssh", seconds(lambda: call(*ssh, target, "true"), 5) * 1e3)
                note("master", seconds(lambda: call(*master, target, "true"), 20) * 1e3)
                pulled = seconds(lambda: board.get(str(blob), folder / "ours"))
                note("our pull", megabytes / pulled)
                copy = ["scp", "-q", *options, "-P", str(port), f"{target}:{blob}"]
                note("scp", megabytes / seconds(lambda: call(*copy, str(folder / "theirs"))))  # noqa: B023
            if (folder / "ours").read_bytes() != blob.read_bytes():
                raise SystemExit("what was pulled is not what was there")
    finally:
        subprocess.run([*master, "-q", "-O", "exit", target], check=False, capture_output=True)
    return found


def main() -> int:
    """Print the comparison; exit status 1 if a bar does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if not SSHD.exists() or shutil.which("ssh") is None:
        print(f"needs OpenSSH's server ({SSHD}) and client", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="nntest-ssh-") as name, own_sshd(Path(name)) as port:
        rounds = measure(Path(name), port, arguments.megabytes, arguments.rounds)
    median = {name: statistics.median(values) for name, values in rounds.items()}
    spread = {name: f"{min(values):.1f} to {max(values):.1f}" for name, values in rounds.items()}
    print(f"a command (true), medians of {arguments.rounds} rounds")
    for name, what in (
        ("ours", "ours, open connection"),
        ("master", "ssh, open ControlMaster"),
        ("ssh", "ssh, new connection"),
    ):
        print(
            f"  {what:26} {median[name]:8.1f} ms  ({spread[name]}), "
            f"{median[name] / median['ours']:5.1f} times ours"
        )
    print(f"  {'ours, connect and first':26} {median['connect']:8.1f} ms  ({spread['connect']})")
    print(f"a pull of {arguments.megabytes} MB")
    for name, what in (("our pull", "ours, with SHA-256"), ("scp", "scp, without")):
        print(
            f"  {what:26} {median[name]:8.1f} MB/s ({spread[name]}), "
            f"{median[name] / median['scp']:5.2f} of scp"
        )
    of_scp = median["our pull"] / median["scp"]
    holds = {
        f"a command in {BAR_COMMAND_MS:g} ms": median["ours"] <= BAR_COMMAND_MS,
        f"a pull at {BAR_PULL_MB_S:g} MB/s or {BAR_OF_SCP:g} of scp": (
            median["our pull"] >= BAR_PULL_MB_S or of_scp >= BAR_OF_SCP
        ),
    }
    for bar, held in holds.items():
        print(f"bar: {bar}: {'holds' if held else 'DOES NOT HOLD'}")
    return 0 if all(holds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
