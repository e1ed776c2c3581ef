"""How far layers that were left out are off when they are predicted from the others.

    python benchmarks/prediction.py --layer-times TIMES.csv
    python benchmarks/prediction.py MEASUREMENTS.parquet NETWORK [NETWORK ...]

TIMES.csv has times of convolutions (columns `tensor` and some that end in `_us`, of which the
fastest counts), such as the published ones of the sixteen MobileNets-v1 on a Firefly RK3399, which
are the networks then.  MEASUREMENTS.parquet is the table `measurements` of a finished study,
NETWORK names of its networks in config/networks.

Each network is left out in turn, with all tensors that it has, and each of these is predicted from
the rest.  A second time single layers are left out, a tenth of them at once.  Beside the model of
`nntest.analysis.layer_model` stands the straight line on operations, fitted by relative errors.

Prints for each library: layers predicted; median error; share of them within their 90 % interval;
its median width as a factor; median error of the line; the same of the sums over each left-out
network's tensors, whose interval is from the sum of the low ends to that of the high ones.  Exit
status 1 where the median error of left-out networks is above 15 %, or the share below 85 %.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from nntest.analysis.layer_model import LEVEL, LayerModel, kind_of
from nntest.analysis.layer_sum_check import read_layer_times
from nntest.analysis.points import choices_of, operators_only, points
from nntest.analysis.stats import Interval
from nntest.archives.measurements import load
from nntest.config.load import load_network
from nntest.domain.networks import Network, mobilenet_v1
from nntest.domain.tensors import Tensor
from nntest.domain.traffic import tensor_work

HOME = Path(__file__).parents[1]
PADDING = "study"
MOST_ERROR, LEAST_COVERED = 0.15, 0.85
PARTS = 10

Times = Mapping[Tensor, float]
Found = tuple[float, Interval, float]
"""Of a layer: its time, what the model says, and what the line says."""


def line_on_operations(times: Times, tensor: Tensor) -> float:
    """The time of a tensor by a straight line through those of others, least relative squares."""
    operations = np.array([tensor_work(other).operations for other in times], float)
    weights = 1 / np.array([*times.values()])
    columns = np.stack([weights, operations * weights], axis=1)
    fixed, each = np.linalg.lstsq(columns, np.ones(len(weights)), rcond=None)[0]
    return float(fixed + each * tensor_work(tensor).operations)


def predict_left_out(times: Times, left_out: Iterable[Tensor]) -> list[Found]:
    """What comes of the tensors that are left out of `times`, kind by kind."""
    gone, found = set(left_out), []
    for kind in sorted({kind_of(tensor) for tensor in gone}):
        kept = {t: time for t, time in times.items() if kind_of(t) == kind and t not in gone}
        model = LayerModel.fit(kept)
        for tensor in times:
            if tensor not in gone or kind_of(tensor) != kind or model is None:
                continue
            line = line_on_operations(kept, tensor)
            found.append((times[tensor], model.predict(tensor), line))
    return found


def random_parts(times: Times) -> list[list[Tensor]]:
    """All tensors in `PARTS` parts, drawn."""
    order = np.random.default_rng(1).permutation(len(times))
    tensors = [*times]
    return [[tensors[index] for index in order[part::PARTS]] for part in range(PARTS)]


def measured_times(path: Path) -> dict[str, Times]:
    """The fastest median in µs of each tensor, by platform, library and all else that differs."""
    found: dict[str, dict[Tensor, float]] = {}
    for group, own in choices_of(points(operators_only(load(path)), 1)).items():
        times = found.setdefault(" ".join(map(str, group[1:4])), {})
        for point in own:
            tensor = Tensor.parse(point.species, point.tensor)
            times[tensor] = min(point.sample.median, times.get(tensor, math.inf))
    return dict(found)


def summed(found: Sequence[Found]) -> Found:
    """A network's layers together, the ends of their intervals too."""
    times, said, lines = zip(*found, strict=True)
    ends = (sum(getattr(one, name) for one in said) for name in ("value", "low", "high"))
    return sum(times), Interval(*ends), sum(lines)


def report(name: str, what: str, found: Sequence[Found]) -> bool:
    """Print a line; whether it keeps the bars."""
    if not found:
        print(f"{name:38} {what:9}  nothing could be predicted")
        return False
    error = np.median([abs(said.value / time - 1) for time, said, _ in found])
    line = np.median([abs(by_line / time - 1) for time, _, by_line in found])
    known = [(time, said) for time, said, _ in found if math.isfinite(said.high)]
    covered = np.mean([said.low <= time <= said.high for time, said in known] or [math.nan])
    width = np.median([said.high / said.low for _, said in known] or [math.nan])
    print(f"{name:38} {what:9} {len(found):6} {error:7.1%} {covered:9.1%} {width:7.2f} {line:8.1%}")
    return bool(error <= MOST_ERROR and not covered < LEAST_COVERED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--layer-times", type=Path)
    parser.add_argument("measurements", type=Path, nargs="?")
    parser.add_argument("networks", nargs="*")
    given = parser.parse_args(arguments)
    if given.layer_times:
        tables = {given.layer_times.stem[:38]: read_layer_times(given.layer_times)}
        networks = [
            mobilenet_v1(width, size)
            for width in (0.25, 0.5, 0.75, 1.0)
            for size in (128, 160, 192, 224)
        ]
    elif given.measurements and given.networks:
        tables = measured_times(given.measurements)
        folder = HOME / "config" / "networks"
        networks = [load_network(folder / f"{name}.yaml").build() for name in given.networks]
    else:
        parser.error("name a table of measurements and its networks, or --layer-times")
    head = f"{'error':>7} {f'in {LEVEL:.0%}':>9} {'width':>7} {'line':>8}"
    print(f"{'times':38} {'left out':9} {'layers':>6} {head}")
    kept = True
    for name, times in tables.items():
        by_network = [predict_left_out(times, _tensors(network, times)) for network in networks]
        kept &= report(name, "networks", [one for found in by_network for one in found])
        report(name, "sums", [summed(found) for found in by_network if found])
        singles = [found for part in random_parts(times) for found in predict_left_out(times, part)]
        report(name, "layers", singles)
    return 0 if kept else 1


def _tensors(network: Network, times: Times) -> set[Tensor]:
    stand_ins = (network.stand_ins(layer, PADDING) for layer in network.layers)
    return {tensor for pair in stand_ins for tensor in pair if tensor in times}


if __name__ == "__main__":
    sys.exit(main())
