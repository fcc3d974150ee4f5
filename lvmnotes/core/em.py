"""The loop of expectation-maximisation, with its trace, stopping rule and warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from .validation import check_integer, check_real
from .warn import warn

Parameters = TypeVar("Parameters")


def expectation_maximisation(
    step: Callable[[Parameters], tuple[float, Parameters]],
    *starts: Parameters,
    tol: float,
    max_iter: int,
) -> tuple[Parameters, np.ndarray]:
    r"""Iterate an EM step until the estimated remaining gain is below `tol`.

    Where EM converges slowly, each step gains little, so a small last gain does not show that the
    maximum is near. The gains shrink by a nearly constant factor, so the remaining gain is the sum
    of a geometric series (Aitken's estimate, as used by Böhning et al. 1994).

    Parameters
    ----------
    step : callable
        Maps parameters to their log-likelihood and the parameters after one E- and M-step.
    *starts
        Initial parameters. From each of several, EM runs to its end; the highest end is kept.
    tol : float
        Stop when the estimated remaining gain falls below this; in the unit of the trace, the
        mean log-likelihood per sample in nats. Near the maximum the log-likelihood of N samples
        falls by half the squared distance in standard errors, so a remaining gain of
        :math:`\delta` leaves the parameters about :math:`\sqrt{2 N \delta}` standard errors away:
        there is little reason to go below 1e-4 / N.
    max_iter : int
        Largest number of steps; a kept end that reaches it warns with `ConvergenceWarning`.

    Returns
    -------
    parameters
        The last parameters.
    trace : ndarray of shape (n_iter + 1,)
        Log-likelihood of the initial parameters and after each step; the last value is that of
        the returned parameters.
    """
    if not callable(step):
        raise TypeError(f"step must be a function, got {step!r}")
    if not starts:
        raise TypeError("starts must hold initial parameters, got none")
    check_real(tol, "tol", minimum=0)
    check_integer(max_iter, "max_iter", minimum=1)
    parameters, trace = max(
        (_run(step, start, tol, max_iter) for start in starts), key=lambda end: end[1][-1]
    )
    if len(trace) > max_iter and _remaining_gain(trace) >= tol:
        warn(
            f"EM stopped at max_iter={max_iter} with an estimated {_remaining_gain(trace):.2g} "
            f"nats per sample still to gain (tol={tol:.2g}); raise max_iter or tol",
            ConvergenceWarning,
        )
    return parameters, np.array(trace)


def _run(
    step: Callable[[Parameters], tuple[float, Parameters]],
    parameters: Parameters,
    tol: float,
    max_iter: int,
) -> tuple[Parameters, list[float]]:
    """Last parameters and trace from one start, after at most `max_iter` steps."""
    trace: list[float] = []
    while True:
        log_likelihood, proposal = step(parameters)
        trace.append(log_likelihood)
        if len(trace) > max_iter or _remaining_gain(trace) < tol:
            return parameters, trace
        parameters = proposal


def _remaining_gain(trace: list[float]) -> float:
    """Sum of the geometric series that continues the last two gains; infinite while unknown."""
    if len(trace) < 3:
        return np.inf
    earlier, latest = np.diff(trace[-3:])
    if latest <= np.finfo(float).eps * abs(trace[-1]):
        return 0.0
    if not 0 < latest < earlier:
        return np.inf
    return latest**2 / (earlier - latest)
