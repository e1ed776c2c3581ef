#!/usr/bin/env python3
"""Says what a board is, as one JSON object: {"facts": {...}, "now": {...}}.

Standard library only, Python 3.5 and later: this file is copied to boards.  `facts` holds what
stays the same from one minute to the next; `now` what does not (clocks, temperatures, free disk).
OpenCL devices are listed through PyOpenCL where the Python that runs this has it (its loader may
know of devices that the system's does not), else through the system's OpenCL library.
"""

import glob
import json
import os
import platform
import re
import shutil
import struct
import subprocess
import sys

from clock import utc_now
from opencl_devices import platforms_in_another_process


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
    """Model string as CK takes it: DMI's product name, else the device tree's model."""
    return read("/sys/devices/virtual/dmi/id/product_name") or read("/proc/device-tree/model")


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
        for path in sorted(glob.glob("/sys/devices/system/cpu/cpufreq/policy*"))
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
        for path in sorted(glob.glob("/sys/class/devfreq/*"))
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
    """OpenCL platforms with their devices, or a sentence that says why there are none."""
    try:
        import pyopencl as cl
    except ImportError:
        return platforms_in_another_process()
    try:
        platforms = cl.get_platforms()
    except cl.Error as error:
        return [], "OpenCL lists no platform: {}".format(error)
    return [
        {
            "name": found.name,
            "version": found.version,
            "devices": [_opencl_device(found, device) for device in found.get_devices()],
        }
        for found in platforms
    ], ""


def _opencl_device(found, device):
    return {
        "name": device.name.strip("\0 "),
        "vendor": device.vendor,
        "platform": found.name,
        "device_version": device.version,
        "driver_version": device.driver_version,
        "opencl_c_version": device.opencl_c_version,
        "compute_units": device.max_compute_units,
        "max_clock_mhz": device.max_clock_frequency,
        "max_work_group_size": device.max_work_group_size,
        "global_memory_mb": device.global_mem_size // 2**20,
        "extensions": sorted(device.extensions.split()),
    }


def python():
    """The Python that runs this: what wheels must fit, and the packages that programs use."""
    machine = platform.machine()
    if struct.calcsize("P") == 4:  # a 32-bit userland on a 64-bit kernel
        machine = {"aarch64": "armv7l", "x86_64": "i686"}.get(machine, machine)
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


def main():
    """Print the probe's findings."""
    platforms, problem = opencl_platforms()
    facts = {
        "model": model(),
        "vendor": read("/sys/devices/virtual/dmi/id/sys_vendor"),
        "machine": platform.machine(),
        "kernel": platform.platform(),
        "distribution": distribution(),
        "cpus": cpus(),
        "memory_mb": memory_mb(),
        "cpufreq_policies": cpufreq_policies(),
        "devfreq_devices": devfreq_devices(),
        "thermal_zones": thermal_zones(),
        "throttle_counters": throttle_counters(),
        "python": python(),
        "opencl_platforms": platforms,
        "opencl_problem": problem,
    }
    disk = shutil.disk_usage(sys.argv[1] if len(sys.argv) > 1 else ".")
    now = {
        "at": utc_now(),
        "free_disk_mb": disk.free // 2**20,
        "load_average": os.getloadavg()[0],
        "temperatures_c": {zone["type"]: _celsius(zone["path"]) for zone in facts["thermal_zones"]},
    }
    json.dump({"facts": facts, "now": now}, sys.stdout, sort_keys=True)
    print()


def _celsius(path):
    text = read(os.path.join(path, "temp"))
    return int(text) / 1000.0 if text.lstrip("-").isdigit() else None


if __name__ == "__main__":
    main()
