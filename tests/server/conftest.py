"""One server for all tests that do it no harm, and what they need to start their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.support.footage import make_footage
from tests.server.support.process import Api, Server, running
from understudy_api.client import Client
from understudy_api.endpoint import read_endpoint
from understudy_api.v1 import job_pb2


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_footage(tmp_path_factory.mktemp("footage"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, footage: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("shared") / "home", footage) as server:
        yield server


@pytest.fixture
def api(server: Server) -> Iterator[Api]:
    with Api(read_endpoint(server.home)) as api:
        yield api


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client.connect(read_endpoint(server.home)) as client:
        yield client


@pytest.fixture
def animate(api: Api) -> job_pb2.JobSpec:
    """A whole job: the clip's 11 frames in three segments."""
    return animate_spec(api)


@pytest.fixture(scope="module")
def done(server: Server) -> job_pb2.Job:
    """That job, made."""
    with Api(read_endpoint(server.home)) as api:
        return api.finish(api.create(animate_spec(api)).name)


def animate_spec(api: Api, seed: int = 0) -> job_pb2.JobSpec:
    work = job_pb2.AnimateSpec(clip=api.link("clip.mkv").name, character=api.link("hero.png").name)
    work.passes.keypoints = api.link("points.json").name
    work.sampling.seed = seed
    return job_pb2.JobSpec(animate=work)
