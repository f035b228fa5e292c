from __future__ import annotations

from dataclasses import fields

import pytest
import torch

from understudy_engine.training.studio import clips
from understudy_engine.training.studio.clips import PEOPLE, ClipBatch, render_clips
from understudy_engine.training.studio.framing import Shot
from understudy_engine.training.studio.script import write_script

FRAMES, SIZE = 3, 64
FACE, SHIRT, LOWER, SHOE = 2, 4, 6, 7
# One full body, two people, three people, something before the figures: see the fixture's checks.
SEEDS = (1_000_000, 1_000_003, 1_000_006, 1_000_008)


@pytest.fixture(scope="module")
def batch() -> ClipBatch:
    return render_clips(SEEDS, frames=FRAMES, size=SIZE)


def planes(batch: ClipBatch) -> dict[str, torch.Tensor]:
    return {f.name: value for f in fields(batch) if isinstance(value := getattr(batch, f.name), torch.Tensor)}


def test_the_clips_under_test_have_what_the_tests_are_about() -> None:
    scripts = [write_script(seed, FRAMES) for seed in SEEDS]
    assert {1, 2, 3} == {len(script.people) for script in scripts}
    assert Shot.FULL_BODY in {script.framing.shot for script in scripts}
    assert any(script.occluder.kind for script in scripts)


def test_everything_has_the_shape_it_says(batch: ClipBatch) -> None:
    count = len(SEEDS)
    for name in ("plate", "clean_plate", "truth_replace", "truth_unlit", "truth_animate"):
        assert getattr(batch, name).shape == (count, FRAMES, 3, SIZE, SIZE), name
        assert getattr(batch, name).dtype == torch.uint8, name
    for name in ("matte", "truth_matte", "animate_matte", "truth_parts"):
        assert getattr(batch, name).shape == (count, FRAMES, SIZE, SIZE), name
    assert batch.people_mattes.shape == (count, PEOPLE, FRAMES, SIZE, SIZE)
    assert batch.keypoints.shape == (count, PEOPLE, FRAMES, 133, 3)
    assert batch.face_boxes.shape == (count, FRAMES, 4)
    assert batch.expression.shape == (count, FRAMES, 8)
    assert batch.character.shape == (count, 3, SIZE, SIZE)
    assert batch.character_keypoints.shape == (count, 133, 3)
    assert batch.character_matte.shape == (count, SIZE, SIZE)
    assert batch.light.key.shape == (count, 3)
    assert batch.framing.tolist() == [write_script(seed, FRAMES).framing.shot for seed in SEEDS]


def test_a_clip_does_not_depend_on_what_else_is_in_the_batch(batch: ClipBatch) -> None:
    alone = render_clips(SEEDS[1:2], frames=FRAMES, size=SIZE)
    for name, value in planes(alone).items():
        difference = (value.double() - planes(batch)[name][1:2].double()).abs()
        assert (difference > 1).double().mean() < 1e-3, name


def test_a_longer_clip_begins_as_the_shorter_one_does(batch: ClipBatch) -> None:
    longer = render_clips(SEEDS[:2], frames=FRAMES + 2, size=SIZE)
    for name in ("plate", "truth_replace", "matte", "expression"):
        shorter = getattr(batch, name)[:2].double()
        difference = (getattr(longer, name)[:, :FRAMES].double() - shorter).abs()
        assert (difference > 1).double().mean() < 1e-3, name
    assert torch.allclose(longer.keypoints[:, :, :FRAMES], batch.keypoints[:2], atol=1e-2)


def test_the_replaced_clip_is_the_plate_outside_driver_and_character(batch: ClipBatch) -> None:
    elsewhere = (batch.matte == 0) & (batch.truth_matte == 0)
    different = (batch.plate.int() - batch.truth_replace.int()).abs().amax(dim=2) > 2
    assert elsewhere.double().mean() > 0.2
    assert not (different & elsewhere).any()


def test_the_clean_plate_shows_everybody_but_the_driver(batch: ClipBatch) -> None:
    driver, others = batch.people_mattes[:, 0], batch.people_mattes[:, 1:].amax(dim=1)
    different = (batch.plate.int() - batch.clean_plate.int()).abs().amax(dim=2) > 12
    assert different[driver == 255].double().mean() > 0.7
    assert not different[others == 255].any()


def test_what_people_cover_together_is_never_more_than_the_pixel(batch: ClipBatch) -> None:
    assert (batch.people_mattes.int().sum(dim=1) <= 255 + PEOPLE).all()
    assert torch.equal(batch.matte == 255, batch.matte > 0)
    assert ((batch.people_mattes[:, 0] > 0) <= (batch.matte > 0)).all()


def test_absent_people_leave_no_trace(batch: ClipBatch) -> None:
    for clip, seed in enumerate(SEEDS):
        count = len(write_script(seed, FRAMES).people)
        assert not batch.people_mattes[clip, count:].any()
        assert not batch.keypoints[clip, count:].any()
        assert batch.keypoints[clip, :count].any()


def test_every_second_frame_of_a_clip_is_every_second_frame_of_the_clip(batch: ClipBatch) -> None:
    halved = render_clips(SEEDS[:1], frames=2, size=SIZE, every=2)
    difference = (halved.plate.int() - batch.plate[:1, ::2].int()).abs()
    assert (difference > 1).double().mean() < 1e-3
    assert torch.allclose(halved.expression, batch.expression[:1, ::2], atol=1e-4)


def test_the_points_of_the_performing_character_lie_on_it(batch: ClipBatch) -> None:
    on_it = [0, 1, 2, 5, 6, *range(91, 133)]
    rows = 0
    for matte, points in zip(
        batch.animate_matte.flatten(0, 1), batch.truth_keypoints.flatten(0, 1), strict=True
    ):
        seen = points[on_it][points[on_it, 2] > 0]
        rows += len(seen)
        assert (matte[seen[:, 1].long(), seen[:, 0].long()] == 255).double().mean() > 0.9
    assert rows > 100


def test_the_joints_of_the_performing_character_are_the_drivers(batch: ClipBatch) -> None:
    joints = [*range(5, 17), *range(91, 133)]  # shoulders to ankles, and the hands; a face is everybody's own
    gap = batch.truth_keypoints[:, :, joints, :2] - batch.keypoints[:, 0][:, :, joints, :2]
    assert gap.abs().max() < 0.01


def test_the_nose_of_the_character_lies_on_its_face(batch: ClipBatch) -> None:
    for clip in range(len(SEEDS)):
        x, y, score = batch.character_keypoints[clip, 0].tolist()
        assert score == 1
        assert batch.character_matte[clip, int(y), int(x)] == 255


def test_parts_are_those_of_the_visible_character(batch: ClipBatch) -> None:
    assert torch.equal(batch.truth_parts > 0, batch.truth_matte > 0)
    assert {FACE, SHIRT} <= set(batch.truth_parts.unique().tolist())
    full = batch.framing == Shot.FULL_BODY
    assert {LOWER, SHOE} <= set(batch.truth_parts[full].unique().tolist())


def test_the_light_is_all_that_differs_between_lit_and_unlit_truth(batch: ClipBatch) -> None:
    inside = batch.truth_matte == 255
    difference = (batch.truth_replace.int() - batch.truth_unlit.int()).abs().amax(dim=2)
    assert not (difference[~inside] > 1).any()
    assert difference[inside].double().mean() > 4


def test_the_animated_clip_keeps_the_ground_of_the_character_picture(batch: ClipBatch) -> None:
    ground = (batch.animate_matte == 0) & (batch.character_matte == 0)[:, None]
    difference = (batch.truth_animate.int() - batch.character[:, None].int()).abs().amax(dim=2)
    assert ground.any()
    assert not (difference[ground] > 1).any()


def test_many_clips_are_drawn_in_groups_and_come_in_order(
    batch: ClipBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clips, "CLIPS_AT_ONCE", 3)
    grouped = render_clips(SEEDS, frames=FRAMES, size=SIZE)
    assert torch.allclose(grouped.keypoints, batch.keypoints, atol=1e-3)
    assert torch.equal(grouped.light.key, batch.light.key)
    assert ((grouped.character.int() - batch.character.int()).abs() <= 1).double().mean() > 0.999


def test_renders_that_nobody_wants_are_left_out(batch: ClipBatch) -> None:
    plates = render_clips(SEEDS[:1], frames=1, size=SIZE, want=frozenset(("plate", "keypoints")))
    assert torch.equal(plates.plate, batch.plate[:1, :1])
    for name in ("clean_plate", "truth_replace", "truth_animate", "truth_parts", "character"):
        assert not getattr(plates, name).any(), name


def test_drawing_is_exact_inside_a_coarse_training_run_and_leaves_its_settings_alone(
    batch: ClipBatch,
) -> None:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with torch.autocast("cpu", torch.bfloat16):
            again = render_clips(SEEDS[:1], frames=1, size=SIZE)
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
    assert torch.allclose(again.keypoints, batch.keypoints[:1, :, :1], atol=1e-3)
    (again.keypoints * torch.ones((), requires_grad=True)).sum().backward()  # may take part in training


def test_nonsense_is_refused_with_what_would_be_right() -> None:
    with pytest.raises(ValueError, match="16, 32, 48"):
        render_clips([1], frames=1, size=100)
    with pytest.raises(ValueError, match="0 seeds"):
        render_clips([], frames=1)
