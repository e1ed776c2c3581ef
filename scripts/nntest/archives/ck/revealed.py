"""What an archive says of the people and machines behind it, besides what was measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from onboard.private import BUILD, HOME, KERNEL

from nntest.archives.ck.entries import Entry, find_entries
from nntest.archives.ck.safety import RefusedError, Warn, printable
from nntest.archives.ck.trees import Tree, open_tree

_NAMES = {"login": r"user|user_name|login", "host name": r"hostname|host_name|nodename|host"}
_KINDS: dict[str, re.Pattern[str]] = {
    **{kind: re.compile(rf'"(?:{keys})"\s*:\s*"([^"\\]+)"') for kind, keys in _NAMES.items()},
    "home folder": re.compile(f"({HOME.pattern})"),
    "kernel build": re.compile(f"({KERNEL.pattern}|{BUILD.pattern})"),
    "mail address": re.compile(r"\b([\w.+-]+@[\w-]+(?:\.[\w-]+)+)\b"),
}
_MOST_SHOWN = 3


def revealed(path: Path, warn: Warn) -> Iterator[str]:
    """A sentence for each kind of private thing in the entries of an archive.

    Raises `UserError` as `check` does.
    """
    found: dict[str, Counter[str]] = {kind: Counter() for kind in _KINDS}
    with open_tree(path, warn) as tree:
        for entry in find_entries(tree, warn):
            for text in _texts(tree, entry):
                for kind, pattern in _KINDS.items():
                    found[kind].update(match[1] for match in pattern.finditer(text))
    for kind, values in found.items():
        shown = [printable(value, 80) for value, _ in values.most_common(_MOST_SHOWN)]
        if shown:
            more = f" and {len(values) - _MOST_SHOWN} more" if len(values) > _MOST_SHOWN else ""
            plural = "s" if len(values) > 1 else ""
            yield f"{path}: reveals {len(values)} {kind}{plural}: {', '.join(shown)}{more}"


def _texts(tree: Tree, entry: Entry) -> Iterator[str]:
    names = [entry.path(f".cm/{name}.json") for name in ("meta", "info", "desc", "updates")]
    for name in (*names, *(entry.path(name) for name in sorted(tree.files(entry.folder)))):
        try:
            yield tree.read(name).decode("utf-8", "replace")
        except RefusedError:
            continue  # `check` says so, or there is no such file
