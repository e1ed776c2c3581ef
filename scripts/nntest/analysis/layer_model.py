"""Times of layers that were not measured, from those of their species that were.

The logarithm of a layer's time is a Gaussian process over the logarithms of its operations, of the
values that it touches and of its shape: a straight line in all of them, and smooth departures from
it (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, chapter 2).
docs/layer-prediction.md has figures of it, of the line alone and of one on operations.

Its intervals do not rest on that being so.  Each measured layer is predicted from the others; how
far these are off, each in units of its own predicted deviation, says how wide an interval has to be
(conformal prediction: Lei et al., JASA 113, 2018; from left-out residuals: Barber et al., Annals of
Statistics 49, 2021).  They hold for layers that are drawn as the measured ones are; not for any.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nntest.analysis.stats import FloatArray, Interval
from nntest.domain.tensor_suffixes import POOLS
from nntest.domain.tensors import CONVOLUTIONS, Tensor
from nntest.domain.traffic import tensor_work

LEVEL = 0.9
FEWEST = 5
"""Layers that a model needs; an interval needs nine, the first number of which one can be outside.
"""
_LINE_SCALE, _DEPARTURE, _REACH, _NOISE = 2.0, 0.55, 2.0, 0.1
"""Of the prior: deviation of the line's slopes, of departures from it and of their reach, in
standard deviations of the features; deviation of a time that is no property of its layer.  Values
that differ from these by half give median errors of 4.6 to 5.9 % in docs/layer-prediction.md.
"""
_LEAST_SPREAD = 0.5
"""Of a feature that hardly differs among the measured layers, so that one that differs is far."""


def kind_of(tensor: Tensor) -> str:
    """Layers that are predicted from each other: a species; of ONNX nodes their operators."""
    return tensor.species if tensor.node is None else f"{tensor.species} {tensor.node.kind}"


def features(tensor: Tensor) -> FloatArray:
    """Logarithms of operations, of values touched, and of the shape as far as there is one."""
    work = tensor_work(tensor)
    found = [work.operations, work.weights + work.inputs + work.outputs]
    if tensor.node is None:
        channels, _, _ = tensor.in_shape
        outputs, height, width = tensor.out_shape
        windowed = tensor.species in (*CONVOLUTIONS, *POOLS)
        side, stride = (tensor.kernel, tensor.stride) if windowed else (1, 1)
        found += [height * width, channels, outputs, side**2, stride]
    logs: FloatArray = np.log(np.maximum(np.array(found, np.float64), 1.0))
    return logs


@dataclass(frozen=True)
class LayerModel:
    """Fitted to the layers of one kind on one platform and library, in one batch size."""

    measured: int
    """How many layers it is fitted to."""
    _centre: FloatArray
    _spread: FloatArray
    _places: FloatArray
    """Of the measured layers: standardised features."""
    _inverse: FloatArray
    """Of their covariance."""
    _weights: FloatArray
    _mean: float
    _factor: float
    """How many predicted deviations an interval has on each side; infinite: too few layers."""

    @classmethod
    def fit(cls, times: Mapping[Tensor, float]) -> LayerModel | None:
        """Of times in any unit by tensor; None for fewer than `FEWEST`."""
        if len(times) < FEWEST:
            return None
        raw = np.array([features(tensor) for tensor in times])
        logs = np.log(np.array([*times.values()], float))
        centre, spread = raw.mean(axis=0), np.maximum(raw.std(axis=0), _LEAST_SPREAD)
        places = (raw - centre) / spread
        covariance = _covariance(places, places) + _NOISE**2 * np.eye(len(logs))
        inverse: FloatArray = np.linalg.inv(covariance).astype(np.float64)
        mean = float(logs.mean())
        weights = inverse @ (logs - mean)
        # Each left out in turn (Rasmussen and Williams, equation 5.12): error and deviation.
        precision = np.diag(inverse)
        scores = np.sort(np.abs(weights / precision) * np.sqrt(precision))
        rank = math.ceil((len(scores) + 1) * LEVEL)
        factor = float(scores[rank - 1]) if rank <= len(scores) else math.inf
        return cls(len(logs), centre, spread, places, inverse, weights, mean, factor)

    def predict(self, tensor: Tensor) -> Interval:
        """The time of a layer with its interval at `LEVEL`; ends NaN where there are too few."""
        place = ((features(tensor) - self._centre) / self._spread)[None, :]
        shared = _covariance(place, self._places)[0]
        log = self._mean + float(shared @ self._weights)
        alone = float(_covariance(place, place)[0, 0]) + _NOISE**2
        deviation = math.sqrt(max(alone - float(shared @ self._inverse @ shared), _NOISE**2))
        if math.isinf(self._factor):
            return Interval(math.exp(log), math.nan, math.nan)
        ends = (math.exp(log + sign * self._factor * deviation) for sign in (-1, 1))
        return Interval(math.exp(log), *ends)


def _covariance(one: FloatArray, other: FloatArray) -> FloatArray:
    """Of the logarithms of times at two sets of places, without noise."""
    line = _LINE_SCALE**2 * (1 + one @ other.T)
    squares = ((one[:, None, :] - other[None, :, :]) ** 2).sum(axis=-1)
    found: FloatArray = line + _DEPARTURE**2 * np.exp(-squares / (2 * _REACH**2))
    return found
