"""Ways to damage a file that somebody else has written: its bytes, or a value in its content."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

ODD_NUMBERS = ("inf", "-inf", "nan", "9" * 400, 10**400, -(10**400), 1.7e308, 5e-324, 2**63, -1)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["yes", "no", "NONE", "features", 10**30, 0, "1e999", "\0", *ODD_NUMBERS]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=5) | st.sampled_from(["run", "features"]), inner, max_size=4
        )
    ),
    max_leaves=15,
)

PIECES = st.binary(max_size=8) | st.sampled_from(
    [
        *(b"1e999", b"-1", b"nan", b"0", b"9" * 400, b"9" * 5000, b"0x10", b"1_0", b"12,5", b"%"),
        *(b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\n\n", b'"', b",", b";", b"\t"),
        *(b"{", b"}", b"[]", b"[" * 2000, b"{}", b"null", b"true", b"~", b": ", b"- ", b"#", b"|"),
        *(b"&a ", b"*a", b"<<: ", b"!!python/name:os.system ", b"!!binary ", b"2026-01-01", b"\\u"),
    ]
)
"""What is put into a file: bytes, or what some format gives a meaning to."""


def edited(content: bytes) -> st.SearchStrategy[bytes]:
    """The bytes with one to four pieces cut out, and others put in their places."""
    place = st.floats(0, 1, exclude_max=True)
    edit = st.tuples(place, st.integers(0, 8) | st.integers(0, 4000), PIECES)

    def after(edits: list[tuple[float, int, bytes]]) -> bytes:
        data = content
        for where, cut, new in edits:
            at = int(where * len(data))
            data = data[:at] + new + data[at + cut :]
        return data

    return st.lists(edit, min_size=1, max_size=4).map(after)


def with_anything(content: Any) -> st.SearchStrategy[Any]:
    """A JSON value with another one in one of its places, or with nothing there."""
    places = sorted(paths_in(content), key=str)
    changed = st.tuples(st.sampled_from(places), JSON).map(lambda to: replaced(content, *to))
    keys = [place for place in places if place and isinstance(place[-1], str)]
    if not keys:
        return changed
    return changed | st.sampled_from(keys).map(lambda place: without(content, place))


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from paths_in(value[key], (*path, key))


def value_at(value: Any, path: tuple[Any, ...]) -> Any:
    """What is at a place."""
    for key in path:
        value = value[key]
    return value


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """`value` with `new` at `path`."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """`value` without the key at `path`."""
    inside = value_at(value, path[:-1])
    return replaced(value, path[:-1], {key: inside[key] for key in inside if key != path[-1]})


_NUMBER = re.compile(rb"[-+0-9.eE_]+")


def numbers_in(content: bytes) -> set[str]:
    """Every number that is written in a file, to ten digits: whoever reads another invents it."""
    found = set()
    for written in _NUMBER.findall(content):
        try:
            found.add(to_ten_digits(float(written)))
        except ValueError:
            continue
    return found


def to_ten_digits(value: float) -> str:
    """A number so that the last bits of it make no other one."""
    return f"{value:.9e}"
