#!/usr/bin/env python3
"""Lists the OpenCL platforms and devices of a board, as one JSON object.

{"platforms": [{"name", "version", "devices": [{...}]}], "problem": "why there are none"}

Standard library only, Python 3.5 and later: this file is copied to boards, which need no PyOpenCL
for it.  The library is looked for under the names, and in the order, in which Arm Compute Library
looks for it, so that the first device here is the one that it takes.  With `--pyopencl` PyOpenCL is
asked where there is one.  As a program of its own it keeps a driver that crashes or hangs away from
the caller.
"""

import ctypes
import sys

from answers import Answer

NAMES = ("libOpenCL.so", "libGLES_mali.so", "libmali.so", "libOpenCL.so.1")

ALL_DEVICES = 0xFFFFFFFF
# Numbers of what can be asked, from the OpenCL headers (CL/cl.h).
PLATFORM_TEXTS = {"version": 0x0901, "name": 0x0902}
DEVICE_TEXTS = {
    "name": 0x102B,
    "vendor": 0x102C,
    "driver_version": 0x102D,
    "device_version": 0x102F,
    "opencl_c_version": 0x103D,
}
EXTENSIONS = 0x1030
DEVICE_NUMBERS = {
    "compute_units": (0x1002, ctypes.c_uint32),
    "max_clock_mhz": (0x100C, ctypes.c_uint32),
    "max_work_group_size": (0x1004, ctypes.c_size_t),
}
GLOBAL_MEMORY = (0x101F, ctypes.c_uint64)


def load():
    """The board's OpenCL library, or OSError with the last thing that went wrong."""
    for name in NAMES:
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            last = error
    raise last


def _handles(function, *arguments):
    """Everything that a function of OpenCL lists; nothing where it reports an error."""
    count = ctypes.c_uint32(0)
    if function(*(arguments + (ctypes.c_uint32(0), None, ctypes.byref(count)))) != 0:
        return []
    found = (ctypes.c_void_p * count.value)()
    if function(*(arguments + (count, found, None))) != 0:
        return []
    return [ctypes.c_void_p(handle) for handle in found]


def _text(query, handle, what):
    size = ctypes.c_size_t(0)
    if query(handle, ctypes.c_uint32(what), ctypes.c_size_t(0), None, ctypes.byref(size)) != 0:
        return ""
    value = ctypes.create_string_buffer(size.value + 1)
    query(handle, ctypes.c_uint32(what), size, value, None)
    return value.value.decode("utf-8", "replace").strip("\0 ")


def _number(query, handle, what, kind):
    value = kind(0)
    query(
        handle,
        ctypes.c_uint32(what),
        ctypes.c_size_t(ctypes.sizeof(kind)),
        ctypes.byref(value),
        None,
    )
    return value.value


def _device(query, platform_name, handle):
    device = {key: _text(query, handle, what) for key, what in DEVICE_TEXTS.items()}
    for key, (what, kind) in DEVICE_NUMBERS.items():
        device[key] = _number(query, handle, what, kind)
    device["platform"] = platform_name
    device["global_memory_mb"] = _number(query, handle, *GLOBAL_MEMORY) // 2**20
    device["extensions"] = sorted(_text(query, handle, EXTENSIONS).split())
    return device


def platforms():
    """Platforms with their devices, and a sentence that says why there are none (or "")."""
    try:
        library = load()
    except OSError as error:
        return [], "there is no OpenCL library: {}".format(error)
    found = []
    for handle in _handles(library.clGetPlatformIDs):
        name = _text(library.clGetPlatformInfo, handle, PLATFORM_TEXTS["name"])
        devices = _handles(library.clGetDeviceIDs, handle, ctypes.c_uint64(ALL_DEVICES))
        found.append(
            {
                "name": name,
                "version": _text(library.clGetPlatformInfo, handle, PLATFORM_TEXTS["version"]),
                "devices": [_device(library.clGetDeviceInfo, name, device) for device in devices],
            }
        )
    return found, "" if found else "the OpenCL library lists no platform"


def platforms_of_pyopencl():
    """The same as `platforms`, by PyOpenCL, whose loader may know of more devices."""
    try:
        import pyopencl as cl
    except ImportError:
        return platforms()
    try:
        listed = cl.get_platforms()
    except cl.Error as error:
        return [], "OpenCL lists no platform: {}".format(error)
    return [
        {
            "name": found.name,
            "version": found.version,
            "devices": [_device_of_pyopencl(found, device) for device in found.get_devices()],
        }
        for found in listed
    ], ""


def _device_of_pyopencl(found, device):
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


def main(arguments):
    """Answer with what is listed."""
    answer = Answer()
    listed, problem = platforms_of_pyopencl() if "--pyopencl" in arguments else platforms()
    answer.give({"platforms": listed, "problem": problem})


if __name__ == "__main__":
    main(sys.argv[1:])
