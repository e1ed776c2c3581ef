"""Values out of foreign JSON: wrong kinds and missing keys become None."""

from __future__ import annotations

from typing import Any

from onboard.outcomes import real as real
from onboard.outcomes import truth as truth

_LONGEST_TEXT = 4000
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


def dig(value: Any, *keys: str | int) -> Any:
    """value[key][key]..., None as soon as there is nothing of that name."""
    for key in keys:
        if isinstance(value, dict) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def mapping(value: Any, *keys: str | int) -> dict[str, Any]:
    """As `dig`, for an object; {} if there is none."""
    found = dig(value, *keys)
    return found if isinstance(found, dict) else {}


def objects(value: Any, *keys: str | int) -> list[dict[str, Any]]:
    """As `dig`, for the objects in a list; [] if there is none."""
    found = dig(value, *keys)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def text(value: Any, longest: int = _LONGEST_TEXT) -> str:
    """A text without NULs and lone surrogates, bounded; "" for anything that is not a text."""
    if not isinstance(value, str):
        return ""
    clean = value.replace("\0", "").strip()
    if len(clean) > longest:
        clean = clean[: longest - 1] + "…"
    return clean if clean.isascii() else clean.encode("utf-8", "replace").decode()


def texts(value: Any, *keys: str | int) -> list[str]:
    """As `dig`, for the texts in a list, empty ones left out; [] if there is none."""
    found = dig(value, *keys)
    return [text(item) for item in found if text(item)] if isinstance(found, list) else []


def positive(value: Any) -> float | None:
    """A finite number above zero: CK writes 0 for the time of a run that never was."""
    number = real(value)
    return number if number is not None and number > 0 else None


def whole(value: Any) -> int | None:
    """A whole number that a 64-bit column holds, also where it was written as text."""
    number = real(value)
    if number is None or not number.is_integer() or not _SMALLEST <= number <= _LARGEST:
        return None
    exact = int(value) if isinstance(value, int) else int(number)
    return exact if _SMALLEST <= exact <= _LARGEST else None


def micro(seconds: float | None) -> float | None:
    """Seconds in µs; None for none, and for what no number holds any more."""
    return None if seconds is None else real(seconds * 1e6)
