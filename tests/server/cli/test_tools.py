"""doctor, models, help, and the page about the protocol."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.tiny import TINY
from tests.support.weights import pack_model
from understudy_api import errors as api
from understudy_api.errors import InvalidRequest
from understudy_api.status import status_error
from understudy_engine.model.configs import NANO
from understudy_engine.weights.installed import find_weights, notice_of
from understudy_server import errors as server
from understudy_server.cli.exits import Exit, exit_code
from understudy_server.cli.progress import rate_text
from understudy_server.cli.serve import roots
from understudy_server.cli.specs import find_passes
from understudy_server.cli.words import CodecName, codec_of, frame_range

from .conftest import Understudy

PAGE = Path(__file__).resolve().parents[3] / "docs" / "protocol.md"


def test_doctor_examines_everything_and_says_whether_it_is_ready(understudy: Understudy) -> None:
    said = understudy("doctor", "--json")
    topics = {finding["topic"] for finding in said.json["findings"]}
    assert topics >= {"Python", "PyTorch", "Model", "Video", "Disk", "Data folder", "Server"}
    missing = [finding for finding in said.json["findings"] if finding["verdict"] == "missing"]
    assert said.json["ready"] == (not missing)
    assert said.code == (1 if missing else 0)
    assert all(finding["advice"] for finding in missing)


def test_doctor_finds_weights_that_are_not_as_they_were_packed(understudy: Understudy, home: Path) -> None:
    folder = pack_model(TINY, home / "models" / "nano", loras=False)
    assert "nano, files, 4 files as they were packed" in understudy("doctor").out
    size = (folder / "vae.safetensors").stat().st_size
    (folder / "vae.safetensors").write_bytes(b"torn")
    said = understudy("doctor", "--json")
    [found] = [finding for finding in said.json["findings"] if finding["topic"] == "Model"]
    assert (said.code, found["verdict"]) == (1, "missing")
    assert f"vae.safetensors is truncated to 4 of {size} bytes" in found["advice"]


def test_serve_models_and_doctor_show_the_honest_line(served: Understudy, server_home: Path) -> None:
    models = {model["name"]: model for model in served("models", "--json").json["models"]}
    assert models["nano"]["is_default"]
    assert "wan2.2-animate-14b" in models
    notice = notice_of(NANO, find_weights(NANO.name))
    assert models["nano"]["notice"] == notice
    assert notice in served("models").err
    assert notice in served("doctor").out
    assert notice in (server_home / "server.log").read_text().replace("\n", " ")


def test_a_server_is_not_started_for_a_model_that_is_not_here(understudy: Understudy, home: Path) -> None:
    said = understudy("serve", "--model", "wan2.2-animate-14b")
    assert said.code == 2
    assert f"at {home / 'models' / 'wan2.2-animate-14b'}" in said.err


@pytest.mark.parametrize("command", ["replace", "animate", "serve", "demo", "doctor", "models", "jobs"])
def test_every_command_has_help(understudy: Understudy, command: str) -> None:
    said = understudy(command, "--help")
    assert said.code == 0
    assert said.out.strip()


@pytest.mark.parametrize(
    ("text", "frames"), [("10:50", (10, 50)), (":50", (0, 50)), ("10:", (10, 99)), (":", (0, 99))]
)
def test_a_range_may_leave_out_either_end(text: str, frames: tuple[int, int]) -> None:
    assert frame_range(text, 99) == frames


@pytest.mark.parametrize("text", ["", "10", "10-50", "a:b", "1:2:3"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="10:50"):
        frame_range(text, 99)


def test_the_suffix_chooses_the_codec_unless_one_is_named() -> None:
    assert codec_of(Path("a.MP4"), None) is CodecName.H264
    assert codec_of(Path("frames"), None) is CodecName.PNG
    assert codec_of(Path("a.mov"), CodecName.H264) is CodecName.H264


def test_rates_are_shown_as_editors_write_them() -> None:
    assert (rate_text(24, 1), rate_text(24000, 1001), rate_text(30000, 1001)) == ("24", "23.976", "29.970")


def test_passes_are_found_by_name(tmp_path: Path) -> None:
    for name in ("keypoints.json", "matte.mov", "notes.txt"):
        (tmp_path / name).touch()
    assert find_passes(tmp_path) == {
        "keypoints": tmp_path / "keypoints.json",
        "matte": tmp_path / "matte.mov",
    }


def test_the_references_own_folder_is_understood(tmp_path: Path) -> None:
    for name in ("src_pose.mp4", "src_face.mp4", "src_mask.mp4", "src_bg.mp4", "src_ref.png"):
        (tmp_path / name).touch()
    assert set(find_passes(tmp_path)) == {"pose", "face", "matte", "background"}


def test_a_folder_without_passes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    with pytest.raises(InvalidRequest, match="keypoints"):
        find_passes(tmp_path)


def test_two_roots_of_the_same_name_get_two_ids(tmp_path: Path) -> None:
    (tmp_path / "a" / "Plates").mkdir(parents=True)
    (tmp_path / "b" / "Plates").mkdir(parents=True)
    found = roots([tmp_path / "a" / "Plates", tmp_path / "b" / "Plates"])
    assert found["plates"].path == tmp_path / "a" / "Plates"
    assert found["plates-2"].path == tmp_path / "b" / "Plates"


def test_exit_codes_follow_the_error() -> None:
    assert exit_code(api.Busy("")) is Exit.SERVER_AWAY
    assert exit_code(api.OutOfMemory("")) is Exit.JOB_FAILED
    assert exit_code(api.PathRefused("")) is Exit.BAD_INPUT
    assert exit_code(api.Internal("")) is Exit.DEFECT


def test_the_protocol_page_lists_every_reason_with_its_code_and_class() -> None:
    rows = re.findall(r"^\| ([A-Z_, ]+) \| ([A-Z_]+) \| (\w+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    listed = {reason: (code, kind) for reasons, code, kind in rows for reason in reasons.split(", ")}
    assert listed.pop("INTERNAL") == ("INTERNAL", "Internal")
    sent = {}
    for kind in server.TABLE:
        status = server.to_status(_made(kind))
        error = status_error(status)
        sent[error.reason] = (server.code_of(status).name, type(error).__name__)
    assert listed == sent


def _made(kind: type[Exception]) -> Exception:
    return kind("Said.")
