"""Points with one bad record each, as an archive may hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from archives.ck.ck_samples import ck_members, ck_point, ck_run, zip_of

GOOD = "0" * 16
"""The point that must read whatever stands beside it."""
GOOD_TIMES = [1500.0, 2500.0]

HUGE = "9" * 400


def _replaced(old: str, new: str) -> bytes:
    text = json.dumps(ck_point(), indent=2, sort_keys=True)
    assert old in text
    return text.replace(old, new).encode()


def _flow(**changes: Any) -> bytes:
    """A point of two good repetitions as this project records them, the second one changed."""
    content = ck_point()
    for index, item in enumerate(content["characteristics_list"]):
        item["nntest_flow"] = {"status": "ok", "repetition": index, "process": 0}
    content["characteristics_list"][1]["nntest_flow"].update(changes)
    return json.dumps(content).encode()


def _batch(value: str) -> bytes:
    return _replaced('"CK_IN_SHAPE_N": 1', f'"CK_IN_SHAPE_N": {value}')


BAD: dict[str, bytes] = {
    "a time of 400 digits": _replaced("0.003", HUGE),
    "a time of 9000 digits": _replaced("0.003", "9" * 9000),
    "a time of 1e999": _replaced("0.003", "1e999"),
    "a time of -1e999": _replaced("0.003", "-1e999"),
    "a time that is NaN": _replaced("0.003", "NaN"),
    "a batch of 400 digits": _batch(HUGE),
    "a batch of 1e999": _batch("1e999"),
    "a batch in words": _batch('"many"'),
    "a batch below one": _batch("-4"),
    "a shape of 400 digits": _replaced('"CK_IN_SHAPE_C": 512', f'"CK_IN_SHAPE_C": {HUGE}'),
    "a shape of 1e999": _replaced('"CK_IN_SHAPE_C": 512', '"CK_IN_SHAPE_C": 1e999'),
    "half a file": b'{"choices": {"env"',
    "another kind of file": b"<html>",
    "a list": b"[]",
    "nothing": b"",
    "bytes that are no text": b'{"choices": "\xff"}',
    "a repetition in words": _flow(repetition="second"),
    "a repetition below zero": _flow(repetition=-7),
    "a repetition of 400 digits": _flow(repetition=int(HUGE)),
    "a repetition that was there": _flow(repetition=0),
    "a repetition in a list": _flow(repetition=[1]),
    "a status of another version": _flow(status="melted", reason="it was hot"),
    "a status that is a number": _flow(status=7),
    "a process of 400 digits": _flow(process=int(HUGE), tuning_s=int(HUGE)),
    "a state of 400 digits": _flow(state_before={"temperature_c": int(HUGE), "clock_mhz": []}),
    "repetitions of other kinds": json.dumps(
        {**ck_point(), "characteristics_list": [{"run": ck_run(0.1)}, 7, None, {"run": []}]}
    ).encode(),
}  # fmt: skip


def zip_with(path: Path, bad: list[bytes], meta: bytes | None = None) -> Path:
    """A zip of an entry with a good point and the bad ones."""
    good = ck_point(runs=[ck_run(0.0015), ck_run(0.0025)])
    uids = [f"{number:016x}" for number in range(1, 1 + len(bad))]
    members = ck_members({f"{uid}.0001": good for uid in (GOOD, *uids)})
    for name in members:
        for uid, data in zip(uids, bad, strict=True):
            if f"ckp-{uid}." in name:
                members[name] = data
        if meta is not None and name.endswith("meta.json"):
            members[name] = meta
    return zip_of(path, members)
