"""Warnings that point at the line of the caller's code."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

LIBRARY = str(Path(__file__).parents[1]) + os.sep


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called the library, however deep in the library the cause is.

    Parameters
    ----------
    message : str
    category : type of Warning
    """
    frame, stacklevel = sys._getframe(), 1
    while frame.f_back and frame.f_code.co_filename.startswith(LIBRARY):
        frame, stacklevel = frame.f_back, stacklevel + 1
    warnings.warn(message, category, stacklevel=stacklevel)
