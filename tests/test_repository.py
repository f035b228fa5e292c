"""What must hold for the repository as a whole: what may be in it, what it needs, that its parts agree."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from packaging.requirements import Requirement

from understudy_engine.weights.installed import PACKAGED

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto" / "understudy_api" / "v1"
CORE = ("model", "weights", "attention", "ops", "offload", "diffusion", "training")
FOR_CARDS = (
    "understudy_engine.ops.triton_kernels"  # a CPU's torch has no Triton, and nothing imports this there
)
BEYOND_THE_CORE = (
    "av",
    "cv2",
    "diffusers",
    "google",
    "grpc",
    "onnxruntime",
    "platformdirs",
    "pydantic",
    "rich",
    "tokenizers",
    "transformers",
    "typer",
    "understudy_api",
    "understudy_server",
)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """Files that git knows and that are still there."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    return [path for name in names.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    metadata: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return metadata


def test_no_tracked_file_names_a_path_of_this_machine_or_a_package_index(tracked: list[Path]) -> None:
    shared_by_all = {Path("/"), Path(tempfile.gettempdir())}
    places = {ROOT, ROOT.parent, Path.home()} - shared_by_all
    unwanted = [re.escape(f"{place}/") for place in places]
    unwanted += ["index[-_]url", "find[-]links", "/simple[/]", r"registry\s*=\s*[\"']?http"]
    pattern = re.compile("|".join(unwanted).encode())
    found = {path.relative_to(ROOT): hit[0] for path in tracked if (hit := pattern.search(path.read_bytes()))}
    assert found == {}


def test_tracked_files_stay_under_48_mib_together(tracked: list[Path]) -> None:
    assert sum(path.stat().st_size for path in tracked) < 48 * 2**20


def test_nanos_weights_are_in_the_wheel(tracked: list[Path]) -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    names = [path.relative_to(ROOT).as_posix() for path in tracked if path.parent == PACKAGED["nano"]]
    assert "engine/understudy_engine/nano/vae.safetensors" in names
    for name in names:
        assert name.startswith(tuple(f"{package}/" for package in built["packages"]))
        assert not name.startswith(tuple(built["exclude"]))


def test_the_core_of_the_engine_imports_with_torch_numpy_and_safetensors_alone() -> None:
    """GPU machines have nothing else."""
    script = f"""
import importlib, pkgutil, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BEYOND_THE_CORE!r}:
            raise ImportError(name + " does not belong to the core")

sys.meta_path.insert(0, Refuse())
import understudy_engine

for folder in {CORE!r}:
    try:
        package = importlib.import_module("understudy_engine." + folder)
    except ModuleNotFoundError as error:
        if error.name != "understudy_engine." + folder:
            raise
        continue
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name != {FOR_CARDS!r}:
            importlib.import_module(module.name)
            print(module.name)

importlib.import_module("understudy_engine.bench.speed.__main__")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "understudy_engine.model.configs" in done.stdout.split()


def test_the_generated_code_says_what_the_proto_files_say() -> None:
    buf = str(Path(sys.executable).with_name("buf"))
    build = [
        buf,
        "build",
        "--as-file-descriptor-set",
        "--exclude-imports",
        "--exclude-source-info",
        "-o",
        "-",
    ]
    files = FileDescriptorSet.FromString(
        subprocess.run(build, cwd=ROOT, capture_output=True, check=True).stdout
    ).file
    assert sorted(Path(file.name).name for file in files) == sorted(
        path.name for path in PROTO.glob("*.proto")
    )
    for file in files:
        module = importlib.import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
        generated = FileDescriptorProto.FromString(module.DESCRIPTOR.serialized_pb)
        assert without_json_names(generated) == without_json_names(file), f"{file.name}: run `make proto`"


def without_json_names(file: FileDescriptorProto) -> FileDescriptorProto:
    """buf writes every field's JSON name, protoc only those that differ from the rule."""
    messages = list(file.message_type)
    while messages:
        message = messages.pop()
        messages.extend(message.nested_type)
        for field in message.field:
            field.ClearField("json_name")
    return file


def test_every_dependency_is_pinned_to_a_version_that_metadata_allows(project: dict[str, Any]) -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    wanted = [Requirement(text) for text in [*project["dependencies"], *groups["dev"]]]
    assert {requirement.name for requirement in wanted} == set(pins)
    refused = [str(item) for item in wanted if not item.specifier.contains(pins[item.name])]
    assert refused == []


def test_the_version_is_the_same_wherever_it_is_written(project: dict[str, Any]) -> None:
    version = project["version"]
    changelog = re.search(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert changelog is not None
    assert changelog[1] == version
    manifest = next((ROOT / "plugins/blender").rglob("blender_manifest.toml"))
    assert tomllib.loads(manifest.read_text("utf-8"))["version"] == version


def test_the_licenses_are_apache_and_for_the_blender_extension_gpl(project: dict[str, Any]) -> None:
    assert project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text("utf-8")
    gpl = (ROOT / "plugins/blender/LICENSE").read_text("utf-8")
    assert "GNU GENERAL PUBLIC LICENSE\n                       Version 3" in gpl


def test_ci_runs_make_test_and_nothing_else() -> None:
    lines = (ROOT / ".ci/run").read_text("utf-8").splitlines()
    assert lines[-1] == "exec make test"
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
