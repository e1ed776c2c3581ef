"""Is the sum over layers right?  Published layer times against published network times.

Layer times of one source, in a unit of their own, and times of whole MobileNets-v1 of another
source are put together by *one* factor.  It is fitted on half of the networks and judged on the
other half, and the other way round, so that every network is estimated by a factor that never saw
it.  The halves are like the colours of a chessboard of widths and resolutions, so that both have
small and large networks.

What the source did not time is interpolated.  A convolution's time is taken to be

    fixed + a x multiply-accumulates + b x (elements of input, weights and output)

with three costs that are not negative, fitted to the timed convolutions by least squares of the
relative errors.  A convolution that is missing gets the whole of it.  Depthwise layers, pooling and
softmax get it without the fixed cost: that is what starting and waiting for an operator alone
takes, and it comes from how the source timed, not from a layer in a network.

Beside it stands what one would do without any layer times: a straight line on multiply-accumulates,
slope and intercept fitted on the same halves.
"""

from __future__ import annotations

import fnmatch
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from nntest.domain.csv_text import read_csv_text, refuse_decimal_comma
from nntest.domain.networks import Network, mobilenet_v1
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import LAYER_SUM_CHECK, LAYER_SUM_SUMMARY
from nntest.domain.tensors import Tensor
from nntest.errors import UserError

FloatArray = NDArray[np.float64]

SUM = "layers, the rest interpolated"
TIMED = "timed layers alone"
LINE = "straight line on MACs"
MODELS = (SUM, TIMED, LINE)

_MOST_SPLITS = 20_000
_NETWORK = re.compile(r"mobilenet-v1-(\d+(?:\.\d+)?)-(\d+)")


@dataclass(frozen=True)
class Costs:
    """What a convolution costs, in the unit of the layer times."""

    fixed: float
    per_mac: float
    per_element: float

    def of(self, tensor: Tensor, *, alone: bool) -> float:
        """Interpolated time; `alone`: with the fixed cost of an operator that is timed alone."""
        _, macs, elements = _features(tensor)
        return alone * self.fixed + self.per_mac * macs + self.per_element * elements


def _features(tensor: Tensor) -> tuple[float, float, float]:
    """(1, multiply-accumulates, elements moved) of a tensor, for one image."""
    inputs, outputs = (int(np.prod(shape)) for shape in (tensor.in_shape, tensor.out_shape))
    weights = 0
    if tensor.species == "conv":
        weights = tensor.in_shape[0] * tensor.out_shape[0] * tensor.kernel**2
    elif tensor.species == "depthwiseconv":
        weights = tensor.in_shape[0] * tensor.kernel**2
    return 1.0, tensor.executed_flops(1) / 2, float(inputs + outputs + weights)


def fit_costs(times: Mapping[Tensor, float]) -> Costs:
    """Costs that come nearest to timed convolutions (relative errors, none negative)."""
    observed = np.array(list(times.values()))
    features = np.array([_features(tensor) for tensor in times])
    found, _ = nnls(features / observed[:, None], np.ones(len(observed)))
    return Costs(*(float(cost) for cost in found))


def interpolation_error(times: Mapping[Tensor, float]) -> float:
    """Mean relative error with which each timed convolution is interpolated from the others."""
    errors = []
    for tensor, time in times.items():
        costs = fit_costs({other: value for other, value in times.items() if other != tensor})
        errors.append(abs(costs.of(tensor, alone=True) / time - 1))
    return float(np.mean(errors))


# -- files ---------------------------------------------------------------------------------


def read_layer_times(path: Path) -> dict[Tensor, float]:
    """The fastest time of each convolution: columns `tensor` and those that end in ``_us``."""
    frame = _read(path)
    columns = [name for name in frame.columns if name.endswith("_us")]
    if "tensor" not in frame.columns or not columns:
        raise UserError(
            f"{path}: needs a column `tensor` and columns of times that end in `_us`",
            f"it has: {', '.join(frame.columns)}",
        )
    times: dict[Tensor, float] = {}
    for line, row in enumerate(frame.to_dict("records"), start=2):
        try:
            tensor = Tensor.parse("conv", str(row["tensor"]).strip())
        except UserError as error:
            raise UserError(f"{path}, line {line}: {error.message}", error.hint) from None
        found = [_number(path, line, name, row[name]) for name in columns if not pd.isna(row[name])]
        if found:
            times[tensor] = min(min(found), times.get(tensor, np.inf))
    if len(times) < 4:
        raise UserError(f"{path}: times of {len(times)} tensors; interpolation needs 4 or more")
    return times


def read_measured(path: Path, system: str) -> dict[str, dict[tuple[float, int], float]]:
    """Milliseconds by system and (width, resolution) of every MobileNet-v1 in MLPerf's columns."""
    frame = _read(path)
    missing = {"system", "workload", "p50_ms"} - set(frame.columns)
    if missing:
        raise UserError(
            f"{path}: lacks the columns {', '.join(sorted(missing))}",
            f"it has: {', '.join(frame.columns)}",
        )
    found: dict[str, dict[tuple[float, int], float]] = {}
    for line, row in enumerate(frame.to_dict("records"), start=2):
        match = _NETWORK.fullmatch(str(row["workload"]).strip())
        name = str(row["system"]).strip()
        if match and fnmatch.fnmatchcase(name, system):
            key = float(match[1]), int(match[2])
            found.setdefault(name, {})[key] = _number(path, line, "p50_ms", row["p50_ms"])
    enough = {name: times for name, times in found.items() if len(times) >= 6}
    if not enough:
        raise UserError(
            f"{path}: no system that matches '{system}' has six MobileNets-v1 or more",
            f"systems: {', '.join(sorted(set(frame['system'].astype(str))))}",
        )
    return enough


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(io.StringIO(read_csv_text(path)), skipinitialspace=True)
    except ValueError as error:
        raise UserError(f"{path}: cannot be read as CSV: {error}") from None


def _number(path: Path, line: int, column: str, value: Any) -> float:
    refuse_decimal_comma(f"{path}, line {line}", column, str(value))
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not 0 < number < np.inf:
        raise UserError(f"{path}, line {line}: {column} is not a time: '{value}'")
    return number


# -- the check -----------------------------------------------------------------------------


def layer_sum_check(
    times: Mapping[Tensor, float], measured: Mapping[str, Mapping[tuple[float, int], float]]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(an estimate of each network by each model, one row for each system and model).

    `times` of convolutions in any one unit, `measured` networks in ms.  In the second table
    `mean_error` is the mean absolute error of the estimates of the first, `mean_error_all_splits`
    its mean over all (or 20,000 drawn) ways to halve the networks, with the 5 % and 95 %
    quantiles, and `fitted_error` that of a fit to all networks at once, which sees its own answer.
    """
    costs = fit_costs(times)
    uncertain = interpolation_error(times)
    rows: list[dict[str, Any]] = []
    summaries: list[dict[str, Any]] = []
    for system in sorted(measured):
        shapes = sorted(measured[system])
        networks = [mobilenet_v1(*shape) for shape in shapes]
        truth = np.array([measured[system][shape] for shape in shapes])
        half = _chessboard(shapes)
        parts = np.array([_sums(network, times, costs) for network in networks])
        features = {
            SUM: parts.sum(axis=1)[:, None],
            TIMED: parts[:, :1],
            LINE: np.array([[network.macs, 1.0] for network in networks]),
        }
        for model in MODELS:
            estimates, scales = np.zeros(len(truth)), np.zeros(len(truth))
            for fitted in (half, ~half):
                found = _fit(features[model][fitted], truth[fitted])
                estimates[~fitted] = features[model][~fitted] @ found
                scales[~fitted] = found[0]
            errors = estimates / truth - 1
            share = parts[:, 1] / parts.sum(axis=1) if model == SUM else np.zeros(len(truth))
            rows += [
                {
                    "system": system, "network": network.name, "model": model,
                    "half": "black" if half[index] else "white", "macs": network.macs,
                    "measured_ms": truth[index], "estimated_ms": estimates[index],
                    "error": errors[index], "scale": scales[index],
                    "interpolated_share": share[index],
                }
                for index, network in enumerate(networks)
            ]  # fmt: skip
            splits = _over_splits(features[model], truth)
            whole = features[model] @ _fit(features[model], truth)
            summaries.append({
                "system": system, "model": model, "networks": len(networks),
                "mean_error": float(np.abs(errors).mean()),
                "largest_error": float(np.abs(errors).max()),
                "mean_error_all_splits": float(splits.mean()),
                "splits_low": float(np.quantile(splits, 0.05)),
                "splits_high": float(np.quantile(splits, 0.95)),
                "fitted_error": float(np.abs(whole / truth - 1).mean()),
                "interpolation_error": uncertain if model == SUM else None,
            })  # fmt: skip
    return frame_of(rows, LAYER_SUM_CHECK), frame_of(summaries, LAYER_SUM_SUMMARY)


def _sums(network: Network, times: Mapping[Tensor, float], costs: Costs) -> tuple[float, float]:
    """(timed, interpolated) part of the sum over a network's layers."""
    timed = interpolated = 0.0
    for layer in network.layers:
        tensor = network.measured_tensor(layer, "study")
        if tensor in times:
            timed += times[tensor]
        else:
            interpolated += costs.of(tensor, alone=tensor.species == "conv")
    return timed, interpolated


def _chessboard(shapes: Sequence[tuple[float, int]]) -> NDArray[np.bool_]:
    widths = sorted({width for width, _ in shapes})
    resolutions = sorted({resolution for _, resolution in shapes})
    return np.array([(widths.index(w) + resolutions.index(r)) % 2 == 0 for w, r in shapes])


def _fit(features: FloatArray, truth: FloatArray) -> FloatArray:
    """Weights of the features (networks x features) with the smallest relative errors squared."""
    found = np.linalg.lstsq(features / truth[:, None], np.ones(len(truth)), rcond=None)[0]
    return np.asarray(found, dtype=np.float64)


def _over_splits(features: FloatArray, truth: FloatArray) -> FloatArray:
    """Mean absolute error on the half that was not fitted, for every way to halve the networks."""
    count = len(truth)
    everyone = np.arange(count)
    halves = list(combinations(range(count), count // 2)) if count <= 16 else [
        tuple(np.random.default_rng(index).permutation(count)[: count // 2])
        for index in range(_MOST_SPLITS)
    ]  # fmt: skip
    errors = np.empty(len(halves))
    relative = features / truth[:, None]
    for index, half in enumerate(halves):
        fitted = np.zeros(count, bool)
        fitted[list(half)] = True
        rest = everyone[~fitted]
        chosen = relative[fitted]
        found = np.linalg.solve(chosen.T @ chosen, chosen.sum(axis=0))
        errors[index] = np.abs(relative[rest] @ found - 1).mean()
    return errors
