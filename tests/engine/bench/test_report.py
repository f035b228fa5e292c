"""The whole table on a model of a few thousand parameters: that every row is made as its name says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.support.tiny import TINY
from tests.support.weights import pack_model
from understudy_engine.bench import rows
from understudy_engine.bench.clip import Clip, build_clip, clip_frames
from understudy_engine.bench.gallery import result_of, write_page
from understudy_engine.bench.material import write_material
from understudy_engine.bench.report import lines, run
from understudy_engine.bench.rows import NO_FOUR_STEPS, NO_RELIGHTING, ROWS, UNTRAINED, Made, Rig
from understudy_engine.bench.station import Setup
from understudy_engine.training.measure.baselines import copy_paste
from understudy_engine.training.measure.figures import METRICS, measure, truth_of
from understudy_engine.training.measure.likeness import background_change, person_region
from understudy_engine.training.studio.clips import render_clips
from understudy_engine.types import SwapRequest

SIZE = 64


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig(TINY, "stand-in")


@pytest.fixture(scope="module")
def clip(rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> Clip:
    batch = render_clips([100], frames=2 * TINY.segment_frames - 1, size=SIZE)
    material = write_material(batch, 0, tmp_path_factory.mktemp("clip"))
    return build_clip(rig.engine, batch, 0, material, seed=100)


@pytest.fixture(scope="module")
def made(rig: Rig, clip: Clip) -> Mapping[str, Made]:
    return {name: row.make(rig, clip) for name, row in ROWS.items() if name != "four_step"}


def test_every_row_gives_every_frame(made: Mapping[str, Made], clip: Clip) -> None:
    for name, result in made.items():
        assert result.frames.shape == clip.truth.result.shape, name
        assert 0 <= result.frames.min() <= result.frames.max() <= 1, name


def test_a_part_that_is_switched_off_changes_the_result(made: Mapping[str, Made]) -> None:
    full = made["full_model"].frames
    for name in ("no_face_adapter", "no_temporal_guidance", "no_pose"):
        assert not torch.equal(made[name].frames, full), name


def test_without_relighting_the_lora_has_no_strength(
    rig: Rig, clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[SwapRequest] = []
    monkeypatch.setattr(rows, "render", lambda engine, request: asked.append(request))
    for name in ("full_model", "no_relighting"):
        ROWS[name].make(rig, clip)
    assert [request.relight_strength for request in asked] == [1, 0]
    assert replace(asked[1], relight_strength=1.0) == asked[0]


def test_without_guidance_the_first_segment_is_as_ever(made: Mapping[str, Made], clip: Clip) -> None:
    full, alone = made["full_model"].frames, made["no_temporal_guidance"].frames
    first, second = clip.delivered
    assert torch.equal(alone[: first.stop], full[: first.stop])
    assert not torch.equal(alone[second.start :], full[second.start :])


def test_a_segment_that_nobody_is_in_stays_the_plate(rig: Rig, tmp_path: Path) -> None:
    batch = render_clips([100], frames=2 * TINY.segment_frames - 1, size=SIZE)
    batch.matte[:, TINY.segment_frames - 1 :] = 0
    left = build_clip(rig.engine, batch, 0, write_material(batch, 0, tmp_path), seed=100)
    start = left.delivered[1].start
    made = ROWS["no_temporal_guidance"].make(rig, left).frames
    assert torch.equal(made[start:], left.truth.plate[start:])
    assert not torch.equal(made[:start], left.truth.plate[:start])


def test_the_truth_in_the_hole_loses_only_what_the_matte_hides(made: Mapping[str, Made], clip: Clip) -> None:
    whole, seen = made["truth"].frames, made["truth_in_hole"].frames
    assert torch.equal(whole, clip.truth.result)
    grown = person_region(clip.truth.driver_matte, 9)[:, None].expand_as(whole)
    assert torch.equal(seen[grown], whole[grown])
    assert torch.equal(seen[~grown], clip.truth.plate[~grown])


def test_a_row_leaves_the_model_as_it_was(rig: Rig, clip: Clip, made: Mapping[str, Made]) -> None:
    assert torch.equal(ROWS["full_model"].make(rig, clip).frames, made["full_model"].frames)


def test_outside_the_mattes_every_row_is_the_plate(made: Mapping[str, Made], clip: Clip) -> None:
    mattes = torch.stack([clip.truth.matte, clip.truth.driver_matte])
    for name in ("full_model", "no_pose", "vae_round_trip"):
        assert background_change(made[name].frames, clip.truth.plate, mattes) < 0.01, name


def test_copy_and_paste_is_nowhere_near_the_truth() -> None:
    """On real clips: the yardstick must tell a cut-out from a swap."""
    found = []
    for seed in (101, 103):
        batch = render_clips([seed], frames=1, size=128)
        found.append(measure(copy_paste(batch, 0), truth_of(batch, 0)))
    for figures in found:
        assert figures["person_ssim"] is not None
        assert figures["relight_delta_e"] is not None
        assert figures["person_ssim"] < 0.6
        assert figures["relight_delta_e"] > 5


def test_the_table_has_what_could_be_made_and_names_what_could_not(tmp_path: Path) -> None:
    gallery = tmp_path / "gallery"
    told: list[str] = []
    report = run(Setup(spec=TINY, weights="stand-in", size_px=SIZE, gallery=gallery), 1, tell=told.append)
    data = json.loads(json.dumps(report.as_data()))
    assert data["rows"]["full_model"]["skipped"] == UNTRAINED
    assert set(data["rows"]["copy_paste"]["figures"]) == set(METRICS)
    assert data["conditions"]["clips"] == 1
    assert told == ["clip 1 of 1"]
    table = lines(report)
    assert sum("copy and paste" in line for line in table) == 1
    assert f"Not made: full model ({UNTRAINED})." in table

    shown = result_of([name for name, row in report.rows.items() if not row.skipped])
    page = write_page(gallery, report.shown, shown, report.conditions).read_text()
    assert 'the row "copy and paste"' in page
    assert "gallery/100.jpg" in page
    assert (gallery / "100.jpg").stat().st_size > 1000
    assert (gallery / "100.mp4").stat().st_size > 1000


def test_four_steps_are_made_by_the_same_model_which_stays_as_it_was(clip: Clip, tmp_path: Path) -> None:
    quick = Rig(TINY, pack_model(TINY, tmp_path))
    full, four_step = ROWS["full_model"], ROWS["four_step"]
    before = full.make(quick, clip).frames
    assert not torch.equal(four_step.make(quick, clip).frames, before)
    assert torch.equal(full.make(quick, clip).frames, before)


def test_rows_are_lacking_by_what_the_weights_bring(tmp_path: Path) -> None:
    whole = Setup(spec=TINY, weights=pack_model(TINY, tmp_path / "whole"))
    assert set(whole.lacking().values()) == {""}
    plain = Setup(spec=TINY, weights=pack_model(TINY, tmp_path / "plain", loras=False)).lacking()
    assert {name: reason for name, reason in plain.items() if reason} == {
        "four_step": NO_FOUR_STEPS,
        "no_relighting": NO_RELIGHTING,
    }


def test_one_clip_in_eight_is_five_segments_long() -> None:
    lengths = [clip_frames(number, 17) for number in range(9)]
    assert lengths == [81, *[33] * 7, 81]
