"""What holds for all tests, which run side by side."""

import os

import pytest
from hypothesis import settings

# How long an example takes says nothing there: pytest-timeout ends what hangs.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than processors: many tests wait for a server, which waits for its engine."""
    return (os.cpu_count() or 1) + 1
