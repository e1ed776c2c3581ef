"""Recordings from their text, fast: what CK repeats in every point is parsed once.

Of a genuine recording four fifths are ``features``, which describe the machine and are the same,
byte for byte, in nearly all points of an entry.  CK writes its keys sorted and indented, so
``features`` is the last of them; whatever looks different is parsed as any other JSON.
"""

from __future__ import annotations

from typing import Any

from nntest.archives.ck import safety
from nntest.archives.ck.safety import RefusedError

_MARK = b'\n  "features": '


class RecordingParser:
    """Parses recordings one after another; the features of the last few are remembered."""

    _MOST = 4  # the first point of a run says more than the others do, so there are two kinds

    def __init__(self) -> None:
        self._known: list[tuple[bytes, Any]] = []

    def parse(self, data: bytes) -> dict[str, Any]:
        """What `safety.parse_object` gives, in which ``features`` may be an object given before.

        Raises `RefusedError` as that does.
        """
        at = data.find(_MARK)
        end = data.rstrip()
        if at < 0 or not end.endswith(b"}"):
            return safety.parse_object(data)
        features = end[at + len(_MARK) : -1]
        try:
            # A line's end is in no JSON string, so the mark stands where a key stands; and since
            # the brace closes this text too, it is a key of the outermost object, the last one.
            content = safety.parse_object(data[:at] + _MARK + b"null}")
            content["features"] = self._parsed(features)
        except RefusedError:
            return safety.parse_object(data)
        return content

    def _parsed(self, features: bytes) -> Any:
        for known, value in self._known:
            if known == features:
                return value
        value = safety.parse_json(features)
        self._known = [(features, value), *self._known[: self._MOST - 1]]
        return value
