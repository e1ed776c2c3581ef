"""Builds the virtual board: an arm64 Debian userland in a folder, from packages alone.

No package's own scripts are run, which under emulation would take minutes; the few things that
they would have done and that are needed here are done from outside.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from host import BoardError, remove_tree, run

HERE = Path(__file__).resolve().parent
SHIM_SOURCE = HERE / "virtual_mali.c"
SHIM_FOLDER = "opt/virtual-mali"
"""Where the board keeps the library that stands before the real OpenCL one."""
POCL_CACHE = "var/cache/pocl"

SUITE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SYSTEM = (
    *("base-files", "base-passwd", "bash", "dash", "coreutils", "diffutils", "findutils", "grep"),
    *("gzip", "hostname", "libc-bin", "mawk", "mount", "procps", "sed", "tar", "util-linux"),
    *("apt", "dpkg", "debian-archive-keyring", "make", "python3"),
    *("openssh-server", "openssh-sftp-server", "pocl-opencl-icd", "ocl-icd-opencl-dev"),
)
COMPILER = "g++"
ARMCL = "libarm-compute-dev"
USER = ("firefly", 1000)

SSHD_CONFIG = """\
ListenAddress 127.0.0.1
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PidFile none
PrintMotd no
Subsystem sftp /usr/lib/openssh/sftp-server
"""


@dataclass(frozen=True)
class Recipe:
    """What the board is made of."""

    mirror: str = MIRROR
    compiler: bool = True
    armcl: bool = True
    """With Arm Compute Library; without, it is for the workflow to install."""

    def packages(self) -> list[str]:
        """Debian packages, without what they depend on."""
        extra = [(COMPILER, self.compiler), (ARMCL, self.armcl)]
        return [*SYSTEM, *(package for package, wanted in extra if wanted)]

    def digest(self) -> str:
        """Changes whenever the userland would be another one."""
        content = json.dumps([asdict(self), SUITE, self.packages(), SSHD_CONFIG])
        return hashlib.sha256(content.encode()).hexdigest()[:16]


class Places:
    """Where the parts of a virtual board are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.root = self.folder / "root"
        self.key = self.folder / "key"
        self.known_hosts = self.folder / "known_hosts"
        self.built = self.folder / "built.json"
        """Written last by `build`: without it, what is there is half a board."""
        self.state = self.folder / "running.json"
        self.log = self.folder / "board.log"

    def recipe_built(self) -> str | None:
        """The digest of the recipe that was built, or None if none was built to its end."""
        try:
            return str(json.loads(self.built.read_text())["recipe"])
        except (OSError, ValueError, KeyError):
            return None


def build(places: Places, recipe: Recipe) -> None:
    """Build the board unless it is built by the same recipe; a half-built one is begun again."""
    if places.recipe_built() == recipe.digest():
        _build_shim(places)
        print(f"{places.folder}: built already")
        return
    if not KEYRING.exists():
        raise BoardError(f"no {KEYRING}: apt-get install debian-archive-keyring")
    started = time.monotonic()
    places.folder.mkdir(parents=True, exist_ok=True)
    places.built.unlink(missing_ok=True)
    remove_tree(places.root)
    _unpack(places.root, recipe)
    _register_packages(places.root)
    _configure(places.root)
    _make_keys(places)
    _build_shim(places)
    content = {"recipe": recipe.digest(), "packages": recipe.packages()}
    places.built.write_text(json.dumps(content, indent=2) + "\n")
    print(f"{places.folder}: built in {time.monotonic() - started:.0f} s")


def _unpack(root: Path, recipe: Recipe) -> None:
    run(
        [
            *("mmdebstrap", "--quiet", "--variant=extract", "--mode=root", "--arch=arm64"),
            '--aptopt=APT::Install-Recommends "false"',
            "--skip=cleanup/apt",  # leaves the packages there, for _register_packages
            f"--include={','.join(recipe.packages())}",
            *(SUITE, root, f"deb [signed-by={KEYRING}] {recipe.mirror} {SUITE} main"),
        ],
        "unpacking the board's packages",
    )
    run(["chroot", root, "/sbin/ldconfig"], "running a first aarch64 program")


def _register_packages(root: Path) -> None:
    """Tell the board's dpkg what is there, so that its apt can add to it.

    The lists of files stay empty: dpkg asks for them only to remove a package.
    """
    archives = root / "var/cache/apt/archives"
    database = root / "var/lib/dpkg"
    entries = []
    for package in sorted(archives.glob("*.deb")):
        control = run(["dpkg-deb", "--field", package], f"reading {package.name}").strip()
        entries.append(f"{control}\nStatus: install ok installed\n")
        fields = dict(line.split(": ", 1) for line in control.splitlines() if ": " in line)
        same = fields.get("Multi-Arch") == "same"
        name = f"{fields['Package']}:{fields['Architecture']}" if same else fields["Package"]
        (database / "info" / f"{name}.list").write_text("/.\n")
        package.unlink()
    (database / "status").write_text("\n".join(entries))
    shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
    (root / "var/lib/apt/lists/partial").mkdir(parents=True)


def _configure(root: Path) -> None:
    name, number = USER
    etc = root / "etc"
    masters = root / "usr/share/base-passwd"
    accounts = (masters / "passwd.master").read_text() + (
        "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
        "_apt:x:101:65534::/nonexistent:/usr/sbin/nologin\n"
        f"{name}:*:{number}:{number}::/home/{name}:/bin/bash\n"
    )
    (etc / "passwd").write_text(accounts.replace("root:*:0:0:root:/root:", "root:*:0:0::/root:"))
    groups = (masters / "group.master").read_text() + f"{name}:x:{number}:\n"
    (etc / "group").write_text(groups)
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    (etc / "hostname").write_text("virtual-rk3399\n")
    (etc / "hosts").write_text("127.0.0.1 localhost virtual-rk3399\n")
    (etc / "resolv.conf").unlink(missing_ok=True)
    if Path("/etc/resolv.conf").exists():
        shutil.copyfile("/etc/resolv.conf", etc / "resolv.conf")
    (etc / "ssh/sshd_config").write_text(SSHD_CONFIG)
    for link, target in (("awk", "mawk"), ("cc", "gcc"), ("c++", "g++")):
        path = root / "usr/bin" / link
        if not path.is_symlink() and (root / "usr/bin" / target).exists():
            path.symlink_to(target)
    (root / POCL_CACHE).mkdir(parents=True)
    (root / POCL_CACHE).chmod(0o1777)
    home = root / "home" / name
    home.mkdir(parents=True)
    run(["chown", f"{number}:{number}", home], f"making the home folder of {name}")


def _make_keys(places: Places) -> None:
    """A throw-away key to log in with, and the host's own."""
    for path in (places.key, places.root / "etc/ssh/ssh_host_ed25519_key"):
        for file in (path, path.with_name(path.name + ".pub")):
            file.unlink(missing_ok=True)
        run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "virtual-board", "-f", str(path)],
            "making a key",
        )
    name, number = USER
    for home, owner in ((places.root / "root", 0), (places.root / "home" / name, number)):
        ssh = home / ".ssh"
        ssh.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(places.key.with_name("key.pub"), ssh / "authorized_keys")
        run(["chown", "-R", f"{owner}:{owner}", ssh], "handing over a key")


def _build_shim(places: Places) -> None:
    """Compile the OpenCL library that stands before the real one, if its source is newer."""
    library = places.root / SHIM_FOLDER / "libOpenCL.so"
    mark = library.with_name("source.sha256")
    digest = hashlib.sha256(SHIM_SOURCE.read_bytes()).hexdigest()
    if library.exists() and mark.exists() and mark.read_text() == digest:
        return
    library.parent.mkdir(parents=True, exist_ok=True)
    fresh = library.with_name("libOpenCL.so.new")
    run(
        [
            *("aarch64-linux-gnu-gcc", f"--sysroot={places.root}", "-O2", "-Wall", "-Wextra"),
            *("-shared", "-fPIC", "-Wl,-soname,libOpenCL.so", "-o", fresh, SHIM_SOURCE),
            *("-Wl,--no-as-needed", "-l:libOpenCL.so.1", "-ldl"),
        ],
        "compiling the virtual Mali",
    )
    fresh.replace(library)
    mark.write_text(digest)
