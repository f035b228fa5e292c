"""The two ways find the same, and what is measured is what is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.support.people import ALONE
from understudy_engine.bench import passes
from understudy_engine.bench.found import WANTED, measured, turned_over
from understudy_engine.bench.pass_clip import SIZE, write_clip
from understudy_engine.bench.pass_ways import ENGINE, REFERENCE, Timed, timed_here
from understudy_engine.bench.passes import MARKER, lines, publish
from understudy_engine.media.read import open_clip
from understudy_engine.preprocess.nets import NetFolder
from understudy_engine.training.studio.clips import render_clips

FRAMES = 4
RUN = Timed(wall_s=2.0, cpu_s=3.0, peak_mib=500.0, before_mib=300.0, digests=("a", "b", "c", "d"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", FRAMES)


def test_the_clip_is_of_720p_in_h264(clip: Path) -> None:
    with open_clip(clip) as opened:
        assert (opened.info.size, opened.info.codec, opened.info.frame_count) == (SIZE, "h264", FRAMES)


def test_the_engine_finds_what_the_references_way_finds_to_the_bit(clip: Path) -> None:
    reference, engine = (timed_here(way, clip, 2) for way in (REFERENCE, ENGINE))
    assert reference.digests == engine.digests
    assert len(set(engine.digests)) == FRAMES  # the person moves
    assert engine.wall_s > 0
    assert engine.peak_mib >= engine.before_mib > 100


def test_figures_and_table_say_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {REFERENCE: RUN, ENGINE: replace(RUN, wall_s=1.0, digests=("a", "b", "c", "other"))}
    monkeypatch.setattr(passes, "timed", lambda way, clip, threads: runs[way])
    monkeypatch.setattr(passes, "write_clip", lambda path, frames: path)
    (tmp_path / "benchmarks.md").write_text(f"before\n{MARKER}\nold\n{MARKER}\nbehind\n", "utf-8")
    data = publish(tmp_path, frames=FRAMES, threads=2, repeats=3, clips=0)
    assert json.loads((tmp_path / "benchmarks" / "passes.json").read_text("utf-8")) == data
    assert data["speed"]["times_faster"] == 2
    assert data["speed"]["equal_frames"] == 3
    assert data["speed"][ENGINE]["peak_mib_of_8_frames"] == 500
    assert (data["conditions"]["provider"], data["conditions"]["threads"]) == ("CPUExecutionProvider", 2)
    page = (tmp_path / "benchmarks.md").read_text("utf-8")
    assert "\n".join(lines(data)) in page
    assert "old" not in page
    assert page.startswith("before")
    assert page.endswith("behind\n")


def test_accuracy_upside_down_is_of_the_same_clip_with_its_truth_turned() -> None:
    nets = NetFolder(threads=1)
    clip = render_clips([ALONE], frames=2, want=WANTED)
    torch.testing.assert_close(turned_over(turned_over(clip)).keypoints, clip.keypoints, atol=1e-4, rtol=0)
    upright, turned = measured(clip, nets), measured(turned_over(clip), nets)
    assert upright.matte_iou > 0.9
    assert turned.pose_error_percent < 2
    assert (upright.missed, turned.missed) == (0, 0)
