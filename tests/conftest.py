"""What all tests share: one thread per process, as where the book is built, and slow tests."""

import os

import hypothesis
import pytest

# Set before numpy reads it; notebook kernels inherit it.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")


# A loaded machine is no failure.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_addoption(parser):
    """Add the option that `make test-all` gives."""
    parser.addoption("--slow", action="store_true", help="run the slow tests, too")


def pytest_configure(config):
    """Declare the marker of slow tests."""
    config.addinivalue_line("markers", "slow: takes minutes; only with --slow")


def pytest_collection_modifyitems(config, items):
    """Skip slow tests unless they are asked for."""
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow; only with --slow"))
