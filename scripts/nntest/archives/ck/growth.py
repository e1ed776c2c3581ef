"""Whether one recording of a point is a later state of another.

A sweep that goes on after its zip was fetched writes the same entry again, with more
repetitions, and with those that had failed measured again.  That is not a conflict.
"""

from __future__ import annotations

import json
from typing import Any

from onboard import outcomes

from nntest.archives.ck.values import dig, mapping


def has_grown(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether everything good in `old` is in `new`, which may have more."""
    before, after = old.get("characteristics_list"), new.get("characteristics_list")
    if not isinstance(before, list) or not isinstance(after, list):
        return False
    try:
        if _about(old) != _about(new):
            return False
        later = {_number(index, item): _text(item) for index, item in enumerate(after)}
        return all(
            later.get(_number(index, item)) == _text(item)
            or (_was_tried_again(item) and _number(index, item) in later)
            for index, item in enumerate(before)
        )
    except RecursionError:  # nothing that a measurement is as deep
        return False


def _about(content: dict[str, Any]) -> str:
    """What a recording is about: everything in it but the repetitions and how many are wanted."""
    features = mapping(content, "features")
    features.pop("statistical_repetitions", None)
    return _text([features, content.get("choices"), content.get("choices_order")])


def _number(index: int, item: Any) -> int:
    number = dig(item, "nntest_flow", "repetition")
    return number if isinstance(number, int) else index


def _was_tried_again(item: Any) -> bool:
    # CK itself never puts a good run in the place of an aborted one; sweeps of ours do.
    status = dig(item, "nntest_flow", "status")
    return isinstance(status, str) and status != outcomes.OK


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
