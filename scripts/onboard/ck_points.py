"""What CK keeps of one point: what it ran on, what it was asked to do, how each repetition went.

Every function turns a part of a plan or a line of a journal into the JSON that real CK writes
at that place; `ck_entries` puts them together.  Runs on boards: standard library, Python 3.5.
"""

import math
import re

from ck_profiles import phases_of_launches, profile_of_run
from outcomes import FAILED, OK, WRONG_OUTPUT

PROGRAM_MODULE_UID = "b0ac08fe1d3c2615"
"""UID of CK's module "program"."""

HOST_OS = {"64": "linux-64", "32": "linux-32"}
"""CK's names of the operating system, by the bits of a word."""

OWN_PROFILES = ("energy", "accuracy", "streams", "sustained")
"""What watches a point that CK has no word for."""

_LONGEST_LOG_TAIL = 20000
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,15}\Z")
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]*([eE][-+]?[0-9]{1,2})?\Z|-?[0-9]+[eE][-+]?[0-9]{1,2}\Z")


def recording(plan, point, lines):
    """One ``ckp-*.0001.json``: a point, and its journal lines in the order of repetitions."""
    about = _features(plan["ck"])
    about["statistical_repetitions"] = point["repetitions"]
    content = {
        "features": about,
        "choices": _choices(plan, point),
        "choices_order": ["##env#CK_IN_SHAPE_N"],
        "characteristics_list": [_characteristics_or_failure(point, line) for line in lines],
    }
    if "network" in point:
        # What a whole network's layers ran with: CK has no place for it.
        content["nntest_flow"] = {"network": point["network"]}
    return content


def pipeline_state(point, line):
    """The flat file of a point that failed: where CK keeps the reason of an aborted run."""
    reason = line["status"]
    if line.get("reason"):
        reason += ": " + text(line["reason"])
    values = {
        "fail": "yes",
        "fail_bool": True,
        "fail_reason": reason,
        "repetitions": point["repetitions"],
    }
    flat = {}
    for key, value in values.items():
        stem = "##pipeline_state#" + key + "#"
        flat[stem + "all"] = flat[stem + "all_unique"] = [value]
        flat[stem + "min"] = value
        flat[stem + "repeats"] = 1
    return flat


def about_sweep(plan):
    """What an entry's meta says of the sweep that it is from, whoever measured it."""
    ck = plan["ck"]
    return {
        "sweep": plan["sweep"],
        "study": plan["study"],
        "seed": plan["seed"],
        "board": ck["board"],
        "emulated": ck["emulated"],
        "label": ck["label"],
        "library": ck["library"],
        "platform": ck["platform"],
        "facts": ck.get("facts") or {},
    }


def dataset(ck, point):
    """The CK-NNTest data set that a point's tensor is from, or ""."""
    return (ck.get("datasets") or {}).get(point["species"], "")


# -- parts of a recording ------------------------------------------------------------------


def _features(ck):
    gpgpu = ck.get("gpgpu") or {}
    devices = []
    if gpgpu:
        devices = [
            {
                "gpgpu": {
                    "name": text(gpgpu.get("name")),
                    "type": "opencl",
                    "vendor": text(gpgpu.get("vendor")),
                },
                "gpgpu_deps": {},
                "gpgpu_id": {},
                "gpgpu_misc": {
                    "hardware (device) version": text(gpgpu.get("device_version")),
                    "max clock (mhz)": text(gpgpu.get("max_clock_mhz")),
                    "opencl c version": text(gpgpu.get("opencl_c_version")),
                    "opencl platform": text(gpgpu.get("platform")),
                    "parallel compute units": text(gpgpu.get("compute_units")),
                    "software (driver) version": text(gpgpu.get("driver_version")),
                },
            }
        ]
    cpu = ck["cpu"]
    return {
        "dataset": {},
        "gpgpu": devices,
        "number_of_selected_compiler_flags": 0,
        "platform": {
            "cpu": {
                "cpu_abi": text(cpu.get("abi")),
                "name": text(cpu.get("name")),
                "num_proc": text(cpu.get("num_proc")),
                "sub_name": text(cpu.get("name")),
            },
            "cpu_misc": {},
            "gpu": {"name": text(gpgpu.get("name")), "vendor": text(gpgpu.get("vendor"))},
            "gpu_misc": {},
            "os": ck["os"],
            "os_misc": {},
            "platform": {
                "model": text(ck["platform"].get("model")),
                "name": text(ck["platform"].get("name")),
                "vendor": text(ck["platform"].get("vendor")),
            },
            "platform_misc": {},
        },
    }


def _choices(plan, point):
    ck = plan["ck"]
    bits = text(ck["os"].get("bits"))
    host_os = HOST_OS.get(bits, "")
    env = dict(
        (key, _number(value)) for key, value in point["env"].items() if _is_public(key, value)
    )
    env.setdefault("CK_IN_SHAPE_N", point["batch_size"])
    env.setdefault("CK_LWS_TUNER_TYPE", point["tuner"])
    env.setdefault("CK_SEED", plan["seed"])
    env.setdefault("CK_DATASET_FILENAME", "shape-" + point["tensor"])
    # CK's own `energy` is a script that sets clocks: it says nothing of meters.
    profile = point.get("profile")
    ours = {"nntest_profile": profile} if profile in OWN_PROFILES else {}
    return {
        **ours,
        "cmd_key": "default",
        "compile_type": "dynamic",
        "compiler_flags": {},
        "compute_device_id": text(env.get("CK_COMPUTE_DEVICE_ID", "0")),
        "compute_platform_id": text(env.get("CK_COMPUTE_PLATFORM_ID", "0")),
        "cpu_freq": "",
        "data_uoa": point["program"],
        "dataset_file": "shape-" + point["tensor"],
        "dataset_uoa": dataset(ck, point),
        "device_id": "",
        "dvdt_prof": "yes" if point.get("profile") == "kernels" else "no",
        "energy": "no",
        "env": env,
        "flags": "",
        "gpu_freq": "",
        "host_os": host_os,
        "mali_hwc": "yes" if point.get("profile") == "counters" else "no",
        "module_uoa": PROGRAM_MODULE_UID,
        "no_compile": "yes",
        "repeat": 1,
        "target": "",
        "target_os": host_os,
        "target_os_bits": bits,
    }


def _characteristics_or_failure(point, line):
    """The same as `_characteristics`; what cannot be made of a line is a failure of its own."""
    try:
        return _characteristics(point, line)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = "the journal's line is odd: {}: {}".format(type(error).__name__, error)
        kept = {"repetition": line["repetition"], "status": FAILED, "reason": reason}
        return _characteristics(point, kept)


def _characteristics(point, line):
    """One repetition, in the shapes that CK gives to a good, a wrong and an aborted run."""
    status = line["status"]
    if status == OK:
        run = _timed(line)
        run.update(run_success="yes", run_success_bool=True, return_code=0)
        run.update(output_check_failed="no", output_check_failed_bool=False)
        run.update(profile_of_run(line))
    elif status == WRONG_OUTPUT:
        run = _timed(line) if line.get("time_s") is not None else {}
        reason = line.get("reason") or status
        run.update(run_success="no", run_success_bool=False, fail_reason=reason)
        run.update(output_check_failed="yes", output_check_failed_bool=True)
        run.update(output_check_failures=line.get("output_check") or {})
    else:
        run = {}
    check = line.get("output_check") or {}
    flow = {
        "repetition": line["repetition"],
        "process": line.get("process"),
        "status": status,
        "reason": line.get("reason") or "",
        "log_tail": (line.get("log_tail") or "")[-_LONGEST_LOG_TAIL:],
        "started_at": line.get("started_at"),
        "tuning_s": line.get("tuning_s"),
        "max_abs_diff": check.get("max_abs_diff"),
        "state_before": line.get("state_before"),
        "state_after": line.get("state_after"),
        "throttled": line.get("throttled"),
        "notes": line.get("notes") or [],
        "protocol": point["protocol"],
        "warmup": point["warmup"],
        "checksum": point["checksum"],
    }
    if "kernels" in line:
        flow["launches"] = phases_of_launches(line)
    for own in ("energy", "sustained"):
        if own in line:
            flow[own] = line[own]
    return {"run": run, "nntest_flow": flow}


def _timed(line):
    """CK's times: kernel_1 is the operator; kernel_0 ends up as set-up and operator together."""
    setup, test = line.get("setup_s") or 0.0, line["time_s"]
    state = dict(line.get("run_time_state") or {})
    state.setdefault("time_setup", setup)
    state.setdefault("time_test", test)
    return {
        "execution_time": setup + test,
        "execution_time_kernel_0": setup + test,
        "execution_time_kernel_1": test,
        "post_processed": "yes",
        "repeat": 1,
        "run_time_state": state,
        "total_execution_time": setup + test,
    }


def _is_public(variable, value):
    # What else was in the environment, paths and perhaps a secret, stays out.
    return variable.startswith(("CK_", "NNTEST_")) and not str(value).startswith("/")


def _number(value):
    """A number where the text is one, as CK writes the values of its data sets."""
    if isinstance(value, str) and _WHOLE_NUMBER.match(value):
        return int(value)
    if isinstance(value, str) and _DECIMAL.match(value):
        number = float(value)
        return number if math.isfinite(number) else value
    return value


def text(value):
    """`value` as CK writes facts: always a text."""
    return "" if value is None else str(value)
