"""What a CK point was asked for: its ``choices``, and which of them a reader has understood.

A reader takes what it understands; what is left over, less what cannot change a time, are the
point's settings.  `nntest.archives.ck.variants` keeps points apart that differ in one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from nntest.archives.ck.values import mapping, text

Value = TypeVar("Value")
Settings = tuple[tuple[str, str], ...]
"""(name, value) of each setting, by name."""

_WITHOUT_EFFECT = frozenset({
    # How CK compiles, sends, checks and records a run; the first point of a run has other values.
    "choices.compile_only_once", "choices.dvdt_prof", "choices.mali_hwc", "choices.module_uoa",
    "choices.no_compile", "choices.no_state_check", "choices.skip_calibration",
    "choices.skip_print_timers",
    "CK_ABS_DIFF_THRESHOLD", "CK_ADD_RAW_DVDT_PROF", "CK_ADD_RAW_MALI_HWC", "CK_OUT_RAW_DATA",
    "CK_PREPARE_ALWAYS", "CK_PUSH_LIBS_TO_REMOTE", "CK_VECTOR_FINGERPRINTED", "NNTEST_PROFILE",
    # A reader takes these apart by itself (`ArchivedPoint.profile`).
    "choices.nntest_profile", "NNTEST_REST_S", "NNTEST_REQUESTS",
    "NNTEST_REQUESTS_S", "NNTEST_WINDOW_S",
    # Where its inputs and results lie.
    "CK_BATCHES_DIR", "CK_BATCH_LIST", "CK_ENV_DATASET_IMAGENET_VAL", "CK_IMAGE_FILE",
    "CK_IMAGE_LIST", "CK_IMG_LIST", "CK_RESULTS_DIR",
    # Columns and the library's tag say these of this project's own points.
    "NNTEST_WARMUP",
})  # fmt: skip
_SAME_AS_ABSENT = {"choices.repeat": "1"}
_LONGEST_VALUE = 40
_SEPARATOR = re.compile(r"[/\\]")


class Choices:
    """The choices of one recording; notes which of them were understood."""

    def __init__(self, content: dict[str, Any]) -> None:
        choices = mapping(content, "choices")
        self.env: dict[str, Any] = mapping(choices, "env")
        """The variables that the program was given."""
        self._all = {
            **{f"choices.{key}": value for key, value in choices.items() if key != "env"},
            **self.env,
        }
        self._understood: set[str] = set()

    def get(self, name: str) -> Any:
        """One of ``choices`` beside its variables, as it stands."""
        return self._all.get(f"choices.{name}")

    def understood(self, names: Iterable[str]) -> None:
        """Note that columns say all that these say."""
        self._understood.update(names)

    def take(self, names: Iterable[str], read: Callable[[Any], Value | None]) -> Value | None:
        """What `read` makes of the first of `names` that it can read; None if of none.

        The names are spellings of one thing.  One that says something else than the first is
        not understood: it stays a setting.
        """
        found: Value | None = None
        for name in names:
            value = read(self._all[name]) if name in self._all else None
            if value is not None and found in (None, value):
                found = value
                self._understood.add(name)
        return found

    def settings(self) -> Settings:
        """The choices that are not understood and may change what is timed."""
        return tuple(
            (name, value)
            for name, value in (
                (name, _written(self._all[name]))
                for name in sorted(self._all.keys() - self._understood - _WITHOUT_EFFECT)
            )
            if _SAME_AS_ABSENT.get(name) != value
        )


def _written(value: Any) -> str:
    """A value as names show it: numbers typed on a command line are texts, and the same."""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, sort_keys=True)
        except (RecursionError, ValueError):  # nested too deeply
            value = "?"
    shown = text(value)
    if len(value) <= _LONGEST_VALUE and not _SEPARATOR.search(value):
        return shown
    # The end of a path says most of it; its beginning may be somebody's home.
    digest = hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:6]
    return f"{_SEPARATOR.split(shown)[-1][-_LONGEST_VALUE:]}#{digest}"
