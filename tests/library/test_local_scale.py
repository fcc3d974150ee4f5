"""The covariance of the tightest part of the data, and the order of samples by distance."""

import numpy as np
import pytest

from lvmnotes.core.local_scale import KINDS, _shortest_interval, by_distance, local_covariance

rng = np.random.default_rng(1985)
WEIGHT = np.ones(4000)
MIX = np.array([[2.0, 0, 0], [1, 1, 0], [0, 0.5, 3]])


@pytest.mark.parametrize("kind", KINDS)
def test_half_of_a_gaussian_has_its_covariance(kind):
    found = local_covariance(rng.normal(size=(4000, 3)), WEIGHT, 0.5, kind)
    truth = {"full": np.eye(3), "diag": np.ones(3), "spherical": 1.0}[kind]
    np.testing.assert_allclose(found, truth, atol=0.3)  # four standard errors of other draws


def test_it_does_not_depend_on_what_is_far_away():
    X = rng.normal(size=(4000, 3))
    near = local_covariance(X, WEIGHT, 0.2, "full")
    X[np.argsort((X**2).sum(axis=1))[-1000:]] *= 1e3
    np.testing.assert_allclose(local_covariance(X, WEIGHT, 0.2, "full"), near, rtol=1e-9)


def test_units_and_turns_change_it_as_they_change_the_data():
    X = rng.normal(size=(4000, 3)) @ MIX.T
    units = np.array([1e-3, 1.0, 1e3])
    diagonal = local_covariance(X, WEIGHT, 0.25, "diag")
    of_units = local_covariance(X * units, WEIGHT, 0.25, "diag")
    np.testing.assert_allclose(of_units, diagonal * units**2, rtol=1e-6)
    full = local_covariance(X, WEIGHT, 0.25, "full")
    of_units = local_covariance(X * units, WEIGHT, 0.25, "full")
    np.testing.assert_allclose(of_units, full * np.outer(units, units), rtol=1e-6)
    spherical = local_covariance(X, WEIGHT, 0.25, "spherical")
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    of_turn = local_covariance(1e3 * X @ turn, WEIGHT, 0.25, "spherical")
    np.testing.assert_allclose(of_turn, 1e6 * spherical, rtol=1e-6)


def test_a_full_covariance_takes_as_many_samples_as_it_needs():
    X = rng.normal(size=(100, 3))
    least = local_covariance(X, np.ones(100), 0.07, "full")
    np.testing.assert_array_equal(local_covariance(X, np.ones(100), 0.01, "full"), least)
    assert not np.array_equal(local_covariance(X, np.ones(100), 0.3, "full"), least)


def test_repeated_values_are_no_scale():
    """The share is doubled until it holds different values."""
    X = np.column_stack([np.r_[np.full(60, -5.0), rng.normal(size=40)], rng.normal(size=100)])
    found = local_covariance(X, np.ones(100), 0.1, "diag")
    assert (found > 0).all() and np.isfinite(found).all()
    assert local_covariance(np.full((9, 2), -5.0), np.ones(9), 0.5, "diag") is None


def test_the_shortest_interval_gives_way_to_the_range_where_values_repeat():
    assert _shortest_interval(np.r_[np.full(8, 10.0), 13], np.ones(9), 0.4) == 3
    assert _shortest_interval(np.full(9, 10.0), np.ones(9), 0.4) == 1
    assert _shortest_interval(np.array([3.0, 0, 10, 1]), np.ones(4), 0.5) == 1


def test_samples_are_ordered_by_their_distance_in_the_metric_of_all():
    X = rng.normal(size=(4000, 3)) @ MIX.T
    order, metric = by_distance(X, WEIGHT, np.eye(3))
    Z = X - X.mean(axis=0)
    np.testing.assert_allclose(metric, Z.T @ Z / 4000, rtol=1e-12)
    squared = np.einsum("ni,ij,nj->n", Z, np.linalg.inv(metric), Z)[order]
    assert (np.diff(squared) > -1e-5 * squared.max()).all()
