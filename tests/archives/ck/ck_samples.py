"""Plans, journals and archives to test with, and where the genuine ones are."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ck_entries import write_zip
from nntest.archives.ck import KnownPlatform, read_rows
from nntest.archives.measurements import to_frame
from nntest.domain.tensors import OPERATOR_SPECIES, Tensor

REPOSITORY = Path(__file__).resolve().parents[3]
GENUINE = REPOSITORY.parent / "shared" / "data" / "ck"
NONE_ZIP = GENUINE / "genuine_nntest" / "ck-nntest-testbed-tuner-none.zip"
DEFAULT_ZIP = GENUINE / "genuine_nntest" / "ck-nntest-testbed-tuner-default.zip"
PROFILER_ZIP = GENUINE / "genuine_nntest" / "ck-nntest-testbed-profiler.zip"
FIREFLY_ENTRIES = GENUINE / "rk3399_firefly"

needs_genuine = pytest.mark.skipif(
    not GENUINE.is_dir(), reason="the genuine CK archives are not beside this checkout"
)

FIREFLY = KnownPlatform(
    "firefly-rk3399",
    "Firefly RK3399",
    ("Rockchip RK3399 Firefly Board (Linux Opensource)",),
)
MODEL = "Test Board (rev 1)"
TENSORS = ("512-14-14-1-512-1-0", "3-224-224-3-32-2-0", "32-112-112-1-64-1-0")


# -- plans and journals --------------------------------------------------------------------


def make_point(
    operator: str = "conv", tensor: str = TENSORS[0], tuner: str = "NONE", **changes: Any
) -> dict[str, Any]:
    """One point of a plan."""
    env = Tensor.parse(OPERATOR_SPECIES[operator], tensor).env()
    name = f"{operator} {tensor} {tuner}"
    point = {
        "id": f"{sum(ord(char) * 257**i for i, char in enumerate(name)) % 2**64:016x}",
        "operator": operator,
        "species": OPERATOR_SPECIES[operator],
        "program": f"{operator}-opencl-reference",
        "tensor": tensor,
        "batch_size": 1,
        "tuner": tuner,
        "argv": ["run"],
        "env": {**env, "CK_IN_SHAPE_N": "1", "CK_LWS_TUNER_TYPE": tuner, "CK_SEED": "42"},
        "repetitions": 3,
        "repetitions_per_process": 3,
        "timeout_s": 60,
        "protocol": "in-process",
        "warmup": "always",
        "checksum": "ab" * 32,
    }
    return {**point, **changes}


def make_plan(points: Iterable[dict[str, Any]] | None = None, **ck: Any) -> dict[str, Any]:
    """A plan of a sweep; `ck` changes its part for CK."""
    return {
        "version": 1,
        "plan_id": "0" * 16,
        "sweep": "bench.opencl-reference",
        "study": "study",
        "seed": 42,
        "points": list(points) if points is not None else [make_point()],
        "ck": {
            "label": "study-bench",
            "timestamp": "2026-11-21T20:00:00Z",
            "user": "tester",
            "board": "bench",
            "emulated": False,
            "library_tag": "opencl-reference-1.0-1a2b3c4",
            "library": {"name": "opencl-reference", "version": "1.0", "checksum": "cd" * 32},
            "platform": {"name": "Test board", "model": MODEL, "vendor": "Testers"},
            "cpu": {"name": "Some CPU", "abi": "x86_64", "num_proc": 2},
            "os": {"name": "Linux", "name_long": "Linux-6", "abi": "x86_64", "bits": "64"},
            "gpgpu": {
                "name": "Some GPU",
                "vendor": "Vendor",
                "platform": "Portable",
                "driver_version": "3.1",
                "device_version": "OpenCL 3.0",
                "opencl_c_version": "OpenCL C 1.2",
                "compute_units": 2,
                "max_clock_mhz": 2600,
            },
            "datasets": {"conv": "tensor-conv-study"},
            "facts": {"kernel": "6.1"},
            **ck,
        },
    }


def header(journal: str = "f" * 32) -> dict[str, Any]:
    """First line of a journal."""
    return {"journal": journal, "created_at": "2026-11-21T19:59:00Z"}


def good(point: Mapping[str, Any], repetition: int = 0, **changes: Any) -> dict[str, Any]:
    """Journal line of a repetition that succeeded."""
    line = {
        "point": point["id"],
        "repetition": repetition,
        "process": 0,
        "status": "ok",
        "setup_s": 0.25,
        "time_s": 0.002 + 0.0001 * repetition,
        "tuning_s": 0.5,
        "started_at": f"2026-11-21T20:00:{repetition:02d}Z",
        "output_check": {"ok": True, "max_abs_diff": 1e-6, "threshold": 0.001},
        "run_time_state": {},
        "state_before": {"clock_mhz": 800.0, "temperature_c": 51.0},
        "state_after": {"clock_mhz": 790.0, "temperature_c": None},
        "throttled": False,
    }
    return {**line, **changes}


def bad(
    point: Mapping[str, Any], repetition: int = 0, status: str = "timeout", **changes: Any
) -> dict[str, Any]:
    """Journal line of a repetition that failed."""
    line = {
        "point": point["id"],
        "repetition": repetition,
        "process": 1,
        "status": status,
        "reason": "it took too long",
        "log_tail": "last words",
        "started_at": "2026-11-21T20:01:00Z",
        "state_before": {},
        "state_after": {},
        "throttled": None,
    }
    return {**line, **changes}


def write(path: Path, plan: dict[str, Any], lines: Iterable[dict[str, Any]]) -> Path:
    """Write an archive of ours; returns its path."""
    write_zip(plan, lines, str(path))
    return path


def frame_of(path: Path, *known: KnownPlatform, warnings: list[str] | None = None, **options: Any):
    """The measurement table of an archive."""
    reported = warnings if warnings is not None else []
    return to_frame(read_rows(path, known, reported.append, **options))


# -- archives as real CK writes them -------------------------------------------------------

MODULE_UID = "bc0409fb61f0aa82"


def ck_point(
    program: str = "conv-armcl-opencl",
    tensor: str = "shape-512-14-14-1-512-1-0",
    runs: list[dict[str, Any]] | None = None,
    env: dict[str, Any] | None = None,
    **choices: Any,
) -> dict[str, Any]:
    """A recording with CK's keys, of two good repetitions unless `runs` says other."""
    if env is None:
        env = {
            "CK_IN_SHAPE_N": 1,
            "CK_IN_SHAPE_C": 512,
            "CK_IN_SHAPE_H": 14,
            "CK_IN_SHAPE_W": 14,
            "CK_CONV_KERNEL": 1,
            "CK_CONV_STRIDE": 1,
            "CK_CONV_PAD": 0,
            "CK_OUT_SHAPE_C": 512,
            "CK_LWS_TUNER_TYPE": "NONE",
        }
    if runs is None:
        runs = [ck_run(0.003), ck_run(0.004)]
    return {
        "characteristics_list": [{"run": run} for run in runs],
        "choices": {
            "data_uoa": program,
            "dataset_file": tensor,
            "dataset_uoa": "tensor-conv-mobilenets-v1-1.0-224",
            "dvdt_prof": "no",
            "env": env,
            "mali_hwc": "no",
            **choices,
        },
        "choices_order": ["##env#CK_IN_SHAPE_N"],
        "features": {
            "gpgpu": [
                {
                    "gpgpu": {"name": "Mali-T860", "type": "opencl", "vendor": "ARM"},
                    "gpgpu_misc": {"software (driver) version": "1.2"},
                }
            ],
            "platform": {"platform": {"model": FIREFLY.models[0] + "\0", "name": "Rockchip"}},
        },
    }


def ck_run(time_s: float) -> dict[str, Any]:
    """CK's facts of a good repetition."""
    return {
        "execution_time_kernel_0": 0.5 + time_s,
        "execution_time_kernel_1": time_s,
        "run_success": "yes",
        "run_success_bool": True,
    }


def ck_meta(program: str = "conv-armcl-opencl", points: int = 1) -> dict[str, Any]:
    """An entry's meta with CK's keys."""
    library = "arm-compute-library-opencl-18.05-b3a371b"
    times = ["2018-08-09T10:00:00", "20180809100000"]
    return {
        "added": {"engine": "CK", "iso_datetime": "2018-08-09T10:00:00.1", "version": ["1"]},
        "meta": {"prog_uoa": program, "species": "conv", "timestamp": times[0]},
        "points": str(points),
        "tags": ["nntest", program, library, *times, "conv"],
    }


def ck_members(
    points: Mapping[str, Mapping[str, Any]],
    alias: str = "nntest-conv-armcl-opencl-arm-compute-library-opencl-18.05-b3a371b-label",
    uid: str = "0123456789abcdef",
    meta: dict[str, Any] | None = None,
) -> dict[str, bytes]:
    """Members of CK's zip of one entry; `points` by the middle of their names, uid.0001."""
    names = {name[:16] for name in points}
    return {
        ".cm/alias-a-experiment": f"{MODULE_UID}\n".encode(),
        f".cm/alias-u-{MODULE_UID}": b"experiment\n",
        f"experiment/.cm/alias-a-{alias}": f"{uid}\n".encode(),
        f"experiment/.cm/alias-u-{uid}": f"{alias}\n".encode(),
        f"experiment/{alias}/.cm/meta.json": dumps(meta or ck_meta(points=len(names))),
        f"experiment/{alias}/.cm/info.json": dumps(
            {"backup_data_uid": uid, "backup_module_uid": MODULE_UID, "data_name": alias}
        ),
        **{
            f"experiment/{alias}/ckp-{name}.json": dumps(content)
            for name, content in points.items()
        },
    }


def dumps(value: Any) -> bytes:
    """JSON in CK's layout."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def zip_of(path: Path, members: Mapping[str, bytes] | Iterable[tuple[Any, bytes]]) -> Path:
    """A zip of these members; pairs of a name (or ZipInfo) and contents may repeat names."""
    pairs = members.items() if isinstance(members, Mapping) else members
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in pairs:
            archive.writestr(name, data)
    path.write_bytes(buffer.getvalue())
    return path


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a trusted archive; returns the folder."""
    with zipfile.ZipFile(archive) as source:
        source.extractall(folder)
    return folder
