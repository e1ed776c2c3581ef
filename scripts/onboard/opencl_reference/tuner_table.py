"""Tables of kernels' local work sizes: JSON files that searches write and later processes read."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from failures import BadValue
from records import write_json

if TYPE_CHECKING:
    from device import Device
    from launch import Launch

TABLE_SCHEMA = "nntest-flow/opencl-local-sizes"
TABLE_VERSION = 1
THOROUGHNESS = {"rapid": 0, "normal": 1, "exhaustive": 2}


def key_of(device: Device, launch: Launch) -> str:
    """Return what a tuned size depends on, as one line: it holds as long as none of it changes."""
    handle = device.handle
    threads = () if device.threads is None else (f"threads {device.threads}",)
    return " | ".join(
        (
            handle.name.strip(),
            handle.platform.name.strip(),
            handle.driver_version.strip(),
            f"{launch.name}@{launch.source_hash}",
            " ".join(launch.options),
            "global " + "x".join(str(number) for number in launch.items),
            "arguments " + ",".join(str(number) for number in launch.numbers),
            *threads,
        )
    )


class TunerTable:
    """The tuned local sizes, in a JSON file or, without a path, for this process only."""

    def __init__(self, path: str | None) -> None:
        """Read the table; a file that is not there is an empty table.

        Raises BadValue for a file that is not a table, or a folder that it could not be written to.
        """
        self.path = path
        self.entries = self._read() if path else {}
        folder = os.path.dirname(os.path.abspath(path)) if path else "."
        if not os.access(folder, os.W_OK):
            raise BadValue(f"NNTEST_TUNER_TABLE={path!r} lies in a folder that cannot be written")

    def find(self, key: str, mode: str) -> dict[str, Any] | None:
        """Return the entry of ``key`` if it was tuned as thoroughly as ``mode`` or more so."""
        entry = self.entries.get(key)
        if entry is None or THOROUGHNESS[entry["mode"]] < THOROUGHNESS[mode]:
            return None
        return entry

    def add(self, entries: dict[str, dict[str, Any]]) -> None:
        """Add entries and write the table, with what others have added to it meanwhile."""
        if not self.path:
            self.entries.update(entries)
            return
        self.entries = {**self._read(), **entries}
        content = {"schema": TABLE_SCHEMA, "version": TABLE_VERSION, "entries": self.entries}
        try:
            write_json(self.path, content)
        except OSError as error:
            raise BadValue(
                f"NNTEST_TUNER_TABLE={self.path!r} cannot be written: {error.strerror}"
            ) from None

    def _read(self) -> dict[str, dict[str, Any]]:
        assert self.path is not None
        return read_table(self.path, "NNTEST_TUNER_TABLE") or {}


class GivenSizes:
    """The local sizes that somebody else chose: a table that is only read.

    It is a file such as a `TunerTable` writes.  Where it has no entry under a kernel's own key, one
    under the kernel's name alone holds for all shapes and devices, so that it can be written by
    hand; such an entry needs no mode.
    """

    def __init__(self, path: str | None) -> None:
        """Read the table; raises BadValue where there is none."""
        if not path:
            raise BadValue(
                "CK_LWS_TUNER_TYPE='CUSTOM' takes the local sizes from the file that "
                "NNTEST_TUNER_TABLE_IN names, and it is not set"
            )
        entries = read_table(path, "NNTEST_TUNER_TABLE_IN")
        if entries is None:
            raise BadValue(f"NNTEST_TUNER_TABLE_IN={path!r} is not there")
        self.entries = entries

    def find(self, key: str, kernel: str) -> dict[str, Any] | None:
        """Return the entry of a kernel, or None."""
        return self.entries.get(key) or self.entries.get(kernel)


def read_table(path: str, variable: str) -> dict[str, dict[str, Any]] | None:
    """Return the entries of the file that ``variable`` names; None where there is no file.

    Raises BadValue for a file that cannot be read, or is not such a table.
    """
    remedy = "correct or remove the file"
    try:
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadValue(f"{variable}={path!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BadValue(f"{variable}={path!r} is not JSON ({error}); {remedy}") from None
    if not isinstance(content, dict) or content.get("schema") != TABLE_SCHEMA:
        raise BadValue(f"{variable}={path!r} is not a table of local sizes; {remedy}")
    if content.get("version") != TABLE_VERSION:
        raise BadValue(
            f"{variable}={path!r} has version {content.get('version')!r} and "
            f"this program reads version {TABLE_VERSION}; remove the file to tune anew"
        )
    entries = content.get("entries")
    if not isinstance(entries, dict) or not all(
        _is_entry(entry, variable != "NNTEST_TUNER_TABLE") for entry in entries.values()
    ):
        raise BadValue(f"{variable}={path!r} has an entry that is not a local size; {remedy}")
    return entries


def _is_entry(entry: object, by_hand: bool) -> bool:
    """Return whether ``entry`` is what a search leaves; the mode may be missing ``by_hand``."""
    if not isinstance(entry, dict):
        return False
    if entry.get("mode") not in THOROUGHNESS and not (by_hand and "mode" not in entry):
        return False
    size = entry.get("local_size", ())
    return size is None or (
        isinstance(size, list)
        and len(size) == 3
        and all(isinstance(number, int) and 0 < number < 2**31 for number in size)
    )
