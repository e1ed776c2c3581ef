"""What the profiled points say: which kernels an operator's time goes to, and how much of it.

The table `kernels` has a row for each kernel, phase and profiled repetition.  Only the phase of the
timed run counts here: the reshaping of weights and the tuner's tries belong to no repetition.
CK's own profiles tell no phases; their sums have all in them.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
from onboard import outcomes

from nntest.analysis.points import KEY_COLUMNS, key_of, labelled, points, row_order, sample_key
from nntest.analysis.stats import Sample, ratio_of_medians
from nntest.archives.ck.profiles import UNKNOWN_PHASE
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.study import KERNEL_SHARE

STAGES = (
    "im2col", "interleave, transpose", "GEMM", "col2im", "direct convolution", "depthwise",
    "Winograd transform", "pooling", "softmax", "reshape, permute", "borders, copies",
    "bias, activation",
)  # fmt: skip
"""What a convolution, or another operator, does one after the other."""

_STAGE_OF = (
    (r"gemm_m[mv]", "GEMM"),
    (r"col2im|output_stage", "col2im"),
    (r"im2col", "im2col"),
    (r"winograd.*(transform|reshape)|(transform|filter).*winograd", "Winograd transform"),
    (r"interleave|transpose_?1x|gemm_(reshape|transpose)|^transpose", "interleave, transpose"),
    (r"accumulate_bias|activation|arithmetic_add|broadcast", "bias, activation"),
    (r"depthwise|dwc_", "depthwise"),
    (r"direct_?conv", "direct convolution"),
    (r"gemm|gemv|matrix_multiply", "GEMM"),
    (r"pool", "pooling"),
    (r"softmax|norm_layer", "softmax"),
    (r"fill|copy|pad_layer|memset", "borders, copies"),
    (r"reshape|permute", "reshape, permute"),
)  # fmt: skip


def stage_of(kernel: str) -> str:
    """Which of `STAGES` a kernel does, by the words in its name; else the kernel's own name."""
    name = kernel.lower()
    if name == "reshape_to_columns":  # Arm Compute Library's: weights into a matrix
        return "reshape, permute"
    return next((stage for words, stage in _STAGE_OF if re.search(words, name)), kernel)


def timed_kernels(kernels: pd.DataFrame) -> pd.DataFrame:
    """Rows of the kernels' table that belong to a repetition's time, labelled, with `stage`."""
    rows = labelled(kernels)
    ran = (
        (rows["status"] == outcomes.OK)
        & rows["phase"].isin(["run", UNKNOWN_PHASE])
        & (rows["kernel"] != "")
    )
    rows = rows[ran].reset_index(drop=True)
    return rows.assign(stage=rows["kernel"].map(stage_of).astype("str"))


_REPETITION = ["archive", "entry", "point", "subpoint", "repetition_id"]


def kernel_share(frame: pd.DataFrame, kernels: pd.DataFrame, seed: int) -> pd.DataFrame:
    """For each profiled point, how much of its wall time its kernels account for.

    `kernels_us` is the median over the profiled repetitions of the kernels' sum, and `share` that
    over `wall_us`, the median of the same point measured without a profiler (null where there is
    none), with the ends of its interval; `between_us` is what is left: launching, waiting, the
    host.  `share_profiled` is over the profiled runs' own wall time, which the profiler slows.
    `status` says why a profiled point has no kernels.
    """
    keys = list(KEY_COLUMNS)
    wall = {point.key: point.sample for point in points(frame, seed)}
    rows: list[dict[str, Any]] = []
    ran = timed_kernels(kernels)
    for key, group in ran.groupby(keys, sort=False, dropna=False):
        assert isinstance(key, tuple)
        named = key_of(key)
        runs = group.groupby(_REPETITION, dropna=False)
        sums, profiled = runs["time_us"].sum(), runs["wall_us"].first()
        sample = Sample.of(sums.tolist(), None, seed, ("kernels", *sample_key(named)))
        timed = wall.get(tuple(named.values()))
        share = ratio_of_medians(sample, timed) if timed else None
        rows.append({
            **named,
            "status": outcomes.OK,
            "profiled_runs": len(sums),
            "kernels": group["kernel"].nunique(),
            "kernels_us": sample.median,
            "wall_us": timed.median if timed else None,
            "share": share.value if share else None,
            "ci_low": share.low if share else None,
            "ci_high": share.high if share else None,
            "between_us": timed.median - sample.median if timed else None,
            "profiled_wall_us": profiled.median(),
            "share_profiled": (sums / profiled).median(),
            "note": _NO_PHASES if (group["phase"] == UNKNOWN_PHASE).any() else "",
        })  # fmt: skip
    reported = {tuple(row[name] for name in keys) for row in rows}
    failed = labelled(kernels)
    failed = failed[failed["status"] != outcomes.OK]
    for key, group in failed.groupby(keys, sort=False, dropna=False):
        assert isinstance(key, tuple)
        named = key_of(key)
        if tuple(named.values()) not in reported:
            why = {"status": ", ".join(sorted(set(group["status"])))}
            rows.append({
                **dict.fromkeys(KERNEL_SHARE.names), **named, **why,
                "profiled_runs": 0, "note": str(group["reason"].iloc[0])[:200],
            })  # fmt: skip
    return frame_of(sorted(rows, key=row_order), KERNEL_SHARE)


_NO_PHASES = "CK's profile: weight reshaping and tuner runs are in the sum"
