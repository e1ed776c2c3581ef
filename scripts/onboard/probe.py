#!/usr/bin/env python3
"""Says what a board is, as one JSON object: {"facts": {...}, "now": {...}}.

    probe.py [FOLDER ...]   FOLDER: a clock's or a thermal zone's, which a board's file names

Standard library only, Python 3.5 and later: this file is copied to boards.  `facts` holds what
stays the same from one minute to the next; `now` what does not (clocks, temperatures, free disk).
A fact that cannot be had is null, or an empty list.
OpenCL devices are listed through PyOpenCL where the Python that runs this has it (its loader may
know of devices that the system's does not), else through the system's OpenCL library.
"""

import glob
import os
import platform
import re
import shutil
import struct
import subprocess
import sys

from answers import WHOLE_PYTHON, Answer, ask, missing_module
from clock import utc_now
from cores import usable, write_cores
from kernel_files import cpufreq_folders, devfreq_folders, find
from temperatures import read_celsius
from userland import of_bits, userland

DMI = "/sys/devices/virtual/dmi/id/"
OPENCL_TIMEOUT_S = 60
_PLACEHOLDER = re.compile(
    r"(to be filled( by o\.?e\.?m\.?)?|(system|base ?board|board|chassis|product|type1)"
    r"[ _-]?(product)?[ _-]?(name|manufacturer|vendor|version|productconfigid)|default( string)?|"
    r"not (specified|applicable|available|defined|present|set)|unknown|undefined|invalid|none|null|"
    r"n/?a|o\.?e\.?m\.?|empty|all series|\W*|x[x.]*|0[0-9]*|123456789)\.?",
    re.I,
)
"""What makers of mainboards leave in DMI instead of a name."""


def read(path, default=""):
    """The text of a small file without trailing NULs and blanks; `default` if unreadable."""
    try:
        with open(path, errors="replace") as stream:
            return stream.read().strip("\0 \n\t")
    except OSError:
        return default


def distribution():
    """The distribution's name, e.g. Debian GNU/Linux 12 (bookworm)."""
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)"?', read("/etc/os-release"), re.MULTILINE)
    return found.group(1) if found else platform.system()


def model():
    """Model string as CK takes it: DMI's product name, else the device tree's model.

    Where the maker left a placeholder, the mainboard's name; "" if there is no name at all.
    """
    names = [read(DMI + "product_name"), read("/proc/device-tree/model"), read(DMI + "board_name")]
    return next((name for name in names if is_name(name)), "")


def vendor():
    """The maker of the machine, or of its mainboard, as DMI has it; "" without one."""
    names = [read(DMI + "sys_vendor"), read(DMI + "board_vendor")]
    return next((name for name in names if is_name(name)), "")


def is_name(text):
    """Whether a text of DMI's names something: most mainboards come with placeholders."""
    return not _PLACEHOLDER.fullmatch(text.strip())


def cpus():
    """[{name, cores}] in order of appearance, one entry for each kind of core."""
    counts = []
    parts = {"0xd03": "Cortex-A53", "0xd05": "Cortex-A55", "0xd08": "Cortex-A72",
             "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76"}  # fmt: skip
    for block in read("/proc/cpuinfo").split("\n\n"):
        fields = dict(re.findall(r"^([^\t:]+?)\s*:\s*(.*)$", block, re.MULTILINE))
        if "processor" not in fields:
            continue
        part = fields.get("CPU part", "")
        name = fields.get("model name") or parts.get(part) or "CPU part " + (part or "unknown")
        if counts and counts[-1]["name"] == name:
            counts[-1]["cores"] += 1
        else:
            counts.append({"name": name, "cores": 1})
    return counts


def memory_mb():
    """Memory in MiB, or None."""
    found = re.search(r"^MemTotal:\s*(\d+) kB", read("/proc/meminfo"), re.MULTILINE)
    return int(found.group(1)) // 1024 if found else None


def cpufreq_policies():
    """What the kernel lets be said and set about CPU clocks."""
    return [
        {
            "path": path,
            "cpus": read(os.path.join(path, "related_cpus")),
            "governors": read(os.path.join(path, "scaling_available_governors")).split(),
            "min_mhz": _mhz(os.path.join(path, "cpuinfo_min_freq"), 1.0),
            "max_mhz": _mhz(os.path.join(path, "cpuinfo_max_freq"), 1.0),
        }
        for path in cpufreq_folders()
    ]


def devfreq_devices():
    """The same for devices such as a GPU."""
    return [
        {
            "path": path,
            "governors": read(os.path.join(path, "available_governors")).split(),
            "min_mhz": _mhz(os.path.join(path, "min_freq"), 0.001),
            "max_mhz": _mhz(os.path.join(path, "max_freq"), 0.001),
        }
        for path in devfreq_folders()
    ]


def _mhz(path, khz_per_unit):
    text = read(path)
    return int(text) * khz_per_unit / 1000.0 if text.isdigit() else None


def thermal_zones():
    """Temperature sensors: [{path, type}]."""
    return [
        {"path": path, "type": read(os.path.join(path, "type"))}
        for path in sorted(glob.glob("/sys/class/thermal/thermal_zone*"))
    ]


def throttle_counters():
    """Files that count how often a core throttled (x86)."""
    return sorted(glob.glob("/sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count"))


def opencl_platforms():
    """(platforms with their devices, a sentence that says why there are none or "").

    Another process meets the drivers, which may crash or hang.
    """
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "opencl_devices.py")
    try:
        answer, status, said = ask([sys.executable, script, "--pyopencl"], OPENCL_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return [], "the OpenCL library does not answer within {} s".format(OPENCL_TIMEOUT_S)
    if answer is not None:
        return answer["platforms"], answer["problem"]
    module = missing_module(said)
    if module:
        hint = WHOLE_PYTHON.format(module)
        return [], "OpenCL is asked with Python's {}, which is not there; {}".format(module, hint)
    return [], "the OpenCL library crashes: exit status {}".format(status)


def python():
    """The Python that runs this: what wheels must fit, and the packages that programs use."""
    machine = of_bits(platform.machine(), struct.calcsize("P") * 8)
    libc = platform.libc_ver()
    if not libc[0] and glob.glob("/lib/ld-musl-*"):
        libc = ("musl", _musl_version())
    return {
        "version": platform.python_version(),
        "machine": machine,
        "system": platform.system(),
        "libc": list(libc),
        "packages": package_versions(),
    }


def _musl_version():
    """Version of musl, which its loader tells when it is run without arguments."""
    loader = sorted(glob.glob("/lib/ld-musl-*"))[0]
    try:
        process = subprocess.Popen([loader], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = process.communicate()[0].decode("utf-8", "replace")
    except OSError:
        return ""
    found = re.search(r"Version (\S+)", said)
    return found.group(1) if found else ""


def package_versions():
    """Versions of the Python packages that operator programs use; None for one not there."""
    versions = {}
    for name in ("numpy", "pyopencl"):
        try:
            module = __import__(name)
            versions[name] = getattr(module, "VERSION_TEXT", None) or module.__version__
        except ImportError:
            versions[name] = None
    return versions


def free_disk_mb():
    """What the disk of the working directory has left, MiB."""
    return shutil.disk_usage(".").free // 2**20


def load_average():
    """Over the last minute; Android's Python does not know."""
    return os.getloadavg()[0]


def fact(function, without=None):
    """What a function finds out; `without` where this system does not let it."""
    try:
        return function()
    except Exception as error:  # whatever is missing here is no reason to know nothing
        print("{}: {}".format(function.__name__, error), file=sys.stderr)
        return without


def facts(folders):
    """What stays the same from minute to minute; `folders` of the kernel are looked for."""
    platforms, problem = fact(opencl_platforms, ([], "the OpenCL library cannot be asked"))
    programs = fact(userland) or {"machine": platform.machine()}
    return {
        "model": fact(model, ""),
        "vendor": fact(vendor, ""),
        # What programs are made for; a 64-bit kernel may have a userland of 32 bits.
        "machine": programs["machine"],
        "kernel_machine": platform.machine(),
        "userland": programs,
        "kernel": platform.platform(),
        "distribution": fact(distribution, ""),
        "cpus": fact(cpus, []),
        # Those that programs may run on; "" where the system does not say.
        "cores": write_cores(fact(usable, [])),
        "memory_mb": fact(memory_mb),
        "cpufreq_policies": fact(cpufreq_policies, []),
        "devfreq_devices": fact(devfreq_devices, []),
        "thermal_zones": fact(thermal_zones, []),
        "throttle_counters": fact(throttle_counters, []),
        "folders": {folder: find(folder) for folder in folders},
        "python": python(),
        "opencl_platforms": platforms,
        "opencl_problem": problem,
    }


def now(zones):
    """What changes from minute to minute; zones: the facts' `thermal_zones`."""
    return {
        "at": utc_now(),
        "free_disk_mb": fact(free_disk_mb),
        "load_average": fact(load_average),
        "temperatures_c": {
            zone["type"]: read_celsius(os.path.join(zone["path"], "temp")) for zone in zones
        },
    }


def main(folders):
    """Answer with the probe's findings."""
    answer = Answer()
    found = facts(folders)
    answer.give({"facts": found, "now": now(found["thermal_zones"])})


if __name__ == "__main__":
    main(sys.argv[1:])
