"""What the extension's zips hold."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def build() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_plugins", ROOT / "scripts" / "build_plugins.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def test_the_manifest_names_platform_and_wheels_and_stays_whole(build: ModuleType) -> None:
    text = (build.EXTENSION / "blender_manifest.toml").read_text("utf-8")
    found = tomllib.loads(build.filled(text, "linux-x64", ["a-1.whl", "b-2.whl"]))
    assert found.pop("platforms") == ["linux-x64"]
    assert found.pop("wheels") == ["./wheels/a-1.whl", "./wheels/b-2.whl"]
    assert found == build.manifest()


def test_the_manifest_keeps_the_rules_of_blenders_platform(build: ModuleType) -> None:
    manifest = build.manifest()
    assert manifest["blender_version_min"] == "4.2.0"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert len(manifest["tagline"]) <= 64
    assert set(manifest["permissions"]) == {"files", "network"}
    for reason in manifest["permissions"].values():
        assert len(reason) <= 64
        assert reason[-1].isalnum()


def test_the_copy_of_the_api_imports_nothing_by_the_apis_own_name(build: ModuleType, tmp_path: Path) -> None:
    copy = build.vendor_api(tmp_path / "_api")
    assert (copy / "client.py").is_file()
    for path in copy.rglob("*.py"):
        text = path.read_text("utf-8")
        assert "from understudy_api" not in text, path
        assert "import understudy_api" not in text, path


def test_a_zip_holds_the_manifest_at_its_top_and_no_bytecode(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    monkeypatch.setattr(build, "STAGE", tmp_path / "stage")
    folder = build.stage("linux-x64", [wheel])
    build.pack(folder, tmp_path / "understudy.zip")
    names = zipfile.ZipFile(tmp_path / "understudy.zip").namelist()
    assert {
        "blender_manifest.toml",
        "__init__.py",
        "LICENSE",
        "_api/client.py",
        f"wheels/{wheel.name}",
    } <= set(names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".pyi", ".proto"))]


def test_every_file_of_the_extension_says_its_licence(build: ModuleType) -> None:
    for path in build.EXTENSION.glob("*.py"):
        assert path.read_text("utf-8").startswith("# SPDX-License-Identifier: GPL-3.0-or-later\n"), path
