"""The API may grow and may not break: what buf says of it, and that buf would say so."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RELEASED = sorted((ROOT / "tests" / "data" / "api").glob("*.binpb"))


def breaking(folder: Path, released: Path) -> str:
    """What buf complains of in the API in *folder*, "" for nothing."""
    command = [str(Path(sys.executable).with_name("buf")), "breaking", "--against", str(released)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert not done.stderr
    assert bool(done.stdout) == bool(done.returncode)
    return done.stdout


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A copy of the API to change."""
    for proto in (ROOT / "proto").rglob("*.proto"):
        copy = tmp_path / proto.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(proto, copy)
    shutil.copy(ROOT / "buf.yaml", tmp_path)
    return tmp_path


@pytest.mark.parametrize("released", RELEASED, ids=lambda image: image.stem)
def test_the_api_breaks_no_released_version(released: Path) -> None:
    assert breaking(ROOT, released) == ""


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("  bool previews = 3;", "", "Previously present field"),
        ("  int64 after_sequence = 2;", "  int64 after_sequence = 9;", "Previously present field"),
        ("  int64 after_sequence = 2;", "  int64 from_sequence = 2;", "changed name"),
        ("  int64 after_sequence = 2;", "  string after_sequence = 2;", "changed type"),
        ("  JOB_STATE_PAUSED = 5;", "  JOB_STATE_PAUSED = 15;", "Previously present enum value"),
        ("  rpc GetJob(GetJobRequest) returns (GetJobResponse);", "", "Previously present RPC"),
    ],
)
def test_a_change_that_breaks_old_clients_is_found(
    changed: Path, before: str, after: str, complaint: str
) -> None:
    proto = changed / "proto" / "understudy_api" / "v1" / "job.proto"
    text = proto.read_text("utf-8")
    assert before in text
    proto.write_text(text.replace(before, after), "utf-8")
    assert complaint in breaking(changed, RELEASED[-1])


def test_growth_is_allowed(changed: Path) -> None:
    proto = changed / "proto" / "understudy_api" / "v1" / "model.proto"
    with proto.open("a", encoding="utf-8") as file:
        file.write("\nmessage MoreLater {\n  string name = 1;\n}\n")
    assert breaking(changed, RELEASED[-1]) == ""
