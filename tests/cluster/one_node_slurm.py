"""A SLURM of one node on this machine, and the workflow on it: boards here, the rest as its jobs.

    python tests/cluster/one_node_slurm.py [--install] [FURTHER OPTIONS OF SNAKEMAKE]

As root on Debian or Ubuntu; `--install` has apt install slurmctld, slurmd and munge, and pip the
plug-in.  No systemd, no accounting: the three daemons run for as long as this script does, with
ports, keys and files of their own, and nothing else is ended with them.  The study is tests' tiny
one, on this machine as a board.  Prints what Snakemake said last, and SLURM's own list of jobs.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the study is the tests' own

import psutil
from workflow.study import Checkout

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
DAEMONS = ("munged", "slurmctld", "slurmd")
PLUGIN = "snakemake-executor-plugin-slurm"
PROFILE = "workflow/profiles/slurm"
SYSTEM_CONFIG = Path("/etc/slurm/slurm.conf")
LAST_LINES = 40
PATIENCE_S = 60

CONFIG = """\
ClusterName=onenode
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# Without systemd there are no cgroups to keep jobs in.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/jobs
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def write_config(folder: Path) -> Path:
    """slurm.conf of a cluster that keeps all of its files in `folder`."""
    controller_port, node_port = free_ports(2)
    config = folder / "slurm.conf"
    config.write_text(
        CONFIG.format(
            host=socket.gethostname().split(".")[0],
            folder=folder,
            controller_port=controller_port,
            node_port=node_port,
            cpus=os.cpu_count(),
            # Some is the system's own.
            memory_mb=int(psutil.virtual_memory().total / 2**20 * 0.9),
        )
    )
    for name in ("state", "spool"):
        (folder / name).mkdir()
    return config


@contextmanager
def cluster(folder: Path) -> Iterator[None]:
    """A running cluster, where SLURM's commands look for it.

    Not by SLURM_CONF: the plug-in takes SLURM's variables from the jobs that it submits.
    """
    config = write_config(folder)
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    commands = [
        [
            "munged", "--foreground", "--force", f"--key-file={key}",
            *(f"--{name}-file={folder}/munge.{name}" for name in ("pid", "log", "seed")),
            f"--socket={folder}/munge.socket",
        ],
        ["slurmctld", "-D", "-f", str(config)],
        ["slurmd", "-D", "-f", str(config)],
    ]  # fmt: skip
    running: list[subprocess.Popen[bytes]] = []
    SYSTEM_CONFIG.symlink_to(config)
    try:
        for command in commands:
            with (folder / f"{command[0]}.output").open("wb") as output:
                running.append(subprocess.Popen(command, stdout=output, stderr=output))
            if command[0] == "munged":
                wait_for(folder, (folder / "munge.socket").exists)
        wait_for(folder, lambda: "idle" in said("sinfo", "-h", "-o", "%T"))
        yield
    finally:
        SYSTEM_CONFIG.unlink()
        for process in reversed(running):
            process.terminate()
            process.wait(30)


def said(*command: str) -> str:
    """What a command prints, whether or not it succeeds."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def wait_for(folder: Path, condition: Callable[[], bool]) -> None:
    """Wait until something holds; SystemExit with the daemons' logs where it does not."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            logs = [*folder.glob("*.log"), *folder.glob("*.output")]
            raise SystemExit("\n".join(f"{log}:\n{log.read_text()[-2000:]}" for log in logs))
        time.sleep(0.2)


def install() -> None:
    """Debian's SLURM, without starting it, and Snakemake's plug-in."""
    apt = ["apt-get", "install", "-y", "--no-install-recommends", *PACKAGES]
    subprocess.run(apt, check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", PLUGIN], check=True)


def main(options: Sequence[str]) -> int:
    """Run it with options of Snakemake; its exit status."""
    if os.geteuid() != 0 or not all(map(shutil.which, DAEMONS)):
        print("needs root, and slurmctld, slurmd and munge: --install", file=sys.stderr)
        return 2
    if SYSTEM_CONFIG.exists():
        print(f"this machine has a SLURM of its own ({SYSTEM_CONFIG})", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        folder = Path(name)
        checkout = Checkout.make(folder / "checkout")
        with cluster(folder):
            status, output = checkout.run_anyhow(
                "--workflow-profile", PROFILE, "--slurm-status-command", "squeue",
                # SLURM answers at once here.
                "--slurm-init-seconds-before-status-checks", "5", *options,
            )  # fmt: skip
            print("\n".join(output.splitlines()[-LAST_LINES:]))
            print("\nSLURM's jobs:")
            print((folder / "jobs").read_text() if (folder / "jobs").exists() else "none")
        report = "made" if (checkout.results / "report.html").exists() else "none"
        left = ", ".join(checkout.would_run()) or "nothing"
        print(f"exit status {status}; report: {report}; left to do here: {left}")
    return status


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if "--install" in arguments:
        arguments.remove("--install")
        install()
    sys.exit(main(arguments))
