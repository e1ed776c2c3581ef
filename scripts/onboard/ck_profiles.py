"""What CK keeps of a profiled repetition: its kernels' times, and the device's counters.

CK's profiler preloads a library that watches every OpenCL call; ours are the queue's own events.
The keys are CK's, so that a reader of CK's profiles reads ours.  Its sums take in everything that
ran, weight reshaping and tuner runs too; ours take in the timed run alone.  Runs on boards:
standard library, Python 3.5.
"""

RUN = "run"
"""Phase of the launches that the repetition's time is made of."""

_TIMES = ("queued_ns", "submitted_ns", "start_ns", "end_ns")


def profile_of_run(line):
    """CK's keys of a journal line's kernels and counters; {} if nothing watched it."""
    found = {}
    if "kernels" in line:
        launches = line["kernels"]
        sums = {}
        for launch in launches:
            if launch["phase"] == RUN:
                sums[launch["name"]] = sums.get(launch["name"], 0) + _nanoseconds(launch)
        for unit, per_unit in (("us", 1e3), ("ms", 1e6), ("s", 1e9)):
            found["execution_time_opencl_" + unit] = dict(
                (name, total / per_unit) for name, total in sums.items()
            )
        found["execution_time_list_opencl"] = [
            {
                "kernel_name": launch["name"],
                "kernel_time": _nanoseconds(launch),
                "sequence": sequence,
                "lws": launch.get("local_size") or [0, 0, 0],
                "gws": launch["global_size"],
            }
            for sequence, launch in enumerate(launches)
        ]
    if "counters" in line:
        found["mali_hwc"] = line["counters"]
    return found


def phases_of_launches(line):
    """What CK has no key for, in the order of ``execution_time_list_opencl``.

    Times are nanoseconds of the device's clock, which counts from no agreed moment.
    """
    return [
        dict([("phase", launch["phase"])] + [(name, launch.get(name)) for name in _TIMES])
        for launch in line["kernels"]
    ]


def _nanoseconds(launch):
    return launch["end_ns"] - launch["start_ns"]
