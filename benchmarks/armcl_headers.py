"""Arm Compute Library's operator programs against the headers of every version.

    python benchmarks/armcl_headers.py --repository ComputeLibrary.git [--versions 18.05 20.08]

Every program is compiled for OpenCL and for NEON as C++11 with `-Wall -Wextra`, up to the point
where code would be made of it, against the headers of each release's tag in a clone of Arm's
repository (bare or not; only the headers have to be there).  NEON's headers need a compiler for
Arm: aarch64-linux-gnu-g++, unless `--neon-compiler` names another.  Exit status 1 if anything does
not compile, or compiles with a warning.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "scripts" / "onboard" / "armcl"
HEADERS = ("arm_compute", "support", "include")
FIRST, LAST = (17, 12), (20, 11)


def versions_of(repository: str) -> list[str]:
    """The releases that the programs are made for, by their tags."""
    said = subprocess.run(
        ["git", "-C", repository, "tag"], capture_output=True, text=True, check=True
    )
    found = []
    for tag in said.stdout.split():
        parts = re.fullmatch(r"v(\d+)\.(\d+)(?:\.(\d+))?", tag)
        if parts and FIRST <= (int(parts[1]), int(parts[2])) <= LAST:
            found.append((int(parts[1]), int(parts[2]), int(parts[3] or 0), tag[1:]))
    return [version for *_, version in sorted(found)]


def unpack(repository: str, version: str, folder: Path) -> None:
    """The headers of a release's tag, into a folder."""
    asked = ["git", "-C", repository, "archive", f"v{version}", "--", *HEADERS]
    content = subprocess.run(asked, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter="data")


def compile_one(headers: Path, version: str, backend: str, program: Path, compiler: str) -> str:
    """What the compiler complains about; empty if nothing."""
    major, minor = version.split(".")[:2]
    done = subprocess.run(
        [
            *(compiler, "-std=c++11", "-Wall", "-Wextra", "-fsyntax-only"),
            *(f"-DARMCL_VERSION={major}{minor}", f"-DNNTEST_BACKEND_{backend.upper()}"),
            *(f"-I{SOURCES}", "-isystem", str(headers / "include"), "-isystem", str(headers)),
            str(program),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if re.search(r"error|warning", line)]
    if done.returncode != 0:
        return "\n".join(lines[:3]) or f"{compiler} ended with {done.returncode}"
    return "\n".join(lines[:3])


def main() -> int:
    """Compile everything; 1 if something does not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repository", required=True, help="clone of ComputeLibrary with its tags")
    parser.add_argument("--versions", nargs="*", help="e.g. 18.05; default: 17.12 to 20.11")
    parser.add_argument("--compiler", default="g++", help="for OpenCL; default: %(default)s")
    parser.add_argument("--neon-compiler", default="aarch64-linux-gnu-g++")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    compilers = {"opencl": options.compiler, "neon": options.neon_compiler}
    programs = sorted(SOURCES.glob("*.cpp"))
    versions = options.versions or versions_of(options.repository)
    bad = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        for version in versions:
            headers = Path(folder) / version
            unpack(options.repository, version, headers)
            wanted = [(backend, program) for backend in compilers for program in programs]
            said = pool.map(
                lambda one, headers=headers, version=version: compile_one(
                    headers, version, *one, compilers[one[0]]
                ),
                wanted,
            )
            fine: Counter[str] = Counter()
            for (backend, program), complaint in zip(wanted, said, strict=True):
                if complaint:
                    bad += 1
                    print(f"{version} {backend} {program.stem}: {complaint}")
                fine[backend] += not complaint
            counts = ", ".join(f"{name} {fine[name]} of {len(programs)}" for name in compilers)
            print(f"{version}: {counts}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
