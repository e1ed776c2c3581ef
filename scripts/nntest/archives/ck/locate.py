"""Where in a JSON text a value stands, for complaints that name a line."""

from __future__ import annotations

import json

_DECODER = json.JSONDecoder()
_BLANKS = " \t\r\n"


def line_of(text: str, path: tuple[str | int, ...]) -> tuple[int, int]:
    """(line, column), from 1, of the value at `path` in a well-formed JSON text.

    A path that ends in nothing gives the place of the innermost value that is there.
    """
    at = _skip(text, 0)
    for step in path:
        inner = _member(text, at, step)
        if inner is None:
            break
        at = inner
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _member(text: str, at: int, step: str | int) -> int | None:
    """Where the member `step` of the object or list at `at` begins."""
    if text[at : at + 1] != ("{" if isinstance(step, str) else "["):
        return None
    found, index = None, 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        key: str | int = index
        if isinstance(step, str):
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)  # over the colon
        if key == step:
            found = at  # the last of a key that is there twice counts, as in json
        _, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
        index += 1
    return found
