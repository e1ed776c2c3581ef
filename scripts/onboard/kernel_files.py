"""Folders of the kernel that have other names on other kernels: the board is asked which it has.

Standard library only, Python 3.5 and later: this file is copied to boards.

A clock's folder is policy0 since Linux 4.3 and cpu0/cpufreq before; a GPU's is named after its
driver, its place in the device tree, or by a number.  A file that was written for another kernel
means the same device: the same CPU, or the same address in the device tree.
"""

import glob
import os
import re

_POLICY = re.compile(r"(.*)/cpufreq/policy(\d+)\Z")
_CPU = re.compile(r"(.*)/cpu(\d+)/cpufreq\Z")
_DEVFREQ = re.compile(r"(.*?)/(?:class|devices/.*)/?devfreq/[^/]+\Z")
_ZONE = re.compile(r"(.*)/(?:class|devices/virtual)/thermal/(thermal_zone\d+)\Z")
_ADDRESS = re.compile(r"(?<![0-9a-z])(?:0x)?0*([0-9a-f]{5,16})(?:\.|\Z)")
"""A part of a path such as ff9a0000.gpu, which is the device at that address."""
_GPU = re.compile(r"gpu|mali|panfrost|kgsl", re.I)


def find(path):
    """The folder that this kernel has for `path`, itself where it is there; None without one."""
    path = path.rstrip("/")
    if os.path.isdir(path):
        return path
    for pattern, others in ((_POLICY, _of_cpu), (_CPU, _of_policy), (_ZONE, _zones)):
        found = pattern.match(path)
        if found:
            return next((other for other in others(*found.groups()) if os.path.isdir(other)), None)
    found = _DEVFREQ.match(path)
    return _same_device(path, devfreq_folders(found.group(1))) if found else None


def find_file(path):
    """The same for a file in such a folder; `path` itself where the kernel has none."""
    folder = find(os.path.dirname(path))
    return os.path.join(folder, os.path.basename(path)) if folder else path


def cpufreq_folders(sys_root="/sys"):
    """The folders of all CPU clocks, each once, in the order of their CPUs."""
    cpus = sys_root + "/devices/system/cpu"
    named = glob.glob(cpus + "/cpufreq/policy*") or glob.glob(cpus + "/cpu[0-9]*/cpufreq")
    # Before 4.3, CPUs that share a clock link to the first one's folder.
    own = [path for path in named if not os.path.islink(path)]
    return sorted(own, key=lambda path: [int(number) for number in re.findall(r"\d+", path)])


def devfreq_folders(sys_root="/sys"):
    """The folders of all other clocks, such as a GPU's."""
    return sorted(glob.glob(sys_root + "/class/devfreq/*"))


def _of_cpu(root, number):
    return [root + "/cpu" + number + "/cpufreq"]


def _of_policy(root, number):
    policies = [root + "/cpufreq/policy" + number]
    for policy in sorted(glob.glob(root + "/cpufreq/policy*")):
        try:
            with open(os.path.join(policy, "related_cpus")) as stream:
                if number in stream.read().split():
                    policies.append(policy)
        except OSError:
            continue
    return policies


def _zones(root, name):
    return [root + kind + "/thermal/" + name for kind in ("/class", "/devices/virtual")]


def _same_device(path, folders):
    """The folder of the device that `path` names: by its address, else as the one GPU."""
    wanted = _addresses(_below_sys(path))
    if wanted:
        found = [folder for folder in folders if wanted & _addresses(*_real_names(folder))]
    elif _GPU.search(_below_sys(path)):
        found = [folder for folder in folders if any(map(_GPU.search, _real_names(folder)))]
    else:
        found = []
    return found[0] if len(found) == 1 else None


def _real_names(folder):
    """What a clock's folder is really called, and the device that it belongs to."""
    names = (folder, os.path.join(folder, "device"))
    return [_below_sys(os.path.realpath(name)) for name in names]


def _below_sys(path):
    return re.sub(r"^.*?/(class|devices)/", "", path)


def _addresses(*paths):
    names = [name for path in paths for name in path.lower().split("/")]
    return {found.group(1) for found in map(_ADDRESS.search, names) if found}
