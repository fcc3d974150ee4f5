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


def test_only_the_start_that_ends_highest_warns():
    """The log-likelihood has two maxima, of height 0 at 0 and of height -1 at 10."""

    def step(x):
        return (-(x**2), 0.5 * x) if x < 5 else (-1 - (x - 10) ** 2, 10 + 0.99 * (x - 10))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, trace = expectation_maximisation(step, 12.0, 1.0, 11.0, tol=1e-6, max_iter=20)
    assert x < 1e-2 and trace[0] == -1.0
    with pytest.warns(ConvergenceWarning, match="max_iter=20"):
        expectation_maximisation(step, 12.0, 11.0, tol=1e-6, max_iter=20)
    with pytest.raises(TypeError, match="starts must hold"):
        expectation_maximisation(step, tol=1e-6, max_iter=20)
