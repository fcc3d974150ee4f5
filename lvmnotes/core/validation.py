"""Checks of arguments. Each error names the argument, the expected value and the given value."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array

from .blocks import Blocks, Range

#: Largest integer that is exact as a float; no array is longer, and no loop needs more iterations.
LARGEST = 2**53
#: Variances of columns that vary by less have products that underflow.
SMALLEST_SPREAD = 1e-75


def check_real(
    value: Any,
    name: str,
    *,
    minimum: float = -np.inf,
    maximum: float = np.inf,
    inclusive: bool = True,
) -> float:
    """Return a finite number within bounds, or raise.

    Parameters
    ----------
    value : float
    name : str
        Name of the argument.
    minimum, maximum : float
    inclusive : bool, default True
        Whether the value may equal the minimum.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is NaN, infinite or out of bounds.
    """
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be a number, got {_shown(value)}")
    try:
        value = float(value)
    except OverflowError as error:
        raise ValueError(f"{name} must be a number that a float can hold") from error
    if not np.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    if value < minimum or value > maximum or (value == minimum and not inclusive):
        raise ValueError(f"{name} must be {_bounds(minimum, maximum, inclusive)}, got {value}")
    return value


def check_integer(
    value: Any, name: str, *, minimum: int | None = None, maximum: int = LARGEST, why: str = ""
) -> int:
    """Return an integer within bounds, or raise.

    Parameters
    ----------
    value : int
    name : str
        Name of the argument.
    minimum : int, optional
    maximum : int, default `LARGEST`
    why : str
        Reason for the bounds, as the end of the sentence "must be at most 3".

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is out of bounds.
    """
    if not isinstance(value, Integral) or isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be an integer, got {_shown(value)}")
    value = int(value)
    low = -np.inf if minimum is None else minimum
    if not low <= value <= maximum:
        high = np.inf if maximum == LARGEST and value < low else maximum
        raise ValueError(
            f"{name} must be {_bounds(low, high)}{why and ' ' + why}, got {_shown(value)}"
        )
    return value


def check_boolean(value: bool, name: str) -> bool:
    """Return True or False, or raise.

    Parameters
    ----------
    value : bool
    name : str
        Name of the argument.

    Returns
    -------
    bool
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {_shown(value)}")
    return bool(value)


def check_option(value: Any, name: str, options: Collection[str | None]) -> None:
    """Raise unless a value is one of the options.

    Parameters
    ----------
    value : str
    name : str
        Name of the argument.
    options : collection of str or None
    """
    if not isinstance(value, str | None) or value not in options:
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, options))}; got {_shown(value)}"
        )


def check_random_state(random_state) -> np.random.Generator:
    """Return a generator: a new one from None or a seed, or the given one, which advances.

    Parameters
    ----------
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    numpy.random.Generator
    """
    if isinstance(random_state, np.random.Generator):
        return random_state
    if random_state is not None:
        if not isinstance(random_state, Integral) or isinstance(random_state, bool | np.bool_):
            raise TypeError(
                f"random_state must be None, an int or a numpy.random.Generator, "
                f"got {_shown(random_state)}"
            )
        if random_state < 0:
            raise ValueError(f"random_state must be at least 0, got {_shown(random_state)}")
        random_state = int(random_state)
    return np.random.default_rng(random_state)


def check_not_masked(values: ArrayLike, name: str) -> None:
    """Raise for a masked array, whose mask numpy would ignore without a warning.

    Parameters
    ----------
    values : array_like
    name : str
        Name of the argument.
    """
    if np.ma.isMaskedArray(values):
        raise TypeError(
            f"{name} is a masked array; pass {name}.filled(np.nan) where missing entries are "
            f"allowed, or {name}.data to use the values under the mask"
        )


def check_numeric(values: ArrayLike, name: str) -> None:
    """Raise for masked arrays, complex numbers, text and dates, which numpy would read as numbers.

    Parameters
    ----------
    values : array_like
    name : str
        Name of the argument.
    """
    check_not_masked(values, name)
    dtype = getattr(values, "dtype", None)
    if not isinstance(dtype, np.dtype):
        with naming(name):
            values = np.asarray(values)
        dtype = values.dtype
    if dtype.kind == "c":
        raise ValueError(f"{name} must hold real numbers. Complex data not supported")
    if dtype.kind in "USMmV" or (
        dtype.kind == "O" and any(isinstance(value, str | bytes) for value in np.ravel(values))
    ):
        raise TypeError(f"{name} must hold numbers, got {_shown(values)}")


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Add the name of the argument to errors of numpy or scikit-learn that do not contain it.

    Parameters
    ----------
    name : str
        Name of the argument.
    """
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        if re.search(rf"\b{name}\b", str(error)):
            raise
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name}: {error}") from error


def check_matrix(
    values: ArrayLike, name: str, shape: tuple[int | None, int | None] = (None, None)
) -> np.ndarray:
    """Return a finite matrix of floats of the given shape, or raise.

    Parameters
    ----------
    values : array_like
    name : str
        Name of the argument.
    shape : tuple of two int or None
        None where any length is allowed.

    Returns
    -------
    ndarray
    """
    values = _floats(values, name, n_axes=2)
    if any(n is not None and n != m for n, m in zip(shape, values.shape, strict=True)):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{name} must have shape ({wanted}), got {values.shape}")
    return values


def check_vector(values: ArrayLike, name: str, size: int | None = None) -> np.ndarray:
    """Return a finite vector of floats of the given size, or raise.

    Parameters
    ----------
    values : array_like
    name : str
        Name of the argument.
    size : int, optional

    Returns
    -------
    ndarray
    """
    values = _floats(values, name, n_axes=1)
    if values.ndim != 1 or size not in (None, len(values)):
        wanted = "any" if size is None else size
        raise ValueError(f"{name} must have shape ({wanted},), got {values.shape}")
    return values


def check_scalar_or_vector(values: ArrayLike, name: str, size: int) -> np.ndarray:
    """Return a finite number, or a finite vector of floats of the given size, or raise.

    Parameters
    ----------
    values : array_like
    name : str
        Name of the argument.
    size : int

    Returns
    -------
    ndarray of shape () or (size,)
    """
    check_numeric(values, name)
    with naming(name):
        values = np.asarray(values, dtype=float)
    if values.shape not in ((), (size,)) or not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be a finite number or {size} of them, of shape ({size},); "
            f"got {_shown(values)}"
        )
    return values


def _floats(values: ArrayLike, name: str, n_axes: int) -> np.ndarray:
    """Return a finite array of floats with the given number of axes; fast if it already is one."""
    if (
        type(values) is np.ndarray
        and values.dtype == np.float64
        and values.ndim == n_axes
        and values.size
        and np.isfinite(values).all()
    ):
        return values
    check_numeric(values, name)
    with naming(name):
        return check_array(values, dtype=np.float64, ensure_2d=n_axes == 2, input_name=name)


def first_rows(lengths: ArrayLike | None, n_samples: int) -> np.ndarray:
    """Return which rows begin a series, given the lengths of series that follow each other.

    Parameters
    ----------
    lengths : array_like of int, shape (n_series,), optional
        One series by default.
    n_samples : int
        Number of rows of the array.

    Returns
    -------
    ndarray of bool, shape (n_samples,)
    """
    first = np.zeros(n_samples, bool)
    if lengths is None:
        first[0] = True
        return first
    values = check_vector(lengths, "lengths")
    if (values % 1 != 0).any() or (values < 1).any() or values.sum() != n_samples:
        raise ValueError(
            f"lengths must be whole numbers of at least 1 that add up to the {n_samples} rows of "
            f"X, got {_shown(lengths)}"
        )
    first[(values.cumsum() - values).astype(int)] = True
    return first


def check_symmetric(S: ArrayLike, name: str, size: int | None = None) -> np.ndarray:
    """Return a finite symmetric matrix of floats of the given size, or raise.

    Parameters
    ----------
    S : array_like of shape (n_features, n_features)
    name : str
        Name of the argument.
    size : int, optional

    Returns
    -------
    ndarray of shape (n_features, n_features)
    """
    S = check_matrix(S, name, (size, size))
    if S.shape[0] == S.shape[1]:
        if (S == S.T).all() or np.abs(S - S.T).max() <= 1e-8 * np.abs(S).max():
            return S
    raise ValueError(f"{name} must be symmetric")


def check_covariance(S: np.ndarray, name: str) -> np.ndarray:
    """Return a covariance matrix, or raise.

    It must be finite, symmetric and positive semidefinite, up to round-off.

    Parameters
    ----------
    S : ndarray of shape (n_features, n_features)
    name : str
        Name of the argument.

    Returns
    -------
    ndarray of shape (n_features, n_features)
    """
    S = check_symmetric(S, name)
    eigenvalues = np.linalg.eigvalsh(S)
    if eigenvalues[0] < -1e-8 * max(eigenvalues[-1], 0):
        raise ValueError(f"{name} must be positive semidefinite to be that of any data")
    return S


def check_scale(data: Blocks) -> None:
    """Raise if products of two variances would leave the range of floats.

    Parameters
    ----------
    data : Blocks
        Of `X`, and anything else.
    """
    X = data.total(Range.of)
    with np.errstate(over="ignore"):
        spread = X.high.astype(float) - X.low.astype(float)
    beyond = np.flatnonzero(
        (spread > 1 / SMALLEST_SPREAD) | (spread < SMALLEST_SPREAD * (spread > 0))
    )
    if beyond.size:
        raise ValueError(
            f"X varies by {spread[beyond[0]]:.1g} in column {beyond[0]}; change its units, so that "
            f"it varies by {SMALLEST_SPREAD:g} to {1 / SMALLEST_SPREAD:g}, or not at all"
        )


def constant_columns(mean: np.ndarray | float, variance: np.ndarray | float) -> np.ndarray:
    """Return the indices of the columns that are constant up to the round-off of their mean.

    The mean of N equal numbers can be wrong by a few units in the last place. A variance that
    underflows has lost its digits, and counts as zero.

    Parameters
    ----------
    mean, variance : ndarray of shape (n_features,)

    Returns
    -------
    ndarray of int
    """
    number = np.finfo(float)
    return np.flatnonzero(~(variance > np.maximum((16 * number.eps * mean) ** 2, number.tiny)))


def _bounds(minimum: float, maximum: float, inclusive: bool = True) -> str:
    """Return the bounds in words."""
    if minimum == -np.inf:
        return f"at most {maximum}"
    if maximum == np.inf:
        return f"at least {minimum}" if inclusive else f"greater than {minimum}"
    low = minimum if inclusive else f"{minimum} (excluded)"
    return f"between {low} and {maximum}"


def _shown(value) -> str:
    """Return a value as text, shortened if necessary."""
    try:
        text = repr(value)
    except Exception:  # an integer of more digits than Python writes, an object that cannot
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
