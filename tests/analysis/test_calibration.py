"""The calibration's term, where the true one is known."""

from __future__ import annotations

import numpy as np
import pytest
from nntest.analysis.calibration import Summed, Term, fitted

NETWORKS = [(28, 2_500.0), (53, 4_000.0), (28, 9_000.0), (16, 20_000.0), (71, 30_000.0)]
"""Layers, and the sum over them in µs."""


def measured(layer_cost=0.0, factor=1.0, scatter=0.0, random=None, networks=NETWORKS):
    """Networks that take `factor` x their sum and `layer_cost` for each layer, and scatter."""
    errors = random.normal(0.0, scatter, len(networks)) if scatter else np.zeros(len(networks))
    return [
        Summed(layers, total, float((factor * total + layer_cost * layers) * np.exp(error)))
        for (layers, total), error in zip(networks, errors, strict=True)
    ]


@pytest.mark.parametrize("cost", [-40.0, 17.0])
def test_a_cost_for_each_layer_is_found(cost):
    term = fitted(measured(layer_cost=cost))
    assert term is not None
    assert term.by_layer
    assert term.value == pytest.approx(cost)
    assert term.networks == 5
    time = term.calibrated(10, 1_000.0)
    assert time.value == pytest.approx(1_000.0 + 10 * cost)
    assert time.interval.high == pytest.approx(time.value)


@pytest.mark.parametrize("factor", [0.6, 1.1])
def test_a_factor_of_the_sum_is_found(factor):
    term = fitted(measured(factor=factor))
    assert term is not None
    assert not term.by_layer
    assert 1 + term.value == pytest.approx(factor)
    assert term.calibrated(10, 1_000.0).value == pytest.approx(1_000.0 * factor)


def test_a_library_that_needs_no_term_gets_none_that_changes_anything():
    assert fitted(measured()).calibrated(10, 1_000.0).value == pytest.approx(1_000.0)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_networks_carry_no_term(count):
    assert fitted(measured(layer_cost=10.0)[:count]) is None


def test_a_network_that_would_take_no_time_is_not_calibrated():
    term = fitted(measured(layer_cost=-40.0))
    assert term.calibrated(100, 4_000.0) is None


def test_far_from_the_networks_of_the_fit_it_is_less_sure():
    term = Term(-10.0, by_layer=True, networks=4, variance=1e-4, weight=1e-4)
    near, far = term.calibrated(30, 10_000.0), term.calibrated(30, 1_000.0)
    assert far.variance > 2 * near.variance > 2e-4


@pytest.mark.parametrize(("cost", "factor"), [(-30.0, 1.0), (0.0, 0.7), (-5.0, 0.95)])
@pytest.mark.parametrize("others", [3, 5, 8])
def test_intervals_hold_what_the_left_out_network_takes(cost, factor, others):
    random = np.random.default_rng(others)
    trials, by_layer = 1500, 0
    held: list[bool] = []
    for _ in range(trials):
        networks = [
            (int(random.integers(16, 60)), float(np.exp(random.uniform(8, 10.5))))
            for _ in range(others + 1)
        ]
        one, *rest = measured(cost, factor, 0.03, random, networks)
        term = fitted(rest)
        by_layer += term.by_layer
        time = term.calibrated(one.layers, one.total)
        if time is not None:
            held.append(time.interval.low <= one.measured <= time.interval.high)
    assert len(held) > 0.99 * trials
    assert 0.93 <= sum(held) / len(held) <= 0.97
    assert (by_layer > trials / 2) == (cost == -30.0)
