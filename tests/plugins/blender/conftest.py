"""One server, whose engine inverts colours, for all tests of the extension's threads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.blender.support.footage import make_footage
from tests.server.support.fault import Fault
from tests.server.support.process import Server, running

ENGINE = "tests.plugins.blender.support.invert_engine:load"


@pytest.fixture(scope="package")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_footage(tmp_path_factory.mktemp("footage"))


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("served") / "home", footage, engine_factory=ENGINE) as server:
        yield server


@pytest.fixture
def fault(server: Server) -> Iterator[Fault]:
    """Halts the jobs of a test."""
    yield server.fault
    server.fault.go_on()
