"""What an operator program leaves in its folder, checked: only what makes sense goes on.

Standard library only, Python 3.5 and later: this file is copied to boards.

The program may be foreign.  What it writes is journaled, packed and tabulated with everything
else of the sweep, so a text instead of a time must not get that far: it would end the
packing of all points.
"""

import json
import math

from outcomes import seconds

DEEPEST = 20
"""Levels of objects and lists in a record; what writes and packs it can go down that far."""
_LARGEST = 2**63
_LAUNCH = (("name", str), ("phase", str), ("start_ns", int), ("end_ns", int), ("global_size", list))


class BadRecord(Exception):
    """The program has written something that is not a measurement; the message says what."""


def repetition(raw, count, first):
    """(position, fields) of a line of the repetitions file (bytes).

    position: which of the process's `count` repetitions it is, from 0; the program numbers them
    from `first` on.  fields: what the journal keeps of it.  Raises `BadRecord`.
    """
    try:
        record = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadRecord("not JSON: {}".format(error))
    if not isinstance(record, dict):
        raise BadRecord("not a JSON object")
    number = record.get("repetition")
    if type(number) is not int or not first <= number < first + count:
        what = "repetition {} is not one of {} to {}"
        raise BadRecord(what.format(_shown(number), first, first + count - 1))
    fields = _timed(record)
    fields["output_check"] = _object(record, "output_check")
    fields["tuning_s"] = _duration(record.get("tuning_s"))
    started_at = record.get("started_at")
    if not isinstance(started_at, str):
        raise BadRecord("started_at is not a text: {}".format(_shown(started_at)))
    fields["started_at"] = started_at
    if "kernels" in record:
        fields["kernels"] = _launches(record["kernels"])
    return number - first, fields


def timer(content):
    """The fields of the one repetition of a program that only knows CK-NNTest's timer file.

    content: the file's JSON.  Raises `BadRecord`.
    """
    fields = _timed(content)
    tuner = fields["run_time_state"].get("tuner")
    tuning_s = tuner.get("tuning_s") if isinstance(tuner, dict) else None
    fields["tuning_s"] = _duration(tuning_s)
    fields["output_check"] = {}
    return fields


def plain(value, depth=0):
    """`value` with None instead of numbers that no table holds: NaN, infinite, huge ones.

    Raises `BadRecord` for what is nested too deeply.
    """
    if depth > DEEPEST:
        raise BadRecord("nested deeper than {}".format(DEEPEST))
    if isinstance(value, dict):
        return dict((key, plain(inner, depth + 1)) for key, inner in value.items())
    if isinstance(value, list):
        return [plain(inner, depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return None
    return value


def _timed(record):
    time_s = seconds(record.get("execution_time_kernel_1"))
    if time_s is None:
        said = _shown(record.get("execution_time_kernel_1"))
        raise BadRecord("execution_time_kernel_1 is not a time in seconds: {}".format(said))
    return {
        "setup_s": _duration(record.get("execution_time_kernel_0")),
        "time_s": time_s,
        "run_time_state": _object(record, "run_time_state"),
    }


def _duration(value):
    """A time that may be 0, in s; None for anything else."""
    return 0.0 if value == 0 and not isinstance(value, bool) else seconds(value)


def _object(record, key):
    value = record.get(key)
    return plain(value) if isinstance(value, dict) else {}


def _launches(launches):
    if not isinstance(launches, list):
        raise BadRecord("kernels is not a list")
    for number, launch in enumerate(launches):
        for key, kind in _LAUNCH:
            value = launch.get(key) if isinstance(launch, dict) else None
            if not isinstance(value, kind) or (kind is int and plain(value) is None):
                what = "kernels: {} of launch {} is {}"
                raise BadRecord(what.format(key, number, _shown(value)))
    return plain(launches)


def _shown(value):
    """A value for a message, cut to a bearable length."""
    text = json.dumps(value) if not isinstance(value, (dict, list)) else type(value).__name__
    return text if len(text) <= 40 else text[:39] + "..."
