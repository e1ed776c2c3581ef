"""The OpenCL device: chosen by its indices, with its context, its queue and its compiler."""

from __future__ import annotations

import hashlib
import os
import warnings
from typing import Any

import profiling
import pyopencl as cl
from failures import BuildFailed, NotSupported

KERNEL_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels")
LOG_TAIL = 2000  # characters of a build log that are worth keeping

_INSTALL = (
    "install the vendor's OpenCL driver with its ICD file in /etc/OpenCL/vendors, or "
    "'pip install pocl-binary-distribution' to run on the CPU"
)


def _platforms() -> list[Any]:
    try:
        return list(cl.get_platforms())
    except cl.Error:  # The loader reports "no platform at all" as an error.
        return []


def _devices(platform: Any) -> list[Any]:
    try:
        return list(platform.get_devices())
    except cl.Error:
        return []


def _available(platforms: list[Any]) -> str:
    """List what can be chosen, as "platform/device name" pairs."""
    names = [
        f"{i}/{j} {device.name.strip()} ({platform.name.strip()})"
        for i, platform in enumerate(platforms)
        for j, device in enumerate(_devices(platform))
    ]
    return "; ".join(names) or "none"


class Device:
    """One OpenCL device, ready for use.

    ``queue`` executes in order, so the kernels of an operator need no events between them.
    """

    def __init__(self, platform: int, device: int) -> None:
        """Open device number ``device`` of platform number ``platform``.

        Raises NotSupported where there is none, with the indices that there are.
        """
        platforms = _platforms()
        if not platforms:
            raise NotSupported(f"there is no OpenCL platform on this machine; {_INSTALL}")
        devices = _devices(platforms[platform]) if platform < len(platforms) else []
        if device >= len(devices):
            raise NotSupported(
                f"there is no OpenCL device with CK_COMPUTE_PLATFORM_ID={platform} and "
                f"CK_COMPUTE_DEVICE_ID={device}; there are (platform/device): "
                f"{_available(platforms)}; choose one of these, or {_INSTALL}"
            )
        self.handle = devices[device]
        self.context = cl.Context([self.handle])
        keeps_times = cl.command_queue_properties.PROFILING_ENABLE if profiling.recorder else 0
        self.queue = cl.CommandQueue(self.context, properties=keeps_times)
        self.vector_width = 16 if self.handle.native_vector_width_float >= 16 else 8
        self.threads: int | None = None
        """How many were asked for; None: one for each core."""
        self._built: dict[tuple[tuple[str, ...], tuple[str, ...]], tuple[Any, str]] = {}

    def take_threads(self, count: int | None) -> None:
        """Note the number of threads; raises NotSupported where it was not PoCL that took it."""
        self.threads = count
        units = self.handle.max_compute_units
        pocl = "Portable Computing Language" in self.handle.platform.name
        if count is not None and not (pocl and units == count):
            raise NotSupported(
                f"NNTEST_THREADS='{count}' is not supported: {self.handle.name.strip()} has "
                f"{units} compute units, and only PoCL on a CPU can be given another number"
            )

    def describe(self) -> dict[str, Any]:
        """Return what identifies the device and bounds its speed; sizes in bytes, clock in MHz."""
        handle, platform = self.handle, self.handle.platform
        return {
            "name": handle.name.strip(),
            "vendor": handle.vendor.strip(),
            "platform": platform.name.strip(),
            "platform_version": platform.version.strip(),
            "driver_version": handle.driver_version.strip(),
            "opencl_version": handle.version.strip(),
            "opencl_c_version": handle.opencl_c_version.strip(),
            "compute_units": handle.max_compute_units,
            "max_clock_mhz": handle.max_clock_frequency,
            "max_work_group_size": handle.max_work_group_size,
            "max_work_item_sizes": list(handle.max_work_item_sizes),
            "global_memory_bytes": handle.global_mem_size,
            "local_memory_bytes": handle.local_mem_size,
            "pyopencl_version": cl.VERSION_TEXT,
        }

    def tile_width(self, length: int) -> int:
        """Choose how many neighbouring elements of a row of ``length`` a work-item computes.

        The device's own width (16 with 512-bit vectors, 8 elsewhere), halved until the row holds
        one tile, but at least 4.
        """
        width = self.vector_width
        while width > max(length, 4):
            width //= 2
        return width

    def build(self, sources: tuple[str, ...], options: tuple[str, ...]) -> tuple[Any, str]:
        """Build the files ``sources`` of the kernel folder as one program, once in a process.

        Returns the program and a short hash of its source. Raises BuildFailed with the end of the
        compiler's log.
        """
        key = (sources, options)
        if key not in self._built:
            self._built[key] = self._build(sources, options)
        return self._built[key]

    def _build(self, sources: tuple[str, ...], options: tuple[str, ...]) -> tuple[Any, str]:
        texts = []
        for name in sources:
            with open(os.path.join(KERNEL_FOLDER, name), encoding="utf-8") as file:
                texts.append(file.read())
        source = "\n".join(texts)
        try:
            with warnings.catch_warnings():
                # Drivers that write "build successful" to the log would warn on every run.
                warnings.simplefilter("ignore", cl.CompilerWarning)
                program = cl.Program(self.context, source).build(list(options))
        except cl.RuntimeError as error:
            if error.code != cl.status_code.BUILD_PROGRAM_FAILURE:
                raise
            # PyOpenCL's message names the error three times before the log begins.
            _, mark, log = str(error).partition("Build on ")
            log = (log if mark else str(error))[-LOG_TAIL:].strip()
            raise BuildFailed(
                f"the OpenCL compiler rejected {' + '.join(sources)} "
                f"with the options {' '.join(options)!r}: {log}"
            ) from None
        return program, hashlib.sha256(source.encode()).hexdigest()[:12]
