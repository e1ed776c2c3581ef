"""What can watch the runs of an operator program, beside the clock that times them."""

from __future__ import annotations

from typing import Literal

Instrument = Literal["kernels", "counters", "energy"]
Profile = Literal["none", "kernels", "counters", "energy"] | list[Instrument]

_PROFILING_KINDS: dict[Instrument, tuple[str, ...]] = {
    "kernels": ("opencl-reference", "armcl-opencl", "ck"),
    "counters": ("opencl-reference", "armcl-opencl"),
    "energy": ("opencl-reference", "armcl-opencl", "armcl-neon", "armnn", "pip"),
}
"""Kinds of libraries whose programs can be watched: through their OpenCL queue, or CK's profiler
in front of it; while a program of ours runs its operator in a loop."""


def asked_for(profile: Profile) -> list[Instrument]:
    """The instruments that a study's `profile` asks for."""
    if isinstance(profile, list):
        return list(dict.fromkeys(profile))
    return [] if profile == "none" else [profile]


def instruments_of(profile: Profile, kind: str) -> list[Instrument]:
    """Those among them that a kind of library can have."""
    return [one for one in asked_for(profile) if kind in _PROFILING_KINDS[one]]
