"""Which servers the extension works with."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.plugins.blender.support.extension import load

handshake = load("handshake")
errors = load("_api.errors")
MANIFEST = (
    Path(__file__).resolve().parents[3] / "plugins" / "blender" / "understudy" / "blender_manifest.toml"
)


@pytest.mark.parametrize("server", ["1.2.0", "1.3.0", "1.4.9", "1.4.0rc1"])
def test_a_server_up_to_two_minor_versions_ahead_is_used_in_silence(server: str) -> None:
    assert handshake.check(server, "1.2.0") == ""


@pytest.mark.parametrize("server", ["1.5.0", "2.0.0"])
def test_a_server_that_is_further_ahead_asks_for_a_newer_extension_in_one_sentence(server: str) -> None:
    with pytest.raises(
        errors.Unsupported, match=r"too new for this extension \(1\.2\.0\)\. Update the extension\.$"
    ):
        handshake.check(server, "1.2.0")


def test_a_server_of_an_older_major_version_asks_for_a_newer_server() -> None:
    with pytest.raises(errors.Unsupported, match=r"too old .* Update the server\.$"):
        handshake.check("1.9.0", "2.0.0")


def test_an_older_minor_version_works_and_is_told_of() -> None:
    assert handshake.check("1.1.0", "1.2.0").endswith("Update it to use everything.")
    assert "does not tell its version" in handshake.check("unknown", "1.2.0")


def test_the_extensions_version_is_the_manifests() -> None:
    assert tomllib.loads(MANIFEST.read_text("utf-8"))["version"] == handshake.VERSION
