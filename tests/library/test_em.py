"""The EM loop on a step whose end, rate and log-likelihood are known."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lvmnotes.core.em import expectation_maximisation


def step_with_rate(rate):
    """Return a step towards 0 whose log-likelihood is minus the square."""
    return lambda x: (-(x**2), rate * x)


def test_last_value_of_the_trace_is_that_of_the_parameters():
    x, trace = expectation_maximisation(step_with_rate(0.9), 1.0, tol=1e-6, max_iter=1000)
    assert trace[-1] == -(x**2)
    np.testing.assert_allclose(trace, -(0.9 ** (2 * np.arange(len(trace)))), rtol=1e-12)


@pytest.mark.parametrize("rate", [0.5, 0.9, 0.99, 0.999])
def test_tolerance_bounds_what_is_left_to_gain(rate):
    """However slow the steps; the best value is zero."""
    x, _ = expectation_maximisation(step_with_rate(rate), 1.0, tol=1e-8, max_iter=100_000)
    assert x**2 <= 1e-8
    assert (x / rate) ** 2 > 0.9e-8  # and no step too many


@pytest.mark.parametrize("max_iter", [1, 2, 7])
def test_max_iter_warns_and_keeps_the_trace_whole(max_iter):
    with pytest.warns(ConvergenceWarning, match=f"EM stopped at max_iter={max_iter} with"):
        x, trace = expectation_maximisation(step_with_rate(0.9), 1.0, tol=0, max_iter=max_iter)
    assert len(trace) == max_iter + 1 and trace[-1] == -(x**2)


def test_a_start_at_the_maximum_stays():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, trace = expectation_maximisation(step_with_rate(0.9), 0.0, tol=1e-9, max_iter=10)
    assert x == 0 and not trace.any()
