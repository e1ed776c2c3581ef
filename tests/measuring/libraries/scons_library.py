"""A small library that is laid out and built like Arm Compute Library of 2018, to build in tests.

Its scons files are our own, written for Python 2 as those were: prints are statements, kernels'
sources are searched as text, compilers' versions are compared digit by digit.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

from nntest.codehash import ONBOARD

SCONSTRUCT = """\
import os
import subprocess

def version_at_least(version, required):
    end = min(len(version), len(required))
    for i in range(0, end, 2):
        if int(version[i]) != int(required[i]):
            return int(version[i]) > int(required[i])
    return True

vars = Variables("scons")
vars.AddVariables(
    EnumVariable("arch", "", "armv7a", allowed_values=("armv7a", "arm64-v8a", "x86_64")),
    EnumVariable("os", "", "linux", allowed_values=("linux", "android")),
    EnumVariable("build", "", "cross_compile", allowed_values=("native", "cross_compile")),
    BoolVariable("examples", "", True), BoolVariable("Werror", "", True),
    BoolVariable("opencl", "", True), BoolVariable("neon", "", False),
    BoolVariable("embed_kernels", "", False), BoolVariable("openmp", "", False),
    BoolVariable("cppthreads", "", True), ("extra_cxx_flags", "", ""),
)
env = Environment(platform="posix", variables=vars, ENV=os.environ)
Export("env", "vars")
if env["neon"] and "x86" in env["arch"]:
    print "no NEON for x86"
    Exit(1)
prefix = "aarch64-linux-gnu-" if env["arch"] == "arm64-v8a" else ""
if env["build"] == "native":
    prefix = ""
env["CXX"] = prefix + os.environ.get("CXX", "g++")
version = subprocess.check_output(env["CXX"].split() + ["-dumpversion"]).strip()
if not version_at_least(version, "4.9"):
    print "this compiler is too old"
    Exit(1)
env.Append(CPPPATH=["#", "#include"], CXXFLAGS=env["extra_cxx_flags"])
SConscript("./SConscript", variant_dir="#build/.", duplicate=0)
"""

SCONSCRIPT = """\
import re
import subprocess

VERSION = "v18.05"
Import("env", "vars")

def embed(target, source, env):
    src = source[0]
    lines = src.get_contents().splitlines()
    kept = [line for line in lines if not re.match("//", line)]
    with open(target[0].get_path(), "w") as out:
        out.write("R\\"(" + "\\n".join(kept) + ")\\"")

def tell_version(target, source, env):
    try:
        git_hash = subprocess.check_output(["git", "rev-parse", "HEAD"])
    except (OSError, subprocess.CalledProcessError):
        git_hash="unknown"
    words = "arm_compute_version=%s Build options: %s Git hash=%s"
    with open(target[0].get_path(), "w") as out:
        out.write("\\"" + words % (VERSION, vars.args, git_hash.strip()) + "\\"")

own = env.Clone()
made = [own.Command("src/core/arm_compute_version.embed", "", action=tell_version)]
if env["embed_kernels"]:
    made.append(own.Command("src/core/add.clembed", "src/core/CL/cl_kernels/add.cl", action=embed))
own.Append(CPPPATH=["#build/src/core"])
core = own.SharedLibrary("arm_compute_core", Glob("src/core/*.cpp"))
Depends(core, made)
Default(core, own.SharedLibrary("arm_compute", Glob("src/runtime/*.cpp"), LIBS=[core]))
"""

SOURCES = {
    "SConstruct": SCONSTRUCT,
    "SConscript": SCONSCRIPT,
    "arm_compute/core/Types.h": "int add(int, int);\n",
    "include/CL/cl.h": "\n",
    "documentation/big.txt": "not for a board\n",
    "src/core/CL/cl_kernels/add.cl": "// a kernel\nkernel void add() {}\n",
    "src/core/Version.cpp": (
        "const char *build_information()\n{\n    return\n"
        '#include "arm_compute_version.embed"\n    ;\n}\n'
    ),
    "src/core/Kernels.cpp": (
        '#include "arm_compute/core/Types.h"\nconst char *kernels = \n#include "add.clembed"\n;\n'
    ),
    **{f"src/runtime/Part{i}.cpp": f"int part{i}() {{ return {i}; }}\n" for i in range(6)},
}

COMPILER = """\
#!/bin/sh
case " $* " in *" -c "*) echo "$*" >> {tally};; esac
[ ! -f {hook} ] || . {hook}
exec {compiler} "$@"
"""


def write_library(folder: Path, **changes: str) -> Path:
    """Write the library's sources."""
    for name, text in {**SOURCES, **changes}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git there as nobody in particular; what it says."""
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run(
        ["git", *who, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


def write_repository(folder: Path, tag: str = "v18.05", **changes: str) -> Path:
    """A git repository with the library's sources at a tag."""
    write_library(folder, **changes)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=sources")
    git(folder, "tag", tag)
    return folder


class Compiler:
    """A compiler that keeps a line for each object; `prefix` is what a cross compiler's has."""

    def __init__(self, folder: Path, prefix: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{prefix}slow-g++"
        self.tally = folder / "tally"
        self.tally.touch()
        self.hook = folder / "hook"
        """Shell code that it runs first, once it is there; no part of what scons sees of it."""
        compiler = f"{prefix}g++"
        self.path.write_text(COMPILER.format(tally=self.tally, hook=self.hook, compiler=compiler))
        self.path.chmod(self.path.stat().st_mode | stat.S_IXUSR)

    def objects(self) -> list[str]:
        """Objects in the order in which their compilation began."""
        lines = self.tally.read_text().splitlines()
        return [line.split("-o ")[1].split()[0] for line in lines]

    def stop_after(self, objects: int) -> None:
        """Compile so many and then wait until the hook is gone."""
        self.hook.write_text(
            f'case " $* " in *" -c "*) while [ -f {self.hook} ] && '
            f"[ $(wc -l < {self.tally}) -gt {objects} ]; do sleep 0.1; done;; esac\n"
        )


def stop_build(folder: Path) -> None:
    """Have a build stopped, and wait until it has."""
    script = [sys.executable, str(ONBOARD / "armcl" / "build_library.py")]
    subprocess.run([*script, "stop", str(folder)], check=True)
    for _ in range(300):
        said = subprocess.run([*script, "status", str(folder)], check=True, capture_output=True)
        if not json.loads(said.stdout.splitlines()[-1])["running"]:
            return
        time.sleep(0.2)
    raise AssertionError(f"the build in {folder} does not stop")
