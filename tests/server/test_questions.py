"""A process that is asked answers, is confined, and never outlives the question."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from understudy_api.v1 import media_pb2, types_pb2
from understudy_server.questions import BROKE, FOUND, REFUSED, ask
from understudy_server.settings import Limits

VIDEO = str(media_pb2.MEDIA_KIND_VIDEO)


def probed(path: Path, limits: Limits) -> tuple[int | None, bytes]:
    arguments = (str(path), VIDEO, "plate", limits.model_dump_json())
    return asyncio.run(ask("understudy_server.probe", *arguments, limit_s=30))


def test_what_is_found_and_what_is_refused_come_back_as_messages(footage: Path) -> None:
    code, answer = probed(footage / "clip.mkv", Limits())
    assert code == FOUND
    assert media_pb2.MediaAsset.FromString(answer).kind == media_pb2.MEDIA_KIND_VIDEO
    code, answer = probed(footage / "words.mov", Limits())
    assert code == REFUSED
    assert types_pb2.Status.FromString(answer).message.startswith("plate ")


def test_a_process_out_of_memory_answers_nothing(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.write(b"[")
        file.truncate(500 << 20)
    assert probed(large, Limits(probe_memory_bytes=1 << 29)) == (BROKE, b"")


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc")
def test_a_process_that_takes_too_long_is_gone_when_that_is_said(tmp_path: Path) -> None:
    endless = ("http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path))
    with pytest.raises(TimeoutError):
        asyncio.run(ask(*endless, limit_s=0.3))
    assert not [pid for pid in Path("/proc").glob("[0-9]*") if str(tmp_path) in command_line(pid)]


def command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text("utf-8", "replace")
    except OSError:  # it has ended
        return ""
