"""What several tables need of the same data frame is made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import finalize

import pandas as pd

P = ParamSpec("P")
T = TypeVar("T")


def memoised_by_frame(
    make: Callable[Concatenate[pd.DataFrame, P], T],
) -> Callable[Concatenate[pd.DataFrame, P], T]:
    """A function of a data frame and of hashable values that keeps its results.

    A frame is known by its identity, and its results are kept for as long as it lives.  So neither
    a frame nor what was made of it may be changed in place.
    """
    made: dict[tuple[object, ...], T] = {}

    @wraps(make)
    def memoised(frame: pd.DataFrame, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (id(frame), *args, *sorted(kwargs.items()))
        if key not in made:
            made[key] = make(frame, *args, **kwargs)
            finalize(frame, made.pop, key).atexit = False
        return made[key]

    return memoised
