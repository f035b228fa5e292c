"""The committed code is what the .proto files say, loads anywhere, and works under another package's name."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
API = ROOT / "proto" / "understudy_api"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_proto", ROOT / "scripts" / "generate_proto.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generating_again_gives_the_committed_files(generator: ModuleType, tmp_path: Path) -> None:
    try:
        python = generator.generator_environment()
    except generator.NoGenerator as missing:
        pytest.skip(str(missing))
    made = {path.name: path.read_bytes() for path in generator.generate(python, tmp_path)}
    committed = {path.name: path.read_bytes() for path in (API / "v1").glob("*_pb2*")}
    assert sorted(made) == sorted(committed)
    assert [name for name in made if made[name] != committed[name]] == []


def test_the_package_works_vendored_under_another_name_beside_the_original(tmp_path: Path) -> None:
    vendored = tmp_path / "some_add_on" / "_api"
    shutil.copytree(API, vendored, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "some_add_on" / "__init__.py").touch()
    check = (
        "import sys\n"
        "from some_add_on._api import client, endpoint, errors\n"
        "assert not [name for name in sys.modules if name.startswith('understudy_api')]\n"
        "from some_add_on._api.v1 import job_pb2\n"
        "assert job_pb2.Job(name='jobs/x').name == 'jobs/x'\n"
        f"sys.path.insert(0, {str(API.parent)!r})\n"
        "import understudy_api.client\n"
        "from understudy_api.v1 import job_pb2 as original\n"
        "assert original.Job().DESCRIPTOR.full_name == 'understudy_api.v1.Job'\n"
    )
    clean = [
        sys.executable,
        "-W",
        "error",
        "-I",
        "-c",
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{check}",
    ]
    subprocess.run(clean, check=True, timeout=60)


def test_the_endpoint_file_is_read_with_the_standard_library_alone() -> None:
    check = (
        f"import sys; sys.path.insert(0, {str(API.parent)!r})\n"
        "import understudy_api.endpoint, understudy_api.errors\n"
        "assert 'grpc' not in sys.modules and 'google' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-S", "-I", "-c", check], check=True, timeout=60)
